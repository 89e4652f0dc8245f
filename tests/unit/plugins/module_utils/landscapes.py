# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Landscapes for tests: the lab's shape with any number of clouds, and a planner to ask with them.

In every cloud the same private networks, as in the lab: node-C, edge-C, vapp1-C with vm1-C and vm2-C behind it, and
vm3-C on the org network.
"""

from __future__ import annotations

import copy
import functools
import importlib.util
import ipaddress
import json
from collections.abc import Iterable, Mapping, Sequence
from ipaddress import IPv4Address
from typing import Any

import pytest
import sqlalchemy as sa
import yaml

from ansible_collections.intercloud.vpn.plugins.module_utils._base.coerce import host_variables, tidy
from ansible_collections.intercloud.vpn.plugins.module_utils._base.errors import IntentErrors
from ansible_collections.intercloud.vpn.plugins.module_utils._intent.members import read_matches
from ansible_collections.intercloud.vpn.plugins.module_utils._ledger.ledger import Ledger, Transaction
from ansible_collections.intercloud.vpn.plugins.module_utils._ledger.schema import metadata
from ansible_collections.intercloud.vpn.plugins.module_utils._plan.came_up import Noted, note_what_came_up
from ansible_collections.intercloud.vpn.plugins.module_utils._plan.outcome import Plan
from ansible_collections.intercloud.vpn.plugins.module_utils._plan.plan import Request, make_plan
from ansible_collections.intercloud.vpn.plugins.module_utils._plan.settle import settle
from ansible_collections.intercloud.vpn.plugins.module_utils._plan.stored import stored_plan
from ansible_collections.intercloud.vpn.plugins.module_utils._plan.survey_facts import read_facts

Hosts = dict[str, dict[str, Any]]

CLOUDS = ("east", "west", "south", "north", "alpha", "beta", "gamma", "delta")
POOLS = {"internal": "100.64.0.0/10"}
PAYROLL = {"name": "payroll", "pool": "internal", "members": ["vm1-east", "vm1-west", "vm3-west"]}


def lab(clouds: int = 2, *, org: str = "acme", tag: str = "", vapps: int = 1, vms: int = 2, org_vms: int = 1) -> Hosts:
    """The facts of so many clouds. ``tag`` goes into every name, so that two organizations can share the clouds.

    ``vms`` are behind each vApp, ``org_vms`` on the org network; their numbers go on: vm1, vm2 | vm3.
    """
    hosts: Hosts = {}
    for number in range(clouds):
        hosts.update(_cloud(number, org, tag, vapps, vms, org_vms))
    return hosts


def changed(hosts: Hosts, changes: Mapping[str, Mapping[str, Any] | None] | str) -> Hosts:
    """A copy in which some hosts differ: variables by name (null removes one), ``kinds``, ``clouds``,
    ``management``; null: no host.

    A host that is not there yet is added. The changes can be given as YAML.
    """
    hosts = copy.deepcopy(hosts)
    for name, change in (yaml.safe_load(changes) if isinstance(changes, str) else changes).items():
        if change is None:
            del hosts[name]
            continue
        facts = hosts.setdefault(name, {"kinds": [], "clouds": [], "vars": {"vcc_org": "acme"}})
        for key, value in change.items():
            target = facts if key in (*facts, "management") else facts["vars"]
            if value is None:
                target.pop(key)
            else:
                target[key] = value
    return hosts


def with_second_edge(hosts: Hosts) -> Hosts:
    """A second org edge in the first cloud, for vm2 and vm3; vm1, behind the same vApp edge as vm2, keeps the first."""
    second = {
        "kinds": ["org_edges"],
        "clouds": ["east"],
        "vcc_public_address": ["198.51.100.9"],
        "vcc_org_address": ["10.10.0.2", "fd10:10::2"],
        "vcc_org_network": hosts["edge-east"]["vars"]["vcc_org_network"],
    }
    homes = {"vm1-east": "edge-east", "vm2-east": "edge2-east", "vm3-east": "edge2-east"}
    return changed(hosts, {"edge2-east": second, **{vm: {"vcc_edge": edge} for vm, edge in homes.items()}})


def with_pair(hosts: Hosts, cloud: str = "east") -> Hosts:
    """A second org edge beside that of a cloud, ``edge-C-2``: the two are a pair, the site ``C``."""
    first = hosts[f"edge-{cloud}"]["vars"]
    own = [[f"10.10.0.{last}", f"fd10:10::{last}"] for last in (2, 3)]
    public = ipaddress.ip_address(first["vcc_public_address"][0]) + 1
    second = {
        "kinds": ["org_edges"],
        "clouds": [cloud],
        **{key: first[key] for key in ("vcc_org", "vcc_org_address", "vcc_org_network")},
        "vcc_public_address": [str(public), f"{first['vcc_public_address'][1]}2"],
        "vcc_site": cloud,
        "vcc_own_org_address": own[1],
    }
    return changed(
        hosts, {f"edge-{cloud}-2": second, f"edge-{cloud}": {"vcc_site": cloud, "vcc_own_org_address": own[0]}}
    )


def entry(plan: Plan, node: str, vpn: str) -> Any:
    """What a node is told of a VPN or a stretched network."""
    return next(one for one in plan.documents[node]["vpns"] if one["name"] == vpn)


class World:
    """A landscape and a ledger. Every call plans in a transaction of its own, like a run of a playbook."""

    def __init__(
        self, hosts: Hosts | None = None, ledger: str = "sqlite://", groups: Mapping[str, list[str]] | None = None
    ) -> None:
        self.hosts = lab() if hosts is None else hosts
        self.ledger = Ledger(ledger)
        self.groups = dict(groups or {})

    def plan(self, *vpns: Any, **rest: Any) -> Plan:
        """Plan these VPNs with the usual pools; ``rest`` are other parts of an intent, or of the request."""
        return self.ask({"vpns": list(vpns)}, **rest)

    def refused(self, *vpns: Any, **rest: Any) -> list[str]:
        """The errors for which a plan of these VPNs is refused; the ledger stays as it is."""
        before = self.dump()
        with pytest.raises(IntentErrors) as caught:
            self.plan(*vpns, **rest)
        assert self.dump() == before
        return [str(error) for error in caught.value.errors]

    def ask(
        self,
        intent: Mapping[str, Any],
        *,
        absent: Iterable[str] = (),
        create_tunnels: bool = True,
        dry_run: bool = False,
        who: str = "test",
        organizations: Iterable[str] = (),
        comes_up: bool = True,
        expected: Iterable[str] = (),
        as_stored: bool = False,
        forget: Iterable[str] = (),
        allow_renumber: bool = False,
        observed: Mapping[str, Mapping[str, Any]] | None = None,
        adopt: Iterable[str] = (),
        collisions: Iterable[Mapping[str, Any]] = (),
        move: Iterable[str] | None = None,
        to: str | None = None,
        generation: int | None = None,
        only: str = "",
        agreed: Iterable[str] | None = None,
        anew: bool = False,
        stored: bool = False,
        answered: bool = False,
        **parts: Any,
    ) -> Plan:
        """Plan an intent, given as ``{"pools", "vpns", "policies"}``, and have every edge confirm it.

        ``comes_up`` False: no edge does. ``anew``: compile everything, whatever was compiled before. ``stored``: plan
        nothing.
        """
        whole = tidy({"pools": POOLS, "vpns": [], "policies": {}, **intent, **parts})
        matches = self.matches(whole["vpns"], whole.get("networks", []))
        hosts = {name: {**facts, "vars": host_variables(facts["vars"])} for name, facts in self.hosts.items()}
        request = Request(
            hosts,
            matches,
            whole,
            tuple(absent),
            create_tunnels,
            tuple(organizations),
            expected=tuple(expected),
            as_stored=as_stored,
            forget=tuple(forget),
            allow_renumber=allow_renumber,
            observed={host: read_facts(said) for host, said in (observed or {}).items()},
            adopt=tuple(adopt),
            collisions=tuple(collisions),
            move=None if move is None else tuple(move),
            to=to,
            generation=generation,
            only=only,
            agreed=None if agreed is None else tuple(agreed),
            answered=answered,
        )

        def work(transaction: Transaction) -> Plan:
            for organization in transaction.organizations() if anew else ():
                transaction.put_inputs(organization, {}, transaction.inputs(organization))
            return (stored_plan if stored else make_plan)(transaction, request)

        plan = self.ledger.run(work, dry_run=dry_run, who=who)
        if plan.coming and comes_up and not dry_run:
            self.confirm(self.hosts, who=who)
        return plan

    def confirm(
        self, applied: Iterable[str], generations: Mapping[str, int] | None = None, *, who: str = "test"
    ) -> list[str]:
        """Have so many nodes confirm what they were told; returns the VPNs that come up by that."""
        return self.note(applied, generations, who=who).came_up

    def note(
        self,
        applied: Iterable[str],
        generations: Mapping[str, int] | None = None,
        *,
        coming: Sequence[str] = (),
        who: str = "test",
    ) -> Noted:
        """The same; returns all that is noted."""
        return self.ledger.run(
            lambda transaction: note_what_came_up(transaction, self.hosts, sorted(applied), generations, coming=coming),
            who=who,
        )

    def run_all(self, *but: str) -> None:
        """Have all nodes run their document, and the ledger note it, ``but`` for some."""

        def note(transaction: Transaction) -> None:
            for organization in transaction.organizations():
                stored = transaction.documents(organization)
                transaction.note_applied(organization, {n: one.generation for n, one in stored.items() if n not in but})

        self.ledger.run(note, who="test")

    def settle(
        self,
        applied: Iterable[str],
        *,
        gone: Sequence[str] = (),
        failed: Sequence[str] = (),
        given_up: Sequence[str] = (),
        generations: Mapping[str, int] | None = None,
        dry_run: bool = False,
    ) -> tuple[bool, list[str]]:
        """Settle, when so many nodes run their document, some never will, and some were told what they lose."""

        def work(transaction: Transaction) -> tuple[bool, list[str]]:
            return settle(
                transaction, self.hosts, sorted(applied), generations, gone=gone, failed=failed, given_up=given_up
            )

        return self.ledger.run(work, dry_run=dry_run, who="test")

    def matches(self, vpns: Any, networks: Any = ()) -> dict[str, Sequence[str]]:
        """What the inventory says of the members, by the real inventory manager where it is not plain."""
        texts = _plain_members(vpns), _plain_members(networks)
        plain = texts[0] is not None and texts[1] is not None and texts[0] | texts[1] <= set(self.hosts)
        if plain and self.hosts.keys().isdisjoint(self.groups):
            return {text: [text] for text in texts[0] | texts[1]}
        groups: dict[str, list[str]] = {"all": list(self.hosts), **self.groups}
        groups["all"] += [host for hosts in self.groups.values() for host in hosts if host not in self.hosts]
        for name, facts in self.hosts.items():
            for group in [*facts["kinds"], *(f"cloud_{cloud}" for cloud in facts["clouds"])]:
                groups.setdefault(group, []).append(name)
        require_controller()
        from ansible.parsing.dataloader import DataLoader

        from ansible_collections.intercloud.vpn.plugins.plugin_utils._inventory import match_members

        return read_matches(json.loads(json.dumps(match_members(vpns, {"groups": groups}, DataLoader(), networks))))

    def dump(self) -> dict[str, list[tuple[Any, ...]]]:
        """Every row of every table of the ledger, save what is only about time, and what no two ledgers share."""

        def read(transaction: Transaction) -> dict[str, list[tuple[Any, ...]]]:
            connection = transaction._connection
            return {
                table.name: [tuple(row) for row in connection.execute(sa.select(*_timeless(table)))]
                for table in metadata.sorted_tables
                if table.name != "identity"
            }

        return self.ledger.run(read, dry_run=True)

    def leases(self, org: str = "acme") -> dict[str, str]:
        """Prefixes by key."""
        return {
            key: str(lease.prefix)
            for key, lease in self.ledger.run(lambda transaction: transaction.leases(org), dry_run=True).items()
        }


def require_controller() -> None:
    """Skip the test where ansible-test hides the controller's code from it, as it does for tests of module_utils."""
    if importlib.util.find_spec("ansible.parsing") is None:
        pytest.skip("needs the controller's code")


def as_bytes(plan: Plan) -> bytes:
    """A plan as one text: equal plans are equal byte for byte, order of keys and lists included."""
    return json.dumps({**vars(plan), "documents": dict(plan.documents)}).encode()


def addresses(plan: Plan, vpn: str) -> dict[str, str]:
    """The members' addresses in a VPN by name."""
    found = next(entry for entry in plan.vpns if entry["name"] == vpn)
    return {member["name"]: member["address"] for member in found["members"]}


def bodies(plan: Plan) -> dict[str, dict[str, Any]]:
    """The documents without their generation."""
    return {
        node: {key: value for key, value in document.items() if key != "generation"}
        for node, document in plan.documents.items()
    }


@functools.cache
def _timeless(table: sa.Table) -> tuple[sa.Column[Any], ...]:
    return tuple(column for column in table.columns if column.name not in ("at", "created_at", "hash"))


def _plain_members(vpns: Any) -> set[str] | None:
    try:
        return {text for vpn in vpns for text in vpn["members"]} if not any("allow" in vpn for vpn in vpns) else None
    except (TypeError, KeyError):
        return None


def _cloud(number: int, org: str, tag: str, vapps: int, vms: int, org_vms: int) -> Hosts:
    cloud = CLOUDS[number] if number < len(CLOUDS) else f"c{number}"

    def host(kind: str, **variables: Any) -> dict[str, Any]:
        return {"kinds": [kind], "clouds": [cloud], "vars": {"vcc_org": org, **variables}}

    public = f"203.0.113.{16 * number + 2}" if number < 16 else str(IPv4Address("198.51.0.2") + 16 * number)
    hosts = {
        f"node{tag}-{cloud}": host("vcc_nodes"),
        f"edge{tag}-{cloud}": host(
            "org_edges",
            vcc_public_address=[public, f"2001:db8:{number:x}::2"],
            vcc_org_address=["10.10.0.1", "fd10:10::1"],
            vcc_org_network=["10.10.0.0/24", "fd10:10::/64"],
        ),
    }
    name = 1
    for vapp in range(1, vapps + 1):
        # As the clouds do, vApps use the same network again.
        hosts[f"vapp{vapp}{tag}-{cloud}"] = host(
            "vapp_edges",
            vcc_org_address=[f"10.10.0.{10 + vapp}", f"fd10:10::{10 + vapp}"],
            vcc_vapp_address=["192.168.1.1", "fd10:1::1"],
            vcc_vapp_network=["192.168.1.0/24", "fd10:1::/64"],
        )
        for vm in range(vms):
            hosts[f"vm{name}{tag}-{cloud}"] = host(
                "members",
                vcc_vapp=f"vapp{vapp}{tag}-{cloud}",
                vcc_address=[str(IPv4Address("192.168.1.11") + vm), f"fd10:1::{11 + vm}"],
            )
            name += 1
    for vm in range(org_vms):
        place = name if vapps == 1 else 20 + vm
        hosts[f"vm{name}{tag}-{cloud}"] = host(
            "members", vcc_address=[str(IPv4Address("10.10.0.10") + place), f"fd10:10::{10 + place}"]
        )
        name += 1
    return hosts
