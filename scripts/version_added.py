# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A version_added that no release had becomes the version that is cut: version_added.py TREE VERSION.

Who adds an option does not know which version will have it, and may guess.
"""

import re
import sys
from pathlib import Path

import yaml

ADDED = re.compile(r"""(?P<key>\bversion_added: *)(?P<quote>["']?)(?P<version>\d+\.\d+\.\d+[\w.-]*)(?P=quote)""")


def documented(tree: Path) -> list[Path]:
    """The files with documentation of plugins and roles."""
    return [*sorted((tree / "plugins").rglob("*.py")), *sorted((tree / "roles").glob("*/meta/argument_specs.yml"))]


def released(tree: Path) -> set[str]:
    """The versions of the changelog."""
    text = (tree / "changelogs/changelog.yaml").read_text(encoding="utf-8")
    return set(yaml.safe_load(text)["releases"])


def said(text: str) -> set[str]:
    """The versions that a file names."""
    return {found["version"] for found in ADDED.finditer(text)}


def corrected(text: str, known: set[str], version: str) -> str:
    """The text of a file, with `version` in place of all that are not known."""
    return ADDED.sub(
        lambda found: (
            found[0] if found["version"] in known else f"{found['key']}{found['quote']}{version}{found['quote']}"
        ),
        text,
    )


def main() -> None:
    """Correct the tree's files."""
    tree, version = Path(sys.argv[1]), sys.argv[2]
    known = released(tree) | {version}
    for file in documented(tree):
        text = file.read_text(encoding="utf-8")
        if said(text) - known:
            file.write_text(corrected(text, known, version), encoding="utf-8")


if __name__ == "__main__":
    main()
