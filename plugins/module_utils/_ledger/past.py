# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the intents of an organization's VPNs were in its last generations: what a rollback plans again.

A row is an intent of a VPN, from the generation `since` on, and before the generation `until` (0: it still is). So an
intent is stored once, however many generations pass. A generation has the intents that it ended with.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from .lineage import Generations
from .named import edges_in, renamed_in, vapps_in
from .records import INTENT, canonical_json, digest_of, read_json, vms_in
from .schema import generations, past_intents, vpns
from .sqlalchemy import sa

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

KEPT = 50
"""How many generations of an organization one can go back to."""
_OPEN = past_intents.c.until == 0


class Past(Generations):
    """The part of a transaction that knows what VPNs were."""

    def keep_intents(self, org: str, generation: int, planned: Collection[str]) -> None:
        """Note the stored intents of the VPNs that a generation has, and forget what is too long ago.

        Writes only where one differs from what is noted.
        """
        stored = sa.select(vpns.c.name, vpns.c.intent).where(vpns.c.organization == org)
        texts = {row.name: row.intent for row in self._connection.execute(stored) if row.name in planned}
        columns = (past_intents.c.vpn, past_intents.c.since, past_intents.c.digest)
        known = {row.vpn: row for row in self._connection.execute(sa.select(*columns).where(_of(org), _OPEN))}
        digests = {name: digest_of(text) for name, text in texts.items()}
        new = []
        for name in sorted({*texts, *known}):
            was = known.get(name)
            if was is not None and was.digest == digests.get(name):
                continue
            if was is not None:
                where = sa.and_(_of(org), past_intents.c.vpn == name, past_intents.c.since == was.since)
                if was.since == generation:
                    self._connection.execute(past_intents.delete().where(where))
                else:
                    self._connection.execute(past_intents.update().where(where).values(until=generation))
            if name in texts:
                new.append(_row(org, name, generation, texts[name]))
        self._insert(past_intents, new)
        if generation > KEPT:
            old = sa.and_(past_intents.c.until > 0, past_intents.c.until <= generation - KEPT + 1)
            self._connection.execute(past_intents.delete().where(_of(org), old))

    def past_generations(self, org: str) -> list[int]:
        """The generations that one can go back to, oldest first; the newest one is among them."""
        first = self._connection.execute(sa.select(sa.func.min(past_intents.c.since)).where(_of(org))).scalar()
        if first is None:
            return []
        oldest = max(int(first), self.generation(org) - KEPT + 1)
        numbers = sa.select(generations.c.number).where(generations.c.organization == org)
        found = self._connection.execute(numbers.where(generations.c.number >= oldest)).scalars()
        return sorted(int(number) for number in found)

    def intents_at(self, org: str, generation: int) -> dict[str, dict[str, Any]]:
        """The intents of the VPNs that a generation had, one of `past_generations`, under the names of today."""
        until = sa.or_(_OPEN, past_intents.c.until > generation)
        columns = sa.select(past_intents.c.vpn, past_intents.c.intent)
        rows = self._connection.execute(columns.where(_of(org), past_intents.c.since <= generation, until))
        return {row.vpn: _read(row.intent, row.vpn) for row in sorted(rows)}

    def had_later(self, org: str, generation: int) -> set[str]:
        """The VPNs that came, came back or changed after a generation, under the names of today.

        Not a VPN that had not come up by then, and that plans have left out since.
        """
        later = past_intents.c.since > generation
        return set(self._connection.execute(sa.select(past_intents.c.vpn).where(_of(org), later)).scalars())


def rename_vpn_in_past(connection: Connection, org: str, old: str, new: str) -> None:
    """A VPN always had the name that it has now. If another one had it, the time of that one is forgotten."""
    other = sa.and_(_of(org), past_intents.c.vpn == new)
    if connection.execute(sa.select(past_intents.c.since).where(other).limit(1)).first() is not None:
        _forget_past(connection, org)
        connection.execute(past_intents.delete().where(other))
    where = sa.and_(_of(org), past_intents.c.vpn == old)
    connection.execute(past_intents.update().where(where).values(vpn=new))


def rename_host_in_past(connection: Connection, org: str, old: str, new: str) -> None:
    """The same of a host that VPNs name."""
    columns = sa.select(past_intents.c.vpn, past_intents.c.since, past_intents.c.intent).where(_of(org))
    rows = {(row.vpn, row.since): _read(row.intent, row.vpn) for row in connection.execute(columns)}
    if any(new in _hosts(intent) for intent in rows.values()):
        _forget_past(connection, org)
        rows = {(row.vpn, row.since): _read(row.intent, row.vpn) for row in connection.execute(columns)}
    for (vpn, since), intent in rows.items():
        if old in _hosts(intent):
            values = _values(canonical_json(renamed_in(intent, old, new)))
            where = sa.and_(_of(org), past_intents.c.vpn == vpn, past_intents.c.since == since)
            connection.execute(past_intents.update().where(where).values(**values))


def hosts_in_past(connection: Connection, org: str) -> set[str]:
    """The hosts that VPNs named."""
    columns = sa.select(past_intents.c.vpn, past_intents.c.intent).where(_of(org))
    return {host for row in connection.execute(columns) for host in _hosts(_read(row.intent, row.vpn))}


def _forget_past(connection: Connection, org: str) -> None:
    """All but the newest generation."""
    newest = connection.execute(sa.select(sa.func.max(generations.c.number)).where(generations.c.organization == org))
    connection.execute(past_intents.delete().where(_of(org), past_intents.c.until > 0))
    connection.execute(past_intents.update().where(_of(org)).values(since=int(newest.scalar() or 0)))


def _of(org: str) -> Any:
    return past_intents.c.organization == org


def _hosts(intent: Mapping[str, Any]) -> set[str]:
    return {*vms_in(intent), *edges_in(intent), *vapps_in(intent)}


def _row(org: str, vpn: str, since: int, text: str) -> dict[str, Any]:
    return {"organization": org, "vpn": vpn, "since": since, "until": 0, **_values(text)}


def _values(text: str) -> dict[str, str]:
    return {"digest": digest_of(text), "intent": base64.b64encode(zlib.compress(text.encode(), 9)).decode()}


def _read(packed: str, vpn: str) -> dict[str, Any]:
    what = f"a former intent of the VPN {vpn}"
    try:
        text = zlib.decompress(base64.b64decode(packed, validate=True)).decode()
    except (ValueError, zlib.error):
        text = ""  # which is not JSON: that says it
    found: dict[str, Any] = read_json(text, what, INTENT)
    return found
