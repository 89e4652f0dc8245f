# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""VERIFY: the result as JSON for machines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from .finding import Result
from .probes import Plan
from .records import Records, by_vpn, failed
from .ways import bare

Section = Mapping[str, Any]


def result_json(result: Result, plan: Plan, time: str | None = None) -> dict[str, Any]:
    """The result as plain data. `time` (ISO 8601) is when it was taken.

    Of a VPN whose pairs are all probed it has a record for each; of others only of probes that failed.
    """
    of = list(by_vpn(result, plan))
    listed = [records if result.choice.whole(vpn) else failed(records) for vpn, records in of]
    return {
        "ok": result.ok,
        "time": time,
        "totals": [_totals(vpn, records) for vpn, records in of],
        "vpns": [
            {
                "name": vpn["name"],
                "number": vpn["number"],
                "organization": vpn["organization"],
                "blocks": list(vpn["blocks"]),
                "tunnels": list(vpn["tunnels"]),
                "single_points_of_failure": list(vpn.get("single_points_of_failure", [])),
                "members": [{**member, "address": bare(member["address"])} for member in vpn["members"]],
            }
            for vpn in plan["vpns"]
        ],
        "pairs": _all(pair for records in listed for pair in records.pairs),
        "edges": _all(edge for records in listed for edge in records.edges),
        "ports": _all(probe for records in listed for probe in records.ports),
        "names": _all(probe for records in listed for probe in records.names),
        "links": result.links,
        "usage": _all(result.usage),
        "negative": _all(probe for records in listed for probe in records.negative),
        "findings": [asdict(finding) for finding in result.findings],
    }


def _totals(vpn: Section, records: Records) -> dict[str, Any]:
    """What was probed of a VPN and what came of it. ``of``: the ordered pairs that there are."""
    count = len(vpn["members"])
    return {
        "vpn": vpn["name"],
        "organization": vpn["organization"],
        "pairs": {"of": count * (count - 1), **_counted(records.pairs)},
        "edges": _counted(records.edges),
        "ports": _counted(records.ports),
        **({"names": _counted(records.names)} if records.names else {}),
        "negative": {"probed": len(records.negative), "unanswered": sum(probe["ok"] for probe in records.negative)},
    }


def _counted(probes: Iterable[Section]) -> dict[str, int]:
    sent = [probe for probe in probes if probe["probed"]]
    return {"probed": len(sent), "answered": sum(probe["reachable"] for probe in sent)}


def _all(records: Iterable[Section]) -> list[dict[str, Any]]:
    """Without what only the judgement needs."""
    return [{key: value for key, value in record.items() if key not in _INTERNAL} for record in records]


_INTERNAL = ("silent", "sites", "stops", "over")
