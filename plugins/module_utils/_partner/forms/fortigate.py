# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PARTNER: FortiGate, for its CLI (FortiOS 7): a route-based tunnel with one phase 2 per pair of selectors."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network

from ..._intent.profiles.fortigate import PROFILE
from ..._intent.profiles.proposal import Proposal
from .common import Section, is_address, lifetimes, one_line, placeholder, proposals, short, unique

_CIPHERS = {
    "aes128gcm16": "aes128gcm",
    "aes256gcm16": "aes256gcm",
    "chacha20poly1305": "chacha20poly1305",
}
# Characters of a name: a phase 1 is an interface.
_LONGEST, _LONGEST_PHASE2 = 15, 35


def files(tunnel: Section, psk: str | None) -> dict[str, str]:
    """What is pasted into the CLI."""
    return {"fortios.txt": "\n".join(_lines(tunnel, psk)) + "\n"}


def quoted(text: str) -> str:
    """A value in double quotes."""
    return '"' + one_line(text).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _lines(tunnel: Section, psk: str | None) -> Iterator[str]:
    name = short(tunnel["name"], _LONGEST)
    local, remote, ike = tunnel["local"], tunnel["remote"], proposals(tunnel["ike"])
    ike_life, _esp_life = lifetimes(tunnel, tunnel["vpns"][0], PROFILE)
    yield f"# Tunnel {one_line(tunnel['name'])}. {one_line(tunnel['initiator'])} initiates and rekeys."
    yield "# wan1: the interface with this side's public address, if yours has another name."
    yield "config vpn ipsec phase1-interface"
    yield f"    edit {quoted(name)}"
    yield from _set(
        ("interface", '"wan1"'),
        ("ike-version", "2"),
        ("peertype", "one"),
        ("peerid", quoted(remote["identity"])),
        ("net-device", "disable"),
        ("proposal", " ".join(unique([_proposal(one, ike=True) for one in ike]))),
        ("dhgrp", _groups(ike)),
        ("localid-type", "address" if is_address(local["identity"]) else "fqdn"),
        ("localid", quoted(local["identity"])),
        ("remote-gw", one_line(remote["address"])),
        ("keylife", str(ike_life)),
        ("nattraversal", "enable"),
        ("dpd", "on-idle"),
        ("dpd-retrycount", "3"),
        ("dpd-retryinterval", str(PROFILE.dpd.within(tunnel["ike"]["dpd_delay"]))),
        ("passive-mode", "enable"),
        ("psksecret", quoted(placeholder(tunnel) if psk is None else psk)),
    )
    yield from ("    next", "end", "config vpn ipsec phase2-interface")
    for vpn in tunnel["vpns"]:
        esp = proposals(vpn["esp"])
        child = short(f"{name}-{vpn['child']}", _LONGEST_PHASE2)
        yield f"    edit {quoted(child)}"
        yield from _set(
            ("phase1name", quoted(name)),
            ("proposal", " ".join(unique([_proposal(one, ike=False) for one in esp]))),
            ("pfs", "enable"),
            ("dhgrp", _groups(esp)),
            ("replay", "enable"),
            ("auto-negotiate", "disable"),
            ("keylifeseconds", str(lifetimes(tunnel, vpn, PROFILE)[1])),
            ("src-subnet", _subnet(vpn["local_ts"][0])),
            ("dst-subnet", _subnet(vpn["remote_ts"][0])),
        )
        yield "    next"
    yield from ("end", "config router static")
    for prefix in unique([prefix for vpn in tunnel["vpns"] for prefix in vpn["remote_ts"]]):
        yield "    edit 0"
        yield from _set(("dst", _subnet(prefix)), ("device", quoted(name)))
        yield "    next"
    yield "end"
    mss = min(vpn["mss"] for vpn in tunnel["vpns"])
    yield f"# Allow both directions between {name} and your network with firewall policies, and set in each:"
    yield f"#     set tcp-mss-sender {mss}"
    yield f"#     set tcp-mss-receiver {mss}"


def _set(*pairs: tuple[str, str]) -> Iterator[str]:
    return (f"        set {key} {value}" for key, value in pairs)


def _proposal(one: Proposal, *, ike: bool) -> str:
    if one.aead:
        return f"{_CIPHERS[one.cipher]}-prf{one.hash}" if ike else _CIPHERS[one.cipher]
    return f"{one.cipher}-{one.hash}"


def _groups(found: list[Proposal]) -> str:
    return " ".join(unique([str(one.number) for one in found]))


def _subnet(prefix: str) -> str:
    network = ip_network(prefix)
    return f"{network.network_address} {network.netmask}"
