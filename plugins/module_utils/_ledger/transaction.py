# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be read and changed inside one transaction of the ledger.

Everything belongs to an organization. A change is written, and an event logged, only where something differs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from .._base.errors import LedgerError
from .._base.lease import Lease
from .._base.prefix import BITS, Prefix
from .lineage import in_parts, now
from .past import Past
from .records import (
    ACTIVE,
    FACTS,
    INTENT,
    DocumentRecord,
    EventRecord,
    VpnRecord,
    canonical_json,
    changed_keys,
    digest_of,
    read_json,
    text_of,
)
from .renamed_vpn import rename_vpn
from .renaming import Names, TunnelName
from .rows import Rows, dump, dump_part, load
from .schema import applied, documents, events, inputs, landscape, leases, tunnels, vpns
from .sqlalchemy import sa

_HIGHEST_NUMBER = 65535


class Transaction(Past):
    """Handed to the work of `Ledger.run`; of no use after it."""

    # Leases

    def leases(self, org: str) -> dict[str, Lease]:
        """All leases of the organization by key."""
        found = self._connection.execute(sa.select(leases).where(leases.c.organization == org).order_by(leases.c.key))
        return {row.key: _lease(row) for row in found}

    def add_leases(self, org: str, new: Iterable[Lease]) -> None:
        """Take leases. One that is held already is left as it is; LedgerError when its key holds another prefix."""
        new = list(new)
        held = self._leases_of(org, [lease.key for lease in new])
        fresh: dict[str, Lease] = {}
        for lease in new:
            known = held.get(lease.key) or fresh.get(lease.key)
            if known is None:
                fresh[lease.key] = lease
            elif known.prefix != lease.prefix or known.kind != lease.kind:
                raise LedgerError(f"{lease.key} holds {known.prefix}: it cannot be given {lease.prefix} as well")
        time = now()
        self._insert(leases, [_lease_row(org, lease, time) for lease in fresh.values()])
        self._log(org, "lease taken", {key: _lease_detail(lease) for key, lease in fresh.items()})

    def _leases_of(self, org: str, keys: Sequence[str]) -> dict[str, Lease]:
        """Those of the keys that are leased. Costs as much as there are keys, however large the ledger is."""
        found: dict[str, Lease] = {}
        for some in in_parts(keys):
            where = sa.and_(leases.c.organization == org, leases.c.key.in_(some))
            found.update((row.key, _lease(row)) for row in self._connection.execute(sa.select(leases).where(where)))
        return found

    def release(self, org: str, key: str) -> list[Lease]:
        """End the lease of a key, its further blocks (`key#2`), and everything below; returns what was released."""
        # Compared as text, not with LIKE: that knows wildcards, and in SQLite no difference of case.
        below = sa.func.substr(leases.c.key, 1, len(key) + 1).in_([key + "/", key + "#"])
        where = sa.and_(leases.c.organization == org, sa.or_(leases.c.key == key, below))
        found = self._connection.execute(sa.select(leases).where(where).order_by(leases.c.key))
        released = [_lease(row) for row in found]
        if released:
            self._connection.execute(leases.delete().where(where))
            self._log(org, "lease released", {lease.key: _lease_detail(lease) for lease in released})
        return released

    def move_lease(self, org: str, key: str, new: str) -> None:
        """Hold what is leased under one key under another, where whatever was leased so far is released."""
        self.release(org, new)
        where = sa.and_(leases.c.organization == org, leases.c.key == key)
        self._connection.execute(leases.update().where(where).values(key=new))
        self.event(org, "lease moved", new, {"from": key})

    # VPNs

    def vpns(self, org: str) -> dict[str, VpnRecord]:
        """All VPNs of the organization by name."""
        found = self._connection.execute(sa.select(vpns).where(vpns.c.organization == org).order_by(vpns.c.name))
        return {row.name: _vpn(row) for row in found}

    def put_vpn(
        self, org: str, name: str, intent: Mapping[str, Any], state: str = ACTIVE, up_on: Iterable[str] = ()
    ) -> VpnRecord:
        """Create or change a VPN. A new one gets the smallest number that is free in the whole ledger."""
        where = sa.and_(vpns.c.organization == org, vpns.c.name == name)
        row = self._connection.execute(sa.select(vpns).where(where)).first()
        old = None if row is None else _vpn(row)
        text = canonical_json(intent)
        number = old.number if old else self._free_number()
        record = VpnRecord(name, number, state, read_json(text, f"the VPN {name}"), tuple(sorted(up_on)))
        values = {"state": state, "intent": text, "up_on": canonical_json(record.up_on)}
        if old is None:
            self._insert(vpns, [{"organization": org, "name": name, "number": number, **values}])
            self.event(org, "vpn created", name, {"number": number, "state": state})
        elif old != record:
            self._connection.execute(vpns.update().where(where).values(values))
            self.event(org, "vpn changed", name, {"state": state, "changed": changed_keys(old.intent, record.intent)})
        return record

    def import_vpn(self, org: str, name: str, number: int, intent: Mapping[str, Any]) -> list[str]:
        """Create or change a VPN under a number that nodes know it by; a line for each VPN that differs then.

        Another VPN that has the number gets a free one.
        """
        lines = []
        for row in self._connection.execute(sa.select(vpns).where(vpns.c.number == number)).all():
            if (row.organization, row.name) != (org, name):
                free = self._free_number()
                where = sa.and_(vpns.c.organization == row.organization, vpns.c.name == row.name)
                self._connection.execute(vpns.update().where(where).values(number=free))
                self.event(row.organization, "vpn renumbered", row.name, {"number": free})
                lines.append(f"~ vpn {row.name} of {row.organization}: number {free}, as {name} has {number}")
        old = self.vpns(org).get(name)
        wanted = VpnRecord(name, number, ACTIVE, read_json(canonical_json(intent), f"the VPN {name}"))
        if old == wanted:
            return lines
        where = sa.and_(vpns.c.organization == org, vpns.c.name == name)
        self._connection.execute(vpns.delete().where(where))
        row_of = {"organization": org, "name": name, "number": number, "state": ACTIVE}
        self._insert(vpns, [{**row_of, "intent": canonical_json(intent)}])
        self.event(org, "vpn recovered", name, {"number": number})
        return [*lines, f"{'~' if old else '+'} vpn {name}: number {number}"]

    def drop_vpn(self, org: str, name: str) -> None:
        """Forget a VPN; its number is free again. Its leases stay until they are released."""
        where = sa.and_(vpns.c.organization == org, vpns.c.name == name)
        if self._connection.execute(vpns.delete().where(where)).rowcount:
            self.event(org, "vpn dropped", name, {})

    def rename_vpn(self, org: str, old: str, new: str) -> None:
        """Give a VPN another name. What may be left of one that had the name before is released."""
        self.release(org, f"vpn/{new}")
        rename_vpn(self._connection, org, old, new)

    def organizations(self) -> list[str]:
        """The names of all organizations the ledger knows anything of, sorted."""
        names: set[str] = set()
        for table in (leases, vpns, tunnels, landscape, documents):
            names.update(self._connection.execute(sa.select(table.c.organization).distinct()).scalars())
        return sorted(names)

    # Tunnels and landscape: JSON by name

    def tunnels(self, org: str) -> dict[str, dict[str, Any]]:
        """The records of all tunnels by name."""
        return self._mappings(tunnels, org, {})

    def tunnel_names(self, org: str) -> set[str]:
        """The names of all tunnels."""
        return {*self._connection.execute(sa.select(tunnels.c.name).where(tunnels.c.organization == org)).scalars()}

    def put_tunnel(self, org: str, name: str, record: Mapping[str, Any]) -> None:
        """Create or change a tunnel's record."""
        self.put_tunnels(org, {name: record})

    def put_tunnels(self, org: str, records: Mapping[str, Mapping[str, Any]]) -> None:
        """Create or change the records of many tunnels."""
        self._put_mappings(tunnels, org, records, "tunnel")

    def drop_tunnel(self, org: str, name: str) -> None:
        """Forget a tunnel."""
        self._drop_mapping(tunnels, org, name, "tunnel")

    def landscape(self, org: str) -> dict[str, dict[str, Any]]:
        """The last known facts of the hosts that VPNs use, by host."""
        return self._mappings(landscape, org, FACTS)

    def put_landscape(self, org: str, host: str, facts: Mapping[str, Any]) -> None:
        """Note the facts of a host."""
        self.put_landscapes(org, {host: facts})

    def put_landscapes(self, org: str, facts: Mapping[str, Mapping[str, Any]]) -> None:
        """Note the facts of many hosts."""
        self._put_mappings(landscape, org, facts, "host")

    def drop_landscape(self, org: str, host: str) -> None:
        """Forget a host."""
        self._drop_mapping(landscape, org, host, "host")

    def names(self, org: str, wanted: Collection[str], tunnel_name: TunnelName) -> Names:
        """What VMs and edges are called in all that is kept; ``wanted``: the names that it is asked about."""
        return Names(self._connection, org, wanted, lambda key: self.release(org, key), tunnel_name)

    # Documents and generations

    def documents(self, org: str, nodes: Collection[str] | None = None) -> dict[str, DocumentRecord]:
        """What each node is told, by node; only of these ``nodes``, if they are given."""
        query = sa.select(documents).where(documents.c.organization == org).order_by(documents.c.node)
        if nodes is None:
            return {row.node: _document(row) for row in self._connection.execute(query)}
        names, found = sorted(nodes), dict[str, DocumentRecord]()
        for some in in_parts(names):
            rows = self._connection.execute(query.where(documents.c.node.in_(some)))
            found.update((row.node, _document(row)) for row in rows)
        return found

    def applied(self, org: str) -> dict[str, int]:
        """The generation that each node was seen to run, where it was."""
        return {node: number for node, number in self.seen(org).items() if number > 0}

    def seen(self, org: str) -> dict[str, int]:
        """The same; negative for each node that was told what it loses by that generation, and not what it gets."""
        query = sa.select(applied.c.node, applied.c.generation).where(applied.c.organization == org)
        return {row.node: row.generation for row in self._connection.execute(query)}

    def note_applied(self, org: str, new: Mapping[str, int]) -> None:
        """Note what nodes run."""
        self._note_seen(org, new)

    def note_given_up(self, org: str, new: Mapping[str, int]) -> None:
        """Note which nodes run only what the generation leaves them. Who was seen to run all of it still does."""
        known = self.applied(org)
        self._note_seen(org, {node: -number for node, number in new.items() if known.get(node) != number})

    def _note_seen(self, org: str, new: Mapping[str, int]) -> None:
        known = self.seen(org)
        other = {node: number for node, number in new.items() if known.get(node) != number}
        self._drop_applied(org, other)
        self._insert(applied, [{"organization": org, "node": node, "generation": other[node]} for node in other])

    def inputs(self, org: str) -> dict[str, str]:
        """The digests of what documents were compiled from, by site and VCC node."""
        found = self._connection.execute(sa.select(inputs.c.place, inputs.c.digest).where(inputs.c.organization == org))
        return {row.place: row.digest for row in found}

    def put_inputs(self, org: str, new: Mapping[str, str], known: Mapping[str, str]) -> None:
        """Keep these digests and no others. ``known``: those that are there."""
        other = [place for place, digest in known.items() if new.get(place) != digest]
        for some in in_parts(other):
            self._connection.execute(inputs.delete().where(inputs.c.organization == org, inputs.c.place.in_(some)))
        fresh = [place for place, digest in new.items() if known.get(place) != digest]
        rows = [{"organization": org, "place": place, "digest": new[place]} for place in fresh]
        self._insert(inputs, rows)

    def put_documents(self, org: str, new: Mapping[str, Mapping[str, Any]]) -> int:
        """Store documents by node; returns the current generation. Each needs a `role`."""
        texts = {node: (str(document["role"]), text_of(document)) for node, document in new.items()}
        return self.put_texts(org, texts)[0]

    def put_texts(self, org: str, new: Mapping[str, tuple[str, str]]) -> tuple[int, dict[str, DocumentRecord]]:
        """Store documents as the ledger keeps them: node -> role, text (see `text_of`).

        When any differs from what is stored, one new generation opens, and the documents that differ get its number;
        the others keep theirs. Returns the current generation, and the records of those that differ.
        """
        columns = sa.select(documents.c.node, documents.c.digest).where(documents.c.organization == org)
        digests = {row.node: row.digest for row in self._connection.execute(columns)}
        stored = set(digests)
        changed = {node: digest_of(new[node][1]) for node in sorted(new)}
        changed = {node: digest for node, digest in changed.items() if digests.get(node) != digest}
        current = self.generation(org)
        if not changed:
            return current, {}
        digests.update(changed)
        number = current + 1
        whole = hashlib.sha256(canonical_json(digests).encode()).hexdigest()
        opened = self._open(org, number, whole)
        found = {
            node: DocumentRecord(node, new[node][0], number, digest, new[node][1]) for node, digest in changed.items()
        }
        self._delete_documents(org, [node for node in changed if node in stored])
        self._insert(documents, [{"organization": org, **_document_row(record)} for record in found.values()])
        self._note_lineage(org, dict.fromkeys(changed, (number, opened)))
        self.event(org, "generation opened", str(number), {"nodes": list(changed)})
        return number, found

    def drop_documents(self, org: str, nodes: Iterable[str]) -> None:
        """Forget what nodes were told: they are no longer ours."""
        stored = self.documents(org)
        gone = sorted(node for node in set(nodes) if node in stored)
        self._delete_documents(org, gone)
        self._drop_applied(org, gone)
        self._log(org, "document dropped", {node: {} for node in gone})

    # Events

    def events(self, org: str, limit: int | None = 100) -> list[EventRecord]:
        """The newest events, newest first. ``limit`` None: all."""
        query = sa.select(events).where(events.c.organization == org).order_by(events.c.id.desc()).limit(limit)
        return [
            EventRecord(row.id, row.at, row.who, row.what, row.subject, read_json(row.detail, f"event {row.id}"))
            for row in self._connection.execute(query)
        ]

    def happened(self, org: str, what: str, subject: str) -> bool:
        """Whether such a change was ever logged."""
        where = sa.and_(events.c.organization == org, events.c.what == what, events.c.subject == subject)
        return self._connection.execute(sa.select(events.c.id).where(where).limit(1)).first() is not None

    # As a whole

    def dump(self) -> Rows:
        """All records."""
        return dump(self._connection)

    def dump_part(self, nodes: Mapping[str, Collection[str]]) -> Rows:
        """The records that it takes to bring these nodes, by organization, to their documents."""
        return dump_part(self._connection, nodes)

    def load(self, rows: Rows) -> None:
        """Replace all records by those of a backup. LedgerError when they are of another format."""
        load(self._connection, rows)
        for org in self.organizations():
            self.event(org, "ledger restored", str(self.generation(org)))

    # Inside

    def _free_number(self) -> int:
        taken = set(self._connection.execute(sa.select(vpns.c.number)).scalars())
        number = next((n for n in range(1, _HIGHEST_NUMBER + 1) if n not in taken), None)
        if number is None:
            raise LedgerError(f"the ledger has {_HIGHEST_NUMBER} VPNs, which is all it can number: delete some")
        return number

    def _mappings(self, table: sa.Table, org: str, shape: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
        _org, name, value = table.c
        found = self._connection.execute(sa.select(name, value).where(table.c.organization == org).order_by(name))
        return {row[0]: read_json(row[1], f"{row[0]} in {table.name}", shape) for row in found}

    def _put_mappings(self, table: sa.Table, org: str, new: Mapping[str, Mapping[str, Any]], word: str) -> None:
        _org, name, value = table.c
        found = self._connection.execute(sa.select(name, value).where(table.c.organization == org))
        old = {row[0]: row[1] for row in found if row[0] in new}
        texts = {key: canonical_json(record) for key, record in new.items()}
        added = [key for key in texts if key not in old]
        # All at once: a large mesh has tens of thousands.
        self._insert(table, [{"organization": org, name.name: key, value.name: texts[key]} for key in added])
        self._log(org, f"{word} added", {key: {} for key in added})
        for key, text in texts.items():
            if old.get(key, text) != text:
                where = sa.and_(table.c.organization == org, name == key)
                self._connection.execute(table.update().where(where).values({value.name: text}))
                self.event(org, f"{word} changed", key, {"changed": changed_keys(read_json(old[key], key), new[key])})

    def _drop_mapping(self, table: sa.Table, org: str, key: str, word: str) -> None:
        _org, name, _value = table.c
        where = sa.and_(table.c.organization == org, name == key)
        if self._connection.execute(table.delete().where(where)).rowcount:
            self.event(org, f"{word} dropped", key, {})


def _vpn(row: Any) -> VpnRecord:
    what = f"the VPN {row.name}"
    intent, up_on = read_json(row.intent, what, INTENT), read_json(row.up_on, what, [str])
    return VpnRecord(row.name, row.number, row.state, intent, tuple(up_on))


def _document(row: Any) -> DocumentRecord:
    return DocumentRecord(row.node, row.role, row.generation, row.digest, row.document)


def _document_row(record: DocumentRecord) -> dict[str, Any]:
    keys = ("node", "role", "generation", "digest")
    return {**{key: getattr(record, key) for key in keys}, "document": record.text}


def _lease(row: Any) -> Lease:
    first, last = int(row.first, 16), int(row.last, 16)
    length = BITS[row.family] - (last - first + 1).bit_length() + 1
    return Lease(row.key, Prefix(row.family, first, length), row.kind, row.pool)


def _lease_row(org: str, lease: Lease, time: str) -> dict[str, Any]:
    prefix = lease.prefix
    row = {"organization": org, "key": lease.key, "pool": lease.pool, "kind": lease.kind, "family": prefix.family}
    return {**row, "first": f"{prefix.first:032x}", "last": f"{prefix.last:032x}", "created_at": time}


def _lease_detail(lease: Lease) -> dict[str, str]:
    return {"prefix": str(lease.prefix), "pool": lease.pool}
