# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PLAN: what a VPN has its org edges do to reach each other: tunnels, links and the routes into them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from ..._base.prefix import Prefix, collapse, parse_address
from ..._intent.landscape.hosts import OrgEdge
from ..._intent.topology.kinds import Pair, initiator
from ..topology.ways import next_hops
from ..tunnel.kinds import KINDS
from .documents import ANY_ADDRESS, Compiled, Document
from .inputs import is_mesh
from .leased_vpn import LeasedVpn, texts
from .mtu import link_mss


def compile_links(
    leased: LeasedVpn,
    entries: Mapping[str, dict[str, Any]],
    compiled: Compiled,
    only: Collection[str] | None = None,
) -> None:
    """Add a VPN's tunnels to the documents of its org edges; ``entries`` are those that the VPN has there, by site.

    ``only``: the sites whose tunnels are compiled, None for all.
    """
    kind = KINDS[leased.vpn.tunnel]
    for one, other in leased.vpn.pairs:
        compiled.tunnels[kind.tunnel_name((one, other))] = {"edges": sorted((one, other)), "kind": leased.vpn.tunnel}
    pairs = [pair for pair in leased.vpn.pairs if only is None or pair[0] in only or pair[1] in only]
    if not pairs:
        return
    compiler = _LinkCompiler(leased, entries, compiled)
    for pair in pairs:
        compiler.link(pair)
    for site, entry in entries.items():
        entry["remote"] = texts(collapse(compiler.remote[site]))


class _LinkCompiler:
    """Adds links of one VPN to the documents. State: what is looked up again and again."""

    def __init__(self, leased: LeasedVpn, entries: Mapping[str, dict[str, Any]], compiled: Compiled) -> None:
        self.leased, self.vpn, self.entries, self.compiled = leased, leased.vpn, entries, compiled
        self.kind = KINDS[leased.vpn.tunnel]
        self.remote: dict[str, list[Prefix]] = {site: [] for site in leased.edges}
        self.taken = {lease.prefix.first for lease in leased.leases.values() if lease.kind == "address"}
        # (site, neighbour) -> the sites that the one reaches over the other. Left out in a mesh: it is that one.
        self.beyond: dict[Pair, list[str]] = {}
        for site, hops in {} if is_mesh(self.vpn) else next_hops(self.vpn.sites, self.vpn.pairs).items():
            for other, hop in hops.items():
                self.beyond.setdefault((site, hop), []).append(other)

    def link(self, pair: Pair) -> None:
        """Tell both ends of a pair."""
        low, high = sorted(pair)
        one, other = self.leased.edges[low], self.leased.edges[high]
        name, starts = self.kind.tunnel_name(pair), self._initiator(pair)
        outer = min(set(one.public) & set(other.public))
        mtu = self.kind.mtu(self.vpn, one, other, outer)
        mss = link_mss(mtu, self.leased.family)
        for own, peer in ((one, other), (other, one)):
            here, there = own.name, peer.name
            if own.external:
                continue
            document = self.compiled.documents[here]
            remote = self._behind(there, seen_from=here)
            local = [*self._behind(here, seen_from=there), *self._networks_behind(here, seen_from=there)]
            beyond = self._networks_behind(there, seen_from=here)
            tunnel = self.compiled.ends.get((here, name))
            if tunnel is None:
                tunnel = self.compiled.ends[here, name] = self._tunnel(name, own, peer, outer, here == starts)
                document["tunnels"].append(tunnel)
                document.update(self.kind.edge(self.vpn))
            tunnel["links"].append(
                {
                    "vpn": self.vpn.name,
                    "number": self.leased.number,
                    "mtu": mtu,
                    "mss": mss,
                    "local_ts": texts(local),
                    "remote_ts": texts([*remote, *beyond]),
                    **self.kind.link(self.vpn, own, peer, here == starts),
                }
            )
            source = self.leased.edge_address(here)
            self._anchor(document, local, source)
            into = {"tunnel": self.vpn.name, "source": source, **self.kind.route(name)}
            document["routes"] += [{"prefix": str(prefix), **into} for prefix in (*remote, *beyond)]
            self.remote[here] += remote
            entry = self.entries[here]
            entry["mtu"], entry["mss"] = min(mtu, entry.get("mtu", mtu)), min(mss, entry.get("mss", mss))
            if len(self.beyond.get((there, here), ())) > 1:
                entry["through"] = True

    def _tunnel(self, name: str, own: OrgEdge, peer: OrgEdge, outer: int, starts: bool) -> dict[str, Any]:
        """The tunnel in the document of one of its ends, still without links. ``outer`` is its IP version outside."""
        external = peer.external
        return {
            "name": name,
            "peer": peer.name,
            **({"external": True, "public_address": own.public[outer]} if external else {}),
            "initiator": starts,
            # Behind a NAT it is the route that tells which of the edge's own addresses is meant.
            "local_address": ANY_ADDRESS if own.behind_nat else own.public[outer],
            "remote_address": peer.public[outer],
            "local_id": own.identity,
            "remote_id": peer.identity,
            **self.kind.tunnel(self.vpn, name, own, peer, starts),
            "links": [],
            **({} if peer.reachable else {"peer_behind_nat": True}),
            **({"peer_forwarded": True} if external and peer.behind_nat else {}),
        }

    def _behind(self, site: str, seen_from: str) -> list[Prefix]:
        """The prefixes of a site and of all whom the way leads to over it.

        Of the sites that a link may carry to one end, each takes that link and no other from there: so the selectors of
        an edge's links never overlap, and as ways are the same in both directions, both ends have the same ones.
        """
        sites = self.beyond.get((seen_from, site), (site,))
        return collapse([block for other in sites for block in self.leased.site_blocks[other]])

    def _networks_behind(self, site: str, seen_from: str) -> list[Prefix]:
        """The networks that are destinations and lie where :meth:`_behind` leads to."""
        sites = self.beyond.get((seen_from, site), (site,))
        return sorted(prefix for other in sites for prefix in self.vpn.destinations.networks_of(other))

    def _anchor(self, document: Document, local: Iterable[Prefix], own: str) -> None:
        """Have the edge hold an address in each of its links' local selectors, where it has none.

        strongSwan's userspace backend refuses selectors without one (before 5.9.12). Nobody else has such an address:
        usually it is the first of a block, and the firewall lets nothing to it.
        """
        held = [parse_address(own)]
        held += [Prefix.parse(entry["address"]) for entry in document["addresses"] if "backend" in entry]
        for prefix in local:
            if not any(prefix.contains(address) for address in held):
                free = next((offset for offset in range(prefix.size) if prefix.first + offset not in self.taken), None)
                if free is None:  # full to the last address; only that backend, and only before 5.9.12, minds
                    continue
                address = self.leased.host(prefix.address(free))
                document["addresses"].append({"address": address, "device": "lo", "backend": "libipsec"})

    def _initiator(self, pair: Pair) -> str:
        """The end that starts; of a tunnel to an external edge always ours, whose part it is to say that it is up."""
        external = [edge for edge in pair if self.leased.edges[edge].external]
        unreachable = [edge for edge in pair if not self.leased.edges[edge].reachable]
        return next(edge for edge in pair if edge not in external) if external else initiator(pair, unreachable)
