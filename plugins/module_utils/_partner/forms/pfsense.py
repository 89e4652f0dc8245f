# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PARTNER: pfSense, which has no command line for this: the fields of its pages, in their order."""

from __future__ import annotations

from collections.abc import Iterator

from ..._intent.profiles.pfsense import PROFILE
from ..._intent.profiles.proposal import Proposal
from .common import Section, is_address, lifetimes, one_line, placeholder, proposals

_GROUPS = {
    14: "14 (2048 bit)",
    15: "15 (3072 bit)",
    16: "16 (4096 bit)",
    17: "17 (6144 bit)",
    18: "18 (8192 bit)",
    19: "19 (nist ecp256)",
    20: "20 (nist ecp384)",
    21: "21 (nist ecp521)",
    31: "31 (Elliptic Curve 25519, 256 bit)",
}
_AEAD = {"aes128gcm16": "AES128-GCM", "aes192gcm16": "AES192-GCM", "aes256gcm16": "AES256-GCM"}
_WIDTH = 34


def files(tunnel: Section, psk: str | None) -> dict[str, str]:
    """What is typed into the pages."""
    return {"pfsense.txt": "\n".join(_lines(tunnel, psk)) + "\n"}


def _lines(tunnel: Section, psk: str | None) -> Iterator[str]:
    local, remote, first = tunnel["local"], tunnel["remote"], tunnel["vpns"][0]
    ike_life, _esp_life = lifetimes(tunnel, first, PROFILE)
    yield "VPN > IPsec > Tunnels > Add P1"
    yield from _rows(
        ("Description", tunnel["name"]),
        ("Key Exchange version", "IKEv2"),
        ("Internet Protocol", "IPv4"),
        ("Interface", "the one with this side's public address"),
        ("Remote Gateway", remote["address"]),
        ("Authentication Method", "Mutual PSK"),
        ("My identifier", _identity(local["identity"])),
        ("Peer identifier", _identity(remote["identity"])),
        ("Pre-Shared Key", placeholder(tunnel) if psk is None else psk),
    )
    for one in proposals(tunnel["ike"]):
        yield from _rows(
            ("Encryption Algorithm", _cipher(one)),
            ("  Hash", one.hash.upper()),
            ("  DH Group", _GROUPS[one.number]),
        )
    yield from _rows(
        *_expiry(ike_life, tunnel["ike"]["rekey_time"], ("Reauth Time", 0)),
        ("Child SA Start Action", "None (Responder Only)"),
        ("Child SA Close Action", "Close connection and clear SA"),
        ("NAT Traversal", "Auto"),
        ("MOBIKE", "Disable"),
        ("Split connections", "checked: one CHILD_SA per pair of networks"),
        ("Dead Peer Detection", "checked"),
        ("  Delay", tunnel["ike"]["dpd_delay"]),
        ("  Max failures", 3),
    )
    for vpn in tunnel["vpns"]:
        esp = proposals(vpn["esp"])
        yield ""
        yield f"Show Phase 2 Entries > Add P2: VPN {one_line(vpn['name'])}"
        yield from _rows(
            ("Description", vpn["child"]),
            ("Mode", "Tunnel IPv4"),
            ("Local Network", f"Network {vpn['local_ts'][0]}"),
            ("NAT/BINAT translation", "None"),
            ("Remote Network", f"Network {vpn['remote_ts'][0]}"),
            ("Protocol", "ESP"),
            ("Encryption Algorithms", ", ".join(dict.fromkeys(map(_cipher, esp)))),
            ("Hash Algorithms", ", ".join(dict.fromkeys(one.hash.upper() for one in esp if one.hash)) or "none"),
            ("PFS key group", _GROUPS[esp[0].number]),
            *_expiry(lifetimes(tunnel, vpn, PROFILE)[1], vpn["esp"]["rekey_time"]),
        )
    yield ""
    yield "Firewall > Rules > IPsec: pass what is to come in. VPN > IPsec > Advanced Settings:"
    yield from _rows(("Maximum MSS", f"Enable MSS clamping, {min(vpn['mss'] for vpn in tunnel['vpns'])}"))


def _expiry(life: int, rekey: int, *more: tuple[str, int]) -> list[tuple[str, int]]:
    """Left empty, pfSense rekeys at a time between 80 and 90 % of the lifetime: before our edge, or with it."""
    return [("Life Time", life), ("Rekey Time", rekey + rekey // 20), *more, ("Rand Time", 0)]


def _rows(*rows: tuple[str, object]) -> Iterator[str]:
    return (f"  {label.ljust(_WIDTH)}{one_line(value)}" for label, value in rows)


def _identity(identity: str) -> str:
    kind = "IP address" if is_address(identity) else "Fully qualified domain name (older releases: Distinguished name)"
    return f"{kind}: {identity}"


def _cipher(one: Proposal) -> str:
    return f"{_AEAD[one.cipher]}, 128 bits" if one.aead else f"AES, {one.key_bits} bits"
