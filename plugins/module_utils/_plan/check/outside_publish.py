# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""INTENT: what only shows when published ports are seen beside the edges that publish them, and beside each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..._base.prefix import Prefix, parse_address
from ..._base.problems import Problems
from ..._intent.landscape.hosts import OrgEdge
from ..._intent.landscape.landscape import Landscape
from ..._intent.outside import Outside
from ..._intent.outside_publish import ANY, Published
from ..._intent.pools import PRIVATE
from ..._intent.vpn import Vpn

# What an edge is reached by itself.
_ITS_OWN = {"udp/500": "IKE", "udp/4500": "IKE and ESP", "tcp/22": "SSH"}
_WITH_SSL = {"udp/1194": "OpenVPN", "tcp/443": "OpenVPN"}


def check_published(
    vpns: Iterable[Vpn], taken: list[tuple[str, Prefix]], landscape: Landscape, problems: Problems
) -> None:
    """Note every published port of an organization's VPNs that cannot be. ``taken``: pools and blocks of VPNs."""
    vpns = list(vpns)
    ssl = {site for vpn in vpns if vpn.tunnel == "ssl" for site in vpn.sites}
    claims: dict[tuple[str, str, str], str] = {}
    for vpn in sorted(vpns, key=lambda vpn: vpn.name):
        for outside, one, edge in _published(vpn, landscape):
            place = f"{outside.path}.publish[{one.index}]"
            own = edge.public.get(vpn.pool.family, "")
            address = one.address or own
            before = claims.setdefault((edge.name, address, one.port), place)
            if before != place:
                problems.add(f"{place}.port", f"{one.port} of {edge.name} is published by {before} already")
            used = {**_ITS_OWN, **(_WITH_SSL if edge.name in ssl else {})}
            if one.port in used and address == own:
                problems.add(
                    f"{place}.port",
                    f"{edge.name} itself is reached on {one.port} ({used[one.port]}): take another port, or another "
                    "address",
                )
            _check_edge(outside, one, edge, own, place, problems)
            _check_from(vpn, one, taken, f"{place}.from", problems)


def _published(vpn: Vpn, landscape: Landscape) -> Iterator[tuple[Outside, Published, OrgEdge]]:
    """In the order of the intent."""
    for one in sorted(vpn.outside.published, key=lambda one: one.index) if vpn.outside else ():
        edge = landscape.edge(vpn.by_name[one.member].vm.site) if one.member in vpn.by_name else None
        if edge is not None and vpn.outside is not None:
            yield vpn.outside, one, edge


def _check_edge(outside: Outside, one: Published, edge: OrgEdge, own: str, place: str, problems: Problems) -> None:
    if not edge.reachable:
        problems.add(
            f"{place}.member",
            f"{one.member} is behind {edge.name}, whose NAT lets no connection in (vcc_behind_nat: true): publish a "
            "member of another site, or have the NAT forward the port and set vcc_behind_nat: forwarded",
        )
    if one.address is None or one.address == own:
        return
    source = outside.source_of(edge.name)
    if source is None or not source.meets(parse_address(one.address)):
        problems.add(
            f"{place}.address",
            f"{one.address} is not a public address of {edge.name}: write {own}, or one of {outside.path}.source there",
        )


def _check_from(vpn: Vpn, one: Published, taken: list[tuple[str, Prefix]], place: str, problems: Problems) -> None:
    for prefix in one.sources:
        held = next(((what, block) for what, block in taken if prefix.overlaps(block)), None)
        private = next((text for text in PRIVATE if Prefix.parse(text).overlaps(prefix)), None)
        if prefix.family != vpn.pool.family:
            problems.add(place, f"{prefix} is IPv{prefix.family}, {vpn.path}.pool {vpn.pool} is IPv{vpn.pool.family}")
        elif held:
            problems.add(
                place,
                f"{prefix} overlaps {held[1]} ({held[0]}): members reach each other in the VPN, without publishing",
            )
        elif private:
            problems.add(
                place,
                f"{prefix} overlaps {private}, which is private: no host on the internet has it; remove it, or "
                f"write {ANY}",
            )
