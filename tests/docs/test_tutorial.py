# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the first lesson shows. tests/lesson goes through it, and the scenario own_fleet through the second one."""

from __future__ import annotations

import re

import pytest
import yaml

from ansible_collections.intercloud.vpn.tests.docs.pages import ROOT, blocks, commands

PAGE = ROOT / "docs/tutorial/lab.md"
PRINTED = {
    " ".join(one.text.split()) for block in blocks(PAGE) if block.language == "console" for one in commands(block)
}


def hints() -> list[str]:
    """What scripts/demo.sh tells people to try at its end, as they would type it."""
    text = (
        (ROOT / "scripts/demo.sh").read_text(encoding="utf-8").partition("What to try next:\n")[2].partition("END")[0]
    )
    lines = re.sub(r" +#.*", "", text.replace("$ssh_config", "/var/lib/intercloud-vpn/lab/ssh/config")).splitlines()
    return [" ".join(line.split()) for line in lines if line.strip()]


@pytest.mark.parametrize("hint", hints())
def test_what_the_demo_tells_to_try_is_in_the_lesson(hint: str) -> None:
    """Which is tried. That a login alone works, other lines show."""
    assert [line for line in PRINTED if line == hint or line.startswith(f"{hint} ")]


def test_the_intent_is_that_of_the_lab() -> None:
    (shown,) = (yaml.safe_load(block.text) for block in blocks(PAGE) if block.language == "yaml")
    there = yaml.safe_load((ROOT / "inventories/lab/group_vars/all.yml").read_text(encoding="utf-8"))
    assert shown == {name: there[name] for name in shown}


def test_the_plan_that_is_shown_is_the_one_of_the_readme() -> None:
    """Which people compare with what they see. tests/testinfra/default has the real one."""
    readme = set((ROOT / "README.md").read_text(encoding="utf-8").splitlines())
    shown = [line for block in blocks(PAGE) if block.language == "text" for line in block.text.splitlines()]
    assert len(shown) > 10 and [line for line in shown if line not in readme] == []
