# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who listens and who gets through: TCP connections and UDP datagrams between machines of the lab."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import ExitStack, contextmanager

from ansible_collections.intercloud.vpn.tests.testinfra import lab

# Says to whoever asks at which address it sees them.
LISTEN = """
import json, socket, sys, threading, time
def tcp(server):
    while True:
        client, address = server.accept()
        client.sendall(address[0].encode())
        client.close()
def udp(server):
    while True:
        _data, address = server.recvfrom(100)
        server.sendto(address[0].encode(), address)
for text in sys.argv[1:]:
    kind, port = text.split("/")
    if kind == "tcp":
        server = socket.create_server(("0.0.0.0", int(port)))
    else:
        server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        server.bind(("0.0.0.0", int(port)))
    threading.Thread(target=globals()[kind], args=(server,), daemon=True).start()
print("ready", flush=True)
sys.stdin.read()
"""
ASK = """
import json, socket, sys
from concurrent.futures import ThreadPoolExecutor
def ask(target):
    address, text, own = target
    kind, port = text.split("/")
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM) as client:
        client.settimeout(2)
        if own:
            client.bind((own, 0))
        try:
            client.connect((address, int(port)))
            if kind == "udp":
                client.send(b"?")
            return client.recv(100).decode()
        except OSError as error:
            return None
targets = json.load(sys.stdin)
with ThreadPoolExecutor(len(targets)) as pool:
    print(json.dumps(list(pool.map(ask, targets))))
"""


@contextmanager
def listening(ports):
    """Have machines listen while the block runs: {machine: ["tcp/443", "udp/53", ...]}."""
    with ExitStack() as stack:
        for machine, wanted in ports.items():
            command = ["ip", "netns", "exec", machine, sys.executable, "-c", LISTEN, *wanted]
            server = stack.enter_context(
                subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            )
            stack.callback(server.kill)
            assert server.stdout.readline() == "ready\n", f"{machine} does not listen on {wanted}"
        yield


def ask(source, targets, own=None):
    """Ask [(address, port) …] from a machine, all at once: where it was seen there, None if nobody answered."""
    words = json.dumps([(address, port, own) for address, port in targets])
    done = subprocess.run(
        ["ip", "netns", "exec", source, sys.executable, "-c", ASK],
        input=words, capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    return dict(zip(targets, json.loads(done.stdout)))


def answered(asking, own=None):
    """{(source, address, port)} of those that got an answer, out of {source: [(address, port) …]}."""
    found = lab.at_once(lambda source: ask(source, asking[source], own), asking)
    return {(source, *target) for source, seen in zip(asking, found) for target, at in seen.items() if at}
