# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab in the virtual machine, as a test sees it. Importing this turns tests/testinfra's helpers to it as well."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from types import SimpleNamespace

from ansible_collections.intercloud.vpn.plugins.plugin_utils import _lab
from ansible_collections.intercloud.vpn.tests.testinfra import lab, ledger, playbooks, strongswan
from ansible_collections.intercloud.vpn.tests.testinfra.playbooks import EDGES

SSH_CONFIG = f"{_lab.VM_STATE_DIR}/ssh/config"
VMCTL = lab.ROOT / "roles/lab/files/vmctl"
SCRATCH = lab.ROOT / "build/kernel"
TUNNEL = "edge-east--edge-west"
# What must never be on a wire between the clouds: addresses of pools, and private ones.
INNER = " or ".join(f"net {net}" for net in ("100.64.0.0/10", "10.0.0.0/8", "192.168.0.0/16", "fc00::/7"))
COOKED = 20  # octets of tcpdump's own before each packet captured on any device
# `test-kernel.sh short`: only machines on the org networks, for each machine takes its time under emulation.
SHORT = os.environ.get("KERNEL") == "short"
PAYROLL = {**playbooks.PAYROLL, **({"members": ["vm3-east", "vm3-west"]} if SHORT else {})}
# Two members, in different clouds.
ONE, OTHER = ("vm3-east", "vm3-west") if SHORT else ("vm1-east", "vm1-west")
# Two clouds, IPv4 inside, and all three, IPv6 inside.
COMPANY = {
    "name": "company",
    "pool": "fd64::/48",
    "members": ["vm2-east", "vm2-west", "vm3-south"],
    "topology": {"kind": "star", "hub": "east"},
}
# IPv6 inside, in two clouds: the third one's edge has no IPv6 outside.
SIX = {"name": "six", "pool": "fd66::/48", "members": ["vm2-east", "vm2-west"]}
RUN_SECONDS = 900  # far more than a playbook takes under emulation


def sh(command, check=True, timeout=300):
    """Run a shell command in the virtual machine itself; what it printed."""
    done = subprocess.run(
        ["ssh", "-F", SSH_CONFIG, "lab-vm", command], capture_output=True, text=True, check=False, timeout=timeout
    )
    assert done.returncode == 0 or not check, f"{command}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout


def netns(name, *command, check=True):
    """Run one of the virtual machine's tools in the network of one of the lab's machines; what it printed."""
    return sh(f"ip netns exec {name} {shlex.join(command)}", check)


def process(name, *command):
    """Start one of the virtual machine's tools in the network of one of the lab's machines."""
    words = f"exec ip netns exec {name} {shlex.join(command)}"
    return subprocess.Popen(
        ["ssh", "-F", SSH_CONFIG, "lab-vm", words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def labctl(*words):
    """The power button of one of the lab's machines."""
    subprocess.run([VMCTL, "labctl", *words], check=True, stdout=subprocess.DEVNULL, timeout=900)


def _command(playbook, *arguments, **options):
    words = _ordinary_command(playbook, *arguments, **options)
    return [word.replace("inventories/lab", "inventories/lab-kernel") for word in words]


def _patiently(*arguments, **options):
    check = options.pop("check", False)
    return subprocess.run(*arguments, check=check, **{**options, "timeout": RUN_SECONDS})


# What tests/testinfra does on the ordinary lab, it does on this one from here on, and with more patience.
_ordinary_command = playbooks.command
_lab.STATE_FILE = f"{_lab.VM_STATE_DIR}/state.json"
_lab.SSH_CONFIG = SSH_CONFIG
lab.netns = netns
lab.process = process
lab.labctl = labctl
playbooks.command = _command
playbooks.subprocess = SimpleNamespace(**{**vars(subprocess), "run": _patiently})
playbooks.INVENTORY = lab.ROOT / "inventories/lab-kernel"
playbooks.SCRATCH = SCRATCH
playbooks.RESULT = SCRATCH / "vpn.json"
playbooks.LOG = SCRATCH / "runs.log"
ledger.rows.__defaults__ = (Path(_lab.VM_STATE_DIR, "ledger.sqlite"),)


@dataclass
class Pings:
    """A continuous ping: when each answer came (seconds since 1970, by the virtual machine's clock), by its number."""

    file: str
    answers: dict
    sent: int = 0

    def read(self):
        text = sh(f"cat {self.file}")
        found = re.findall(r"^\[([\d.]+)\] \d+ bytes .*icmp_seq=(\d+)", text, re.MULTILINE)
        self.answers = {int(number): float(when) for when, number in found}
        if counts := re.search(r"(\d+) packets transmitted", text):
            # What was under way when it was told to stop is not lost.
            self.sent = max([n for n in self.answers if n > int(counts[1]) - 25], default=int(counts[1]))
        return self

    @property
    def lost(self):
        return self.sent - len(self.answers)

    @property
    def missing(self):
        """The numbers of those that were not answered."""
        return sorted(set(range(1, self.sent + 1)) - set(self.answers))

    def longest_gap(self):
        """(begin, end) of the longest time without an answer."""
        times = sorted(self.answers.values())
        return max(zip(times, times[1:]), key=lambda pair: pair[1] - pair[0])

    def steady_since(self, moment, count=20):
        """Whether so many answers in a row have come after a moment."""
        self.read()
        last = sorted(self.answers)[-count:]
        return len(last) == count and last[-1] - last[0] == count - 1 and self.answers[last[0]] > moment


@contextmanager
def pinging(source, address, interval=0.05):
    """Ping while the block runs; complete when it has ended."""
    file = f"/tmp/ping-{source}-{time.monotonic_ns()}"
    words = f"ip netns exec {source} ping -n -D -i{interval} -W5 {address}"
    pid = sh(f"setsid {words} > {file} 2>&1 < /dev/null & echo $!").strip()
    pings = Pings(file, {})
    try:
        lab.wait_for("the first answer", lambda: pings.read().answers, 30)
        yield pings
        time.sleep(1)
    finally:
        sh(f"kill -INT {pid}; while kill -0 {pid}; do sleep 0.1; done 2>/dev/null", check=False)
        pings.read()


class Capture:
    """What passes through a machine's network, from start to stop; heads of packets only."""

    def __init__(self, name, where=lab.INTERNET):
        self.remote, self.file, self.where = f"/tmp/{name}.pcap", SCRATCH / f"{name}.pcap", where

    def start(self):
        words = f"ip netns exec {self.where} tcpdump -n -i any -s 160 -B 16384 -U -Z root -w {self.remote}"
        sh(f"setsid {words} > {self.remote}.log 2>&1 < /dev/null &")
        lab.wait_for("tcpdump", lambda: "listening on" in sh(f"cat {self.remote}.log", check=False), 30)
        return self

    def stop(self):
        time.sleep(1)
        sh(f"pkill -INT -f -- '-w {self.remote}$'; while pgrep -f -- '-w {self.remote}$'; do sleep 0.1; done")
        said = sh(f"cat {self.remote}.log")
        assert "\n0 packets dropped by kernel" in said, said
        with self.file.open("wb") as file:
            subprocess.run(["ssh", "-F", SSH_CONFIG, "lab-vm", f"cat {self.remote}"], check=True, stdout=file)
        return self

    def packets(self, expression):
        """One line per packet that fits a tcpdump expression."""
        words = ["tcpdump", "-n", "-r", str(self.file), expression]
        return subprocess.run(words, check=True, capture_output=True, text=True).stdout.splitlines()


@contextmanager
def capturing(name, where=lab.INTERNET):
    capture = Capture(name, where).start()
    try:
        yield capture
    finally:
        capture.stop()


def vpns():
    """The VPNs that this lab has clouds for."""
    return [PAYROLL, COMPANY] if len(lab.of_kind("org_edge")) > 2 else [PAYROLL]


def number(vpn):
    """A VPN's number, by the ledger: its `if_id`."""
    return next(row["number"] for row in ledger.rows("vpns") if row["name"] == vpn)


def links(edge):
    """{tunnel: [VPN …]} of an edge, by the ledger; of a pair's tunnels also the link that hellos take."""
    (document,) = [json.loads(row["document"]) for row in ledger.rows("documents") if row["node"] == edge]
    names = {
        tunnel["name"]: [link["name"] if link.get("hello") else link["vpn"] for link in tunnel["links"]]
        for tunnel in document["tunnels"]
    }
    return {name: sorted(links) for name, links in names.items()}


def one_of_each(edges=EDGES):
    """Whether these edges have one IKE_SA per tunnel with one CHILD_SA per link, and the kernel their states only."""
    for edge, sas in zip(edges, lab.at_once(strongswan.ike_sas, edges)):
        found = [(sa.name, sorted(child.name for child in sa.children)) for sa in sas]
        states = netns(edge, "ip", "-o", "xfrm", "state").splitlines()
        wanted = links(edge)
        if sorted(found) != sorted(wanted.items()):
            return False
        if len([s for s in states if "spi 0x00000000" not in s]) != 2 * sum(map(len, wanted.values())):
            return False
    return True


def settle(edges=EDGES, seconds=150):
    """Wait until there is one of each: the edges' agents see to it."""
    lab.wait_for("one tunnel, one link", lambda: one_of_each(edges), seconds)


def spis(edges=EDGES):
    """The SPIs of all IKE_SAs and CHILD_SAs of these edges: they change when one is made again."""
    found = lab.at_once(strongswan.ike_sas, edges)
    return {spi for sas in found for sa in sas for one in (sa, *sa.children) for spi in one.spis}


RECEIVE = """
import hashlib, socket, sys
family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
server = socket.create_server((sys.argv[1], 5201), family=family)
server.settimeout(60)
print("ready", flush=True)
client, octets = server.accept()[0], 0
client.settimeout(60)
while data := client.recv(1 << 16):
    octets += len(data)
print(octets)
"""
SEND = """
import socket, sys
client = socket.create_connection((sys.argv[1], 5201), timeout=60)
client.sendall(b"vpn!" * (int(sys.argv[2]) // 4))
"""


def transfer(source, destination, address, octets):
    """Send so much over TCP; returns how much arrived, and the seconds it took."""
    with process(destination, "python3", "-c", RECEIVE, address) as server:
        assert server.stdout.readline() == "ready\n"
        begin = time.monotonic()
        netns(source, "python3", "-c", SEND, address, str(octets))
        arrived = int(server.communicate(timeout=120)[0])
    return arrived, time.monotonic() - begin


def started(edge):
    """When an edge's charon was started, and when it was ready: seconds since 1970."""
    words = (
        "systemctl show strongswan --timestamp=us+utc -p ExecMainStartTimestamp -p ActiveEnterTimestamp -p ActiveState"
    )
    found = dict(line.split("=", 1) for line in lab.sh(edge, words).splitlines())
    if found["ActiveState"] != "active":
        return 0, 0
    return tuple(_seconds(found[name]) for name in ("ExecMainStartTimestamp", "ActiveEnterTimestamp"))


def _seconds(text):
    moment = datetime.strptime(text.split(" ", 1)[1], "%Y-%m-%d %H:%M:%S.%f UTC")
    return moment.replace(tzinfo=timezone.utc).timestamp()


def prepare():
    """A place for logs and captures."""
    Path(SCRATCH).mkdir(parents=True, exist_ok=True)
