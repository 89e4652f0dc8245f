# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts that a run does not concern are neither asked nor in its output."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from ansible_collections.intercloud.vpn.tests.integration.test_wrong_intents import (
    INVENTORY,
    PLAYBOOK,
    RIGHT,
    ROOT,
    Run,
)

PLAN = "- import_playbook: intercloud.vpn.plan_vpn\n"
CONCERNED = {"edge-east", "edge-west", "node-east", "node-west", "vm1-east", "vm1-west"}


def asked(run: Run) -> set[str]:
    """The hosts that the run asked before it planned."""
    (section,) = re.findall(r"^TASK \[Ask the machines\].*\n((?:.+\n)*)", run.output, re.MULTILINE)
    return set(re.findall(r"^\w+: \[([^]]+)\]", section, re.MULTILINE))


def test_only_hosts_of_the_vpns_named_are_asked(tmp_path: Path) -> None:
    Run(tmp_path, RIGHT)  # a ledger; where there is none, everybody is asked whether there was one
    run = Run(tmp_path, RIGHT, playbook=PLAN)
    assert run.code == 0, run.output
    assert asked(run) == CONCERNED, run.output
    limited = Run(tmp_path, RIGHT, "--limit", "vm1-west,vm2-west", playbook=PLAN)
    assert asked(limited) == {"vm1-west"}, limited.output


def test_without_a_ledger_everybody_is_asked(tmp_path: Path) -> None:
    assert asked(Run(tmp_path, RIGHT, playbook=PLAN)) == CONCERNED | {"vm2-west", "vm3-nowhere"}


def test_what_is_wrong_is_said_before_anybody_is_asked(tmp_path: Path) -> None:
    Run(tmp_path, RIGHT)
    run = Run(tmp_path, RIGHT.replace("vm1-west", "vm9-west"), playbook=PLAN)
    assert run.code != 0 and "vm9-west is not a VM" in run.output
    assert "Ask the machines" not in run.output


def test_hosts_can_be_listed_without_a_plan(tmp_path: Path) -> None:
    (tmp_path / "hosts.yml").write_text(INVENTORY)
    command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", "hosts.yml", "--list-hosts"]
    environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".collections"), "ANSIBLE_NOCOLOR": "1"}
    done = subprocess.run(
        [*command, "intercloud.vpn.create_vpn"], cwd=tmp_path, env=environment, capture_output=True, text=True,
        timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("edge-east") >= 3 and "probing" not in done.stderr


def test_the_controller_plans_itself_and_starts_no_module(tmp_path: Path) -> None:
    """A module would need a directory on the VCC server, to be unpacked in."""
    local = "{ansible_connection: local,"
    nowhere = INVENTORY.replace(local, f"{local} ansible_remote_tmp: /proc/no,")
    run = Run(tmp_path, RIGHT + "vcc_server_survey: false\n", inventory=nowhere, playbook=PLAN)
    assert "Plan: 1 VPN to add" in run.output, run.output


def test_the_plan_is_the_same_whether_a_module_makes_it_or_the_controller(tmp_path: Path) -> None:
    """With an environment for the task, Ansible has to start a process of its own for it."""
    module = PLAYBOOK.replace("      delegate_to:", "      environment: {WHO: a module}\n      delegate_to:", 1)
    here, there = (Run(tmp_path, RIGHT, "--check", playbook=playbook).result() for playbook in (PLAYBOOK, module))
    for key in ("path", "documents_dir", "losing_dir"):  # of the run
        assert here.pop(key) != there.pop(key)
    assert here == there and here["changed"]
