# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""VERIFY: does every edge's certificate name the addresses behind it, and only these, and do the edges heed that?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .._base.address_blocks import beyond, canonical, shared
from .._plan.compile.certified import certified
from .finding import ERROR, WARNING, Finding

Section = Mapping[str, Any]
RENEW = "run create_vpn: it has a certificate with all of them signed"
RESTART = "when its tunnels may be down for some seconds: systemctl restart strongswan on the edge"


def judge_certified(documents: Mapping[str, Section], observed: Mapping[str, Section]) -> Iterator[Finding]:
    """What peers refuse, or could not refuse, of edges that were observed and have a certificate."""
    facts = {
        node: state["certificate"]
        for node, state in sorted(observed.items())
        if node in documents and (state.get("certificate") or {}).get("present")
    }
    behind = {node: certified(document) for node, document in documents.items() if document.get("tunnels")}
    for node, found in facts.items():
        if not _readable(found.get("addresses")):  # one edge in the wrong hands does not keep the others unjudged
            expected, seen = "the addresses behind the edge in it", "what it says cannot be read"
            yield Finding(ERROR, f"certificate of {node}", expected, seen, RENEW)
            continue
        yield from _lacking(f"certificate of {node}", behind.get(node, []), found)
        if found.get("certifies") and found.get("checked") is False:
            seen = "its strongSwan was started before it knew of them"
            yield Finding(WARNING, node, "held peers to the addresses in their certificates", seen, RESTART)
        named = found.get("addresses") or []
        if not beyond(named, behind.get(node, [])):
            continue  # of nearly all
        organization = documents[node].get("organization")
        for other, own in behind.items():
            if other != node and documents[other].get("organization") == organization:
                yield from _too_much(node, behind.get(node, []), named, other, own)


def _readable(addresses: object) -> bool:
    if not isinstance(addresses, list):
        return addresses is None
    try:
        canonical(map(str, addresses))
    except ValueError:
        return False
    return all(isinstance(one, str) for one in addresses)


def _lacking(subject: str, wanted: list[str], found: Section) -> Iterator[Finding]:
    if found.get("addresses") is None:
        if found.get("certifies"):
            seen = "it names none, and edges refuse it when they authenticate next"
            yield Finding(ERROR, subject, "the addresses behind the edge in it", seen, RENEW)
        return
    missing = beyond(wanted, found["addresses"])
    if missing:
        seen = f"it does not name {', '.join(missing)}: peers refuse these"
        yield Finding(ERROR, subject, "the addresses behind the edge in it", seen, RENEW)


def _too_much(node: str, wanted: list[str], named: list[str], other: str, own: list[str]) -> Iterator[Finding]:
    """Addresses of another edge that a certificate names from before, as of a block that has moved."""
    rest = beyond(shared(named, own), wanted)
    if rest:
        yield Finding(
            WARNING,
            f"certificate of {node}",
            "only addresses behind the edge in it",
            f"it also names {', '.join(rest)}, behind {other} now",
            f"run revoke_certificate -e vcc_revoke={node}, then create_vpn: the edge gets a new key and certificate",
        )
