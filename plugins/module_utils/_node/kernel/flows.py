# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the kernel remembers of connectionless traffic between members (linux/netfilter/nfnetlink_conntrack.h).

A gateway judges packets by who opened the connection (docs/access.md). Of UDP between the same two ports, that is
whoever sent first. When rules change, the other member may be the one that may open it: its packets would be taken for
replies to an opening that is allowed no more, for as long as it sends. So what is allowed no more is forgotten. TCP
is not: its openings are packets of their own, and a connection that was forgotten could be picked up the other way
round.

What a member opened outside before the rules were there (after a boot, or a flush of all tables) was bound to its
private address, and would be for as long as it sends. The firewall refuses such packets (outside_last.nft.j2), so
that is forgotten, too, whatever the protocol: the next packet is translated.
"""

from __future__ import annotations

import errno
import socket
import struct
from collections.abc import Iterator, Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any, NamedTuple, Union

from ..document import Generation
from .netlink import messages

_NETFILTER = 12  # NETLINK_NETFILTER
_GET, _DELETE = 1 << 8 | 1, 1 << 8 | 2  # of NFNL_SUBSYS_CTNETLINK
_REQUEST, _DUMP = 1, 0x300
_ERROR, _DONE = 2, 3
_HEADER = struct.Struct("=LHHLL")
_FAMILY = struct.Struct("=BBH")
_ORIGINAL, _REPLY, _ID, _ZONE = 1, 2, 12, 18  # CTA_TUPLE_ORIG, CTA_TUPLE_REPLY, CTA_ID, CTA_ZONE
_IP, _PROTOCOL = 1, 2  # CTA_TUPLE_IP, CTA_TUPLE_PROTO
_NUMBER, _PORT = 1, 3  # CTA_PROTO_NUM, CTA_PROTO_DST_PORT
_FAMILIES = {4: socket.AF_INET, 6: socket.AF_INET6}
_TCP, _UDP, _PINGS = 6, 17, (1, 58)
_PATIENCE = 5.0
_PRIVATE = {
    4: [
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "224.0.0.0/3",
    ],
    6: ["::/64", "fc00::/7", "fe80::/10", "ff00::/8"],
}

Address = Union[IPv4Address, IPv6Address]


class Flow(NamedTuple):
    """One that is remembered, as its first packet had it. ``key``: by what the kernel finds it. ``answered``: whom its
    answers go to, before those are translated back."""

    source: Address
    target: Address
    protocol: int
    port: int
    key: bytes
    answered: Address | None = None


def forget(generation: Generation) -> int:
    """Have the kernel forget the flows between members that no rule of ``allow`` lets pass, and those to the outside
    that were not translated; how many there were."""
    found = 0
    for family, number in _FAMILIES.items():
        vpns = [vpn for vpn in generation.listed("vpns") if vpn.get("family") == family]  # none in what only refuses
        judges: list[Judge | Untranslated] = [Judge(vpn) for vpn in vpns if vpn.get("allow")]
        judges += [Untranslated(vpn) for vpn in vpns if vpn.get("outside", {}).get("members")]
        if not judges:
            continue
        with _line() as line:
            refused = [flow for flow in _flows(line, number) if any(judge.refuses(flow) for judge in judges)]
            for flow in refused:
                line.send(_request(_DELETE, 0, number, flow.key))
        found += len(refused)
    return found


class Judge:
    """Judges as the firewall of a VPN's gateway does (templates/gateway/allow_chains.nft.j2)."""

    def __init__(self, vpn: Mapping[str, Any]) -> None:
        allow, nat = vpn["allow"], vpn["nat"]
        self._blocks = _Addresses(vpn["blocks"])
        self._here = _Addresses([*vpn["local"], *(entry["inside"] for entry in nat)])
        self._leased = _Addresses([*vpn["local"], *(entry["outside"] for entry in nat)])
        self._remote = _Addresses(vpn["remote"])
        self._beside = _Addresses(allow.get("beside", ())) if "beside" in allow else None
        self._outside = _Addresses(allow.get("outside", ()))
        self._rules = [(_Addresses(rule["from"]), _Addresses(rule["to"]), rule.get("ports")) for rule in allow["rules"]]

    def refuses(self, flow: Flow) -> bool:
        """Whether it is between members, and no rule lets it pass."""
        source, target = flow.source, flow.target
        if flow.protocol == _TCP or target not in self._blocks:
            return False
        if source in self._here:
            own = self._beside is None or target not in self._remote
            if (own and target not in self._leased) or (self._beside is not None and target in self._beside):
                return False
        elif target not in self._leased and not (source in self._outside and target in self._outside):
            return False
        return not any(source in froms and target in to and _opens(ports, flow) for froms, to, ports in self._rules)


class Untranslated:
    """Judges what members open outside (templates/gateway/outside_sets.nft.j2)."""

    def __init__(self, vpn: Mapping[str, Any]) -> None:
        members = [one if isinstance(one, str) else one["inside"] for one in vpn["outside"]["members"]]
        self._members = _Addresses(members)
        self._inside = _Addresses([*_PRIVATE[vpn["family"]], *vpn["blocks"]])

    def refuses(self, flow: Flow) -> bool:
        """Whether a member opened it with its own address, which stayed."""
        own = flow.source in self._members and flow.answered == flow.source
        return own and flow.target not in self._inside


class _Addresses:
    """Single addresses and prefixes."""

    def __init__(self, texts: Any) -> None:
        self._single = {ip_address(text) for text in texts if "/" not in text}
        self._networks = [ip_network(text) for text in texts if "/" in text]

    def __contains__(self, address: Address) -> bool:
        return address in self._single or any(address in network for network in self._networks)


def _opens(ports: list[str] | None, flow: Flow) -> bool:
    if ports is None:
        return True
    if flow.protocol in _PINGS:
        return "icmp" in ports
    spans = [text[4:].partition("-") for text in ports if flow.protocol == _UDP and text.startswith("udp/")]
    return any(int(low) <= flow.port <= int(high or low) for low, _dash, high in spans)


def _line() -> socket.socket:
    line = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _NETFILTER)
    line.bind((0, 0))
    line.settimeout(_PATIENCE)
    return line


def _request(kind: int, flags: int, family: int, attributes: bytes = b"") -> bytes:
    body = _FAMILY.pack(family, 0, 0) + attributes
    return _HEADER.pack(_HEADER.size + len(body), kind, _REQUEST | flags, 1, 0) + body


def _flows(line: socket.socket, family: int) -> Iterator[Flow]:
    """All that the kernel remembers of a family. None where it does not say."""
    line.send(_request(_GET, _DUMP, family))
    while True:
        for kind, body in messages(line.recv(1 << 18)):
            if kind == _DONE:
                return
            if kind == _ERROR:
                number = -struct.unpack_from("=i", body)[0]
                raise OSError(number, errno.errorcode.get(number, "netlink"))
            flow = read(body[_FAMILY.size :])
            if flow is not None:
                yield flow


def read(data: bytes) -> Flow | None:
    """A flow of a message; None of what has no addresses."""
    parts = dict(_attributes(data))
    original, reply = (dict(_attributes(parts.get(kind, b""))) for kind in (_ORIGINAL, _REPLY))
    addresses = [value for _kind, value in sorted(_attributes(original.get(_IP, b"")))]
    answers = [value for _kind, value in sorted(_attributes(reply.get(_IP, b"")))]
    protocol = dict(_attributes(original.get(_PROTOCOL, b"")))
    if len(addresses) != 2 or _NUMBER not in protocol:
        return None
    source, target = map(ip_address, addresses)
    key = b"".join(_attribute(kind, parts[kind]) for kind in (_ORIGINAL, _ID, _ZONE) if kind in parts)
    port = int.from_bytes(protocol.get(_PORT, b""), "big")
    answered = ip_address(answers[1]) if len(answers) == 2 else None
    return Flow(source, target, protocol[_NUMBER][0], port, key, answered)


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    position = 0
    while position + 4 <= len(data):
        length, kind = struct.unpack_from("=HH", data, position)
        if length < 4:
            return
        yield kind & 0x3FFF, data[position + 4 : position + length]
        position += (length + 3) & ~3


def _attribute(kind: int, value: bytes) -> bytes:
    nested = 0x8000 if kind == _ORIGINAL else 0
    return struct.pack("=HH", 4 + len(value), kind | nested) + value + bytes(-len(value) % 4)
