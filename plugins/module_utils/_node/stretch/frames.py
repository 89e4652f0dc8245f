# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table `netdev intercloud_vpn`: which frames leave a network for other sites, and which come in from there.

Frames are picked where they arrive (the ingress hook of the network's device), before the edge's own network stack
sees them, and those of other sites leave by the same device without ever meeting it. So the edge needs no bridge, its
addresses stay where they are, and nothing of what it is itself, its gateway address above all, crosses to other sites.
What is not named here does not cross: BPDU, LLDP, tagged frames, router advertisements, DHCP, frames of non-members.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping

from .told import Member, Stretch

FAMILY, TABLE = "netdev", "intercloud_vpn"
BURST = 50
# Of other networks on the same wire. The kernel has put the tag aside by then: `meta protocol` does not see it.
TAGGED = "ether type { vlan, 8021ad }"
GROUP = "ether daddr & 01:00:00:00:00:00 == 01:00:00:00:00:00"
PERSON = "ether daddr & 01:00:00:00:00:00 == 00:00:00:00:00:00"
DHCP = "udp dport { 67, 68, 546, 547 }"
ROUTERS = "icmpv6 type { nd-router-solicit, nd-router-advert, nd-redirect }"
# Neighbour discovery does not come in fragments (RFC 6980, 5), which would hide a router's advertisement.
HIDDEN = "ip6 saddr fe80::/10 exthdr frag exists"
SEALED = "ip6 saddr fe80::/10 meta l4proto ah"  # nor does nft look behind that
# Who has an address is answered by the device: what members say of it stays, or one could speak for all others.
CLAIMS = "icmpv6 type nd-neighbor-advert"
SEEN = "10s"
# The target of both messages is 8 octets into them (RFC 4861, 4.3 and 4.4). nft 1.0.6 has no name for it, and takes raw
# octets for a number, never for an address: so do the sets of targets.
DISCOVERY = "icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert }"
TARGET = "@th,64,128"
LISTENERS = "icmpv6 type { mld-listener-query, mld-listener-report, mld-listener-done, mld2-listener-report }"
REMEMBERED = "10m"  # how long a frame of somebody who is not where the ledger has it stays noted
# Where that is noted: senders, and what neighbour discovery is about.
ASTRAY = {
    "astray": "type ether_addr . ipv4_addr",
    "astray6": "type ether_addr . ipv6_addr",
    "claimed": f"typeof ether saddr . {TARGET}",
}


def table(stretches: Iterable[Stretch], devices: Mapping[str, str], macs: Mapping[str, str]) -> str:
    """The table. `devices`: those of the networks, by the edge's own address there; `macs`: whose are what."""
    parts = [_network(one, devices[one.beside], macs.get(devices[one.beside], "")) for one in stretches]
    return f"table {FAMILY} {TABLE} {{\n{''.join(parts)}}}\n" if parts else ""


def _network(one: Stretch, wire: str, own: str) -> str:
    n, here, there = f"n{one.number}", one.known(one.here), one.known(one.there)
    asked6 = [address for member in there for address in member.exclusive if ":" in address]
    limited = f"limit rate over {one.broadcast}/second burst {BURST} packets counter name {n}_limited"
    clamp4, clamp6 = (
        f"meta protocol {protocol} tcp flags syn tcp option maxseg size > {one.segment[family]} "
        f"tcp option maxseg size set {one.segment[family]}"
        for family, protocol in ((4, "ip"), (6, "ip6"))
    )
    lines = [
        f"# {one.vpn}",
        _set(f"{n}_here", "ether_addr", (member.mac for member in here)),
        _set(f"{n}_there", "ether_addr", (member.mac for member in there)),
        _set(f"{n}_gateways", "ether_addr", (mac for mac in one.gateways if mac != own)),
        _set(f"{n}_here4", "ether_addr . ipv4_addr", _bindings(here, 4)),
        _set(f"{n}_here6", "ether_addr . ipv6_addr", _bindings(here, 6)),
        _set(f"{n}_there4", "ether_addr . ipv4_addr", _bindings(there, 4)),
        _set(f"{n}_there6", "ether_addr . ipv6_addr", _bindings(there, 6)),
        _set(f"{n}_asked", "ipv4_addr", (address for member in there for address in member.of_family(4))),
        _set(f"{n}_asked6", "ipv6_addr", asked6),
        _set(f"{n}_targets", TARGET, map(_number, asked6), "typeof"),
        # Members of other sites that are seen on this wire: two wires that are one would be a loop.
        f"set {n}_seen {{ type ether_addr; size 65535; flags dynamic,timeout; timeout {SEEN}; }}",
        *(
            f"set {n}_{name} {{ {kind}; size 256; flags dynamic,timeout; timeout {REMEMBERED}; }}"
            for name, kind in ASTRAY.items()
        ),
        *(f"counter {n}_{what} {{ }}" for what in ("sent", "received", "limited", "refused")),
        # From the network. What is not a member's goes on as if there were nothing here.
        f"chain {n}_site {{",
        f'type filter hook ingress device "{wire}" priority 0; policy accept;',
        f"{TAGGED} accept",
        f"ether saddr @{n}_there update @{n}_seen {{ ether saddr }} goto {n}_elsewhere",
        f"meta protocol arp arp saddr ip @{n}_asked goto {n}_elsewhere",
        f"{DISCOVERY} jump {n}_discovery",
        f"ether saddr != @{n}_here accept",
        # A member that came from another site still knows the gateway there: this edge takes what it sends to that one.
        *([f"ether daddr @{n}_gateways ether daddr set {own} meta pkttype set host accept"] if own else []),
        f"ether daddr @{n}_there goto {n}_out",
        f"{GROUP} goto {n}_group",
        "}",
        # Somebody is here whom the ledger has at another site, or says so: noted, and not carried.
        f"chain {n}_elsewhere {{",
        f"meta protocol arp update @{n}_astray {{ ether saddr . arp saddr ip }}",
        f"meta protocol ip update @{n}_astray {{ ether saddr . ip saddr }}",
        f"ip6 saddr != :: update @{n}_astray6 {{ ether saddr . ip6 saddr }}",
        f"ip6 saddr :: icmpv6 type nd-neighbor-solicit update @{n}_claimed {{ ether saddr . {TARGET} }}",
        "}",
        # Only neighbour discovery tells whose an address is: other packets may come from a router, which lowers the hop
        # limit (RFC 4861, 7.1). A question from `::` comes from a machine that is about to take its target (RFC 4862,
        # 5.4.2). Any other question tells only of its sender; an answer also of its target.
        f"chain {n}_discovery {{",
        "ip6 hoplimit != 255 return",
        f"ip6 saddr @{n}_asked6 goto {n}_elsewhere",
        "icmpv6 type nd-neighbor-solicit ip6 saddr != :: return",
        f"{TARGET} @{n}_targets update @{n}_claimed {{ ether saddr . {TARGET} }}",
        "}",
        f"chain {n}_refuse {{",
        f"counter name {n}_refused drop",
        "}",
        # To a member elsewhere. Questions for its link-layer address are answered by the device itself.
        f"chain {n}_out {{",
        f'meta protocol arp ether saddr . arp saddr ip @{n}_here4 fwd to "{one.device}"',
        f"{ROUTERS} goto {n}_refuse",
        f"{HIDDEN} goto {n}_refuse",
        f"{SEALED} goto {n}_refuse",
        f"{CLAIMS} goto {n}_refuse",
        f"{DHCP} goto {n}_refuse",
        clamp4,
        clamp6,
        f'meta protocol ip ether saddr . ip saddr @{n}_here4 counter name {n}_sent fwd to "{one.device}"',
        f'meta protocol ip6 ether saddr . ip6 saddr @{n}_here6 counter name {n}_sent fwd to "{one.device}"',
        f"goto {n}_refuse",
        "}",
        # To everybody: to the others at this site as always, and a copy to the other sites.
        f"chain {n}_group {{",
        f'meta protocol arp ether saddr . arp saddr ip @{n}_here4 arp daddr ip @{n}_asked dup to "{one.device}" accept',
        "meta protocol arp accept",
        f"{ROUTERS} accept",
        f"{HIDDEN} accept",
        f"{SEALED} accept",
        f"{CLAIMS} accept",
        "ip protocol igmp accept",
        f"{LISTENERS} accept",
        f"{DHCP} accept",
        f"{limited} accept",
        f'meta protocol ip ether saddr . ip saddr @{n}_here4 counter name {n}_sent dup to "{one.device}" accept',
        f'meta protocol ip6 ether saddr . ip6 saddr @{n}_here6 counter name {n}_sent dup to "{one.device}" accept',
        "}",
        # From other sites, and the device's own answers. Nothing of it gets to the edge itself.
        f"chain {n}_tunnel {{",
        f'type filter hook ingress device "{one.device}" priority 0; policy drop;',
        f"ether saddr @{n}_seen goto {n}_refuse",
        f"{TAGGED} goto {n}_refuse",
        f"{PERSON} ether daddr != @{n}_here goto {n}_refuse",
        f'meta protocol arp ether saddr . arp saddr ip @{n}_there4 fwd to "{wire}"',
        f"{ROUTERS} goto {n}_refuse",
        f"{HIDDEN} goto {n}_refuse",
        f"{SEALED} goto {n}_refuse",
        f"{DHCP} goto {n}_refuse",
        f"{GROUP} {limited} drop",
        clamp4,
        clamp6,
        f'meta protocol ip ether saddr . ip saddr @{n}_there4 counter name {n}_received fwd to "{wire}"',
        f'meta protocol ip6 ether saddr . ip6 saddr @{n}_there6 counter name {n}_received fwd to "{wire}"',
        f"goto {n}_refuse",
        "}",
    ]
    return "".join(f"  {line}\n" for line in lines)


def _bindings(members: Iterable[Member], family: int) -> list[str]:
    return [f"{member.mac} . {address}" for member in members for address in member.of_family(family)]


def _number(address: str) -> str:
    return f"0x{int(ipaddress.IPv6Address(address)):032x}"


def _set(name: str, kind: str, elements: Iterable[str], how: str = "type") -> str:
    found = sorted(set(elements))
    filled = f" elements = {{ {', '.join(found)} }};" if found else ""
    return f"set {name} {{ {how} {kind};{filled} }}"
