# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Random stories: hosts and VPNs get other names, also names that others had, and VMs move; runs reach some nodes only.

Whatever happens, no machine gets another address in a VPN, every machine can be told, and a second run changes nothing.
"""

from __future__ import annotations

import copy
from random import Random
from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._base.errors import IntentErrors
from ansible_collections.intercloud.vpn.plugins.module_utils._node.identity import Identity, descends
from ansible_collections.intercloud.vpn.plugins.module_utils._plan.outcome import Plan
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils.landscapes import World, bodies, lab

KINDS = ("members", "members", "vapp_edges", "org_edges")
EXPECTED = ("two machines", "two VPNs", "is the name of", "is not a site of the VPN", "at the one site")
"""What a story may be refused for: it goes on as if nobody had asked."""
VPN_NAMES = ("payroll", "wages", "salary")


class Story:
    """``machines``: what runs where, by host; a host that gets another name is the same machine."""

    def __init__(self, seed: int) -> None:
        self.random, self.world = Random(seed), World(lab(3, org_vms=2))
        self.machines = {host: host for host in self.world.hosts}
        self.names = [*self.world.hosts, "a", "b", "c"]
        self.runs: dict[str, Identity] = {}
        self.vpns: dict[str, dict[str, Any]] = {}
        self.made = 0
        self.numbers: dict[str, int] = {}  # of the VPNs, as they were made
        self.addresses: dict[tuple[int, str], str] = {}

    def hosts(self, kind: str) -> list[str]:
        return sorted(host for host, facts in self.world.hosts.items() if facts["kinds"] == [kind])

    def some_members(self) -> list[str]:
        while True:
            found = [vm for vm in self.hosts("members") if self.random.random() < 0.4]
            if len({self.world.hosts[vm]["clouds"][0] for vm in found}) > 1:
                return found

    # What happens

    def another_vpn(self) -> None:
        name = self.random.choice(VPN_NAMES)
        if name not in self.vpns and not any(name in vpn["formerly"] for vpn in self.vpns.values()):
            members = self.some_members()
            more: dict[str, Any] = {"allow": [{"from": members[:1], "to": members[1:2]}]}
            hub = {"topology": {"kind": "star", "hubs": [self.random.choice(self.hosts("org_edges"))]}}
            self.vpns[name] = {"name": name, "pool": "internal", "members": members, "formerly": []}
            self.vpns[name].update(self.random.choice([more, hub, {"names": True}]))
            self.made += 1
            self.numbers[name] = self.made

    def other_members(self) -> None:
        for vpn in self.vpns.values():
            vpn["members"] = self.some_members()
            vpn.pop("allow", None)

    def is_scrapped(self) -> None:
        """A VM is in no VPN any more, and in no inventory: nobody told it."""
        vm = self.random.choice(self.hosts("members"))
        left = [{*vpn["members"]} - {vm} for vpn in self.vpns.values()]
        if all(len({self.world.hosts[one]["clouds"][0] for one in members}) > 1 for members in left):
            del self.world.hosts[vm], self.machines[vm]
            for vpn in self.vpns.values():
                vpn["members"] = [one for one in vpn["members"] if one != vm]
                vpn.pop("allow", None)

    def moves(self) -> None:
        vm, vapp = self.random.choice(self.hosts("members")), self.random.choice(self.hosts("vapp_edges"))
        self.world.hosts[vm]["clouds"] = self.world.hosts[vapp]["clouds"]
        address = f"192.168.1.{self.random.randrange(20, 250)}"
        self.world.hosts[vm]["vars"].update(vcc_vapp=vapp, vcc_address=[address])

    def another_name(self) -> None:
        old = self.random.choice(self.hosts(self.random.choice(KINDS)))
        new = self.random.choice([name for name in self.names if name not in self.world.hosts])
        facts = self.world.hosts[new] = self.world.hosts.pop(old)
        self.machines[new] = self.machines.pop(old)
        before = facts["vars"].get("vcc_formerly", [])
        for other in self.world.hosts.values():  # whoever had one of these names before does not say so any more
            said = [name for name in other["vars"].get("vcc_formerly", []) if name not in (old, new)]
            other["vars"].update(vcc_formerly=said) if said else other["vars"].pop("vcc_formerly", None)
            for place in ("vcc_vapp", "vcc_edge"):
                if other["vars"].get(place) == old:
                    other["vars"][place] = new
        facts["vars"]["vcc_formerly"] = [old, *(name for name in before if name not in (old, new))]
        self.vpns = {name: {**_renamed(vpn, old, new), "name": name} for name, vpn in self.vpns.items()}

    def another_vpn_name(self) -> None:
        free = [name for name in VPN_NAMES if name not in self.vpns]
        if self.vpns and free:
            old, new = self.random.choice(sorted(self.vpns)), self.random.choice(free)
            vpn = self.vpns.pop(old)
            for other in self.vpns.values():
                other["formerly"] = [name for name in other["formerly"] if name not in (old, new)]
            before = [name for name in vpn["formerly"] if name != new]
            self.vpns[new] = {**vpn, "name": new, "formerly": [old, *before]}
            self.numbers[new] = self.numbers.pop(old)

    # A run

    def run(self) -> None:
        was = copy.deepcopy((self.world.hosts, self.machines, self.vpns, self.numbers))
        happens = {
            self.another_vpn: 3,
            self.other_members: 1,
            self.is_scrapped: 2,
            self.moves: 1,
            self.another_name: 4,
            self.another_vpn_name: 2,
        }
        for what in self.random.choices([*happens], weights=[*happens.values()], k=2):
            what()
        try:
            predicted = self.world.plan(*self.vpns.values(), dry_run=True)
        except IntentErrors as refused:  # and with that, for what follows from it
            assert any(text in str(error) for text in EXPECTED for error in refused.errors), refused.report()
            self.world.hosts, self.machines, self.vpns, self.numbers = was
            return
        plan = self.world.plan(*self.vpns.values())
        assert (predicted.notes, predicted.diff, predicted.documents) == (plan.notes, plan.diff, plan.documents)
        self.check(plan)
        again = self.world.plan(*self.vpns.values())
        assert (again.changed, again.diff, again.changed_nodes) == (False, [], [])
        assert bodies(self.world.plan(anew=True)) == bodies(again)
        self.apply(again)

    def check(self, plan: Plan) -> None:
        taken: set[str] = set()
        for vpn in plan.vpns:
            for member in vpn["members"]:
                key = self.numbers[vpn["name"]], self.machines[member["name"]]
                assert self.addresses.setdefault(key, member["address"]) == member["address"]
                assert member["address"] not in taken
                taken.add(member["address"])

    def apply(self, plan: Plan) -> None:
        lineages = self.world.ledger.run(lambda transaction: transaction.lineage("acme"), dry_run=True)
        reached = {}
        for node in plan.concerned:
            document, machine = plan.documents[node], self.machines.get(node, "")
            if not machine or self.random.random() < 0.3:
                continue
            lineage = lineages[node]
            assert descends(document["generation"], lineage, self.runs.get(machine)) == ""
            reached[node] = document["generation"]
            self.runs[machine] = Identity(node, "acme", lineage["ledger"], reached[node], lineage["hash"])
            if not any(document.get(part) for part in ("addresses", "routes", "vpns", "tunnels", "slice")):
                del self.runs[machine]
        self.world.ledger.run(lambda transaction: transaction.note_applied("acme", reached), who="test")
        self.world.settle(reached)


def _renamed(value: Any, old: str, new: str) -> Any:
    if isinstance(value, dict):
        return {key: part if key == "formerly" else _renamed(part, old, new) for key, part in value.items()}
    if isinstance(value, list):
        return [_renamed(part, old, new) for part in value]
    return new if value == old else value


@pytest.mark.parametrize("seed", range(4))
def test_a_story(seed: int) -> None:
    story = Story(seed)
    story.another_vpn()
    for _turn in range(8):
        story.run()
