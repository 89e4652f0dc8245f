# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PAGE: all that the page shows, as one document of plain data (docs/report.md).

Every part is picked by name out of what it is made of, so that nothing secret comes along with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .._base.problems import Problems
from .._intent.policy import quota, rate
from .._intent.policy.catalog import CATALOG
from .._intent.policy.policy import resolve_policy
from .._intent.topology.kinds import KINDS as TOPOLOGIES
from .._intent.tunnel import KINDS as TUNNELS
from .._status.agreed import agreements
from .._status.history import told
from .places import Hosts, places
from .reach import reach, refused
from .tunnels import tunnels

Section = Mapping[str, Any]
FORMAT = 1
_FINDING = ("severity", "subject", "expected", "seen", "look")
_USAGE = ("vpn", "edge", "member", "address", "octets", "period", "used", "used_up", "until", "when_used_up")
_POOL = ("organization", "pool", "prefix", "size", "vpns", "used")
_NODE = ("generation", "runs", "unconfirmed", "certificate_days", "certificate_left")


@dataclass(frozen=True)
class Known:
    """What a page is made of.

    ``hosts``: the inventory, as `read_inventory` has it. ``plan``, ``documents``: the plan's summary and documents.
    ``status``: see `_status.status`. ``verified``: the result that verify wrote, None where there is none.
    ``events``: see `events_of`. ``pools``, ``policies``: those of the inventory. ``organizations``: those of the run.
    ``run``: how the run was started: ``inventories`` (paths), and ``awx_url`` where that is given. ``held``: see
    `holdings`.
    """

    hosts: Hosts
    plan: Section
    documents: Mapping[str, Section]
    status: Section
    verified: Section | None = None
    events: Sequence[Section] = ()
    pools: Section = field(default_factory=dict)
    policies: Section = field(default_factory=dict)
    organizations: Sequence[str] = ()
    run: Section = field(default_factory=dict)
    held: Section = field(default_factory=dict)


def model(known: Known) -> dict[str, Any]:
    """The page's document."""
    status, plan = known.status, known.plan
    found = places(known.hosts, plan, known.organizations)
    nodes = {str(node["node"]): node for node in status["nodes"]}
    for kind in ("sites", "vapps", "vms"):
        for place in found[kind]:
            place.update(_state(nodes.get(place["name"])))
    verified = known.verified
    return {
        "format": FORMAT,
        "time": status["time"],
        "measured": (verified or {}).get("time"),
        "ok": bool(status["ok"]) and bool((verified or {}).get("ok", True)),
        "organizations": sorted({*status["generations"], *(site["organization"] for site in found["sites"])}),
        "generations": dict(status["generations"]),
        **found,
        "vpns": [*_vpns(known)],
        "tunnels": tunnels(known.documents, status["links"]),
        "reach": [
            {"organization": vpn["organization"], "vpn": vpn["name"], **reach(vpn, verified)}
            for vpn in plan["vpns"]
            if len(vpn["members"]) > 1
        ],
        "refused": [
            {"organization": vpn["organization"], "vpn": vpn["name"], **probe}
            for vpn in plan["vpns"]
            for probe in refused(vpn, verified)
        ],
        "usage": [_only(entry, _USAGE) for entry in status["usage"]],
        "pools": [_only(pool, _POOL) for pool in status["pools"]],
        "changes": [dict(change) for change in told(known.events)],
        "findings": _findings(status["findings"], (verified or {}).get("findings") or ()),
        "compose": _compose(known),
    }


def _only(section: Section, keys: Iterable[str]) -> dict[str, Any]:
    return {key: section[key] for key in keys if key in section}


def _state(node: Section | None) -> dict[str, Any]:
    """How a node is: `ok`, `differs` (from its document, or runs another generation), `silent`; none without one."""
    if node is None:
        return {}
    silent = node["runs"] is None
    same = node["runs"] == node["generation"] and not node["drift"] and not node["unconfirmed"]
    drift = sorted({str(change["subsystem"]) for change in node["drift"]})
    return {"state": "silent" if silent else "ok" if same else "differs", "drift": drift, **_only(node, _NODE)}


def _vpns(known: Known) -> Iterable[dict[str, Any]]:
    planned = {(str(vpn["organization"]), str(vpn["name"])): vpn for vpn in known.plan["vpns"]}
    for shown in known.status["vpns"]:
        vpn = planned.get((shown["organization"], shown["name"]))
        yield {
            **_only(shown, ("name", "organization", "number", "state", "topology", "tunnel")),
            **{key: _only(shown[key], ("up", "leased", "of")) for key in ("links", "addresses") if key in shown},
            "planned": vpn is not None,
            **(_planned(vpn) if vpn is not None else {}),
            **_only(_held(known, shown), ("agreed", "ppk")),
        }


def _held(known: Known, vpn: Section) -> Section:
    """What the ledger has of a VPN."""
    found: Section = known.held.get(vpn["organization"], {}).get("vpns", {}).get(vpn["name"], {})
    return found


def _planned(vpn: Section) -> dict[str, Any]:
    sites = sorted({*vpn.get("sites", {}), *(str(member["site"]) for member in vpn["members"])})
    destinations = vpn.get("destinations") or {}
    return {
        "pool": str(vpn.get("pool") or ""),
        "blocks": list(vpn["blocks"]),
        "sites": sites,
        "tunnels": list(vpn["tunnels"]),
        "members": [_only(member, ("name", "address", "mode", "ports", "external")) for member in vpn["members"]],
        "weak": list(vpn.get("single_points_of_failure") or ()),
        "rules": "allow" in vpn,
        "named": sorted(
            {*_texts(vpn.get("allow")), *_texts(vpn.get("outside"))} & {str(one["name"]) for one in vpn["members"]}
        ),
        "limits": [str(line) for line in vpn.get("limits") or ()],
        "destinations": [
            {
                "name": str(one.get("name") or one.get("network")),
                "behind": str(one["behind"]),
                **({"ports": [str(port) for port in one["ports"]]} if one.get("ports") is not None else {}),
            }
            for one in [*(destinations.get("servers") or ()), *(destinations.get("networks") or ())]
        ],
    }


def _findings(*lists: Iterable[Section]) -> list[dict[str, Any]]:
    """Status's, then those that only verify can know; what both say is there once."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for origin, findings in zip(("status", "verify"), lists):
        for finding in findings:
            key = (str(finding["subject"]), str(finding["expected"]))
            found.setdefault(key, {**_only(finding, _FINDING), "from": origin})
    return sorted(found.values(), key=lambda one: one["severity"] != "error")


def _compose(known: Known) -> dict[str, Any]:
    """What a new VPN can be made of."""
    taken: dict[str, list[str]] = {}
    for vpn in known.status["vpns"]:
        taken.setdefault(str(vpn["organization"]), []).append(str(vpn["name"]))
    own = known.policies if isinstance(known.policies, Mapping) else {}
    return {
        "pools": {str(name): str(prefix) for name, prefix in known.pools.items()},
        "policies": [_policy(name, own) for name in sorted({*CATALOG, *map(str, own)})],
        "topologies": list(TOPOLOGIES),
        "tunnels": {kind: {key: list(values) for key, values in options.items()} for kind, options in TUNNELS.items()},
        "rates": {
            "units": dict(rate.UNITS),
            "lowest": rate.LOWEST,
            "highest": rate.HIGHEST,
            "from": rate.rate_text(rate.LOWEST // 8),
            "to": rate.rate_text(rate.HIGHEST // 8),
        },
        "volumes": {
            "units": dict(quota.UNITS),
            "periods": list(quota.PERIODS),
            "lowest": quota.LOWEST,
            "highest": quota.HIGHEST,
            "from": quota.octets_text(quota.LOWEST),
            "to": quota.octets_text(quota.HIGHEST),
        },
        "taken": {organization: sorted(names) for organization, names in sorted(taken.items())},
        "inventories": [str(path) for path in known.run.get("inventories") or ()],
        "awx": known.run.get("awx_url") or None,
    }


def _policy(name: str, own: Section) -> dict[str, Any]:
    """What the page has to know of a policy: its name, whether it requires a PPK, its limits in words, and what VPNs
    that share a tunnel have to agree on."""
    policy = resolve_policy(name, own, "", Problems())
    if policy is None:  # plan_vpn says what is wrong with it
        return {"name": name, "ppk": False, "limits": [], "agreed": {}}
    ppk = policy.encryption.ppk == "required"
    return {"name": name, "ppk": ppk, "limits": policy.limits, "agreed": agreements(policy)}


def _texts(value: Any) -> Iterable[str]:
    """Every text in plain data."""
    if isinstance(value, Mapping):
        value = [*value.values()]
    if isinstance(value, (list, tuple)):
        return [text for one in value for text in _texts(one)]
    return [value] if isinstance(value, str) else []
