# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan's files on the controller: plan.json, and beside it one document per node, and each VM's probes."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ansible_collections.intercloud.vpn.plugins.module_utils._base.errors import VccError

SLICES = "slices.json"  # beside the plan: {VCC node: {organization: digest of what it was found to have}}


class Documents(Mapping[str, Mapping[str, Any]]):
    """node -> document, each read when it is asked for: one VM's probes need two of a thousand."""

    def __init__(self, directory: str | Path) -> None:
        self._directory = Path(directory)
        self._read: dict[str, Mapping[str, Any]] = {}

    def __getitem__(self, node: str) -> Mapping[str, Any]:
        if node not in self._read:
            path = self._directory / f"{node}.json"
            if not path.is_file():
                raise KeyError(node)
            self._read[node] = _load(path)
        return self._read[node]

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(path.stem for path in self._directory.glob("*.json")))

    def __len__(self) -> int:
        return len(list(iter(self)))


def load_plan(path: str) -> tuple[Mapping[str, Any], Documents]:
    """The plan's summary and its documents."""
    plan = _load(Path(os.path.expanduser(path)))
    for key, kind in (("documents_dir", str), ("vpns", list), ("members", list)):
        if not isinstance(plan.get(key), kind):
            raise VccError(f"{path}: {key} is missing: not a plan of this version; run plan_vpn again")
    return plan, Documents(plan["documents_dir"])


def document_of(directory: Any, node: str) -> dict[str, Any] | None:
    """A node's document in a directory of them; None where the plan has none for it."""
    if not directory:
        raise VccError("one of documents and document is required")
    folder = Path(str(directory)).expanduser()
    if not folder.is_dir():
        raise VccError(f"documents: {folder} is not a directory")
    path = folder / f"{node}.json"
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise VccError(f"documents: {path}: {error}") from error
    if not isinstance(found, dict):
        raise VccError(f"documents: {path} holds no document")
    return found


def lineage_beside(directory: str | Path, name: str) -> Mapping[str, Any] | None:
    """What a document of the plan in ``directory`` descends from; None for documents that came from no ledger."""
    path = Path(os.path.expanduser(directory)).parent / "lineage" / f"{name}.json"
    return _load(path) if path.is_file() else None


def digests_beside(directory: str | Path, node: str) -> Mapping[str, str]:
    """What a VCC node was found to have when the plan in ``directory`` was made; nothing where nobody asked."""
    found = kept(Path(os.path.expanduser(directory)).parent / SLICES) or {}
    return found.get(node) or {}


def keep(path: Path, content: Any) -> None:
    """Write what only this run reads: no need to wait for the disk."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        os.fchmod(handle, 0o600)
        json.dump(content, file)


def kept(path: Path) -> Any:
    """What :func:`keep` wrote; None where nothing was."""
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


def _load(path: Path) -> Mapping[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise VccError(f"{path}: there is no such file; run plan_vpn first") from None
    except (OSError, ValueError) as error:
        raise VccError(f"{path}: cannot be read: {error}") from error
    if not isinstance(content, dict):
        raise VccError(f"{path}: must hold a mapping")
    return content
