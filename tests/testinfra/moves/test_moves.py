# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""vm1-east is restored in the cloud west, on the machine that was vm2-west, then in the south, and in the east again.

Where it goes, edges have strongSwan 6.0: before 5.9.12, ESP in user space takes no selector in which the edge itself
has no address. The edge in the east has 5.9.
"""

from __future__ import annotations

from contextlib import ExitStack
from itertools import permutations

import pytest

from ansible_collections.intercloud.vpn.tests.testinfra import capture, inventories, lab, ledger, playbooks, strongswan
from ansible_collections.intercloud.vpn.tests.testinfra.playbooks import EDGES, PAYROLL

VPN = {**PAYROLL, "members": [*PAYROLL["members"], "vm2-east"]}
NAME, PLACE, NEW = "vm1-east", "vm2-west", "edge-west"
LAST, ON = "vm2-south", "edge-south"
MOVED = "payroll+edge-west"
INNER = "net 100.64.0.0/10 or net 10.10.0.0/24 or net 192.168.1.0/24"


@pytest.fixture(scope="module")
def was():
    playbooks.run("lab_up", lab_clouds=3, lab_releases={NEW: "trixie", ON: "trixie"})
    playbooks.create(VPN, verify=False)
    return playbooks.addresses()


@pytest.fixture(scope="module")
def in_the_west(tmp_path_factory):
    return inventories.moved(tmp_path_factory.mktemp("west") / "west.sh", {NAME: PLACE})


def machine(name, where):
    return {"west": PLACE, "south": LAST}.get(where, name) if name == NAME else name


def silent(addresses, where):
    """Who does not answer whom."""
    pairs = permutations(addresses, 2)
    asked = [(machine(one, where), addresses[two]) for one, two in pairs]
    found = lab.reach(asked, count=3)
    return [pair for pair, pings in found.items() if not pings.received]


def links():
    return {edge: {child.name: child.spis for child in strongswan.ike_sas(edge)[0].children} for edge in EDGES}


def test_an_edge_that_cannot_serve_it_is_named_before_anything_is_touched(was, tmp_path):
    """vm1-west would be in the east, whose edge has strongSwan 5.9."""
    east = inventories.moved(tmp_path / "east.sh", {"vm1-west": "vm3-east"})
    before = ledger.contents()
    run = playbooks.run("create_vpn", vpns=[VPN], inventory=east, succeeds=False)
    assert "hosts.edge-east: strongSwan 5.9" in run.output and "5.9.12" in run.output
    assert ledger.contents() == before
    assert run.hosts("changed") == set()


def test_it_keeps_its_address_where_it_is_now(was, in_the_west, tmp_path, say):
    before = links()
    predicted = None
    if lab.thorough("the check scenario predicts what an added member does"):
        predicted = playbooks.run("create_vpn", ["--check"], vpns=[VPN], inventory=in_the_west)
    with ExitStack() as stack:
        seen = stack.enter_context(capture.capturing(tmp_path / "moves.pcap"))
        others = [
            stack.enter_context(lab.pinging("vm2-east", was["vm1-west"])),
            stack.enter_context(lab.pinging("vm3-west", was["vm2-east"])),
        ]
        its = stack.enter_context(lab.pinging("vm2-east", was[NAME], interval=0.01))
        run = playbooks.run("create_vpn", vpns=[VPN], inventory=in_the_west)
        assert silent(was, "west") == []
        assert lab.transfer("vm2-east", PLACE, was[NAME], octets=1_000_000)
        assert lab.transfer(PLACE, "vm2-east", was["vm2-east"], octets=1_000_000)
    # At load 7 on two cores, each of them lost one of 1,500, at one moment, in one of five runs. Why is not known.
    assert max(pings.lost for pings in others) <= 1, [pings.text for pings in others]
    say(f"while it moved, {its.lost} of {its.sent} pings to it, 100 a second, had no answer")
    assert its.lost <= 10, "the machine in the east answers until the one in the west does"
    assert seen.packets(INNER) == []
    assert predicted is None or run.hosts("changed") == predicted.hosts("changed")
    assert f"payroll: {NAME} keeps {was[NAME]} (moved from cloud east to cloud west)" in run.output
    assert playbooks.addresses() == was
    assert playbooks.result()["findings"] == []
    for edge, found in links().items():
        assert found.items() > before[edge].items()
        assert set(found) == {"payroll", MOVED}


def test_and_it_is_the_one_in_the_west_that_answers(was):
    """The machine in the east has the address still: nobody has switched it off."""
    lab.labctl("kill", NAME)
    assert silent(was, "west") == []
    assert lab.answers("vm2-east", was[NAME])


def test_a_second_run_changes_nothing(was, in_the_west):
    before = links()
    assert playbooks.run("create_vpn", vpns=[VPN], inventory=in_the_west).changed == frozenset()
    assert links() == before


@pytest.mark.thorough("stretched and limits: an edge comes back with all that it had")
def test_a_reboot_of_the_edge_brings_it_back(was):
    lab.labctl("reboot", NEW)
    lab.wait_for("all members answer", lambda: silent(was, "west") == [], 60)


def test_it_moves_on_while_the_site_where_it_was_is_down(was, tmp_path):
    """To a cloud that the VPN had nothing in. Everybody reaches it there but those at the site that is down."""
    lab.labctl("kill", PLACE)
    lab.labctl("kill", NEW)
    south = inventories.moved(tmp_path / "south.sh", {NAME: LAST}, without=[PLACE])
    run = playbooks.run("create_vpn", vpns=[VPN], inventory=south, succeeds=False)
    assert f"payroll: {NAME} keeps {was[NAME]} (moved from cloud west to cloud south)" in run.output
    assert run.hosts("unreachable") == {NEW}
    here = {name: address for name, address in was.items() if not name.endswith("-west")}
    assert silent(here, "south") == []
    lab.labctl("start", NEW)
    lab.wait_for("the edge answers", lambda: lab.sh(NEW, "echo up", check=False) == "up\n", 60)
    run = playbooks.run("create_vpn", vpns=[VPN], inventory=south)
    assert run.hosts("changed") >= {NEW}
    assert silent(was, "south") == []
    if lab.thorough("a second run after the first move has nothing to do"):
        assert playbooks.run("create_vpn", vpns=[VPN], inventory=south).changed == frozenset()


def test_back_again_nothing_is_left_of_it(was, tmp_path, say):
    lab.labctl("start", NAME)
    lab.labctl("kill", LAST)
    try:
        back = inventories.moved(tmp_path / "back.sh", {}, without=[PLACE, LAST])
        with lab.pinging("vm2-east", was["vm1-west"]) as others:
            run = playbooks.run("move_member", inventory=back, vcc_move=NAME, vcc_to="east")
        assert others.lost <= 1, others.text
        assert f"payroll: {NAME} keeps {was[NAME]} (moved from cloud south to cloud east)" in run.output
        assert silent(was, "east") == []
        assert {edge: set(found) for edge, found in links().items()} == {edge: {"payroll"} for edge in EDGES}
        assert was[NAME] not in lab.sh(NEW, "ip route show table all; nft list ruleset")
        assert playbooks.run("create_vpn", vpns=[VPN], inventory=back).changed == frozenset()
    finally:
        lab.labctl("start", PLACE)
        lab.labctl("start", LAST)


@pytest.mark.thorough("over IPsec; ssl has members over OpenVPN")
def test_over_openvpn_it_is_the_same(was, in_the_west, tmp_path, say):
    ssl = {**VPN, "tunnel": "ssl"}
    back = inventories.moved(tmp_path / "back.sh", {}, without=[PLACE])
    playbooks.run("create_vpn", vpns=[ssl], inventory=back)
    with lab.pinging("vm2-east", was["vm1-west"]) as others:
        playbooks.run("create_vpn", vpns=[ssl], inventory=in_the_west)
    say(f"over OpenVPN, {others.lost} of {others.sent} pings of others had no answer while it moved")
    assert playbooks.result()["findings"] == []
    lab.labctl("kill", NAME)
    assert silent(was, "west") == []
    assert lab.transfer("vm2-east", PLACE, was[NAME], octets=1_000_000)
    assert playbooks.run("create_vpn", vpns=[ssl], inventory=in_the_west).changed == frozenset()
