# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""STATUS: how VPNs are, by what nodes and the ledger say. Whether packets pass is for verify to prove."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from .._verify.certificates import FORMAT, Trust
from .._verify.finding import Result
from .._verify.probes import Plan
from .._verify.records import by_vpn
from .._verify.verify import APPLIED, absent, judge_without_probes
from .._verify.ways import Documents

Section = Mapping[str, Any]
UP = "INSTALLED"


def status(
    plan: Plan,
    documents: Documents,
    observed: Mapping[str, Section],
    held: Mapping[str, Section],
    now: datetime,
    trust: Trust | None = None,
    asked: Collection[str] | None = None,
) -> dict[str, Any]:
    """The status as plain data (docs/status.md).

    ``observed``: node -> what M(intercloud.vpn.node_info) returned. ``held``: see `holdings`. ``asked``: the hosts
    of this run (None: all); what is silent beside them is a warning. ``now``: UTC.
    """
    result = judge_without_probes(plan, documents, observed, asked, trust)
    return {
        "ok": result.ok,
        "time": now.strftime(FORMAT),
        "vpns": [*_planned(result, plan, documents, held), *_others(plan, held)],
        "nodes": [*_nodes(documents, observed, now)],
        "pools": [{"organization": org, **pool} for org, known in sorted(held.items()) for pool in known["pools"]],
        "generations": {org: known["generation"] for org, known in sorted(held.items())},
        "links": result.links,
        "usage": result.usage,
        "findings": [asdict(finding) for finding in result.findings],
    }


def _planned(result: Result, plan: Plan, documents: Documents, held: Mapping[str, Section]) -> Iterator[dict[str, Any]]:
    """The VPNs that are planned, which those are that came up."""
    for vpn, records in by_vpn(result, plan):
        known = (held.get(vpn["organization"]) or {}).get("vpns", {}).get(vpn["name"], {})
        yield {
            "name": vpn["name"],
            "organization": vpn["organization"],
            "number": vpn["number"],
            "state": known.get("state", ""),
            "topology": vpn.get("topology", ""),
            "tunnel": _kind(vpn, documents),
            "members": len(vpn["members"]),
            "sites": sorted(vpn.get("sites", {})),
            "links": {"up": sum(link["state"] == UP for link in records.links), "of": len(records.links)},
            "addresses": {"leased": known.get("leased", 0), "of": known.get("of", 0)},
            "used_up": sum(bool(entry["used_up"]) for entry in records.usage),
        }


def _others(plan: Plan, held: Mapping[str, Section]) -> Iterator[dict[str, Any]]:
    """The VPNs that the ledger knows, and that are in no plan: they never came up, or are being deleted."""
    there = {(vpn["organization"], vpn["name"]) for vpn in plan["vpns"]}
    for org, known in sorted(held.items()):
        for name, vpn in sorted(known["vpns"].items()):
            if (org, name) not in there:
                yield {
                    "name": name,
                    "organization": org,
                    "number": vpn["number"],
                    "state": vpn["state"],
                    "addresses": {"leased": vpn["leased"], "of": vpn["of"]},
                }


def _kind(vpn: Section, documents: Documents) -> str:
    """How its tunnels are made; empty for one at a single site."""
    kinds = {
        str(tunnel.get("kind", "ipsec"))
        for site in vpn.get("sites", {})
        if site in documents
        for tunnel in documents[site].get("tunnels", [])
        if tunnel["name"] in vpn["tunnels"]
    }
    return "/".join(sorted(kinds))


def _nodes(documents: Documents, observed: Mapping[str, Section], now: datetime) -> Iterator[dict[str, Any]]:
    """The nodes that something is applied to: which generation they are to run, and run."""
    for node, document in sorted(documents.items()):
        if document.get("role") not in APPLIED:
            continue
        seen = observed.get(node) or {}
        silent = absent(observed.get(node))
        yield {
            "node": node,
            "role": document["role"],
            "organization": str(document.get("organization") or ""),
            "generation": document["generation"],
            "runs": None if silent else int(seen.get("generation") or 0),
            "drift": [] if silent else list(seen.get("drift") or []),
            "unconfirmed": bool(not silent and seen.get("unconfirmed")),
            "certificate_days": None if silent else _days(seen.get("certificate"), now),
            "certificate_left": None if silent else _left(seen.get("certificate"), now),
        }


def _days(certificate: Section | None, now: datetime) -> int | None:
    """Whole days until a certificate ends; None where there is none."""
    ends = (certificate or {}).get("not_after")
    if not ends:
        return None
    return (datetime.strptime(str(ends), FORMAT).replace(tzinfo=now.tzinfo) - now).days


def _left(certificate: Section | None, now: datetime) -> float | None:
    """The share of a certificate's lifetime that is left, from 0 to 1; None where there is none."""
    said = [str((certificate or {}).get(name) or "") for name in ("not_before", "not_after")]
    if not all(said):
        return None
    begin, end = (datetime.strptime(text, FORMAT).replace(tzinfo=now.tzinfo) for text in said)
    return round(min(1.0, max(0.0, (end - now) / (end - begin))), 3) if begin < end else 0.0
