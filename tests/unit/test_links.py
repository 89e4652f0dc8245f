# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Links lead somewhere. Galaxy shows READMEs without the repository around them, so theirs are absolute."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
GALAXY = yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))
REPOSITORY = GALAXY["repository"]
IN_TREE = re.compile(rf"{re.escape(REPOSITORY)}/(?:blob|tree)/main/([\w./-]+)(?:#([\w-]+))?")
LINK = re.compile(r"\]\(([^)\s]+)\)")
SCHEME = re.compile(r"[a-z]+:")
# The reference links to pages that are generated: tests/docs looks at the whole site.
LISTED = ["git", "ls-files", "-co", "--exclude-standard", "*.md", ":!docs/reference"]
PAGES = [ROOT / path for path in subprocess.check_output(LISTED, cwd=ROOT, text=True).split()]


def anchors(page: Path) -> set[str]:
    """What GitHub calls the headings of a page."""
    lines = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL).splitlines()
    headings = [line.lstrip("#").strip().lower() for line in lines if line.startswith("#")]
    return {re.sub(r"[^\w\- ]", "", heading).replace(" ", "-") for heading in headings}


def dangling(page: Path) -> Iterator[str]:
    """The links into the tree that lead nowhere."""
    text = page.read_text(encoding="utf-8")
    targets = [(ROOT / path, anchor) for path, anchor in IN_TREE.findall(text)]
    for link in LINK.findall(text):
        if not SCHEME.match(link):
            path, _hash, anchor = link.partition("#")
            targets.append((page.parent / path if path else page, anchor))
    for path, anchor in targets:
        if not path.exists() or (anchor and anchor not in anchors(path)):
            yield f"{path.resolve().relative_to(ROOT)}#{anchor}"


@pytest.mark.parametrize("page", [pytest.param(page, id=str(page.relative_to(ROOT))) for page in PAGES])
def test_links_lead_somewhere(page: Path) -> None:
    assert [*dangling(page)] == []


def test_links_of_readmes_are_absolute() -> None:
    pages = [ROOT / "README.md", *ROOT.glob("roles/*/README.md")]
    relative = {
        str(page): [link for link in LINK.findall(page.read_text()) if not SCHEME.match(link)] for page in pages
    }
    assert {page: [link for link in links if link[0] != "#"] for page, links in relative.items()} == {
        str(page): [] for page in pages
    }


def test_a_release_says_where_it_is_from() -> None:
    assert all(GALAXY[name].startswith(REPOSITORY) for name in ("documentation", "homepage", "issues"))
