# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""VMs, vApp edges and org edges by other names, wherever the ledger has the old ones. What is leased to them stays
leased.

A name is in use in a VPN that has it among its members, or a member behind it, or that leads over it. All else that the
ledger has of a name is left over: the lease of a VM that is not a member any more, facts out of a backup.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any

from .named import PLACES, edges_in, renamed_in, vapps_in
from .past import hosts_in_past, rename_host_in_past
from .records import FACTS, INTENT, canonical_json, read_json, vms_in
from .schema import applied, documents, inputs, landscape, leases, lineage, tunnels, vpns
from .sqlalchemy import sa

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

GROUPS = {"edge": "org_edges", "vm": "members", "vapp": "vapp_edges", "site": "org_edges"}
"""The groups of hosts whose names are in the keys of leases, by the word before them there; what is below comes first.
"""
TunnelName = Callable[[str, tuple[str, str]], str]
"""What a tunnel of a kind between two edges is called."""


class Names:
    """What one organization's hosts are called. ``wanted``: the names that it is asked about.

    ``release`` ends the leases of a key and of all below it.
    """

    def __init__(
        self,
        connection: Connection,
        org: str,
        wanted: Collection[str],
        release: Callable[[str], object],
        tunnel_name: TunnelName,
    ) -> None:
        self._connection, self._org, self._release, self._wanted = connection, org, release, wanted
        self._tunnel_name = tunnel_name
        self._past: set[str] | None = None
        self._read()

    def _read(self) -> None:
        self._intents: dict[str, dict[str, Any]] = {
            row.name: read_json(row.intent, f"the VPN {row.name}", INTENT) for row in self._rows(vpns)
        }
        self._facts: dict[str, dict[str, Any]] = {
            row.host: read_json(row.facts, f"{row.host} in landscape", FACTS) for row in self._rows(landscape)
        }
        self._tunnels: dict[str, dict[str, Any]] = {
            row.name: read_json(row.record, f"the tunnel {row.name}", {"edges": [str], "kind": str})
            for row in self._rows(tunnels)
        }
        told = sa.select(documents.c.node, documents.c.role, documents.c.generation)
        nodes = list(self._connection.execute(told.where(documents.c.organization == self._org)))
        self._roles = {row.node: str(row.role) for row in nodes}
        self._told = {row.node: int(row.generation) for row in nodes}
        self._keys = {name: self._keys_with(name) for name in self._wanted}

    def group(self, name: str) -> str | None:
        """The group that a host was in; None for a name that the ledger does not know."""
        if name in self._facts:
            return str((self._facts[name]["kinds"] or [""])[0])
        if name in self._roles:
            return f"{self._roles[name]}s"
        leased = {group for kind, group in GROUPS.items() if any(_base(key, kind, name) for key in self._keys[name])}
        member = any(name in vms_in(intent) for intent in self._intents.values())
        return "members" if member else min(leased, default=None)

    def used(self, name: str) -> set[str]:
        """The VPNs that a name is in use in."""
        return {
            vpn
            for vpn, intent in self._intents.items()
            if name in edges_in(intent) | vapps_in(intent)
            or any(name == vm or name in self._places(vm) for vm in vms_in(intent))
        }

    def peers(self, name: str) -> set[str]:
        """The edges that an org edge has a tunnel to."""
        found = {edge for record in self._tunnels.values() if name in record["edges"] for edge in record["edges"]}
        return found - {name}

    def is_external(self, name: str) -> bool:
        """Whether the ledger knows a host as an external edge."""
        return self._facts.get(name, {"vars": {}})["vars"].get("vcc_external") is True

    def rename(self, old: str, new: str) -> bool:
        """What is leased to the old name, and said of it, is the new one's; what was left over of the other one goes.

        They must not both be in use. Returns whether that changed anything.
        """
        used, changed = self.used(old), False
        is_new = self.group(new) is None
        keeps = not used and bool(self.used(new))
        for kind in GROUPS:
            for base in sorted({base for key in self._keys[old] if (base := _base(key, kind, old))}):
                changed |= self._rename_leases(base, f"{base[: -len(old)]}{new}", used)
        rename_host_in_past(self._connection, self._org, old, new)
        self._past = None
        if not used and not is_new:
            changed |= self._delete(landscape, "host", old)
        else:
            self._rename_in_intents(old, new)
            self._rename_in_facts(old, new)
            self._rename_tunnels(old, new)
            self._rename_in(landscape, "host", old, new)
            changed = True
        changed |= self._hand_over(old, new, keeps)
        self._read()
        return changed

    def rename_in_past(self, old: str, new: str) -> bool:
        """The same of a name that only former intents of VPNs have, such as those of VPNs that were deleted."""
        if self._past is None:
            self._past = hosts_in_past(self._connection, self._org)
        if old not in self._past:
            return False
        rename_host_in_past(self._connection, self._org, old, new)
        self._past = None
        return True

    # Inside

    def _hand_over(self, old: str, new: str, keeps: bool) -> bool:
        """What a node was told by its old name, it was told by its new one. Whether that changed anything.

        ``keeps``: whether that by the new name counts. So does what recover_ledger learned by the new name, which is
        later than what a backup has of the old one. A machine that had the name before, and that was not told yet that
        it has nothing any more, does not count.
        """
        later = self._told.get(new, 0) > self._told.get(old, 0) and self._has_something(new)
        changed = self._merge_lineage(old, new)
        if new in self._told and (old not in self._told or keeps or later):
            gone = [self._delete(table, "node", old) for table in (documents, applied)]
            return any(gone) or changed
        if old in self._told:
            for table in (documents, applied):
                self._rename_in(table, "node", old, new)
            return True
        return self._delete(applied, "node", old) or changed

    def _has_something(self, node: str) -> bool:
        """Whether a node is told more than that it has nothing any more."""
        where = sa.and_(documents.c.organization == self._org, documents.c.node == node)
        text = str(self._connection.execute(sa.select(documents.c.document).where(where)).scalar())
        found = read_json(text, f"the document of {node}")
        return any(found.get(part) for part in ("addresses", "routes", "vpns", "tunnels"))

    def _merge_lineage(self, old: str, new: str) -> bool:
        """The machine may run what it was told by either name. Whether there was anything by the old one."""
        numbers = sa.select(lineage.c.number).where(lineage.c.organization == self._org, lineage.c.node == new)
        known = set(self._connection.execute(numbers).scalars())
        was = sa.and_(lineage.c.organization == self._org, lineage.c.node == old)
        fresh = self._connection.execute(sa.select(lineage).where(was)).mappings().all()
        self._connection.execute(lineage.delete().where(was))
        rows = [{**row, "node": new} for row in fresh if row["number"] not in known]
        if rows:
            self._connection.execute(lineage.insert(), rows)
        return bool(fresh)

    def _rename_in(self, table: sa.Table, column: str, old: str, new: str) -> None:
        """The row of the old name is the new one's, instead of its own."""
        self._delete(table, column, new)
        where = sa.and_(table.c.organization == self._org, table.c[column] == old)
        self._connection.execute(table.update().where(where).values(**{column: new}))

    def _rows(self, table: sa.Table) -> Any:
        return self._connection.execute(sa.select(table).where(table.c.organization == self._org))

    def _keys_with(self, name: str) -> list[str]:
        where = sa.and_(leases.c.organization == self._org, leases.c.key.contains(f"/{name}", autoescape=True))
        return [
            key
            for key in self._connection.execute(sa.select(leases.c.key).where(where)).scalars()
            if any(_base(key, kind, name) for kind in GROUPS)
        ]

    def _places(self, vm: str) -> Collection[str]:
        """The edges that a VM is behind; where its facts are lost, those that it has a lease behind."""
        if vm in self._facts:
            return {str(self._facts[vm]["vars"].get(place) or "") for place in PLACES}
        return [
            name
            for name, keys in self._keys.items()
            if any(f"/{name}/" in key and key.endswith(f"/vm/{vm}") for key in keys)
        ]

    def _rename_leases(self, base: str, other: str, used: Collection[str]) -> bool:
        """Where both names have leases, those of the one that is not in use are left over. Whether any was renamed."""
        found = [key for key in self._keys_with(other.rpartition("/")[2]) if _is_below(key, other)]
        if found and base.split("/")[1] not in used:
            return False
        self._release(other)
        keys = [key for key in self._keys_with(base.rpartition("/")[2]) if _is_below(key, base)]
        where = sa.and_(leases.c.organization == self._org, leases.c.key == sa.bindparam("was"))
        change = leases.update().where(where).values(key=sa.bindparam("will"))
        self._connection.execute(change, [{"was": key, "will": f"{other}{key[len(base) :]}"} for key in keys])
        return True

    def _rename_in_intents(self, old: str, new: str) -> None:
        for vpn, intent in self._intents.items():
            parts = renamed_in(intent, old, new)
            if parts != intent:
                where = sa.and_(vpns.c.organization == self._org, vpns.c.name == vpn)
                self._connection.execute(vpns.update().where(where).values(intent=canonical_json(parts)))

    def _rename_in_facts(self, old: str, new: str) -> None:
        for host, facts in self._facts.items():
            found = {place: new for place in PLACES if facts["vars"].get(place) == old}
            if found:
                text = canonical_json({**facts, "vars": {**facts["vars"], **found}})
                where = sa.and_(landscape.c.organization == self._org, landscape.c.host == host)
                self._connection.execute(landscape.update().where(where).values(facts=text))

    def _rename_tunnels(self, old: str, new: str) -> None:
        """And what else the ledger keeps of an org edge: which VPNs it confirmed, and from what it was compiled."""
        for name, record in self._tunnels.items():
            if old in record["edges"]:
                low, high = sorted(new if edge == old else edge for edge in record["edges"])
                will = self._tunnel_name(record["kind"], (low, high))
                if will != name:
                    self._delete(tunnels, "name", will)
                values = {"name": will, "record": canonical_json({**record, "edges": [low, high]})}
                where = sa.and_(tunnels.c.organization == self._org, tunnels.c.name == name)
                self._connection.execute(tunnels.update().where(where).values(**values))
        for row in self._rows(vpns).all():
            up_on = read_json(row.up_on, f"the VPN {row.name}", [str])
            if old in up_on:
                text = canonical_json(sorted(new if edge == old else edge for edge in up_on))
                where = sa.and_(vpns.c.organization == self._org, vpns.c.name == row.name)
                self._connection.execute(vpns.update().where(where).values(up_on=text))
        self._delete(inputs, "place", old)

    def _delete(self, table: sa.Table, column: str, name: str) -> bool:
        gone = table.delete().where(table.c.organization == self._org, table.c[column] == name)
        return bool(self._connection.execute(gone).rowcount)


def _base(key: str, kind: str, name: str) -> str:
    """The key of a host itself, if a key is of it, or of what is below; a further block's number is not part."""
    words = key.split("/")
    for place in range(2, len(words) - 1, 2):
        if words[place] == kind and words[place + 1].partition("#")[0] == name:
            return "/".join([*words[: place + 1], name])
    return ""


def _is_below(key: str, base: str) -> bool:
    return key == base or key.startswith((f"{base}/", f"{base}#"))
