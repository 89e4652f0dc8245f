# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documents without what they repeat: of a thousand tunnels of an edge, nearly all says the same.

A list of records becomes rows of what is each one's own, and the number of the rest, which is kept once:

    "routes": {"alike": [{"source": "100.64.0.1", "tunnel": "payroll"}], "rows": [[0, "100.64.0.64/26"], …]}

The own keys of a tunnel and of its links are in TUNNEL and LINK; the links of a tunnel are rows in its row.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import Any

Record = Mapping[str, Any]
LISTS = ("tunnels", "routes")
ROUTE = ("prefix",)
TUNNEL = ("name", "peer", "remote_address", "remote_id")
LINK = ("remote_ts", "reqid")
_OF_LINK = frozenset(LINK)
FEWEST = 8  # records, below which a list is left as it is


def pack(document: Record) -> dict[str, Any]:
    """The same without repetitions. What cannot be packed is left as it is."""
    packed = dict(document)
    for key in LISTS:
        records = document.get(key)
        if isinstance(records, list) and len(records) >= FEWEST:
            own, links = (TUNNEL, True) if key == "tunnels" else (ROUTE, False)
            needed = frozenset(own)
            if all(_fit(record, needed, links) for record in records):
                packed[key] = _packed(records, own, links)
    return packed


def unpack(document: Record) -> dict[str, Any]:
    """The document that was packed, or never was. Keys come in the order of the alphabet."""
    unpacked = dict(document)
    for key in LISTS:
        if isinstance(document.get(key), dict):
            unpacked[key] = _unpacked(document[key], *((TUNNEL, True) if key == "tunnels" else (ROUTE, False)))
    return unpacked


def tunnel_names(tunnels: Record) -> list[str]:
    """The names of packed tunnels."""
    return [row[1] for row in tunnels["rows"]]


def _fit(record: Any, own: frozenset[str], links: bool) -> bool:
    """Whether a record has all that its row is to have."""
    if not isinstance(record, dict) or not own <= record.keys():
        return False
    if not links:
        return True
    within = record.get("links")
    return isinstance(within, list) and all(isinstance(link, dict) and link.keys() >= _OF_LINK for link in within)


class _Alike:
    """What several records have in common, each kept once."""

    def __init__(self, own: Sequence[str]) -> None:
        self._own = frozenset(own)
        self._numbers: dict[str, int] = {}
        self._seen: dict[tuple[Any, ...], int] = {}
        self.found: list[dict[str, Any]] = []

    def number(self, record: Record) -> int:
        """Of what a record has beside its own."""
        own = self._own
        # Records that are compiled together share the very objects: to compare those is faster than to write them out.
        same = (*record, *[id(value) for key, value in record.items() if key not in own])
        number = self._seen.get(same)
        if number is None:
            alike = {key: value for key, value in record.items() if key not in own}
            number = self._numbers.setdefault(json.dumps(alike, sort_keys=True), len(self.found))
            self._seen[same] = number
            if number == len(self.found):
                self.found.append(alike)
        return number


def _packed(records: Sequence[Record], own: Sequence[str], links: bool) -> dict[str, Any]:
    alike, values = _Alike((*own, "links") if links else own), itemgetter(*own, *own[:1])  # of one key, it is no tuple
    rows: list[list[Any]] = [[alike.number(record), *values(record)[:-1]] for record in records]
    if not links:
        return {"alike": alike.found, "rows": rows}
    alike_links, of_link = _Alike(LINK), itemgetter(*LINK)
    for row, record in zip(rows, records):
        row.append([[alike_links.number(link), *of_link(link)] for link in record["links"]])
    return {"alike": alike.found, "rows": rows, "links": alike_links.found}


def _unpacked(packed: Record, own: Sequence[str], links: bool) -> list[dict[str, Any]]:
    records = []
    for number, *values in packed["rows"]:
        record = {**packed["alike"][number], **dict(zip(own, values))}
        if links:
            record["links"] = [
                dict(sorted({**packed["links"][which], **dict(zip(LINK, of_link))}.items()))
                for which, *of_link in values[-1]
            ]
        records.append(dict(sorted(record.items())))
    return records
