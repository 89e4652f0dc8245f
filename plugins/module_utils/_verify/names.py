# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""VERIFY: who asks for names. A member of every site asks its edge; a non-member asks it in vain."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from .finding import ERROR, Finding
from .ways import Documents, edge_address

Section = Mapping[str, Any]


def from_members(vpn: Section, askers: Iterable[Section], documents: Documents) -> Iterator[tuple[Section, Section]]:
    """Members, each with what it asks: `address` of the server, `dst`, `query` and `found`, the right answer.

    Whom a member asks for is at another site, if there is one.
    """
    for member in askers if vpn.get("domain") else ():
        server = edge_address(documents, vpn["name"], member["site"])
        others = [other for other in vpn["members"] if other["name"] != member["name"]]
        if server and others:
            yield (
                member,
                _question(vpn, server, min(others, key=lambda one: (one["site"] == member["site"], one["name"]))),
            )


def from_stranger(vpn: Section, vm: Section, documents: Documents) -> Iterator[Section]:
    """What a VM that is not a member asks the edge of its site."""
    server = edge_address(documents, vpn["name"], vm["site"]) if vpn.get("domain") else None
    if server:
        yield _question(vpn, server, min(vpn["members"], key=lambda one: str(one["name"])))


def judge_names(names: Iterable[Section]) -> Iterator[Finding]:
    """One finding per question without the right answer."""
    for probe in names:
        if probe["probed"] and not probe["reachable"]:
            unit = f"intercloud-vpn-names@{probe['vpn']}"
            yield Finding(
                ERROR,
                f"{probe['vpn']}: {probe['src']}",
                f"{probe['address']} has an address for {probe['query']}",
                str(probe["reason"] or "no answer"),
                f"systemctl status {unit}; journalctl -u {unit} on {probe['edge']}",
            )


def _question(vpn: Section, server: str, other: Section) -> Section:
    address = str(other["address"]).partition("/")[0]
    return {
        "address": server,
        "dst": other["name"],
        "query": f"{str(other['name']).lower()}.{vpn['domain']}",
        "found": address,
    }
