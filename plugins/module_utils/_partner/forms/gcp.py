# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PARTNER: Google Cloud VPN, as Terraform (provider hashicorp/google).

A tunnel of a Classic VPN, and static routes; with BGP a tunnel of an HA VPN gateway's first interface, and a session of
a Cloud Router.
"""

from __future__ import annotations

from ..._intent.profiles.proposal import Proposal
from .common import Section, bgp_key, placeholder, proposals, short, unique
from .hcl import Block, Reference, hcl

_CIPHERS = {
    "aes128": "AES-CBC-128",
    "aes192": "AES-CBC-192",
    "aes256": "AES-CBC-256",
    "aes128gcm16": "AES-GCM-16-128",
    "aes192gcm16": "AES-GCM-16-192",
    "aes256gcm16": "AES-GCM-16-256",
}
_INTEGRITY = {"sha256": "HMAC-SHA2-256-128", "sha384": "HMAC-SHA2-384-192", "sha512": "HMAC-SHA2-512-256"}
_PRF = {"sha256": "PRF-HMAC-SHA2-256", "sha384": "PRF-HMAC-SHA2-384", "sha512": "PRF-HMAC-SHA2-512"}
_GIVEN = ("region", "network", "target_vpn_gateway")
_GIVEN_HA = ("region", "router", "vpn_gateway")


def files(tunnel: Section, psk: str | None) -> dict[str, str]:
    """A file for a directory of Terraform's."""
    if tunnel.get("bgp"):
        return {f"vcc_{tunnel['name']}.tf": _highly_available(tunnel, [(tunnel, psk)])}
    name = f"vcc_{tunnel['name']}"
    (vpn,) = tunnel["vpns"]
    ike, esp = proposals(tunnel["ike"]), proposals(vpn["esp"])
    region, network, gateway = (Reference(f"var.{name}_{key}") for key in _GIVEN)
    blocks = [
        *(Block("variable", [f"{name}_{key}"], [("type", Reference("string"))]) for key in _GIVEN),
        Block(
            "resource",
            ["google_compute_vpn_tunnel", name],
            [
                ("name", _name(tunnel["name"])),
                ("region", region),
                ("target_vpn_gateway", gateway),
                ("peer_ip", tunnel["remote"]["address"]),
                ("ike_version", 2),
                ("shared_secret", placeholder(tunnel) if psk is None else psk),
                ("local_traffic_selector", vpn["local_ts"]),
                ("remote_traffic_selector", vpn["remote_ts"]),
                _suite(ike, esp),
            ],
        ),
        *(
            Block(
                "resource",
                ["google_compute_route", f"{name}_{number}"],
                [
                    ("name", _name(f"{tunnel['name']}-{number}")),
                    ("network", network),
                    ("dest_range", prefix),
                    ("priority", 1000),
                    ("next_hop_vpn_tunnel", Reference(f"google_compute_vpn_tunnel.{name}.id")),
                ],
            )
            for number, prefix in enumerate(vpn["remote_ts"], 1)
        ),
    ]
    comments = [
        f"Tunnel {tunnel['name']}. {tunnel['initiator']} initiates and rekeys; Google may initiate as well.",
        f"The gateway {name}_target_vpn_gateway is a google_compute_vpn_gateway with the address "
        f"{tunnel['local']['address']}",
        f"and forwarding rules for ESP, UDP 500 and UDP 4500. The network has {' '.join(vpn['local_ts'])}.",
        "Lifetimes are fixed: 36000 s for IKE, 10800 s for ESP.",
    ]
    return {f"{name}.tf": hcl(blocks, comments)}


def both(tunnel: Section, psk: str | None, twin: Section, twins_psk: str | None) -> dict[str, str]:
    """The tunnels of both interfaces of an HA VPN gateway."""
    return {f"vcc_{tunnel['name']}.tf": _highly_available(tunnel, [(tunnel, psk), (twin, twins_psk)])}


def _highly_available(first: Section, tunnels: list[tuple[Section, str | None]]) -> str:
    name, bgp = f"vcc_{first['name']}", first["bgp"]
    interfaces = " and ".join(
        f"{tunnel['local']['address']} (interface {number})" for number, (tunnel, _psk) in enumerate(tunnels)
    )
    blocks = [
        *(Block("variable", [f"{name}_{key}"], [("type", Reference("string"))]) for key in _GIVEN_HA),
        Block(
            "resource",
            ["google_compute_external_vpn_gateway", name],
            [
                ("name", _name(first["name"])),
                ("redundancy_type", "SINGLE_IP_INTERNALLY_REDUNDANT"),
                Block("interface", [], [("id", 0), ("ip_address", first["remote"]["address"])]),
            ],
        ),
        *(block for number, one in enumerate(tunnels) for block in _session(name, number, *one)),
    ]
    comments = [
        f"Tunnel {first['name']}. {first['initiator']} initiates and rekeys; Google may initiate as well.",
        f"{name}_vpn_gateway: an HA VPN gateway that has {interfaces}.",
        f"{name}_router: a Cloud Router of AS {bgp['local_asn']}. The network has {' '.join(bgp['announce'])}.",
        "Lifetimes are fixed: 36000 s for IKE, 10800 s for ESP.",
    ]
    return hcl(blocks, comments)


def _session(whole: str, number: int, tunnel: Section, psk: str | None) -> list[Block]:
    """A tunnel from one of the gateway's interfaces, and BGP in it."""
    name, bgp, own = f"vcc_{tunnel['name']}", tunnel["bgp"], _name(tunnel["name"])
    (vpn,) = tunnel["vpns"]
    region, router, gateway = (Reference(f"var.{whole}_{key}") for key in _GIVEN_HA)
    key = [("name", own), ("key", bgp_key(psk))]
    where: list[tuple[str, object]] = [("name", own), ("region", region)]
    return [
        Block(
            "resource",
            ["google_compute_vpn_tunnel", name],
            [
                *where,
                ("vpn_gateway", gateway),
                ("vpn_gateway_interface", number),
                ("peer_external_gateway", Reference(f"google_compute_external_vpn_gateway.{whole}.id")),
                ("peer_external_gateway_interface", 0),
                ("router", router),
                ("ike_version", 2),
                ("shared_secret", placeholder(tunnel) if psk is None else psk),
                _suite(proposals(tunnel["ike"]), proposals(vpn["esp"])),
            ],
        ),
        Block(
            "resource",
            ["google_compute_router_interface", name],
            [
                *where,
                ("router", router),
                ("ip_range", f"{bgp['local']}/{bgp['length']}"),
                ("vpn_tunnel", Reference(f"google_compute_vpn_tunnel.{name}.name")),
            ],
        ),
        Block(
            "resource",
            ["google_compute_router_peer", name],
            [
                *where,
                ("router", router),
                ("interface", Reference(f"google_compute_router_interface.{name}.name")),
                ("peer_ip_address", bgp["remote"]),
                ("peer_asn", bgp["remote_asn"]),
                ("advertise_mode", "CUSTOM"),
                *(Block("advertised_ip_ranges", [], [("range", prefix)]) for prefix in bgp["announce"]),
                *([Block("md5_authentication_key", [], key)] if bgp["md5"] else []),
            ],
        ),
    ]


def _suite(ike: list[Proposal], esp: list[Proposal]) -> Block:
    prf = ("prf", unique([_PRF[one.prf or one.hash] for one in ike]))
    return Block(
        "cipher_suite",
        [],
        [
            Block("phase1", [], [*_phase(ike), prf, ("dh", _groups(ike))]),
            Block("phase2", [], [*_phase(esp), ("pfs", _groups(esp))]),
        ],
    )


def _phase(found: list[Proposal]) -> list[tuple[str, object]]:
    return [
        ("encryption", unique([_CIPHERS[one.cipher] for one in found])),
        ("integrity", unique([_INTEGRITY[one.hash] for one in found if not one.aead])),
    ]


def _groups(found: list[Proposal]) -> list[str]:
    return unique([f"Group-{one.number}" for one in found])


def _name(name: str) -> str:
    """As RFC 1035 has names: lower case letters, digits and hyphens, at most 63, no hyphen at the end."""
    return f"vcc-{short(name, 59, r'[^a-z0-9-]')}"
