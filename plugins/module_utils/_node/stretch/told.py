# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the document says of stretched networks, with the link-layer addresses that machines told."""

from __future__ import annotations

import ipaddress
import json
from collections import Counter
from dataclasses import dataclass

from ..document import LIBIPSEC_DEVICE, STRETCH_DEVICE, Document, Generation

FILE = "stretch.json"  # {host: {address: link-layer address}}, of members and edges: what they said of themselves
USERSPACE_MTU = 1400  # of the device of libipsec, whatever the path could
# Octets around a packet inside: Ethernet 14, VXLAN 8, UDP 8, IP 20 or 40 (RFC 7348, 5).
OVERHEAD = {4: 50, 6: 70}
HEADERS = {4: 40, 6: 60}  # IP and TCP


@dataclass(frozen=True)
class Member:
    """A VM. `behind` is the edge that it is behind, at its address in the VPN; empty for one at this site."""

    host: str
    mac: str
    addresses: tuple[str, ...]
    behind: str = ""

    def of_family(self, family: int) -> list[str]:
        """Its addresses of an IP version."""
        return [address for address in self.addresses if (":" in address) == (family == 6)]

    @property
    def exclusive(self) -> list[str]:
        """Its addresses that no other machine may have. Link-local ones are for one site (RFC 4291, 2.5.6): fe80::1 is
        often that of each site's router."""
        return [address for address in self.addresses if not ipaddress.ip_address(address).is_link_local]


@dataclass(frozen=True)
class Stretch:
    """A stretched network as one edge has it. `beside`: the edge's own address there. `gateways`: the link-layer
    addresses of the edges there. `local`, `peers`: addresses of
    edges in the VPN. `segment`: the largest TCP segments that need no fragments, by IP version."""

    vpn: str
    number: int
    beside: str
    local: str
    peers: tuple[str, ...]
    gateways: tuple[str, ...]
    here: tuple[Member, ...]
    there: tuple[Member, ...]
    broadcast: int
    port: int
    segment: dict[int, int]

    @property
    def device(self) -> str:
        """The VXLAN device."""
        return f"{STRETCH_DEVICE}{self.number}"

    @property
    def unknown(self) -> list[str]:
        """Members whose link-layer address nobody told: nothing of theirs is carried."""
        return sorted(one.host for one in (*self.here, *self.there) if not one.mac)

    def known(self, members: tuple[Member, ...]) -> list[Member]:
        """Those of some members whose link-layer address is known."""
        return [one for one in members if one.mac]


def stretches(generation: Generation) -> list[Stretch]:
    """All of them, by number."""
    vpns = [vpn for vpn in generation.listed("vpns") if vpn.get("stretch")]
    if not vpns:
        return []
    facts = json.loads(generation.files.get(FILE) or "{}")
    return [_stretch(vpn, generation, facts) for vpn in sorted(vpns, key=lambda one: int(one["number"]))]


def _stretch(vpn: Document, generation: Generation, facts: dict[str, dict[str, str]]) -> Stretch:
    said = vpn["stretch"]
    facts = _believed(said, facts)
    mtu = int(vpn.get("mtu") or USERSPACE_MTU)
    if vpn.get("kind", "ipsec") == "ipsec" and generation.tunnel_device(vpn["name"]) == LIBIPSEC_DEVICE:
        mtu = min(mtu, USERSPACE_MTU)
    room = mtu - OVERHEAD[int(vpn["family"])]
    return Stretch(
        vpn=str(vpn["name"]),
        number=int(vpn["number"]),
        beside=str(said["beside"]),
        local=str(vpn["edge_address"]),
        peers=tuple(map(str, said["peers"])),
        gateways=tuple(sorted(mac for one in said["gateways"] if (mac := _member(one, facts).mac))),
        here=tuple(_member(one, facts) for one in said["here"]),
        there=tuple(_member(one, facts) for one in said["there"]),
        broadcast=int(said["broadcast"]),
        port=int(said["port"]),
        segment={family: room - headers for family, headers in HEADERS.items()},
    )


def _believed(said: Document, facts: dict[str, dict[str, str]]) -> dict[str, dict[str, str]]:
    """What hosts said of themselves: the addresses that the document has of them, and link-local ones that no other of
    its hosts claims. No member gets frames for another address by saying that it has it."""
    hosts = {str(one["host"]): {str(address) for address in one["addresses"]} for one in hosts_in(said)}
    claims = Counter(address for host in hosts for address in facts.get(host) or ())

    def fits(host: str, address: str) -> bool:
        return address in hosts[host] or (claims[address] == 1 and ipaddress.ip_address(address).is_link_local)

    return {host: {one: mac for one, mac in (facts.get(host) or {}).items() if fits(host, one)} for host in hosts}


def _member(said: Document, facts: dict[str, dict[str, str]]) -> Member:
    """The inventory's link-layer address counts before what the machine said."""
    own = [str(address) for address in said["addresses"]]
    seen = facts.get(str(said["host"])) or {}
    mac = next((seen[address] for address in own if address in seen), "")
    macs = [str(one) for one in said["mac"]] if "mac" in said else [mac]
    beside = [address for address, there in seen.items() if there == mac and address not in own]
    mac = macs[0].lower() if len(macs) == 1 else ""
    return Member(str(said["host"]), mac, (*own, *sorted(beside)), str(said.get("behind") or ""))


def hosts_in(said: Document) -> list[Document]:
    """All hosts that a document's entry names."""
    return [one for key in ("gateways", "here", "there") for one in said.get(key) or ()]


def completed(want: Generation, have: Generation) -> Generation:
    """A generation keeps what members told before, where it brings nothing newer."""
    hosts = {str(one["host"]) for vpn in want.listed("vpns") for one in hosts_in(vpn.get("stretch") or {})}
    known = {**json.loads(have.files.get(FILE) or "{}"), **json.loads(want.files.get(FILE) or "{}")}
    kept = {host: known[host] for host in sorted(hosts & set(known))}
    files = {name: text for name, text in want.files.items() if name != FILE}
    if kept:
        files[FILE] = json.dumps(kept, indent=1)
    return Generation(want.document, files, want.backend, want.awaited)
