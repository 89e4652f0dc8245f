# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Probes: what is asked of ping, how its words are read, and how long a link may take to come up."""

from __future__ import annotations

import typing as t
from collections.abc import Sequence

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._node.probe import ping
from ansible_collections.intercloud.vpn.plugins.module_utils._node.probe.application import chosen_source
from ansible_collections.intercloud.vpn.plugins.module_utils._node.probe.ping import (
    Answer,
    Ping,
    command,
    parse,
    probe,
    probe_all,
)

UP = """\
PING 100.64.0.66 (100.64.0.66) 56(84) bytes of data.
64 bytes from 100.64.0.66: icmp_seq=1 ttl=60 time=1.20 ms

--- 100.64.0.66 ping statistics ---
3 packets transmitted, 3 received, 0% packet loss, time 402ms
rtt min/avg/max/mdev = 0.900/1.206/1.800/0.300 ms
"""
DOWN = """\
PING 100.64.0.66 (100.64.0.66) 56(84) bytes of data.

--- 100.64.0.66 ping statistics ---
3 packets transmitted, 0 received, 100% packet loss, time 402ms

"""
REFUSED = """\
PING 100.64.0.66 (100.64.0.66) 56(84) bytes of data.
From 192.168.1.1 icmp_seq=1 Destination Host Unreachable
From 192.168.1.1 icmp_seq=2 Packet filtered

--- 100.64.0.66 ping statistics ---
2 packets transmitted, 0 received, +2 errors, 100% packet loss, time 206ms

"""
TOO_LONG = """\
PING 100.64.0.66 (100.64.0.66) 1372(1400) bytes of data.
ping: local error: message too long, mtu=1280

--- 100.64.0.66 ping statistics ---
1 packets transmitted, 0 received, +1 errors, 100% packet loss, time 0ms

"""


@pytest.mark.parametrize(
    ("code", "output", "answer"),
    [
        pytest.param(0, UP, Answer(3, 3, 1.21), id="answered"),
        pytest.param(1, DOWN, Answer(3, 0), id="silence"),
        pytest.param(1, REFUSED, Answer(2, 0, reason="Packet filtered"), id="a router refuses"),
        pytest.param(1, TOO_LONG, Answer(1, 0, reason="message too long, mtu=1280"), id="too long for the device"),
        pytest.param(2, "ping: connect: No route to host\n", Answer(reason="No route to host"), id="no route"),
        pytest.param(2, "ping: Do you want to ping broadcast? …", Answer(reason="Permission denied"), id="prohibited"),
        pytest.param(
            2,
            "ping: bind: Cannot assign requested address\n",
            Answer(error="ping: bind: Cannot assign requested address"),
            id="the source address is not here",
        ),
        pytest.param(127, "", Answer(error="ping ended with code 127"), id="nothing at all"),
    ],
)
def test_reads_what_ping_says(code: int, output: str, answer: Answer) -> None:
    assert parse(code, output) == answer


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ({"address": "100.64.0.66"}, "ping -4 -n -c 3 100.64.0.66"),
        ({"address": "100.64.0.66", "source": "100.64.0.17"}, "ping -4 -n -c 3 -I 100.64.0.17 100.64.0.66"),
        ({"address": "fd00::66", "source": "fd00::17"}, "ping -6 -n -c 3 -I fd00::17 fd00::66"),
    ],
)
def test_the_command(target: dict[str, t.Any], words: str) -> None:
    assert " ".join(command(target, "-c", "3")) == words


class Network:
    """Answers pings after `down` of them; remembers the commands."""

    def __init__(self, down: int = 0, full_size: str = UP) -> None:
        self.down = down
        self.full_size = full_size
        self.commands: list[str] = []

    def __call__(self, command: Sequence[str], timeout: float) -> tuple[int, str]:
        self.commands.append(" ".join(command))
        if "-s" in command:
            return 0, self.full_size
        return (1, DOWN) if len(self.commands) <= self.down else (0, UP)


WANTED = {"address": "100.64.0.66", "expect": "reachable", "vpn": "payroll", "dst": "vm1-west", "kind": "member"}
FORBIDDEN = {**WANTED, "expect": "unreachable"}
QUICK = Ping(settle=0.05)


def test_what_the_target_says_comes_back() -> None:
    record = probe(WANTED, QUICK, Network())
    assert record.items() >= WANTED.items()
    assert (record["sent"], record["received"], record["loss"], record["rtt_ms"]) == (3, 3, 0.0, 1.21)
    assert record["settled_after_ms"] is None


def test_a_link_that_comes_up_late_is_waited_for() -> None:
    network = Network(down=1)
    record = probe(WANTED, Ping(settle=5), network)
    assert (record["received"], record["settled_after_ms"] is not None) == (3, True)
    assert "-w 5" in network.commands[1]


def test_waiting_has_an_end() -> None:
    record = probe(WANTED, QUICK, Network(down=1000))
    assert (record["received"], record["loss"], record["settled_after_ms"]) == (0, 100.0, None)


def test_nobody_waits_for_what_must_not_answer() -> None:
    network = Network(down=1000)
    probe(FORBIDDEN, Ping(settle=5), network)
    assert len(network.commands) == 1


@pytest.mark.parametrize(
    ("address", "full_size", "payload", "ok", "reason"),
    [
        ("100.64.0.66", UP, 1372, True, None),
        ("fd00::66", UP, 1352, True, None),
        ("100.64.0.66", DOWN, 1372, False, None),
    ],
)
def test_a_packet_of_full_size(address: str, full_size: str, payload: int, ok: bool, reason: str | None) -> None:
    network = Network(full_size=full_size)
    record = probe({**WANTED, "address": address, "mtu": 1400}, QUICK, network)
    assert any(f"-M do -s {payload} {address}" in command for command in network.commands)
    assert (record["mtu_ok"], record["mtu_reason"]) == (ok, reason)


@pytest.mark.parametrize(("lost", "ok"), [(4, True), (5, False)])
def test_one_that_is_lost_on_the_way_is_sent_again_a_few_times(lost: int, ok: bool) -> None:
    said = iter([UP, *[DOWN] * lost, UP, *[DOWN] * 20])
    assert probe({**WANTED, "mtu": 1400}, QUICK, lambda _command, _timeout: (0, next(said)))["mtu_ok"] is ok


def test_what_passes_instead_is_found() -> None:
    def run(command: Sequence[str], _timeout: float) -> tuple[int, str]:
        size = int(command[command.index("-s") + 1]) + 28 if "-s" in command else 0
        return (1, DOWN) if size > 1234 else (0, UP)

    record = probe({**WANTED, "address": "100.64.0.66", "mtu": 1400}, QUICK, run)
    assert (record["mtu_ok"], 1230 <= record["mtu_fits"] <= 1234) == (False, True)


@pytest.mark.parametrize(
    ("chosen", "answers", "ok", "reason"),
    [
        (("100.64.0.17", None), True, True, None),
        (("192.168.1.11", None), True, False, "packets leave from 192.168.1.11, not from 100.64.0.17"),
        ((None, "Network is unreachable"), True, False, "Network is unreachable"),
        (("100.64.0.17", None), False, False, "no answer"),
    ],
)
def test_what_an_application_would_find(
    monkeypatch: pytest.MonkeyPatch,
    chosen: tuple[str | None, str | None],
    answers: bool,
    ok: bool,
    reason: str | None,
) -> None:
    """A probe binds the VPN address. Applications do not: `ip rule` may lead them elsewhere."""

    def run(command: Sequence[str], _timeout: float) -> tuple[int, str]:
        return (0, UP) if "-I" in command or answers else (1, DOWN)

    monkeypatch.setattr(ping, "chosen_source", lambda _address: chosen)
    record = probe({**WANTED, "source": "100.64.0.17"}, QUICK, run)
    assert (record["application_ok"], record["application_reason"]) == (ok, reason)
    assert record["received"] == 3


def test_the_kernel_tells_the_source_that_it_would_choose() -> None:
    assert chosen_source("127.0.0.2") == ("127.0.0.1", None)
    assert chosen_source("255.255.255.255")[1] == "Permission denied"


@pytest.mark.parametrize("said", [TOO_LONG, TOO_LONG.replace("mtu=", "mtu: ")], ids=["IPv4", "IPv6"])
def test_a_gateway_may_say_how_much_it_takes(said: str) -> None:
    def run(command: Sequence[str], _timeout: float) -> tuple[int, str]:
        size = int(command[command.index("-s") + 1]) + 28 if "-s" in command else 0
        return (1, said) if size > 1280 else (0, UP)

    record = probe({**WANTED, "address": "100.64.0.66", "mtu": 1400}, QUICK, run)
    assert (record["mtu"], record["mtu_ok"]) == (1280, True)


def test_nothing_answers_no_packet_of_full_size() -> None:
    assert probe({**WANTED, "mtu": 1400}, QUICK, Network(down=1000))["mtu_ok"] is None


def test_records_keep_the_order_of_the_targets() -> None:
    targets = [{**WANTED, "address": f"100.64.0.{number}"} for number in range(100)]
    assert [record["address"] for record in probe_all(targets, QUICK, Network())] == [t["address"] for t in targets]


@pytest.mark.parametrize("target", [{"address": "100.64.0.66"}, {"expect": "reachable"}, {**WANTED, "expect": "maybe"}])
def test_a_target_must_be_whole(target: dict[str, t.Any]) -> None:
    with pytest.raises(ValueError, match=r"targets\[1\]"):
        probe_all([WANTED, target], QUICK, Network())


def test_the_real_ping_reaches_the_loopback() -> None:
    targets = [{"address": "127.0.0.1", "expect": "reachable", "mtu": 1400}]
    targets.append({"address": "127.0.0.1", "source": "192.0.2.1", "expect": "unreachable"})
    up, no_source = probe_all(targets, QUICK)
    if up["error"]:
        pytest.skip(up["error"])
    assert (up["sent"], up["received"], up["mtu_ok"]) == (3, 3, True)
    assert "assign" in no_source["error"]
