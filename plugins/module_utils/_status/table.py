# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""STATUS: the status as text for people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from .._base.text_table import columns, wrapped
from .._verify.bgp import shown
from .._verify.table import findings_lines

Section = Mapping[str, Any]
MANY = {"vapp_edge": "vApp edges", "member": "members"}  # kinds of nodes that there may be thousands of
STATES = {
    "planned": "has not come up yet: create_vpn goes on with it",
    "deleting": "is being deleted: delete_vpn goes on with it",
}
NOTHING = "There are no VPNs."


def table(status: Section) -> str:
    """The status as lines that fit a terminal."""
    several = len({vpn["organization"] for vpn in status["vpns"]} | {*status["generations"]}) > 1
    parts = [
        _vpns(status["vpns"], several),
        _edges(status["nodes"]),
        _partners(status["links"]),
        _sessions(status["links"]),
        _others(status["nodes"]),
        _pools(status, several),
    ]
    lines = [line for part in map(list, parts) if part for line in [*part, ""]]
    silent = [node["node"] for node in status["nodes"] if node["runs"] is None]
    return "\n".join([*lines, *_findings(status["findings"], silent)])


def _vpns(vpns: Iterable[Section], several: bool) -> Iterator[str]:
    found = list(vpns)
    if not found:
        yield NOTHING
        return
    rows: list[list[str]] = []
    for vpn in found:
        name = f"{vpn['organization']}/{vpn['name']}" if several else vpn["name"]
        addresses = f"{vpn['addresses']['leased']} of {vpn['addresses']['of']}"
        if "links" not in vpn:
            rows.append([name, "-", "-", "-", "-", addresses, STATES.get(vpn["state"], str(vpn["state"]))])
            continue
        links = f"{vpn['links']['up']} of {vpn['links']['of']}" if vpn["links"]["of"] else "-"
        rows.append([name, vpn["topology"], vpn["tunnel"] or "-", str(vpn["members"]), links, addresses, _note(vpn)])
    yield from columns(["VPN", "topology", "tunnels", "members", "links up", "addresses", ""], rows)


def _note(vpn: Section) -> str:
    notes = []
    if vpn["links"]["up"] < vpn["links"]["of"]:
        notes.append("links are down")
    if vpn["used_up"]:
        notes.append(f"{vpn['used_up']} quotas are used up")
    return "; ".join(notes)


def _edges(nodes: Iterable[Section]) -> Iterator[str]:
    rows = [
        [node["node"], _runs(node), _drift(node), "-" if node["certificate_days"] is None else _ends(node)]
        for node in nodes
        if node["role"] == "org_edge"
    ]
    if rows:
        yield from columns(["org edge", "generation", "differs", "certificate ends in"], rows)


def _partners(links: Iterable[Section]) -> Iterator[str]:
    """The partners that are found by name, and where."""
    found = {link["tunnel"]: link["partner"] for link in links if link.get("partner")}
    rows = [
        [tunnel, one["name"], one["address"] or "none", one["since"] or "-"] for tunnel, one in sorted(found.items())
    ]
    if rows:
        yield from columns(["tunnel", "partner's name", "address in use", "since"], rows)


def _sessions(links: Iterable[Section]) -> Iterator[str]:
    """BGP with partners."""
    found = {link["tunnel"]: link["bgp"] for link in links if link.get("bgp")}
    rows = [[tunnel, *shown(one)] for tunnel, one in sorted(found.items())]
    if rows:
        yield from columns(["tunnel", "BGP", "BFD", "carries", "prefixes heard", "not heard", "refused"], rows)


def _ends(node: Section) -> str:
    days = node["certificate_days"]
    return "expired" if days < 0 else "1 day" if days == 1 else f"{days} days"


def _runs(node: Section) -> str:
    if node["runs"] is None:
        return "no answer"
    if node["unconfirmed"]:
        return f"{node['runs']}, unconfirmed"
    return str(node["runs"]) if node["runs"] == node["generation"] else f"{node['runs']}, not {node['generation']}"


def _drift(node: Section) -> str:
    if node["runs"] is None:
        return "?"
    return ", ".join(sorted({change["subsystem"] for change in node["drift"]})) or "nothing"


def _others(nodes: Iterable[Section]) -> Iterator[str]:
    """The other kinds of nodes in a line each."""
    found = list(nodes)
    for role, kind in MANY.items():
        here = [node for node in found if node["role"] == role]
        good = [node for node in here if node["runs"] == node["generation"] and not node["drift"]]
        if here:
            bad = ", ".join(node["node"] for node in here if node not in good)
            rest = f"; not: {bad}" if bad else ""
            yield from wrapped(f"{kind}:".ljust(12), f"{len(good)} of {len(here)} run their generation{rest}")


def _pools(status: Section, several: bool) -> Iterator[str]:
    rows = []
    for pool in status["pools"]:
        name = f"{pool['organization']}/{pool['pool']}" if several else pool["pool"]
        size = pool.get("size")
        share = "-" if size is None else _share(pool["used"], size)
        rows.append([name, pool.get("prefix", "not in vcc_pools"), str(pool["vpns"]), str(pool["used"]), share])
    if rows:
        yield from columns(["pool", "range", "VPNs", "addresses in blocks", "of the pool"], rows)


def _share(used: int, size: int) -> str:
    percent = 100 * used / size
    return "0 %" if not used else "less than 0.1 %" if percent < 0.1 else f"{percent:.1f} %"


def _findings(findings: list[Section], silent: list[str]) -> Iterator[str]:
    if not findings and silent:
        yield from wrapped("", f"No answer from {', '.join(silent)}. Nothing else differs from the plan.")
        return
    if not findings:
        yield "Nodes and ledger agree with the plan. Whether packets pass: verify_vpn."
        return
    yield from findings_lines(findings)
