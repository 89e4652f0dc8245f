# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PLAN: the machines directly beside a node whose packets of a VPN it takes, and what each of them may send.

The node binds them to their link-layer addresses (docs/senders.md). Those are in the document only where the inventory
says them (``vcc_mac``); all others are read from the machines themselves when the plan is applied.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..._base.prefix import Prefix, collapse

EVERY = ""
"""Of a host's link-layer addresses by address: whichever address it is."""
Macs = Mapping[str, tuple[str, ...]]

Document = dict[str, Any]
_MAC = re.compile(r"([0-9a-f]{2})[:-]?([0-9a-f]{2})[:.-]?" * 2 + r"([0-9a-f]{2})[:-]?([0-9a-f]{2})", re.IGNORECASE)


def parse_mac(text: str) -> str:
    """A link-layer address as Linux writes it. ValueError if it is none that one machine can have."""
    match = _MAC.fullmatch(text.strip())
    if match is None:
        raise ValueError(
            f'{text!r} is not a link-layer address such as "02:00:5e:10:00:01" (with quotes: YAML has numbers so)'
        )
    octets = [octet.lower() for octet in match.groups()]
    if int(octets[0], 16) & 1 or set(octets) == {"00"}:
        raise ValueError(f"{text!r} is not a link-layer address of one machine: it is a group's, or zero")
    return ":".join(octets)


class Neighbours:
    """Collects the neighbours of one organization's nodes, over all its VPNs."""

    def __init__(self) -> None:
        # By address and host: what one host may send is never taken for another's.
        self._entries: dict[str, dict[tuple[str, str], Document]] = {}
        self._inside: dict[str, set[str]] = {}

    def inside(self, node: str, address: str) -> None:
        """Note an address that the node itself has on the members' side."""
        self._inside.setdefault(node, set()).add(address)

    def beside(
        self,
        node: str,
        host: Any,
        address: str,
        sends: Iterable[str] = (),
        uplink: bool = False,
        machines: Sequence[Any] = (),
    ) -> None:
        """Note that ``host`` (an edge or a VM) is beside ``node``, at ``address``.

        ``sends``: the prefixes that it sends packets of, beside its own address. ``uplink``: the rest of the VPN is
        reached over it. ``machines``: the edges of a pair, each of which may be at the address.
        """
        key = (address, host.name)
        entry = self._entries.setdefault(node, {}).setdefault(key, {"address": address, "host": host.name})
        entry["sends"] = [*entry.get("sends", []), *sends]
        if uplink:
            entry["uplink"] = True
        if machines:
            family = 6 if ":" in address else 4
            entry["machines"] = {machine.name: machine.own[family] for machine in machines}
        macs = _said([(host, address)] if not machines else [(one, entry["machines"][one.name]) for one in machines])
        if macs is not None:
            entry["mac"] = macs

    def write(self, documents: Mapping[str, Document]) -> None:
        """Put all of it into the documents. Nodes without a neighbour get nothing."""
        for node, entries in self._entries.items():
            found = [_finished(entries[key]) for key in sorted(entries, key=lambda key: (_order(key[0]), key[1]))]
            documents[node]["neighbours"] = found
        for node, addresses in self._inside.items():
            documents[node]["inside"] = sorted(addresses, key=_order)


def _said(hosts: Iterable[tuple[Any, str]]) -> list[str] | None:
    """The link-layer addresses that the inventory says, of hosts with their addresses. None unless it does of all."""
    said = [(host.macs or {}).get(address, (host.macs or {}).get(EVERY)) for host, address in hosts]
    if () in said:
        return []
    if None in said:
        return None
    return list(dict.fromkeys(mac for some in said for mac in some or ()))


def _finished(entry: Document) -> Document:
    sends = entry["sends"]
    if len(sends) > 1:
        sends = [str(prefix) for prefix in collapse(map(Prefix.parse, sends))]
    rest = {key: value for key, value in entry.items() if key != "sends"}
    return {**rest, "sends": sends} if sends else rest


def _order(address: str) -> tuple[bool, bytes]:
    six = ":" in address
    return six, socket.inet_pton(socket.AF_INET6 if six else socket.AF_INET, address)
