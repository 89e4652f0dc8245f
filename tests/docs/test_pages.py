# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Links lead somewhere, each page is in an index, and drawings can be read by everybody."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from ansible_collections.intercloud.vpn.tests.docs.pages import FENCE, LINK, PAGES, ROOT, anchors

DRAWINGS = sorted((ROOT / "docs/drawings").glob("*.svg"))
SVG = "{http://www.w3.org/2000/svg}"


def links(page: Path) -> list[tuple[str, str]]:
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    return [(match["target"], match["anchor"] or "") for match in LINK.finditer(text)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    wrong = []
    for target, anchor in links(page):
        if "://" in target or target.startswith("mailto:"):
            continue
        # Two places of the reference are generated: the site has them, GitHub does not.
        if (
            page.name == "index.md"
            and page.parent.name == "reference"
            and target in ("playbooks.md", "plugins/index.rst")
        ):
            continue
        file = (page.parent / target).resolve() if target else page
        if not file.exists() or (anchor and file.suffix == ".md" and anchor not in anchors(file)):
            wrong.append(f"{target}#{anchor}")
    assert wrong == []


def test_every_page_is_in_one_section() -> None:
    """Else readers of the site do not find it. Add it to docs/howto/index.md, or to the index of another section."""
    found: set[Path] = {ROOT / "docs/index.md"}
    for page in PAGES:
        if page.name == "index.md" and page.is_relative_to(ROOT / "docs"):
            found |= {(page.parent / target).resolve() for target, _anchor in links(page) if target.endswith(".md")}
    assert [str(page.relative_to(ROOT)) for page in PAGES if page not in found and page.parent != ROOT] == []


@pytest.mark.parametrize("drawing", DRAWINGS, ids=lambda drawing: drawing.stem)
def test_a_drawing_has_a_title_a_description_and_both_styles(drawing: Path) -> None:
    tree = ElementTree.parse(drawing).getroot()
    told = {each.get("id"): "".join(each.itertext()) for each in tree if each.tag in (SVG + "title", SVG + "desc")}
    assert tree.get("role") == "img"
    assert all(len(told[name]) > 20 for name in tree.attrib["aria-labelledby"].split())
    text = drawing.read_text(encoding="utf-8")
    assert "prefers-color-scheme: dark" in text
    # A colour of its own would be wrong in one of the styles.
    assert re.findall(r'(?:fill|stroke)="(?!none)', text) == []
    assert not re.search(r'(?:href|src)="https?:', text)


def test_drawings_share_their_style() -> None:
    styles = {re.search(r"<style>.*?</style>", each.read_text(encoding="utf-8"), re.DOTALL)[0] for each in DRAWINGS}  # type: ignore[index]
    assert len(styles) == 1
    page = (ROOT / "docs/_static/site.css").read_text(encoding="utf-8")
    used = {
        name for each in DRAWINGS for text in re.findall(r'class="([^"]+)"', each.read_text()) for name in text.split()
    }
    assert {name for name in used - {"drawing"} if f"svg.drawing .{name} " not in page} == set()


def test_drawings_are_shown_with_a_text() -> None:
    shown = [re.findall(r"!\[([^\]]*)\]\(([^)]*\.svg)\)", page.read_text(encoding="utf-8")) for page in PAGES]
    assert {Path(target).stem for each in shown for _text, target in each} == {drawing.stem for drawing in DRAWINGS}
    assert all(len(text) > 20 for each in shown for text, _target in each)
