# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PARTNER: AWS Site-to-Site VPN, as Terraform (provider hashicorp/aws): a virtual private gateway and static routes.

With BGP, the connection has everything as selectors. The virtual private gateway's AS number is the partner's.

AWS always makes two tunnels; our edge comes to the first, with BGP to both if they are declared. The second has the
same options, so that AWS's defaults (IKEv1, SHA-1) are open on neither.
"""

from __future__ import annotations

from ipaddress import ip_interface

from ..._intent.profiles.aws import PROFILE
from ..._intent.profiles.proposal import Proposal
from .common import Section, lifetimes, placeholder, proposals, unique
from .hcl import Block, Reference, hcl

_CIPHERS = {"aes128": "AES128", "aes256": "AES256", "aes128gcm16": "AES128-GCM-16", "aes256gcm16": "AES256-GCM-16"}
_HASHES = {"sha256": "SHA2-256", "sha384": "SHA2-384", "sha512": "SHA2-512"}
# A private one (RFC 6996). AWS wants one even where there is no BGP.
_ASN = 65000


def files(tunnel: Section, psk: str | None) -> dict[str, str]:
    """A file for a directory of Terraform's."""
    return _files(tunnel, psk, None, None)


def both(tunnel: Section, psk: str | None, twin: Section, twins_psk: str | None) -> dict[str, str]:
    """The same of a connection whose tunnels are both used."""
    return _files(tunnel, psk, twin, twins_psk)


def _files(tunnel: Section, psk: str | None, twin: Section | None, twins_psk: str | None) -> dict[str, str]:
    name = f"vcc_{tunnel['name']}"
    (vpn,), bgp = tunnel["vpns"], tunnel.get("bgp")
    gateway, connection = f"aws_customer_gateway.{name}", f"aws_vpn_connection.{name}"
    blocks = [
        Block("variable", [f"{name}_vpn_gateway_id"], [("type", Reference("string"))]),
        Block(
            "resource",
            ["aws_customer_gateway", name],
            [
                ("bgp_asn", bgp["remote_asn"] if bgp else _ASN),
                ("ip_address", tunnel["remote"]["address"]),
                ("type", "ipsec.1"),
            ],
        ),
        Block(
            "resource",
            ["aws_vpn_connection", name],
            [
                ("customer_gateway_id", Reference(f"{gateway}.id")),
                ("vpn_gateway_id", Reference(f"var.{name}_vpn_gateway_id")),
                ("type", "ipsec.1"),
                ("static_routes_only", not bgp),
                # AWS calls our side local.
                ("local_ipv4_network_cidr", vpn["remote_ts"][0]),
                ("remote_ipv4_network_cidr", vpn["local_ts"][0]),
                *([("tunnel1_inside_cidr", _inside(bgp))] if bgp else []),
                ("tunnel1_preshared_key", placeholder(tunnel) if psk is None else psk),
                *(
                    [
                        ("tunnel2_inside_cidr", _inside(twin["bgp"])),
                        ("tunnel2_preshared_key", placeholder(twin) if twins_psk is None else twins_psk),
                    ]
                    if twin
                    else []
                ),
                *((f"tunnel{number}_{key}", value) for number in (1, 2) for key, value in _options(tunnel, vpn)),
            ],
        ),
        *(
            Block(
                "resource",
                ["aws_vpn_connection_route", f"{name}_{number}"],
                [("destination_cidr_block", prefix), ("vpn_connection_id", Reference(f"{connection}.id"))],
            )
            for number, prefix in enumerate([] if bgp else vpn["remote_ts"], 1)
        ),
        *(
            Block("output", [f"{name}_{what}"], [("value", Reference(f"{connection}.tunnel{number}_address"))])
            for number, what in ((1, "vcc_public_address"), (2, "second_public_address"))
            if number == 1 or twin
        ),
    ]
    comments = [
        f"Tunnel {tunnel['name']}. {tunnel['initiator']} initiates and rekeys; AWS answers.",
        f"{name}_vpn_gateway_id: the virtual private gateway of the VPC, which has "
        f"{' '.join(bgp['announce'] if bgp else vpn['local_ts'])}.",
        *(
            [f"Its amazon_side_asn is {bgp['local_asn']}. Enable route propagation in the VPC's route tables."]
            if bgp
            else []
        ),
        (
            f"The outputs are what vcc_public_address and vcc_bgp.second.public_address are for {tunnel['edge']}."
            if twin
            else f"The output is what vcc_public_address is for {tunnel['edge']}. The second tunnel stays down."
        ),
    ]
    return {f"{name}.tf": hcl(blocks, comments)}


def _inside(bgp: Section) -> str:
    return str(ip_interface(f"{bgp['local']}/{bgp['length']}").network)


def _options(tunnel: Section, vpn: Section) -> list[tuple[str, object]]:
    ike, esp = proposals(tunnel["ike"]), proposals(vpn["esp"])
    ike_life, esp_life = lifetimes(tunnel, vpn, PROFILE)
    # Phase 2 must be the shorter one. A longer phase 1 weakens nothing: our edge rekeys when it was to.
    ike_life = max(ike_life, esp_life + 1)
    window = vpn["esp"]["replay_window"]
    return [
        ("ike_versions", ["ikev2"]),
        ("startup_action", "add"),
        ("dpd_timeout_action", "clear"),
        ("dpd_timeout_seconds", PROFILE.dpd.within(3 * tunnel["ike"]["dpd_delay"])),
        *_phase("phase1", ike),
        ("phase1_lifetime_seconds", ike_life),
        *_phase("phase2", esp),
        ("phase2_lifetime_seconds", esp_life),
        # As late as it can be: our edge has done it before.
        ("rekey_margin_time_seconds", 60),
        ("replay_window_size", PROFILE.replay_window.within(window)),
    ]


def _phase(phase: str, found: list[Proposal]) -> list[tuple[str, object]]:
    hashes = unique([_HASHES[one.hash] for one in found if one.hash])
    return [
        (f"{phase}_encryption_algorithms", unique([_CIPHERS[one.cipher] for one in found])),
        # Beside an AEAD cipher none is used, but AWS wants one: without it, SHA-1 would be among them.
        (f"{phase}_integrity_algorithms", hashes or ["SHA2-256"]),
        (f"{phase}_dh_group_numbers", sorted({one.number for one in found})),
    ]
