# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A version_added that no release had becomes the version that is cut: version_added.py TREE VERSION.

Who adds an option does not know which version will have it, and may guess.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import yaml

ADDED = re.compile(r"""(\bversion_added: *)(["']?)(\d+\.\d+\.\d+[\w.-]*)\2""")


def documented(tree: Path) -> Iterator[Path]:
    """The files with documentation of plugins and roles."""
    yield from sorted((tree / "plugins").rglob("*.py"))
    yield from sorted((tree / "roles").glob("*/meta/argument_specs.yml"))


def released(tree: Path) -> set[str]:
    """The versions of the changelog."""
    text = (tree / "changelogs/changelog.yaml").read_text(encoding="utf-8")
    return set(yaml.safe_load(text)["releases"])


def never_released(tree: Path, version: str) -> Iterator[tuple[Path, str]]:
    """Each file that says a version which is neither released nor this one, and what it says."""
    known = released(tree) | {version}
    for file in documented(tree):
        for _name, _quote, found in ADDED.findall(file.read_text(encoding="utf-8")):
            if found not in known:
                yield file, found


def main() -> None:
    """Replace them, in the tree's files."""
    tree, version = Path(sys.argv[1]), sys.argv[2]
    for file in dict.fromkeys(file for file, _found in never_released(tree, version)):
        known = released(tree) | {version}
        text = file.read_text(encoding="utf-8")
        file.write_text(
            ADDED.sub(lambda found: found[0] if found[3] in known else f"{found[1]}{found[2]}{version}{found[2]}", text),
            encoding="utf-8",
        )


if __name__ == "__main__":
    main()
