# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults that verify did not see, or blamed on hosts that were fine."""

from __future__ import annotations

import re
import shlex
import subprocess
from contextlib import contextmanager

import pytest

from ansible_collections.intercloud.vpn.tests.testinfra import lab, playbooks
from ansible_collections.intercloud.vpn.tests.testinfra.playbooks import PAYROLL

# Before the main table's own rule (32766), as VPN clients of other makers add theirs.
ELSEWHERE = "ip route add default via 192.168.1.1 table 52; ip rule add pref 5270 lookup 52"
FOREIGN = "add table inet strict; add chain inet strict f { type filter hook forward priority 0; policy drop; }"


@contextmanager
def broken(machine, fault, repair):
    """A machine with a fault, while the block runs."""
    lab.netns(machine, "sh", "-c", fault)
    try:
        yield
    finally:
        lab.netns(machine, "sh", "-c", repair)


def verify():
    """A run of verify that finds something, and its errors by subject."""
    run = playbooks.run("verify_vpn", succeeds=False)
    return run, {one["subject"]: one for one in playbooks.result()["findings"] if one["severity"] == "error"}


def test_a_rule_that_leads_applications_elsewhere(addresses):
    """Probes bind the VPN address, and get through. Applications do not."""
    with broken("vm1-east", ELSEWHERE, "ip rule del pref 5270; ip route flush table 52"):
        assert lab.answers("vm1-east", addresses["vm1-west"], own=addresses["vm1-east"])
        run, errors = verify()
    assert "packets leave from 192.168.1.11, not from 100.64.0.17" in errors["payroll: vm1-east"]["seen"]
    assert run.hosts("failed") == {"vm1-east"}


def test_a_firewall_of_others_is_named(addresses):
    with broken("edge-west", f"nft '{FOREIGN}'", "nft delete table inet strict"):
        assert not lab.answers("vm1-east", addresses["vm1-west"])
        run, errors = verify()
    assert run.hosts("failed") == {"edge-west"}
    said = " ".join(one["seen"] for one in errors.values())
    assert "on edge-west, chain inet strict f (forward) drops what no rule accepts" in said


def test_a_host_that_failed_says_with_what(tmp_path):
    template = tmp_path / "nftables.nft.j2"
    template.write_text("table inet intercloud_vpn { chain forward { ip saddr drop everything } }", encoding="utf-8")
    # Of one edge alone: Ansible ends a run, and with it the verifying, when all hosts of a play have failed.
    nftables = f"{{{{ '{template}' if inventory_hostname == 'edge-east' else 'nftables.nft.j2' }}}}"
    own = {"nftables.nft": nftables, "swanctl.conf": "swanctl.conf.j2"}
    run = playbooks.create(PAYROLL, succeeds=False, org_edge_templates=own)
    assert run.hosts("failed") == {"edge-east"}
    seen = {one["subject"]: one["seen"] for one in playbooks.result()["findings"]}
    assert seen["edge-east"].startswith("failed: not applied, nothing was touched"), seen


@pytest.fixture
def dead():
    lab.labctl("kill", "vm3-west")
    yield "vm3-west"
    lab.labctl("start", "vm3-west")


def test_the_command_that_is_printed_runs(dead):
    """`-i` included. The machine is dead, so what it says is that."""
    run, errors = verify()
    assert not run.hosts("failed")  # it is unreachable, and nobody else is to blame
    command = re.match(r"ansible -i \S+ vm3-west -m ping", errors["vm3-west"]["look"])[0]
    done = subprocess.run(
        shlex.split(command), cwd=lab.ROOT, env=playbooks.environment(), capture_output=True, text=True, check=False
    )
    assert "vm3-west | UNREACHABLE!" in done.stdout


def test_then_all_is_as_planned():
    playbooks.run("verify_vpn")
