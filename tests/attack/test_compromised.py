# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Edges in the wrong hands: one site's against the others, and one organization's against another's. Full form only."""

from __future__ import annotations

import re
from contextlib import contextmanager

import pytest

from ansible_collections.intercloud.vpn.tests.attack import conftest, wire
from ansible_collections.intercloud.vpn.tests.testinfra import capture, lab, playbooks

CONFIG = "/etc/swanctl/conf.d/intercloud-vpn.conf"
STOP = "systemctl stop intercloud-vpn.service; nft delete table inet intercloud_vpn"
START = "systemctl restart strongswan; systemctl start intercloud-vpn.service"


@pytest.fixture(scope="module")
def three(a_lab_with_machines):
    """member → its address in payroll, with a third site, and another organization in the same clouds."""
    playbooks.run("lab_up", lab_clouds=3, lab_tenants=["umbra"])
    vpn = conftest.VPNS[4]
    umbra = {"name": "salaries", "pool": "internal", "members": ["vm1-umbra-east", "vm1-umbra-west"]}
    playbooks.create({**vpn, "members": [*vpn["members"], "vm1-south"]}, umbra, verify=False)
    return playbooks.addresses()


def network_of(text, key):
    return re.search(rf"{key} = (\S+)", text)[1]


@contextmanager
def seized(edge, *edits):
    """An edge whose root is an attacker: no firewall, no agent, and charon with another configuration."""
    lab.sh(edge, f"cp {CONFIG} /root/kept.conf; {STOP}")
    try:
        lab.sh(edge, f"sed -i {' '.join(f'-e {edit!r}' for edit in edits)} {CONFIG}")
        lab.sh(edge, "systemctl restart strongswan; sleep 1; swanctl --load-all", check=False)
        yield
    finally:
        lab.sh(edge, f"cp /root/kept.conf {CONFIG}; rm /root/kept.conf; {START}", check=False)


def selectors(edge, peer):
    """What an edge takes out of the tunnel with a peer."""
    text = lab.sh(edge, f"swanctl --list-sas --ike {'--'.join(sorted((edge, peer)))} 2>/dev/null", check=False)
    return set(re.findall(r"^ +remote (\S+/\d+)", text, re.MULTILINE))


def test_an_edge_is_given_no_other_sites_networks(three, tmp_path, say):
    """It asks for all of them, and sends in the name of the third site's member."""
    before = lab.wait_for("the tunnel", lambda: selectors("edge-east", "edge-south"), 60)[0]
    whole, third, target = "100.64.0.0/24", three["vm1-west"], three["vm1-east"]
    with seized("edge-south", f"s#local_ts = .*#local_ts = {whole}#", f"s#remote_ts = .*#remote_ts = {whole}#"):
        lab.sh("edge-south", "timeout 20 swanctl --initiate --ike edge-east--edge-south --child payroll", check=False)
        lab.netns("edge-south", "ip", "addr", "add", f"{third}/32", "dev", "lo")
        lab.netns("edge-south", "ip", "route", "replace", f"{target}/32", "dev", "ipsec0", check=False)
        granted = selectors("edge-east", "edge-south")
        with capture.capturing(tmp_path / "east.pcap", "vm1-east") as found:
            lab.ping("edge-south", target, count=20, own=third)
        came = len(found.packets(f"src host {third} and icmp"))
        lab.netns("edge-south", "ip", "addr", "del", f"{third}/32", "dev", "lo")
    say(f"granted {sorted(granted)}, sent 20, arrived {came}")
    assert (granted <= before, came) == (True, 0)


@pytest.mark.parametrize("edge", ["edge-south", "edge-umbra-east"], ids=["of another site", "of another organization"])
def test_an_edge_is_taken_for_no_other(three, edge, say):
    """It knocks as edge-west, with the only certificate that it has."""
    edits = [
        "s#id = edge-(south|umbra-east)[.].*#id = edge-west.acme#".replace("(", "\\(")
        .replace(")", "\\)")
        .replace("|", "\\|"),
        "s#remote_addrs = .*#remote_addrs = 203.0.113.2#",
        "s#id = edge-umbra-west[.]umbra#id = edge-east.acme#",
    ]
    before = lab.sh("edge-east", "swanctl --list-sas --raw 2>/dev/null | grep -o 'remote-host=[0-9.]*' | sort -u")
    with seized(edge, *edits):
        names = re.findall(r"^  (edge-\S+) \{", lab.sh(edge, f"cat {CONFIG}"), re.MULTILINE)
        said = [lab.sh(edge, f"timeout 20 swanctl --initiate --ike {name} 2>&1", check=False) for name in names]
        after = lab.sh("edge-east", "swanctl --list-sas --raw 2>/dev/null | grep -o 'remote-host=[0-9.]*' | sort -u")
        own = lab.machines()[edge].variables["vcc_public_address"][0]
        west = lab.sh("edge-east", f'swanctl --list-sas 2>/dev/null | grep -c "edge-west.acme\' @ {own}"', check=False)
    say(f"tried {len(said)} times, taken for edge-west {int(west)} times")
    assert int(west) == 0, said
    assert own not in after or own in before
    assert lab.wait_for("the way back", lambda: lab.answers("vm1-east", three["vm1-west"]), 60)


def test_another_organizations_members_have_no_say(three, tmp_path, say):
    """From its own gateway's place, with addresses that both have, into the edge of the other organization."""
    source, destination = three["vm1-west"], three["vm1-east"]
    packet = wire.udp(source, destination, 4711, b"from another organization")
    frame = wire.ether(wire.mac("internet", "umbra-east"), wire.mac("edge-umbra-east", "pub"), packet)
    lab.netns("internet", "ip", "route", "add", f"{destination}/32", "via", "203.0.113.2")
    try:
        with capture.capturing(tmp_path / "east.pcap", "vm1-east") as found:
            sent = wire.send("edge-umbra-east", "pub", [frame], rounds=50)
    finally:
        lab.netns("internet", "ip", "route", "del", f"{destination}/32", "via", "203.0.113.2")
    came = len(found.packets(f"src host {source} and udp"))
    say(f"sent {sent}, arrived {came}")
    assert came == 0
    assert (
        playbooks.addresses("salaries", "umbra")["vm1-umbra-east"]
        == lab.sh("vm1-umbra-east", "ip -4 -o addr show | grep -o '100[.]64[0-9.]*' | head -n 1").strip()
    )
