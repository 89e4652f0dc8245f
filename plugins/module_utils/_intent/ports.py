# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""INTENT: ports, as ``tcp/443``, ``udp/53`` and ``tcp/8000-8010``."""

from __future__ import annotations

import re
from itertools import chain

from .._base.problems import Problems

PROTOCOLS = ("tcp", "udp")
_PORT = re.compile(r"(\w+)/(\d{1,5})(?:-(\d{1,5}))?", re.ASCII)

Ports = tuple[str, ...]
"""Sorted, none overlapping or touching another: nftables takes no set in which they do."""


def parse_ports(raw: object, path: str, problems: Problems) -> Ports | None:
    """Read a list of ports in their shortest form; None for all ports, which is what leaving the key out says.

    An empty list is none at all. What is wrong goes to ``problems``.
    """
    if raw is None:
        return None
    if not isinstance(raw, (list, tuple)):
        problems.add(path, f"must be a list such as [tcp/443, udp/53, tcp/8000-8010], not {raw!r}")
        return None
    found: dict[str, list[tuple[int, int]]] = {}
    for index, text in enumerate(raw):
        place = f"{path}[{index}]"
        match = _PORT.fullmatch(text) if isinstance(text, str) else None
        if match is None:
            problems.add(place, f"{text!r} is not a port: write tcp/443, udp/53 or tcp/8000-8010")
            continue
        protocol, low, high = match[1], int(match[2]), int(match[3] or match[2])
        if protocol not in PROTOCOLS:
            problems.add(place, f"{text}: {protocol!r} must be one of: {', '.join(PROTOCOLS)}")
        elif not 1 <= low <= high <= 65535:
            problems.add(place, f"{text}: ports are from 1 to 65535, the lower one first")
        else:
            found.setdefault(protocol, []).append((low, high))
    return tuple(_text(protocol, *span) for protocol in sorted(found) for span in _merged(found[protocol]))


def allows(ports: Ports, protocol: str, port: int) -> bool:
    """Whether a port is among them."""
    return any(name == protocol and low <= port <= high for name, low, high in map(_read, ports))


def first_port(ports: Ports, protocol: str) -> int | None:
    """The lowest port of a protocol, None if there is none."""
    return min((low for name, low, _high in map(_read, ports) if name == protocol), default=None)


def closed_port(ports: Ports, protocol: str) -> int | None:
    """A port of the protocol that is not among them, as close above the lowest as can be; None if all are."""
    start = first_port(ports, protocol) or 22
    candidates = chain(range(start, 65536), range(1, start))
    return next((port for port in candidates if not allows(ports, protocol, port)), None)


def common(one: Ports, other: Ports) -> Ports:
    """The ports that are among both."""
    both: dict[str, list[tuple[int, int]]] = {}
    for name, low, high in map(_read, one):
        for other_name, other_low, other_high in map(_read, other):
            if name == other_name and max(low, other_low) <= min(high, other_high):
                both.setdefault(name, []).append((max(low, other_low), min(high, other_high)))
    return tuple(_text(protocol, *span) for protocol in sorted(both) for span in _merged(both[protocol]))


def without(one: Ports, other: Ports) -> Ports:
    """The ports that are among the first ones only."""
    left: dict[str, list[tuple[int, int]]] = {}
    for name, low, high in map(_read, one):
        for other_name, other_low, other_high in sorted(map(_read, other)):
            if name == other_name and other_low <= high and low <= other_high:
                if low < other_low:
                    left.setdefault(name, []).append((low, other_low - 1))
                low = other_high + 1
        if low <= high:
            left.setdefault(name, []).append((low, high))
    return tuple(_text(protocol, *span) for protocol in sorted(left) for span in _merged(left[protocol]))


def _merged(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for low, high in sorted(spans):
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
        else:
            merged.append((low, high))
    return merged


def _read(text: str) -> tuple[str, int, int]:
    protocol, _slash, numbers = text.partition("/")
    low, _dash, high = numbers.partition("-")
    return protocol, int(low), int(high or low)


def _text(protocol: str, low: int, high: int) -> str:
    return f"{protocol}/{low}" if low == high else f"{protocol}/{low}-{high}"
