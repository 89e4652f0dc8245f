# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ledger is set back, and lost. Nodes refuse what does not follow; the ledger learns from them what it was."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from ansible_collections.intercloud.vpn.plugins.plugin_utils import _lab
from ansible_collections.intercloud.vpn.tests.testinfra import lab, ledger, playbooks, strongswan
from ansible_collections.intercloud.vpn.tests.testinfra.playbooks import EDGES, PAYROLL, SCRATCH

STATE = Path(_lab.STATE_DIR)
BACKUP, COPY = SCRATCH / "vpn.backup", SCRATCH / "ledger.copy"
# The second comes after the backup. The third is made by a ledger that does not know the second any more.
AUDIT = {"name": "audit", "pool": "internal", "members": ["vm2-east", "vm2-west"]}
OTHER = {"name": "other", "pool": "internal", "members": ["vm3-east", "vm2-west"]}


@pytest.fixture(scope="module")
def vault():
    """The option that names the vault password. A backup of an earlier run is none of this one."""
    BACKUP.unlink(missing_ok=True)
    password = SCRATCH / "vault-password"
    password.write_text("correct horse battery staple\n")
    password.chmod(0o600)
    return ("--vault-password-file", str(password))


def no_address_twice():
    """Neither in the ledger, nor on the machines."""
    leased = [(row["organization"], row["first"]) for row in ledger.rows("leases") if row["kind"] == "address"]
    assert len(leased) == len(set(leased)) > 0
    members = lab.of_kind("member")
    found = dict(zip(members, lab.at_once(addresses_of, members)))
    every = [address for addresses in found.values() for address in addresses]
    assert len(every) == len(set(every)) > 0, found


def addresses_of(machine):
    """The addresses out of our pool that a machine has itself."""
    shown = json.loads(lab.sh(machine, "ip -j address"))
    every = [entry["local"] for device in shown for entry in device["addr_info"]]
    return [address for address in every if address.startswith("100.64.")]


def works(vpn):
    """Whether every member of a VPN reaches every other one."""
    addresses = playbooks.addresses(vpn["name"])
    one, *others = vpn["members"]
    return all(lab.answers(one, addresses[other], own=addresses[one]) for other in others)


def test_a_backup_needs_a_password_and_shows_no_key(vault):
    run = playbooks.run("backup_ledger", vcc_backup=str(BACKUP), succeeds=False)
    assert "give a vault password" in run.output
    assert not BACKUP.exists()
    run = playbooks.run("backup_ledger", (*vault, "-vvv", "--diff"), vcc_backup=str(BACKUP))
    assert BACKUP.read_text().startswith("$ANSIBLE_VAULT;1.1;AES256")
    assert BACKUP.stat().st_mode & 0o777 == 0o600
    secrets = [path.read_text().split("\n")[1] for path in STATE.rglob("*.key")]
    assert secrets
    assert not [secret for secret in secrets if secret in run.output or secret in BACKUP.read_text()]
    assert "PRIVATE KEY" not in run.output


def test_after_the_backup_a_vpn_is_made():
    playbooks.run("plan_vpn")  # the copy is of a ledger that is at rest
    shutil.copy(STATE / "ledger.sqlite", COPY)
    playbooks.create(AUDIT, verify=False)
    assert works(AUDIT)


def test_a_ledger_that_was_set_back_is_refused_and_nothing_that_works_is_touched():
    audit = playbooks.addresses("audit")
    before = strongswan.spis(*EDGES)
    shutil.copy(COPY, STATE / "ledger.sqlite")
    run = playbooks.create(OTHER, verify=False, succeeds=False)
    assert run.hosts("failed") >= {"node-east", "node-west", *EDGES}  # each of them refuses
    assert not {host for host in run.hosts("changed") if not host.startswith("node-")}
    assert "the ledger is an older copy" in run.output.replace("\n", " ")
    assert "Run recover_ledger, which reads back what the nodes hold" in " ".join(run.output.split())
    if lab.thorough("the same without --limit"):
        run = playbooks.create(OTHER, verify=False, succeeds=False, arguments=("--limit", "org_edges"))
        assert run.hosts("failed") == set(EDGES)
    # It did give the same addresses out again: that is what the nodes are to refuse.
    assert set(playbooks.addresses("other").values()) & set(audit.values())
    assert strongswan.spis(*EDGES) == before
    one, other = AUDIT["members"]
    assert lab.answers(one, audit[other], own=audit[one])


def test_recovering_shows_the_differences_first():
    before = ledger.contents()
    run = playbooks.run("recover_ledger", ("--check", "--diff"))
    assert ledger.contents() == before
    for words in ("+ vpn audit: number 2", "- vpn other: no node has it", "~ edge-east: runs generation "):
        assert words in run.output, words


def test_the_ledger_learns_what_the_nodes_hold():
    playbooks.run("recover_ledger")
    assert {row["name"] for row in ledger.rows("vpns")} == {"payroll", "audit"}
    assert works(AUDIT)
    again = playbooks.run("recover_ledger")
    assert "The ledger knows all that the nodes that answered hold" in " ".join(again.output.split())
    assert again.changed == frozenset()


def test_it_goes_on_as_if_nothing_had_been():
    audit, before = playbooks.addresses("audit"), strongswan.spis(*EDGES)
    run = playbooks.create(PAYROLL, AUDIT, verify=False)
    # The VCC server settles; vm3-east may hold an address out of the plan that its edge refused: it is taken back.
    on_the_server = {"Plan the VPNs", "Note what nodes run, and release what none needs any more"}
    assert {host for host, task in run.changed if task not in on_the_server} <= {"vm3-east"}
    assert strongswan.spis(*EDGES) == before
    assert playbooks.addresses("audit") == audit
    playbooks.create(PAYROLL, AUDIT, OTHER, verify=False)
    no_address_twice()
    assert works(PAYROLL) and works(AUDIT) and works(OTHER)
    third = playbooks.create(PAYROLL, AUDIT, OTHER, verify=False)
    assert third.changed == frozenset()


def test_a_document_for_another_machine_is_refused():
    document = {row["node"]: row["document"] for row in ledger.rows("documents")}["edge-west"]
    done = subprocess.run(
        ["ansible", "-i", str(playbooks.INVENTORY), "edge-east", "-m", "intercloud.vpn.edge_commit",
         "-a", json.dumps({"document": json.loads(document)})],
        capture_output=True, text=True, check=False, env=playbooks.environment(), cwd=lab.ROOT, timeout=120,
    )  # fmt: skip
    assert done.returncode != 0
    assert "this machine is edge-east (acme), and the document is for edge-west (acme)" in done.stdout + done.stderr
    identity = json.loads(lab.sh("edge-east", "cat /var/lib/intercloud-vpn/identity.json"))
    assert identity["node"] == "edge-east"
    assert identity["ledger"] == ledger.rows("identity")[0]["ledger"]


def test_a_ledger_that_is_lost_is_not_made_anew_in_silence():
    for path in STATE.glob("ledger.sqlite*"):
        path.unlink()
    for playbook in ("plan_vpn", "create_vpn"):
        run = playbooks.run(playbook, vpns=[PAYROLL], succeeds=False)
        said = " ".join(run.output.split())
        assert "there is no ledger at" in said and "restore_ledger" in said and "recover_ledger" in said
    assert not (STATE / "ledger.sqlite").exists()


def test_a_restore_ends_with_a_recovery(vault):
    before = strongswan.spis(*EDGES)
    playbooks.run("restore_ledger", vault, vcc_backup=str(BACKUP))
    assert {row["name"] for row in ledger.rows("vpns")} == {"payroll", "audit", "other"}
    run = playbooks.create(PAYROLL, AUDIT, OTHER)
    assert run.changed == frozenset()
    assert strongswan.spis(*EDGES) == before
    no_address_twice()


def test_an_older_backup_replaces_nothing_by_accident(vault):
    before = ledger.contents()
    run = playbooks.run("restore_ledger", vault, vcc_backup=str(BACKUP), succeeds=False)
    assert "is ahead of the backup" in " ".join(run.output.split())
    assert ledger.contents() == before
