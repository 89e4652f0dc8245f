# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PLAN: the VPNs of an organization as one document per node. The format is described in docs/documents.md."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from . import _access
from ._landscape import Landscape
from ._landscape_hosts import OrgEdge, VappEdge
from ._leases import vpn_of
from ._mtu import link_mss
from ._pool import Lease, address_of, blocks_of, edge_key, site_key, vapp_key, vm_key, vpn_key
from ._prefix import BITS, Prefix, collapse, parse_address
from ._topology import Pair, initiator
from ._tunnels import KINDS
from ._vpn import Member, Vpn
from ._ways import next_hops, single_points_of_failure

FORMAT = 1
# Any number that loses against every route somebody else may have for the same prefix.
BLACKHOLE_METRIC = 9999
ANY_ADDRESS = "%any"  # swanctl's word for whichever address of its own an edge sends from
_FORWARDING = {4: "net.ipv4.ip_forward", 6: "net.ipv6.conf.all.forwarding"}

T = TypeVar("T")
Document = dict[str, Any]


@dataclass
class Compiled:
    """An organization's VPNs, compiled: documents by node, and what people and verify want to know of each VPN."""

    documents: dict[str, Document] = field(default_factory=dict)
    vpns: list[dict[str, Any]] = field(default_factory=list)
    tunnels: dict[str, dict[str, Any]] = field(default_factory=dict)
    ends: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict, repr=False)
    """The tunnels in the documents, by edge and tunnel name."""


def empty_document(node: str, role: str, organization: str, cloud: str) -> Document:
    """The document of a node that nothing concerns: whatever is ours there goes."""
    document: Document = {
        "format": FORMAT,
        "node": node,
        "role": role,
        "organization": organization,
        "cloud": cloud,
        "sysctls": {},
        "addresses": [],
        "routes": [],
        "vpns": [],
        "tunnels": [],
    }
    return {**document, "slice": {}} if role == "vcc_node" else document


def compile_organization(
    organization: str,
    vpns: Iterable[Vpn],
    numbers: Mapping[str, int],
    leases: Mapping[str, Lease],
    landscape: Landscape,
) -> Compiled:
    """Compile all VPNs of one organization. The result depends on nothing but the arguments, not on their order.

    ``numbers`` are the VPNs' numbers and ``leases`` all the organization's leases, both out of the ledger.
    """
    compiled = Compiled()
    own: dict[str, dict[str, Lease]] = {}
    for key, lease in leases.items():
        own.setdefault(vpn_of(key), {})[key] = lease
    for vpn in sorted(vpns, key=lambda one: one.name):
        _VpnCompiler(compiled, organization, vpn, numbers[vpn.name], own.get(vpn.name, {}), landscape).run()
    for document in compiled.documents.values():
        document["addresses"].sort(key=lambda item: item["address"])
        document["routes"].sort(key=lambda item: (item["prefix"], item.get("metric", 0)))
        document["tunnels"].sort(key=lambda item: item["name"])
    slices = _slices(compiled)
    for node, cloud in landscape.nodes(organization).items():
        if cloud in slices:
            empty = empty_document(node, "vcc_node", organization, cloud)
            compiled.documents[node] = {**empty, "slice": slices[cloud]}
    return compiled


def _slices(compiled: Compiled) -> dict[str, dict[str, Any]]:
    """What the VCC nodes are told of the other nodes, by cloud."""
    slices: dict[str, dict[str, Any]] = {}
    for name, document in sorted(compiled.documents.items()):
        slices.setdefault(document["cloud"], {})[name] = {
            "role": document["role"],
            "addresses": [item["address"] for item in document["addresses"]],
            "vpns": [vpn["name"] for vpn in document["vpns"]],
            "tunnels": [tunnel["name"] for tunnel in document["tunnels"]],
        }
    return slices


class _VpnCompiler:
    """Adds one VPN to the documents. State: the VPN and what is looked up again and again."""

    def __init__(
        self,
        compiled: Compiled,
        organization: str,
        vpn: Vpn,
        number: int,
        leases: Mapping[str, Lease],
        landscape: Landscape,
    ) -> None:
        self.compiled, self.organization, self.vpn, self.number = compiled, organization, vpn, number
        self.leases, self.landscape = leases, landscape
        self.family = vpn.pool.family
        self.host_length = BITS[self.family]
        self.blocks = _texts(blocks_of(leases, vpn_key(vpn.name)))
        self.edges = {site: _known(landscape.edge(site)) for site in vpn.sites}
        self.site_blocks = {site: blocks_of(leases, site_key(vpn.name, site)) for site in vpn.sites}
        self.remote: dict[str, list[Prefix]] = {site: [] for site in self.edges}
        self.taken = {lease.prefix.first for lease in leases.values() if lease.kind == "address"}
        # (site, neighbour) -> the sites that the way from the one leads to over the other.
        self.beyond: dict[Pair, list[str]] = {}
        for site, hops in next_hops(vpn.sites, vpn.pairs).items():
            for other, hop in hops.items():
                self.beyond.setdefault((site, hop), []).append(other)
        self.kind = KINDS[vpn.tunnel]

    def run(self) -> None:
        by_site: dict[str, list[Member]] = {site: [] for site in self.edges}
        for member in self.vpn.members:
            by_site[member.vm.site].append(member)
        for site, members in self._ours(by_site):
            self._site(self.edges[site], members)
        for pair in self.vpn.pairs:
            self._link(pair)
        for site, remote in self._ours(self.remote):
            self.compiled.documents[site]["vpns"][-1]["remote"] = _texts(collapse(remote))
        self.compiled.vpns.append(
            {
                "name": self.vpn.name,
                "number": self.number,
                "organization": self.organization,
                "pool": self.vpn.pool_name,
                "topology": str(self.vpn.topology),
                "blocks": self.blocks,
                "sites": {
                    site: {"blocks": _texts(collapse(self.site_blocks[site])), "address": self._edge_address(site)}
                    for site in self.edges
                },
                "members": [
                    {
                        "name": member.vm.name,
                        "address": self._address(member),
                        "mode": member.mode,
                        "site": member.vm.site,
                        "vapp": member.vm.vapp,
                        "cloud": member.vm.cloud,
                        **({"external": True} if member.vm.external else {}),
                        **({} if member.ports is None else {"ports": list(member.ports)}),
                    }
                    for member in self.vpn.members
                ],
                "tunnels": [self.kind.tunnel_name(pair) for pair in self.vpn.pairs],
                **_access.summary(self.vpn, self.leases),
                **self._weaknesses(),
                **({"limits": self.vpn.policy.limits} if self.vpn.policy.limits else {}),
            }
        )

    def _weaknesses(self) -> dict[str, list[str]]:
        sites = single_points_of_failure(self.vpn.sites, self.vpn.pairs)
        return {"single_points_of_failure": sites} if sites else {}

    def _ours(self, by_site: Mapping[str, T]) -> Iterator[tuple[str, T]]:
        """What there is by site, without the sites that are external: they are told nothing."""
        return ((site, what) for site, what in by_site.items() if not self.edges[site].external)

    def _site(self, edge: OrgEdge, members: Sequence[Member]) -> None:
        document = self._document(edge.name, "org_edge", edge.cloud)
        own = self._edge_address(edge.name)
        document["addresses"].append({"address": self._host(own), "device": "lo"})
        beyond = _texts(self.vpn.destinations.networks_beyond(edge.name))
        document["routes"] += [self._blackhole(prefix) for prefix in (*self.blocks, *beyond)]
        behind: dict[str, list[Member]] = {}
        local, nat = [], []
        for member in members:
            vapp = member.vm.vapp
            if vapp is not None:
                behind.setdefault(vapp, []).append(member)
                local.append(self._address(member))
            elif member.mode == "nat":
                nat.append(self._translation(member))
            else:
                local.append(self._address(member))
                document["routes"].append(
                    {"prefix": self._host(self._address(member)), "via": member.vm.addresses[self.family]}
                )
            if vapp is None and member.mode == "address":
                self._member(member, edge.inside[self.family])
        for name, vapp_members in sorted(behind.items()):
            gateway = _known(self.landscape.vapp(name, ""))
            for block in blocks_of(self.leases, vapp_key(self.vpn.name, edge.name, name)):
                document["routes"].append({"prefix": str(block), "via": gateway.outside[self.family]})
            self._vapp(edge, gateway, vapp_members)
        entry = {**self._firewall(local, nat), "remote": [], "edge_address": own, **self.kind.firewall()}
        entry.update(_access.of_org_edge(self.vpn, edge.name, members, self.leases))
        entry.update({**self.vpn.policy.rate.entry(), **self.vpn.policy.quota.entry()})
        document["vpns"].append(entry)

    def _vapp(self, edge: OrgEdge, gateway: VappEdge, members: Sequence[Member]) -> None:
        document = self._document(gateway.name, "vapp_edge", gateway.cloud)
        there = [*self.blocks, *self._networks()]
        document["routes"] += [{"prefix": prefix, "via": edge.inside[self.family]} for prefix in there]
        # Fail closed when the way to the org edge goes away; there may be another uplink.
        document["routes"] += [self._blackhole(prefix) for prefix in there]
        # Without it, an address of the vApp's block that nobody has would be sent back to the org edge, and so on.
        document["routes"] += [
            self._blackhole(str(block))
            for block in blocks_of(self.leases, vapp_key(self.vpn.name, edge.name, gateway.name))
        ]
        local = [member for member in members if member.mode == "address"]
        document["routes"] += [
            {"prefix": self._host(self._address(member)), "via": member.vm.addresses[self.family]} for member in local
        ]
        nat = [self._translation(member) for member in members if member.mode == "nat"]
        document["vpns"].append(
            {
                **self._firewall([self._address(member) for member in local], nat),
                "remote": self.blocks,
                **_access.of_vapp_edge(self.vpn, members, self.leases),
            }
        )
        for member in local:
            self._member(member, gateway.inside[self.family])

    def _member(self, member: Member, gateway: str) -> None:
        document = self._document(member.vm.name, "member", member.vm.cloud)
        own = self._address(member)
        document["addresses"].append({"address": self._host(own), "beside": member.vm.addresses[self.family]})
        there = [*self.blocks, *self._networks()]
        document["routes"] += [{"prefix": prefix, "via": gateway, "source": own} for prefix in there]

    def _networks(self) -> list[str]:
        """All networks that are destinations."""
        return [str(network.prefix) for network in self.vpn.destinations.networks]

    def _link(self, pair: Pair) -> None:
        low, high = sorted(pair)
        name, starts = self.kind.tunnel_name(pair), self._initiator(pair)
        outer = min(set(self.edges[low].public) & set(self.edges[high].public))
        mtu = self.kind.mtu(self.vpn, self.edges[low], self.edges[high], outer)
        mss = link_mss(mtu, self.family)
        self.compiled.tunnels[name] = {"edges": [low, high], "kind": self.vpn.tunnel}
        for here, there in ((low, high), (high, low)):
            if self.edges[here].external:
                continue
            external = self.edges[there].external
            document = self.compiled.documents[here]
            remote = self._behind(there, seen_from=here)
            local = [*self._behind(here, seen_from=there), *self._networks_behind(here, seen_from=there)]
            beyond = self._networks_behind(there, seen_from=here)
            tunnel = self.compiled.ends.get((here, name))
            if tunnel is None:
                tunnel = self.compiled.ends[here, name] = {
                    "name": name,
                    "peer": there,
                    **({"external": True, "public_address": self.edges[here].public[outer]} if external else {}),
                    "initiator": here == starts,
                    # Behind a NAT it is the route that tells which of the edge's own addresses is meant.
                    "local_address": ANY_ADDRESS if self.edges[here].behind_nat else self.edges[here].public[outer],
                    "remote_address": self.edges[there].public[outer],
                    "local_id": self.edges[here].identity,
                    "remote_id": self.edges[there].identity,
                    **self.kind.tunnel(self.vpn, name, self.edges[here], self.edges[there]),
                    "links": [],
                    **({} if self.edges[there].reachable else {"peer_behind_nat": True}),
                    **({"peer_forwarded": True} if external and self.edges[there].behind_nat else {}),
                }
                document["tunnels"].append(tunnel)
                document.update(self.kind.edge(self.vpn))
            tunnel["links"].append(
                {
                    "vpn": self.vpn.name,
                    "number": self.number,
                    "mtu": mtu,
                    "mss": mss,
                    "local_ts": _texts(local),
                    "remote_ts": _texts([*remote, *beyond]),
                    **self.kind.link(self.vpn, self.edges[here], self.edges[there]),
                }
            )
            own = self._edge_address(here)
            self._anchor(document, local, own)
            into = {"tunnel": self.vpn.name, "source": own, **self.kind.route(name)}
            document["routes"] += [{"prefix": str(prefix), **into} for prefix in (*remote, *beyond)]
            self.remote[here] += remote
            entry = document["vpns"][-1]
            entry["mtu"], entry["mss"] = min(mtu, entry.get("mtu", mtu)), min(mss, entry.get("mss", mss))
            if len(self.beyond[there, here]) > 1:
                entry["through"] = True

    def _behind(self, site: str, seen_from: str) -> list[Prefix]:
        """The prefixes of a site and of all whom the way leads to over it.

        Of the sites that a link may carry to one end, each takes that link and no other from there: so the selectors of
        an edge's links never overlap, and as ways are the same in both directions, both ends have the same ones.
        """
        return collapse([block for other in self.beyond[seen_from, site] for block in self.site_blocks[other]])

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
                address = self._host(prefix.address(free))
                document["addresses"].append({"address": address, "device": "lo", "backend": "libipsec"})

    def _networks_behind(self, site: str, seen_from: str) -> list[Prefix]:
        """The networks that are destinations and lie where :meth:`_behind` leads to."""
        sites = self.beyond[seen_from, site]
        return sorted(prefix for other in sites for prefix in self.vpn.destinations.networks_of(other))

    def _initiator(self, pair: Pair) -> str:
        """The end that starts; of a tunnel to an external edge always ours, whose part it is to say that it is up."""
        external = [edge for edge in pair if self.edges[edge].external]
        unreachable = [edge for edge in pair if not self.edges[edge].reachable]
        return next(edge for edge in pair if edge not in external) if external else initiator(pair, unreachable)

    def _document(self, node: str, role: str, cloud: str) -> Document:
        document = self.compiled.documents.get(node)
        if document is None:
            document = self.compiled.documents[node] = empty_document(node, role, self.organization, cloud)
        if role != "member":
            document["sysctls"][_FORWARDING[self.family]] = "1"
        return document

    def _firewall(self, local: Sequence[str], nat: Sequence[dict[str, str]]) -> dict[str, Any]:
        return {
            "name": self.vpn.name,
            "number": self.number,
            "family": self.family,
            "blocks": self.blocks,
            "local": sorted(local),
            "nat": sorted(nat, key=lambda item: item["outside"]),
        }

    def _translation(self, member: Member) -> dict[str, str]:
        return {"outside": self._address(member), "inside": member.vm.addresses[self.family]}

    def _blackhole(self, prefix: str) -> dict[str, Any]:
        return {"prefix": prefix, "type": "blackhole", "metric": BLACKHOLE_METRIC}

    def _address(self, member: Member) -> str:
        return address_of(self.leases, vm_key(self.vpn.name, member.vm.site, member.vm.name, member.vm.vapp))

    def _edge_address(self, site: str) -> str:
        return address_of(self.leases, edge_key(self.vpn.name, site))

    def _host(self, address: str) -> str:
        return f"{address}/{self.host_length}"


def _texts(prefixes: Iterable[Prefix]) -> list[str]:
    return [str(prefix) for prefix in prefixes]


def _known(found: T | None) -> T:
    """What a look-up found. The landscape was checked before anything is compiled, so there is always something."""
    if found is None:
        raise LookupError("the landscape was not checked")
    return found
