# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A VCC node's slices: what each organization's nodes in its cloud are told, one file per organization.

Whoever plans for one organization knows nothing of the others, and touches nothing of theirs. Nothing on the node
depends on a slice: there is nothing to activate, to roll back or to restore at boot.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from . import identity
from .commit import describe
from .document import Change, Document
from .metrics import slices as metrics
from .metrics.places import SLICES
from .state import Busy, Store
from .system import files, packages

DIRECTORY = identity.ORGANIZATIONS  # below the state directory
_DIRECTORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,31}", re.ASCII)  # no path, whatever the VCC server let pass
FORMAT = 1


def keep(given: dict[str, Any], store: Store, check: bool) -> dict[str, Any]:
    """The result of the module node_slices; one with `msg` is a failure, and nothing was touched then."""
    documents: Sequence[Document] = given["slices"] or []
    wrong = [text for document in documents for text in _wrong(document)]
    if wrong:
        return {"msg": "; ".join(wrong)}
    try:
        missing = packages.missing(given["require"])
    except packages.UnknownFamily as error:
        return {"msg": f"not applied, nothing was touched: {error}"}
    if missing:
        return {"changed": False, "missing_packages": missing, "family": packages.family()}
    try:
        with contextlib.nullcontext() if check else store.lock():
            refused = [text for document in documents for text in _refused(document, given, store)]
            if refused:
                return {"msg": f"not applied, nothing was touched: {'; '.join(dict.fromkeys(refused))}"}
            lineages = {name: identity.stored(one) for name, one in (given.get("lineage") or {}).items()}
            new = [(document, lineages.get(document["organization"], {})) for document in documents]
            changes = [change for document, lineage in new for change in _changes(document, lineage, store)]
            told = metrics.wanted(_after(documents, store), store)
            if told != metrics.have(store):
                changes.append(Change("metrics", f"write {SLICES}" if told else f"remove {SLICES}"))
            for document, lineage in new if changes and not check else ():
                _write(document, lineage, store)
            if changes and not check:
                metrics.write(told, store)
    except (Busy, OSError, ValueError) as error:
        return {"msg": f"not applied: {error}"}
    return {"changed": bool(changes), **describe(changes), "missing_packages": []}


def _after(documents: Sequence[Document], store: Store) -> list[Document]:
    """All slices that the node holds once it has these."""
    held = {path.parent.name: _read(path) for path in (store.state / DIRECTORY).glob("*/document.json")}
    held.update({str(document["organization"]): document for document in documents})
    return [document for document in held.values() if document.get("slice")]


def _wrong(document: Document) -> list[str]:
    """What makes it no slice of this version; the organization becomes a directory's name."""
    organization = document.get("organization")
    if document.get("format") != FORMAT:
        return [f"slices: format {document.get('format')} is not {FORMAT}; is the collection older?"]
    if document.get("role") != "vcc_node" or not _DIRECTORY.fullmatch(str(organization)):
        return [f"slices: of {organization!r} is not a VCC node's document"]
    return []


def _refused(document: Document, given: dict[str, Any], store: Store) -> list[str]:
    """Why a document is not for this node, or does not follow what it has."""
    stranger = identity.stranger(document, store, given.get("adopt") or ())
    if stranger:
        return [stranger]
    have = _stored(document, store)
    if not have or given["allow_older"] or have.get("node") != document["node"]:
        return []
    known = identity.identity_of(have, files.read(_lineage_path(document, store)))
    lineage = (given.get("lineage") or {}).get(document["organization"])
    wrong = identity.descends(int(document.get("generation") or 0), lineage, known)
    return [f"{document['organization']}: {wrong}"] if wrong else []


def _changes(document: Document, lineage: dict[str, str], store: Store) -> list[Change]:
    organization, have = document["organization"], _stored(document, store)
    if not document.get("slice"):
        gone = _path(document, store).exists()
        return [Change("slice", f"forget {organization}", before=_text(have))] if gone else []
    if have == document and (not lineage or files.read(_lineage_path(document, store)) == lineage[identity.FILE]):
        return []
    return [Change("slice", f"store {document['generation']} of {organization}", _text(have), _text(document))]


def _write(document: Document, lineage: dict[str, str], store: Store) -> None:
    path = _path(document, store)
    if document.get("slice"):
        for directory in (path.parent.parent, path.parent):
            files.directory(directory, 0o700)
        # The lineage last: with an older one, the node takes what it was about to be given.
        files.write(path, _text(document), 0o600)
        if lineage:
            files.write(_lineage_path(document, store), lineage[identity.FILE], 0o600)
        return
    for gone in (path, _lineage_path(document, store)):
        gone.unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # others' slices, or somebody else's files, are in it
        for directory in (path.parent, path.parent.parent, store.state):
            directory.rmdir()


def _stored(document: Document, store: Store) -> Document:
    """What the node has of the document's organization."""
    return _read(_path(document, store))


def _read(path: Path) -> Document:
    """A stored slice; what cannot be read is as if it were not there."""
    try:
        found = json.loads(files.read(path) or "{}")
    except ValueError:
        found = {}
    return found if isinstance(found, dict) else {}


def _path(document: Document, store: Store) -> Path:
    return store.state / DIRECTORY / str(document["organization"]) / "document.json"


def _lineage_path(document: Document, store: Store) -> Path:
    return _path(document, store).with_name(identity.FILE)


def _text(document: Document) -> str:
    return json.dumps(document, indent=1, sort_keys=True) + "\n" if document else ""


def digest(document: Document, lineage: Mapping[str, Any] | None) -> str:
    """What the survey tells of a node that has this slice; empty for a document whose lineage is not known."""
    known = identity.stored(dict(lineage)).get(identity.FILE) if lineage else None
    whole = document.get("slice") and known
    return hashlib.sha256(f"{_text(document)}{known}".encode()).hexdigest() if whole else ""
