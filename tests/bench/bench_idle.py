# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the agent costs on an edge with many tunnels that are up, when nothing happens.

For a lab apart, which tests/bench/idle.sh makes. edge-east is the hub of a star whose other sites are external edges
with pre-shared keys. All of those are one machine, edge-west, configured with the mirror image of the hub's
configuration.
"""

from __future__ import annotations

import ipaddress
import json
import os
import re
import subprocess
import sys
import tempfile
import time

from ansible_collections.intercloud.vpn.plugins.plugin_utils import _lab
from ansible_collections.intercloud.vpn.tests.testinfra import lab, playbooks

HUB, PEER = "edge-east", "edge-west"
FIRST = ipaddress.ip_address("198.19.0.1")
CONFIG = "/etc/swanctl/conf.d/intercloud-vpn"
PEER_CONFIG = "/etc/swanctl/conf.d/peers"
CHARON = """\
charon {
  install_routes = no
  threads = 64
  dos_protection = no  # all links come from one address, at once
  plugins {
    kernel-libipsec { load = yes }
    bypass-lan { load = no }
  }
}
"""
SECONDS = 120
SERVICE = "intercloud-vpn.service"


def fleet(number: int) -> dict[str, object]:
    """An inventory of so many external edges with one VM each, beside the lab's."""
    names = [f"x{count}" for count in range(number)]
    edges = {
        f"edge-{name}": {"vcc_org": "acme", "vcc_external": True, "vcc_public_address": [str(FIRST + count)]}
        for count, name in enumerate(names)
    }
    clouds = {f"cloud_{name}": {"hosts": {f"edge-{name}": None, f"vm-{name}": None}} for name in names}
    vms = {f"vm-{name}": {"vcc_org": "acme"} for name in names}
    return {"org_edges": {"hosts": edges}, "members": {"hosts": vms}, **clouds}


def mirrored(text: str) -> str:
    """The configuration of the other ends of all tunnels."""
    swap = {"local": "remote", "remote": "local"}
    text = re.sub(r"\b(local|remote)(?=_addrs|_ts| \{)", lambda found: swap[found[1]], text)
    text = re.sub(r"start_action = .*|dpd_action = .*|close_action = .*|.*if_id_.*|.*reqid.*", "", text)
    return re.sub(r"keyingtries = .*", "keyingtries = 1", text)


def up() -> int:
    """How many links of the hub are installed."""
    return int(lab.sh(HUB, "swanctl --list-sas | grep -c ' INSTALLED'", check=False).strip() or 0)


def used(agent: str) -> float:
    """CPU seconds that the agent has used so far, its children included."""
    return int(lab.sh(HUB, f"awk '{{print $14 + $15 + $16 + $17}}' /proc/{agent}/stat")) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    number = int(sys.argv[1])
    with tempfile.NamedTemporaryFile("w", suffix=".yml", delete=False) as file:
        json.dump(fleet(number), file)
    members = ["vm1-east", *(f"vm-x{count}" for count in range(number))]
    vpn = {"name": "payroll", "pool": "internal", "members": members, "topology": {"kind": "star", "hub": HUB}}
    playbooks.start_log()
    begun = time.monotonic()
    words = ("-i", file.name, "--limit", f"{HUB},vm1-east")
    command = playbooks.command(playbooks.SHARED / "apply.yml", *words, vpns=[vpn], vcc_confirm_timeout=600)
    done = subprocess.run(
        command, env=playbooks.environment(), cwd=lab.ROOT, stdout=subprocess.PIPE, text=True, check=False
    )
    print(f"created in {time.monotonic() - begun:.0f} s", flush=True)
    assert done.returncode == 0, done.stdout[-3000:]
    # The other side.
    outside = lab.machines()[PEER]
    public = next(i for i in outside.interfaces if i.network == "public").addresses[0].split("/")[0]
    lab.netns(lab.INTERNET, "ip", "route", "replace", "198.19.0.0/16", "via", public)
    config = mirrored(lab.sh(HUB, f"cat {CONFIG}.conf"))
    # ESP in userspace looks for an address inside its selectors.
    inside = [ipaddress.ip_network(text)[1] for text in re.findall(r"local_ts = ([0-9./]+)", config)]
    addresses = [*(FIRST + count for count in range(number)), *inside]
    lines = "\n".join(f"address add {address}/32 dev lo" for address in addresses)
    lab.sh(PEER, f"ip -batch - <<'END'\n{lines}\nEND")
    secrets = lab.sh(HUB, f"cat {CONFIG}-secrets.conf")
    for path, text in ((f"{PEER_CONFIG}.conf", config), (f"{PEER_CONFIG}-secrets.conf", secrets),
                       ("/etc/strongswan.d/peers.conf", CHARON)):  # fmt: skip
        subprocess.run(
            ["ssh", "-F", _lab.SSH_CONFIG, PEER, f"umask 077; cat > {path}"], input=text, text=True, check=True
        )
    lab.sh(
        PEER,
        "systemctl restart strongswan; sleep 2; swanctl --load-all --noprompt >/dev/null 2>&1",
    )
    begun = time.monotonic()
    while up() < number and time.monotonic() - begun < 900:
        time.sleep(5)
        print(f"{time.monotonic() - begun:.0f} s: {up()} links up", flush=True)
    time.sleep(30)
    agent = lab.sh(HUB, f"systemctl show --property MainPID --value {SERVICE}").strip()
    before, begun = used(agent), time.monotonic()
    time.sleep(SECONDS)
    share = (used(agent) - before) / (time.monotonic() - begun)
    memory = int(lab.sh(HUB, f"awk '/^VmRSS/ {{print $2}}' /proc/{agent}/status")) / 1024
    print(f"measured: {up()} tunnels, idle: {100 * share:.2f} % of a core, {memory:.1f} MiB")


if __name__ == "__main__":
    main()
