# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""INTENT: gateways of partners that have one CHILD_SA per tunnel: one VPN, and for some one pair of selectors.

So it is with every tunnel that is route-based (``vcc_bgp``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..._base.names import folded
from ..._base.problems import Problems
from ..._intent.landscape.hosts import OrgEdge
from ..._intent.vpn import Vpn
from ..compile.reach import Links
from ..tunnel.kinds import KINDS


def check_one_vpn(described: Iterable[tuple[Vpn, list[OrgEdge]]], problems: Problems) -> None:
    """Note the VPNs that would be the second one in a tunnel that has one CHILD_SA, or need a second tunnel to a
    gateway that has one."""
    first: dict[str, Vpn] = {}
    ours: dict[str, str] = {}
    # What is stored comes first, so that a mistake is told of the VPN that is asked for.
    for vpn, edges in sorted(described, key=lambda one: (not one[0].path.startswith("ledger."), one[0].name)):
        single = {edge.name: edge for edge in edges if edge.bgp or (edge.profile and edge.profile.one_child)}
        for pair in vpn.pairs if single else ():
            edge = single.get(pair[0]) or single.get(pair[1])
            if edge is None:
                continue
            profile = edge.profile
            theirs, own = pair if pair[0] in single else pair[::-1]
            found = ours.setdefault(theirs, own)
            if edge.bgp and found != own:
                problems.add(
                    f"{vpn.path}.members",
                    f"need a tunnel {own} -- {theirs}, and {theirs} has one with {found}: its addresses inside "
                    f"(vcc_bgp.inside) are those of one tunnel; add an external edge for {own} with others, or a "
                    f"topology of kind star with the hub {found}",
                )
                continue
            if profile and profile.one_peer and found != own:
                problems.add(
                    f"{vpn.path}.members",
                    f"need a tunnel {own} -- {theirs}, and {theirs} has one with {found}: {profile.title} "
                    f"(vcc_gateway: {profile.name}) has another public address for each of your edges; add an external "
                    f"edge for {own}, or a topology of kind star with the hub {found}",
                )
                continue
            other = first.setdefault(KINDS[vpn.tunnel].tunnel_name(pair), vpn)
            if other is not vpn:
                problems.add(
                    f"{vpn.path}.members",
                    f"need a second CHILD_SA in the tunnel {' -- '.join(pair)}, which {other.name} uses, and "
                    f"{_who(edge)} has one per tunnel; give this VPN an external "
                    "edge of its own, with another public address",
                )


def check_one_pair(every: Iterable[Links], problems: Problems) -> None:
    """Note the links that need a CHILD_SA of their own for each pair of selectors, where a tunnel has but one."""
    for links in every:
        single = {
            site
            for site, edge in links.leased.edges.items()
            if edge.profile and edge.profile.one_child and not edge.bgp
        }
        for link in links.touching(single) if single else ():
            profile = link.ends[0].profile or link.ends[1].profile
            if profile is None:
                continue
            here, there = (reach.texts for reach in link.behind)
            more = [ts for _name, ts in link.for_moved(links.vpn.name)]
            if more or (profile.one_pair and len(here) * len(there) > 1):
                problems.add(
                    f"{links.vpn.path}.members",
                    f"need several CHILD_SAs in the tunnel {link.ends[0].name} -- {link.ends[1].name}, for "
                    f"{' '.join(here)} and {' '.join(there)}{' and members that moved' if more else ''}, and "
                    f"{profile.title} (vcc_gateway: {profile.name}) has one per tunnel; make a VPN of its own for "
                    "this edge, in which each side has one block",
                )


def _who(edge: OrgEdge) -> str:
    """A gateway that has one CHILD_SA per tunnel, in words."""
    if edge.profile:
        return f"{edge.profile.title} (vcc_gateway: {edge.profile.name})"
    return f"{edge.name} (vcc_bgp)"


def check_bgp(described: Iterable[tuple[Vpn, list[OrgEdge]]], problems: Problems) -> None:
    """Note what a VPN asks for and a route-based tunnel cannot carry, and addresses inside that two tunnels have."""
    inside: dict[str, OrgEdge] = {}
    described = list(described)
    _check_identities({edge.name: edge for _vpn, edges in described for edge in edges}, problems)
    for vpn, edges in described:
        for edge in edges:
            if edge.bgp is None:
                continue
            if vpn.pool.family != 4:
                problems.add(f"{vpn.path}.pool", f"is of IPv6, and BGP with {edge.name} (vcc_bgp) tells of IPv4 only")
            for name, other in inside.items():
                theirs = other.bgp.every if other.bgp and name != edge.name else []
                for one, here in ((one, here) for one in theirs for here in edge.bgp.every):
                    if one.network.overlaps(here.network):
                        problems.add(
                            f"hosts.{edge.name}.vcc_bgp.inside",
                            f"{here.network} overlaps {one.network} of {name}; give each tunnel its own network",
                        )
            inside.setdefault(edge.name, edge)


def _check_identities(edges: Mapping[str, OrgEdge], problems: Problems) -> None:
    """Note second endpoints that would pass for another edge, or for another partner's endpoint."""
    known = {(edge.organization, folded(edge.identity)): name for name, edge in sorted(edges.items(), reverse=True)}
    for name, edge in sorted(edges.items()):
        if edge.bgp and edge.bgp.second:
            identity = edge.bgp.second.identity
            holder = known.setdefault((edge.organization, folded(identity)), name)
            if holder != name:
                problems.add(
                    f"hosts.{name}.vcc_bgp.second.identity",
                    f"{identity} is an identity of {holder}, too; give each endpoint one of its own",
                )
