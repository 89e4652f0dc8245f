# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A copy of inventories/example with slips in it: the plan says in few lines what to correct, and contacts no host."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "inventories/example"
# What Ansible prints of a run that fails in its first task: the play, the task, the error with its place, the same as
# fatal. Each mistake is in the error and in fatal.
FRAME, PER_MISTAKE = 20, 2

VARS, HOSTS = "group_vars/all.yml", "hosts.yml"


@dataclass(frozen=True)
class Slip:
    """What is written instead of what is in the example (file, old, new), and the lines that are expected, in order."""

    name: str
    edits: tuple[tuple[str, str, str], ...]
    said: tuple[str, ...]
    playbook: str = "plan_vpn"


LEDGER = "vcc_ledger: sqlite:////var/lib/intercloud-vpn/ledger.sqlite"
STATE = "vcc_state_dir: /var/lib/intercloud-vpn\n"
POOLS = "vcc_pools:\n  internal: 100.64.0.0/10\n  internal6: fd64:7663:6300::/48\n"
INTERNAL = "  internal: 100.64.0.0/10"
CREATE = "vcc_create_tunnels: always"
RELATIVE = "is relative, and depends on the directory that a run is started in"

# A slip has a run of its own where it ends the run in a way of its own; else several are told together.
SLIPS = [
    Slip(
        "no VPNs by another name",
        ((VARS, "vcc_vpns:", "vcc_vpn:"),),
        ("vcc_vpn: is not known; did you mean vcc_vpns?",),
    ),
    Slip(
        "pools that are a list",
        ((VARS, POOLS, "vcc_pools: [100.64.0.0/10]\n"),),
        (
            "vcc_pools: must be a mapping of names to CIDRs, such as {internal: 100.64.0.0/10}",
            "vcc_vpns[0].pool: there is no pool 'internal' in vcc_pools",
        ),
    ),
    Slip(
        "VPNs that are a mapping, and a duration",
        ((VARS, "  - name: payroll  ", "    name: payroll  "), (VARS, STATE, f"vcc_confirm_timeout: 1m\n{STATE}")),
        (
            "vcc_confirm_timeout: must be a whole number of seconds from 0 to 86400, not '1m': write 60",
            "vcc_vpns: must be a list of VPNs",
        ),
        "create_vpn",
    ),
    Slip(
        "variables that are not there",
        (
            (VARS, "    pool: internal  ", '    pool: "{{ our_pool }}"  '),
            (VARS, LEDGER, 'vcc_ledger: "sqlite:///{{ ledger_dir }}/l"'),
            (HOSTS, "vcc_public_address: [192.0.2.20]", 'vcc_public_address: ["{{ floating_ip }}"]'),
        ),
        (
            "vcc_ledger: cannot be found out: 'ledger_dir' is undefined",
            "vcc_vpns[0].pool: cannot be found out: 'our_pool' is undefined",
            "hosts.edge-berlin.vcc_public_address: cannot be found out: 'floating_ip' is undefined",
        ),
    ),
    Slip(
        "whole variables that are not there",
        (
            (VARS, POOLS, 'vcc_pools: "{{ our_pools }}"\n'),
            (VARS, "vcc_vpns:", 'vcc_vpns: "{{ our_vpns }}"\nmine:'),
            (VARS, "vcc_policies:", 'vcc_policies: "{{ our_policies }}"\nothers:'),
            (HOSTS, '# vcc_psk: "{{ vault_partner_psk }}"', 'vcc_psk: "{{ vault_partner_psk }}"'),
        ),
        (
            "vcc_pools: cannot be found out: 'our_pools' is undefined",
            "vcc_vpns: cannot be found out: 'our_vpns' is undefined",
            "vcc_policies: cannot be found out: 'our_policies' is undefined",
            "hosts.edge-partner.vcc_psk: cannot be found out: 'vault_partner_psk' is undefined",
        ),
    ),
    Slip(
        "VPNs to verify that are not there",
        ((VARS, "vcc_vpns:", 'vcc_vpns: "{{ our_vpns }}"\nmine:'),),
        ("vcc_vpns: cannot be found out: 'our_vpns' is undefined",),
        "verify_vpn",
    ),
    Slip(
        "VPNs to verify that are a mapping",
        ((VARS, "  - name: payroll  ", "    name: payroll  "),),
        ("vcc_vpns: must be a list of VPNs",),
        "verify_vpn",
    ),
    Slip(
        "a VPN to verify that YAML takes for a truth",
        ((VARS, "name: payroll", "name: no"),),
        ("vcc_vpns[0].name: is a boolean: YAML reads a bare no, yes, on or off as one; put the name in quotes",),
        "verify_vpn",
    ),
    Slip(
        "a VPN to delete without a name",
        ((VARS, "  - name: payroll  ", "  - nam: payroll  "),),
        ("vcc_vpns[0].name: is missing",),
        "delete_vpn",
    ),
    Slip(
        "no VPN to delete",
        ((VARS, "vcc_vpns:", "vcc_vpns: []\nmine:"),),
        ("vcc_delete: must say which VPN to delete, for example -e vcc_delete=payroll; vcc_vpns names 0",),
        "delete_vpn",
    ),
    Slip(
        "an empty list to delete",
        ((VARS, STATE, f"vcc_delete: []\n{STATE}"),),
        ("vcc_delete: names nothing; leave it out, or say what is meant",),
        "delete_vpn",
    ),
    Slip(
        "tunnels that are not to be made",
        ((VARS, CREATE, "vcc_create_tunnels: no"),),
        ("vcc_create_tunnels: there is no tunnel edge-berlin -- edge-oslo yet, which payroll needs",),
    ),
    Slip(
        "relative paths, and other variables of a run",
        (
            (VARS, LEDGER, "vcc_ledger: sqlite:///ledger.sqlite"),
            (VARS, STATE, "vcc_state_dir: state\n"),
            (VARS, CREATE, "vcc_create_tunnels: maybe"),
            (HOSTS, "vcc_external: true", "vcc_externl: true"),
            (HOSTS, "vcc_member_mode: nat", "vcc_member_mode: nat\n      vcc_confirm_timeout: 5min"),
        ),
        (
            "vcc_create_tunnels: must be one of always, never, ask, not 'maybe'",
            f"vcc_ledger: ledger.sqlite {RELATIVE}",
            f"vcc_state_dir: state {RELATIVE}",
            "hosts.db-oslo.vcc_confirm_timeout: must be a whole number of seconds from 0 to 86400, not '5min': write",
            "hosts.edge-partner.vcc_externl: is not known; did you mean vcc_external?",
        ),
    ),
    Slip(
        "slips in an intent and in what it needs of the inventory",
        (
            (VARS, "name: payroll", "name: no"),
            (VARS, "      - shop-berlin", "      - '!web-berlin'"),
            (VARS, "vcc_policies:\n", "vcc_policies:\n  spare: {encryptoin: {}}\n"),
            (HOSTS, "vcc_vapp: shop-oslo", "vcc_vapp: shop-osol"),
        ),
        (
            "vcc_policies.spare.encryptoin: is not known here; did you mean encryption?",
            "vcc_vpns[0].name: is a boolean: YAML reads a bare no, yes, on or off as one; put the name in quotes",
            "vcc_vpns[0].members[0]: !web-berlin only excludes, and so stands for every other host",
            "hosts.web-oslo.vcc_vapp: shop-osol is not in the group vapp_edges; did you mean shop-oslo?",
        ),
    ),
    Slip(
        "a pool over the management addresses",
        ((VARS, INTERNAL, "  internal: 172.16.0.0/24"),),
        ("vcc_pools.internal: 172.16.0.0/24 overlaps 172.16.0.2/32 (hosts.edge-berlin.ansible_host and 1 more)",),
    ),
    Slip(
        "a pool over the jump hosts, and an edge without its network",
        (
            (VARS, INTERNAL, "  internal: 192.0.2.8/29"),
            (HOSTS, "vcc_org_network: [10.10.0.0/24]       ", "vcc_org_network: []       "),
        ),
        (
            "hosts.edge-berlin.vcc_org_network: is missing: the network behind the edge",
            "vcc_pools.internal: 192.0.2.8/29 overlaps 192.0.2.10/32 (hosts.",
        ),
    ),
    Slip(
        "an edge in two clouds",
        ((HOSTS, "cloud_oslo:\n  hosts:\n", "cloud_oslo:\n  hosts:\n    edge-berlin:\n"),),
        ("hosts.edge-berlin: is in 2 clouds (cloud_berlin, cloud_oslo); a gateway is in exactly one",),
    ),
]


def run(folder: Path, *options: str, playbook: str = "plan_vpn", more: Path | None = None) -> tuple[int, list[str]]:
    """A playbook on the inventory in a folder: its exit code, and what it said, without empty lines.

    ``more``: where other collections are.
    """
    environment = {
        **os.environ,
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_COLLECTIONS_PATH": ":".join(map(str, [*([more] if more else []), ROOT / ".collections"])),
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_SSH_RETRIES": "0",
    }
    command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", "example", "-e", "@run.json"]
    # Asking the machines, which comes first, has a line for each of them and finds nobody here.
    (folder / "run.json").write_text('{"vcc_server_survey": false}')
    done = subprocess.run(
        [*command, *options, str(ROOT / f"playbooks/{playbook}.yml")], cwd=folder, env=environment,
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    return done.returncode, [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]


def moved(folder: Path) -> tuple[str, str]:
    """Where the example keeps its state, and where its copy does."""
    return "/var/lib/intercloud-vpn", str(folder / "state")


def example(folder: Path) -> Path:
    """A copy of the example, which plans in a ledger of its own."""
    copy = folder / "example"
    shutil.copytree(EXAMPLE, copy)
    edit(copy / VARS, *moved(folder))
    return copy


def edit(file: Path, old: str, new: str) -> None:
    """Write something else into a file."""
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


# In the short form: one of each playbook, and one of each way in which a run ends.
SHORT = (
    "VPNs that are a mapping, and a duration",
    "variables that are not there",
    "no VPN to delete",
    "slips in an intent and in what it needs of the inventory",
)
OTHERS = pytest.mark.thorough("another slip, told in the same way; unit tests have its message")


@pytest.mark.parametrize(
    "slip", [pytest.param(slip, id=slip.name, marks=() if slip.name in SHORT else OTHERS) for slip in SLIPS]
)
def test_a_slip_is_told_in_few_lines_and_no_host_is_contacted(tmp_path: Path, slip: Slip) -> None:
    copy = example(tmp_path)
    for file, old, new in slip.edits:
        edit(copy / file, old.replace(*moved(tmp_path)), new)
    code, lines = run(tmp_path, playbook=slip.playbook)
    output = "\n".join(lines)
    assert code == 2, output
    mistakes = [line.strip() for line in lines if re.match(r"\s*(vcc_[a-z_]+|hosts)[.:\[]", line)]
    assert len(mistakes) == PER_MISTAKE * len(slip.said), output
    for line, said in zip(mistakes, slip.said):
        assert line.startswith(said), output
    assert output.count("fatal:") == 1 and "Traceback" not in output
    recap = [line for line in lines if re.search(r"\bok=\d+", line)]
    assert len(lines) - len(recap) <= FRAME + PER_MISTAKE * len(slip.said), output
    asked = len([line for line in lines if line.startswith("included: ")])  # before a deletion: that is no host's task
    assert all(f"ok={asked if 'failed=1' in line else 0}" in line and "unreachable=0" in line for line in recap), output
    assert sum("failed=1" in line for line in recap) == 1, output


def test_texts_mean_what_they_say_where_an_inventory_has_no_other_types(tmp_path: Path) -> None:
    """INI files, `constructed` and surveys say everything in texts. The plan is the same."""
    copy = example(tmp_path)
    code, before = run(tmp_path)
    assert code == 0 and any("+ member web-berlin" in line for line in before), "\n".join(before)
    for said, text in (
        ("vcc_external: true", "vcc_external: 'yes'"),
        ("vcc_underlay_mtu: 1450", "vcc_underlay_mtu: '1450'"),
        ("vcc_public_address: [198.51.100.20]", "vcc_public_address: '[198.51.100.20]'"),
        ("vcc_org_network: [10.10.0.0/24]", "vcc_org_network: '10.10.0.0/24 '"),
        ("vcc_vapp: shop-oslo", "vcc_vapp: 'shop-oslo '"),
    ):
        edit(copy / HOSTS, said, text)
    edit(copy / VARS, CREATE, "vcc_create_tunnels: yes\nvcc_organization: 'acme '")
    edit(copy / VARS, "      dpd_delay: 5 ", "      dpd_delay: '5' ")
    assert run(tmp_path) == (code, before)
