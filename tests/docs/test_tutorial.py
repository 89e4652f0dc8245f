# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands of the first lesson are run for real elsewhere: by scripts/demo.sh, or by a scenario on the lab.

Two are not: one is a hint of scripts/demo.sh with its own VPN (scenarios create others), and one reads the journal.
Those of the second lesson, docs/own_fleet.md, are run as they are printed by the scenario own_fleet.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from ansible_collections.intercloud.vpn.tests.docs.pages import ROOT, Block, blocks, commands, words

PAGE = ROOT / "docs/tutorial/lab.md"
SSH = "ssh -F /var/lib/intercloud-vpn/lab/ssh/config "
# What prepares the shell. `make setup` and `make lab-down` are what CI begins and ends with.
PREPARES = re.compile(r"git clone|make (setup|lab-down)$|\. \.venv/bin/activate$")
STORIES = "\n".join(
    file.read_text(encoding="utf-8") for file in sorted((ROOT / "tests").rglob("*.py")) if "docs" not in file.parts
)


def demo() -> list[str]:
    """What scripts/demo.sh runs, and what it tells people to try, as a reader would type it."""
    text = (ROOT / "scripts/demo.sh").read_text(encoding="utf-8")
    text = re.sub(r"\bon (?=vm|edge)", SSH, text.replace("$ssh_config", "/var/lib/intercloud-vpn/lab/ssh/config"))
    return [" ".join(line.split()) for line in text.replace('"$address"', "100.64.0.81").splitlines()]


DEMO = demo()
PRINTED = [command for block in blocks(PAGE) if block.language == "console" for command in commands(block)]


def is_run(command: Block) -> bool:
    text = " ".join(command.text.split())
    if PREPARES.match(text) or any(text in line for line in DEMO):
        return True
    if text.startswith(SSH):  # on a machine: a scenario has it as it is
        there = text.removeprefix(SSH).partition(" ")[2]
        return there in STORIES or there.startswith("journalctl -u intercloud-vpn ")
    (program, *arguments), *more = words(command)
    if program != "ansible-playbook" or more:
        return False
    # A playbook with the same variables, by playbooks.run() or in the scenario own_fleet.
    stem = Path(arguments[-1] if not arguments[-1].startswith("vcc_") else arguments[-3]).stem
    asked = " ".join(f"-e {value}" for option, value in zip(arguments, arguments[1:]) if option == "-e")
    return f'"{stem}{" " + asked if asked else ""}")' in STORIES


def test_the_page_has_commands() -> None:
    assert len(PRINTED) > 10


@pytest.mark.parametrize("command", PRINTED, ids=lambda command: command.text[:70])
def test_it_is_run_for_real(command: Block) -> None:
    assert is_run(command), "neither scripts/demo.sh nor a scenario runs this"


def test_the_intent_is_that_of_the_lab() -> None:
    (shown,) = (yaml.safe_load(block.text) for block in blocks(PAGE) if block.language == "yaml")
    there = yaml.safe_load((ROOT / "inventories/lab/group_vars/all.yml").read_text(encoding="utf-8"))
    assert shown == {name: there[name] for name in shown}


def test_the_plan_that_is_shown_is_the_one_of_the_readme() -> None:
    """Which people compare with what they see. tests/testinfra/default has the real one."""
    readme = set((ROOT / "README.md").read_text(encoding="utf-8").splitlines())
    shown = [line for block in blocks(PAGE) if block.language == "text" for line in block.text.splitlines()]
    assert len(shown) > 10 and [line for line in shown if line not in readme] == []
