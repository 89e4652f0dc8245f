# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Questions to name servers, asked in a machine's network."""

from __future__ import annotations

import json
import subprocess
import sys

from ansible_collections.intercloud.vpn.tests.testinfra import lab

CODE = lab.ROOT / "plugins/module_utils/_node/names/query.py"
A, PTR, AAAA = 1, 12, 28
NXDOMAIN, REFUSED = 3, 5
ASK = """
import json, runpy, socket, struct, sys
code = runpy.run_path(sys.argv[1])
for line in sys.stdin:
    server, name, kind, transport = json.loads(line)
    if transport == "udp":
        answer = code["ask"](server, name, kind)
    else:
        answer = None
        question = struct.pack("!6H", 7, 0x100, 1, 0, 0, 0) + code["encoded"](name) + struct.pack("!2H", kind, 1)
        try:
            with socket.create_connection((server, 53), timeout=1) as stream:
                stream.sendall(struct.pack("!H", len(question)) + question)
                said = stream.makefile("rb").read(struct.unpack("!H", stream.recv(2))[0])
                answer = code["read"](said, len(question), kind)
        except (OSError, struct.error):
            pass
    print(json.dumps(answer))
"""


def ask_all(source, questions):
    """What becomes of (server, name, kind, transport) each: [code, records], or None where nothing answers."""
    words = ["ip", "netns", "exec", source, sys.executable, "-c", ASK, str(CODE)]
    done = subprocess.run(
        words,
        input="".join(f"{json.dumps(one)}\n" for one in questions),
        capture_output=True,
        check=False,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def ask(source, server, name, kind=A, transport="udp"):
    """[code, records], or None where nothing answers."""
    return ask_all(source, [(server, name, kind, transport)])[0]
