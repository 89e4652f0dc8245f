# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PLAN: where a member moves to another site, it is there before the way to its old place goes.

The member gets its address first. Then all org edges get the link to the new place. The old org edge still delivers to
the old machine. It gives the address away when that link is up. So one of the two machines answers all the time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from .._node.document import is_for_moved
from .compile.documents import Document
from .compile.reqids import link_name
from .moves import Move, places

if TYPE_CHECKING:
    from .._ledger.records import DocumentRecord
    from .losing import Guards
    from .organization import OrganizationPlan
    from .outcome import Plan


def arriving(tenant: OrganizationPlan, plan: Plan, guards: Guards) -> set[str]:
    """The moved members, and the vApp edges of their new places, that may have all of their documents at once.

    Their org edges guard every VPN of theirs already: what they send too early is refused there.
    """
    if tenant.coming:  # members are told of no VPN that is not up
        return set()
    return {
        node for node in _newcomers(tenant.moves) & {*plan.concerned} & {*tenant.places} if not guards.lacking_of(node)
    }


def staying(tenant: OrganizationPlan, plan: Plan, guards: Guards) -> set[str]:
    """The vApp edges of old places, whose org edges go on guarding all that they did: no org edge waits for them.

    They let the old machine answer until the new one does, also where it was the last of a VPN behind them.
    """
    found: dict[str, set[str]] = {}
    for move in tenant.moves:
        edge, *vapps = places(move.old_key)
        found.setdefault(edge, set()).update(vapps)
    known = {edge for edge in found if edge in plan.documents and edge in tenant.records} - tenant.behind()
    kept = {edge for edge in known if guards.blocks(tenant.records[edge]) <= guards.blocks(plan.documents.record(edge))}
    return {vapp for edge in kept for vapp in found[edge] if tenant.homes.get(vapp) == {edge}} - tenant.moved_nodes()


def note_yielding(tenant: OrganizationPlan, plan: Plan, guards: Guards) -> None:
    """Add to the plan the org edges that give members away, each with all that has to be told before, and what it is
    told first itself.

    An edge that is told anything else as well gets all of it at once: what others are told next relies on that.
    """
    left: dict[str, list[Move]] = {}
    for move in tenant.moves:
        edge = places(move.old_key)[0]
        if edge != places(move.new_key)[0]:
            left.setdefault(edge, []).append(move)
    for edge in sorted({*left} & {*plan.concerned} & {*tenant.records} - tenant.behind()):
        if plan.documents.record(edge).node != edge or guards.lacking(edge):
            continue
        if tenant.altered & (_vpns(tenant.records[edge]) | _vpns(plan.documents.record(edge))):
            continue
        new = {places(move.new_key)[0] for move in left[edge]}
        first = _ahead(tenant.records[edge].document, plan.documents[edge])
        if first is not None and not any(map(guards.lacking, new)):
            plan.yielding[edge] = sorted(new | (_newcomers(left[edge]) & {*plan.losing}))
            plan.losing_documents.update({edge: first} if first else {})
    for edge in {*plan.yielding} & {*tenant.records}:
        plan.yielding[edge] = sorted(_awaited(edge, plan.yielding) - {edge})


def _awaited(edge: str, yielding: Mapping[str, list[str]]) -> set[str]:
    """All that an edge waits for: where it waits for one that waits for others, it waits for these, too."""
    found: set[str] = set()
    due = [edge]
    while due:
        more = {*yielding.get(due.pop(), ())} - found
        found |= more
        due += more
    return found


def _vpns(record: DocumentRecord) -> set[str]:
    return {vpn["name"] for vpn in record.packed["vpns"]}


def _newcomers(moves: Iterable[Move]) -> set[str]:
    """Members that moved, and the vApp edges of their new places."""
    return {node for move in moves for node in (move.name, *places(move.new_key)[1:])}


def _ahead(before: Document, after: Document) -> Document | None:
    """What an edge had, and the links to members that moved, if there are any.

    None if more than that is new in its tunnels.
    """
    if _form(before) != _form(after):  # of another release
        return None
    will = {tunnel["name"]: tunnel for tunnel in after["tunnels"]}
    had = {tunnel["name"] for tunnel in before["tunnels"]}
    if {*will} - had:
        return None
    tunnels = []
    for tunnel in before["tunnels"]:
        links = _by_name(tunnel)
        new = _by_name(will[tunnel["name"]]) if tunnel["name"] in will else {}
        came = [link for name, link in new.items() if name not in links or _grew(links[name], link)]
        same = all(links[name] == link for name, link in new.items() if name in links and link not in came)
        same = same and _settings(will.get(tunnel["name"], tunnel)) == _settings(tunnel)
        if not same or not all(map(is_for_moved, came)):
            return None
        left = [link for name, link in links.items() if name not in new]
        tunnels.append({**tunnel, "links": [*new.values(), *left]} if came else tunnel)
    if tunnels == before["tunnels"]:
        return {}
    return {**before, "tunnels": tunnels, "generation": after["generation"]}


def _grew(before: dict[str, Any], after: dict[str, Any]) -> bool:
    """Whether a link of members that moved is that of more of them now."""
    ends = ("local_ts", "remote_ts")
    more = all({*before[end]} <= {*after[end]} for end in ends)
    same = {**before, **{key: after[key] for key in (*ends, "reqid") if key in after}} == after
    return is_for_moved(after) and before != after and more and same


def _form(document: Document) -> tuple[object, set[str]]:
    """What templates rely on."""
    return document["format"], {*document}


def _by_name(tunnel: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {link_name(link): link for link in tunnel["links"]}


def _settings(tunnel: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in tunnel.items() if key != "links"}
