# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Google Cloud VPN: a Classic VPN with static routes, or an HA VPN with BGP."""

from __future__ import annotations

from .profile import ADDRESS, SHA2, BgpForm, Limits, Profile, Source, Suite

_CIPHERS = frozenset({"aes128", "aes192", "aes256", "aes128gcm16", "aes192gcm16", "aes256gcm16"})
_GROUPS = frozenset(
    {"modp2048", "modp3072", "modp4096", "modp8192", "ecp256", "ecp384", "ecp521", "curve25519", "x25519"}
)
_CIPHERS_PAGE = "Supported IKE ciphers (cloud.google.com, network-connectivity/docs/vpn; of 2026-04-10)"
PROFILE = Profile(
    name="gcp",
    title="Google Cloud VPN",
    ike=Suite(_CIPHERS, SHA2, _GROUPS, own_prf=True),
    esp=Suite(_CIPHERS, frozenset({"sha256", "sha512"}), _GROUPS),
    sources=(
        Source(_CIPHERS_PAGE, "2026-11-30"),
        # One CHILD_SA for all ranges of a tunnel.
        Source("Advanced configurations (cloud.google.com, compute/docs/vpn/advanced)", "2026-11-30"),
        # Addresses that are kept.
        Source("Subnets (cloud.google.com, vpc/docs/subnets, unusable addresses in IPv4 subnet ranges)", "2026-11-30"),
        Source("MTU considerations (docs.cloud.google.com, network-connectivity/docs/vpn)", "2026-11-30"),
        Source("google_compute_vpn_tunnel (Terraform provider hashicorp/google)", "2026-11-30"),
        # MD5 authentication.
        Source("Key terms (docs.cloud.google.com, network-connectivity/docs/router/concepts/key-terms)", "2026-11-30"),
    ),
    unconfirmed=(
        "the identities: both public addresses",
        "an option to respond only: none was found, so Google may initiate as well",
        "BFD in a VPN's BGP session: not used",
    ),
    ike_lifetime=Limits(36000, 36000),
    esp_lifetime=Limits(10800, 10800),
    one_pair=False,
    one_child=True,
    responds_only=False,
    identities=frozenset({ADDRESS}),
    underlay_mtu=1460,
    reserved=(2, 2),
    bgp=BgpForm(md5=True, length=30, endpoints=True),
)
