# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""VERIFY: who pings whom. A VPN is proved by answers that come and by answers that must not come.

======== =========== ============ ======================================================================
kind     from        answer       why
======== =========== ============ ======================================================================
member   member      must come    every ordered pair of members, a packet of full size between sites
edge     member      must come    the other sites' edges, at their own address in the VPN
port     member      must come    a TCP port that is allowed, of who is reached on some ports only: one member per site
stranger non-member  must not     a VM beside the members, in each network of an involved site, tries to get in
unleased member      must not     an address of the VPN, at another site, that nobody holds
reply    member      must not     a non-member beside it: its reply to a VPN address would cross the gateway
closed   member      must not     a TCP port that is not allowed
backward destination must not     a VM of ours that is a destination, and no member, tries every member
======== =========== ============ ======================================================================

Nothing starts at an external member, which nobody of us logs in to; to one, it is probed like to any other.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from . import access

Plan = Mapping[str, Any]
Documents = Mapping[str, Mapping[str, Any]]
Target = dict[str, Any]
MUST_ANSWER = ("member", "edge", "port")


@dataclass(frozen=True)
class Way:
    """How packets get from one member to another: gateways, tunnels, and the largest packet that fits (octets)."""

    nodes: tuple[str, ...]
    tunnels: tuple[str, ...] = ()
    mtu: int | None = None


def way(documents: Documents, vpn: str, src: Mapping[str, Any], dst: Mapping[str, Any]) -> Way:
    """Follow the links' traffic selectors from one member's gateways to the other's. It ends where they end."""
    first = [src["vapp"]] if src.get("vapp") else []
    last = [dst["vapp"]] if dst.get("vapp") else []
    if src["site"] == dst["site"]:
        if first == last:
            return Way(tuple(first or [src["site"]]))
        return Way((*first, src["site"], *last))
    if src.get("external"):  # the plan knows no more of its gateway than that the way back leads there
        back = way(documents, vpn, src=dst, dst=src)
        return Way(back.nodes[::-1], back.tunnels[::-1], back.mtu)
    address = ipaddress.ip_address(bare(dst["address"]))
    nodes, tunnels, limits = [str(src["site"])], [], []
    while nodes[-1] != dst["site"]:
        for tunnel, link in links_of(documents.get(nodes[-1], {}), vpn):
            if tunnel["peer"] not in nodes and any(address in _network(text) for text in link["remote_ts"]):
                nodes.append(tunnel["peer"])
                tunnels.append(tunnel["name"])
                limits.append(int(link["mtu"]))
                break
        else:
            return Way((*first, *nodes), tuple(tunnels), min(limits, default=None))
    return Way((*first, *nodes, *last), tuple(tunnels), min(limits))


def probe_targets(
    plan: Plan, documents: Documents, nonmembers_per_network: int = 1, only: str | None = None
) -> dict[str, list[Target]]:
    """The targets of every VM that has any, or of one VM only.

    A target has address, source (None: as the VM pleases), expect, vpn, dst (None: nobody), kind and mtu (or None).
    """
    found: dict[str, list[Target]] = {}
    for vpn in plan["vpns"]:
        others = strangers(plan, vpn, nonmembers_per_network)
        beside: dict[str, list[Mapping[str, Any]]] = {}
        for vm in others:
            beside.setdefault(vm["site"], []).append(vm)
            if only in (None, vm["name"]):
                found.setdefault(vm["name"], []).extend(_stranger(vpn))
                found[vm["name"]].extend(_asked(vpn, None, access.from_stranger(vpn, vm)))
        for vm, probes in access.from_destinations(plan, vpn):
            if only in (None, vm["name"]):
                found.setdefault(vm["name"], []).extend(_asked(vpn, None, probes))
        for member in vpn["members"]:
            if only in (None, member["name"]) and not member.get("external"):
                mine = found.setdefault(member["name"], [])
                mine.extend(_members(documents, vpn, member))
                mine.extend(_edges(documents, vpn, member))
                mine.extend(_unleased(documents, vpn, member))
                mine.extend(_replies(vpn, member, beside.get(member["site"], [])))
                mine.extend(_asked(vpn, member, access.from_member(vpn, member)))
    return {name: targets for name, targets in found.items() if targets}


def strangers(plan: Plan, vpn: Mapping[str, Any], per_network: int) -> list[Mapping[str, Any]]:
    """The non-members that try to get in: so many of each network of an involved site, the first by name."""
    members = {member["name"] for member in vpn["members"]}
    sites = {member["site"] for member in vpn["members"]}
    taken: dict[tuple[str, str | None], int] = {}
    chosen = []
    for vm in sorted(plan["members"], key=lambda vm: str(vm["name"])):
        network = (vm["site"], vm.get("vapp"))
        if vm["site"] in sites and vm["name"] not in members and taken.get(network, 0) < per_network:
            taken[network] = taken.get(network, 0) + 1
            chosen.append(vm)
    return chosen


def links_of(document: Mapping[str, Any], vpn: str) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """A VPN's links on an org edge, each with its tunnel."""
    for tunnel in document.get("tunnels", []):
        for link in tunnel["links"]:
            if link["vpn"] == vpn:
                yield tunnel, link


def bare(address: str) -> str:
    """An address without a prefix length."""
    return str(address).partition("/")[0]


def _members(documents: Documents, vpn: Mapping[str, Any], member: Mapping[str, Any]) -> Iterator[Target]:
    limits: dict[str, int | None] = {}  # one way per site, not per member
    for other in vpn["members"]:
        if other["name"] == member["name"]:
            continue
        if other["site"] not in limits:
            limits[other["site"]] = way(documents, vpn["name"], member, other).mtu
        yield _target(vpn, member, "member", other["address"], other["name"], limits[other["site"]])


def _edges(documents: Documents, vpn: Mapping[str, Any], member: Mapping[str, Any]) -> Iterator[Target]:
    sites = {*vpn.get("sites", {}), *(other["site"] for other in vpn["members"])}  # some are only on the way
    for site in sorted(sites - {member["site"]}):
        address = edge_address(documents, vpn["name"], site)
        if address:
            yield _target(vpn, member, "edge", address, site)


def edge_address(documents: Documents, vpn: str, site: str) -> str | None:
    """An org edge's own address in a VPN."""
    for entry in documents.get(site, {}).get("vpns", []):
        if entry["name"] == vpn and entry.get("edge_address"):
            return bare(entry["edge_address"])
    return None


def _stranger(vpn: Mapping[str, Any]) -> Iterator[Target]:
    for member in vpn["members"]:
        yield _target(vpn, None, "stranger", member["address"], member["name"])


def _unleased(documents: Documents, vpn: Mapping[str, Any], member: Mapping[str, Any]) -> Iterator[Target]:
    taken = {bare(other["address"]) for other in vpn["members"]}
    taken |= {edge_address(documents, vpn["name"], other["site"]) or "" for other in vpn["members"]}
    taken |= {bare(site["address"]) for site in vpn.get("sites", {}).values()}  # an external edge has no document
    taken |= {there.address for there in access.destinations(vpn)}
    far = (
        text
        for dummy, link in links_of(documents.get(member["site"], {}), vpn["name"])
        for text in link["remote_ts"]
        if _in_blocks(text, vpn)
    )
    address = _free_address(far, taken)
    if address:
        yield _target(vpn, member, "unleased", address, None)


def _in_blocks(text: str, vpn: Mapping[str, Any]) -> bool:
    """Whether a prefix is the VPN's own, and no network that is a destination."""
    return text not in {network["network"] for network in vpn.get("destinations", {}).get("networks", [])}


def _asked(
    vpn: Mapping[str, Any], member: Mapping[str, Any] | None, probes: Iterable[access.Probe]
) -> Iterator[Target]:
    for probe in probes:
        target = _target(vpn, member, probe.kind, probe.address, probe.name)
        yield target if probe.port is None else {**target, "port": probe.port}


def _free_address(prefixes: Iterable[str], taken: set[str]) -> str | None:
    """The highest address nobody holds: leases are carved from below."""
    for text in prefixes:
        network = _network(text)
        for back in range(min(network.num_addresses, len(taken) + 1)):
            address = str(network[-1 - back])
            if address not in taken:
                return address
    return None


def _replies(
    vpn: Mapping[str, Any], member: Mapping[str, Any], beside: Iterable[Mapping[str, Any]]
) -> Iterator[Target]:
    if member.get("mode") != "address":
        return  # a translated member has no VPN address to send from
    for vm in beside:
        for address in map(bare, vm.get("addresses", [])):
            if (":" in address) == (":" in member["address"]):
                yield _target(vpn, member, "reply", address, vm["name"])


def _target(
    vpn: Mapping[str, Any],
    member: Mapping[str, Any] | None,
    kind: str,
    address: str,
    dst: str | None,
    mtu: int | None = None,
) -> Target:
    own = member is not None and member.get("mode") == "address"
    return {
        "address": bare(address),
        "source": bare(member["address"]) if member and own else None,
        "expect": "reachable" if kind in MUST_ANSWER else "unreachable",
        "vpn": vpn["name"],
        "dst": dst,
        "kind": kind,
        "mtu": mtu,
    }


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    return ipaddress.ip_network(text, strict=False)
