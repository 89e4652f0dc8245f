# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PLAN: the VPNs that a run does not name and touches all the same, because their nodes are in it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from .._base.problems import some
from .._ledger.records import DocumentRecord

Records = Mapping[str, DocumentRecord]
_MOST = 6


def also_touched(
    vpns: Sequence[Mapping[str, Any]], named: Collection[str], lines: Sequence[str], old: Records, new: Records
) -> list[str]:
    """A line per VPN beside those ``named`` that has nodes whose document changes.

    ``vpns`` are the plan's, ``lines`` the plan's difference in words; ``new`` are the documents that change.
    """
    tunnels = {words[2] for words in (line.split(" ", 3) for line in lines) if words[1] == "tunnel"}
    found = []
    for vpn in vpns:
        name = vpn["name"]
        if name in named:
            continue
        nodes = sorted(_nodes(vpn) & set(new))
        if nodes:
            what = "changed" if _differs(vpn, lines, tunnels, old, new) else "not changed"
            found.append(f"also touched: {name} ({some(nodes, _MOST)}), {what}")
    return found


def _nodes(vpn: Mapping[str, Any]) -> set[str]:
    """The hosts that a VPN is about. VCC nodes only repeat what others are told."""
    members = vpn["members"]
    edges = {edge for site in vpn["sites"].values() for edge in site.get("edges", ())}
    return {*vpn["sites"], *edges, *(one["name"] for one in members), *(one["vapp"] for one in members if one["vapp"])}


def _differs(
    vpn: Mapping[str, Any], lines: Sequence[str], tunnels: Collection[str], old: Records, new: Records
) -> bool:
    name = vpn["name"]
    said = any(line[2:].startswith(f"vpn {name}: ") for line in lines) or any(one in tunnels for one in vpn["tunnels"])
    return said or any(_part(old.get(node), name) != _part(new[node], name) for node in _nodes(vpn) & set(new))


def _part(record: DocumentRecord | None, vpn: str) -> list[Any]:
    """What a node is told of a VPN by its name."""
    if record is None:
        return []
    document = record.document
    links = [link for tunnel in document["tunnels"] for link in tunnel["links"] if link["vpn"] == vpn]
    return [entry for entry in document["vpns"] if entry["name"] == vpn] + links
