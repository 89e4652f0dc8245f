# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PARTNER: Cisco IOS-XE, for its CLI: IKEv2 and a crypto map, one line of its access list per pair of selectors."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from ipaddress import ip_network

from ..._intent.profiles.cisco import PROFILE
from ..._intent.profiles.proposal import Proposal
from .common import Section, is_address, lifetimes, one_line, proposals, unique

_IKE = {
    "aes128": "aes-cbc-128",
    "aes192": "aes-cbc-192",
    "aes256": "aes-cbc-256",
    "aes128gcm16": "aes-gcm-128",
    "aes256gcm16": "aes-gcm-256",
}
_UNSHOWN = "THE-KEY"
_NUMBERS = 1000  # of a crypto map, for selectors that are as narrow


def files(tunnel: Section, psk: str | None) -> dict[str, str]:
    """What is pasted in configuration mode."""
    return {"ios-xe.txt": "\n".join(_lines(tunnel, psk)) + "\n"}


def word(text: str) -> str:
    """A word of the CLI: no space ends it, no ? asks for help, and no ! in front makes a comment of it."""
    fit = re.sub(r"[^!#->@-~]", "_", text)
    return f"_{fit[1:]}" if fit.startswith("!") else fit


def _lines(tunnel: Section, psk: str | None) -> Iterator[str]:
    name = word(tunnel["name"])
    local, remote = tunnel["local"], tunnel["remote"]
    ike = proposals(tunnel["ike"])
    address = word(remote["address"])
    ike_life, _esp_life = lifetimes(tunnel, tunnel["vpns"][0], PROFILE)
    who = one_line(tunnel["initiator"])
    yield f"! Tunnel {one_line(tunnel['name'])}. {who} initiates and rekeys; this side may initiate as well."
    for number, one in enumerate(ike, 1):
        yield f"crypto ikev2 proposal {name}-{number}"
        yield f" encryption {_IKE[one.cipher]}"
        yield from [] if one.aead else [f" integrity {one.hash}"]
        yield f" prf {one.prf or one.hash}"
        yield f" group {one.number}"
    yield "! Where a policy for this local address is there already, add the proposals to it instead."
    yield f"crypto ikev2 policy {name}"
    yield from (f" proposal {name}-{number}" for number in range(1, len(ike) + 1))
    yield f"crypto ikev2 keyring {name}"
    yield f" peer {name}"
    yield f"  address {address}"
    yield from [] if psk is not None else [f"  ! {_UNSHOWN}: {one_line(tunnel['psk'])}"]
    yield f"  pre-shared-key {_UNSHOWN if psk is None else word(psk)}"
    yield f"crypto ikev2 profile {name}"
    yield f" match identity remote {_identity(remote['identity'], mask=True)}"
    yield f" identity local {_identity(local['identity'])}"
    yield " authentication remote pre-share"
    yield " authentication local pre-share"
    yield f" keyring local {name}"
    yield f" lifetime {ike_life}"
    yield f" dpd {PROFILE.dpd.within(tunnel['ike']['dpd_delay'])} 3 periodic"
    sequence = _sequence(tunnel["vpns"])
    for vpn in tunnel["vpns"]:
        child, esp_life = word(f"{name}-{vpn['child']}"), lifetimes(tunnel, vpn, PROFILE)[1]
        number = sequence[vpn["child"]]
        yield from _child(child, number, name, vpn, address, esp_life)
    yield "! On the interface with this side's public address; where it has a crypto map, use that one's name above."
    yield "interface GigabitEthernet1"
    yield f" crypto map {name}"
    yield "! On the interface inside."
    yield "interface GigabitEthernet2"
    yield f" ip tcp adjust-mss {min(vpn['mss'] for vpn in tunnel['vpns'])}"


def _child(child: str, number: int, name: str, vpn: Section, address: str, life: int) -> Iterator[str]:
    esp = proposals(vpn["esp"])
    sets = unique([_transform(one) for one in esp])
    yield f"! VPN {one_line(vpn['name'])}"
    for index, transform in enumerate(sets, 1):
        yield f"crypto ipsec transform-set {child}-{index} {transform}"
        yield " mode tunnel"
    yield f"ip access-list extended {child}"
    yield f" permit ip {_wildcard(vpn['local_ts'][0])} {_wildcard(vpn['remote_ts'][0])}"
    yield f"crypto map {name} {number} ipsec-isakmp"
    yield f" set peer {address}"
    yield f" set security-association lifetime seconds {life}"
    # Else it rekeys every 4.6 GB.
    yield " set security-association lifetime kilobytes disable"
    yield f" set transform-set {' '.join(f'{child}-{index}' for index in range(1, len(sets) + 1))}"
    yield f" set pfs group{esp[0].number}"
    yield f" set ikev2-profile {name}"
    yield f" match address {child}"


def _sequence(vpns: Sequence[Section]) -> dict[str, int]:
    """The sequence number in the crypto map of each CHILD_SA, from 1 to 65535.

    They follow from the names, so that a VPN that comes or goes leaves the numbers of the others as they are: pasted
    again, an entry with another number would be a second one. The first entry that fits a packet is used, so those
    with narrower selectors have lower numbers.
    """
    found: dict[str, int] = {}
    for vpn in sorted(vpns, key=lambda one: str(one["child"])):
        wide = sum(32 - ip_network(vpn[side][0]).prefixlen for side in ("local_ts", "remote_ts"))
        digest = hashlib.sha256(str(vpn["child"]).encode()).digest()
        place = int.from_bytes(digest[:8], "big")
        while _NUMBERS * wide + place % _NUMBERS + 1 in found.values():
            place += 1
        found[vpn["child"]] = _NUMBERS * wide + place % _NUMBERS + 1
    return found


def _transform(one: Proposal) -> str:
    return f"esp-gcm {one.key_bits}" if one.aead else f"esp-aes {one.key_bits} esp-{one.hash}-hmac"


def _identity(identity: str, *, mask: bool = False) -> str:
    if is_address(identity):
        return f"address {word(identity)}" + (" 255.255.255.255" if mask else "")
    return f"fqdn {word(identity)}"


def _wildcard(prefix: str) -> str:
    network = ip_network(prefix)
    return f"{network.network_address} {network.hostmask}"
