# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How much passes from one machine to another, as iperf3 on the machines themselves tells it."""

from __future__ import annotations

import itertools
import json
import time
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Thread

from ansible_collections.intercloud.vpn.tests.testinfra import lab

SECONDS = 15  # of which what may pass at once after a pause is a fifteenth
_ports = itertools.count(5301)


@dataclass
class Flow:
    """What arrived, in Mbit/s of payload."""

    mbit: float = 0


def flow(source, destination, address, *options, seconds=SECONDS):
    """Send to an address that the destination holds, for a while, as fast as it goes. TCP unless options say `-u`."""
    port = str(next(_ports))
    lab.sh(destination, f"iperf3 -s -1 -D -J -p {port}")
    words = f"iperf3 -c {address} -p {port} -t {seconds} -J --get-server-output {' '.join(options)}"
    report = json.loads(lab.sh(source, words))
    assert "error" not in report, report["error"]
    return Flow(report["server_output_json"]["end"]["sum_received"]["bits_per_second"] / 1e6)


@contextmanager
def flowing(*words, **options):
    """A flow while the block runs; the Flow it gives is filled in when it ends."""
    found = Flow()

    def run():
        vars(found).update(vars(flow(*words, **options)))

    thread = Thread(target=run)
    thread.start()
    try:
        yield found
    finally:
        thread.join(60)


@contextmanager
def streaming(source, destination, address, device="eth0"):
    """Send over TCP for as long as the block runs. What it gives tells, for so many seconds, what arrives: Mbit/s."""
    port = str(next(_ports))
    lab.sh(destination, f"iperf3 -s -1 -D -p {port}")
    lab.sh(source, f"nohup iperf3 -c {address} -p {port} -t 600 >/dev/null 2>&1 & echo $! >/run/streaming")

    def arrived():
        return int(lab.netns(destination, "cat", f"/sys/class/net/{device}/statistics/rx_bytes")), time.monotonic()

    def measure(seconds=SECONDS):
        before, begin = arrived()
        time.sleep(seconds)  # it is a rate that is measured
        after, end = arrived()
        return (after - before) * 8 / (end - begin) / 1e6

    try:
        yield measure
    finally:
        lab.sh(source, "kill $(cat /run/streaming)", check=False)
