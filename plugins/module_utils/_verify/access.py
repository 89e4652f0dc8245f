# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""VERIFY: who asks which port. What may be reached is tried on a port that is open and on one that is not.

One member of every other site asks: all of them would prove no more, as the gateways know no difference.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .._intent.ports import closed_port, first_port

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
    """What is asked of whom: ``port`` (must answer), ``closed``, ``stranger`` or ``backward`` (must not)."""

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


def from_member(vpn: Section, member: Section) -> Iterator[Probe]:
    """What one member asks."""
    members = [other for other in vpn["members"] if not other.get("external")]
    restricted = [Restricted(m["name"], m["site"], m["address"], _ports(m)) for m in members if "ports" in m]
    for there in (*restricted, *destinations(vpn)):
        if there.ports is None or member["name"] not in _askers(members, there):
            continue
        for kind, port in (("port", first_port(there.ports, "tcp")), ("closed", closed_port(there.ports, "tcp"))):
            if port is not None:
                yield Probe(kind, there.name, there.address, port)


def from_stranger(vpn: Section, vm: Section) -> Iterator[Probe]:
    """What a VM that is no member asks: destinations, but for those that are on its own side anyway."""
    servers = {server["name"] for server in vpn.get("destinations", {}).get("servers", [])}
    for there in destinations(vpn):
        if there.name in servers or there.site != vm["site"]:
            yield Probe("stranger", there.name, there.address)


def from_destinations(plan: Section, vpn: Section) -> Iterator[tuple[Section, list[Probe]]]:
    """VMs of ours that are servers of the VPN without being members, and what they ask: every member, in vain."""
    members = {member["name"] for member in vpn["members"]}
    servers = {(server["behind"], server["inside"]) for server in vpn.get("destinations", {}).get("servers", [])}
    for vm in plan["members"] if servers else ():
        if vm["name"] in members or vm.get("vapp"):
            continue
        if any((vm["site"], str(address).partition("/")[0]) in servers for address in vm.get("addresses", [])):
            yield vm, [Probe("backward", member["name"], member["address"]) for member in vpn["members"]]


def sites(vpn: Section) -> dict[str, str]:
    """Where everything is that can be asked."""
    return {
        **{member["name"]: member["site"] for member in vpn["members"]},
        **{there.name: there.site for there in destinations(vpn)},
    }


def _askers(members: Iterable[Section], there: Restricted) -> set[str]:
    """The first by name of every other site; where there is none, of its own."""
    first: dict[str, str] = {}
    for member in sorted(members, key=lambda one: str(one["name"])):
        if member["name"] != there.name:
            first.setdefault(member["site"], member["name"])
    others = {name for site, name in first.items() if site != there.site}
    return others or set(first.values())


def _ports(entry: Section) -> tuple[str, ...] | None:
    return None if entry.get("ports") is None else tuple(entry["ports"])
