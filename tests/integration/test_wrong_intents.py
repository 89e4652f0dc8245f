# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""With a wrong intent, a real run of ansible-playbook says all that is wrong at once and contacts no host.

No host of the inventory can be reached: its port is closed. A run that tried would say so in its recap, as the run
with the right intent does.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]

INVENTORY = """
all:
  vars:
    ansible_host: "127.0.0.{{ groups['all'].index(inventory_hostname) + 1 }}"
    ansible_port: 1
    ansible_python_interpreter: /usr/bin/python3
    vcc_org: acme
vcc_server:
  hosts:
    localhost: {ansible_connection: local, ansible_python_interpreter: "{{ ansible_playbook_python }}"}
vcc_nodes:
  hosts: {node-east: , node-west: }
org_edges:
  vars: {vcc_org_address: [10.10.0.1], vcc_org_network: [10.10.0.0/24]}
  hosts:
    edge-east: {vcc_public_address: [203.0.113.2]}
    edge-west: {vcc_public_address: [203.0.113.18]}
members:
  hosts:
    vm1-east: {vcc_address: [10.10.0.11]}
    vm1-west: {vcc_address: [10.10.0.11]}
    vm2-west: {vcc_address: [10.10.0.12]}
    vm3-nowhere: {vcc_address: [10.10.0.13]}
cloud_east:
  hosts: {node-east: , edge-east: , vm1-east: }
cloud_west:
  hosts: {node-west: , edge-west: , vm1-west: , vm2-west: }
"""

# As in the examples of vpn_plan, and what apply would begin with.
PLAYBOOK = """
- name: Plan
  hosts: vcc_nodes:org_edges:vapp_edges:members
  gather_facts: false
  any_errors_fatal: true
  tasks:
    - name: Plan the VPNs
      intercloud.vpn.vpn_plan:
        ledger: "{{ vcc_ledger }}"
        state_dir: "{{ vcc_state_dir }}"
        pools: "{{ vcc_pools }}"
        vpns: "{{ vcc_vpns }}"
        policies: "{{ vcc_policies | default({}) }}"
        absent: "{{ vcc_delete | default([]) }}"
      delegate_to: "{{ groups.vcc_server | first }}"
      run_once: true
      register: vcc_plan
    - name: Keep what there is to see
      ansible.builtin.copy:
        content: "{{ vcc_plan | to_json }}"
        dest: "{{ seen }}"
        mode: "0600"
      delegate_to: localhost
      run_once: true
      check_mode: false

- name: Apply
  hosts: vcc_nodes:org_edges:vapp_edges:members
  gather_facts: false
  tasks:
    - name: Contact every host
      ansible.builtin.ping:
"""

RIGHT = """
vcc_pools: {internal: 100.64.0.0/10}
vcc_vpns:
  - {name: payroll, pool: internal, members: [vm1-east, vm1-west]}
"""

WRONG = {
    "several VPNs": (
        """
vcc_pools: {internal: 100.64.0.0/10, other: 100.64.1.0/24}
vcc_vpns:
  - {name: payroll, pool: internl, members: [vm1-east, vm1-west, vm9-west]}
  - {name: backup, pool: internal, members: [vm1-east, vm3-nowhere, edge-west], topolgy: mesh}
""",
        {
            "vcc_pools.other": "100.64.1.0/24 overlaps vcc_pools.internal 100.64.0.0/10",
            "vcc_vpns[0].pool": "there is no pool 'internl' in vcc_pools; did you mean internal?",
            "vcc_vpns[0].members[2]": "vm9-west is not a VM, vApp, group or pattern of the inventory; did you mean",
            "vcc_vpns[1].topolgy": "is not known here; did you mean topology?",
            "vcc_vpns[1].members[1]": "vm3-nowhere is in no cloud; put it in a group cloud_<name>",
            "vcc_vpns[1].members[2]": "edge-west is not in the group members",
        },
    ),
    "patterns and policies": (
        """
vcc_pools: {internal: 10.10.0.0/16}
vcc_policies: {weak: {encryption: {esp: [3des-md5-modp1024]}}}
vcc_vpns:
  - {name: a, pool: internal, members: ["~vm(", "web*", cloud_east, "cloud_west:&members"], policy: weak}
  - {name: b, pool: 10.10.0.0/25, members: ["vm1*"], policy: {encryption: {ike_rekey: 0}}}
vcc_delete: [b, c]
""",
        {
            "vcc_vpns[0].members[0]": "~vm( is not a VM, vApp, group or pattern of the inventory",
            "vcc_vpns[0].members[1]": "web* is not a VM, vApp, group or pattern of the inventory",
            "vcc_policies.weak.encryption.esp[0]": "3des-md5-modp1024: '3des' is not an allowed algorithm",
            "vcc_vpns[1].policy.encryption.ike_rekey": "must be a whole number of seconds from 60 to 86400, not 0",
            "vcc_delete": "there is no VPN c",
        },
    ),
    "no list": ("vcc_pools: {}\nvcc_vpns: {payroll: [vm1-east, vm1-west]}", {"vcc_vpns": "must be a list of VPNs"}),
}
FIRST = "several VPNs"
OTHER = pytest.mark.thorough("another intent, told in the same way; unit tests have its messages")


class Run:
    """One run of ansible-playbook, and what it left."""

    def __init__(
        self, folder: Path, variables: str, *options: str, inventory: str = INVENTORY, playbook: str = PLAYBOOK
    ) -> None:
        (folder / "hosts.yml").write_text(inventory)
        (folder / "play.yml").write_text(playbook)
        self.seen, self.ledger = folder / "seen.json", folder / "state" / "ledger.sqlite"
        extra = {
            "seen": str(self.seen),
            "vcc_ledger": f"sqlite:///{self.ledger}",
            "vcc_state_dir": str(folder / "state"),
            **yaml.safe_load(variables),
        }
        (folder / "vars.json").write_text(json.dumps(extra))
        command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", "hosts.yml", "-e", "@vars.json"]
        environment = {
            **os.environ,
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".collections"),
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_SSH_RETRIES": "0",
        }
        result = subprocess.run(
            [*command, *options, "play.yml"], cwd=folder, env=environment, capture_output=True, text=True,
            timeout=120, check=False,
        )  # fmt: skip
        self.code, self.output = result.returncode, result.stdout + result.stderr

    def recap(self) -> dict[str, dict[str, int]]:
        """The counters of the recap by host."""
        _before, _title, recap = self.output.partition("PLAY RECAP")
        return {
            host: {name: int(count) for name, count in re.findall(r"(\w+)=(\d+)", counters)}
            for host, counters in re.findall(r"^(\S+)\s+: (ok=.*)$", recap, re.MULTILINE)
        }

    def rows(self) -> int:
        """How many records the ledger has, of whatever kind but its format."""
        if not self.ledger.exists():
            return 0
        with contextlib.closing(sqlite3.connect(self.ledger)) as connection:
            tables = connection.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '%schema%'"
            )
            return sum(
                connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for (name,) in tables.fetchall()
            )

    def result(self) -> dict[str, Any]:
        """What the task answered."""
        return dict(json.loads(self.seen.read_text()))


@pytest.mark.parametrize("name", [FIRST, *(pytest.param(name, marks=OTHER) for name in WRONG if name != FIRST)])
def test_a_wrong_intent_is_told_whole_before_any_host_is_contacted(tmp_path: Path, name: str) -> None:
    variables, errors = WRONG[name]
    run = Run(tmp_path, variables)
    assert run.code != 0
    said = [line.strip() for line in run.output.splitlines()]
    for path, message in errors.items():
        assert [line for line in said if line.startswith(f"{path}: {message}")], run.output
    assert f"{len(errors)} mistake" in run.output and "no host was touched" in run.output
    assert "Traceback" not in run.output and "TASK [Contact every host]" not in run.output
    recap = run.recap()
    assert recap and all(counts["unreachable"] == 0 for counts in recap.values()), run.output
    assert sum(counts["failed"] for counts in recap.values()) == 1
    assert not run.seen.exists() and run.rows() == 0


def test_with_the_right_intent_the_hosts_are_contacted(tmp_path: Path) -> None:
    """So that the test before this one would see it."""
    run = Run(tmp_path, RIGHT)
    assert all(counts["unreachable"] == 1 for counts in run.recap().values()), run.output
    assert run.result()["changed"] and run.result()["vpns"] == ["payroll"]
    assert run.rows() > 0


def test_the_plan_is_the_same_under_limit(tmp_path: Path) -> None:
    whole = Run(tmp_path, RIGHT, "--check").result()
    limited = Run(tmp_path, RIGHT, "--check", "--limit", "vm1-west").result()
    for run in (whole, limited):
        for key in ("path", "documents_dir", "losing_dir"):  # of the run
            run.pop(key)
    assert limited == whole
    assert whole["changed"] and "edge-east" in whole["changed_nodes"]
    assert not (tmp_path / "state").exists()


def test_who_is_not_asked_because_of_the_limit_is_noted(tmp_path: Path) -> None:
    survey = "    - intercloud.vpn.node_survey:\n      register: vcc_survey\n"
    asking = PLAYBOOK.replace("  tasks:\n", f"  tasks:\n{survey}", 1)
    assert not [note for note in Run(tmp_path, RIGHT, playbook=asking).result()["notes"] if "not asked" in note]
    notes = Run(tmp_path, RIGHT, "--limit", "vm1-west,edge-west", playbook=asking).result()["notes"]
    assert "4 hosts were not asked, because of --limit: edge-east, node-east, node-west and 1 more" in notes


def test_two_names_for_one_connection_are_refused_before_any_host_is_contacted(tmp_path: Path) -> None:
    """As two clouds have the same management addresses, and another jump each: Ansible would keep one connection."""
    inventory = yaml.safe_load(INVENTORY)
    for cloud, jump in (("east", "192.0.2.10"), ("west", "198.51.100.10")):
        group = inventory[f"cloud_{cloud}"]
        group["vars"] = {"ansible_ssh_common_args": f"-J root@{jump}"}
        group["hosts"] = {name: {"ansible_host": f"{name.split('-')[0]}.invalid"} for name in group["hosts"]}
    run = Run(tmp_path, RIGHT, inventory=yaml.safe_dump(inventory))
    assert run.code != 0
    said = [line.strip() for line in run.output.splitlines()]
    for host, other in (("edge-west", "edge-east"), ("vm1-west", "vm1-east"), ("node-west", "node-east")):
        address = f"{host.partition('-')[0]}.invalid"
        wanted = f"hosts.{host}.ansible_host: {address} is reached over the same connection as {other}, whatever the "
        assert [line for line in said if line.startswith(wanted)], run.output
    assert "3 mistakes" in run.output and "TASK [Contact every host]" not in run.output
    assert run.rows() == 0
