# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An edge that stretches its network to two other sites: what the agent costs when nothing happens.

For a lab apart, which `tests/bench/idle.sh stretched` makes. The members are those of tests/testinfra/stretched.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from ansible_collections.intercloud.vpn.tests.bench.bench_idle import HUB, SECONDS, SERVICE, memory, used
from ansible_collections.intercloud.vpn.tests.testinfra import inventories, lab, playbooks

MEMBERS = {"vm3-east": "10.10.0.13", "vm3-west": "10.10.0.23", "vm3-south": "10.10.0.33"}
WEB = {"name": "web-tier", "stretch": ["edge-east", "edge-west", "edge-south"], "members": [*MEMBERS]}


def main() -> None:
    own = {name: [address, f"fd10:10::{address.rpartition('.')[2]}"] for name, address in MEMBERS.items()}
    for name, (four, six) in own.items():
        for words in (("flush", "dev", "eth0", "scope", "global"), ("add", f"{four}/24", "dev", "eth0"),
                      ("add", f"{six}/64", "dev", "eth0", "nodad")):  # fmt: skip
            lab.netns(name, "ip", "address", *words)
    playbooks.start_log()
    with tempfile.TemporaryDirectory() as directory:
        inventory = inventories.placed(Path(directory) / "lab.sh", own)
        playbooks.run("create_vpn", vpns=[], inventory=inventory, vcc_networks=[WEB])
    time.sleep(90)  # until it has looked once more, and found all well
    agent = lab.sh(HUB, f"systemctl show --property MainPID --value {SERVICE}").strip()
    before, begun, seen = used(agent), time.monotonic(), list[float]()
    while time.monotonic() - begun < SECONDS:
        time.sleep(5)
        seen.append(memory(agent))
    share = (used(agent) - before) / (time.monotonic() - begun)
    print(f"measured: a stretched network, idle: {100 * share:.2f} % of a core, at most {max(seen):.1f} MiB")


if __name__ == "__main__":
    main()
