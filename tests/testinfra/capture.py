# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Captures of what passes through a machine's network."""

from __future__ import annotations

import signal
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.intercloud.vpn.tests.testinfra import lab

# Neighbours of one wire talking among themselves; nothing of it is ever forwarded.
HOUSEKEEPING = "arp or igmp or dst net ff02::/16 or (icmp6 and (ip6[40] == 135 or ip6[40] == 136))"


@dataclass(frozen=True)
class Capture:
    """A capture file, finished when the block that made it has ended."""

    file: Path

    def packets(self, expression=""):
        """One line per packet that fits a tcpdump expression."""
        words = ["tcpdump", "-n", "-r", str(self.file), *([expression] if expression else [])]
        return subprocess.run(words, check=True, capture_output=True, text=True).stdout.splitlines()

    def contains(self, content):
        """Whether these octets are anywhere in it."""
        return content in self.file.read_bytes()


@contextmanager
def capturing(file, where=lab.INTERNET):
    """Capture all packets of a namespace while the block runs."""
    words = ["ip", "netns", "exec", where, "tcpdump", "-n", "-i", "any", "-B", "8192", "-U", "-w", str(file)]
    with subprocess.Popen([*words, "-Z", "root"], stderr=subprocess.PIPE, text=True) as process:
        try:
            assert any("listening on" in line for line in process.stderr), f"tcpdump does not run in {where}"
            yield Capture(Path(file))
            lab.netns(where, "ping", "-c1", "127.0.0.1")  # is written after all that came before
            lab.wait_for("the end of the capture", lambda: b"\x7f\x00\x00\x01" in Path(file).read_bytes(), 10)
        finally:
            process.send_signal(signal.SIGINT)
            said = process.communicate(timeout=10)[1]
    assert "\n0 packets dropped by kernel" in said, said
