# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is told as a duplicate: frames on a wire, the table in the kernel, and what is read of it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.intercloud.vpn.plugins.module_utils._node.document import Document, Generation
from ansible_collections.intercloud.vpn.plugins.module_utils._node.stretch import astray, frames, told
from ansible_collections.intercloud.vpn.tests.testinfra import frames as wire

EAST, WEST, STRANGER, GATEWAY, OWN = (f"02:00:5e:10:00:0{number}" for number in range(1, 6))
LOCAL = "fe80::1"  # of the member at the other site, and of routers
HERE = told.Member("vm3-east", EAST, ("10.10.0.13", "fd10:10::13", "fe80::13"))
THERE = told.Member("vm3-west", WEST, ("10.10.0.23", "fd10:10::23", LOCAL), "100.64.0.65")
ROUTER = "fd10:10::1"
ONE = told.Stretch(
    vpn="web-tier",
    number=1,
    beside="10.10.0.1",
    local="100.64.0.1",
    peers=("100.64.0.65",),
    gateways=(GATEWAY,),
    here=(HERE,),
    there=(THERE,),
    broadcast=200,
    port=14789,
    segment={4: 1356, 6: 1336},
)
FOUR, SIX = "10.10.0.23", "fd10:10::23"
SCRIPT = """
for name in org,other vcl1,more; do
    ip link add ${name%,*} type veth peer name ${name#*,}
    for one in ${name%,*} ${name#*,}; do ip link set $one addrgenmode none up; done
done
nft -f - && "$0" -c "$1" "$2" && for name in $3; do nft -j list set netdev intercloud_vpn n1_$name; done
"""
SEND = """
import socket, sys
line = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
line.bind(("other", 0))
for text in sys.argv[1].split():
    line.send(bytes.fromhex(text))
"""


def told_of(monkeypatch: pytest.MonkeyPatch, sent: Iterable[bytes], one: told.Stretch = ONE) -> list[Document]:
    """Who is told after some frames on the wire of the east."""
    text = frames.table([one], {"10.10.0.1": "org"}, {"org": OWN})
    words = [sys.executable, SEND, " ".join(frame.hex() for frame in sent), " ".join(frames.ASTRAY)]
    done = subprocess.run(
        ["unshare", "-n", "sh", "-c", SCRIPT, *words], input=text, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    shown = dict(zip(frames.ASTRAY, done.stdout.splitlines()))
    with monkeypatch.context() as patched:
        patched.setattr(astray, "stretches", lambda _generation: [one])
        patched.setattr(astray, "have", lambda _tool: True)
        patched.setattr(astray, "run", lambda *words: shown[words[-1].removeprefix("n1_")])
        return astray.astray(Generation())


def entry(mac: str, address: str) -> Document:
    return {"vpn": "web-tier", "mac": mac, "address": address, "member": "vm3-west"}


DUPLICATES = {
    "a question of it": ([wire.arp(STRANGER, FOUR, "10.10.0.1")], entry(STRANGER, FOUR)),
    "a frame of its MAC": ([wire.datagram(WEST, OWN, "10.10.0.99", "10.10.0.1", 9)], entry(WEST, "10.10.0.99")),
    "a question from its IPv6 address": ([wire.solicitation(STRANGER, SIX, ROUTER)], entry(STRANGER, SIX)),
    "that of a member here": ([wire.solicitation(EAST, SIX, ROUTER)], entry(EAST, SIX)),
    "somebody about to take it": ([wire.solicitation(STRANGER, "::", SIX)], entry(STRANGER, SIX)),
    "somebody who says so": ([wire.claim(STRANGER, "fe80::9", "ff02::1", "33:33:00:00:00:01", SIX)],
                             entry(STRANGER, SIX)),
    "its MAC, over IPv6": ([wire.claim(WEST, "fd10:10::99", ROUTER, OWN, "fd10:10::99")], entry(WEST, "fd10:10::99")),
    "its MAC, about to take an address": ([wire.solicitation(WEST, "::", "fd10:10::99")], entry(WEST, "fd10:10::99")),
    "its MAC, with a link-local address": ([wire.solicitation(WEST, LOCAL, ROUTER)], entry(WEST, LOCAL)),
    "one machine in many ways": (
        [wire.solicitation(WEST, "::", LOCAL), wire.solicitation(WEST, SIX, ROUTER), wire.arp(WEST, FOUR, "10.10.0.1")],
        entry(WEST, FOUR),
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", DUPLICATES)
def test_a_duplicate_is_told(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    sent, found = DUPLICATES[what]
    assert told_of(monkeypatch, sent) == [found]


def test_two_machines_are_told_of_both(monkeypatch: pytest.MonkeyPatch) -> None:
    """One has the IPv4 address, the other one the IPv6 address."""
    sent = [wire.arp(STRANGER, FOUR, "10.10.0.1"), wire.solicitation("02:00:5e:10:00:09", "::", SIX)]
    assert told_of(monkeypatch, sent) == [entry(STRANGER, FOUR), entry("02:00:5e:10:00:09", SIX)]


INNOCENT = {
    "a member here asks for one there": wire.solicitation(EAST, "fd10:10::13", SIX),
    "a stranger asks for one there": wire.solicitation(STRANGER, "fd10:10::99", SIX),
    "a member here takes its own": wire.solicitation(EAST, "::", "fd10:10::13"),
    "the gateway says its address": wire.claim(GATEWAY, ROUTER, "ff02::1", "33:33:00:00:00:01", ROUTER),
    "a router is at a link-local address": wire.claim(STRANGER, LOCAL, "ff02::1", "33:33:00:00:00:01", LOCAL),
    "somebody takes a link-local address": wire.solicitation(STRANGER, "::", LOCAL),
    "a router advertises": wire.advertisement(STRANGER, LOCAL),
    "a router passes on what is from a member there": wire.solicitation(STRANGER, SIX, ROUTER, hops=64),
    "with a target that a member there has": wire.claim(STRANGER, ROUTER, "fd10:10::13", EAST, SIX, hops=254),
    "a router passes on an answer": wire.discovery(STRANGER, EAST, SIX, "fd10:10::13", b"\x81\0\0\0\0\0\0\0", 63),
}


@pytest.mark.parametrize("what", INNOCENT)
def test_nobody_else_is_told(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert told_of(monkeypatch, [INNOCENT[what]]) == []


def test_who_has_moved_is_told_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """As soon as the ledger has the member here."""
    sent = [wire.solicitation(WEST, "::", SIX), wire.solicitation(WEST, SIX, ROUTER)]
    moved = told.Member(THERE.host, WEST, THERE.addresses)
    after = told.Stretch(**{**vars(ONE), "here": (HERE, moved), "there": ()})
    assert told_of(monkeypatch, sent) == [entry(WEST, SIX)]
    assert told_of(monkeypatch, sent, after) == []


macs = st.sampled_from([EAST, WEST, STRANGER, GATEWAY])
addresses = st.sampled_from([SIX, "fd10:10::13", ROUTER, LOCAL, "fe80::9", "fd10:10::99"])
messages = st.tuples(
    st.sampled_from(["asks", "claims", "answers"]), macs, st.one_of(addresses, st.just("::")), addresses,
    st.sampled_from([255, 254]),
)  # fmt: skip
Message = tuple[str, str, str, str, int]


def as_frame(message: Message) -> bytes:
    what, mac, address, target, hops = message
    if what == "asks":
        return wire.solicitation(mac, address, target, hops)
    if what == "claims":
        return wire.claim(mac, address, "fd10:10::13", EAST, target, hops)
    return wire.discovery(mac, EAST, address, "fd10:10::13", b"\x81\0\0\0\0\0\0\0", hops)


def suspicious(message: Message) -> bool:
    """In other words than those of the table."""
    what, mac, address, target, hops = message
    if mac == WEST:
        return address != "::" or what == "asks"
    says = {address} if what != "answers" else set()
    says |= {target} if what == "claims" or (what == "asks" and address == "::") else set()
    return hops == 255 and SIX in says


@given(sent=st.lists(messages, min_size=1, max_size=12))
@settings(max_examples=20, deadline=None)
def test_whatever_is_on_the_wire(sent: list[Message]) -> None:
    """Told is a machine that had the member's MAC, or said that it has its address, if there was any; and no other."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        found: list[dict[str, Any]] = told_of(monkeypatch, map(as_frame, sent))
    suspects = {message[1] for message in sent if suspicious(message)}
    assert len(found) == bool(suspects)
    assert {one["mac"] for one in found} <= suspects
    assert all(one["address"] == SIX for one in found if one["mac"] != WEST)


def test_many_machines_are_few_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """MACs are easily made up: the agent and verify say no more for that."""
    made_up = [f"02:00:5e:11:00:{number:02x}" for number in range(40)]
    sent = [frame for mac in made_up for frame in (wire.arp(mac, FOUR, "10.10.0.1"), wire.solicitation(mac, "::", SIX))]
    assert told_of(monkeypatch, sent) == [entry(made_up[0], FOUR), entry(made_up[1], SIX)]
