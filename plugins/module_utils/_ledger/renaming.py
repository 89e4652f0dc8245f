# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""VMs and vApp edges by other names, wherever the ledger has the old ones. What is leased to them stays leased.

A name is in use in a VPN that has it among its members, or a member behind it. All else that the ledger has of a name
is left over: the lease of a VM that is no member any more, facts out of a backup.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any

from .records import FACTS, INTENT, canonical_json, read_json, vapps_in, vms_in
from .schema import applied, documents, landscape, leases, lineage, vpns
from .sqlalchemy import sa

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

GROUPS = {"vm": "members", "vapp": "vapp_edges"}
"""The groups of hosts whose names are in the keys of leases, by the word before them there."""
BY_NAME = ("members", "ports")
"""The parts of a stored intent that have names of VMs as keys."""
ENDS = ("from", "to")
"""The parts of a rule of its ``allow`` that are lists of such names."""
_OF_NODES = ((landscape, "host"), (documents, "node"), (lineage, "node"), (applied, "node"))


class Names:
    """What one organization's hosts are called. ``wanted``: the names that it is asked about.

    ``release`` ends the leases of a key and of all below it.
    """

    def __init__(
        self, connection: Connection, org: str, wanted: Collection[str], release: Callable[[str], object]
    ) -> None:
        self._connection, self._org, self._release, self._wanted = connection, org, release, wanted
        self._read()

    def _read(self) -> None:
        self._intents: dict[str, dict[str, Any]] = {
            row.name: read_json(row.intent, f"the VPN {row.name}", INTENT) for row in self._rows(vpns)
        }
        self._facts: dict[str, dict[str, Any]] = {
            row.host: read_json(row.facts, f"{row.host} in landscape", FACTS) for row in self._rows(landscape)
        }
        roles = sa.select(documents.c.node, documents.c.role).where(documents.c.organization == self._org)
        self._roles = {row.node: str(row.role) for row in self._connection.execute(roles)}
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
            if name in vapps_in(intent).values() or any(name == vm or name in self._vapps(vm) for vm in vms_in(intent))
        }

    def rename(self, old: str, new: str) -> bool:
        """What is leased to the old name, and said of it, is the new one's; what was left over of the other one goes.

        They must not both be in use. Returns whether that changed anything.
        """
        used, changed = self.used(old), False
        is_new = self.group(new) is None
        for kind in GROUPS:
            for base in sorted({base for key in self._keys[old] if (base := _base(key, kind, old))}):
                changed |= self._rename_leases(base, f"{base[: -len(old)]}{new}", used)
        if not used and not is_new:
            changed |= self._forget(old)
            self._read()
            return changed
        self._rename_in_intents(old, new)
        self._rename_in_facts(old, new)
        for table, column in _OF_NODES:
            self._delete(table, column, new)
            where = sa.and_(table.c.organization == self._org, table.c[column] == old)
            self._connection.execute(table.update().where(where).values(**{column: new}))
        self._read()
        return True

    # Inside

    def _forget(self, name: str) -> bool:
        """Drop what was said of a host, and to it; whether there was anything."""
        gone = [self._delete(table, column, name) for table, column in _OF_NODES]
        return any(gone)

    def _rows(self, table: sa.Table) -> Any:
        return self._connection.execute(sa.select(table).where(table.c.organization == self._org))

    def _keys_with(self, name: str) -> list[str]:
        where = sa.and_(leases.c.organization == self._org, leases.c.key.contains(f"/{name}", autoescape=True))
        return [
            key
            for key in self._connection.execute(sa.select(leases.c.key).where(where)).scalars()
            if any(_base(key, kind, name) for kind in GROUPS)
        ]

    def _vapps(self, vm: str) -> Collection[str]:
        """The vApp edge that a VM is behind; where its facts are lost, those that it has a lease behind."""
        if vm in self._facts:
            return {str(self._facts[vm]["vars"].get("vcc_vapp") or "")}
        return [name for name, keys in self._keys.items() if any(key.endswith(f"/{name}/vm/{vm}") for key in keys)]

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
            parts: dict[str, Any] = {
                part: _renamed(intent[part], old, new) for part in BY_NAME if old in intent.get(part, {})
            }
            if old in (*vapps_in(intent).values(), *(intent.get("stretch") or {}).get("members", ())):
                parts["stretch"] = _in_stretch(intent["stretch"], old, new)
            if any(old in rule[end] for rule in intent.get("allow") or () for end in ENDS):
                parts["allow"] = [_in_rule(rule, old, new) for rule in intent["allow"]]
            if intent.get("outside"):
                outside = _in_outside(intent["outside"], old, new)
                parts.update({"outside": outside} if outside != intent["outside"] else {})
            if parts:
                where = sa.and_(vpns.c.organization == self._org, vpns.c.name == vpn)
                self._connection.execute(vpns.update().where(where).values(intent=canonical_json({**intent, **parts})))

    def _rename_in_facts(self, old: str, new: str) -> None:
        for host, facts in self._facts.items():
            if facts["vars"].get("vcc_vapp") == old:
                text = canonical_json({**facts, "vars": {**facts["vars"], "vcc_vapp": new}})
                where = sa.and_(landscape.c.organization == self._org, landscape.c.host == host)
                self._connection.execute(landscape.update().where(where).values(facts=text))

    def _delete(self, table: sa.Table, column: str, name: str) -> bool:
        gone = table.delete().where(table.c.organization == self._org, table.c[column] == name)
        return bool(self._connection.execute(gone).rowcount)


def _renamed(named: Mapping[str, Any], old: str, new: str) -> dict[str, Any]:
    return {new if name == old else name: value for name, value in named.items()}


def _in_stretch(stretch: Mapping[str, Any], old: str, new: str) -> dict[str, Any]:
    vapps = {site: new if vapp == old else vapp for site, vapp in stretch.get("vapps", {}).items()}
    members = sorted(new if vm == old else vm for vm in stretch["members"])
    return {**stretch, "members": members, **({"vapps": vapps} if vapps else {})}


def _in_rule(rule: Mapping[str, Any], old: str, new: str) -> dict[str, Any]:
    return {**rule, **{end: sorted(new if name == old else name for name in rule[end]) for end in ENDS}}


def _in_outside(outside: Mapping[str, Any], old: str, new: str) -> dict[str, Any]:
    members = [new if name == old else name for name in outside.get("members", ())]
    publish = [{**one, "member": new if one["member"] == old else one["member"]} for one in outside.get("publish", ())]
    return {
        **outside,
        **({"members": sorted(members)} if "members" in outside else {}),
        **({"publish": publish} if publish else {}),
    }


def _base(key: str, kind: str, name: str) -> str:
    """The key of a VM or a vApp itself, if a key is of it, or of what is below; a further block's number is no part."""
    words = key.split("/")
    for place in range(2, len(words) - 1, 2):
        if words[place] == kind and words[place + 1].partition("#")[0] == name:
            return "/".join([*words[: place + 1], name])
    return ""


def _is_below(key: str, base: str) -> bool:
    return key == base or key.startswith((f"{base}/", f"{base}#"))
