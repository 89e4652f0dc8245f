# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PARTNER: Azure VPN Gateway, as Terraform (provider hashicorp/azurerm)."""

from __future__ import annotations

from ..._intent.profiles.azure import PROFILE
from .common import Section, lifetimes, placeholder, proposals, short
from .hcl import Block, Reference, hcl

_IKE = {"aes128": "AES128", "aes192": "AES192", "aes256": "AES256"}
_ESP = {**_IKE, "aes128gcm16": "GCMAES128", "aes192gcm16": "GCMAES192", "aes256gcm16": "GCMAES256"}
_DH = {14: "DHGroup14", 19: "ECP256", 20: "ECP384"}
_PFS = {14: "PFS2048", 19: "ECP256", 20: "ECP384"}
_LONGEST = 80  # characters of a name
_GIVEN = ("resource_group_name", "location", "virtual_network_gateway_id")


def files(tunnel: Section, psk: str | None) -> dict[str, str]:
    """A file for a directory of Terraform's."""
    name = f"vcc_{tunnel['name']}"
    (vpn,), bgp = tunnel["vpns"], tunnel.get("bgp")
    (ike,), (esp,) = proposals(tunnel["ike"]), proposals(vpn["esp"])
    _ike_life, esp_life = lifetimes(tunnel, vpn, PROFILE)
    group, location, gateway = (Reference(f"var.{name}_{key}") for key in _GIVEN)
    where = [("name", short(name, _LONGEST)), ("resource_group_name", group), ("location", location)]
    policy = Block(
        "ipsec_policy",
        [],
        [
            ("ike_encryption", _IKE[ike.cipher]),
            ("ike_integrity", ike.hash.upper()),
            ("dh_group", _DH[ike.number]),
            ("ipsec_encryption", _ESP[esp.cipher]),
            # Of AEAD the same again.
            ("ipsec_integrity", _ESP[esp.cipher] if esp.aead else esp.hash.upper()),
            ("pfs_group", _PFS[esp.number]),
            ("sa_lifetime", esp_life),
        ],
    )
    blocks = [
        *(Block("variable", [f"{name}_{key}"], [("type", Reference("string"))]) for key in _GIVEN),
        Block(
            "resource",
            ["azurerm_local_network_gateway", name],
            [
                *where,
                ("gateway_address", tunnel["remote"]["address"]),
                *([] if bgp else [("address_space", vpn["remote_ts"])]),
                *([Block("bgp_settings", [], _peer(bgp))] if bgp else []),
            ],
        ),
        Block(
            "resource",
            ["azurerm_virtual_network_gateway_connection", name],
            [
                *where,
                ("type", "IPsec"),
                ("virtual_network_gateway_id", gateway),
                ("local_network_gateway_id", Reference(f"azurerm_local_network_gateway.{name}.id")),
                ("connection_protocol", "IKEv2"),
                ("connection_mode", "ResponderOnly"),
                ("dpd_timeout_seconds", PROFILE.dpd.within(3 * tunnel["ike"]["dpd_delay"])),
                ("use_policy_based_traffic_selectors", not bgp),
                *([("enable_bgp", True)] if bgp else []),
                ("shared_key", placeholder(tunnel) if psk is None else psk),
                policy,
                Block("custom_bgp_addresses", [], [("primary", bgp["local"])])
                if bgp
                else Block(
                    "traffic_selector_policy",
                    [],
                    [("local_address_cidrs", vpn["local_ts"]), ("remote_address_cidrs", vpn["remote_ts"])],
                ),
            ],
        ),
    ]
    comments = [
        f"Tunnel {tunnel['name']}. {tunnel['initiator']} initiates and rekeys; Azure answers.",
        f"The virtual network has {' '.join(bgp['announce'] if bgp else vpn['local_ts'])}; its gateway is route-based, "
        "of any SKU but Basic.",
        *(
            [f"The gateway has BGP enabled: AS {bgp['local_asn']}, {bgp['local']} among its APIPA addresses."]
            if bgp
            else []
        ),
        f"The gateway's public address is {tunnel['local']['address']}.",
    ]
    return {f"{name}.tf": hcl(blocks, comments)}


def _peer(bgp: Section) -> list[tuple[str, object]]:
    return [("asn", bgp["remote_asn"]), ("bgp_peering_address", bgp["remote"])]
