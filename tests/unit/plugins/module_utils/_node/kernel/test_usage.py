# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is used of quotas is counted through all that takes the table away, and forgotten when a period is over."""

from __future__ import annotations

import datetime
import json
import subprocess
import sys
from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._node import agent
from ansible_collections.intercloud.vpn.plugins.module_utils._node.commit import Context
from ansible_collections.intercloud.vpn.plugins.module_utils._node.document import Generation
from ansible_collections.intercloud.vpn.plugins.module_utils._node.kernel import nftables, usage
from ansible_collections.intercloud.vpn.plugins.module_utils._node.resident import counting as _counting
from ansible_collections.intercloud.vpn.plugins.module_utils._node.resident import upkeep
from ansible_collections.intercloud.vpn.plugins.module_utils._node.resident.journal import Journal
from ansible_collections.intercloud.vpn.plugins.module_utils._node.state import Store
from ansible_collections.intercloud.vpn.plugins.module_utils._node.system import units
from ansible_collections.intercloud.vpn.plugins.module_utils._node.system.run import CommandError
from ansible_collections.intercloud.vpn.plugins.module_utils._node.tunnel_kind import Tended
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils._node.test_templates import NAMESPACE, render

MEMBER, OTHER = "payroll/100.64.0.17", "payroll/100.64.0.18"
NOON = datetime.datetime(2026, 1, 31, 12, 30, tzinfo=datetime.timezone.utc)


@pytest.fixture
def counting(document: dict[str, Any]) -> dict[str, Any]:
    """The document of an edge with quotas: payroll has 1000 octets a day, and each of its members 500 an hour."""
    document["vpns"][0]["quota"] = {
        "vpn": {"octets": 1000, "period": "day"},
        "member": {"octets": 500, "period": "hour"},
        "when_used_up": "drop",
    }
    return document


@pytest.fixture
def generation(counting: dict[str, Any]) -> Generation:
    return Generation(
        counting, {"nftables.nft": render("org_edge", "nftables.nft.j2", counting, "libipsec")}, "libipsec"
    )


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """What the loaded table has counted; empty: there is no table."""
    used: dict[str, int] = {}
    monkeypatch.setattr(usage, "loaded", lambda: dict(used))
    monkeypatch.setattr(usage, "clock", lambda: NOON)
    return used


@pytest.fixture
def swapped(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tables that were loaded."""
    found: list[str] = []
    monkeypatch.setattr(nftables, "run", lambda *_words, stdin="": found.append(stdin) or "")
    return found


def entries(**octets: int) -> usage.Entries:
    periods = {"vpn": ("payroll", "2026-01-31"), "member": (MEMBER, "2026-01-31T12"), "other": (OTHER, "2026-01-31T12")}
    return {periods[name][0]: {"period": periods[name][1], "octets": used} for name, used in octets.items()}


def test_the_quotas_of_a_document(generation: Generation) -> None:
    """A translated member is known by its address in the VPN, like any other."""
    assert [(quota.key, quota.name, quota.octets) for quota in usage.quotas(generation)] == [
        ("payroll", "vpn1_quota", 1000),
        (MEMBER, "vpn1_quota_100.64.0.17", 500),
        (OTHER, "vpn1_quota_100.64.0.18", 500),
    ]


def test_the_template_declares_what_the_agent_counts(document: dict[str, Any]) -> None:
    for vpn in document["vpns"]:
        volume = {"octets": 10**9, "period": "month"}
        vpn["quota"] = {"vpn": volume, "member": volume, "when_used_up": "drop"}
    text = render("org_edge", "nftables.nft.j2", document, "xfrm")
    declared = {match["name"] for match in usage._DECLARED.finditer(text)}
    assert declared == {quota.name for quota in usage.quotas(Generation(document))}
    assert "vpn2_quota_fd00_1__11" in declared


def test_a_table_begins_with_what_was_used(generation: Generation) -> None:
    text = usage.seeded(generation.files["nftables.nft"], generation, entries(vpn=70, member=30, other=0))
    assert "quota vpn1_quota { over 1000 bytes used 70 bytes; comment" in text
    assert "quota vpn1_quota_100.64.0.17 { over 500 bytes used 30 bytes; }" in text
    assert "quota vpn1_quota_100.64.0.18 { over 500 bytes; }" in text


def test_another_period_is_another_count(generation: Generation) -> None:
    """What was used in a day says nothing of the month that is asked for now."""
    known = {"payroll": {"period": "2026-01", "octets": 70}}
    assert usage.seeded(generation.files["nftables.nft"], generation, known) == generation.files["nftables.nft"]


def test_the_loaded_table_knows_better_than_the_file(
    store: Store, generation: Generation, kernel: dict[str, int]
) -> None:
    usage.write(store, entries(vpn=70, member=30))
    kernel.update({"vpn1_quota": 100, "vpn1_quota_100.64.0.17": 50})
    assert usage.current(store, generation) == entries(vpn=100, member=50)


def test_without_a_table_the_file_is_what_there_is(
    store: Store, generation: Generation, kernel: dict[str, int]
) -> None:
    usage.write(store, entries(vpn=70))
    assert usage.current(store, generation) == entries(vpn=70)
    assert not kernel


def test_what_a_generation_without_quotas_replaces_is_remembered(
    store: Store, generation: Generation, kernel: dict[str, int], swapped: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may come back, or be asked for again, before the period is over."""
    without = [{key: value for key, value in vpn.items() if key != "quota"} for vpn in generation.listed("vpns")]
    want = Generation({**generation.document, "vpns": without}, generation.files, "libipsec")
    monkeypatch.setattr(nftables.Nftables, "changes", lambda _self: ["replace table"])
    kernel.update({"vpn1_quota": 100})
    nftables.Nftables(Context(want, generation, store)).build()
    assert len(swapped) == 1 and " bytes used " not in swapped[0]
    assert usage.remembered(store) == entries(vpn=100)


def test_a_full_disk_keeps_no_firewall_away(
    store: Store, generation: Generation, kernel: dict[str, int], swapped: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_words: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(usage.files, "write", full)
    monkeypatch.setattr(nftables.Nftables, "changes", lambda _self: ["create table"])
    kernel.update({"vpn1_quota": 100})
    with pytest.raises(OSError, match="No space"):
        nftables.Nftables(Context(generation, generation, store)).build()
    assert "over 1000 bytes used 100 bytes" in swapped[0]


def test_links_are_kept_whatever_can_be_counted(
    store: Store,
    generation: Generation,
    swapped: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def broken() -> None:
        raise CommandError("nft: no answer within 30 s")

    kept: list[Generation] = []

    class Kind:
        NAME = "any"

        def tend(self, now: Generation, _store: Store) -> Tended:
            kept.append(now)
            return Tended([], [])

    monkeypatch.setattr(usage, "loaded", broken)
    monkeypatch.setattr(upkeep, "KINDS", (Kind(),))
    current(store, generation)
    upkeep.Upkeep(store, Journal()).turn()
    assert kept == [generation] and not swapped
    assert capsys.readouterr().out == "<4>usage of quotas: nft: no answer within 30 s\n"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"payroll": 5}', '{"payroll": {"octets": 5}}'])
def test_a_file_that_says_nothing(store: Store, text: str) -> None:
    store.at(usage.FILE).parent.mkdir(parents=True, exist_ok=True)
    store.at(usage.FILE).write_text(text)
    assert usage.remembered(store) == {}


@pytest.mark.parametrize(
    ("period", "name", "end"),
    [
        ("hour", "2026-12-31T23", "2027-01-01T00:00:00Z"),
        ("day", "2024-02-28", "2024-02-29T00:00:00Z"),
        ("month", "2026-01", "2026-02-01T00:00:00Z"),
        ("month", "2026-02", "2026-03-01T00:00:00Z"),
        ("month", "2026-12", "2027-01-01T00:00:00Z"),
    ],
)
def test_when_a_period_ends(period: str, name: str, end: str) -> None:
    assert usage.ends(period, name) == end


@pytest.mark.parametrize(
    ("now", "left"),
    [
        ("2026-01-31T12:59:59", entries(vpn=70, member=30)),
        ("2026-01-31T13:00:00", {**entries(vpn=70), MEMBER: {"period": "2026-01-31T13", "octets": 0}}),
        (
            "2026-02-01T00:00:00",
            {
                "payroll": {"period": "2026-02-01", "octets": 0},
                MEMBER: {"period": "2026-02-01T00", "octets": 0},
            },
        ),
        ("1970-01-01T00:00:00", entries(vpn=70, member=30)),
    ],
    ids=["the same", "the next hour", "the next day", "a clock that went back"],
)
def test_a_period_is_over(generation: Generation, now: str, left: usage.Entries) -> None:
    known = {**entries(vpn=70, member=30)}
    time = datetime.datetime.fromisoformat(now)
    assert usage.turned(known, usage.quotas(generation), time) == left


def test_what_nobody_asks_for_goes_when_its_period_is_over() -> None:
    assert usage.turned(entries(vpn=70, member=30), [], NOON) == entries(vpn=70, member=30)
    assert usage.turned(entries(vpn=70, member=30), [], NOON + datetime.timedelta(hours=1)) == entries(vpn=70)


def current(store: Store, generation: Generation) -> None:
    store.save(generation)
    store.point(generation)


def test_the_agent_remembers(store: Store, generation: Generation, kernel: dict[str, int], swapped: list[str]) -> None:
    current(store, generation)
    kernel.update({"vpn1_quota": 100, "vpn1_quota_100.64.0.17": 50, "vpn1_quota_100.64.0.18": 0})
    _counting.count(generation, store)
    assert usage.remembered(store) == entries(vpn=100, member=50, other=0)
    assert not swapped


def test_the_agent_begins_a_new_period(
    store: Store,
    generation: Generation,
    kernel: dict[str, int],
    swapped: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The hour is over, the day is not: the table begins with what was used today."""
    current(store, generation)
    kernel.update({"vpn1_quota": 100, "vpn1_quota_100.64.0.17": 50, "vpn1_quota_100.64.0.18": 0})
    _counting.count(generation, store)
    monkeypatch.setattr(usage, "clock", lambda: NOON + datetime.timedelta(hours=1))
    _counting.count(generation, store)
    (table,) = swapped
    assert "quota vpn1_quota { over 1000 bytes used 100 bytes;" in table
    assert "quota vpn1_quota_100.64.0.17 { over 500 bytes; }" in table
    kernel.update({"vpn1_quota_100.64.0.17": 0})
    _counting.count(generation, store)
    assert len(swapped) == 1
    assert usage.remembered(store)[MEMBER] == {"period": "2026-01-31T13", "octets": 0}


def test_the_agent_says_once_what_is_used_up(
    store: Store,
    generation: Generation,
    kernel: dict[str, int],
    swapped: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    current(store, generation)
    kernel.update({"vpn1_quota": 999, "vpn1_quota_100.64.0.17": 500})
    said = "100.64.0.17 in payroll: 500 bytes per hour, used up: nothing passes until 2026-01-31T13:00:00Z"
    assert [_counting.count(generation, store) for _time in range(2)] == [[said], []]
    monkeypatch.setattr(usage, "clock", lambda: NOON + datetime.timedelta(hours=1))
    assert _counting.count(generation, store) == []
    # the same again, in the next hour
    assert _counting.count(generation, store) == [said.replace("T13", "T14")]


def test_an_edge_without_quotas_is_not_asked(
    edge: Generation, store: Store, swapped: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    current(store, edge)
    monkeypatch.setattr(usage, "loaded", lambda: pytest.fail("there is nothing to count"))
    assert _counting.count(edge, store) == []
    agent.save(store)
    assert usage.observed(store, edge) == []
    assert not store.at(usage.FILE).exists() and not swapped


def test_what_is_used_is_shown(store: Store, generation: Generation, kernel: dict[str, int]) -> None:
    kernel.update({"vpn1_quota": 100, "vpn1_quota_100.64.0.17": 500})
    shown = {entry["member"]: entry for entry in usage.observed(store, generation)}
    assert shown[None] == {
        "vpn": "payroll",
        "member": None,
        "octets": 1000,
        "used": 100,
        "period": "day",
        "begun": "2026-01-31",
        "until": "2026-02-01T00:00:00Z",
        "when_used_up": "drop",
        "used_up": False,
    }
    assert [entry["used_up"] for entry in shown.values()] == [False, True, False]


def test_it_is_saved_before_the_table_goes(generation: Generation, store: Store) -> None:
    """Units stop in reverse order: first strongSwan, then the counting, then nftables.service flushes."""
    unit = units.OWN[f"{units.DIRECTORY}/{units.USAGE}"]
    for line in ("After=nftables.service", "PartOf=nftables.service", "Before=strongswan.service"):
        assert f"\n{line}\n" in unit
    wanted = f"{units.DIRECTORY}/{units.USAGE}"
    assert wanted in units.Units(Context(generation, generation, store))._wanted()
    for vpn in generation.listed("vpns"):
        vpn.pop("quota", None)
    assert wanted not in units.Units(Context(generation, generation, store))._wanted()


def test_nothing_is_remembered_where_nothing_is_left(store: Store, generation: Generation) -> None:
    current(store, generation)
    usage.write(store, entries(vpn=70))
    store.erase()
    assert not store.at(usage.FILE).exists()


@pytest.mark.skipif(not NAMESPACE, reason="needs root and nft")
def test_the_kernel_goes_on_counting(generation: Generation, store: Store) -> None:
    """A table that is loaded again differs in nothing from the one that nft made of the file."""
    current(store, generation)
    usage.write(store, entries(vpn=1000, member=30))
    script = f"""
import json, sys
sys.path[:] = {sys.path!r}
from ansible_collections.intercloud.vpn.plugins.module_utils._node import part, state
from ansible_collections.intercloud.vpn.plugins.module_utils._node.kernel import nftables, usage
store = state.Store({str(store.root)!r})
now = store.current()
table = nftables.Nftables(part.Context(now, now, store))
table.build()
usage.write(store, {{}})
first = usage.loaded()
table.swap(usage.current(store, now))
print(json.dumps([first, usage.loaded(), [change.action for change in table.changes()]]))
"""
    done = subprocess.run(
        ["unshare", "-n", sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=30
    )
    assert done.stderr == ""
    first, second, changes = json.loads(done.stdout)
    assert first == second == {"vpn1_quota": 1000, "vpn1_quota_100.64.0.17": 30, "vpn1_quota_100.64.0.18": 0}
    assert changes == []
