# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PLAN: from an intent and a landscape to documents, in one ledger transaction.

Create upserts and delete removes: the plan is always of all VPNs the ledger knows in the organizations concerned, so
nothing vanishes because a run did not mention it. All checks come before the first write, and a write that fails
rolls everything back.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ._check import check_shared_tunnels, check_vpns
from ._check_ends import check_retransmission
from ._compile import compile_organization
from ._diff import changed_nodes, diff, touched
from ._documents import Compiled, Document, empty_document
from ._errors import PoolExhausted
from ._intent import parse_intent
from ._landscape import Landscape
from ._leases import Lease, SiteDemand, hosts_of, is_vpn_block, vpn_key, vpn_of
from ._ledger_records import VpnRecord
from ._pool import carve_vpn
from ._problems import Problems
from ._tenants import organizations_of, restrict
from ._vpn import Vpn, vpn_from_record

if TYPE_CHECKING:
    from ._ledger import Transaction

ACTIVE, DELETING = "active", "deleting"


@dataclass(frozen=True)
class Request:
    """What a run asks for.

    ``hosts``: the landscape's facts by host. ``matches``: the hosts that each text among the members stands for.
    ``intent``: ``{"pools", "vpns", "policies"}``; VPNs to create or change. ``absent``: names of VPNs to delete, as
    ``payroll`` or ``acme/payroll``. ``create_tunnels``: whether tunnels may be made that are not there yet.
    ``organizations``: those that the run is about; none stands for all.
    """

    hosts: Mapping[str, Mapping[str, Any]]
    matches: Mapping[str, Sequence[str]]
    intent: Mapping[str, Any]
    absent: tuple[str, ...] = ()
    create_tunnels: bool = True
    organizations: tuple[str, ...] = ()


@dataclass
class Plan:
    """The outcome. ``documents`` hold every node of the organizations concerned, changed or not, by name.

    A VCC node that is not one organization's own has one for each, as ``acme/node-east``.
    """

    documents: dict[str, Document] = field(default_factory=dict)
    vpns: list[dict[str, Any]] = field(default_factory=list)
    generations: dict[str, int] = field(default_factory=dict)
    diff: list[str] = field(default_factory=list)
    changed_nodes: list[str] = field(default_factory=list)
    new_tunnels: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    members: list[dict[str, Any]] = field(default_factory=list)
    changed: bool = False
    unsettled: bool = False
    leaving: list[str] = field(default_factory=list)
    losing: list[str] = field(default_factory=list)


def make_plan(transaction: Transaction, request: Request) -> Plan:
    """Plan, and write leases, VPNs, tunnels and the new generation to the ledger.

    Raises IntentErrors with everything that is wrong, before anything was written.
    """
    problems = Problems()
    hosts, intent = restrict(request.hosts, request.matches, request.intent, request.organizations, problems)
    organizations = organizations_of(hosts)
    remembered: dict[str, dict[str, Any]] = {}
    for organization in organizations:
        remembered.update(transaction.landscape(organization))
    landscape = Landscape(hosts, problems, remembered)
    plan = Plan()
    tenants = [_Tenant(name, transaction, landscape, problems) for name in organizations]
    kept = {(tenant.name, vpn): record.intent for tenant in tenants for vpn, record in tenant.stored.items()}
    asked = parse_intent(intent, request.matches, landscape, problems, kept)
    _mark_absent(tenants, request.absent, asked, plan, problems)
    # The run ends with these problems: what is stored of a VPN that is wrong would only say them once more.
    wrong = _names(intent.get("vpns")) if len(problems) else set()
    for tenant in tenants:
        tenant.ask([vpn for vpn in asked if vpn.organization == tenant.name], wrong)
    problems.raise_if_any()
    for tenant in tenants:
        tenant.carve(problems)
    problems.raise_if_any()
    for tenant in tenants:
        told = len(plan.diff)
        tenant.compile(plan, problems, request.create_tunnels)
        if len(tenants) > 1:  # they may use the same names
            plan.diff[told:] = [f"{line[:2]}{tenant.name}: {line[2:]}" for line in plan.diff[told:]]
    problems.raise_if_any()
    plan.members = _candidates(hosts)
    plan.changed_nodes = list(dict.fromkeys(plan.changed_nodes))  # a shared VCC node is told by each organization
    return plan


def _candidates(hosts: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Every VM that could be a member and is described well enough to be probed: verify looks for leaks from them."""
    landscape = Landscape(hosts, Problems())
    vms = [landscape.vm(name, "") for name in landscape.of_kind("members")]
    return [
        {
            "name": vm.name,
            "organization": vm.organization,
            "cloud": vm.cloud,
            "site": vm.site,
            "vapp": vm.vapp,
            "addresses": list(vm.addresses.values()),
        }
        for vm in vms
        if vm is not None and not vm.external
    ]


def settle(
    transaction: Transaction,
    request: Request,
    applied: Sequence[str],
    generations: Mapping[str, int] | None = None,
    gone: Sequence[str] = (),
) -> tuple[bool, list[str]]:
    """After apply: release what belonged to VPNs that are gone from all their nodes.

    Returns whether anything was released, and what is still held up.

    ``applied`` are the nodes that run their document now, as it was in ``generations`` (by organization; None: the
    newest): what another run planned meanwhile, they do not run yet. ``gone`` are hosts that will never run anything
    again; that a host is in no inventory of this run does not say so, as fleets are kept in several.
    """
    problems = Problems()
    hosts, _intent = restrict(request.hosts, {}, {}, request.organizations, problems)
    waiting: list[str] = []
    changed = False
    for organization in organizations_of(hosts):
        landscape = Landscape(hosts, problems, transaction.landscape(organization))
        tenant = _Tenant(organization, transaction, landscape, problems)
        generation = None if generations is None else int(generations.get(organization, 0))
        waiting += tenant.settle(set(applied), generation, set(gone))
        changed |= tenant.changed
    return changed, waiting


def _names(vpns: object) -> set[str]:
    """The names of the VPNs of an intent, right or wrong."""
    entries = vpns if isinstance(vpns, (list, tuple)) else []
    return {str(entry.get("name")) for entry in entries if isinstance(entry, Mapping)}


def _mark_absent(
    tenants: Sequence[_Tenant], absent: Sequence[str], asked: Sequence[Vpn], plan: Plan, problems: Problems
) -> None:
    for text in absent:
        *organization, name = text.split("/", 1)
        owners = [tenant for tenant in tenants if name in tenant.stored and organization in ([], [tenant.name])]
        if any(vpn.name == name and organization in ([], [vpn.organization]) for vpn in asked):
            problems.add("delete", f"{name} cannot be created and deleted in the same run")
        elif len(owners) > 1:
            which = ", ".join(f"{owner.name}/{name}" for owner in owners)
            problems.add("delete", f"{name} is a VPN of several organizations; say which: {which}")
        elif owners:
            owners[0].absent.add(name)
        else:
            plan.notes.append(f"{text}: there is no such VPN, so nothing to delete")


class _Tenant:
    """One organization's part of the plan."""

    def __init__(self, name: str, transaction: Transaction, landscape: Landscape, problems: Problems) -> None:
        self.name, self.transaction, self.landscape = name, transaction, landscape
        self.problems = problems
        # What was true when the leases were taken: since then, a VM may have moved to another edge or vApp.
        self.past = Landscape({}, Problems(), transaction.landscape(name))
        self.stored: dict[str, VpnRecord] = transaction.vpns(name)
        self.held: dict[str, Lease] = transaction.leases(name)
        self.numbers = {vpn: record.number for vpn, record in self.stored.items()}
        self.absent: set[str] = set()
        self.wanted: dict[str, Vpn] = {}
        self.before: list[Vpn] = []
        self.changed = False

    def ask(self, asked: Sequence[Vpn], wrong: Collection[str]) -> None:
        """Merge what is asked for into what is stored, and check the whole, save VPNs known to be ``wrong``."""
        self.asked = {vpn.name: vpn for vpn in asked}
        for name, record in self.stored.items():
            if record.state != ACTIVE:
                continue
            was = vpn_from_record(name, self.name, record.intent, self.past, Problems())
            if was is not None:
                self.before.append(was)
            if name not in self.absent and name not in self.asked and name not in wrong:
                vpn = vpn_from_record(name, self.name, record.intent, self.landscape, self.problems)
                if vpn is not None:
                    self.wanted[name] = vpn
        self.wanted.update(self.asked)
        check_vpns(self.wanted.values(), self.held, self.landscape, self.problems)
        check_shared_tunnels(self.wanted.values(), self.problems)
        check_retransmission(self.wanted.values(), self.problems)

    def carve(self, problems: Problems) -> None:
        """Take the leases that are missing."""
        self.leases = dict(self.held)
        # Of other VPNs, carving needs to know their blocks only: with all leases, many VPNs would take forever.
        blocks = {key: lease for key, lease in self.held.items() if is_vpn_block(key)}
        own: dict[str, dict[str, Lease]] = {}
        for key, lease in self.held.items():
            own.setdefault(vpn_of(key), {})[key] = lease
        # A CIDR of a VPN's own may lie in a pool that others take from, who must not be there first.
        for name, vpn in sorted(self.wanted.items(), key=lambda item: ("/" not in item[1].pool_name, item[0])):
            try:
                new = carve_vpn(name, vpn.pool_name, vpn.pool, _demand(vpn), {**blocks, **own.get(name, {})})
            except PoolExhausted as error:
                problems.add(f"{vpn.path}.pool", str(error))
                continue
            self.leases.update((lease.key, lease) for lease in new)
            blocks.update((lease.key, lease) for lease in new if is_vpn_block(lease.key))

    def compile(self, plan: Plan, problems: Problems, create_tunnels: bool) -> None:
        """Write the ledger's part and add the documents to the plan."""
        old_documents = {node: record.document for node, record in self.transaction.documents(self.name).items()}
        self._check_external(old_documents, problems)
        old = compile_organization(self.name, self.before, self.numbers, self.held, self.past)
        self._write_vpns()
        new = compile_organization(self.name, self.wanted.values(), self.numbers, self.leases, self.landscape)
        documents = {
            **{
                node: empty_document(node, document["role"], self.name, document["cloud"])
                for node, document in old_documents.items()
            },
            **new.documents,
        }
        self._write_tunnels(plan, new, problems, create_tunnels)
        self._remember(new)
        plan.generations[self.name] = self.transaction.put_documents(self.name, documents)
        for node, record in self.transaction.documents(self.name).items():
            # A host that moved to another organization is told what it is there, not that it is nothing here any more.
            # A VCC node keeps what each organization tells it, side by side.
            own = self.landscape.belongs_to(node, self.name)
            if record.role == "vcc_node" and not own:
                plan.documents[f"{self.name}/{node}"] = record.document
            elif node not in plan.documents or own:
                plan.documents[node] = record.document
        plan.vpns += new.vpns
        plan.notes += [
            f"{vpn['name']}: without {site}, other sites do not reach each other"
            for vpn in new.vpns
            if vpn["name"] in self.asked
            for site in vpn.get("single_points_of_failure", [])
        ]
        lines = diff(old, new)
        plan.diff += lines + touched(lines, old_documents, documents)
        plan.changed_nodes += changed_nodes(old_documents, documents)
        plan.changed |= self.changed or bool(plan.changed_nodes)
        plan.losing += sorted(
            node for node, document in old_documents.items() if _addresses(document) - _addresses(documents[node])
        )
        plan.leaving += sorted(
            {
                node
                for name, record in self.transaction.vpns(self.name).items()
                if record.state == DELETING
                for node in self._told(name, documents)
            }
        )
        plan.unsettled |= len(documents) > len(new.documents) or any(
            record.state == DELETING for record in self.transaction.vpns(self.name).values()
        )

    def _check_external(self, documents: Mapping[str, Document], problems: Problems) -> None:
        """An edge that runs a document of ours cannot just be declared external: nobody would take it from there."""
        for node in sorted(documents):
            if self.landscape.is_external(node):
                problems.add(
                    f"hosts.{node}.vcc_external",
                    f"{node} still has what earlier runs told it; take its VMs out of every VPN, or delete those, with "
                    "vcc_external: false, and declare it external then",
                )

    def _write_vpns(self) -> None:
        new = [lease for key, lease in sorted(self.leases.items()) if key not in self.held]
        self.transaction.add_leases(self.name, new)
        self.changed |= bool(new)
        for name, vpn in sorted(self.asked.items()):
            record = self.transaction.put_vpn(self.name, name, vpn.record(), ACTIVE)
            self.changed |= record != self.stored.get(name)
            self.numbers[name] = record.number
        for name in sorted(self.absent):
            stored = self.stored[name]
            self.changed |= stored.state != DELETING
            self.transaction.put_vpn(self.name, name, stored.intent, DELETING)

    def _write_tunnels(self, plan: Plan, new: Compiled, problems: Problems, create_tunnels: bool) -> None:
        known = self.transaction.tunnels(self.name)
        missing = {name: record for name, record in sorted(new.tunnels.items()) if name not in known}
        plan.new_tunnels += missing
        for name, record in missing.items() if not create_tunnels else ():
            users = ", ".join(vpn["name"] for vpn in new.vpns if name in vpn["tunnels"])
            problems.add(
                f"tunnels.{name}",
                f"there is no tunnel {' -- '.join(record['edges'])} yet, which {users} needs, "
                "and vcc_create_tunnels is never; set it to always, or ask",
            )
        self.transaction.put_tunnels(self.name, missing)
        for name in sorted(set(known) - set(new.tunnels)):
            self.transaction.drop_tunnel(self.name, name)

    def _remember(self, new: Compiled) -> None:
        used = {*new.documents, *(site for vpn in new.vpns for site in vpn["sites"])}
        used |= {member["name"] for vpn in new.vpns for member in vpn["members"]}
        self.transaction.put_landscapes(self.name, {host: self.landscape.facts(host) for host in sorted(used)})

    def settle(self, applied: set[str], generation: int | None, gone: set[str]) -> list[str]:
        """Drop what no node has any more: leases, records and empty documents."""
        waiting = []
        stored = self.transaction.documents(self.name)
        if generation is not None:
            applied = {node for node in applied if node not in stored or stored[node].generation <= generation}
        applied |= gone
        for name, record in sorted(self.stored.items()):
            if record.state != DELETING:
                continue
            nodes = self._told(name, stored)
            clouds = {stored[node].document["cloud"] for node in nodes}
            nodes |= {
                node for node, told in stored.items() if told.role == "vcc_node" and told.document["cloud"] in clouds
            }
            missing = ", ".join(sorted(nodes - applied))
            if missing:
                waiting.append(
                    f"{name}: its addresses stay leased until it is gone from {missing}; of a host that will never "
                    "come back, say so with vcc_forget"
                )
                continue
            self.transaction.release(self.name, vpn_key(name))
            self.transaction.drop_vpn(self.name, name)
            self.changed = True
        self._forget(applied)
        return waiting

    def _told(self, vpn: str, documents: Mapping[str, Any]) -> set[str]:
        """The nodes a VPN was brought to: those whose leases it holds, wherever they are by now. A VM that is
        translated is told nothing."""
        return hosts_of(self.held, vpn) & set(documents)

    def _forget(self, applied: set[str]) -> None:
        stored = self.transaction.documents(self.name)
        empty = {
            node
            for node, record in stored.items()
            if record.document
            == {
                **empty_document(node, record.role, self.name, record.document["cloud"]),
                "generation": record.generation,
            }
        }
        gone = empty & applied
        self.transaction.drop_documents(self.name, gone)
        self.changed |= bool(gone)
        kept = {vm for record in self.transaction.vpns(self.name).values() for vm in record.intent["members"]}
        kept |= set(stored) - gone
        known = self.transaction.landscape(self.name)
        kept |= {
            str(known[host]["vars"].get("vcc_edge")) for host in kept & set(known)
        }  # an external one has no document
        for host in set(known) - kept:
            self.transaction.drop_landscape(self.name, host)


def _addresses(document: Document) -> set[str]:
    """The addresses a member has itself. An edge's own is nobody's to send from."""
    return {entry["address"] for entry in document.get("addresses", []) if document["role"] == "member"}


def _demand(vpn: Vpn) -> list[SiteDemand]:
    """What the VPN needs of its pool. VMs by site and vApp; None stands for the org network."""
    sites: dict[str, dict[str | None, list[str]]] = {site: {} for site in vpn.sites}
    for member in vpn.members:
        sites.setdefault(member.vm.site, {}).setdefault(member.vm.vapp, []).append(member.vm.name)
    return [
        SiteDemand(
            site,
            tuple(places.get(None, ())),
            {vapp: tuple(names) for vapp, names in places.items() if vapp is not None},
            tuple(server.name for server in vpn.destinations.servers if server.behind == site),
        )
        for site, places in sorted(sites.items())
    ]
