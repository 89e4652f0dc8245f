# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PLAN: what documents say of pairs of edges (docs/pairs.md). Without a pair they say nothing.

A *lane* is the way to one edge of a site: 0 is the home edge, 1 the other one. The same lies behind all lanes, so their
links have the same selectors. Which lane is in use, the edge that sends decides: it hears the other ends over a link of
its own in each tunnel, from an address that no other edge has.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..._base.prefix import BITS
from ..._intent.landscape.hosts import OrgEdge
from ..._intent.landscape.pairs import vrrp_id
from .documents import Document
from .leased_vpn import LeasedVpn
from .reach import Links

PRIORITIES = (150, 149)
"""Of a pair's edges, by lane: which one of two that begin at the same time is the master."""
HELLO = "hello"


def lane_of(leased: LeasedVpn, edge: str) -> int:
    """The lane that leads to an edge."""
    return 0 if leased.home(edge) == edge else 1


def of_tunnel(leased: LeasedVpn, peer: str) -> dict[str, Any]:
    """What a tunnel says of its other end, where that is of a pair."""
    site = leased.home(peer)
    if site not in leased.twins:
        return {}
    lane = lane_of(leased, peer)
    return {"site": site, **({"lane": lane} if lane else {})}


def of_edge(leased: LeasedVpn, edge: OrgEdge) -> dict[str, Any]:
    """What the document of an edge of a pair says of the pair; nothing of others."""
    site = leased.home(edge.name)
    if site not in leased.twins:
        return {}
    lane = lane_of(leased, edge.name)
    twin = leased.edges_at(site)[1 - lane]
    return {
        "site": site,
        "lane": lane,
        "twin": twin.name,
        "gateway": [address for _family, address in sorted(edge.inside.items())],
        "own": [edge.own[family] for family in sorted(edge.inside)],
        "twin_own": [twin.own[family] for family in sorted(edge.inside)],
        "vrrp": {"id": vrrp_id(edge), "priority": PRIORITIES[lane]},
    }


def site_in(document: Mapping[str, Any]) -> str:
    """The site of an org edge, of its document."""
    return str((document.get("pair") or {}).get("site", document["node"]))


def twin_in(document: Mapping[str, Any]) -> str:
    """The other edge of an org edge's pair, of its document; empty where it has none."""
    return str((document.get("pair") or {}).get("twin", ""))


def add_hellos(every: Iterable[Links], documents: Mapping[str, Document]) -> None:
    """Add to each tunnel of a pair the link that its two ends hear each other over, in the first VPN that it has.

    The first by number: one that comes later is none, and the edges of a pair are told of it one after the other.
    """
    vpns = {links.vpn.name: links for links in every}
    if not any(links.leased.twins for links in vpns.values()):
        return
    for edge, document in documents.items():
        for tunnel in document["tunnels"]:
            whole = min(tunnel["links"], key=lambda link: int(link["number"]))
            links = vpns[whole["vpn"]]
            ends = links.leased.home(edge), links.leased.home(tunnel["peer"])
            if {*ends} & links.leased.twins.keys():
                _add_hello(links.leased, edge, tunnel, whole)
                document["routes"] += _pinned(links.leased, ends, tunnel)


def _add_hello(leased: LeasedVpn, edge: str, tunnel: dict[str, Any], whole: Mapping[str, Any]) -> None:
    here, there = leased.own_address(edge), leased.own_address(tunnel["peer"])
    tunnel[HELLO] = {"vpn": leased.vpn.name, "from": here, "to": there}
    kept = {key: value for key, value in whole.items() if key != "name"}
    tunnel["links"].append(
        {
            **kept,
            "name": f"{leased.vpn.name}~{HELLO}",
            HELLO: True,
            "local_ts": [leased.host(here)],
            "remote_ts": [leased.host(there)],
        }
    )


def _pinned(leased: LeasedVpn, ends: tuple[str, str], tunnel: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The route to one edge of a pair, whichever lane is in use."""
    if ends[1] not in leased.twins:
        return []
    return [
        {
            "prefix": f"{tunnel[HELLO]['to']}/{BITS[leased.family]}",
            "tunnel": leased.vpn.name,
            "source": leased.edge_address(ends[0]),
            "lane": tunnel.get("lane", 0),
        }
    ]
