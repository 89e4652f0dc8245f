# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The site that `make docs` builds: complete, searchable, and readable without a network."""

from __future__ import annotations

import re
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest

from ansible_collections.intercloud.vpn.tests.docs.pages import PAGES, ROOT

SITE = ROOT / "build/site"
LOADS = {"script": "src", "img": "src", "iframe": "src", "source": "src", "link": "href", "use": "href"}


@pytest.fixture(scope="module", autouse=True)
def site() -> Path:
    """As scripts/test.sh has built it; else it is built now."""
    if not (SITE / "index.html").exists():
        subprocess.run([ROOT / "scripts/docs.sh"], check=True)
    return SITE


class Loaded(HTMLParser):
    """What a page loads by itself; a link that a reader may follow is none of it."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in LOADS and given.get("rel") not in ("canonical", "next", "prev"):
            self.found.append(given.get(LOADS[tag]) or "")


def test_every_page_is_in_it() -> None:
    names = [
        page.relative_to(ROOT / "docs").with_suffix(".html") for page in PAGES if page.is_relative_to(ROOT / "docs")
    ]
    assert [str(name) for name in names if not (SITE / name).exists()] == []


def test_every_plugin_and_role_has_a_page() -> None:
    pages = {file.stem for file in (SITE / "reference/plugins").glob("*.html")}
    roles = {f"{path.name}_role" for path in (ROOT / "roles").iterdir()}
    modules = {f"{path.stem}_module" for path in (ROOT / "plugins/modules").glob("[a-z]*.py")}
    filters = {f"{path.stem}_filter" for path in (ROOT / "plugins/filter").glob("[a-z]*.py")}
    assert roles | modules | filters <= pages


def test_no_page_loads_anything_from_elsewhere() -> None:
    wrong = {}
    for page in SITE.rglob("*.html"):
        loaded = Loaded()
        loaded.feed(page.read_text(encoding="utf-8"))
        if elsewhere := [url for url in loaded.found if url.startswith(("http:", "https:", "//"))]:
            wrong[page.name] = elsewhere
    assert wrong == {}
    styles = [file for file in SITE.rglob("*.css") if re.search(r"url\([\"']?(?:https?:)?//|@import", file.read_text())]
    assert styles == []


def test_no_link_leaves_the_site_for_a_page_that_it_has() -> None:
    outside = re.compile(r'href="https://github\.com/intercloud/vpn/blob/main/docs/')
    assert [page.name for page in SITE.rglob("*.html") if outside.search(page.read_text(encoding="utf-8"))] == []


def test_the_search_knows_the_words() -> None:
    index = (SITE / "searchindex.js").read_text(encoding="utf-8")
    assert all(f'"{word}":' in index or f"{word}:" in index for word in ("wireguard", "vcc_underlay_mtu", "rollback"))


def test_drawings_are_part_of_their_pages() -> None:
    page = (SITE / "explanation/sites.html").read_text(encoding="utf-8")
    assert '<svg class="drawing"' in page and "<title" in page
    assert "<style>" not in page[page.index('<svg class="drawing"') :].partition("</svg>")[0]
