# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""INTENT: what only shows when ``outside`` of VPNs is seen beside their sites, and beside each other.

Here is how members go outside. What is published there is in a file of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from ..._base.lease import Lease
from ..._base.prefix import BITS, Prefix, parse_address
from ..._base.problems import Problems, did_you_mean
from ..._intent.landscape.hosts import OrgEdge
from ..._intent.outside import Outside, Source
from ..._intent.paths import of_host
from ..._intent.pools import unusable
from ..._intent.vpn import Member, Vpn
from ..compile.outside import with_prefix
from ..pool.lease_keys import blocks_of, vm_key, vpn_key
from .pools import Real, overlapped

Taken = list[tuple[str, Prefix]]
"""Pools and blocks of VPNs, each with where it is said."""


def check_outside(vpn: Vpn, edges: Iterable[OrgEdge], real: Iterable[Real], taken: Taken, problems: Problems) -> None:
    """Note what is wrong with one VPN's sources. ``real`` are the networks and addresses of its sites."""
    outside = vpn.outside
    if outside is None:
        return
    sites = {edge.name: edge for edge in edges}
    there = sorted({member.vm.site for member in _going(vpn, outside)})
    _check_sites(vpn, outside, sites, there, problems)
    published = {vpn.by_name[one.member].vm.site for one in outside.published if one.member in vpn.by_name}
    for site in sorted({*there, *published}):
        edge = sites.get(site)
        if edge is not None and vpn.pool.family not in edge.public:
            problems.add(
                of_host(site, "vcc_public_address"),
                f"has no IPv{vpn.pool.family} address, which {outside.path} needs, as {vpn.path}.pool is {vpn.pool}",
            )
    real = list(real)
    for site, place, source in sources_of(vpn, outside):
        if site in sites and (source.count or source.prefix):
            _check_source(vpn, sites[site], source, place, real, taken, problems)


def check_between_vpns(vpns: Iterable[Vpn], problems: Problems) -> None:
    """Note what two VPNs claim: a VM's way out, or a public address."""
    goers: dict[tuple[str, int], Vpn] = {}
    pools: list[tuple[Vpn, str, Source]] = []
    for vpn in sorted(vpns, key=lambda vpn: vpn.name):
        outside = vpn.outside
        if outside is None:
            continue
        for member in _going(vpn, outside):
            first = goers.setdefault((member.vm.name, vpn.pool.family), vpn)
            if first is not vpn:
                problems.add(
                    f"{outside.path}.members",
                    f"{member.vm.name} goes outside by VPN {first.name} already, and a VM can do so by one VPN only: "
                    "remove it from the members of one of the two",
                )
        for site, place, source in sources_of(vpn, outside):
            for other, other_site, one in pools:
                if source.overlaps(one) and source is not one:  # that is said already
                    problems.add(place, f"{source}: VPN {other.name} already has these addresses at {other_site}")
            pools.append((vpn, site, source))


def check_prefixes(vpns: Iterable[Vpn], leases: Mapping[str, Lease], problems: Problems) -> None:
    """Note IPv6 prefixes in which two members would have one address. ``leases`` are those that will be."""
    for vpn in vpns:
        if vpn.outside is None:
            continue
        blocks = blocks_of(leases, vpn_key(vpn.name))
        for site, place, source in sources_of(vpn, vpn.outside):
            small = [block for block in blocks if source.prefix and block.length < source.prefix.length]
            if small:
                problems.add(
                    place,
                    f"{source.prefix} is smaller than {small[0]}, the block of VPN {vpn.name}: take a "
                    f"/{small[0].length} or larger",
                )
            elif source.prefix:
                here = [member for member in _going(vpn, vpn.outside) if member.vm.site == site]
                _check_one_each(vpn, here, source.prefix, place, leases, problems)


def _check_one_each(
    vpn: Vpn, members: Iterable[Member], prefix: Prefix, place: str, leases: Mapping[str, Lease], problems: Problems
) -> None:
    seen: dict[str, str] = {}
    for member in members:
        lease = leases.get(vm_key(vpn.name, member.vm.site, member.vm.name, member.vm.vapp))
        if lease is not None:
            address = with_prefix(prefix, lease.prefix)
            first = seen.setdefault(address, member.vm.name)
            if first != member.vm.name:
                problems.add(
                    place,
                    f"{first} and {member.vm.name} would both be {address}, because VPN {vpn.name} has several blocks: "
                    "take a larger prefix, or a list of addresses",
                )


def _going(vpn: Vpn, outside: Outside) -> list[Member]:
    return [one for one in vpn.members if outside.goes(one.vm.name) and not one.vm.external]


def sources_of(vpn: Vpn, outside: Outside) -> Iterator[tuple[str, str, Source]]:
    """The site, the place in the intent, and the source of every site that has members which go outside."""
    for site in sorted({member.vm.site for member in _going(vpn, outside)}):
        source = outside.source_of(site)
        if source is not None:
            by_site = isinstance(outside.sources, Mapping)
            yield site, f"{outside.path}.source{f'.{site}' if by_site else ''}", source


def _check_sites(
    vpn: Vpn, outside: Outside, sites: Mapping[str, OrgEdge], there: list[str], problems: Problems
) -> None:
    """``there``: the sites with members that go outside."""
    path, sources = f"{outside.path}.source", outside.sources
    if isinstance(sources, Mapping):
        for site in sorted(sources.keys() - set(there)):
            why = "no member goes outside there" if site in sites else f"is not a site of VPN {vpn.name}"
            problems.add(f"{path}.{site}", f"{why}{'' if site in sites else did_you_mean(site, sites)}; remove it")
        for site in sorted(set(there) - sources.keys()):
            problems.add(path, f"has no entry for {site}, where members go outside: add one, or remove these members")
    elif sources is not None and (sources.count or sources.prefix) and len(there) > 1:
        problems.add(
            path,
            f"members go outside at {', '.join(there)}, and a public address is of one edge: write "
            f"{{{there[0]}: [...], {there[1]}: [...]}}",
        )


def _check_source(
    vpn: Vpn, edge: OrgEdge, source: Source, place: str, real: list[Real], taken: Taken, problems: Problems
) -> None:
    if source.family != vpn.pool.family:
        problems.add(place, f"{source} is IPv{source.family}, {vpn.path}.pool {vpn.pool} is IPv{vpn.pool.family}")
        return
    if edge.behind_nat:
        problems.add(place, f"{edge.name} is behind a NAT, and its public address belongs to the NAT: write masquerade")
    prefixes = [source.prefix] if source.prefix else [parse_address(source.address(n)) for n in range(source.count)]
    own = {*edge.public.values()}
    others = [one for one in real if not (one[0] == edge.name and one[2].address() in own)]
    for prefix in prefixes:
        text = prefix.address() if prefix.length == BITS[prefix.family] else str(prefix)
        where = unusable(prefix)
        if where:
            problems.add(place, f"{text} lies in {where}")
        held = next(((what, block) for what, block in taken if prefix.overlaps(block)), None)
        if held:
            problems.add(place, f"{text} overlaps {held[1]} ({held[0]}), addresses of a VPN")
        # A prefix may be that of the network outside; its members' addresses have the VPN's own last octets.
        for what in overlapped(prefix, others) if source.prefix is None else ():
            problems.add(place, f"{text} is taken: {what}")
