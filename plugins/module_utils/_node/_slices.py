# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A VCC node's slices: what each organization's nodes in its cloud are told, one file per organization.

Whoever plans for one organization knows nothing of the others, and touches nothing of theirs. Nothing on the node
depends on a slice: there is nothing to activate, to roll back or to restore at boot.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from . import _files
from ._commit import describe
from ._document import Change, Document
from ._facts import installed
from ._state import Busy, Store

DIRECTORY = "organizations"  # below the state directory
ORGANIZATION = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,31}")
FORMAT = 1


def keep(given: dict[str, Any], store: Store, check: bool) -> dict[str, Any]:
    """The result of the module node_slices; one with `msg` is a failure, and nothing was touched then."""
    documents: Sequence[Document] = given["slices"] or []
    wrong = [text for document in documents for text in _wrong(document)]
    if wrong:
        return {"msg": "; ".join(wrong)}
    missing = sorted(set(given["require"]) - set(installed(given["require"])))
    if missing:
        return {"changed": False, "missing_packages": missing}
    try:
        with contextlib.nullcontext() if check else store.lock():
            stale = [] if given["allow_older"] else [text for document in documents for text in _stale(document, store)]
            if stale:
                return {"msg": f"not applied, nothing was touched: {'; '.join(stale)}"}
            changes = [change for document in documents for change in _changes(document, store)]
            for document in documents if changes and not check else ():
                _write(document, store)
    except (Busy, OSError, ValueError) as error:
        return {"msg": f"not applied: {error}"}
    return {"changed": bool(changes), **describe(changes), "missing_packages": []}


def _wrong(document: Document) -> list[str]:
    """What makes it no slice of this version; the organization becomes a directory's name."""
    organization = document.get("organization")
    if document.get("format") != FORMAT:
        return [f"slices: format {document.get('format')} is not {FORMAT}; is the collection older?"]
    if document.get("role") != "vcc_node" or not ORGANIZATION.fullmatch(str(organization)):
        return [f"slices: of {organization!r} is no VCC node's document"]
    return []


def _stale(document: Document, store: Store) -> list[str]:
    now, then = (int(one.get("generation") or 0) for one in (_stored(document, store), document))
    if now <= then:
        return []
    return [
        f"this plan's generation of {document['organization']} is {then}, and the node has {now}: another run was here "
        "meanwhile, so run this one again; or the ledger is an older copy, and vcc_allow_older=true goes back to it"
    ]


def _changes(document: Document, store: Store) -> list[Change]:
    organization, have = document["organization"], _stored(document, store)
    if not document.get("slice"):
        gone = _path(document, store).exists()
        return [Change("slice", f"forget {organization}", before=_text(have))] if gone else []
    if have == document:
        return []
    return [Change("slice", f"store {document['generation']} of {organization}", _text(have), _text(document))]


def _write(document: Document, store: Store) -> None:
    path = _path(document, store)
    if document.get("slice"):
        for directory in (path.parent.parent, path.parent):
            with _files.named(directory):
                directory.mkdir(parents=True, exist_ok=True)
                directory.chmod(0o700)
        _files.write(path, _text(document), 0o600)
        return
    _files.remove(path)
    with contextlib.suppress(OSError):  # others' slices, or somebody else's files, are in it
        for directory in (path.parent, path.parent.parent, store.state):
            directory.rmdir()


def _stored(document: Document, store: Store) -> Document:
    """What the node has of the document's organization; what cannot be read is as if it were not there."""
    try:
        found = json.loads(_files.read(_path(document, store)) or "{}")
    except ValueError:
        found = {}
    return found if isinstance(found, dict) else {}


def _path(document: Document, store: Store) -> Path:
    return store.state / DIRECTORY / str(document["organization"]) / "document.json"


def _text(document: Document) -> str:
    return json.dumps(document, indent=1, sort_keys=True) + "\n" if document else ""
