# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PAGE: the tunnels between sites, and what was seen of their links."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

Section = Mapping[str, Any]
UP, PART, DOWN, UNKNOWN = "up", "part", "down", "unknown"
_STATES = {"INSTALLED": UP, "UNKNOWN": UNKNOWN}


def tunnels(documents: Mapping[str, Section], links: Iterable[Section]) -> list[dict[str, Any]]:
    """Every tunnel of the documents, with the state of its links. ``links``: as `status` has them.

    The state of a tunnel: `up` (all links), `part` (some), `down` (none), `unknown` (an end did not answer).
    """
    seen: dict[str, list[Section]] = {}
    for link in links:
        seen.setdefault(str(link["tunnel"]), []).append(link)
    found: dict[str, dict[str, Any]] = {}
    for site, tunnel in _planned(documents):
        name = str(tunnel["name"])
        found.setdefault(
            name,
            {
                "name": name,
                "ends": sorted((site, str(tunnel["peer"]))),
                "kind": str(tunnel.get("kind", "ipsec")),
                "external": bool(tunnel.get("external")),
                "vpns": sorted({str(link["vpn"]) for link in tunnel["links"]}),
                "links": [_link(link) for link in seen.get(name, ())],
            },
        )
    return [{**found[name], "state": _state(found[name]["links"])} for name in sorted(found)]


def _planned(documents: Mapping[str, Section]) -> Iterator[tuple[str, Section]]:
    for node in sorted(documents):
        for tunnel in documents[node].get("tunnels") or ():
            yield node, tunnel


def _state(links: Iterable[Section]) -> str:
    states = {link["state"] for link in links}
    if states <= {UP}:
        return UP if states else UNKNOWN
    if UP in states:
        return PART
    return DOWN if DOWN in states else UNKNOWN


def _link(link: Section) -> dict[str, Any]:
    """What people look at of a link's record, without SPIs and without what daemons logged: findings say why."""
    algorithms = link.get("algorithms") or {}
    seconds = [value for value in (link.get("installed_seconds") or {}).values() if value is not None]
    return {
        "vpn": str(link["vpn"]),
        **({"link": str(link["link"])} if link.get("link") else {}),
        "state": _STATES.get(str(link["state"]), DOWN),
        "said": str(link["state"]),
        "sent": {str(node): int(end.get("out") or 0) for node, end in (link.get("bytes") or {}).items() if end},
        "algorithms": [str(algorithms[key]) for key in ("ike", "esp") if algorithms.get(key)],
        "seconds": min(seconds) if seconds else None,
        "mtu": link.get("mtu"),
    }
