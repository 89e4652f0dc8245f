# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host costs that a run does not concern: `make bench`. Numbers given as arguments are other sizes.

Each line is a real run of `plan_vpn` and one of `create_vpn --check`, about a VPN of two sites and six members, in an
inventory with so many more members that are in no VPN. No host answers: what differs from line to line is what the
others cost the controller.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CLOUDS = ("east", "west")
VPN = {
    "vcc_pools": {"internal": "100.64.0.0/10"},
    "vcc_vpns": [
        {"name": "payroll", "pool": "internal", "members": [f"vm{n}-{cloud}" for cloud in CLOUDS for n in range(1, 4)]}
    ],
}


def inventory(others: int) -> str:
    """Two clouds with three members each, and the others."""
    groups: dict[str, list[str]] = {"vcc_nodes": [], "org_edges": [], "members": []}
    lines = ["[all:vars]", "ansible_host=127.0.0.1", "ansible_port=1", "vcc_org=acme"]
    for number, cloud in enumerate(CLOUDS):
        vms = [f"vm{n}-{cloud} vcc_address=10.10.0.{10 + n}" for n in range(1, 4)]
        # Each has an address of its own: hosts that share one are refused.
        vms += [
            f"other{n}-{cloud} vcc_address=10.{20 + n // 250}.0.{n % 250 + 1} "
            f"ansible_host=127.{1 + number}.{n // 250}.{n % 250}"
            for n in range(others // len(CLOUDS))
        ]
        edge = f"edge-{cloud} vcc_public_address=203.0.113.{2 + 16 * number} vcc_org_address=10.10.0.1"
        groups["org_edges"].append(f"{edge} vcc_org_network=10.0.0.0/8 ansible_host=127.0.1.{number + 1}")
        groups["vcc_nodes"].append(f"node-{cloud} ansible_host=127.0.2.{number + 1}")
        own = [f"{vm} ansible_host=127.0.{3 + number}.{n}" for n, vm in enumerate(vms[:3])]
        numbered = [*own, *vms[3:]]
        groups["members"] += numbered
        names = [line.split()[0] for line in (*numbered, groups["org_edges"][-1], groups["vcc_nodes"][-1])]
        lines += [f"[cloud_{cloud}]", *names]
    for group, hosts in groups.items():
        lines += [f"[{group}]", *hosts]
    return "\n".join(lines) + "\n"


def run(folder: Path, playbook: str, *options: str) -> tuple[float, float]:
    """Seconds that it took, and of the processor."""
    variables = {**VPN, "vcc_state_dir": str(folder / "state")}
    (folder / "vars.json").write_text(json.dumps(variables))
    command = [str(ROOT / ".venv/bin/ansible-playbook"), "-i", "hosts.ini", "-e", "@vars.json", *options, playbook]
    environment = {
        **os.environ,
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".collections"),
        "ANSIBLE_SSH_RETRIES": "0",
    }
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.monotonic() - begun, spent


def main() -> None:
    sizes = [int(size) for size in sys.argv[1:]] or [0, 500, 2000]
    print(
        f"{'others':>8}{'plan_vpn, s':>14}{'CPU, s':>9}{'create_vpn --check, s':>24}{'CPU, s':>9}{'CPU, ms/host':>15}"
    )
    first = 0.0
    for others in sizes:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "hosts.ini").write_text(inventory(others))
            # A ledger, so that the run knows whom it concerns. No host answers, and the run ends there.
            run(folder, "intercloud.vpn.create_vpn")
            plan, create = run(folder, "intercloud.vpn.plan_vpn"), run(folder, "intercloud.vpn.create_vpn", "--check")
        first = first or create[1]
        each = (create[1] - first) / others * 1000 if others else 0.0
        print(f"{others:>8}{plan[0]:>14.1f}{plan[1]:>9.1f}{create[0]:>24.1f}{create[1]:>9.1f}{each:>15.1f}", flush=True)


if __name__ == "__main__":
    main()
