# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Drawings become part of the page: so they take the page's colours, light or dark, and screen readers read their text.

On GitHub the same files are images, with colours of their own (the style in each file).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from docutils import nodes

STYLE = re.compile(r"<style>.*?</style>\s*", re.DOTALL)


def inline(app: Any, tree: nodes.document) -> None:
    """Sphinx's event ``doctree-read``: images of drawings/ are replaced by what is in the file."""
    if app.builder.format != "html":
        return
    for image in list(tree.findall(nodes.image)):
        path = Path(app.srcdir) / image["uri"].lstrip("/")
        if path.parent.name == "drawings" and path.suffix == ".svg":
            text = STYLE.sub("", path.read_text(encoding="utf-8"))
            picture = text[text.index("<svg") :]
            app.env.note_dependency(str(path))
            raw = nodes.raw("", f'<div class="drawing-frame">{picture}</div>', format="html")
            image.parent.replace(image, raw)


def setup(app: Any) -> dict[str, bool]:
    app.connect("doctree-read", inline)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
