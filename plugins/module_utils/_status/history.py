# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""STATUS: who changed what and when, by the ledger's events."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .._base.problems import some
from .._base.text_table import cut
from .._plan.pool.lease_keys import vpn_of
from .._plan.renamed_vpns import EVENT as VPN_RENAMED
from .._plan.renames import EVENT as HOST_RENAMED
from .._plan.rollback import EVENT as ROLLED_BACK
from .._plan.rollback import ranges

if TYPE_CHECKING:
    from .._ledger.ledger import Transaction
    from .._ledger.records import EventRecord

Section = Mapping[str, Any]
OPENED = "generation opened"
SHOWN = 5  # names in a line; the JSON has all
# Events that come in great numbers: those of one second are one line, which says how many there were of which VPN.
COUNTED = {
    "lease taken": "addresses and blocks leased",
    "lease released": "addresses and blocks released",
    "lease moved": "leases moved",
}
# The same, with the names that they are about.
LISTED = {
    f"{kind} {did}": f"{kind}s {word}"
    for kind in ("host", "tunnel")
    for did, word in (("added", "noted"), ("changed", "changed"), ("dropped", "forgotten"))
}


def events_of(
    transaction: Transaction, organizations: Iterable[str], vpn: str = "", since: str = "", limit: int = 100
) -> list[dict[str, Any]]:
    """The newest events of organizations (all if none is named), oldest first.

    ``vpn``: only those of this VPN, also by the names that it had before, and the generations that they led to.
    ``since``: only those from then on, UTC, as 2026-01-31 or 2026-01-31T12:00. With ``limit`` 0 there is no limit.
    """
    found = []
    for org in [*organizations] or transaction.organizations():
        events: Sequence[EventRecord] = transaction.events(org, None)
        chosen = (one for one in (_with_generations(events, vpn) if vpn else events) if one.at >= since)
        found += [
            {
                "organization": org,
                **{key: getattr(one, key) for key in ("id", "at", "who", "what", "subject", "detail")},
            }
            for one in chosen
        ]
    found.sort(key=lambda one: one["id"])
    return found[-limit:] if limit else found


def rollbacks(transaction: Transaction, organizations: Iterable[str]) -> dict[str, list[int]]:
    """The generations that each organization can go back to, oldest first."""
    return {org: transaction.past_generations(org) for org in [*organizations] or transaction.organizations()}


def nothing(vpn: str, since: str) -> str:
    """What is said where there are no events."""
    return f"No events{f' of a VPN {vpn}' if vpn else ''}{f' since {since}' if since else ''}."


def _with_generations(events: Sequence[EventRecord], vpn: str) -> Iterator[EventRecord]:
    """Those about a VPN, newest first as they come, each change with the generation that it led to."""
    wanted = {one.id for one in about(events, vpn)}
    generation: EventRecord | None = None
    for one in events:
        if one.what == OPENED:
            generation = one
        elif one.id in wanted:
            # That a VPN came up is noted after its generation, and is not a part of the next one.
            came_up = one.detail.get("state") == "active" and not one.detail.get("changed")
            if generation is not None and not came_up:
                yield generation
                generation = None
            yield one


def rollback_lines(found: Mapping[str, Sequence[int]]) -> Iterator[str]:
    """The same as lines, for organizations that have any."""
    for org, numbers in sorted(found.items()):
        if numbers:
            yield f"rollback_vpn can go back to generation {ranges(numbers)} of {org}"


def about(events: Iterable[EventRecord], vpn: str) -> Iterator[EventRecord]:
    """Those about a VPN, of events that come newest first. What is older than its name is about the name before."""
    for one in events:
        came = one.what == VPN_RENAMED and one.detail.get("now") == vpn
        back = one.what == ROLLED_BACK and vpn in (one.detail.get("vpns") or ())
        if came or back or concerns(one.what, one.subject, vpn):
            yield one
        vpn = one.subject if came else vpn


def concerns(what: str, subject: str, vpn: str) -> bool:
    """Whether an event is about a VPN: itself, or a lease of its."""
    if what.startswith("vpn "):
        return subject == vpn
    return what.startswith("lease ") and subject.startswith("vpn/") and vpn_of(subject) == vpn


def lines(events: Sequence[Section], several: bool = False) -> Iterator[str]:
    """The events as lines. What one user did to leases within one second is a line."""
    last = ""
    for (at, who, org, what), group in _groups(events):
        begin = f"{at.replace('T', ' ')}  {who or '-'}"
        if begin != last:
            yield cut(begin)
            last = begin
        whose = f"{org}: " if several else ""
        yield cut(f"    {whose}{_said(what, group)}")


def told(events: Sequence[Section]) -> Iterator[dict[str, Any]]:
    """The same for programs that show them: `at`, `who`, `organization`, `text`, and the number of a `generation`."""
    for (at, who, org, what), group in _groups(events):
        entry: dict[str, Any] = {"at": at, "who": who, "organization": org, "text": _said(what, group)}
        if what == OPENED:
            entry["generation"] = int(group[0]["subject"])
        yield entry


def _groups(events: Sequence[Section]) -> Iterator[tuple[tuple[str, str, str, str], list[Section]]]:
    found: dict[tuple[str, str, str, str], list[Section]] = {}
    for event in events:
        what = str(event["what"])
        alone = "" if what in COUNTED or what in LISTED else f"#{event['id']}"
        key = (str(event["at"])[:19], str(event["who"]), str(event["organization"]), what + alone)
        found.setdefault(key, []).append(event)
    for (at, who, org, what), group in found.items():
        yield (at, who, org, what.partition("#")[0]), group


def _said(what: str, group: Sequence[Section]) -> str:
    first = group[0]
    if what in COUNTED:
        counts = Counter(vpn_of(event["subject"]) for event in group if "/" in event["subject"])
        whose = some([f"{vpn} ({count})" for vpn, count in sorted(counts.items())], SHOWN)
        return f"{len(group)} {COUNTED[what]}: {whose}" if whose else f"{len(group)} {COUNTED[what]}"
    if what in LISTED:
        return f"{LISTED[what]}: {some(sorted({str(event['subject']) for event in group}), SHOWN)}"
    detail = first["detail"]
    if what == OPENED:
        return f"generation {first['subject']}: {some([str(node) for node in detail.get('nodes') or ()], SHOWN)}"
    if what == ROLLED_BACK:
        return f"rolled back to generation {first['subject']}: {some([str(vpn) for vpn in detail.get('vpns') or ()])}"
    if what in (VPN_RENAMED, HOST_RENAMED):
        return f"{'VPN' if what == VPN_RENAMED else 'host'} {first['subject']}: is {detail.get('now')} now"
    if what.startswith("vpn "):
        return f"VPN {first['subject']}: {_became(what, detail)}"
    return f"{what}: {first['subject']}"


def _became(what: str, detail: Mapping[str, Any]) -> str:
    """What became of a VPN."""
    did = what.partition(" ")[2]
    changed = ", ".join(str(key) for key in detail.get("changed") or ())
    if did == "created":
        return f"created, number {detail.get('number')}"
    if did == "changed" and not changed:
        return {"active": "is up", "deleting": "is being deleted"}.get(str(detail.get("state")), "changed")
    return f"{did} ({changed})" if changed else did
