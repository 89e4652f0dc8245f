# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Neighbours: the machines beside this node, bound to their link-layer addresses (docs/senders.md).

The neighbour table says where packets to an address go, and is made permanent here. Where packets from an address come
from is the firewall's: see `senders.py`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

from ..document import Change, Document, Generation
from ..part import Part
from ..system.run import have
from . import ip

FILE = "neighbours.json"  # {address: link-layer address}, of those that the document itself does not tell; a list of
# them where either edge of a pair may be at the address

Entry = tuple[str, str, str]  # address, device, link-layer address


@dataclass(frozen=True)
class Neighbour:
    """A machine beside the node. `macs`: () if it is not bound. `device` and `router` are empty if out of reach."""

    address: str
    host: str
    macs: tuple[str, ...] = ()
    sends: tuple[str, ...] = ()
    uplink: bool = False
    device: str = ""
    own: tuple[str, ...] = ()  # of an address that either edge of a pair may have: their own addresses there
    router: str = ""  # of a machine that is behind another, which is not a neighbour then: its frames are the other's

    @property
    def why_unbound(self) -> str:
        """Why it is not bound; empty if it is."""
        if self.router:
            return f"it is behind {self.router}"
        return "" if self.macs else "its link-layer address is not known"


def told(generation: Generation) -> list[Neighbour]:
    """What the document and the file beside it say, whatever networks are there."""
    known = json.loads(generation.files.get(FILE) or "{}")
    return [_neighbour(entry, known) for entry in generation.listed("neighbours")]


def _neighbour(entry: Document, known: dict[str, str | list[str]]) -> Neighbour:
    address = str(entry["address"])
    said = entry.get("mac")
    macs = _told(entry, known.get(address, [])) if said is None else said
    return Neighbour(
        address=address,
        host=str(entry["host"]),
        macs=tuple(str(mac).lower() for mac in macs),
        sends=tuple(str(prefix) for prefix in entry.get("sends") or ()),
        uplink=bool(entry.get("uplink")),
        own=tuple(str(address) for _machine, address in sorted((entry.get("machines") or {}).items())),
    )


def _told(entry: Document, known: str | list[str]) -> list[str]:
    """What machines said of an address. One of a pair alone does not bind it: the other edge may be there next."""
    if isinstance(known, str):
        return [] if "machines" in entry else [known]
    return known


def located(generation: Generation) -> list[Neighbour]:
    """The same, with the devices that they are at."""
    found = told(generation)
    if not found or not have("ip"):
        return found
    held = ip.addresses()
    own = {str(address) for address in generation.document.get("inside") or ()}
    inside = {device for device, texts in held.items() for text in texts if text.split("/")[0] in own}
    table = ip.Lookup(inside)
    return [_at(neighbour, *table.find(neighbour.address)) for neighbour in found]


def _at(neighbour: Neighbour, device: str, router: str) -> Neighbour:
    macs = () if router else neighbour.macs
    return replace(neighbour, macs=macs, device=device, router=router)


def completed(want: Generation, have: Generation) -> Generation:
    """A generation keeps the link-layer addresses that the node has, where it brings no others."""
    served = (want.document.get("dhcp") or {}).get("hosts", [])
    asked = {str(entry["address"]) for entry in (*want.listed("neighbours"), *served) if "mac" not in entry}
    known = {**json.loads(have.files.get(FILE) or "{}"), **json.loads(want.files.get(FILE) or "{}")}
    kept = {address: known[address] for address in sorted(asked & set(known))}
    files = {name: text for name, text in want.files.items() if name != FILE}
    if kept:
        files[FILE] = json.dumps(kept, indent=1)
    return Generation(want.document, files, want.backend, want.awaited)


class Neighbours(Part):
    """Permanent entries of the neighbour table. A neighbour that may have several link-layer addresses has none."""

    name = "neighbours"

    def _wanted(self) -> list[Entry]:
        found = located(self.want)
        return sorted((one.address, one.device, one.macs[0]) for one in found if one.device and len(one.macs) == 1)

    def _noted(self) -> list[tuple[Entry, str]]:
        """Ours, each with the permanent entry that was there before."""
        return [((str(a), str(d), str(m)), str(before)) for a, d, m, before in self.store.owned("neighbours") or []]

    def _idle(self) -> bool:
        return not have("ip") or not (self.want.listed("neighbours") or self._noted())

    def _compare(self) -> tuple[list[Entry], list[tuple[Entry, str]]]:
        """What is missing, and what of ours is too much."""
        if self._idle():
            return [], []
        loaded, wanted = ip.neighbours(), self._wanted()
        places = {(address, device) for address, device, _mac in wanted}
        missing = [(a, d, m) for a, d, m in wanted if loaded.get((a, d)) != m]
        over = [
            ((a, d, m), before)
            for (a, d, m), before in self._noted()
            if (a, d) not in places and loaded.get((a, d)) == m
        ]
        return missing, over

    def changes(self) -> list[Change]:
        """Entries to set and to remove."""
        missing, over = self._compare()
        found = [Change(self.name, f"bind {a} to {m} on {d}", "", f"{a} dev {d} lladdr {m}") for a, d, m in missing]
        return found + [
            Change(self.name, f"unbind {a} on {d}", f"{a} dev {d} lladdr {m}") for (a, d, m), _before in over
        ]

    def build(self) -> None:
        """Set what is missing, or different."""
        missing = self._compare()[0]
        if not missing:
            return
        loaded = ip.neighbours()
        noted = {(a, d): (m, before) for (a, d, m), before in self._noted()}
        for address, device, mac in missing:
            ours, before = noted.get((address, device), ("", ""))
            found = loaded.get((address, device), "")
            noted[address, device] = (mac, before if found in ("", ours) else found)
        self._note(noted)
        _set(list(missing))

    def clear(self) -> None:
        """Remove what is no longer wanted; what was there before comes back."""
        if self._idle():
            return
        over = self._compare()[1]
        _set([(a, d, before) for (a, d, _mac), before in over])
        if self._noted():
            places = {(address, device) for address, device, _mac in self._wanted()}
            self._note({(a, d): (m, before) for (a, d, m), before in self._noted() if (a, d) in places})

    def _note(self, noted: dict[tuple[str, str], tuple[str, str]]) -> None:
        self.store.own("neighbours", [[a, d, m, before] for (a, d), (m, before) in sorted(noted.items())] or None)


def _set(entries: list[Entry]) -> None:
    """An entry without a link-layer address is removed."""
    for family in (4, 6):
        commands = [
            f"neigh replace {a} lladdr {m} dev {d} nud permanent" if m else f"neigh del {a} dev {d}"
            for a, d, m in entries
            if ip.family(a) == family
        ]
        ip.batch(family, commands)


def observed(generation: Generation) -> list[Document]:
    """Every neighbour as node_info tells it."""
    if not generation.listed("neighbours"):
        return []
    loaded = ip.neighbours()
    return [
        {
            "address": one.address,
            "host": one.host,
            "device": one.device,
            "mac": list(one.macs),
            "loaded": loaded.get((one.address, one.device), ""),
            "unbound": one.why_unbound,
        }
        for one in located(generation)
    ]
