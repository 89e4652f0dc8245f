# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the reference has beside docs/: ``generated.py build/docs/reference``.

- plugins/index.rst, which antsibull-docs wrote, gets short names for the table of contents.
- playbooks.md is the section *Playbooks* of the README.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# The theme has the contents of a page beside it.
CONTENTS = re.compile(r"^\.\. contents::\n(?:   .*\n)+", re.MULTILINE)
DOCS = re.compile(r"\[docs/[^\]]*\]\(https://github\.com/intercloud/vpn/blob/main/docs/([^)]*)\)")
TITLE = re.compile(r"\A(.*?\n)Intercloud\.Vpn\n=+\n", re.DOTALL)


def contents(names: list[str]) -> str:
    """A table of contents, roles first. ``names``: the pages, ``<name>_<kind>``."""
    split = [name.rpartition("_") for name in sorted(names)]
    ordered = sorted(split, key=lambda each: (each[2] != "role", each[2] == "module", each[0]))
    entries = [f"   {name} ({kind}) <{name}_{kind}>" for name, _dash, kind in ordered]
    return "\n".join(("", ".. toctree::", "   :hidden:", "", *entries, ""))


def playbooks(readme: str) -> str:
    """A page out of the README's section."""
    section = re.search(r"^## Playbooks\n(.*?)(?=^## )", readme, re.DOTALL | re.MULTILINE)
    if section is None:
        raise SystemExit("docs: README.md has no section Playbooks")
    # A link without text gets the title of its page. The README's links are whole, for readers on Galaxy.
    return "# Playbooks\n" + DOCS.sub(r"[](../\1)", section[1])


def write(path: Path, text: str) -> None:
    """Only what differs, so that Sphinx reads no page in vain."""
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def main(reference: Path) -> None:
    plugins = reference / "plugins"
    for page in plugins.glob("*.rst"):
        write(page, CONTENTS.sub("", page.read_text(encoding="utf-8")))
    index = TITLE.sub(r"\1Plugins and roles\n=================\n", (plugins / "index.rst").read_text(encoding="utf-8"))
    others = {"index", "environment_variables"}
    write(
        plugins / "index.rst",
        index + contents([page.stem for page in plugins.glob("*.rst") if page.stem not in others]),
    )
    write(reference / "playbooks.md", playbooks((ROOT / "README.md").read_text(encoding="utf-8")))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
