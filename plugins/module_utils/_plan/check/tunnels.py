# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""INTENT: whether a VPN's edges can have the tunnels that it needs, and share them with other VPNs.

Both ends of a tunnel must be able to reach each other and to do what the policy asks for, and everybody must reach
everybody over them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ..._base.problems import Problems
from ..._intent.landscape.hosts import FORWARDED, OrgEdge
from ..._intent.landscape.landscape import Landscape
from ..._intent.topology.kinds import Pair
from ..._intent.vpn import Vpn
from ..compile.mtu import IPV6_MTU
from ..topology.ways import islands, next_hops
from ..tunnel.kinds import KINDS


def check_tunnels(vpn: Vpn, edges: Iterable[OrgEdge], landscape: Landscape, problems: Problems) -> None:
    """Note what keeps a VPN's edges from having its tunnels, or its sites from reaching each other. ``edges`` are the
    home edges of its sites."""
    by_name = {edge.name: edge for edge in edges}
    _check_ways(vpn, by_name, problems)
    by_name.update((twin.name, twin) for site in vpn.sites if (twin := landscape.twin(site)) is not None)
    like = {edge.name: _like(edge) for edge in by_name.values()}
    fine: set[tuple[object, object]] = set()
    for low, high in _edge_pairs(vpn, landscape):
        if (like[low], like[high]) in fine:
            continue
        found = Problems()  # of its own: what another VPN reported is not reported again
        _check_pair(vpn, by_name[low], by_name[high], found)
        problems.extend(found)
        if not len(found) and like[low] and like[high]:
            fine.add((like[low], like[high]))


def _check_pair(vpn: Vpn, one: OrgEdge, other: OrgEdge, problems: Problems) -> None:
    """Note what keeps two edges from having a tunnel."""
    KINDS[vpn.tunnel].check_ends(vpn, one, other, problems)
    _check_ppk(vpn, (one, other), problems)
    if one.external and other.external:
        problems.add(
            f"{vpn.path}.members",
            f"need a tunnel {one.name} -- {other.name}, and both are external: the collection configures neither end; "
            "give each of them a VPN of its own",
        )
    if not set(one.public) & set(other.public):
        problems.add(
            f"{vpn.path}.members",
            f"{one.name} and {other.name} have no common IP version in vcc_public_address, "
            "so there can be no tunnel between them",
        )
    elif vpn.pool.family == 6:
        _check_ipv6_fits(vpn, one, other, problems)
    if not one.reachable and not other.reachable:
        problems.add(
            f"{vpn.path}.members",
            f"{one.name} and {other.name} are both behind a NAT, so neither reaches the other; have one NAT "
            f"forward {KINDS[vpn.tunnel].PORTS} to its edge, and set vcc_behind_nat: {FORWARDED} for that edge",
        )
        return  # behind the same NAT, they may well have the same address
    for family in set(one.public) & set(other.public):
        # Without a NAT, no two edges have the same address, tunnel or not (_intent/landscape/check_addresses.py).
        if one.public[family] == other.public[family] and (one.behind_nat or other.behind_nat):
            problems.add(
                f"hosts.{other.name}.vcc_public_address", f"{one.public[family]} is also an address of {one.name}"
            )


def _like(edge: OrgEdge) -> tuple[object, ...]:
    """What of an edge decides whether it can have a tunnel; () if that is not the same for all others.

    A thousand edges of a mesh are much the same: what holds for two of them need not be found out for all pairs.
    """
    if edge.external or edge.behind_nat:
        return ()
    return frozenset(edge.public), edge.reachable, edge.mlkem, edge.underlay_mtu


def _edge_pairs(vpn: Vpn, landscape: Landscape) -> list[Pair]:
    """The pairs of org edges that have a tunnel."""
    at = {site: landscape.edges_at(site) for site in vpn.sites}
    if all(len(edges) == 1 for edges in at.values()):
        return vpn.pairs
    return [(here, there) for one, other in vpn.pairs for here in at[one] for there in at[other]]


def check_together(vpns: Iterable[Vpn], landscape: Landscape, problems: Problems) -> None:
    """Note what an organization's VPNs cannot ask for beside each other."""
    # What is stored comes first, so that a mistake is told of the VPN that is asked for.
    vpns = sorted(vpns, key=lambda one: (not one.path.startswith("ledger."), one.name))
    _check_shared_tunnels(vpns, landscape, problems)
    for kind in KINDS.values():
        kind.check_together([vpn for vpn in vpns if vpn.tunnel == kind.NAME], problems)


def _check_shared_tunnels(vpns: Sequence[Vpn], landscape: Landscape, problems: Problems) -> None:
    """VPNs that share a tunnel must agree on what is the tunnel's and not each one's own; no others share a name."""
    first: dict[str, Vpn] = {}
    named: dict[str, tuple[str, str]] = {}
    for vpn in vpns:
        for pair in _edge_pairs(vpn, landscape):
            kind = KINDS[vpn.tunnel]
            name = kind.tunnel_name(pair)
            same = named.setdefault(name, pair)
            if same != pair:
                problems.add(
                    f"{vpn.path}.members",
                    f"the tunnels {' -- '.join(same)} and {' -- '.join(pair)} would both be named {name}; "
                    "rename an edge",
                )
            other = first.setdefault(name, vpn)
            if other is not vpn and _agreed(vpn) != _agreed(other):
                problems.add(
                    f"{vpn.path}.policy",
                    f"asks for other settings than {other.name}, with which it shares the tunnel "
                    f"{pair[0]} -- {pair[1]} ({kind.NAME}); {kind.AGREED} must be the same",
                )


def _agreed(vpn: Vpn) -> tuple[object, ...]:
    return KINDS[vpn.tunnel].agreed(vpn.policy, vpn.tunnel_options)


def _check_ways(vpn: Vpn, edges: Mapping[str, OrgEdge], problems: Problems) -> None:
    """Everybody must reach everybody, and not over a gateway that is not ours to configure."""
    groups = islands(vpn.sites, vpn.pairs)
    if len(groups) > 1:
        apart = "; ".join(", ".join(group) for group in groups)
        problems.add(f"{vpn.path}.topology", f"leaves sites that do not reach each other: {apart}; connect them")
    external = {edge.name for edge in edges.values() if edge.external}
    between: dict[str, tuple[str, str]] = {}
    # Computed again where it is compiled: to keep it with every VPN of a run is dear, and computing it is not.
    for site, hops in next_hops(vpn.sites, vpn.pairs).items() if external else ():
        for other, hop in hops.items():
            if hop in external and hop != other:
                between.setdefault(hop, (site, other))
    for edge, (site, other) in sorted(between.items()):
        problems.add(
            f"{vpn.path}.topology",
            f"leads from {site} to {other} over {edge}, which is external: an external edge forwards nothing for "
            "the VPN; choose a topology in which they meet at another edge",
        )


def _check_ppk(vpn: Vpn, ends: Iterable[OrgEdge], problems: Problems) -> None:
    """A PPK is never left out silently."""
    if vpn.policy.encryption.ppk != "required":
        return
    if not KINDS[vpn.tunnel].PPK:
        kinds = " or ".join(name for name, kind in KINDS.items() if kind.PPK)
        problems.add(
            f"{vpn.path}.policy",
            f"requires a PPK (encryption.ppk), and tunnels of kind {vpn.tunnel} have none; use tunnel: {kinds}, or "
            "a policy with ppk: none",
        )
    for edge in ends:
        if edge.external:
            problems.add(
                f"{vpn.path}.policy",
                f"requires a PPK (encryption.ppk), and {edge.name} is external: tunnels to it have none; use a policy "
                "with ppk: none for this VPN",
            )


def _check_ipv6_fits(vpn: Vpn, one: OrgEdge, other: OrgEdge, problems: Problems) -> None:
    narrow = min(one, other, key=lambda edge: (edge.underlay_mtu, edge.name))
    family = min(set(one.public) & set(other.public))
    mtu = KINDS[vpn.tunnel].mtu(vpn, one, other, family)
    if mtu < IPV6_MTU:
        problems.add(
            f"hosts.{narrow.name}.vcc_underlay_mtu",
            f"{narrow.underlay_mtu} leaves packets of {vpn.path} {mtu} octets inside the tunnel, and IPv6 "
            f"needs {IPV6_MTU}",
            f"{narrow.underlay_mtu} leaves {mtu} octets",
        )
