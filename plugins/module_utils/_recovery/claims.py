# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""RECOVER: what nodes claim. VCC nodes keep the ledger's own words; of edges whose VCC node has none, addresses are
read off their documents, and held so that nobody gets them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from .._base.lease import Lease
from .._base.prefix import Prefix, parse_address
from .._plan.compile.lanes import site_in
from .._plan.pool.lease_keys import blocks_of, edge_key, own_edge_key, site_key, vapp_edge_key, vm_key, vpn_key
from .held import Held
from .renamed import key_now

_NONE: Mapping[str, str] = MappingProxyType({})


@dataclass
class Claims:
    """What nodes have: ``leases`` by key, ``vpns`` by name, each with ``number`` and ``intent``."""

    leases: dict[str, Lease] = field(default_factory=dict)
    vpns: dict[str, dict[str, Any]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def lease_from(key: str, record: Mapping[str, Any]) -> Lease:
    """A lease out of a VCC node's records."""
    return Lease(key, Prefix.parse(record["prefix"]), str(record["kind"]), str(record["pool"]))


def claims_of(
    ahead: Sequence[Held], leases: Mapping[str, Lease], pools: Mapping[str, str], renamed: Mapping[str, str] = _NONE
) -> Claims:
    """What these documents claim. What the ledger knows, by its ``leases``, is not guessed. ``pools``: name -> CIDR.

    ``renamed``: old names of VPNs, each with the one that it has now.
    """
    claims = Claims()
    source: dict[str, str] = {}
    for one in sorted(ahead, key=lambda held: (held.generation, held.node)):
        for known, record in one.records.get("leases", {}).items():
            key = key_now(known, renamed)
            lease, was = lease_from(key, record), claims.leases.get(key)
            if was is not None and was.prefix != lease.prefix:
                claims.problems.append(f"{key} is {was.prefix} for {source[key]}, and {lease.prefix} for {one.node}")
            claims.leases[key], source[key] = lease, one.node
        # The newest document knows best what a VPN is: they come in order.
        told = one.records.get("vpns", {})
        claims.vpns.update({renamed.get(str(name), str(name)): dict(vpn) for name, vpn in told.items()})
    _addresses_twice(claims, source)
    pools = {**pools, **{vpn["intent"]["pool"]: vpn["intent"]["pool_prefix"] for vpn in claims.vpns.values()}}
    _Guesses(ahead, claims, leases, pools, renamed).make()
    return claims


def _addresses_twice(claims: Claims, source: Mapping[str, str]) -> None:
    keys: dict[str, str] = {}
    for key, lease in sorted(claims.leases.items()):
        if lease.kind == "address":
            other = keys.setdefault(str(lease.prefix), key)
            if other != key:
                claims.problems.append(
                    f"{lease.prefix} is {other} for {source[other]}, and {key} for {source[key]}: "
                    "take one of the two out of its VPN, with vcc_allow_older=true"
                )
    numbers: dict[int, str] = {}
    for name, vpn in sorted(claims.vpns.items()):
        if numbers.setdefault(int(vpn["number"]), name) != name:
            claims.problems.append(f"{numbers[int(vpn['number'])]} and {name} both have number {vpn['number']}")


class _Guesses:
    """Addresses that edges use, and that nobody's records name."""

    def __init__(
        self,
        ahead: Sequence[Held],
        claims: Claims,
        leases: Mapping[str, Lease],
        pools: Mapping[str, str],
        renamed: Mapping[str, str],
    ) -> None:
        self.claims, self.renamed = claims, renamed
        self.pools = {name: Prefix.parse(cidr) for name, cidr in pools.items() if name != cidr}
        self.all = {**leases, **claims.leases}
        self.taken = {lease.prefix for lease in self.all.values() if lease.kind == "address"}
        self.edges = [one for one in ahead if one.role == "org_edge"]
        self.members: dict[str, str] = {}
        self.vapps: dict[str, str] = {}
        self.ends: dict[str, str] = {}
        for one in ahead:
            if one.role == "member":
                self.members.update((entry["address"], one.node) for entry in one.document.get("addresses", []))
            if one.role == "vapp_edge":
                for vpn in one.document.get("vpns", []):
                    self.ends.update({vpn["edge_address"]: one.node} if vpn.get("edge_address") else {})
                    self.vapps.update((address, one.node) for address in _addresses(vpn))

    def make(self) -> None:
        for edge in self.edges:
            site = site_in(edge.document)
            for told in edge.document.get("vpns", []):
                vpn = {**told, "name": self.renamed.get(told["name"], told["name"])}
                pool = self._pool(vpn)
                for block in map(Prefix.parse, vpn["blocks"]):
                    if block not in blocks_of(self.all, vpn_key(vpn["name"])):
                        self._claim(self._next(vpn_key(vpn["name"])), block, "block", pool)
                if vpn.get("edge_address"):
                    self._address(edge_key(vpn["name"], site), parse_address(vpn["edge_address"]), vpn, site, pool)
                if vpn.get("own_address"):
                    own = own_edge_key(vpn["name"], site, edge.node)
                    self._address(own, parse_address(vpn["own_address"]), vpn, site, pool)
                for text in _addresses(vpn):
                    address = parse_address(text)
                    if text in self.ends:
                        key = vapp_edge_key(vpn["name"], site, self.ends[text])
                        self._address(key, address, vpn, site, pool)
                        continue
                    vapp = self.vapps.get(text)
                    vm = self.members.get(str(address), f"held-{text.replace('.', '-').replace(':', '-')}")
                    self._address(vm_key(vpn["name"], site, vm, vapp), address, vpn, site, pool)
                if vpn["name"] not in self.claims.vpns and not self._known(vpn["name"]):
                    self.claims.notes.append(
                        f"{vpn['name']}: {edge.node} has it, and no VCC node tells what it is; its addresses are held. "
                        "Describe it in vcc_vpns and run create_vpn, or delete it by hand (docs/apply.md)"
                    )

    def _address(self, key: str, address: Prefix, vpn: Mapping[str, Any], site: str, pool: str) -> None:
        if address in self.taken:
            return
        above = site_key(vpn["name"], site)
        if not any(block.contains(address) for block in blocks_of(self.all, above)):
            # A block as small as can be: no more is known, and none that is carved later may contain it.
            self._claim(self._next(above), address, "block", pool)
        self._claim(key, address, "address", pool)
        self.taken.add(address)

    def _next(self, key: str) -> str:
        number = len(blocks_of(self.all, key))
        return f"{key}#{number + 1}" if number else key

    def _claim(self, key: str, prefix: Prefix, kind: str, pool: str) -> None:
        self.claims.leases[key] = self.all[key] = Lease(key, prefix, kind, pool)

    def _known(self, name: str) -> bool:
        return vpn_key(name) in self.all and vpn_key(name) not in self.claims.leases

    def _pool(self, vpn: Mapping[str, Any]) -> str:
        """The pool that a VPN takes addresses from. No document says so: one that others have and that contains it."""
        lease, block = self.all.get(vpn_key(vpn["name"])), Prefix.parse(vpn["blocks"][0])
        found = [name for name, pool in sorted(self.pools.items()) if pool.contains(block)]
        return lease.pool if lease else (found or [str(block)])[0]


def _addresses(vpn: Mapping[str, Any]) -> list[str]:
    """The addresses of members and servers behind a gateway."""
    translated = [entry["outside"] for name in ("nat", "servers") for entry in vpn.get(name, [])]
    return [*vpn.get("local", []), *translated]
