# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files that the page is made of, as they are shipped."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.intercloud.vpn.plugins.module_utils._page.page import Parts

FOLDER = Path(__file__).parent / "page"
LAYOUT = FOLDER / "elkjs" / "elk-worker.min.js"
# In this order: what a file uses when it is read comes before it.
SCRIPTS = (
    "base",
    "data",
    "layout",
    "draw",
    "map",
    "filter",
    "panel",
    "matrix",
    "lists",
    "prefixes",
    "topologies",
    "intent",
    "change",
    "checks",
    "compose",
    "main",
)


def parts() -> Parts:
    """The template, the style, the scripts and the library. OSError where the collection is not whole."""
    return Parts(
        (FOLDER / "page.html").read_text(encoding="utf-8"),
        (FOLDER / "page.css").read_text(encoding="utf-8"),
        tuple((FOLDER / "js" / f"{name}.js").read_text(encoding="utf-8") for name in SCRIPTS),
        LAYOUT.read_bytes(),
    )
