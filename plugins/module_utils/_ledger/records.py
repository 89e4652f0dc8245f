# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the ledger hands out, and the one way in which it writes JSON."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from .._base.errors import LedgerError
from .packing import LISTS, pack, unpack

PLANNED, ACTIVE, DELETING = "planned", "active", "deleting"
"""A VPN's states (docs/ledger.md): it has not come up yet; it has, and every plan holds it; it is gone from the plan
and not yet from all its nodes."""

# What the records that are kept as JSON have at least: a key's type, [type] for a list of these.
INTENT = {"pool": str, "pool_prefix": str, "members": dict, "topology": dict, "tunnel": str, "policy": dict}
DOCUMENT = {
    **dict.fromkeys(("node", "role", "organization", "cloud"), str),
    **{key: [dict] for key in ("addresses", "routes", "vpns", "tunnels")},
}
FACTS = {"kinds": [str], "clouds": [str], "vars": dict}


def vms_in(intent: Mapping[str, Any]) -> list[str]:
    """The VMs that a stored intent names: members, and members of a network that it stretches."""
    return [*intent["members"], *(intent.get("stretch") or {}).get("members", ())]


@dataclass(frozen=True)
class VpnRecord:
    """One VPN: `number` (1 .. 65535) is unique in the ledger, `state` is PLANNED, ACTIVE or DELETING.

    `up_on` are the org edges that confirmed a PLANNED one, sorted.
    """

    name: str
    number: int
    state: str
    intent: dict[str, Any]
    up_on: tuple[str, ...] = ()


@dataclass(frozen=True)
class DocumentRecord:
    """What one node is told (docs/documents.md): `generation` is the one in which it last changed."""

    node: str
    role: str
    generation: int
    digest: str
    text: str = field(repr=False)

    @property
    def document(self) -> dict[str, Any]:
        """The document itself, read when it is asked for. LedgerError when it is damaged."""
        return _document(self)

    @property
    def has_external(self) -> bool:
        """Whether a tunnel leads to an external edge, or its text says so elsewhere."""
        return '"external":' in self.text

    @property
    def packed(self) -> dict[str, Any]:
        """The same as the ledger keeps it (packing.py): read in a small part of the time. LedgerError likewise."""
        found = read_json(self.text, f"the document of {self.node}", {**DOCUMENT, **dict.fromkeys(LISTS, (list, dict))})
        return {**found, "generation": self.generation}


@lru_cache(maxsize=64)  # those of a small fleet; a thousand of a large one take gigabytes
def _document(record: DocumentRecord) -> dict[str, Any]:
    def whole(found: Any) -> Any:
        return {**unpack(found), "generation": record.generation} if isinstance(found, dict) else found

    found: dict[str, Any] = read_json(record.text, f"the document of {record.node}", DOCUMENT, whole)
    return found


@dataclass(frozen=True)
class EventRecord:
    """One change: `at` is UTC (2026-01-31T12:00:00.000000Z), `detail` holds no secrets."""

    id: int
    at: str
    who: str
    what: str
    subject: str
    detail: dict[str, Any]


_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def canonical_json(data: Any) -> str:
    """Equal data gives equal text: keys sorted, no blanks, characters as they are. TypeError for other than JSON."""
    return _ENCODER.encode(data)


def misshapen(found: Any, shape: Any) -> str:
    """What is wrong with what was JSON; empty if nothing. ``shape``: the keys it has at least, or [type], as above."""
    if isinstance(shape, list):
        return "" if _is(found, shape) else "is not a list"
    if not isinstance(found, dict):
        return "is not a record"
    wrong = [key for key, kind in shape.items() if not _is(found.get(key), kind)]
    return f"is not a whole record ({', '.join(wrong)})" if wrong else ""


def _is(value: Any, kind: Any) -> bool:
    if isinstance(kind, list):
        return isinstance(value, list) and all(isinstance(one, kind[0]) for one in value)
    return isinstance(value, kind)


def read_json(
    text: str, what: str, shape: Any = MappingProxyType({}), then: Callable[[Any], Any] = lambda found: found
) -> Any:
    """JSON of the ledger's own, of a shape as :func:`misshapen` takes it. LedgerError says which record is damaged.

    ``then``: what is made of it first.
    """
    try:
        found = then(json.loads(text))
    except ValueError as error:
        wrong = f"is not JSON ({error})"
    except (LookupError, TypeError) as error:
        wrong = f"is not a whole record ({error})"
    else:
        wrong = misshapen(found, shape)
    if wrong:
        raise LedgerError(f"the ledger is damaged: {what} {wrong}: restore it from a backup with restore_ledger")
    return found


def text_of(document: Mapping[str, Any]) -> str:
    """A document as the ledger keeps it: packed, and without its `generation`, which has a column of its own."""
    return canonical_json(pack({key: value for key, value in document.items() if key != "generation"}))


def digest_of(text: str) -> str:
    """SHA-256, in hexadecimal, of a document as the ledger keeps it."""
    return hashlib.sha256(text.encode()).hexdigest()


def changed_keys(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """The names of the entries that differ: what an event may tell where values might be secret."""
    return sorted(str(key) for key in {*old, *new} if key not in old or key not in new or old[key] != new[key])
