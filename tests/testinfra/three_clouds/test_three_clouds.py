# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Three clouds: every site has a tunnel with every other, made without touching the one that is there."""

from __future__ import annotations

from itertools import permutations

import pytest

from ansible_collections.intercloud.vpn.tests.testinfra import lab, ledger, playbooks, strongswan
from ansible_collections.intercloud.vpn.tests.testinfra.playbooks import PAYROLL

OLD = ["edge-east", "edge-west"]
EDGES = ["edge-east", "edge-south", "edge-west"]
MEMBERS = [*PAYROLL["members"], "vm1-south", "vm3-south"]


def spis(edge):
    """The SPIs of the tunnel that was there first, and of its link."""
    (tunnel,) = [sa for sa in strongswan.ike_sas(edge) if sa.name == "edge-east--edge-west"]
    return tunnel.spis, [link.spis for link in tunnel.children]


@pytest.fixture(scope="module", autouse=True)
def grown():
    """payroll in two clouds, pinged while the third one joins, first in vain.

    (addresses before, SPIs before, pings, what the run in vain said and left at the third cloud's members).
    """
    playbooks.create(PAYROLL, verify=False)
    before = playbooks.addresses(), [spis(edge) for edge in OLD]
    playbooks.run("lab_up", lab_clouds=3)
    grown = {**PAYROLL, "members": MEMBERS}
    with lab.pinging("vm1-east", before[0]["vm1-west"]) as pings:
        refused = joined_in_vain(grown)
        playbooks.create(grown)
    return *before, pings, refused


def joined_in_vain(vpn):
    """Its edge has an interface in the VPN's block that the survey was not asked for, and refuses its generation."""
    lab.netns("edge-south", "ip", "link", "add", "hidden", "type", "bridge")
    lab.netns("edge-south", "ip", "addr", "add", "100.64.0.254/28", "dev", "hidden")
    try:
        run = playbooks.create(vpn, succeeds=False, verify=False, vcc_server_survey=False)
    finally:
        lab.netns("edge-south", "ip", "link", "del", "hidden")
    return " ".join(run.output.split()), lab.sh("vm1-south", "ip -4 -o addr") + lab.sh("vm3-south", "ip -4 -o addr")


def test_every_member_reaches_every_other():
    addresses = playbooks.addresses()
    assert sorted(addresses) == sorted(MEMBERS)
    pings = lab.reach((source, addresses[to]) for source, to in permutations(MEMBERS, 2))
    assert {pair: found.lost for pair, found in pings.items()} == dict.fromkeys(pings, 0)


def test_members_are_told_nothing_while_their_edge_does_not_guard_it(grown):
    """Seen: they got their addresses, and edge-south passed on in clear what they sent from there."""
    said, held = grown[-1]
    assert "edge-south" in said and "not applied, nothing was touched: machine: device hidden" in said
    assert "100.64." not in held
    assert (
        "not changed yet: vapp1-south, vm1-south, vm3-south. This run did not bring edge-south to its generation"
        in said
    )


def test_there_are_three_tunnels_of_one_link_each():
    found = {edge: sorted(tunnel.name for tunnel in strongswan.ike_sas(edge)) for edge in EDGES}
    assert found == {
        "edge-east": ["edge-east--edge-south", "edge-east--edge-west"],
        "edge-south": ["edge-east--edge-south", "edge-south--edge-west"],
        "edge-west": ["edge-east--edge-west", "edge-south--edge-west"],
    }
    links = [link for edge in EDGES for tunnel in strongswan.ike_sas(edge) for link in tunnel.children]
    assert [(link.name, link.state) for link in links] == [("payroll", "INSTALLED")] * 6


def test_who_was_there_before_noticed_nothing(grown):
    addresses, old_spis, pings, _refused = grown
    assert {name: playbooks.addresses()[name] for name in addresses} == addresses
    assert [spis(edge) for edge in OLD] == old_spis
    assert pings.lost == 0, pings.text


@pytest.mark.thorough("slices go in the same steps, and bring a VPN up and delete it")
def test_a_site_changes_vpns_in_steps(grown):
    """Its edge lets the old one go when the members gave it up, and these get the new one when the edge guards it: each
    would wait for the other, did the ledger not remember who gave what up."""
    audit = {"name": "audit", "pool": "internal", "members": ["vm1-east", "vm3-south"]}
    playbooks.run("prepare_vpn", vpns=[PAYROLL, audit])
    for step in ("members:vapp_edges", "vcc_nodes:org_edges", "members:vapp_edges"):
        playbooks.run("apply_vpn", ("--limit", step))
    assert {row["name"]: row["state"] for row in ledger.rows("vpns")} == {"audit": "active", "payroll": "active"}
    addresses = playbooks.addresses("audit")
    assert lab.ping("vm1-east", addresses["vm3-south"], own=addresses["vm1-east"]).lost == 0
    assert "VPN payroll" not in lab.sh("edge-south", "cat /var/lib/intercloud-vpn/current/files/nftables.nft")
