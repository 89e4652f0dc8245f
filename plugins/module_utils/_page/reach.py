# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PAGE: who may reach whom by the plan, and who did when verify probed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from .._verify.allowed import Allowed
from .._verify.which_pairs import ALL_UP_TO, by_site

Section = Mapping[str, Any]
Cell = dict[str, Any]
ALL, PORTS, REFUSED = "all", "ports", "refused"
UP, DOWN, LEAK = "up", "down", "leak"


def reach(vpn: Section, verified: Section | None) -> dict[str, Any]:
    """The matrix of a VPN: ``{"by", "names", "cells", "measured"}``; a cell is about row -> column, None of itself.

    By member, or by site where members are many. ``verified``: the result of verify, None where no run wrote one.
    A cell has `plan`: `all`, `ports` (only those in `ports`) or `refused`; and, where verify probed it, `seen`: `up`
    (with `ms`), `down` (with `why`), `refused`, or `leak` for what passed and must not.
    """
    members = sorted(vpn["members"], key=lambda one: str(one["name"]))
    names = {str(member["name"]) for member in members}
    seen = _Seen(vpn, names, verified or {})
    if len(members) > ALL_UP_TO:
        return _by_site(vpn, members, seen)
    allowed = Allowed(vpn)
    cells = [
        [None if src is dst else seen.on(_planned(allowed, src, dst), src["name"], dst["name"]) for dst in members]
        for src in members
    ]
    return {"by": "member", "names": [str(one["name"]) for one in members], "cells": cells, "measured": seen.measured}


def refused(vpn: Section, verified: Section | None) -> list[dict[str, Any]]:
    """What verify tried in vain, as it should be, or not: ``{"src", "dst", "kind", "ok"}``, each once."""
    names = {str(member["name"]) for member in vpn["members"]}
    sites = {*vpn.get("sites", {}), *(str(member["site"]) for member in vpn["members"])}
    found: dict[tuple[str, str, str], bool] = {}
    for probe in (verified or {}).get("negative") or ():
        if probe.get("vpn") != vpn["name"] or not probe.get("probed") or not probe.get("dst"):
            continue
        if probe["src"] not in names and probe["dst"] not in names | sites:
            continue
        key = (str(probe["src"]), str(probe["dst"]), str(probe["kind"]))
        found[key] = found.get(key, True) and bool(probe["ok"])
    return [{"src": src, "dst": dst, "kind": kind, "ok": ok} for (src, dst, kind), ok in sorted(found.items())]


def _planned(allowed: Allowed, src: Section, dst: Section) -> Cell:
    may = allowed.between(src, dst)
    if not may:
        return {"plan": REFUSED}
    ports = may.of(None if dst.get("ports") is None else tuple(dst["ports"]))
    if ports is None:
        return {"plan": ALL}
    return {"plan": PORTS, "ports": [*(["icmp"] if may.ping else []), *ports]}


class _Seen:
    """What verify found out of a VPN's pairs."""

    def __init__(self, vpn: Section, names: set[str], verified: Section) -> None:
        self.cells: dict[tuple[str, str], Cell] = {}
        name, organization = vpn["name"], vpn["organization"]
        totals = verified.get("totals") or ()
        self.measured = any((one["vpn"], one["organization"]) == (name, organization) for one in totals)
        for pair in _of(name, names, verified.get("pairs") or ()):
            if pair.get("probed"):
                self._put(pair, bool(pair["reachable"]))
        for probe in _of(name, names, verified.get("ports") or ()):
            if probe.get("probed") and (probe["src"], probe["dst"]) not in self.cells:
                self._put(probe, bool(probe["reachable"]))
        for probe in _of(name, names, verified.get("negative") or ()):
            if probe.get("probed") and probe.get("kind") == "forbidden":
                known = self.cells.setdefault((probe["src"], probe["dst"]), {"seen": REFUSED})
                if not probe["ok"]:
                    known.update(seen=LEAK, why="passed, and no rule allows it")

    def _put(self, probe: Section, up: bool) -> None:
        cell: Cell = {"seen": UP if up else DOWN}
        if up and probe.get("rtt_ms") is not None:
            cell["ms"] = round(float(probe["rtt_ms"]), 2)
        if not up and probe.get("reason"):
            cell["why"] = str(probe["reason"])
        if probe.get("mtu_ok") is False:
            cell["why"] = f"packets of {probe.get('mtu')} octets do not pass"
        if probe.get("via"):
            cell["via"] = [str(node) for node in probe["via"]]
        self.cells[probe["src"], probe["dst"]] = cell

    def on(self, cell: Cell, src: str, dst: str) -> Cell:
        """The cell with what was seen of it."""
        return {**cell, **self.cells.get((src, dst), {})}


def _of(vpn: str, names: set[str], probes: Iterable[Section]) -> Iterator[Section]:
    """Another organization may have a VPN of the same name; its VMs are others."""
    return (probe for probe in probes if probe.get("vpn") == vpn and {probe.get("src"), probe.get("dst")} <= names)


def _by_site(vpn: Section, members: Iterable[Section], seen: _Seen) -> dict[str, Any]:
    """Of a large VPN, verify's result names the pairs that failed: what is not among them answered."""
    at = by_site(list(members))
    site = {str(one["name"]): name for name, here in at.items() for one in here}
    lost: dict[tuple[str, str], int] = {}
    for (src, dst), cell in seen.cells.items():
        if cell["seen"] in (DOWN, LEAK):
            lost[site[src], site[dst]] = lost.get((site[src], site[dst]), 0) + 1
    limited = "allow" in vpn

    def between(src: str, dst: str) -> Cell | None:
        if src == dst and len(at[src]) < 2:
            return None
        found: Cell = {"plan": PORTS if limited else ALL}
        if seen.measured:
            count = lost.get((src, dst), 0)
            found.update({"seen": DOWN, "why": f"{count} probes failed"} if count else {"seen": UP})
        return found

    names = sorted(at)
    cells = [[between(src, dst) for dst in names] for src in names]
    return {
        "by": "site",
        "names": names,
        "counts": [len(at[name]) for name in names],
        "cells": cells,
        "measured": seen.measured,
    }
