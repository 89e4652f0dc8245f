# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""INTENT: what a VPN cannot have at a site of two org edges (docs/pairs.md). What is refused here works at a site
of one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..._base.problems import Problems, some
from ..._intent.landscape.landscape import Landscape
from ..._intent.vpn import Vpn
from ..compile.leased_vpn import LeasedVpn
from ..compile.reach import Links


def check_pairs(vpn: Vpn, landscape: Landscape, problems: Problems) -> None:
    """Note what a VPN asks for and pairs of edges do not do yet."""
    pairs = [site for site in vpn.sites if landscape.pairs.twin(site)]
    if not pairs:
        return
    names = some(["/".join(landscape.edges_at(site)) for site in pairs])
    for one, other in vpn.pairs:
        if (landscape.is_external(one) and other in pairs) or (landscape.is_external(other) and one in pairs):
            theirs, ours = (one, other) if landscape.is_external(one) else (other, one)
            problems.add(
                f"{vpn.path}.members",
                f"need a tunnel between {theirs}, which is external, and {'/'.join(landscape.edges_at(ours))}: an "
                "external edge knows one edge of a site, so this is not yet for a site with two; choose a topology in "
                "which they meet at a site with one org edge, or take vcc_site from one edge",
            )
    for key, what in _refused(vpn, landscape):
        problems.add(
            f"{vpn.path}.{key}",
            f"{what} is not yet for a site with two org edges ({names}); leave it out, or take vcc_site from one edge",
        )


def check_moved(every: Iterable[Links], problems: Problems) -> None:
    """Note the VPNs with a pair whose members came from other sites, with their addresses."""
    for links in every:
        leased = links.leased
        moved = sorted(_from_other_sites(leased)) if leased.twins else []
        if moved:
            names = some(["/".join(edge.name for edge in leased.edges_at(site)) for site in leased.twins])
            problems.add(
                f"{links.vpn.path}.members",
                f"{some(moved)} moved here from another site and kept the address, which is not yet for a VPN that "
                f"has a site with two org edges ({names}); take vcc_site from one edge, or delete the VPN and create "
                "it again",
            )


def _from_other_sites(leased: LeasedVpn) -> Iterator[str]:
    """The members whose addresses need links of their own. One that is behind another vApp of its site needs none."""
    for member in leased.astray if leased.moved else ():
        if leased.host(leased.address(member)) in map(str, leased.moved.get(member.vm.site, ())):
            yield member.vm.name


def _refused(vpn: Vpn, landscape: Landscape) -> Iterator[tuple[str, str]]:
    """Where it is said, and what."""
    if vpn.tunnel != "ipsec":
        yield "tunnel", f"{vpn.tunnel}: a tunnel of this kind"
    if vpn.stretch is not None and any(landscape.pairs.twin(site) for site in vpn.stretch.sites):
        yield "stretch", "a stretched network"
    if vpn.outside is not None:
        yield "outside", "what members have to do with the internet"
    for section, asked in (("rate", vpn.policy.rate.entry()), ("quota", vpn.policy.quota.entry())):
        if asked:
            yield "policy", f"{section}: it counts at each edge, not at both together, and"
