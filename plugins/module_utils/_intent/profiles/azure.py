# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Azure VPN Gateway."""

from __future__ import annotations

from .profile import ADDRESS, BgpForm, Limits, Profile, PskForm, Source, Suite

_GROUPS = frozenset({"modp2048", "ecp256", "ecp384"})
PROFILE = Profile(
    name="azure",
    title="Azure VPN Gateway",
    ike=Suite(frozenset({"aes128", "aes192", "aes256"}), frozenset({"sha256", "sha384"}), _GROUPS),
    esp=Suite(
        frozenset({"aes128", "aes192", "aes256", "aes128gcm16", "aes192gcm16", "aes256gcm16"}),
        frozenset({"sha256"}),
        _GROUPS,
    ),
    sources=(
        # Algorithms, groups, lifetimes, one policy per connection, DPD.
        Source(
            "IPsec/IKE policy FAQ (MicrosoftDocs/azure-docs, vpn-gateway-faq-ipsecikepolicy-include.md)", "2026-11-30"
        ),
        # Addresses that are kept.
        Source("Azure Virtual Network FAQ (learn.microsoft.com, virtual-network/virtual-networks-faq)", "2026-11-30"),
        # Form of the key.
        Source("Set-AzureVNetGatewayKey (learn.microsoft.com, previous versions)", "2026-11-30"),
        Source("azurerm_virtual_network_gateway_connection (Terraform provider hashicorp/azurerm)", "2026-11-30"),
        # Timers, addresses inside.
        Source(
            "About BGP with Azure VPN Gateway (learn.microsoft.com, vpn-gateway/vpn-gateway-bgp-overview)", "2026-11-30"
        ),
    ),
    unconfirmed=(
        "AES-GCM for IKE: the gateway has it, but no document says which PRF goes with it, so it is left out",
        "several CHILD_SAs: a connection has one policy for all, so a tunnel has one VPN with one pair of selectors",
        "the identities: both public addresses",
        "packets inside: at most 1400 octets",
        "BFD and MD5 in a VPN's BGP session: no document has them, so neither is used",
    ),
    ike_lifetime=Limits(28800, 28800),
    esp_lifetime=Limits(300, None),
    dpd=Limits(9, 3600),
    one_proposal=True,
    one_pfs_group=True,
    one_child=True,
    identities=frozenset({ADDRESS}),
    psk=PskForm(1, 128, r"[A-Za-z0-9]", "letters and digits"),
    inner_mtu=1400,
    reserved=(4, 1),
    bgp=BgpForm(networks=("169.254.21.0/24", "169.254.22.0/24"), hold=180),
)
