# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""VERIFY: could the other edge of a pair take over now, and do all peers agree which of the two is in use?

That the tunnels of both are up is for links.py to find.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .finding import ERROR, WARNING, Finding

Section = Mapping[str, Any]
UNIT, VRRP = "intercloud-vpn-lanes", "intercloud-vpn-vrrp"


def judge_lanes(documents: Mapping[str, Section], observed: Mapping[str, Section]) -> Iterator[Finding]:
    """What edges say of pairs, their own or others'. Edges that were not observed are skipped."""
    masters: dict[str, dict[str, bool]] = {}
    for node, document in sorted(documents.items()):
        greeting = [tunnel for tunnel in document.get("tunnels", []) if tunnel.get("hello")]
        if not greeting or node not in observed:
            continue
        lanes = observed[node].get("lanes") or {}
        if not lanes:
            seen = "it does not run: the edge does not know which edges of pairs are in use"
            yield Finding(ERROR, node, f"{UNIT} runs", seen, f"systemctl status {UNIT} on {node}")
            continue
        pair = document.get("pair")
        if pair:
            masters.setdefault(str(pair["site"]), {})[node] = bool(lanes.get("master"))
        yield from _unheard(node, greeting, lanes.get("sites") or {})
    for site, found in masters.items():
        yield from _judge_masters(site, documents, found)


def _unheard(node: str, greeting: list[Section], sites: Section) -> Iterator[Finding]:
    """The edges of other sites that a node does not hear, and so does not send to when the other edge fails."""
    for tunnel in greeting:
        noted = sites.get(tunnel.get("site", tunnel["peer"]))
        if noted is None or tunnel.get("lane", 0) in (noted.get("alive") or ()):
            continue
        look = f"journalctl -u {UNIT} on {node} and {tunnel['peer']}; UDP 14790 in the tunnel"
        yield Finding(WARNING, f"tunnel {tunnel['name']}", f"{node} hears {tunnel['peer']} over it", "nothing", look)


def _judge_masters(site: str, documents: Mapping[str, Section], found: Mapping[str, bool]) -> Iterator[Finding]:
    edges = {node for node, document in documents.items() if (document.get("pair") or {}).get("site") == site}
    if edges != {*found} or len(found) < 2:  # one that did not answer may be the master
        return
    masters = [edge for edge, master in found.items() if master]
    if len(masters) == 1:
        return
    gateway = " and ".join(documents[site]["pair"]["gateway"])
    names = " and ".join(sorted(found))
    seen = f"both of {names} have it: they do not hear each other" if masters else f"neither of {names} has it"
    look = f"systemctl status {VRRP} on both; IP protocol 112 between their own addresses (vcc_own_org_address)"
    yield Finding(WARNING if masters else ERROR, f"site {site}", f"one edge has {gateway}", seen, look)
