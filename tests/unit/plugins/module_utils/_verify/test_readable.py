# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host that was broken into may answer anything. It is found, and all others are judged."""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterator
from datetime import datetime, timezone
from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._status.status import status
from ansible_collections.intercloud.vpn.plugins.module_utils._status.table import table as status_table
from ansible_collections.intercloud.vpn.plugins.module_utils._verify import verify
from ansible_collections.intercloud.vpn.plugins.module_utils._verify.certificates import Trust
from ansible_collections.intercloud.vpn.plugins.module_utils._verify.finding import Finding
from ansible_collections.intercloud.vpn.plugins.module_utils._verify.readable import judged, without
from ansible_collections.intercloud.vpn.plugins.module_utils._verify.report import result_json
from ansible_collections.intercloud.vpn.plugins.module_utils._verify.table import table
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils._verify.world import TUNNEL, World

NOW = datetime(2026, 6, 1, tzinfo=timezone.utc)
TRUST = Trust({"acme": "a1"}, {}, NOW)
NONSENSE: tuple[Any, ...] = ("nonsense", None, 10**30, [["x"]], {"x": 1})


def world() -> World:
    """One in which an edge has something to say of everything."""
    made = World()
    certificate = {"present": True, "key": True, "fits": True, "signed": True, "authorities": ["a1"], "serial": "7"}
    certificate |= {"identity": "edge-west.acme", "authority_sha256": "a1", "addresses": ["100.64.0.64/26"]}
    certificate |= {"not_before": "2026-05-01T00:00:00Z", "not_after": "2027-06-01T00:00:00Z", "certifies": True}
    used = {"vpn": "payroll", "member": "100.64.0.66", "period": "day", "octets": 100, "used": 117, "used_up": True}
    used |= {"when_used_up": "drop", "begun": "2026-06-01T00:00:00Z", "until": "2026-06-02T00:00:00Z"}
    made.observed["edge-west"] |= {
        "certificate": {**certificate, "checked": True},
        "clock": "2026-06-01T00:00:00Z",
        "asked": [1780272000.0, 1780272001.0],
        "partners": {TUNNEL: {"name": "gw.example", "address": "203.0.113.2", "since": 1780000000.0, "error": ""}},
        "reasons": {TUNNEL: [{"text": "received proposals unacceptable", "time": "2026-06-01T00:00:00Z"}]},
        "droppers": [{"chain": "ip filter forward", "hook": "forward", "how": "drops"}],
        "diverted": [{"prefix": "100.64.0.0/26", "seen": "eth0", "expected": "vcs0"}],
        "astray": [{"vpn": "payroll", "member": "vm1", "address": "10.0.0.1", "mac": "02:00:00:00:00:01"}],
        "sessions": [],
        "usage": [used],
        "state": {"damaged": ["x"], "refusing": True},
    }
    return made


def places(value: Any) -> Iterator[tuple[Any, ...]]:
    """The paths of all that is in an answer."""
    yield ()
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, entry in entries:
        yield from ((key, *rest) for rest in places(entry))


def spoilt(answer: dict[str, Any], path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    """An answer with something else in one place; with an Ellipsis, nothing."""
    made = copy.deepcopy(answer)
    place: Any = made
    for key in path[:-1]:
        place = place[key]
    if value is ...:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return made


def findings(given: World) -> list[Finding]:
    """Of verify and status, as they are shown."""

    def look(senseless: Collection[str]) -> list[Finding]:
        observed, probes = without(given.observed, senseless), without(given.probes, senseless)
        found = verify.judge(given.plan, given.documents, observed, probes, trust=TRUST)
        assert result_json(found, given.plan) and table(found, given.plan)
        assert status_table(status(given.plan, given.documents, observed, {}, NOW, TRUST))
        return found.findings

    return judged(look, {*given.observed, *given.probes})


def test_its_answers_make_sense() -> None:
    assert not senseless(findings(world()))


def senseless(found: list[Finding]) -> set[str]:
    return {finding.subject for finding in found if "makes no sense" in finding.seen}


@pytest.mark.parametrize(("kind", "host"), [("observed", "edge-west"), ("probes", "vm3-west")])
@pytest.mark.parametrize("value", [..., *NONSENSE], ids=lambda value: "missing" if value is ... else str(value)[:8])
def test_whatever_a_host_says_the_others_are_judged(kind: str, host: str, value: Any) -> None:
    one = world()
    one.observed["vapp1-east"]["generation"] = 2
    answers: dict[str, Any] = getattr(one, kind)
    sound, wrong = answers[host], 0
    for path in [*places(sound)][1:]:
        answers[host] = spoilt(sound, path, value)
        found = findings(one)
        assert any(finding.subject == "vapp1-east" and finding.seen == "generation 2" for finding in found), path
        assert senseless(found) <= {host}, path
        wrong += bool(senseless(found))
    assert wrong or value is None or kind == "probes"


def test_it_is_named_with_what_to_look_at() -> None:
    one = world()
    one.observed["edge-west"]["certificate"]["not_after"] = "for ever"
    (finding,) = (finding for finding in findings(one) if "makes no sense" in finding.seen)
    assert (finding.severity, finding.subject) == ("error", "edge-west")
    assert "look at what edge-west runs" in finding.look


def test_several_are_found() -> None:
    one = world()
    for node in ("edge-west", "edge-east", "vapp1-west"):
        one.observed[node]["generation"] = ["x"]
        one.observed[node]["drift"] = 7
    assert senseless(findings(one)) == {"edge-west", "edge-east", "vapp1-west"}


def test_what_is_no_hosts_fault_is_told() -> None:
    def fails(_senseless: Collection[str]) -> None:
        raise KeyError("of our own")

    with pytest.raises(KeyError, match="of our own"):
        judged(fails, ["edge-east"])
