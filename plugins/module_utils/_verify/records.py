# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""VERIFY: the records of one VPN among those of all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .finding import Result
from .probes import Plan

Section = Mapping[str, Any]


@dataclass(frozen=True)
class Records:
    """What was probed of a VPN (pairs of members, edges, ports, names, what must not answer), its links and quotas."""

    pairs: list[Section]
    edges: list[Section]
    ports: list[Section]
    names: list[Section]
    negative: list[Section]
    links: list[Section]
    usage: list[Section]


def by_vpn(result: Result, plan: Plan) -> Iterator[tuple[Section, Records]]:
    """Every VPN with its records. Another organization may have a VPN of the same name; its VMs are others."""
    pairs, edges, ports, names = map(_named, (result.pairs, result.edges, result.ports, result.names))
    negative, links, usage = map(_named, (result.negative, result.links, result.usage))
    for vpn in plan["vpns"]:
        name, tunnels = vpn["name"], {*vpn["tunnels"]}
        members = {member["name"] for member in vpn["members"]}
        sites = sites_of(vpn)
        inside = members | {vm["name"] for vm in plan["members"] if vm["site"] in sites}
        yield (
            vpn,
            Records(
                [pair for pair in pairs.get(name, ()) if pair["src"] in members],
                [edge for edge in edges.get(name, ()) if edge["src"] in members],
                [probe for probe in ports.get(name, ()) if probe["src"] in members],
                [probe for probe in names.get(name, ()) if probe["src"] in members],
                [probe for probe in negative.get(name, ()) if probe["src"] in inside],
                [link for link in links.get(name, ()) if link["tunnel"] in tunnels],
                [entry for entry in usage.get(name, ()) if entry["edge"] in sites],
            ),
        )


def sites_of(vpn: Section) -> set[str]:
    """The sites of a VPN. Some have no member: they are on the way."""
    return {*vpn.get("sites", {}), *(str(member["site"]) for member in vpn["members"])}


def failed(records: Records) -> Records:
    """Those of them that are not as planned, or could not be probed."""
    return Records(
        [pair for pair in records.pairs if not _good(pair)],
        [edge for edge in records.edges if not edge["reachable"]],
        [probe for probe in records.ports if not probe["reachable"]],
        [probe for probe in records.names if not probe["reachable"]],
        [probe for probe in records.negative if not probe["ok"]],
        records.links,
        records.usage,
    )


def _good(pair: Section) -> bool:
    return bool(pair["reachable"]) and not pair["loss"] and False not in (pair["mtu_ok"], pair["application_ok"])


def _named(records: Iterable[Section]) -> dict[str, list[Section]]:
    """By the name of the VPN."""
    found: dict[str, list[Section]] = {}
    for record in records:
        found.setdefault(record["vpn"], []).append(record)
    return found
