# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""VERIFY: who asks which port. What may be reached is tried on a port that is open and on one that is not.

One member of every other site asks: all of them would prove no more, as the gateways know no difference.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._intent.ports import closed_port, first_port
from .allowed import Allowed

Section = Mapping[str, Any]


@dataclass(frozen=True)
class Restricted:
    """Something that is reached on some ports only. ``ports`` None: on all, or it is not known."""

    name: str
    site: str
    address: str
    ports: tuple[str, ...] | None


@dataclass(frozen=True)
class Probe:
    """What is asked of whom: ``port`` or ``network`` (must answer), ``closed``, ``stranger`` or ``backward`` (must
    not)."""

    kind: str
    name: str
    address: str
    port: int | None = None


def destinations(vpn: Section) -> Iterator[Restricted]:
    """The VPN's destinations that are known by an address."""
    found = vpn.get("destinations", {})
    for server in found.get("servers", []):
        yield Restricted(server["name"], server["behind"], server["address"], _ports(server))
    for network in found.get("networks", []):
        if network.get("probe"):
            yield Restricted(network["network"], network["behind"], network["probe"], _ports(network))


def from_members(vpn: Section, allowed: Allowed) -> Iterator[tuple[Section, Probe]]:
    """What members ask, each with who asks."""
    members = [other for other in vpn["members"] if not other.get("external")]
    first = _first_by_site(members)
    restricted = [Restricted(m["name"], m["site"], m["address"], _ports(m)) for m in members if "ports" in m]
    if allowed.limited:
        yield from _allowed_ports(members, allowed)
    networks = {network["network"] for network in vpn.get("destinations", {}).get("networks", [])}
    for there in (*restricted, *destinations(vpn)):
        if there.ports is None:
            asking = _askers(first, there) if there.name in networks else []
            yield from ((member, Probe("network", there.name, there.address)) for member in asking)
            continue
        to_member = allowed.limited and there in restricted
        for kind, port in (("port", first_port(there.ports, "tcp")), ("closed", closed_port(there.ports, "tcp"))):
            if port is not None and not (to_member and kind == "port"):
                yield from ((member, Probe(kind, there.name, there.address, port)) for member in _askers(first, there))


def _allowed_ports(members: Sequence[Section], allowed: Allowed) -> Iterator[tuple[Section, Probe]]:
    """What one member of every site asks of those that are reached on some ports only, if a rule lets it ping them and
    ask for one of these. Where it may not ping them, it asks for a port anyway."""
    for dst in members:
        if "ports" not in dst:
            continue
        asking: dict[str, tuple[Section, int]] = {}
        for src in sorted(members, key=lambda one: str(one["name"])):
            if src["site"] not in asking and src["name"] != dst["name"] and allowed.between(src, dst).ping:
                port = allowed.port(src, dst)
                if port is not None:
                    asking[src["site"]] = src, port
        others = [one for site, one in asking.items() if site != dst["site"]]
        for src, port in others or asking.values():
            yield src, Probe("port", dst["name"], dst["address"], port)


def from_stranger(vpn: Section, vm: Section) -> Iterator[Probe]:
    """What a VM that is not a member asks: destinations, but for those that are on its own side anyway."""
    servers = {server["name"] for server in vpn.get("destinations", {}).get("servers", [])}
    for there in destinations(vpn):
        if there.name in servers or there.site != vm["site"]:
            yield Probe("stranger", there.name, there.address)


def from_destinations(plan: Section, vpn: Section, members: Sequence[Section]) -> Iterator[tuple[Section, Probe]]:
    """VMs of ours that are servers of the VPN without being members, and what they ask: ``members``, in vain."""
    names = {member["name"] for member in vpn["members"]}
    servers = {(server["behind"], server["inside"]) for server in vpn.get("destinations", {}).get("servers", [])}
    for vm in plan["members"] if servers else ():
        if vm["name"] in names or vm.get("vapp"):
            continue
        if any((vm["site"], str(address).partition("/")[0]) in servers for address in vm.get("addresses", [])):
            yield from ((vm, Probe("backward", member["name"], member["address"])) for member in members)


def sites(vpn: Section) -> dict[str, str]:
    """Where everything is that can be asked."""
    return {
        **{member["name"]: member["site"] for member in vpn["members"]},
        **{there.name: there.site for there in destinations(vpn)},
    }


def _first_by_site(members: Iterable[Section]) -> dict[str, list[Section]]:
    """The first two by name of every site: the one that is asked does not ask."""
    first: dict[str, list[Section]] = {}
    for member in sorted(members, key=lambda one: str(one["name"])):
        there = first.setdefault(member["site"], [])
        there += [member] if len(there) < 2 else []
    return first


def _askers(first: Mapping[str, Sequence[Section]], there: Restricted) -> list[Section]:
    """One of every other site; where there is none, of its own."""
    able = {site: next((one for one in members if one["name"] != there.name), None) for site, members in first.items()}
    others = [one for site, one in able.items() if one and site != there.site]
    return others or [one for one in able.values() if one]


def _ports(entry: Section) -> tuple[str, ...] | None:
    return None if entry.get("ports") is None else tuple(entry["ports"])
