# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""VERIFY: BGP with partners. Planned: the prefixes behind the partner. Seen: what our edge has heard."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .finding import ERROR, WARNING, Finding, few

Section = Mapping[str, Any]
UP = "Established"


def session(name: str, ends: Mapping[str, Section], observed: Mapping[str, Section]) -> dict[str, Any]:
    """What our end says of a tunnel's session, see node_info; empty without one, or where it was not seen."""
    for node, end in ends.items():
        for one in (observed.get(node) or {}).get("bgp") or [] if end.get("bgp") else []:
            if one["tunnel"] == name:
                return {key: value for key, value in one.items() if key not in ("tunnel", "vpn")}
    return {}


def judge_session(name: str, ends: Mapping[str, Section], observed: Mapping[str, Section]) -> Iterator[Finding]:
    """A session that is down, prefixes that are missing, and prefixes that were refused."""
    found = session(name, ends, observed)
    if not found:
        return
    (node,) = (node for node, end in ends.items() if end.get("bgp"))
    subject, partner = f"tunnel {name}", ends[node]["peer"]
    shows = f"ansible-playbook intercloud.vpn.external_settings -e vcc_external_edge={partner}"
    if found["state"] != UP:
        said = f" ({found['error']})" if found.get("error") else ""
        look = f"journalctl -u intercloud-vpn-bgp -n 50 on {node}; whether {partner} has what this shows: {shows}"
        twin = session(str(ends[node]["bgp"].get("twin")), ends, observed)
        takes = f"take the other tunnel, to {twin['peer']}" if twin.get("carries") else "are refused"
        seen = f"{node}: {found['state']}{said}; packets to {partner} {takes}"
        yield Finding(ERROR, subject, f"the BGP session with {found['peer']} is {UP}", seen, look)
        return
    if found["missing"]:
        seen = f"{node}: not heard: {few(found['missing'])}; packets to these are refused"
        look = f"what {partner} announces; this shows what it has to: {shows}"
        yield Finding(ERROR, subject, f"{partner} announces all prefixes behind it", seen, look)
    if found["refused_count"]:
        count = found["refused_count"]
        seen = f"{node}: {count} refused: {few(found['refused'])}"
        look = f"members do not reach these; if they are to, name them in destinations.networks with behind: {partner}"
        yield Finding(WARNING, subject, f"{partner} announces nothing else", seen, look)
    if found.get("bfd", "Up") != "Up":
        seen = f"{node}: BFD is {found['bfd']}; a path that fails is noticed when the hold time ends"
        look = f"whether {partner} has BFD (RFC 5881) for {found['peer']}, or set vcc_bgp.bfd: false"
        yield Finding(WARNING, subject, f"BFD with {found['peer']} is Up", seen, look)


def shown(found: Section) -> list[str]:
    """The session in columns: state, BFD, whether it carries, prefixes heard, those missing, and those refused."""
    return [
        str(found["state"]),
        str(found.get("bfd", "-")),
        "yes" if found.get("carries") else "no",
        str(len(found.get("accepted", []))),
        few(found.get("missing", [])) or "-",
        few(found.get("refused", [])) or "-",
    ]
