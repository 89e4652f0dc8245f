# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""IP prefixes as plain integers: netaddr reads text at the border, everything inside is arithmetic."""

from __future__ import annotations

import ipaddress
import socket
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

try:
    import netaddr
except ImportError:  # plugins that need it say so before they come here
    netaddr = None

BITS = {4: 32, 6: 128}
_SOCKET_FAMILY = {4: socket.AF_INET, 6: socket.AF_INET6}


def format_address(family: int, address: int) -> str:
    """The usual text of an address: 4, 0x64400011 -> "100.64.0.17"."""
    if family == 6 and address < 1 << 32:
        # inet_ntop would write ::1:0 as ::0.1.0.0, an IPv4-compatible address, long deprecated (RFC 4291, 2.5.5.1).
        return str(ipaddress.IPv6Address(address))
    return socket.inet_ntop(_SOCKET_FAMILY[family], address.to_bytes(BITS[family] // 8, "big"))


@dataclass(frozen=True, order=True)
class Prefix:
    """One CIDR block; `first` is its lowest address as an integer. Ordered by family, address, length.

    Raises ValueError when the numbers make no prefix (unknown family, length out of range, host bits set).
    """

    family: int
    first: int
    length: int

    def __post_init__(self) -> None:
        bits = BITS.get(self.family)
        if bits is None:
            raise ValueError(f"address family {self.family} is neither 4 nor 6")
        if not 0 <= self.length <= bits:
            raise ValueError(f"prefix length {self.length} is not within 0 .. {bits}")
        if not 0 <= self.first < 1 << bits:
            raise ValueError(f"{self.first} is not an IPv{self.family} address")
        if self.first & ((1 << (bits - self.length)) - 1):
            raise ValueError(f"{format_address(self.family, self.first)}/{self.length} has host bits set")

    @classmethod
    def parse(cls, text: str) -> Prefix:
        """Read "10.0.0.0/8" or "fd00::/64". ValueError for anything else: netmasks, host bits, a bare address."""
        host, slash, length = str(text).strip().partition("/")
        address = parse_address(host)
        if not slash:
            raise ValueError(f"{text} has no prefix length: write {host}/{address.length} for the one address")
        if not (length.isascii() and length.isdigit()) or int(length) > address.length:
            raise ValueError(f"{text}: the prefix length must be a number from 0 to {address.length}")
        masked = cls.around(address.family, address.first, int(length))
        if masked.first != address.first:
            raise ValueError(f"{text} has host bits set: did you mean {masked}?")
        return masked

    @classmethod
    def around(cls, family: int, address: int, length: int) -> Prefix:
        """The prefix of that length which holds the address."""
        host_bits = BITS[family] - length
        return cls(family, address >> host_bits << host_bits, length)

    @property
    def size(self) -> int:
        """How many addresses it has."""
        return 1 << (BITS[self.family] - self.length)

    @property
    def last(self) -> int:
        """Its highest address."""
        return self.first + self.size - 1

    def contains(self, other: Prefix) -> bool:
        """Whether every address of `other` is in this one."""
        return self.family == other.family and self.first <= other.first and other.last <= self.last

    def overlaps(self, other: Prefix) -> bool:
        """Whether the two share an address."""
        return self.family == other.family and self.first <= other.last and other.first <= self.last

    def address(self, offset: int = 0) -> str:
        """The text of the address `offset` after the first; IndexError when that is outside."""
        if not 0 <= offset < self.size:
            raise IndexError(f"{self} has no address {offset}")
        return format_address(self.family, self.first + offset)

    def __str__(self) -> str:
        return f"{format_address(self.family, self.first)}/{self.length}"


def parse_address(text: str) -> Prefix:
    """Read one bare address ("10.0.0.1", "fd00::1") as a /32 or /128. ValueError for anything else."""
    return _parse_address(str(text))


@lru_cache(maxsize=1 << 16)  # the networks behind gateways are the same in every cloud
def _parse_address(text: str) -> Prefix:
    try:
        # INET_PTON: netaddr before 1.0 would read "10.1" as 10.0.0.1.
        address = netaddr.IPAddress(text.strip(), flags=netaddr.INET_PTON)
    except (netaddr.AddrFormatError, ValueError, TypeError) as error:
        raise ValueError(f"{text} is not an IP address") from error
    return Prefix(int(address.version), int(address), BITS[int(address.version)])


def parse_any(text: str) -> Prefix:
    """Read a CIDR block or a bare address."""
    return Prefix.parse(text) if "/" in str(text) else parse_address(text)


def collapse(prefixes: Iterable[Prefix]) -> list[Prefix]:
    """The fewest prefixes that cover exactly the same addresses, sorted."""
    merged: list[Prefix] = []
    for prefix in sorted(prefixes):
        if merged and merged[-1].contains(prefix):
            continue
        merged.append(prefix)
        while len(merged) > 1 and _are_halves(merged[-2], merged[-1]):
            merged.pop()
            low = merged.pop()
            merged.append(Prefix(low.family, low.first, low.length - 1))
    return merged


def without(collapsed: Sequence[Prefix], some: Iterable[Prefix]) -> list[Prefix]:
    """What :func:`collapse` says of prefixes when ``some`` of them are left out.

    ``collapsed``: what it says of all. None of those left out may share an address with one that stays. The cost grows
    with what is left out and with the result, however many prefixes there were.
    """
    left = list(collapsed)
    for prefix in some:
        at = bisect_right(left, prefix) - 1
        if at < 0 or not left[at].contains(prefix):
            raise ValueError(f"{prefix} is not in {', '.join(map(str, collapsed))}")
        whole, halves = left[at], list[Prefix]()
        while whole.length < prefix.length:
            low = Prefix(whole.family, whole.first, whole.length + 1)
            high = Prefix(whole.family, low.last + 1, whole.length + 1)
            whole, other = (low, high) if low.contains(prefix) else (high, low)
            halves.append(other)
        left[at : at + 1] = sorted(halves)
    return left


def _are_halves(low: Prefix, high: Prefix) -> bool:
    same = low.family == high.family and low.length == high.length > 0
    return same and low.last + 1 == high.first and not low.first & low.size
