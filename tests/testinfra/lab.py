# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's machines as a test sees them: their files and services by SSH, their networks through their namespaces."""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
import shlex
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import testinfra
from testinfra.modules.file import GNUFile
from testinfra.modules.interface import LinuxInterface
from testinfra.modules.package import DebianPackage
from testinfra.modules.service import SystemdService

from ansible_collections.intercloud.vpn.plugins.plugin_utils import _lab

ROOT = Path(__file__).resolve().parents[2]
LABCTL = ROOT / "roles/lab/files/labctl"
INTERNET = _lab.INTERNET
# What testinfra would ask each machine before its first question: every machine of the lab is a Debian with systemd.
ANSWERS = {"file": GNUFile, "interface": LinuxInterface, "package": DebianPackage, "service": SystemdService}
KNOWN = {"_ip": "ip"}
SHORT = os.environ.get("THOROUGH") == "0"


def machines():
    """name → Machine, of the lab as it is now."""
    with open(_lab.STATE_FILE, encoding="utf-8") as file:
        return _lab.machines_in(json.load(file))


def of_kind(*kinds):
    """Names of the machines of these kinds: vcc_node, org_edge, vapp_edge, member."""
    return [name for name, machine in machines().items() if machine.kind in kinds]


@cache
def host(name):
    """A machine, for testinfra: its files, services, packages, interfaces. Each question is one SSH command."""
    found = testinfra.get_host(f"ssh://{name}?ssh_config={_lab.SSH_CONFIG}&controlpersist=0")
    for kind, answers in ANSWERS.items():
        setattr(found, kind, type(answers.__name__, (answers,), {"_host": found, **KNOWN}))
    return found


def sh(name, command, check=True):
    """Run a shell command on a machine; what it printed."""
    done = subprocess.run(
        ["ssh", "-F", _lab.SSH_CONFIG, name, command], capture_output=True, text=True, check=False, timeout=90
    )
    assert done.returncode == 0 or not check, f"{name}: {command}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout


def run(*words):
    """Run one of the controller's own tools on the controller."""
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL, timeout=90)


def netns(name, *command, check=True):
    """Run one of the controller's own tools in a machine's network; what it printed."""
    done = subprocess.run(
        ["ip", "netns", "exec", name, *command], capture_output=True, text=True, check=False, timeout=90
    )
    assert done.returncode == 0 or not check, f"{name}: {command}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout


def process(name, *command):
    """Start one of the controller's own tools in a machine's network; its input and output are text."""
    words = ["ip", "netns", "exec", name, *command]
    return subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def labctl(*words):
    """The power button: start, stop, reboot, kill a machine."""
    subprocess.run([LABCTL, *words], check=True, stdout=subprocess.DEVNULL, timeout=180)


def at_once(function, items):
    """[function(item) …], side by side."""
    items = list(items)
    with ThreadPoolExecutor(max(1, min(len(items), 24))) as pool:
        return list(pool.map(function, items))


def thorough(what):
    """Whether to do a part of a test that other tests of the short form show, too. The short form notes it instead."""
    if SHORT and (where := os.environ.get("LEFT_OUT")):
        with Path(where).open("a", encoding="utf-8") as file:
            file.write(f"{os.environ.get('PYTEST_CURRENT_TEST', '').partition(' ')[0]}, a part of it: {what}\n")
    return not SHORT


def wait_for(what, condition, seconds):
    """Wait until a condition holds; returns (what it gave, seconds it took). Looks less often when it takes longer."""
    begin = time.monotonic()
    while not (value := condition()):
        waited = time.monotonic() - begin
        assert waited < seconds, f"not within {seconds} s: {what}"
        time.sleep(min(0.2 + waited / 20, 1.5))
    return value, time.monotonic() - begin


@dataclass
class Pings:
    """What became of some pings."""

    sent: int = 0
    received: int = 0
    text: str = field(default="", repr=False)

    @property
    def lost(self):
        return self.sent - self.received

    def read(self, text):
        counts = re.search(r"(\d+) packets transmitted, (\d+) received", text)
        self.text = text
        if counts:
            self.sent, self.received = int(counts[1]), int(counts[2])
        return self


def ping(source, address, count=3, interval=0.1, own=None, size=None):
    """Ping an address from a machine, from its `own` address; `size`: octets with headers, not to be fragmented.

    ping itself gives the last answer only twice the time that the slowest before it took (-c), or counts later ones in
    its place (-w). On a busy machine an answer is late, not lost: so it goes on until all asked for are answered.
    """
    header = 48 if ":" in address else 28
    numbers = "|".join(map(str, range(1, count + 1)))
    seconds = math.ceil(count * interval * 1.5 + 0.5)
    command = ["stdbuf", "-oL", "ping", "-n", f"-i{interval}", f"-w{seconds}", *(["-I", own] if own else [])]
    command += ["-M", "do", "-s", str(size - header)] if size else []
    answers_of_these = shlex.join(["grep", "-m", str(count), "-E", f"icmp_seq=({numbers}) ttl=[0-9]+ time=[^ ]+ ms$"])
    text = netns(source, "sh", "-c", f"{shlex.join([*command, address])} 2>&1 | {answers_of_these}", check=False)
    return Pings(sent=count, received=len(text.splitlines()), text=text)


def answers(source, address, **options):
    """Whether at least one answer comes."""
    return ping(source, address, **options).received > 0


def reach(pairs, **options):
    """(source, address) → Pings, all at once."""
    pairs = list(pairs)
    return dict(zip(pairs, at_once(lambda pair: ping(*pair, **options), pairs)))


@contextmanager
def pinging(source, address, interval=0.02, own=None):
    """Ping while the block runs; the Pings it gives are filled in when it ends.

    The process that sends a ping pays for all that forwards it: a few flows of 100 a second take a fifth of a core.
    """
    command = ["ip", "netns", "exec", source, "ping", "-n", f"-i{interval}", *(["-I", own] if own else []), address]
    pings = Pings()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        output = []
        reader = threading.Thread(target=lambda: output.extend(process.stdout))
        reader.start()
        try:
            yield pings
            time.sleep(0.5)
        finally:
            process.send_signal(signal.SIGINT)
            reader.join(30)
    answered = {int(number) for number in re.findall(r"icmp_seq=(\d+) ttl", "".join(output))}
    pings.read("".join(output[-3:]))
    assert pings.sent > 0, "".join(output[-5:])
    # What was under way when it was told to stop is not lost.
    pings.sent = max([n for n in answered if n > pings.sent - 10], default=pings.sent)
    pings.received = len(answered)
    pings.text = f"missing: {sorted(set(range(1, pings.sent + 1)) - answered)}"


RECEIVE = """
import hashlib, socket, sys
family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
both = sys.argv[1] == "::"
server = socket.create_server((sys.argv[1], 5201), family=family, dualstack_ipv6=both)
server.settimeout(20)
print("ready", flush=True)
client, digest = server.accept()[0], hashlib.sha256()
client.settimeout(20)
while data := client.recv(1 << 16):
    digest.update(data)
print(digest.hexdigest())
"""
SEND = """
import socket, sys
client = socket.create_connection((sys.argv[1], 5201), timeout=20)
client.sendall(b"vpn!" * (int(sys.argv[2]) // 4))
"""


@contextmanager
def looking_for_clear(senders, address):
    """What crosses the internet in clear while these machines send to an address; the list is filled at the end."""
    lines = []
    sniffer = process(INTERNET, "tcpdump", "-l", "-n", "-i", "any", "src net 100.64.0.0/10")
    try:
        sending = [process(name, "ping", "-n", "-i", "0.02", address) for name in senders]
        try:
            yield lines
        finally:
            for sender in sending:
                sender.terminate()
    finally:
        sniffer.terminate()
        lines += [line for line in str(sniffer.communicate()[0]).splitlines() if "100.64." in line]


def transfer(source, destination, address, octets, listen=None):
    """Send so much over TCP, segments as large as the machines take them to be; whether all of it arrived unchanged.

    `listen`: where the receiver waits, if it does not have the address itself.
    """
    with process(destination, sys.executable, "-c", RECEIVE, listen or address) as server:
        try:
            assert server.stdout.readline() == "ready\n"
            netns(source, sys.executable, "-c", SEND, address, str(octets))
            digest = server.communicate(timeout=30)[0].strip()
        finally:
            server.kill()
    return digest == hashlib.sha256(b"vpn!" * (octets // 4)).hexdigest()
