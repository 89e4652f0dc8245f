# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a VCC node tells node_exporter. It has no agent: a run that stores slices writes the file, as nothing else
changes what it says."""

from __future__ import annotations

import os
from collections.abc import Iterable

from ..document import Document
from ..state import Store
from ..system import files
from .exposition import Family, Sample, text
from .places import DIRECTORY, SLICES


def wanted(slices: Iterable[Document], store: Store) -> str:
    """What the file shall have: of each organization's slice, by name; empty without any, or without node_exporter."""
    if not os.path.isdir(store.at(DIRECTORY)):
        return ""
    generations, nodes = [], []
    for one in sorted(slices, key=lambda one: str(one.get("organization"))):
        labels = {key: str(one.get(key, "")) for key in ("node", "organization", "cloud")}
        generations.append(Sample(int(one.get("generation") or 0), labels))
        nodes.append(Sample(len(one.get("slice") or {}), labels))
    return text(
        [
            Family("slice_generation", "gauge", "The generation of the slice that a VCC node holds.", generations),
            Family("slice_nodes", "gauge", "How many nodes of the cloud the slice is about.", nodes),
        ]
    )


def have(store: Store) -> str:
    """What the file has; empty if there is none."""
    return files.read(store.at(SLICES))


def write(content: str, store: Store) -> None:
    """Make it so; no file without content."""
    if content:
        files.write(store.at(SLICES), content, 0o644)
    else:
        store.at(SLICES).unlink(missing_ok=True)
