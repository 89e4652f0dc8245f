# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a node was told last, read back from it. Changes nothing, and has no secret: documents hold none."""

from __future__ import annotations

import json
from typing import Any

from . import identity
from .document import Document
from .ipsec.certificates import REVOCATIONS
from .state import Store
from .system import files


def recall(store: Store) -> dict[str, Any]:
    """`held`: a record per document, with `document`, the `ledger` and `hash` of its generation, empty where there are
    none, and on an edge the list of revocations (`crl`); `unreadable`: the files that should be documents."""
    held: list[dict[str, Any]] = []
    unreadable: list[str] = []
    name = store.named("current")
    current = store.current()
    if current is not None:
        revoked = files.read(store.at(REVOCATIONS))
        held.append({**_record(current.document, current.files.get(identity.FILE, "")), "crl": revoked})
    elif name:
        unreadable.append(str(store.state / "generations" / name))
    for path in sorted((store.state / identity.ORGANIZATIONS).glob("*/document.json")):
        try:
            held.append(_record(json.loads(files.read(path)), files.read(path.with_name(identity.FILE))))
        except (OSError, ValueError, AttributeError):
            unreadable.append(str(path))
    return {"held": held, "unreadable": unreadable}


def _record(document: Document, lineage: str) -> dict[str, Any]:
    known = identity.identity_of(document, lineage)
    return {"document": document, "ledger": known.ledger, "hash": known.chain}
