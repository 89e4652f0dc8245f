# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The names of hosts in what the ledger keeps: which ones a stored intent has, and the same with another name."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

BY_NAME = ("members", "ports")
"""The parts of a stored intent that have names of VMs as keys."""
ENDS = ("from", "to")
"""The parts of a rule of its ``allow`` that are lists of such names."""
PLACES = ("vcc_vapp", "vcc_edge")
"""The facts of a host that name the vApp edge, and the org edge, that it is behind."""


def edges_in(intent: Mapping[str, Any]) -> set[str]:
    """The org edges that a stored intent names itself. Others are those of its members."""
    topology, destinations = intent["topology"], intent.get("destinations") or {}
    return {
        *topology.get("hubs", ()),
        *topology.get("order", ()),
        *(site for pair in topology.get("parents", {}).items() for site in pair),
        *(site for pair in topology.get("links", ()) for site in pair),
        *(intent.get("stretch") or {}).get("sites", ()),
        *(one["behind"] for kind in destinations.values() for one in kind),
        *_by_site(intent),
    }


def vapps_in(intent: Mapping[str, Any]) -> set[str]:
    """The vApp edges that a stored intent names itself: those of a network that it stretches."""
    return {*(intent.get("stretch") or {}).get("vapps", {}).values()}


def renamed_in(intent: Mapping[str, Any], old: str, new: str) -> dict[str, Any]:
    """A stored intent in which a host has another name. What is sorted stays so."""
    parts: dict[str, Any] = {part: _renamed(intent[part], old, new) for part in BY_NAME if part in intent}
    parts["topology"] = _in_topology(intent["topology"], old, new)
    if intent.get("stretch"):
        parts["stretch"] = _in_stretch(intent["stretch"], old, new)
    if intent.get("allow"):
        parts["allow"] = [_in_rule(rule, old, new) for rule in intent["allow"]]
    if intent.get("destinations"):
        parts["destinations"] = {
            kind: [{**one, "behind": new if one["behind"] == old else one["behind"]} for one in several]
            for kind, several in intent["destinations"].items()
        }
    if intent.get("outside"):
        parts["outside"] = _in_outside(intent, old, new)
    return {**intent, **parts}


def _each(names: Collection[str], old: str, new: str) -> list[str]:
    return [new if name == old else name for name in names]


def _renamed(named: Mapping[str, Any], old: str, new: str) -> dict[str, Any]:
    return {new if name == old else name: value for name, value in named.items()}


def _in_topology(topology: Mapping[str, Any], old: str, new: str) -> dict[str, Any]:
    found = dict(topology)
    if "hubs" in found:
        found["hubs"] = sorted(_each(found["hubs"], old, new))
    if "order" in found:
        found["order"] = _each(found["order"], old, new)
    if "parents" in found:
        named = [_each(pair, old, new) for pair in found["parents"].items()]
        found["parents"] = {pair[0]: pair[1] for pair in sorted(named)}
    if "links" in found:
        found["links"] = sorted(sorted(_each(pair, old, new)) for pair in found["links"])
    return found


def _in_stretch(stretch: Mapping[str, Any], old: str, new: str) -> dict[str, Any]:
    found = {key: sorted(_each(stretch[key], old, new)) for key in ("sites", "members")}
    named = [_each(pair, old, new) for pair in stretch.get("vapps", {}).items()]
    return {**found, **({"vapps": {pair[0]: pair[1] for pair in sorted(named)}} if named else {})}


def _in_rule(rule: Mapping[str, Any], old: str, new: str) -> dict[str, Any]:
    return {**rule, **{end: sorted(_each(rule[end], old, new)) for end in ENDS}}


def _by_site(intent: Mapping[str, Any]) -> Mapping[str, Any]:
    """What members at some sites are seen with outside."""
    source = (intent.get("outside") or {}).get("source")
    return source if isinstance(source, Mapping) else {}


def _in_outside(intent: Mapping[str, Any], old: str, new: str) -> dict[str, Any]:
    outside, by_site = intent["outside"], _by_site(intent)
    publish = [{**one, "member": new if one["member"] == old else one["member"]} for one in outside.get("publish", ())]
    return {
        **outside,
        **({"source": dict(sorted(_renamed(by_site, old, new).items()))} if by_site else {}),
        **({"members": sorted(_each(outside["members"], old, new))} if "members" in outside else {}),
        **({"publish": publish} if publish else {}),
    }
