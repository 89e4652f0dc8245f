# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long members of a VPN get no answer when something fails, cause by cause.

    outage.sh [kernel] [RUNS [CAUSE…]]

For a lab with the VPN payroll, which tests/bench/outage.sh makes: apart, with ESP in userspace; or in the virtual
machine, with the kernel's (`kernel`). A member pings one of the other cloud 100 times a second. A line has the minimum,
the median and the maximum of the longest time without an answer, in seconds, over RUNS (10) times the same cause; of
causes that last for a while, what is beyond that time. All is as it was before the next one begins.
"""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ansible_collections.intercloud.vpn.tests.testinfra import lab, playbooks, strongswan
from ansible_collections.intercloud.vpn.tests.testinfra.playbooks import EDGES

KERNEL = sys.argv[1:2] == ["kernel"]
if KERNEL:  # importing it turns the helpers above to the virtual machine
    from ansible_collections.intercloud.vpn.tests.kernel import vm

EAST, WEST = EDGES  # edge-east initiates
TUNNEL = "edge-east--edge-west"
ONE, OTHER = ("vm3-east", "vm3-west") if KERNEL else ("vm1-east", "vm3-west")
UNIT = "intercloud-vpn.service"
PAUSE = 0.01  # seconds between pings
CALM = 6.0  # seconds; SAs that are there twice have gone by then
LIMIT = 180.0  # seconds until everything is as it was
SHORT, LONG = 5.0, 30.0  # seconds; charon gives a dead peer up after 11


class Watched:
    """When answers came, in seconds of the clock."""

    def __init__(self) -> None:
        self.answers: list[float] = []

    @property
    def outage(self) -> float:
        """The longest time between two answers, less the time between two pings."""
        return max((two - one for one, two in zip(self.answers, self.answers[1:])), default=0.0) - PAUSE


@contextmanager
def pinging(address: str) -> Iterator[Watched]:
    """Ping while the block runs; who is pinged answers before it begins."""
    watched = Watched()
    words = ["ip", "netns", "exec", ONE, "ping", "-D", "-n", f"-i{PAUSE}", address]
    if KERNEL:
        words = ["ssh", "-F", vm.SSH_CONFIG, "lab-vm", f"timeout {LIMIT:.0f} {' '.join(words)}"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        try:
            time.sleep(1.0)
            yield watched
            time.sleep(1.0)
        finally:
            process.terminate()
            output = process.communicate(timeout=30)[0]
    watched.answers = [float(when) for when in re.findall(r"^\[([\d.]+)\] \d+ bytes from", output, re.MULTILINE)]


def killed(edge: str, unit: str) -> None:
    lab.sh(edge, f"systemctl kill --signal=SIGKILL {unit}")


@contextmanager
def uplink_cut(edge: str) -> Iterator[None]:
    """What it sends to the other clouds, and what they send, is dropped on the way."""
    chain = f'type filter hook forward priority filter; iifname "{edge}" drop; oifname "{edge}" drop'
    rules = f"table inet outage {{\n chain both {{\n {chain}\n }}\n}}\n"
    lab.netns("internet", "nft", rules)
    try:
        yield
    finally:
        lab.netns("internet", "nft", "delete table inet outage")


def cut_for(seconds: float) -> Callable[[], float]:
    """The uplink of an edge is cut for so many seconds; returns them."""

    def cut() -> float:
        with uplink_cut(WEST):
            begun = time.time()
            time.sleep(seconds)
        return time.time() - begun

    return cut


def terminated() -> None:
    lab.sh(WEST, f"swanctl --terminate --ike {TUNNEL} --force --timeout 3 >/dev/null 2>&1; true")


def rebooted(machine: str) -> Callable[[], float]:
    """A machine is rebooted; returns nothing to take off: the time that it takes is part of it."""

    def reboot() -> float:
        (vm.labctl if KERNEL else lab.labctl)("reboot", machine)
        return 0.0

    return reboot


CAUSES: dict[str, Callable[[], float | None]] = {
    "charon of the edge that initiates: SIGKILL": lambda: killed(EAST, "strongswan.service"),
    "charon of the other edge: SIGKILL": lambda: killed(WEST, "strongswan.service"),
    "strongSwan restarted on the edge that initiates": lambda: lab.sh(EAST, "systemctl restart strongswan"),
    "strongSwan restarted on the other edge": lambda: lab.sh(WEST, "systemctl restart strongswan"),
    "the agent: SIGKILL": lambda: killed(EAST, UNIT),
    "the IKE_SA ended by hand": terminated,
    "the firewall flushed on an edge": lambda: lab.sh(EAST, "nft flush ruleset"),
    "all routes of the VPN removed on an edge": lambda: lab.sh(EAST, "ip route flush proto 155"),
    "a member's address removed": lambda: lab.sh(OTHER, "ip address flush to 100.64.0.0/10"),
    "an uplink cut for 5 s": cut_for(SHORT),
    "an uplink cut for 30 s": cut_for(LONG),
    "a VCC node powered off": rebooted("node-west"),
    "a vApp edge rebooted": rebooted("vapp1-east"),
    "an edge rebooted": rebooted(WEST),
}


def calm(address: str) -> bool:
    """Whether the VPN is as it was made."""
    try:
        for edge in EDGES:
            if [sa.name for sa in strongswan.ike_sas(edge)] != [TUNNEL]:
                return False
        return lab.answers(ONE, address, count=3)
    except (AssertionError, subprocess.SubprocessError):
        return False


def measured(cause: Callable[[], float | None], address: str) -> float:
    """Seconds without an answer, beyond the time that the cause lasts."""
    with pinging(address) as watched:
        lasted = cause() or 0.0
        lab.wait_for("everything is as it was", lambda: calm(address), LIMIT)
    time.sleep(CALM)
    lab.wait_for("everything is as it was", lambda: calm(address), LIMIT)
    return max(0.0, watched.outage - lasted)


def main(arguments: list[str]) -> None:
    """One line for each cause."""
    runs, names = int(arguments[0]) if arguments else 10, arguments[1:]
    playbooks.start_log()
    if KERNEL:
        playbooks.create(*vm.vpns(), verify=False)
    address = playbooks.addresses()[OTHER]
    chosen = {name: cause for name, cause in CAUSES.items() if not names or any(word in name for word in names)}
    backend = "the kernel's ESP" if KERNEL else "ESP in userspace"
    print(f"{backend}, {ONE} -> {OTHER}, a ping every {PAUSE * 1000:.0f} ms, {runs} runs: seconds without an answer")
    for name, cause in chosen.items():
        if KERNEL and "vApp" in name:  # the virtual machine's lab has none
            continue
        found = sorted(measured(cause, address) for _run in range(runs))
        figures = f"{found[0]:6.2f} {statistics.median(found):6.2f} {found[-1]:6.2f}"
        print(f"{figures}  {name} (load {os.getloadavg()[0]:.0f})", flush=True)


if __name__ == "__main__":
    main(sys.argv[2:] if KERNEL else sys.argv[1:])
