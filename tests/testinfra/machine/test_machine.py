# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is really on the machines decides: a plan that they contradict is refused, and what works goes on working."""

from __future__ import annotations

import json
import re
from contextlib import contextmanager
from pathlib import Path

import pytest

from ansible_collections.intercloud.vpn.plugins.plugin_utils import _lab
from ansible_collections.intercloud.vpn.tests.testinfra import lab, playbooks, strongswan
from ansible_collections.intercloud.vpn.tests.testinfra.playbooks import AUDIT, EDGES, PAYROLL

TUNNEL = "edge-east--edge-west"
# Takes both ports of IKE, in both families.
HOLD = """
import socket, time
held = []
for port in (500, 4500):
    for family, address in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
        held.append(socket.socket(family, socket.SOCK_DGRAM))
        if family == socket.AF_INET6:
            held[-1].setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        held[-1].bind((address, port))
time.sleep(600)
"""


@pytest.fixture(scope="module")
def addresses():
    return playbooks.addresses()


@pytest.fixture
def left_alone(addresses):
    """What works before the test works during it: same generations, same SAs, no packet lost."""

    def state():
        return [lab.sh(edge, "readlink /var/lib/intercloud-vpn/current") for edge in EDGES], strongswan.spis(*EDGES)

    before = state()
    with lab.pinging("vm1-east", addresses["vm1-west"]) as pings:
        yield
    assert state() == before
    assert pings.lost == 0, pings.text


@contextmanager
def device(machine, address, name="hidden", *routes):
    """A network on a machine that the inventory does not mention."""
    lab.netns(machine, "ip", "link", "add", name, "type", "bridge")
    try:
        lab.netns(machine, "ip", "addr", "add", address, "dev", name)
        lab.netns(machine, "ip", "link", "set", name, "up")
        for route in routes:
            lab.netns(machine, "ip", "route", "add", *route.split())
        yield
    finally:
        lab.netns(machine, "ip", "link", "del", name)


def refused(*vpns, commit=False, **options):
    """What a run that is refused says; by the plan, before any host is touched, or else by the commit."""
    run = playbooks.create(*vpns, succeeds=False, verify=False, vcc_server_survey=not commit, **options)
    said = " ".join(run.output.split())
    assert ("no host was touched" in said) == (not commit)
    assert commit or run.changed == frozenset()
    return said


def notes():
    return " ".join(playbooks.run("plan_vpn", vpns=[PAYROLL]).output.split())


def test_the_plan_refuses_a_block_over_a_network_that_the_inventory_does_not_mention(left_alone):
    with device("edge-west", "10.99.0.130/24"):
        said = refused(AUDIT)
    assert "hosts.edge-west: device hidden has the address 10.99.0.130/24, and block 10.99.0.0/16 of VPN audit" in said


@pytest.mark.thorough("the same of an edge's address")
def test_the_plan_refuses_a_block_over_a_route_in_any_table_of_a_vapp_edge_or_a_member(left_alone):
    with (
        device("vapp1-east", "172.31.0.1/30", "far", "10.99.7.0/24 via 172.31.0.2 table 52"),
        device("vm2-west", "10.99.0.77/32", "tail"),
    ):
        said = refused(AUDIT)
    assert "hosts.vapp1-east: there is a route 10.99.7.0/24 via 172.31.0.2 dev far table 52, and block 10.99." in said
    assert "hosts.vm2-west: device tail has the address 10.99.0.77/32, and VPN block 10.99.0.0/16 lies" in said


@pytest.mark.thorough("unit tests of the plan")
def test_a_wider_route_somewhere_else_is_no_reason_to_refuse(left_alone):
    with device(
        "edge-west", "172.31.0.1/30", "far", "10.96.0.0/11 via 172.31.0.2", "10.96.0.0/11 via 172.31.0.2 table 52"
    ):
        run = playbooks.run("plan_vpn", vpns=[PAYROLL, AUDIT])
    assert "edge-west: there is a route 10.96.0.0/11 via 172.31.0.2 dev far table 52, which may take packets for" in (
        " ".join(run.output.split())
    )


def test_what_the_plan_could_not_see_the_commit_refuses(addresses):
    """The survey is left out, as of an edge that was away at the time.

    Seen: the other edge, whose new link was refused, had the tunnel authenticate again; in some runs one packet came
    with an SA that was not there yet.
    """
    before = strongswan.spis(*EDGES)
    with (
        device("edge-west", "10.99.0.130/24"),
        lab.pinging("vm1-east", addresses["vm1-west"]) as pings,
    ):
        said = refused(AUDIT, PAYROLL, commit=True)
    assert "not applied, nothing was touched: machine: device hidden has the address 10.99.0.130/24" in said
    assert strongswan.spis(*EDGES) == before
    assert pings.lost == 0, pings.text


def test_the_plan_names_who_is_behind():
    said = notes()
    runs, due = map(
        int, re.search(r"edge-west runs generation (\d+), the plan is (\d+): create_vpn applies it", said).groups()
    )
    assert runs < due
    assert "edge-east runs" not in said
    playbooks.create(PAYROLL, AUDIT, verify=False)
    said = notes()
    assert "runs generation" not in said
    assert "Nothing changes." in said


@pytest.fixture
def wrong(tmp_path):
    """An inventory beside the lab's in which some things are wrong."""

    def write(**hosts):
        path = tmp_path / "wrong.yml"
        path.write_text(json.dumps({"org_edges": {"hosts": hosts}}), encoding="utf-8")
        return {"arguments": ("-i", str(path))}

    return write


def test_a_public_address_that_the_edge_does_not_have_replaces_no_tunnel(left_alone, wrong):
    said = refused(PAYROLL, AUDIT, **wrong(**{"edge-west": {"vcc_public_address": ["203.0.113.19"]}}))
    assert "hosts.edge-west.vcc_public_address: no device has the address 203.0.113.19; this machine has 203." in said


def test_two_hosts_that_are_one_machine_are_refused(left_alone, wrong, tmp_path):
    """edge-east answers for edge-west, by a connection that the inventory does not tell from a right one."""
    config = (tmp_path / "config", Path(_lab.SSH_CONFIG).read_text(encoding="utf-8"))
    where = "Host edge-west\n    HostName 172.16.0.2\n    HostKeyAlias edge-east\n    ProxyJump node-east\n\n"
    config[0].write_text(where + config[1], encoding="utf-8")
    arguments = f"-F {config[0]} -o ControlPath=none"
    said = refused(PAYROLL, AUDIT, **wrong(**{"edge-west": {"ansible_ssh_common_args": arguments}}))
    assert "hosts.edge-west: the machine that answers for edge-west is the one that answers for edge-east; " in said
    assert "hosts.edge-west: the machine that answers is edge-east of organization acme, as an earlier run" in said
    assert "ansible_control_path" in said


@pytest.mark.thorough("limit: a dead member or edge is named")
def test_a_silent_machine_is_named():
    lab.labctl("stop", "vm3-west")
    try:
        assert "vm3-west did not answer: " in notes()
    finally:
        lab.labctl("start", "vm3-west")


@contextmanager
def held():
    """Another program has both ports; charon is stopped."""
    lab.sh("edge-west", f"cat > /root/hold.py <<'end'\n{HOLD}end")
    lab.sh("edge-west", "systemctl stop strongswan; systemd-run --quiet --unit hold python3 /root/hold.py")
    lab.wait_for("the ports are held", lambda: "python3" in lab.sh("edge-west", "ss -Hlnup sport = :4500"), 10)
    try:
        yield
    finally:
        lab.sh("edge-west", "systemctl stop hold; rm /root/hold.py")


def test_the_holder_of_a_port_is_named_and_a_charon_without_its_sockets_repaired(addresses):
    # One VPN: two that come back at the same time may share a reqid with the userspace backend.
    playbooks.delete("audit", verify=False)
    with held():
        for _stopped_or_deaf in range(2):
            said = refused(PAYROLL, commit=True, vcc_link_timeout=8)  # of the other edge, which waits in vain
            assert "machine: UDP 500 is held by python3 (process " in said
            assert "machine: UDP 4500 is held by python3 (process " in said
            lab.sh("edge-west", "systemctl start strongswan")
        assert not lab.answers("vm1-east", addresses["vm1-west"])
    run = playbooks.create(PAYROLL, arguments=("-v",), verify=False)
    # The agent looks for it, too, now and then, and may have been first: then there is nothing to do.
    repaired = ["restart strongSwan, which does not hold UDP 500, 4500"]
    assert run.actions.get("edge-west", {}).get("strongswan", repaired) == repaired
    assert "charon" in lab.sh("edge-west", "ss -Hlnup sport = :500")
    assert lab.answers("vm1-east", addresses["vm1-west"])
    if lab.thorough("a second run after another repair has nothing to do"):
        assert playbooks.create(PAYROLL, verify=False).changed == frozenset()
