# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs of the collection's playbooks, as a user starts them, and what they say."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import yaml

from ansible_collections.intercloud.vpn.tests.testinfra import lab, ledger

SCRATCH = lab.ROOT / "build/molecule" / os.environ.get("MOLECULE_SCENARIO_NAME", "by_hand")
RESULT = SCRATCH / "vpn.json"
INVENTORY = lab.ROOT / "inventories/lab"
SHARED = lab.ROOT / "extensions/molecule/shared"
LOG = SCRATCH / "runs.log"
# The intent of inventories/lab.
PAYROLL = {"name": "payroll", "pool": "internal", "members": ["vm1-east", "vm1-west", "vm3-west"]}
# Another VPN across the same edges, with a pool of its own.
AUDIT = {"name": "audit", "pool": "10.99.0.0/16", "members": ["vm2-east", "vm2-west", "vm3-west"]}
EDGES = ("edge-east", "edge-west")

# What a task says of a host, with -v in YAML.
ANSWER = re.compile(r"^(\w+): \[([\w-]+).*\](?: => *\n((?: .*\n|\n(?= ))*))?", re.MULTILINE)
# What ended a run: a host's answer, or a mistake in what is read before any host.
FATAL = re.compile(r"^(?:fatal: |\[?ERROR\]?:? ).*\n(?: .*\n)*", re.MULTILINE)
OURS = (
    *(
        "create_vpn",
        "delete_vpn",
        "move_member",
        "plan_vpn",
        "verify_vpn",
        "status_vpn",
        "report_vpn",
        "history_vpn",
        "export_vpn",
        "rollback_vpn",
        "drain_edge",
        "uninstall",
        "publish_template",
        "prepare_vpn",
        "apply_vpn",
    ),
    *("apply_clouds", "verify_clouds", "revoke_certificate", "renew_certificates", "rotate"),
    *("external_settings", "sign_certificate", "lab_up", "backup_ledger", "restore_ledger", "recover_ledger"),
)


@dataclass(frozen=True)
class Run:
    """A finished run. `changed`: {(host, task) …}; `recap`: {host: {ok: 3, changed: 0, …}}; `actions`: with -v, what
    nodes did or would do, {host: {subsystem: [action …]}}."""

    status: int
    output: str
    changed: frozenset
    recap: dict
    actions: dict

    def hosts(self, counter):
        """Hosts with a counter of the recap above zero: failed, unreachable, changed …"""
        return {host for host, counters in self.recap.items() if counters[counter]}


def command(playbook, *arguments, vpns=None, inventory=INVENTORY, **variables):
    """The words of ansible-playbook; variables may be structures."""
    extra = {"vcc_result": str(RESULT), **({"vcc_vpns": vpns} if vpns is not None else {}), **variables}
    name = f"intercloud.vpn.{playbook}" if playbook in OURS else str(playbook)
    return ["ansible-playbook", "-i", str(inventory), name, "-e", json.dumps(extra), *arguments]


def environment(tree=lab.ROOT):
    return {
        **os.environ,
        "ANSIBLE_CONFIG": str(tree / "ansible.cfg"),
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_FORCE_COLOR": "0",
    }


def run(playbook, arguments=(), succeeds=True, code=None, **variables):
    """Run a playbook of the collection by its name, or another one by its path. `succeeds` None: it may do either.

    `code`: a directory of collections with another release of this one, whose code and inventory run.
    """
    begun = time.monotonic()
    tree, env = lab.ROOT, environment()
    if code:
        tree = code / "ansible_collections/intercloud/vpn"
        env = {**environment(tree), "ANSIBLE_COLLECTIONS_PATH": str(code)}
        variables.setdefault("inventory", tree / INVENTORY.relative_to(lab.ROOT))
        if isinstance(playbook, Path):
            playbook = tree / playbook.relative_to(lab.ROOT)
    done = subprocess.run(
        command(playbook, *arguments, **variables), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, check=False, env=env, cwd=tree, timeout=240,
    )  # fmt: skip
    finished = read(done.returncode, done.stdout)
    log(playbook, arguments, finished, time.monotonic() - begun)
    words = f"{playbook} {' '.join(arguments)}"
    end = f"{words}: {finished.status}{why(finished.output)}, see {LOG}\n{finished.output[-3000:]}"
    assert succeeds is None or (finished.status == 0) == succeeds, end
    assert finished.recap or not succeeds, f"{words} ran on no host, see {LOG}"
    return finished


def create(*vpns, verify=True, **options):
    """create_vpn of these VPNs, else of the inventory's; without verify where the test is the proof."""
    return run("create_vpn" if verify else SHARED / "apply.yml", vpns=list(vpns) or None, **options)


def delete(*names, verify=True, **options):
    """delete_vpn, and the same without verify."""
    return run("delete_vpn" if verify else SHARED / "withdraw.yml", vcc_delete=list(names), **options)


def result():
    """What the last verify found, as documented in docs/verify.md."""
    return json.loads(RESULT.read_text(encoding="utf-8"))


def addresses(vpn="payroll", organization="acme"):
    """member → its address in a VPN, by the ledger."""
    vpns = {(row["organization"], row["name"]): json.loads(row["intent"]) for row in ledger.rows("vpns")}
    leases = {key.rpartition("/")[2]: address for key, address in ledger.leases(vpn, organization).items()}
    return {member: leases[member] for member in vpns[organization, vpn]["members"]}


def start_log():
    """A log of the runs of this test session, and no other."""
    SCRATCH.mkdir(parents=True, exist_ok=True)
    LOG.write_text("", encoding="utf-8")


def log(playbook, arguments, finished, seconds):
    title = f"{Path(playbook).name} {' '.join(arguments)}: {finished.status}, {seconds:.1f} s"
    with LOG.open("a", encoding="utf-8") as log:
        log.write(f"{'=' * 100}\n{title}\n{finished.output}\n")


def why(output):
    """What failed first, in a line: whoever sees only the summary of the tests sees no more than that."""
    found = FATAL.search(output)
    return f": {' '.join(found[0].split())[:400]}" if found else ""


def read(status, output):
    changed, actions = set(), {}
    for part in re.split(r"^TASK \[", output, flags=re.MULTILINE)[1:]:
        task = re.match(r"(?:.* : )?(.*?)\] \*", part)[1]
        for state, host, detail in ANSWER.findall(part):
            if state == "changed":
                changed.add((host, task))
            for subsystem, done in (yaml.safe_load(detail or "{}").get("subsystems") or {}).items():
                actions.setdefault(host, {})[subsystem] = done.get("actions", [])
    lines = re.findall(r"^([\w-]+) +: +(ok=.*)$", output.rpartition("PLAY RECAP")[2], re.MULTILINE)
    recap = {host: {key: int(n) for key, n in re.findall(r"(\w+)=(\d+)", counters)} for host, counters in lines}
    return Run(status, output, frozenset(changed), recap, actions)
