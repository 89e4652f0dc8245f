# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user reads in a checkout, whose ansible.cfg has the callback intercloud.vpn.progress."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ansible_collections.intercloud.vpn.plugins.callback.progress import REFUSED, _short, command

ROOT = Path(__file__).resolve().parents[2]
PLAY = """
- name: Look at the machines
  hosts: all
  gather_facts: false
  tasks:
    - name: Change something
      ansible.builtin.debug: {msg: [one line, another line]}
      changed_when: true
      when: inventory_hostname != 'away'
    - name: Know that it works
      ansible.builtin.assert: {that: inventory_hostname != 'broken', fail_msg: "the disk is full"}
- name: Nobody
  hosts: "!all"
  gather_facts: false
"""


def run(*words: str, folder: Path, **environment: str) -> tuple[int, str]:
    known = {
        **os.environ,
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".collections"),
        **environment,
    }
    del known["ANSIBLE_STDOUT_CALLBACK"]  # ansible.cfg has it
    program = str(Path(sys.executable).with_name("ansible-playbook"))
    done = subprocess.run(
        [program, *words], cwd=folder, env=known, capture_output=True, text=True, timeout=120, check=False
    )
    return done.returncode, done.stdout


def played(folder: Path, hosts: str, *words: str, **environment: str) -> tuple[int, str]:
    (folder / "play.yml").write_text(PLAY)
    return run("-i", hosts, "play.yml", "-e", "ansible_connection=local", *words, folder=folder, **environment)


def test_a_play_is_a_line_and_nothing_is_said_of_what_was_skipped(tmp_path: Path) -> None:
    code, said = played(tmp_path, "here,away,")
    lines = said.splitlines()
    assert code == 0
    assert lines[:2] == ["one line", "another line"]
    assert lines[2].startswith("✓ Look at the machines ") and lines[2].endswith("2 hosts, 1 changed")
    assert lines[-1].startswith("2 hosts: 1 changed, 1 unchanged; ")
    assert "skip" not in said and "Nobody" not in said and "\033" not in said


def test_a_failure_ends_with_what_failed_where_why_and_how_to_go_on(tmp_path: Path) -> None:
    code, said = played(tmp_path, "here,broken,", "-e", "vcc_psk=hunter2")
    assert code == 2
    assert "    broken: Know that it works:\n        the disk is full\n" in said
    assert "✗ Look at the machines" in said
    end = said[said.index("2 hosts: 1 changed, 0 unchanged, 1 failed") :]
    assert "    broken: the disk is full\n" in end
    assert "ansible-playbook -i here,broken, play.yml -e ansible_connection=local -e 'vcc_psk=…'\n" in end
    assert "ansible-playbook -i here,broken, intercloud.vpn.status_vpn" in end
    assert "hunter2" not in said


@pytest.mark.thorough("a failure ends with how to go on, above")
def test_status_is_not_told_to_run_status(tmp_path: Path) -> None:
    (tmp_path / "status_vpn.yml").write_text(PLAY)
    code, said = run("-i", "broken,", "status_vpn.yml", "-e", "ansible_connection=local", folder=tmp_path)
    assert code == 2 and "status_vpn.yml" in said and "What each node runs" not in said


def test_a_host_that_need_not_answer_is_no_failure(tmp_path: Path) -> None:
    task = {"ansible.builtin.ping": {}, "ignore_unreachable": True}
    play = [{"name": "Look", "hosts": "all", "gather_facts": False, "tasks": [task]}]
    (tmp_path / "look.yml").write_text(json.dumps(play))
    silent = json.dumps({"ansible_ssh_common_args": "-o ProxyCommand=false"})
    code, said = run("-i", "away,", "look.yml", "-e", silent, folder=tmp_path)
    assert code == 0 and "    away: no answer: " in said and "✓ Look" in said, said
    assert "1 host: 0 changed, 1 unchanged; " in said and "the same command" not in said


def test_colours_are_for_those_who_ask(tmp_path: Path) -> None:
    _code, said = played(tmp_path, "here,", ANSIBLE_FORCE_COLOR="1")
    assert "\033[" in said


def test_what_differs_is_shown_where_it_was_asked_for_and_folded(tmp_path: Path) -> None:
    text = "".join(f"line {number}\n" for number in range(100))
    task = {"ansible.builtin.copy": {"content": text, "dest": str(tmp_path / "file")}}
    play = [{"name": "Write", "hosts": "all", "gather_facts": False, "tasks": [task]}]
    (tmp_path / "write.yml").write_text(json.dumps(play))
    local = f"ansible_connection=local ansible_python_interpreter={sys.executable}"
    words = ("-i", "here,", "write.yml", "-e", local, "--check")
    assert "line 1" not in run(*words, folder=tmp_path)[1]
    folded = run(*words, "--diff", folder=tmp_path)[1]
    assert "    here:\n--- before\n" in folded and "+line 1\n" in folded
    assert "more lines; -v shows all" in folded and "line 99" not in folded
    assert "+line 99\n" in run(*words, "--diff", "-v", folder=tmp_path)[1]


def test_the_plan_and_a_mistake_in_it(tmp_path: Path) -> None:
    state = ("-e", f"vcc_state_dir={tmp_path}", "-e", f"vcc_ledger=sqlite:///{tmp_path}/ledger.sqlite")
    words = ("-i", str(ROOT / "inventories/example"), "intercloud.vpn.plan_vpn", "-e", '{"vcc_server_survey": false}')
    code, said = run(*words, *state, folder=tmp_path)
    assert code == 0
    assert said.startswith("+ VPN payroll: number 1, mesh, pool internal\n    + block ")
    assert "Plan: 1 VPN to add" in said
    code, said = run(*words, *state, "-e", "vcc_create_tunnels=nope", folder=tmp_path)
    assert code == 2
    assert "vcc_create_tunnels: must be one of always, never, ask, not 'nope'" in said
    assert "the same command" not in said, "it would be refused again"
    assert "no host was touched: vcc_create_tunnels: must be" in said.splitlines()[-1]


def test_a_run_without_hosts_says_so(tmp_path: Path) -> None:
    code, said = run("-i", "other,", "intercloud.vpn.plan_vpn", folder=tmp_path)
    assert code == 0
    assert said.splitlines()[-1] == "No host took part: check the inventory (-i) and --limit."


@pytest.mark.parametrize(
    ("lines", "short"),
    [
        (["the disk is full"], "the disk is full"),
        (["not applied:"], "not applied:"),
        (["1 mistake:", "vcc_a: wrong"], "1 mistake: vcc_a: wrong"),
        (["3 mistakes:", "vcc_a: wrong", "b", "c"], "3 mistakes: vcc_a: wrong, and 2 more: see above"),
        (["rolled back", "because"], "rolled back"),
        (["1 mistake:", "x" * 200], f"1 mistake: {'x' * 139}…"),
    ],
)
def test_a_heading_alone_is_no_reason(lines: list[str], short: str) -> None:
    assert _short(lines) == short


@pytest.mark.parametrize(
    ("reason", "refused"),
    [
        ("vcc_uninstall: must name the nodes, for example -e vcc_uninstall=edge-east; or limit the run to them", True),
        ("there is no ledger at sqlite:////a/b: the first create_vpn makes it", True),
        ("Data could not be sent to remote host", False),
    ],
)
def test_a_command_that_has_to_change_is_not_repeated(reason: str, refused: bool) -> None:
    assert bool(REFUSED.search(reason)) == refused


def test_what_may_be_secret_is_not_said_again() -> None:
    words = ["/usr/bin/ansible-playbook", "--vault-password-file", "secret.txt", "-e", "my_token=abc", "-e", "a=b"]
    assert command(words) == "ansible-playbook --vault-password-file '…' -e 'my_token=…' -e a=b"
    assert "abc" not in command(["ansible-playbook", "-e", '{"vcc_psk": "abc"}'])
