# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pairs of edges, as apply needs them: of two edges that serve members, only one is told at a time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


def told_second(documents: Iterable[Mapping[str, Any]], facts: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """{edge: its twin}, of the edges that are told after their twins.

    ``facts``: what hosts said of themselves (survey_facts.py). The edge that has the gateway address is the second.
    Where neither said so, the home edge is. An edge that has no tunnel yet does not wait. Nor does one whose twin
    does not answer: the twin may be switched off for days.
    """
    pairs = {str(document["node"]): document["pair"] for document in documents if document.get("pair")}
    found: dict[str, str] = {}
    for name, pair in sorted(pairs.items()):
        twin = str(pair["twin"])
        if twin not in pairs or twin in found:
            continue
        masters = [edge for edge in (name, twin) if {*pair["gateway"]} & _held(facts.get(edge) or {})]
        home = twin if pair.get("lane") else name
        second = masters[0] if len(masters) == 1 else home
        first = twin if second == name else name
        is_silent = "silent" in (facts.get(first) or {})
        if not is_silent and ((facts.get(second) or {}).get("runs") or {}).get("tunnels"):
            found[second] = first
    return found


def _held(facts: Mapping[str, Any]) -> set[str]:
    devices = (facts.get("devices") or {}).values()
    return {str(text).partition("/")[0] for device in devices for text in device.get("addresses") or ()}
