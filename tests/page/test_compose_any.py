# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tab Compose and the planner agree about any VPN: whether it can be, and which tunnels and members it has."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.intercloud.vpn.plugins.module_utils._base.errors import IntentErrors
from ansible_collections.intercloud.vpn.tests.page import any_vpn, fleet
from ansible_collections.intercloud.vpn.tests.page.conftest import Look

COUNT = 30 if os.environ.get("THOROUGH") == "0" else 300
SHOWN = """
    return {
        todo: mistakes().map((one) => one.text),
        yaml: byId("yaml").textContent,
        pairs: [...document.querySelectorAll("[data-pair]")].map((node) => [node.dataset.pair, node.dataset.exists]),
    };
"""
WANT = """
    const it = arguments[0];
    begin(null);
    Object.assign(WANTED, { sites: new Set(it.sites), members: [], create: it.create, name: it.name });
    WANTED.topology = { ...it.topology, hubs: new Set(it.topology.hubs), links: new Set(it.topology.links) };
    Object.assign(WANTED, { tunnel: it.tunnel, policy: it.policy, pool: it.pool });
    it.members.forEach(join);
"""
CHANGE = """
    const [key, members, create] = arguments;
    begin(thing(key));
    WANTED.create = create;
    const out = WANTED.members.filter((name) => !members.includes(name));
    out.forEach((name) => leave(WANTED.members.indexOf(name)));
    members.filter((name) => !WANTED.members.includes(name)).forEach(join);
"""


@pytest.fixture(scope="module")
def made() -> fleet.Fleet:
    return any_vpn.made()


@pytest.fixture(scope="module")
def document(made: fleet.Fleet) -> dict[str, Any]:
    return made.document()


@pytest.fixture(scope="module")
def page(browser: Any, document: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Look:
    return Look(browser, document, tmp_path_factory.mktemp("page") / "report.html", "compose")


class Agreement:
    """What page and planner said of many VPNs."""

    def __init__(self, made: fleet.Fleet) -> None:
        self.made, self.apart, self.planned, self.refused = made, [], 0, 0

    def judge(self, shown: dict[str, Any], create: bool, members: set[str] | None = None) -> None:
        vpns = yaml.safe_load(shown["yaml"])["vcc_vpns"]
        try:
            given = {"pools": self.made.pools, "policies": self.made.policies, "create_tunnels": create}
            plan = self.made.world.plan(*vpns, dry_run=True, **given)
        except IntentErrors as error:
            self.refused += 1
            self.apart += [] if shown["todo"] else [(vpns, "only the planner", [str(one) for one in error.errors])]
            return
        self.planned += 1
        vpn = next(one for one in plan.vpns if one["name"] == vpns[0]["name"])
        tunnels = {name.removesuffix("--ssl") for name in vpn["tunnels"]}
        if shown["todo"]:
            self.apart.append((vpns, "only the page", shown["todo"]))
        elif {pair.replace(" ", "--") for pair, _exists in shown["pairs"]} != tunnels:
            self.apart.append((vpns, "tunnels", [shown["pairs"], tunnels]))
        elif members is not None and {member["name"] for member in vpn["members"]} != members:
            self.apart.append((vpns, "members", [members]))


def test_any_new_vpn(page: Look, made: fleet.Fleet, document: dict[str, Any]) -> None:
    found = Agreement(made)
    for wanted in any_vpn.new_vpns(document, seed=1, count=COUNT):
        page.run(WANT, wanted)
        found.judge(page.run(SHOWN), wanted["create"])
    assert found.apart == []
    assert min(found.planned, found.refused) > COUNT / 10


def test_any_change_of_members(page: Look, made: fleet.Fleet, document: dict[str, Any]) -> None:
    found = Agreement(made)
    for name, members, create in any_vpn.changes(document, seed=2, count=COUNT):
        page.run(CHANGE, f"vpn:acme/{name}", members, create)
        found.judge(page.run(SHOWN), create, set(members))
    assert found.apart == []
    assert min(found.planned, found.refused) > COUNT / 10


def test_any_new_vpn_with_a_pair_of_edges(browser: Any, tmp_path: Path) -> None:
    """What pairs do not do is told before a plan refuses it, and the second edge is no network of its own."""
    made = any_vpn.with_pair()
    page = Look(browser, made.document(), tmp_path / "report.html", "compose")
    assert "edge-osl-2" not in page.run(
        "return [...document.querySelectorAll('[data-site]')].map((one) => one.dataset.site)"
    )
    found = Agreement(made)
    wants = any_vpn.new_vpns(made.document(), seed=3, count=COUNT)
    for wanted in wants:
        if "edge-osl" not in wanted["sites"]:
            continue
        page.run(WANT, wanted)
        found.judge(page.run(SHOWN), wanted["create"])
    assert [one for one in found.apart if one[1] != "tunnels"] == []
    assert found.planned and found.refused
