# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""VERIFY: the way that packets take from one member to another, by the links' traffic selectors."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Section = Mapping[str, Any]
Documents = Mapping[str, Section]
_Place = tuple[Any, ...]  # site and vApp


@dataclass(frozen=True)
class Way:
    """Gateways, tunnels, and the largest packet that fits (octets)."""

    nodes: tuple[str, ...]
    tunnels: tuple[str, ...] = ()
    mtu: int | None = None


@dataclass(frozen=True)
class _Hop:
    """A link, as its edge sees it. ``ranges``: what is behind the peer, as (IP version, first, last)."""

    peer: str
    tunnel: str
    mtu: int
    ranges: tuple[tuple[int, int, int], ...]

    def room(self, version: int, number: int) -> int | None:
        """How large the range is that an address is in: the smallest wins. None if it is in none."""
        found = (high - low for family, low, high in self.ranges if family == version and low <= number <= high)
        return min(found, default=None)


class Ways:
    """Finds ways. Each is looked for once: all members of a site and vApp take the same."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents
        self._hops: dict[tuple[str, str], tuple[_Hop, ...]] = {}
        self._known: dict[tuple[str, _Place, _Place], Way] = {}

    def between(self, vpn: str, src: Section, dst: Section) -> Way:
        """From a member to another one, or to an edge ({site, address}). It ends where the links end. Who is `over` an
        edge, in a stretched network, is found where that one is."""
        key = vpn, _place(src), _place(dst)
        if key not in self._known:
            self._known[key] = self._find(vpn, src, dst)
        return self._known[key]

    def _find(self, vpn: str, src: Section, dst: Section) -> Way:
        first = [src["vapp"]] if src.get("vapp") else []
        last = [dst["vapp"]] if dst.get("vapp") else []
        if src["site"] == dst["site"]:
            if first == last:
                return Way(tuple(first or [src["site"]]))
            return Way((*first, src["site"], *last))
        if src.get("external"):  # the plan knows no more of its gateway than that the way back leads there
            back = self._find(vpn, src=dst, dst=src)
            return Way(back.nodes[::-1], back.tunnels[::-1], back.mtu)
        address = ipaddress.ip_address(bare(dst.get("over") or dst["address"]))
        nodes, tunnels, limits = [str(src["site"])], list[str](), list[int]()
        while nodes[-1] != dst["site"]:
            fitting = [
                (room, hop)
                for hop in self._links(nodes[-1], vpn)
                if hop.peer not in nodes and (room := hop.room(address.version, int(address))) is not None
            ]
            if not fitting:
                return Way((*first, *nodes), tuple(tunnels), min(limits, default=None))
            _room, hop = min(fitting, key=lambda found: found[0])
            nodes.append(hop.peer)
            tunnels.append(hop.tunnel)
            limits.append(hop.mtu)
        return Way((*first, *nodes, *last), tuple(tunnels), min(limits))

    def _links(self, node: str, vpn: str) -> tuple[_Hop, ...]:
        if (node, vpn) not in self._hops:
            self._hops[node, vpn] = tuple(
                _Hop(
                    tunnel["peer"], tunnel["name"], self._mtu(node, tunnel, link), tuple(map(_range, link["remote_ts"]))
                )
                for tunnel, link in links_of(self._documents.get(node, {}), vpn)
            )
        return self._hops[node, vpn]

    def _mtu(self, node: str, tunnel: Section, link: Section) -> int:
        """The largest packet that fits in a link; of a pair of edges, at either end, in those of both."""
        twin = str((self._documents[node].get("pair") or {}).get("twin", ""))
        if not (twin or tunnel.get("site")):
            return int(link["mtu"])
        site = tunnel.get("site", tunnel["peer"])
        every = (one for edge in (node, twin) for one in self._documents.get(edge, {}).get("tunnels", []))
        lanes = (one for one in every if one.get("site", one["peer"]) == site)
        return min(int(one["mtu"]) for lane in lanes for one in lane["links"] if one["vpn"] == link["vpn"])


def links_of(document: Section, vpn: str) -> Iterator[tuple[Section, Section]]:
    """A VPN's links on an org edge, each with its tunnel. Of a pair of edges, those to its home edge: the same lies
    behind the other one, and which of the two is in use changes by itself."""
    for tunnel in document.get("tunnels", []):
        for link in tunnel["links"]:
            if link["vpn"] == vpn and not link.get("hello") and not tunnel.get("lane"):
                yield tunnel, link


def edge_address(documents: Documents, vpn: str, site: str) -> str | None:
    """An org edge's own address in a VPN."""
    for entry in documents.get(site, {}).get("vpns", []):
        if entry["name"] == vpn and entry.get("edge_address"):
            return bare(entry["edge_address"])
    return None


def bare(address: str) -> str:
    """An address without a prefix length."""
    return str(address).partition("/")[0]


def _range(text: str) -> tuple[int, int, int]:
    network = ipaddress.ip_network(text, strict=False)
    return network.version, int(network.network_address), int(network.broadcast_address)


def _place(end: Section) -> _Place:
    return end["site"], end.get("vapp")
