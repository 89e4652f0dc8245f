# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An edge with many tunnels that are up: what the agent costs when nothing happens, and how long one less takes.

For a lab apart, which tests/bench/idle.sh makes. edge-east is the hub of a star whose other sites are external edges
with pre-shared keys. The edges of the other clouds play all of those, configured with the mirror image of the hub's
configuration. (With one machine for all, that machine was what limited: ESP in userspace goes through its list of
addresses for every policy.)
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
from pathlib import Path
from typing import Any

from ansible_collections.intercloud.vpn.plugins.plugin_utils import _lab
from ansible_collections.intercloud.vpn.tests.testinfra import lab, playbooks

HUB = "edge-east"
OUTSIDE = ipaddress.ip_network("198.18.0.0/15")
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
AT_A_TIME = 10  # of each machine
SECONDS = int(os.environ.get("IDLE_SECONDS", "180"))
SERVICE = "intercloud-vpn.service"


def addresses(number: int, peers: list[str]) -> dict[str, list[ipaddress.IPv4Address]]:
    """The public addresses of so many external edges, in one prefix for each machine that plays some of them."""
    prefixes = OUTSIDE.subnets(new_prefix=OUTSIDE.prefixlen + 3)
    share = -(-number // len(peers))
    return {peer: [prefix[1 + count] for count in range(share)] for peer, prefix in zip(peers, prefixes)}


def fleet(number: int, outside: list[ipaddress.IPv4Address]) -> dict[str, object]:
    """An inventory of so many external edges with one VM each, beside the lab's."""
    names = [f"x{count}" for count in range(number)]
    edges = {
        f"edge-{name}": {"vcc_org": "acme", "vcc_external": True, "vcc_public_address": [str(address)]}
        for name, address in zip(names, outside)
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


def play(peer: str, config: str, secrets: str, own: list[ipaddress.IPv4Address]) -> None:
    """Have a machine play the external edges with some addresses."""
    ends = re.findall(r"local_addrs = ([0-9.]+)|local_ts = ([0-9./]+)", config)
    whose = [outer for outer, _inner in ends if outer]
    # ESP in userspace looks for an address inside its selectors.
    inside = [ipaddress.ip_network(inner)[1] for _outer, inner in ends if inner]
    assert len(whose) == len(inside)
    mine = [address for outer, address in zip(whose, inside) if ipaddress.ip_address(outer) in own]
    lines = "\n".join(f"address add {address}/32 dev lo" for address in [*own, *mine])
    lab.sh(peer, f"ip -batch - <<'END'\n{lines}\nEND")
    for path, text in ((f"{PEER_CONFIG}.conf", config), (f"{PEER_CONFIG}-secrets.conf", secrets),
                       ("/etc/strongswan.d/peers.conf", CHARON)):  # fmt: skip
        subprocess.run(
            ["ssh", "-F", _lab.SSH_CONFIG, peer, f"umask 077; cat > {path}"], input=text, text=True, check=True
        )
    lab.sh(peer, "systemctl restart strongswan; sleep 2; swanctl --load-all --noprompt >/dev/null 2>&1")


def apply(inventory: str, vpn: dict[str, object]) -> dict[str, float]:
    """Apply an intent on the hub; returns what `timed` does."""
    words = ("-i", inventory, "--limit", f"{HUB},vm1-east")
    return timed(playbooks.command(playbooks.SHARED / "apply.yml", *words, vpns=[vpn], vcc_confirm_timeout=600))


def timed(command: list[str]) -> dict[str, float]:
    """Run a playbook; returns the seconds that each of its tasks took, and under "" all of it."""
    begun = time.monotonic()
    took, task, since, said = dict[str, float](), "", begun, list[str]()
    # Else Ansible names a task when its first result is there, and its seconds would be those of the task before.
    environment = {**playbooks.environment(), "ANSIBLE_DISPLAY_SKIPPED_HOSTS": "true"}
    with subprocess.Popen(command, env=environment, cwd=lab.ROOT, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        for line in running.stdout:
            said.append(line)
            if line.startswith(("TASK [", "PLAY ")):
                took[task] = took.get(task, 0.0) + time.monotonic() - since
                task, since = line.strip(" *\n"), time.monotonic()
    took[task] = took.get(task, 0.0) + time.monotonic() - since
    assert running.returncode == 0, "".join(said)[-3000:]
    return {**took, "": time.monotonic() - begun}


def committed(document: dict[str, Any]) -> dict[str, float]:
    """Tell the hub a document, as a run does; returns the seconds of each task."""
    with tempfile.TemporaryDirectory() as directory:
        (Path(directory) / f"{HUB}.json").write_text(json.dumps(document))
        play = {
            "hosts": HUB,
            "gather_facts": False,
            # The plan of a run has looked whose keys are in the inventory. Here is none: they are the VCC server's.
            "vars": {"vcc_server_part": True},
            "roles": [{"role": "intercloud.vpn.org_edge", "org_edge_documents": directory,
                       "org_edge_confirm_timeout": 0}],
        }  # fmt: skip
        (Path(directory) / "play.yml").write_text(json.dumps([{"name": "Commit", **play}]))
        return timed(playbooks.command(Path(directory) / "play.yml"))


def as_in_a_mesh(document: dict[str, Any]) -> dict[str, Any]:
    """The hub's document, if its peers had tunnels with each other and needed no way through it."""
    (vpn,) = document["vpns"]
    own = str(next(ipaddress.ip_network(vpn["blocks"][0]).subnets(new_prefix=26)))
    tunnels = [{**tunnel, "links": [{**link, "local_ts": [own]} for link in tunnel["links"]]}
               for tunnel in document["tunnels"]]  # fmt: skip
    addresses = [entry for entry in document["addresses"] if "backend" not in entry]
    return {**document, "generation": document["generation"] + 1, "vpns": [{**vpn, "through": False}],
            "tunnels": tunnels, "addresses": addresses}  # fmt: skip


def without(document: dict[str, Any], tunnel: dict[str, Any]) -> dict[str, Any]:
    """The document with one tunnel less."""
    gone = set(tunnel["links"][0]["remote_ts"])
    return {
        **document,
        "generation": document["generation"] + 1,
        "tunnels": [one for one in document["tunnels"] if one is not tunnel],
        "routes": [route for route in document["routes"] if route["prefix"] not in gone],
    }


def children() -> set[str]:
    """The SPIs of the hub's CHILD_SAs."""
    return set(lab.sh(HUB, "swanctl --list-sas | awk '/^ *(in|out) /{print $2}'").split())


def connect(played: dict[str, list[ipaddress.IPv4Address]]) -> None:
    """Let the internet know where these addresses are, some at a time.

    Two cores are to answer what a thousand edges would: all at once, they only see requests that are sent again.
    """
    for count in range(0, max(map(len, played.values())), AT_A_TIME):
        for peer, own in played.items():
            public = next(i for i in lab.machines()[peer].interfaces if i.network == "public")
            words = [f"route replace {address}/32 via {public.addresses[0].split('/')[0]}"
                     for address in own[count : count + AT_A_TIME]]  # fmt: skip
            lines = "\n".join(words)
            lab.netns(lab.INTERNET, "sh", "-c", f"ip -batch - <<'END'\n{lines}\nEND")
        time.sleep(2)


def memory(pid: str) -> float:
    """MiB that a process of the hub has resident."""
    return int(lab.sh(HUB, f"awk '/^VmRSS/ {{print $2}}' /proc/{pid}/status")) / 1024


def main() -> None:
    number = int(sys.argv[1])
    peers = [name for name in lab.of_kind("org_edge") if name != HUB]
    played = addresses(number, peers)
    with tempfile.NamedTemporaryFile("w", suffix=".yml", delete=False) as file:
        json.dump(fleet(number, [address for some in played.values() for address in some]), file)
    members = ["vm1-east", *(f"vm-x{count}" for count in range(number))]
    vpn = {"name": "payroll", "pool": "internal", "members": members, "topology": {"kind": "star", "hub": HUB}}
    playbooks.start_log()
    print(f"created in {apply(file.name, vpn)['']:.0f} s", flush=True)
    document = as_in_a_mesh(json.loads(lab.sh(HUB, "cat /var/lib/intercloud-vpn/current/document.json")))
    print(f"other selectors for all: committed in {committed(document)['']:.0f} s", flush=True)
    config, secrets = mirrored(lab.sh(HUB, f"cat {CONFIG}.conf")), lab.sh(HUB, f"cat {CONFIG}-secrets.conf")
    for peer, own in played.items():
        play(peer, config, secrets, own)
    connect(played)
    begun = time.monotonic()
    while up() < number and time.monotonic() - begun < 900:
        time.sleep(10)
        print(f"{time.monotonic() - begun:.0f} s: {up()} links up", flush=True)
    time.sleep(90)  # until it has looked once more, and found all well
    agent = lab.sh(HUB, f"systemctl show --property MainPID --value {SERVICE}").strip()
    before, begun, seen = used(agent), time.monotonic(), []
    while not seen or time.monotonic() - begun < SECONDS:
        time.sleep(5)
        seen.append(memory(agent))
    share = (used(agent) - before) / (time.monotonic() - begun)
    print(f"measured: {up()} tunnels, idle: {100 * share:.2f} % of a core, at most {max(seen):.1f} MiB", flush=True)
    spis = children()
    took = committed(without(document, document["tunnels"][0]))
    commit = next(seconds for task, seconds in took.items() if "Bring the edge" in task)
    left = children()
    print(f"measured: one tunnel less: {took['']:.1f} s, the commit {commit:.1f} s; SPIs that went: {len(spis - left)}")
    assert left <= spis and len(spis - left) == 2, "others were touched"
    for task, seconds in sorted(took.items(), key=lambda entry: -entry[1])[:12]:
        print(f"  {seconds:6.1f} s {task or 'all'}")


if __name__ == "__main__":
    main()
