# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""VERIFY: what is used of quotas. One that is used up explains the pairs that do not answer because of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from .finding import ERROR, WARNING, Finding, Result, few

Section = Mapping[str, Any]
Plan = Mapping[str, Any]


def usage_records(plan: Plan, observed: Mapping[str, Section]) -> list[dict[str, Any]]:
    """One record per quota of every edge that was observed: what the edge says of it (see node_info), with the
    edge, the member's name beside its address, and `stops`, whom it stops when it is used up."""
    found = []
    for edge, state in sorted(observed.items()):
        for entry in state.get("usage") or []:
            names = _names(plan, edge, entry["vpn"])
            member = names.get(entry["member"] or "")
            stops = [member] if entry["member"] else list(names.values())
            record = {**entry, "edge": edge, "member": member, "address": entry["member"]}
            found.append({**record, "stops": stops if entry["when_used_up"] == "drop" and entry["used_up"] else []})
    return found


def stopped(probe: Section, usage: Iterable[Section]) -> bool:
    """Whether a quota that is used up explains that a probe was not answered."""
    return any(_stops(entry, probe) for entry in usage)


def judge_usage(result: Result) -> Iterator[Finding]:
    """One finding for every quota that is used up."""
    for entry in result.usage:
        if not entry["used_up"]:
            continue
        whose = entry["member"] or entry["address"] or "all members"
        subject = f"{entry['vpn']}: quota of {whose} at {entry['edge']}"
        expected = f"less than {amount(entry['octets'])} per {entry['period']}"
        seen = f"{amount(entry['used'])} since {entry['begun']} UTC, used up until {entry['until']}"
        look = f"policy.quota of {entry['vpn']}: create_vpn with a larger one takes effect at once; or wait"
        if entry["when_used_up"] == "report":
            yield Finding(WARNING, subject, expected, f"{seen}, and reported only", look)
            continue
        probes = [probe for probe in [*result.pairs, *result.edges] if _stops(entry, probe)]
        dead = [f"{probe['src']} -> {probe['dst']}" for probe in probes if probe["probed"] and not probe["reachable"]]
        lost = f": {len(dead)} probes unanswered: {few(dead)}" if dead else ""
        yield Finding(ERROR, subject, expected, f"{seen}, dropped by {entry['edge']}{lost}", look)


def usage_lines(entries: Sequence[Section]) -> Iterator[str]:
    """What is used of a VPN's quotas, for the table: by all members of a site, and by those that used most."""
    for edge in sorted({entry["edge"] for entry in entries}):
        here = [entry for entry in entries if entry["edge"] == edge]
        whole = [_share(entry, "all") for entry in here if not entry["address"]]
        members = sorted((entry for entry in here if entry["address"]), key=lambda entry: -entry["used"])
        yield f"quota:   {edge}: " + few([*whole, *(_share(entry, entry["member"]) for entry in members)])


def amount(octets: int) -> str:
    """An amount of data for people: 1.5 GB."""
    value = float(octets)
    for unit in ("B", "KB", "MB", "GB"):
        if value < 1000:
            return f"{value:.3g} {unit}"
        value /= 1000
    return f"{value:.4g} TB"


def _share(entry: Section, whose: str | None) -> str:
    up = " USED UP" if entry["used_up"] else ""
    return f"{whose or entry['address']} {amount(entry['used'])} of {amount(entry['octets'])} per {entry['period']}{up}"


def _names(plan: Plan, edge: str, vpn: str) -> dict[str, str]:
    """Address -> name of a VPN's members at an edge. Two organizations may have a VPN of that name, but not an edge."""
    return {
        member["address"].partition("/")[0]: member["name"]
        for entry in plan["vpns"]
        if entry["name"] == vpn
        for member in entry["members"]
        if member["site"] == edge
    }


def _stops(entry: Section, probe: Section) -> bool:
    """Whether a quota is in a probe's way: between the members of a site nothing is counted."""
    sites = probe.get("sites")
    across = not sites or sites[0] != sites[1]
    return across and entry["vpn"] == probe["vpn"] and bool({probe["src"], probe["dst"]} & set(entry["stops"]))
