# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All that a node keeps in its catalog, for uninstall, which removes it."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path

from ..document import Change
from ..state import Store
from ..system import files
from .places import LEDGER, catalog_of


def others(store: Store, ledger: str) -> dict[str, str]:
    """The organizations whose templates are of other ledgers than this, each with its ledger."""
    known = {path.parent.name: files.read(path).strip() for path in catalog_of(store).glob(f"*/{LEDGER}")}
    return {organization: its for organization, its in sorted(known.items()) if its and its != ledger}


def remove(store: Store, check: bool) -> list[Change]:
    """Remove all of it; returns what goes."""
    catalog = catalog_of(store)
    if not (catalog.is_dir() or catalog.is_symlink()):
        return []
    changes = [Change("catalog", f"remove {path.parent.name}/{path.name}") for path in _templates(catalog)]
    if not check:
        with files.named(catalog):
            if catalog.is_symlink():
                catalog.unlink()
            else:
                shutil.rmtree(catalog)
        with contextlib.suppress(OSError):  # the ledger of a VCC server is in it, or what was installed
            store.state.rmdir()
    return changes or [Change("catalog", f"remove {catalog}")]


def _templates(catalog: Path) -> list[Path]:
    return [path for path in sorted(catalog.glob("*/*")) if path.is_dir() and not path.parent.is_symlink()]
