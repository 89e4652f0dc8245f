# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""INTENT: what a VPN says about its topology, with all decided that it leaves open.

What is left open is decided once: a VPN that is there keeps its hubs, its order and everybody's parent as far as the
sites are still there, so that a site that comes or goes changes as little as can be.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..._base.coerce import integer
from ..._base.problems import Problems, did_you_mean, unknown_keys
from ..landscape.landscape import Landscape
from .kinds import KINDS, Chain, Graph, Mesh, Pair, Star, Topology, Tree, pair, topology_from_record

_SETTINGS = {
    "mesh": (),
    "star": ("hub", "hubs"),
    "chain": ("order",),
    "tree": ("root", "fanout", "parents"),
    "graph": ("links",),
}
FANOUT = 2


class TopologyParser:
    """Reads one VPN's topology. ``sites`` are those with members; ``before`` is what the ledger keeps of it, if any."""

    def __init__(
        self,
        path: str,
        sites: Sequence[str],
        organization: str | None,
        before: Mapping[str, Any] | None,
        landscape: Landscape,
        problems: Problems,
    ) -> None:
        self.path, self.sites, self.organization = path, sorted(sites), organization
        self.before = topology_from_record(before) if before else None
        self.landscape, self.problems, self.already = landscape, problems, 0

    def parse(self, raw: object) -> Topology | None:
        """The topology, or None and a problem."""
        settings = raw if isinstance(raw, Mapping) else {"kind": raw}
        kind = settings.get("kind")
        if kind is None:
            self.problems.add(f"{self.path}.kind", f"is missing: one of {', '.join(KINDS)}")
            return None
        if kind not in KINDS:
            place = f"{self.path}.kind" if isinstance(raw, Mapping) else self.path
            self.problems.add(place, f"{kind!r} must be one of: {', '.join(KINDS)}")
            return None
        before = self.already = len(self.problems)
        unknown_keys(settings, ("kind", *_SETTINGS[kind]), self.path, self.problems)
        read: Mapping[str, Callable[[Mapping[str, Any]], Topology | None]] = {
            "star": self._star,
            "chain": self._chain,
            "tree": self._tree,
            "graph": self._graph,
        }
        topology = read[kind](settings) if kind in read else Mesh()
        return topology if len(self.problems) == before else None

    def _star(self, settings: Mapping[str, Any]) -> Topology | None:
        if "hub" in settings and "hubs" in settings:
            self.problems.add(f"{self.path}.hubs", "hub and hubs are given; give one")
            return None
        if "hub" in settings:
            hub = self._site(settings["hub"], f"{self.path}.hub")
            return Star((hub,)) if hub else None
        if "hubs" in settings:
            hubs = self._named(settings["hubs"], f"{self.path}.hubs")
            return Star(tuple(sorted(hubs))) if hubs else None
        kept = tuple(hub for hub in self.before.hubs if hub in self.sites) if isinstance(self.before, Star) else ()
        return Star(kept or (self._chosen(),)) if self.sites else None

    def _chain(self, settings: Mapping[str, Any]) -> Topology | None:
        if "order" in settings:
            order = self._named(settings["order"], f"{self.path}.order")
            return Chain(tuple(order)) if self._all_named(order, f"{self.path}.order") else None
        kept = [site for site in self.before.order if site in self.sites] if isinstance(self.before, Chain) else []
        return Chain((*kept, *(site for site in self.sites if site not in kept)))

    def _tree(self, settings: Mapping[str, Any]) -> Topology | None:
        if "parents" in settings:
            for key in ("root", "fanout"):
                if key in settings:
                    self.problems.add(f"{self.path}.{key}", "says nothing where parents says everything; leave it out")
            return self._parents(settings["parents"])
        root = self._site(settings["root"], f"{self.path}.root") if "root" in settings else None
        fanout = integer(settings.get("fanout", FANOUT))
        if isinstance(fanout, bool) or not isinstance(fanout, int) or not 1 <= fanout <= 1000:
            self.problems.add(f"{self.path}.fanout", f"must be a whole number from 1 to 1000, not {fanout!r}")
            return None
        if ("root" in settings and root is None) or not self.sites:
            return None
        return Tree(tuple(sorted(self._grown(root, fanout).items())))

    def _grown(self, root: str | None, fanout: int) -> dict[str, str]:
        """Every site's parent: the one it had, or its nearest ancestor that is left, or the first with room."""
        had = dict(self.before.parents) if isinstance(self.before, Tree) else {}
        sites = {*self.sites, *([root] if root else [])}
        parents: dict[str, str] = {}
        for site in (site for site in sorted(sites) if site in had and site != root):
            parent = had[site]
            while parent not in sites and parent in had:
                parent = had[parent]
            if parent in sites:
                parents[site] = parent
        tops = sorted(site for site in sites if site not in parents and (site in had or site in parents.values()))
        top = root or (tops[0] if tops else self._chosen())
        parents.update((site, top) for site in tops if site != top)
        depth = {top: 0}
        children = dict.fromkeys(sites, 0)
        todo = [top]
        while todo:
            for site in sorted(site for site, parent in parents.items() if parent == todo[0] and site not in depth):
                depth[site] = depth[todo[0]] + 1
                children[todo[0]] += 1
                todo.append(site)
            todo.pop(0)
        for site in sorted(sites - set(depth)):
            parent = min(depth, key=lambda one: (children[one] >= fanout, depth[one], one))
            parents[site], depth[site] = parent, depth[parent] + 1
            children[parent] += 1
        return parents

    def _parents(self, raw: object) -> Topology | None:
        path = f"{self.path}.parents"
        if not isinstance(raw, Mapping) or not raw:
            self.problems.add(path, "must be a mapping of sites to their parents, such as {edge-west: edge-east}")
            return None
        parents: dict[str, str] = {}
        for child, parent in raw.items():
            site, above = self._site(child, path), self._site(parent, f"{path}.{child}")
            if site is None or above is None:
                continue
            if site in parents:
                self.problems.add(f"{path}.{child}", f"{site} has two parents, {parents[site]} and {above}; give one")
            parents[site] = above
        for site in parents:
            seen = [site]
            while seen[-1] in parents and parents[seen[-1]] not in seen:
                seen.append(parents[seen[-1]])
            if seen[-1] in parents:
                self.problems.add(path, f"go round in a circle: {' -> '.join((*seen, parents[seen[-1]]))}")
                return None
        roots = sorted(set(parents.values()) - set(parents))
        if len(roots) > 1:
            self.problems.add(path, f"have several roots, {' and '.join(roots)}; give all but one of them a parent")
        return Tree(tuple(sorted(parents.items()))) if self._all_named([*parents, *roots], path) else None

    def _graph(self, settings: Mapping[str, Any]) -> Topology | None:
        path, raw = f"{self.path}.links", settings.get("links")
        if not isinstance(raw, (list, tuple)) or not raw:
            self.problems.add(path, "must be a list of pairs of sites, such as [[edge-east, edge-west]]")
            return None
        links: dict[Pair, str] = {}
        for index, entry in enumerate(raw):
            place = f"{path}[{index}]"
            if not isinstance(entry, (list, tuple)) or len(entry) != 2:
                self.problems.add(place, f"must be a pair of sites, not {entry!r}")
                continue
            one, other = (self._site(text, place) for text in entry)
            if one is None or other is None:
                continue
            if one == other:
                self.problems.add(place, f"joins {one} with itself")
            first = links.setdefault(pair(one, other), place)
            if first != place:
                self.problems.add(place, f"{one} -- {other} is already given by {first}")
        self._all_named([site for link in links for site in link], path)
        return Graph(tuple(sorted(links)))

    def _named(self, raw: object, path: str) -> list[str]:
        if not isinstance(raw, (list, tuple)) or not raw:
            self.problems.add(path, "must be a list of sites: names of org edges, or of clouds that have one")
            return []
        found: list[str] = []
        for index, text in enumerate(raw):
            site = self._site(text, f"{path}[{index}]")
            if site in found:
                same = "" if text == site else f"{text} is the site of {site}: "
                self.problems.add(f"{path}[{index}]", f"{same}{site} is named twice")
            elif site is not None:
                found.append(site)
        return found

    def _all_named(self, sites: Sequence[str], path: str) -> bool:
        missing = [site for site in self.sites if site not in sites]
        if len(self.problems) > self.already:  # then it may be what is missing that could not be read
            return False
        if missing:
            self.problems.add(path, f"says nothing of {', '.join(missing)}, where this VPN has members")
        return not missing

    def _site(self, text: object, place: str) -> str | None:
        """The org edge that is meant: by its own name, or by that of a cloud where the organization has one."""
        if self.organization is None:  # a mistake of its own: nothing can be said about sites
            return str(text)
        if isinstance(text, (list, dict)):
            self.problems.add(place, f"must be the name of one org edge, not {text!r}")
            return None
        edges = self.landscape.edges_of(self.organization)
        if text in edges:
            return self.landscape.home(str(text))
        site = self.landscape.pairs.site(self.organization, str(text))
        if site is not None and text not in {*edges.values()} - {edges.get(site)}:
            return site
        if site is not None:
            self.problems.add(
                place, f"{text} is the site of {site} (vcc_site), and another cloud, too; name an org edge"
            )
            return None
        sites = {edge: of for edge, of in edges.items() if self.landscape.home(edge) == edge}
        clouds = {cloud: [edge for edge, of in sites.items() if of == cloud] for cloud in edges.values()}
        named = clouds.get(str(text), [])
        among = [edge for edge in named if edge in self.sites] or named
        if len(among) == 1:
            return among[0]
        if among:
            self.problems.add(place, f"cloud {text} has several org edges, {', '.join(among)}; name one")
        else:
            hint = did_you_mean(str(text), edges)
            self.problems.add(place, f"{text!r} is not an org edge of {self.organization}, and no cloud of one{hint}")
        return None

    def _chosen(self) -> str:
        """The site for the middle: one that is ours, and that everybody reaches, if there is one."""

        def rank(site: str) -> tuple[bool, bool, str]:
            edge = self.landscape.edge(site)
            return edge is None or edge.external is not None, edge is None or not edge.reachable, site

        return min(self.sites, key=rank)
