# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the first lesson shows. tests/lesson goes through it, and the scenario own_fleet through the second one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from ansible_collections.intercloud.vpn.plugins.plugin_utils._lab import MACHINES_PER_CLOUD
from ansible_collections.intercloud.vpn.tests.docs.pages import ROOT, blocks, commands
from ansible_collections.intercloud.vpn.tests.lesson.shown import lacking

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


# Can the lesson's test pass while the page is wrong? What only the page can say, a lab does not tell.
BEGUN = (
    "git clone https://github.com/intercloud/vpn intercloud-vpn && cd intercloud-vpn",
    "make setup",
    ". .venv/bin/activate",
)
SECTIONS = {
    "1": "lab_up.yml",
    "3": "plan_vpn.yml",
    "4": "create_vpn.yml",
    "5": "swanctl --list-sas",
    "6": "nft delete table",
    "7": "create_vpn.yml -e",
    "8": "delete_vpn.yml",
}


def wrong(page: Path) -> list[str]:
    """What of the page tests/lesson would not miss, or would not run."""
    found, text = [], page.read_text(encoding="utf-8")
    every = [*blocks(page)]
    found += [f"{block.language} is not run" for block in every if block.language not in ("console", "text", "yaml")]
    lines = [line for block in every if block.language == "console" for line in block.text.splitlines()]
    found += [f"{line} is not a command" for line in lines if not line.startswith("$ ")]
    found += [] if [line[2:] for line in lines[:3]] == [*BEGUN] else [f"begins with {lines[:3]}"]
    alone = [one for one, other in zip(every, every[1:]) if other.language == "text" and one.language != "console"]
    found += [f"what is printed after line {one.line} is of no command" for one in alone]
    parts = {part[0]: part for part in re.split(r"^## ", text, flags=re.MULTILINE)[1:]}
    found += [f"section {key} does not {what}" for key, what in SECTIONS.items() if what not in parts.get(key, "")]
    pinged = {line.split()[-1] for line in lines if " ping " in line}
    planned = set(re.findall(r"member vm1-west (\S+) ", text))
    found += [] if pinged == planned else [f"pings {pinged} and not {planned}"]
    many = ("", "one", "two", "three", "four", "five", "six", "seven")[len(MACHINES_PER_CLOUD)]
    found += [] if f"of {many} Debian" in " ".join(text.split()) else [f"there are {many} machines in a cloud"]
    return found


def test_the_lesson_is_run_whole() -> None:
    assert wrong(PAGE) == []


@pytest.mark.parametrize(
    ("there", "planted"),
    [
        ("$ make setup\n", ""),
        ("intercloud-vpn && cd intercloud-vpn", "intercloud-vpn && cd vpn"),
        (
            "```console\n$ ansible-playbook -i inventories/lab create_vpn.yml\n",
            "```bash\nansible-playbook create_vpn.yml\n",
        ),
        ("$ ansible-playbook -i inventories/lab playbooks/plan_vpn.yml", "ansible-playbook playbooks/plan_vpn.yml"),
        ("vm1-east ping -c 3 -i 0.2 -q 100.64.0.81", "vm1-east ping -c 3 -i 0.2 -q 100.64.0.66"),
        ("edge-east swanctl --list-sas", "edge-east true"),
        ("edge-east nft delete table inet intercloud_vpn", "edge-east true"),
        ("$ ansible-playbook -i inventories/lab playbooks/delete_vpn.yml -e vcc_delete=payroll\n", ""),
        ("of six Debian", "of five Debian"),
        ("```text\nmembers:", "```yaml\n{}\n```\n```text\nmembers:"),
    ],
)
def test_a_planted_error_is_found(there: str, planted: str, tmp_path: Path) -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert there in text
    (tmp_path / "lab.md").write_text(text.replace(there, planted, 1), encoding="utf-8")
    assert wrong(tmp_path / "lab.md")


SAID = "before\n\na: 1  \nb: 2\n\nc: 3\nafter\n"


@pytest.mark.parametrize(
    ("shown", "lacks"),
    [
        ("a: 1\nb: 2\nc: 3", []),
        ("", []),
        ("a: 1\nb: 3", ["b: 3"]),
        ("b: 2\na: 1", ["b: 2", "a: 1"]),
        ("a: 1\nc: 3", ["a: 1", "c: 3"]),
        ("b: 2\nb: 2", ["b: 2", "b: 2"]),
    ],
)
def test_what_is_shown_is_what_is_printed_and_in_its_order(shown: str, lacks: list[str]) -> None:
    assert lacking(shown, SAID) == lacks
