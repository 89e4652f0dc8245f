# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who listens and who gets through: TCP connections and UDP datagrams between machines of the lab."""

from __future__ import annotations

import json
from contextlib import ExitStack, contextmanager

from ansible_collections.intercloud.vpn.tests.testinfra import lab

# Says to whoever asks, over IPv4 or IPv6, at which address it sees them.
LISTEN = """
import json, socket, sys, threading, time
def seen(address):
    return address[0].removeprefix("::ffff:").encode()
def tcp(server):
    while True:
        client, address = server.accept()
        client.sendall(seen(address))
        client.close()
def udp(server):
    while True:
        _data, address = server.recvfrom(100)
        server.sendto(seen(address), address)
for text in sys.argv[1:]:
    kind, port = text.split("/")
    if kind == "tcp":
        server = socket.create_server(("::", int(port)), family=socket.AF_INET6, dualstack_ipv6=True)
    else:
        server = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        server.bind(("::", int(port)))
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
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM) as client:
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
            server = stack.enter_context(lab.process(machine, "python3", "-c", LISTEN, *wanted))
            stack.callback(server.kill)
            assert server.stdout.readline() == "ready\n", f"{machine} does not listen on {wanted}"
        yield


def ask(source, targets, own=None):
    """Ask [(address, port) …] from a machine, all at once: where it was seen there, None if nobody answered."""
    words = json.dumps([(address, port, own) for address, port in targets])
    with lab.process(source, "python3", "-c", ASK) as asking:
        try:
            answers, _errors = asking.communicate(words, timeout=60)
        finally:
            asking.kill()
    return dict(zip(targets, json.loads(answers)))


def answered(asking, own=None):
    """{(source, address, port)} of those that got an answer, out of {source: [(address, port) …]}."""
    found = lab.at_once(lambda source: ask(source, asking[source], own), asking)
    return {(source, *target) for source, seen in zip(asking, found) for target, at in seen.items() if at}
