# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever is lost on a node, its agent puts it back in time, and says so."""

from __future__ import annotations

import re
import time
from itertools import permutations

import pytest

from ansible_collections.intercloud.vpn.tests.testinfra import lab, playbooks, strongswan
from ansible_collections.intercloud.vpn.tests.testinfra.playbooks import AUDIT, EDGES, PAYROLL

UNIT = "intercloud-vpn.service"
# What is asked for, in seconds; and how many times as long a busy machine may take.
FIREWALL, OTHER, CHARON = 1.0, 2.0, 5.0
SLACK = 2.5
WATCHDOG = 30
TABLE = ("nft", "list", "table", "inet", "intercloud_vpn")


@pytest.fixture(scope="module", autouse=True)
def two_vpns():
    playbooks.create(PAYROLL, AUDIT, verify=False)


@pytest.fixture(scope="module")
def reached(two_vpns):
    """VPN → member → its address."""
    return {vpn["name"]: playbooks.addresses(vpn["name"]) for vpn in (PAYROLL, AUDIT)}


def all_answer(reached):
    pairs = [
        (one, addresses[two], addresses[one])
        for addresses in reached.values()
        for one, two in permutations(addresses, 2)
    ]
    return all(lab.at_once(lambda pair: lab.answers(pair[0], pair[1], count=1, own=pair[2]), pairs))


def said(machine):
    return lab.sh(machine, f"journalctl -o cat -u {UNIT}").count("lost: ")


def timed(condition, seconds, what):
    """Wait for a condition, longer than is asked for; the seconds that it took."""
    _value, took = lab.wait_for(what, condition, seconds * SLACK)
    return took


def one_of_each():
    wanted = [("edge-east--edge-west", ["audit", "payroll"])]
    return all(
        [(sa.name, sorted(c.name for c in sa.children)) for sa in strongswan.ike_sas(e)] == wanted for e in EDGES
    )


def agent(machine):
    return int(lab.host(machine).service(UNIT).systemd_properties["MainPID"])


@pytest.mark.parametrize(
    ("machine", "device"),
    [
        ("edge-east", "org"),
        ("vapp1-east", "vapp"),
        pytest.param("vapp1-west", "org", marks=pytest.mark.thorough("the other device of a vApp edge")),
        ("vm1-east", "eth0"),
        pytest.param("vm3-west", "eth0", marks=pytest.mark.thorough("another member")),
    ],
)
def test_a_device_goes_down_and_up(reached, machine, device, say):
    """With it go its routes; IPv6 addresses as well. The machine's own route to the world is its own business."""
    defaults = [line for line in lab.netns(machine, "ip", "route").splitlines() if line.startswith("default")]
    before = said(machine)
    lab.netns(machine, "sh", "-c", f"ip link set {device} down; ip link set {device} up")
    for line in defaults:
        lab.netns(machine, "ip", "route", "replace", *line.split())
    took = timed(lambda: all_answer(reached), OTHER, "all members answer")
    say(f"{device} of {machine} went down and up; {took:.1f} s later all members answer")
    lab.wait_for("the journal says so", lambda: said(machine) > before, OTHER)  # it is slower than packets


@pytest.mark.parametrize("machine", ["edge-west", "vapp1-east"])
def test_a_gateway_that_no_longer_forwards(reached, machine, say):
    lab.netns(machine, "sysctl", "-q", "-w", "net.ipv4.ip_forward=0")
    took = timed(lambda: all_answer(reached), OTHER, "all members answer")
    say(f"ip_forward of {machine} was 0; {took:.1f} s later all members answer")


@pytest.mark.parametrize("machine", ["vm1-west", "edge-east"])
def test_an_address_is_taken_away(reached, machine):
    address = reached["payroll"]["vm1-west"] if machine == "vm1-west" else "100.64.0.1"
    (line,) = [line for line in lab.netns(machine, "ip", "-o", "addr").splitlines() if f" {address}/" in line]
    device = line.split()[1]
    lab.netns(machine, "ip", "addr", "del", f"{address}/32", "dev", device)
    timed(lambda: f" {address}/" in lab.netns(machine, "ip", "-o", "addr"), OTHER, "the address")
    timed(lambda: all_answer(reached), OTHER, "all members answer")


@pytest.mark.parametrize("machine", ["edge-east", "vapp1-west"])
def test_the_firewall_is_deleted_or_changed(machine, say):
    before = lab.netns(machine, *TABLE[:1], "-s", *TABLE[1:])
    for what, words in {
        "the firewall was deleted": ("delete", "table", "inet", "intercloud_vpn"),
        "a rule lets everything through": ("insert", "rule", "inet", "intercloud_vpn", "forward", "accept"),
    }.items():
        lab.netns(machine, "nft", *words)
        took = timed(lambda: lab.netns(machine, *TABLE[:1], "-s", *TABLE[1:], check=False) == before, FIREWALL, what)
        say(f"{what} on {machine}: as before {took:.1f} s later")


def test_routes_are_flushed(reached, say):
    """Those that refuse traffic are the first to come back."""
    lab.netns("edge-west", "ip", "route", "flush", "proto", "155")
    blackhole = timed(lambda: "blackhole" in lab.netns("edge-west", "ip", "route"), FIREWALL, "the blackhole routes")
    took = blackhole + timed(lambda: all_answer(reached), OTHER, "all members answer")
    say(f"routes were flushed; blackholes back after {blackhole:.1f} s, all members answer after {took:.1f} s")


@pytest.mark.parametrize("edge", EDGES)
@pytest.mark.parametrize("turn", [0, pytest.param(1, marks=pytest.mark.thorough("the same once more"))])
def test_after_a_crash_of_charon_every_link_carries_its_own_traffic(reached, edge, turn, say):
    """Of two links in one tunnel, one has been seen to come back dead."""
    lab.sh(edge, "kill -KILL $(pidof charon-systemd)")
    took = timed(lambda: all_answer(reached), CHARON, "all members answer")
    say(f"charon of {edge} was killed; {took:.1f} s later all members of both VPNs answer")
    timed(one_of_each, 6.0, "one tunnel with one link per VPN")
    before = {vpn: strongswan.link(edge, vpn) for vpn in reached}
    assert all_answer(reached)
    for vpn, link in before.items():
        after = strongswan.link(edge, vpn)
        assert (after.packets_in > link.packets_in, after.packets_out > link.packets_out) == (True, True), vpn


def test_an_agent_that_is_killed(reached, say):
    killed = agent("edge-east")
    lab.sh("edge-east", f"kill -KILL {killed}; nft delete table inet intercloud_vpn")
    took = timed(lambda: lab.netns("edge-east", *TABLE, check=False), OTHER, "the firewall")
    say(f"the agent was killed and the firewall deleted; {took:.1f} s later it is back")
    assert agent("edge-east") not in (0, killed)


def test_an_agent_that_hangs(reached, say):
    stopped = agent("edge-east")
    lab.sh("edge-east", f"kill -STOP {stopped}; nft delete table inet intercloud_vpn")
    took = timed(lambda: lab.netns("edge-east", *TABLE, check=False), WATCHDOG, "the firewall")
    say(f"the agent was stopped and the firewall deleted; {took:.1f} s later it is back")
    # What it had begun before it was stopped may have put the table back.
    lab.wait_for("another agent", lambda: agent("edge-east") not in (0, stopped), WATCHDOG + 5)


@pytest.mark.thorough("nothing: a figure, of 40 s")
def test_what_it_costs(say):
    """One tunnel, nothing happens. Of its children, too."""
    shares = {}
    for machine in ("edge-east", "vapp1-east", "vm1-east"):
        ticks = f"awk '{{print $14 + $15 + $16 + $17}}' /proc/{agent(machine)}/stat"
        shares[machine] = (ticks, int(lab.sh(machine, ticks)))
    begin = time.monotonic()
    time.sleep(40)
    for machine, (ticks, before) in shares.items():
        share = (int(lab.sh(machine, ticks)) - before) / (time.monotonic() - begin)  # of 100 ticks a second: percent
        status = lab.host(machine).file(f"/proc/{agent(machine)}/status").content_string
        memory = int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024
        say(f"{machine}: {share:.2f} % of a core, {memory:.1f} MB")
        assert memory <= 20
        assert share <= 0.5


def test_then_there_is_nothing_to_repair():
    run = playbooks.create(PAYROLL, AUDIT)
    assert run.changed == frozenset()
