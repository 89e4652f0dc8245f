# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pages are plain Markdown, which GitHub shows as well. Here they become pages of the site.

- An index page's links are its table of contents, in their order. No directive is needed.
- A link to a file outside docs/ leads to that file in the repository.
- ``<!-- site: text -->`` is text of the site only: links to pages that the build generates.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

REPOSITORY = "https://github.com/intercloud/vpn/blob/main/"
LINK = re.compile(r"(?<!!)\[(?P<text>[^\]\[]*)\]\((?P<target>[^)\s#]*)(?P<anchor>#[^)\s]*)?\)")
SITE_ONLY = re.compile(r"<!-- site: (.*?) -->", re.DOTALL)
CODE = re.compile(r"^(```.*?^```$)", re.DOTALL | re.MULTILINE)


def site_only(text: str) -> str:
    """The text with what only the site shows."""
    return SITE_ONLY.sub(r"\1", text)


def outward(text: str, page: str) -> str:
    """The text of a page (``folder/name``), its links to files outside docs/ led into the repository."""

    def led(match: re.Match[str]) -> str:
        target = match["target"]
        if not target or "://" in target or target.startswith("mailto:"):
            return match[0]
        path = posixpath.normpath(posixpath.join("docs", posixpath.dirname(page), target))
        if path.startswith("docs/"):
            return match[0]
        return f"[{match['text']}]({REPOSITORY}{path}{match['anchor'] or ''})"

    parts = CODE.split(text)
    return "".join(part if CODE.match(part) else LINK.sub(led, part) for part in parts)


def listed(text: str, page: str) -> list[str]:
    """The pages that an index page links to, each once, in their order, without their endings."""
    found = []
    for match in LINK.finditer(CODE.sub("", text)):
        target = posixpath.normpath(posixpath.join(posixpath.dirname(page), match["target"]))
        name, ending = posixpath.splitext(target)
        if "://" not in match["target"] and ending in (".md", ".rst") and not name.startswith("..") and name != page:
            found.append(name)
    return list(dict.fromkeys(found))


def with_contents(text: str, page: str) -> str:
    """The text of an index page with its table of contents, which readers see beside the page."""
    if posixpath.basename(page) != "index":
        return text
    names = listed(text, page)
    if page == "index":  # sections only; their own pages have the rest
        names = [
            name for name in names if name.endswith("/index") or name in ("troubleshooting", "comparison", "glossary")
        ]
    return "\n".join((text, "```{toctree}", ":hidden:", "", *(f"/{name}" for name in names), "```", ""))


def convert(_app: Any, page: str, source: list[str]) -> None:
    """Sphinx's event ``source-read``."""
    if not (Path(_app.srcdir) / f"{page}.md").exists():
        return
    source[0] = with_contents(outward(site_only(source[0]), page), page)


def setup(app: Any) -> dict[str, bool]:
    app.connect("source-read", convert)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
