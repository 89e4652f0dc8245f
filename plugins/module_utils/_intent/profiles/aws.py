# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AWS Site-to-Site VPN."""

from __future__ import annotations

from .profile import ADDRESS, SHA2, BgpForm, Limits, Profile, PskForm, Source, Suite

_SUITE = Suite(
    ciphers=frozenset({"aes128", "aes256", "aes128gcm16", "aes256gcm16"}),
    hashes=SHA2,
    groups=frozenset({"modp2048", "modp3072", "modp4096", "modp6144", "modp8192", "ecp256", "ecp384", "ecp521"}),
)
PROFILE = Profile(
    name="aws",
    title="AWS Site-to-Site VPN",
    ike=_SUITE,
    esp=_SUITE,
    sources=(
        # Algorithms, groups, lifetimes, form of the key, replay window, who starts.
        Source("API_ModifyVpnTunnelOptionsSpecification (docs.aws.amazon.com, AWSEC2 API reference)", "2026-11-30"),
        Source("aws_vpn_connection (Terraform provider hashicorp/aws)", "2026-11-30"),
        # Addresses that are kept.
        Source("Subnet CIDR blocks (docs.aws.amazon.com, vpc/latest/userguide/subnet-sizing)", "2026-11-30"),
        # One SA pair per tunnel, public addresses of each connection's own, two tunnels per connection.
        Source("Requirements for a customer gateway device (docs.aws.amazon.com, s2svpn/CGRequirements)", "2026-11-30"),
        # Networks inside.
        Source("Tunnel options (docs.aws.amazon.com, vpn/latest/s2svpn/VPNTunnels)", "2026-11-30"),
    ),
    unconfirmed=(
        "the PRF beside AES-GCM: taken to be of the hash that the phase 1 integrity algorithm has",
        "the identity that AWS expects of our edge: its public address",
        "BFD and MD5 in a VPN's BGP session: no document has them, so neither is used",
    ),
    ike_lifetime=Limits(900, 28800),
    esp_lifetime=Limits(900, 3600),
    dpd=Limits(30, None),
    one_child=True,
    one_peer=True,
    identities=frozenset({ADDRESS}),
    psk=PskForm(8, 64, r"[A-Za-z0-9._]", "letters, digits, '.' and '_'", "0"),
    tunnels=2,
    reserved=(4, 1),
    replay_window=Limits(64, 2048),
    bgp=BgpForm(
        length=30,
        reserved=(*(f"169.254.{third}.0/30" for third in range(6)), "169.254.169.252/30"),
        first=True,
        endpoints=True,
    ),
)
