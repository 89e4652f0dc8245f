# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PARTNER: MikroTik RouterOS 7, for its terminal: policies, one per pair of selectors."""

from __future__ import annotations

from collections.abc import Iterator

from ..._intent.profiles.mikrotik import PROFILE
from .common import Section, is_address, lifetimes, one_line, placeholder, proposals

_ESP = {
    "aes128": "aes-128-cbc",
    "aes192": "aes-192-cbc",
    "aes256": "aes-256-cbc",
    "aes128gcm16": "aes-128-gcm",
    "aes192gcm16": "aes-192-gcm",
    "aes256gcm16": "aes-256-gcm",
}
_IKE = {"aes128": "aes-128", "aes192": "aes-192", "aes256": "aes-256"}


def files(tunnel: Section, psk: str | None) -> dict[str, str]:
    """What is pasted into the terminal."""
    return {"routeros.rsc": "\n".join(_lines(tunnel, psk)) + "\n"}


def quoted(text: str) -> str:
    """A string, in which $ is not a variable and a backslash no escape."""
    escaped = one_line(text).replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$").replace("?", "\\?")
    return f'"{escaped}"'


def _lines(tunnel: Section, psk: str | None) -> Iterator[str]:
    name = quoted(tunnel["name"])
    local, remote = tunnel["local"], tunnel["remote"]
    (ike,) = proposals(tunnel["ike"])
    ike_life, _esp_life = lifetimes(tunnel, tunnel["vpns"][0], PROFILE)
    key = quoted(placeholder(tunnel) if psk is None else psk)
    yield f"# Tunnel {one_line(tunnel['name'])}. {one_line(tunnel['initiator'])} initiates and rekeys."
    yield "/ip ipsec profile"
    yield (
        f"add name={name} enc-algorithm={_IKE[ike.cipher]} hash-algorithm={ike.hash} dh-group={ike.group} "
        f"lifetime={ike_life}s dpd-interval={tunnel['ike']['dpd_delay']}s dpd-maximum-failures=3 nat-traversal=yes "
        "proposal-check=obey"
    )
    yield "/ip ipsec peer"
    yield (
        f"add name={name} address={one_line(remote['address'])}/32 local-address={_own(local)} profile={name} "
        "exchange-mode=ike2 passive=yes send-initial-contact=no"
    )
    yield "/ip ipsec identity"
    yield (
        f"add peer={name} auth-method=pre-shared-key my-id={_identity(local['identity'])} "
        f"remote-id={_identity(remote['identity'])} generate-policy=no secret={key}"
    )
    for vpn in tunnel["vpns"]:
        (esp,) = proposals(vpn["esp"])
        child = quoted(f"{tunnel['name']}-{vpn['child']}")
        ours, theirs = one_line(vpn["local_ts"][0]), one_line(vpn["remote_ts"][0])
        yield f"# VPN {one_line(vpn['name'])}"
        yield "/ip ipsec proposal"
        yield (
            f"add name={child} enc-algorithms={_ESP[esp.cipher]} auth-algorithms={esp.hash or quoted('')} "
            f"pfs-group={esp.group} lifetime={lifetimes(tunnel, vpn, PROFILE)[1]}s"
        )
        yield "/ip ipsec policy"
        yield (
            f"add peer={name} tunnel=yes src-address={ours} dst-address={theirs} action=encrypt level=unique "
            f"proposal={child}"
        )
        # Before what translates. A rule cannot be placed before the first one where there is none, and not before one
        # that RouterOS has made itself.
        rule = f"/ip firewall nat add chain=srcnat action=accept src-address={ours} dst-address={theirs}"
        own = "[/ip firewall nat find where dynamic=no]"
        yield f":if ([:len {own}] = 0) do={{ {rule} }} else={{ {rule} place-before=[:pick {own} 0] }}"
        yield "/ip firewall mangle"
        for source, target in ((ours, theirs), (theirs, ours)):
            yield (
                f"add chain=forward action=change-mss protocol=tcp tcp-flags=syn src-address={source} "
                f"dst-address={target} tcp-mss={vpn['mss'] + 1}-65535 new-mss={vpn['mss']} passthrough=yes"
            )


def _own(local: Section) -> str:
    """Behind a NAT, the router's own address is another one; and it may change."""
    return "0.0.0.0" if local.get("behind_nat") or local.get("by_name") else one_line(local["address"])


def _identity(identity: str) -> str:
    kind = "address" if is_address(identity) else "fqdn"
    return quoted(f"{kind}:{identity}")
