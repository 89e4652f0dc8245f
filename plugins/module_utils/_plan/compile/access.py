# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PLAN: who may reach what, as the gateways and members of a VPN are told it. Keys are in docs/documents.md.

Nothing here adds anything to the document of a VPN that asks for none of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..._base.lease import Lease
from ..._intent.destinations import Server
from ..._intent.ports import Ports
from ..._intent.vpn import Member, Vpn
from ..pool.lease_keys import address_of, server_key, vm_key

Entry = dict[str, Any]


def of_org_edge(vpn: Vpn, site: str, members: Iterable[Member], leases: Mapping[str, Lease]) -> Entry:
    """What a site's edge is told beside who its members are."""
    servers = [server for server in vpn.destinations.servers if server.behind == site]
    ports = [_port_entry(_seen(vpn, member, leases, member.vm.vapp is None), member.ports) for member in members]
    ports += [_port_entry(server.address.address(), server.ports) for server in servers]
    ports += [_port_entry(str(network.prefix), network.ports) for network in vpn.destinations.networks]
    return {
        **_listed("networks", vpn.destinations.networks_of(site)),
        **_listed("networks_beyond", vpn.destinations.networks_beyond(site)),
        **({"servers": [_translation(vpn, server, leases) for server in servers]} if servers else {}),
        **_ports(ports),
        **_of_policy(vpn, "org_edge"),
    }


def of_vapp_edge(vpn: Vpn, members: Iterable[Member], leases: Mapping[str, Lease]) -> Entry:
    """What a vApp edge is told beside who its members are: to it, all networks are beyond the org edge."""
    return {
        **_listed("networks_beyond", [network.prefix for network in vpn.destinations.networks]),
        **_ports(_port_entry(_seen(vpn, member, leases, True), member.ports) for member in members),
        **_of_policy(vpn, "vapp_edge"),
    }


def summary(vpn: Vpn, leases: Mapping[str, Lease]) -> Entry:
    """What people and verify want to know of a VPN's destinations."""
    if not vpn.destinations:
        return {}
    servers = [
        {**server.record(), "address": server_address(vpn, server, leases), "inside": server.address.address()}
        for server in vpn.destinations.servers
    ]
    networks = [network.record() for network in vpn.destinations.networks]
    return {"destinations": {"servers": servers, "networks": networks}}


def server_address(vpn: Vpn, server: Server, leases: Mapping[str, Lease]) -> str:
    """A server's address in the VPN."""
    return address_of(leases, server_key(vpn.name, server.behind, server.name))


def _translation(vpn: Vpn, server: Server, leases: Mapping[str, Lease]) -> dict[str, str]:
    return {"outside": server_address(vpn, server, leases), "inside": server.address.address()}


def _seen(vpn: Vpn, member: Member, leases: Mapping[str, Lease], translates: bool) -> str:
    """A member's address in a packet that a gateway has decided to forward: translated, if that is done here."""
    if translates and member.mode == "nat":
        return member.vm.addresses[vpn.pool.family]
    return address_of(leases, vm_key(vpn.name, member.vm.site, member.vm.name, member.vm.vapp))


def _port_entry(to: str, ports: Ports | None) -> Entry | None:
    return None if ports is None else {"to": to, "ports": list(ports)}


def _ports(entries: Iterable[Entry | None]) -> Entry:
    found = sorted((entry for entry in entries if entry is not None), key=lambda entry: str(entry["to"]))
    return {"ports": found} if found else {}


def _listed(key: str, prefixes: Iterable[object]) -> Entry:
    texts = [str(prefix) for prefix in prefixes]
    return {key: texts} if texts else {}


def _of_policy(vpn: Vpn, role: str) -> Entry:
    return {**vpn.policy.logging.document(), **vpn.policy.rules.document(role)}
