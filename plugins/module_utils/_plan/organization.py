# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PLAN: one organization's part of a plan."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from .._base.errors import PoolExhausted
from .._base.lease import Lease
from .._base.problems import Problems, some
from .._intent.landscape.hosts import OrgEdge
from .._intent.landscape.landscape import Landscape
from .._intent.paths import CREATE_TUNNELS
from .._intent.vpn import Vpn, vpn_from_record
from .._ledger.records import ACTIVE, DELETING, PLANNED, DocumentRecord, VpnRecord
from .also_touched import also_touched
from .came_up import vpns_in
from .check.gateways import check_one_pair
from .check.outside import check_prefixes
from .check.pairs import check_moved
from .check.pools import note_exhausted
from .check.tunnels import check_together
from .check.vpn import check_vpns
from .compile.leased_vpn import LeasedVpn
from .compile.organization import lease_vpns
from .compile.recompile import Recompiled, Recompiler
from .diff import diff, touched
from .moves import Move, keeping, lease_key, places, where_leased
from .outcome import Plan
from .pool.allocate import carve_vpn
from .pool.lease_keys import SiteDemand, hosts_by_vpn, is_own_edge, is_vpn_block, sites_in, vpn_of
from .served import served_by
from .settle import told
from .topology.static_paths import static_losses

if TYPE_CHECKING:
    from .._ledger.ledger import Transaction


class OrganizationPlan:
    """In this order: ask, carve, compile. State: what the ledger holds of the organization, and what will be."""

    def __init__(self, name: str, transaction: Transaction, landscape: Landscape, problems: Problems) -> None:
        self.name, self.transaction, self.landscape = name, transaction, landscape
        self.problems = problems
        # What was true when the leases were taken: since then, a VM may have moved to another edge or vApp.
        self.stored: dict[str, VpnRecord] = transaction.vpns(name)
        self.held: dict[str, Lease] = transaction.leases(name)
        self.past = Landscape({}, Problems(), transaction.landscape(name), lambda _organization: sites_in(self.held))
        self.records: dict[str, DocumentRecord] = transaction.documents(name)  # as they were before
        self.seen = transaction.seen(name)
        self.numbers = {vpn: record.number for vpn, record in self.stored.items()}
        self.absent: set[str] = set()
        self.moving: set[str] = set()
        self.expected: set[str] = set()
        self.wanted: dict[str, Vpn] = {}
        self.before: dict[str, Vpn] = {}
        self.leases = self.held
        self.idle: list[str] = []
        self.coming: list[str] = []
        self.altered: set[str] = set()  # VPNs that are to be otherwise than they were, wherever their members are
        self.moves: list[Move] = []
        self.homes: dict[str, set[str]] = {}  # where nodes were, by node
        self.places: dict[str, set[str]] = {}  # where they are
        self.changed = False

    def moved_nodes(self) -> set[str]:
        """The nodes that are at none of the sites any more that they were at."""
        known = self.homes.keys() & self.places.keys() & self.records.keys()
        return {node for node in known if not self.homes[node] & self.places[node]}

    def behind(self) -> set[str]:
        """The nodes that were not seen to run their document, as it was before."""
        return {node for node, record in self.records.items() if self.seen.get(node) != record.generation}

    def happened(self, whats: Iterable[str], subject: str) -> bool:
        """Whether the ledger remembers that one of these happened."""
        return any(self.transaction.happened(self.name, what, subject) for what in whats)

    @cached_property
    def hosts_held(self) -> dict[str, set[str]]:
        """The hosts that VPNs held leases for, before this plan."""
        return hosts_by_vpn(self.held)

    def known_hosts(self) -> set[str]:
        """The hosts that the ledger knows anything of."""
        return {
            *self.records,
            *self.past.names,
            *(host for vpn in self.stored for host in self.hosts_held.get(vpn, ())),
        }

    def ask(self, asked: Sequence[Vpn], wrong: Collection[str]) -> None:
        """Merge what is asked for into what is stored, and check the whole, save VPNs known to be ``wrong``."""
        self.asked = {vpn.name: vpn for vpn in asked}
        named = {*self.asked, *self.absent, *wrong}
        planned = any(record.state == PLANNED for record in self.stored.values())
        told = {vpn for one in self.records.values() for vpn in vpns_in(one.packed)} if planned else set()
        for name, record in self.stored.items():
            if record.state == DELETING:
                continue
            # What has not come up is in the documents only until a run for others.
            if record.state == ACTIVE or name in told:
                was = vpn_from_record(name, self.name, record.intent, self.past, Problems())
                if was is not None:
                    # Not those without a lease where their facts have them: nodes told recover_ledger of another place.
                    there = tuple(one for one in was.members if lease_key(was, one.vm) in self.held)
                    self.before[name] = was if len(there) == len(was.members) else replace(was, members=there)
            if record.state == PLANNED and name not in self.expected:
                self.idle += [] if name in named else [name]
            elif name not in named:
                vpn = vpn_from_record(name, self.name, record.intent, self.landscape, self.problems)
                if vpn is not None:
                    self.wanted[name] = vpn
        self.wanted.update(self.asked)
        check_vpns(self.wanted.values(), self.held, self.landscape, self.problems)
        check_together(self.wanted.values(), self.landscape, self.problems)

    def carve(self, problems: Problems, allow_renumber: bool) -> None:
        """Take the leases that are missing. Those of members that moved go with them, unless all may be renumbered."""
        self.leases = dict(self.held)
        if not allow_renumber:
            self._take_along()
        # Of other VPNs, carving needs to know their blocks only: with all leases, many VPNs would take forever.
        blocks = {key: lease for key, lease in self.leases.items() if is_vpn_block(key)}
        own: dict[str, dict[str, Lease]] = {}
        for key, lease in self.leases.items():
            own.setdefault(vpn_of(key), {})[key] = lease
        exhausted: list[tuple[Vpn, PoolExhausted]] = []
        # A CIDR of a VPN's own may lie in a pool that others take from, who must not be there first.
        for name, vpn in sorted(self.wanted.items(), key=lambda item: ("/" not in item[1].pool_name, item[0])):
            try:
                new = carve_vpn(
                    name, vpn.pool_name, vpn.pool, _demand(vpn, self.landscape), {**blocks, **own.get(name, {})}
                )
            except PoolExhausted as error:
                exhausted.append((vpn, error))
                continue
            self.leases.update((lease.key, lease) for lease in new)
            blocks.update((lease.key, lease) for lease in new if is_vpn_block(lease.key))
        note_exhausted(exhausted, len(self.wanted), problems)
        check_prefixes(self.wanted.values(), self.leases, problems)

    def _take_along(self) -> None:
        for name, vpn in sorted(self.wanted.items()):
            if name in self.stored and self.stored[name].state != PLANNED:
                self.moves += keeping(self.before.get(name), vpn, self.held, self.landscape)
        for move in self.moves:
            lease = self.leases.pop(move.old_key)
            self.leases[move.new_key] = replace(lease, key=move.new_key)

    def compile(self, plan: Plan, problems: Problems, create_tunnels: bool) -> None:
        """Write the ledger's part and add the documents to the plan."""
        self._check_external(problems)
        before = lease_vpns(self.before.values(), self.numbers, self.held, self.past)
        self._write_vpns()
        left = {key for key in self.leases if self._is_left_over(key)}  # no node is told of them
        held = {key: lease for key, lease in self.leases.items() if key not in left} if left else self.leases
        leased = lease_vpns(self.wanted.values(), self.numbers, held, self.landscape)
        known = self.transaction.inputs(self.name)
        going = self._going()
        recompiler = Recompiler(self.name, leased, before, going, self.landscape, self.past, self.records, known)
        done = recompiler.run()
        check_one_pair(done.new, problems)
        check_moved(done.new, problems)
        self.homes, self.places = done.homes, recompiler.homes
        self._write_tunnels(plan, done, problems, create_tunnels)
        self._remember(done)
        plan.generations[self.name], changed = self.transaction.put_texts(self.name, done.texts)
        self.transaction.put_inputs(self.name, done.digests, known)
        # `known` is empty after a recovery, which forgot what the intents were.
        if plan.generations[self.name] and (self.changed or changed or not known):
            self.transaction.keep_intents(self.name, plan.generations[self.name], self.wanted.keys())
        for node, record in {**self.records, **changed}.items():
            # A host that moved to another organization is told what it is there, not that it is nothing here any more.
            # A VCC node keeps what each organization tells it, side by side.
            own = self.landscape.belongs_to(node, self.name)
            if record.role == "vcc_node" and not own:
                plan.documents.add(f"{self.name}/{node}", record)
            elif node not in plan.documents or own:
                plan.documents.add(node, record)
        plan.vpns += done.vpns
        plan.notes += self._moved()
        plan.notes += self._weak_points(done.vpns)
        found = diff(done)
        plan.diff += found.lines + touched(found.named, self.records, changed)
        named = {*self.asked, *self.absent}
        if named:
            plan.also_touched += also_touched(done.vpns, named, found.lines, self.records, changed)
        plan.coming += self.coming
        plan.changed_nodes += sorted(changed)
        plan.changed |= self.changed or bool(plan.changed_nodes)
        plan.leaving += sorted(
            {
                node
                for name, record in self.transaction.vpns(self.name).items()
                if record.state == DELETING and name in self.absent
                for node in told(self.held, name, {*self.records, *changed})
            }
        )
        plan.unsettled |= bool(left)
        plan.unsettled |= bool({*self.records, *changed} - done.told) or any(
            record.state == DELETING for record in self.transaction.vpns(self.name).values()
        )

    def _is_left_over(self, key: str) -> bool:
        """Whether a lease is that of an edge of a pair which is none any more."""
        if not is_own_edge(key) or vpn_of(key) not in self.stored or self.stored[vpn_of(key)].state != ACTIVE:
            return False
        edges = self.landscape.edges_at(key.split("/")[3])
        return len(edges) == 1 or key.rpartition("/")[2] not in edges

    def _moved(self) -> list[str]:
        """Who keeps which address where."""
        told = [(vpn_of(one.new_key), one, self.leases[one.new_key].prefix.address()) for one in self.moves]
        notes = [f"{vpn}: {move.name} keeps {address} ({move.why})" for vpn, move, address in told]
        left = [(vpn, places(move.old_key)[0], move.name) for vpn, move, _address in told]
        return notes + [
            f"{vpn}: {name} was the last member at {site}. After this run, {site} would forward unencrypted what the "
            f"old machine of {name} sends: switch that machine off first"
            for vpn, site, name in left
            if site not in self.wanted[vpn].sites
        ]

    def _weak_points(self, compiled: Iterable[dict[str, Any]]) -> list[str]:
        """Which tunnels and edges the VPNs asked for lose sites with. What many VPNs have in common is one note."""
        vpns: dict[str, list[str]] = {}
        for entry in compiled:
            for site in entry.get("single_points_of_failure", []) if entry["name"] in self.asked else ():
                vpns.setdefault(f"without {site}, other sites do not reach each other", []).append(entry["name"])
        for name, vpn in sorted(self.asked.items()):
            paired = {site for site in vpn.sites if self.landscape.pairs.twin(site)}
            static = static_losses(vpn.sites, vpn.pairs, paired)
            if static:
                vpns.setdefault(static, []).append(name)
        return [f"{some(names)}: {text}" for text, names in vpns.items()]

    def _going(self) -> list[LeasedVpn]:
        """VPNs that an earlier run began to delete, as they were. Those of this run are held back in another way."""
        left = [name for name, record in self.stored.items() if record.state == DELETING and name not in self.absent]
        vpns = [
            vpn_from_record(name, self.name, self.stored[name].intent, self.past, Problems())
            for name in left
            if name not in self.wanted
        ]
        there = [where_leased(vpn, self.held) for vpn in vpns if vpn is not None]
        return lease_vpns(there, self.numbers, self.held, self.past)

    def _check_external(self, problems: Problems) -> None:
        """An edge that runs a document of ours cannot just be declared external: nobody would take it from there."""
        for node in sorted(self.records):
            if self.landscape.is_external(node):
                problems.add(
                    f"hosts.{node}.vcc_external",
                    f"{node} still has a generation of earlier runs. First set vcc_external: false, and take its VMs "
                    "out of every VPN or delete those VPNs. Then declare it external",
                )

    def _write_vpns(self) -> None:
        for move in self.moves:
            self.transaction.move_lease(self.name, move.old_key, move.new_key)
        self.changed |= bool(self.moves)
        came = {move.new_key for move in self.moves}
        new = [lease for key, lease in sorted(self.leases.items()) if key not in self.held and key not in came]
        self.transaction.add_leases(self.name, new)
        self.changed |= bool(new)
        for name, vpn in sorted(self.asked.items()):
            known = self.stored.get(name)
            # What is being deleted came up once, and members may still have it: it is as it was before.
            state = PLANNED if known is None or known.state == PLANNED else ACTIVE
            up_on = known.up_on if known and known.state == PLANNED else ()
            record = self.transaction.put_vpn(self.name, name, vpn.record(), state, up_on)
            self.changed |= record != known
            self.altered |= set() if known and record.intent == known.intent else {name}
            self.numbers[name] = record.number
            self.coming += [name] if state == PLANNED else []
        for name in self.idle:  # its edges are told of it no more
            record = self.transaction.put_vpn(self.name, name, self.stored[name].intent, PLANNED)
            self.changed |= record != self.stored[name]
        for name in sorted(self.absent):
            stored = self.stored[name]
            self.changed |= stored.state != DELETING
            self.altered.add(name)
            self.transaction.put_vpn(self.name, name, stored.intent, DELETING)

    def _write_tunnels(self, plan: Plan, done: Recompiled, problems: Problems, create_tunnels: bool) -> None:
        if not done.stale:
            return
        known = self.transaction.tunnel_names(self.name)
        kinds = {
            name: (pair, links.vpn) for links in done.new for name, pair in zip(links.tunnels, links.leased.edge_pairs)
        }
        missing = sorted(name for name in kinds if name not in known)
        plan.new_tunnels += missing
        needing: dict[str, list[str]] = {}
        for links in done.new if missing and not create_tunnels else ():
            for name in links.tunnels:
                needing.setdefault(name, []).append(links.vpn.name)
        for name in missing if not create_tunnels else ():
            users = ", ".join(needing[name])
            problems.add(
                CREATE_TUNNELS,
                f"there is no tunnel {' -- '.join(sorted(kinds[name][0]))} yet, which {users} needs, "
                "and vcc_create_tunnels is never; set it to always, or ask",
            )
        records = {name: {"edges": sorted(kinds[name][0]), "kind": kinds[name][1].tunnel} for name in missing}
        self.transaction.put_tunnels(self.name, records)
        for name in sorted(known - kinds.keys()):
            self.transaction.drop_tunnel(self.name, name)

    def _remember(self, done: Recompiled) -> None:
        used = {*done.told, *(site for links in done.new for site in links.vpn.sites)}
        used |= {member.vm.name for links in done.new for member in links.vpn.members}
        for stretch in filter(None, (links.vpn.stretch for links in done.new)):
            used |= {*(vm.name for vm in stretch.members), *stretch.vapps.values()}
        served, gone = served_by(done.told, self.landscape, used)
        for host in sorted(gone - self.records.keys()):
            self.transaction.drop_landscape(self.name, host)
        used |= served
        # An edge that is of no pair any more would otherwise be one for the ledger, until it is forgotten.
        used |= {host for host in self.past.names if self.past.is_paired(host) and not self.landscape.is_paired(host)}
        self.transaction.put_landscapes(self.name, {host: self.landscape.facts(host) for host in sorted(used)})


def _demand(vpn: Vpn, landscape: Landscape) -> list[SiteDemand]:
    """What the VPN needs of its pool. VMs by site and vApp; None stands for the org network."""
    sites: dict[str, dict[str | None, list[str]]] = {site: {} for site in vpn.sites}
    for member in vpn.members:
        sites.setdefault(member.vm.site, {}).setdefault(member.vm.vapp, []).append(member.vm.name)
    vapps = vpn.stretch.vapps if vpn.stretch else {}
    for site, vapp in vapps.items():
        sites[site].setdefault(vapp, [])
    return [
        SiteDemand(
            site,
            tuple(places.get(None, ())),
            {vapp: tuple(names) for vapp, names in places.items() if vapp is not None},
            tuple(server.name for server in vpn.destinations.servers if server.behind == site),
            (vapps[site],) if site in vapps else (),
            _kept(landscape.edge(site)) if vpn.pool.family == 4 else (0, 0),
            tuple(edges) if len(edges := landscape.edges_at(site)) > 1 else (),
        )
        for site, places in sorted(sites.items())
    ]


def _kept(edge: OrgEdge | None) -> tuple[int, int]:
    """What a partner's cloud keeps of each subnet, so that no VM can have it."""
    profile = edge.profile if edge else None
    return profile.reserved if profile else (0, 0)
