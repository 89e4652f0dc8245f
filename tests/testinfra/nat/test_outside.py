# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`outside`: members on the internet with a public address, and ports of public addresses that lead to members."""

from __future__ import annotations

import copy
import re
import sys

import pytest

from ansible_collections.intercloud.vpn.tests.testinfra import (
    capture,
    lab,
    ledger,
    playbooks,
    ports,
    snapshot,
    strongswan,
)
from ansible_collections.intercloud.vpn.tests.testinfra.playbooks import EDGES

POOLS = {"internal": "100.64.0.0/10", "six": "fd64:7663:6300::/48"}
FRIEND, OTHER = "192.0.2.7", "192.0.2.99"  # two hosts of the internet: one is among the allowed sources
FRIEND6, OTHER6 = "3fff::7", "3fff:1::7"
PUBLIC6 = "2001:db8:0:100::/56"  # routed to edge-east
# In the east: with an address of its own and translated, both in the vApp; the third goes its own ways. In the west:
# in the vApp, and translated on the org network.
SHOP = {
    "name": "shop",
    "pool": "internal",
    "members": [
        "vm1-east",
        {"name": "vm2-east", "mode": "nat"},
        "vm3-east",
        "vm1-west",
        {"name": "vm3-west", "mode": "nat"},
    ],
    "allow": [{"from": "all", "to": "all"}],
    "outside": {
        "source": {"edge-east": ["203.0.113.5-203.0.113.6"], "edge-west": "masquerade"},
        "members": ["vm1-east", "vm2-east", "*1-west", "vm3-west"],
        "publish": [
            {"member": "vm1-east", "port": "tcp/443", "to": "tcp/8443", "from": [FRIEND]},
            {"member": "vm2-east", "port": "tcp/444", "to": "tcp/8443", "from": [FRIEND]},
            {"member": "vm3-east", "port": "udp/53", "from": "any"},
            {"member": "vm3-west", "port": "tcp/443", "to": "tcp/8443", "from": [FRIEND]},
        ],
    },
    "policy": {"logging": {"refused": "10/minute", "group": 5}},
}
SIX = {
    "name": "shop6",
    "pool": "six",
    "members": ["vm1-east", {"name": "vm2-east", "mode": "nat"}, {"name": "vm3-west", "mode": "nat"}],
    "outside": {
        "source": {"edge-east": PUBLIC6, "edge-west": "masquerade"},
        "publish": [{"member": "vm2-east", "port": "tcp/443", "to": "tcp/8443", "from": ["3fff::/64"]}],
    },
}
VMS = ("vm1-east", "vm2-east", "vm3-east", "vm1-west", "vm2-west", "vm3-west")
LISTEN = {lab.INTERNET: ["tcp/80"], **{vm: ["tcp/8443", "udp/53"] for vm in VMS}}
PUBLISHED = [
    ("203.0.113.2", "tcp/443"),
    ("203.0.113.2", "tcp/444"),
    ("203.0.113.2", "udp/53"),
    ("203.0.113.18", "tcp/443"),
]
# What the edge has of the administrator, beside the lab's own masquerade.
OWN = (
    "table ip mine { chain out { type nat hook postrouting priority srcnat; "
    "oifname pub ip saddr 10.10.0.0/24 counter masquerade; }; }"
)

# The answer to a ping that was never sent.
UNASKED = """
import socket, struct, sys
with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as raw:
    raw.bind((sys.argv[1], 0))
    raw.sendto(struct.pack("!BBHHH", 0, 0, 0xFFFF - 4711 - 1, 4711, 1), (sys.argv[2], 0))
"""


def create(*vpns, **options):
    return playbooks.create(*vpns, vcc_pools=POOLS, **options)


def shop(**changes):
    vpn = copy.deepcopy(SHOP)
    vpn["outside"].update(changes)
    return vpn


@pytest.fixture(scope="module", autouse=True)
def internet():
    for address in (f"{FRIEND}/32", f"{OTHER}/32", f"{FRIEND6}/128", f"{OTHER6}/128"):
        lab.netns(lab.INTERNET, "ip", "address", "replace", address, "dev", "lo")
    lab.netns(lab.INTERNET, "ip", "route", "replace", PUBLIC6, "via", "2001:db8::2")
    for edge in EDGES:
        lab.sh(edge, f"nft '{OWN}'")
    yield
    for edge in EDGES:
        lab.sh(edge, "nft delete table ip mine")
    lab.netns(lab.INTERNET, "ip", "route", "del", PUBLIC6, check=False)  # gone, with a rebooted edge
    for address in (f"{FRIEND}/32", f"{OTHER}/32", f"{FRIEND6}/128", f"{OTHER6}/128"):
        lab.netns(lab.INTERNET, "ip", "address", "del", address, "dev", "lo")


@pytest.fixture(scope="module")
def before(internet):
    playbooks.delete("four", "six", verify=False, succeeds=None)  # other tests' on this lab, if they ran
    return snapshot.of_all()


@pytest.fixture(scope="module", autouse=True)
def created(before):
    with ports.listening(LISTEN):
        create({key: value for key, value in SHOP.items() if key != "outside"}, verify=False)
        spis = strongswan.spis(*EDGES)
        create(SHOP, SIX)
        after = strongswan.spis(*EDGES)
        assert {edge: {name: after[edge].get(name) for name in spis[edge]} for edge in EDGES} == spis
        yield


def seen(vm, address=FRIEND):
    """Where a host of the internet sees a VM; None if it does not reach it."""
    return ports.ask(vm, [(address, "tcp/80")])[address, "tcp/80"]


def test_members_are_seen_with_a_public_address_of_their_edge():
    """Both clouds at once, with the same private addresses. Others go as the administrator has them go."""
    found = dict(zip(VMS, lab.at_once(seen, VMS)))
    assert {found.pop("vm1-east"), found.pop("vm2-east")} <= {"203.0.113.5", "203.0.113.6"}
    assert found == {vm: "203.0.113.2" if vm.endswith("east") else "203.0.113.18" for vm in found}


def test_an_ipv6_member_has_an_address_of_its_own():
    found = dict(zip(VMS, lab.at_once(lambda vm: seen(vm, FRIEND6), VMS)))
    own = {vm: playbooks.addresses("shop6")[vm].rpartition("::")[2] for vm in ("vm1-east", "vm2-east")}
    assert {vm: found.pop(vm) for vm in own} == {vm: f"2001:db8:0:100::{rest}" for vm, rest in own.items()}
    assert found.pop("vm3-west") == "2001:db8:1::2"
    assert set(found.values()) == {None}  # nothing translates these, and private addresses have no way back


def test_without_the_administrators_own_nat_only_members_get_out():
    for edge in EDGES:
        lab.sh(
            edge, "nft delete table ip mine; nft list table ip lab_base >/root/lab_base; nft delete table ip lab_base"
        )
    try:
        assert [vm for vm, found in zip(VMS, lab.at_once(seen, VMS)) if found] == [
            vm for vm in VMS if vm not in ("vm3-east", "vm2-west")
        ]
    finally:
        for edge in EDGES:
            lab.sh(edge, f"nft -f /root/lab_base; rm /root/lab_base; nft '{OWN}'")


def test_a_published_port_answers_those_that_it_is_published_for():
    udp = ("203.0.113.2", "udp/53")
    assert set(ports.ask(lab.INTERNET, PUBLISHED, own=FRIEND).values()) == {FRIEND}
    found = ports.ask(lab.INTERNET, PUBLISHED, own=OTHER)
    assert {target for target, answer in found.items() if answer} == {udp}
    six = ("2001:db8::2", "tcp/443")
    assert ports.ask(lab.INTERNET, [six], own=FRIEND6) == {six: FRIEND6}
    assert ports.ask(lab.INTERNET, [six], own=OTHER6) == {six: None}


def test_nothing_else_of_a_public_address_is_open():
    """Neither the edge's services at a member's public address, nor a member's other ports, nor its VPN address."""
    others = [
        ("203.0.113.5", "tcp/22"),
        ("203.0.113.6", "tcp/8443"),
        ("203.0.113.2", "tcp/8443"),
        ("203.0.113.2", "tcp/53"),
    ]
    lab.netns(lab.INTERNET, "ip", "route", "replace", "100.64.0.0/10", "via", "203.0.113.2")
    try:
        others += [(address, "tcp/8443") for address in playbooks.addresses("shop").values()]
        assert set(ports.ask(lab.INTERNET, others, own=FRIEND).values()) == {None}
    finally:
        lab.netns(lab.INTERNET, "ip", "route", "del", "100.64.0.0/10")


def test_another_machine_of_the_org_network_cannot_pose_as_the_internet():
    """vm3-east sends to a published member, not over the org edge, with the source of an allowed host."""
    address = playbooks.addresses("shop")["vm1-east"]
    lab.netns("vm3-east", "ip", "address", "add", f"{FRIEND}/32", "dev", "lo")
    lab.netns("vm3-east", "ip", "route", "replace", address, "via", "10.10.0.11")
    try:
        with capture.capturing("/tmp/posing.pcap", "vm1-east") as captured:
            ports.ask("vm3-east", [(address, "tcp/8443")], own=FRIEND)
        assert captured.packets(f"src host {FRIEND}") == []
    finally:
        lab.netns("vm3-east", "ip", "route", "del", address, "via", "10.10.0.11")
        lab.netns("vm3-east", "ip", "address", "del", f"{FRIEND}/32", "dev", "lo")


def test_errors_of_the_internet_about_their_connections_reach_members():
    """Path MTU discovery, by a router on the way."""
    lab.netns(lab.INTERNET, "ip", "link", "set", "lo", "mtu", "1280")
    try:
        for vm in ("vm1-east", "vm3-west"):
            lab.netns(vm, "ping", "-c1", "-W1", "-Mdo", "-s1400", FRIEND, check=False)
            assert lab.netns(vm, "ping", "-c2", "-W2", "-s1400", FRIEND), vm
    finally:
        lab.netns(lab.INTERNET, "ip", "link", "set", "lo", "mtu", "65536")


def test_no_address_of_the_vpn_is_seen_on_the_internet():
    addresses = playbooks.addresses("shop")
    with capture.capturing("/tmp/outside.pcap") as captured:
        lab.at_once(seen, VMS)
        ports.ask(lab.INTERNET, PUBLISHED, own=FRIEND)
        lab.netns("vm1-east", "ping", "-c2", "-W1", "-I", addresses["vm1-east"], FRIEND)
        # What is of no connection is translated by nobody.
        for vm, own in (("vm1-east", addresses["vm1-east"]), ("vm3-west", "10.10.0.13")):
            lab.netns(vm, sys.executable, "-c", UNASKED, own, FRIEND)
    assert captured.packets("net 100.64.0.0/10 or net fd64::/16") == []
    assert captured.packets("icmp[icmptype] == icmp-echoreply and icmp[4:2] == 4711") == []
    assert captured.packets(f"host {FRIEND}")


def test_a_refused_client_is_counted_and_logged():
    count = "nft list counter inet intercloud_vpn refused"
    read = re.compile(r"packets (\d+)")
    was = int(read.search(lab.sh("edge-east", count))[1])
    ports.ask(lab.INTERNET, [("203.0.113.2", "tcp/443")], own=OTHER)
    assert int(read.search(lab.sh("edge-east", count))[1]) > was


def test_members_reach_each_other_as_ever_and_verify_has_tried_the_published_ports():
    result = playbooks.result()
    assert result["ok"] and all(pair["reachable"] for pair in result["pairs"])
    asked = {(one["src"], one["dst"], one["port"]) for one in result["negative"] if one["kind"] == "outside"}
    assert {("vm1-west", "vm1-east", 443), ("vm1-west", "vm2-east", 444), ("vm1-east", "vm3-west", 443)} <= asked


def test_again_changes_nothing():
    assert create(SHOP, SIX, verify=False).hosts("changed") == set()


@pytest.mark.thorough("access: verify notices an open port; here it tried the published ones")
def test_verify_notices_a_port_that_is_open_for_others():
    """The agents are stopped: they would put the rules back."""
    number = next(row["number"] for row in ledger.rows("vpns") if row["name"] == "shop")
    address = playbooks.addresses("shop")["vm1-east"]
    opened = f"nft insert rule inet intercloud_vpn vpn{number} ct original ip daddr {{}} accept"
    forwards = (
        "nft insert rule inet intercloud_vpn translate_destination iifname pub ip daddr 203.0.113.2 tcp dport 443"
    )
    lab.sh("vapp1-east", f"systemctl stop intercloud-vpn; {opened.format(address)}")
    lab.sh(
        "edge-east",
        f"systemctl stop intercloud-vpn; {opened.format('203.0.113.2')}; {forwards} dnat ip to {address}:8443",
    )
    playbooks.run("verify_vpn", vpns=[SHOP, SIX], vcc_pools=POOLS, succeeds=False)
    seen = {finding["seen"] for finding in playbooks.result()["findings"]}
    assert "203.0.113.2 port 443 answered" in seen, seen
    create(SHOP, SIX, verify=False)
    assert not ports.ask(lab.INTERNET, PUBLISHED[:1], own=OTHER)[PUBLISHED[0]]


def test_what_is_taken_away_stops_and_touches_no_tunnel():
    spis = strongswan.spis(*EDGES)
    fewer = shop(members=["vm1-east", "vm1-west", "vm3-west"], publish=SHOP["outside"]["publish"][1:])
    with lab.pinging("vm1-east", playbooks.addresses("shop")["vm1-west"]) as pings:
        create(fewer, SIX, verify=False)
    assert pings.lost == 0, pings.text
    assert strongswan.spis(*EDGES) == spis
    assert seen("vm1-east") in ("203.0.113.5", "203.0.113.6")
    assert seen("vm2-east") == "203.0.113.2"  # as the administrator has it go
    found = ports.ask(lab.INTERNET, PUBLISHED, own=FRIEND)
    assert [bool(answer) for answer in found.values()] == [False, True, True, True]


def test_a_port_that_a_program_of_the_edge_has_is_refused():
    vpn = shop(publish=[{"member": "vm1-east", "port": "tcp/8022", "to": "tcp/8443", "from": [FRIEND]}])
    with ports.listening({"edge-east": ["tcp/8022"]}):
        run = create(vpn, SIX, verify=False, succeeds=False)
    assert "TCP 8022 is held by" in " ".join(run.output.split())


def test_after_a_reboot_of_the_edge_it_is_as_before():
    create(SHOP, SIX, verify=False)
    lab.labctl("reboot", "edge-east")
    lab.sh("edge-east", f"nft '{OWN}'")
    lab.wait_for(
        "the published port answers", lambda: ports.ask(lab.INTERNET, PUBLISHED[:1], own=FRIEND)[PUBLISHED[0]], 40
    )
    assert seen("vm1-east") in ("203.0.113.5", "203.0.113.6")
    assert not ports.ask(lab.INTERNET, PUBLISHED[:1], own=OTHER)[PUBLISHED[0]]


def test_a_deleted_vpn_leaves_nothing(before):
    playbooks.delete("shop", "shop6", verify=False)
    rebooted = re.compile(r"edge-east: ip -o link: [-+] \d+: \w+@")  # it has new wires
    assert [line for line in snapshot.differences(before, snapshot.of_all()) if not rebooted.match(line)] == []
    assert {seen(vm) for vm in VMS} == {"203.0.113.2", "203.0.113.18"}
