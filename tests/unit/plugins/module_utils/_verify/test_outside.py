# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Members of other sites ask published ports by the internet, in vain. docs/nat.md."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._verify.table import table
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils._verify.world import World, _answer

PUBLIC = {"edge-east": ["203.0.113.2"], "edge-west": ["203.0.113.18"]}


def world(sources: list[str], port: str = "tcp/443", seen_as: str = "203.0.113.18") -> World:
    made = World()
    made.plan["vpns"][0]["outside"] = {
        "members": [{"name": "vm1-west", "site": "edge-west", "as": seen_as}],
        "published": [
            {
                "member": "vm1-east",
                "site": "edge-east",
                "address": "203.0.113.2",
                "port": port,
                "to": "tcp/8443",
                "from": sources,
            }
        ],
        "public": PUBLIC,
    }
    made.probes = {vm: {"probes": [_answer(target) for target in targets]} for vm, targets in made.targets().items()}
    return made


def asked(made: World) -> set[tuple[Any, ...]]:
    return {
        (vm, target["address"], target["port"], target["source"], target["expect"])
        for vm, targets in made.targets().items()
        for target in targets
        if target["kind"] == "outside"
    }


def test_a_member_of_another_site_asks_with_its_own_source() -> None:
    made = world(["198.51.100.0/24"])
    assert asked(made) == {("vm1-west", "203.0.113.2", 443, None, "unreachable")}
    result = made.judge()
    assert result.findings == []
    assert "1 to ports published for others" in " ".join(table(result, made.plan).split())


@pytest.mark.parametrize(
    ("sources", "port", "seen_as"),
    [
        (["any"], "tcp/443", "203.0.113.18"),
        (["203.0.113.16/28"], "tcp/443", "203.0.113.18"),
        (["192.0.2.7/32"], "tcp/443", "192.0.2.7"),
        (["198.51.100.0/24"], "udp/53", "203.0.113.18"),
    ],
)
def test_who_may_open_it_is_not_asked_nor_is_what_says_nothing(sources: list[str], port: str, seen_as: str) -> None:
    assert asked(world(sources, port, seen_as)) == set()


def test_an_answer_is_a_finding() -> None:
    made = world(["198.51.100.0/24"])
    made.probe("vm1-west", "vm1-east", "outside").update(received=1)
    (finding,) = made.judge().findings
    assert finding.expected == "no answer: the port is not published for this site"
    assert finding.seen == "203.0.113.2 port 443 answered"
