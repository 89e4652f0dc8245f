# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A VPN over four clouds as star, chain and tree, in turn, while a mesh of two clouds runs over the same edges."""

from __future__ import annotations

from contextlib import contextmanager
from itertools import combinations, permutations

import pytest

from ansible_collections.intercloud.vpn.tests.testinfra import capture, lab, playbooks, strongswan
from ansible_collections.intercloud.vpn.tests.testinfra.playbooks import PAYROLL

CLOUDS = ("east", "west", "south", "north")
EDGES = tuple(f"edge-{cloud}" for cloud in CLOUDS)
MEMBERS = [f"vm2-{cloud}" for cloud in CLOUDS]
COMPANY = {"name": "company", "pool": "10.99.0.0/16", "members": MEMBERS}
PUBLIC = {"east": "203.0.113.2", "west": "203.0.113.18", "south": "203.0.113.34", "north": "203.0.113.50"}
STAR = {**COMPANY, "topology": "star"}
CHAIN = {**COMPANY, "topology": {"kind": "chain", "order": ["west", "edge-east", "south", "north"]}}
TREE = {**COMPANY, "topology": {"kind": "tree", "parents": {"west": "east", "south": "east", "north": "south"}}}


@pytest.fixture(scope="module", autouse=True)
def clouds():
    playbooks.run("lab_up", lab_clouds=4)
    playbooks.create(PAYROLL, verify=False)


@pytest.fixture(scope="module")
def payroll():
    """Addresses in the other VPN, and the SPIs of its link: whatever happens here, these stay."""
    return playbooks.addresses("payroll"), link_spis("payroll")


@contextmanager
def undisturbed(payroll):
    """The other VPN's members, pinged a hundred times a second, lose nothing while the block runs; their keys stay."""
    addresses, spis = payroll
    with lab.pinging("vm1-east", addresses["vm1-west"]) as pings:
        yield
    assert pings.lost == 0, pings.text
    assert link_spis("payroll") == spis


def link_spis(vpn, edges=EDGES[:2]):
    return {edge: [c.spis for sa in strongswan.ike_sas(edge) for c in sa.children if c.name == vpn] for edge in edges}


def ike_sas(edge):
    """None on an edge that has no tunnel: strongSwan does not run there."""
    return strongswan.ike_sas(edge) if lab.sh(edge, "pidof charon-systemd", check=False) else []


def tunnels(vpn="company"):
    """The pairs of clouds that have a link of a VPN."""
    ends = lab.at_once(ike_sas, EDGES)
    links = [(sa.name, child.state) for sas in ends for sa in sas for child in sa.children if child.name == vpn]
    assert {state for _name, state in links} == {"INSTALLED"}
    names = [name for name, _state in links]
    assert all(names.count(name) == 2 for name in names), names
    return {tuple(name.replace("edge-", "").split("--")) for name in names}


def lost(addresses, pairs=None):
    """What ping says, by pair, where a packet was lost."""
    pings = lab.reach((source, addresses[to]) for source, to in pairs or permutations(MEMBERS, 2))
    return {pair: found.text for pair, found in pings.items() if found.lost}


@pytest.fixture(scope="module")
def addresses(payroll):
    with undisturbed(payroll):
        playbooks.create(STAR, verify=False)
    return playbooks.addresses("company")


def test_a_star_has_a_tunnel_from_every_site_to_the_hub(addresses):
    assert tunnels() == {("east", "west"), ("east", "south"), ("east", "north")}
    assert lost(addresses) == {}


def test_packets_between_two_leaves_cross_the_hub_and_nothing_else(addresses, tmp_path):
    with capture.capturing(tmp_path / "leaves.pcap") as packets:
        assert lab.transfer("vm2-west", "vm2-north", addresses["vm2-north"], 2_000_000)
    for one, other in (("west", "east"), ("east", "north")):
        assert len(packets.packets(f"udp port 4500 and host {PUBLIC[one]} and host {PUBLIC[other]}")) > 1000
    assert packets.packets(f"host {PUBLIC['west']} and host {PUBLIC['north']}") == []
    assert packets.packets("net 10.99.0.0/16 or net 192.168.0.0/16 or net 10.10.0.0/16") == []


def test_the_plan_and_the_result_name_the_hub_as_what_all_depend_on(addresses):
    run = playbooks.create(STAR)
    assert "company: without edge-east, other sites do not reach each other" in run.output
    assert run.changed == frozenset()
    (entry,) = [vpn for vpn in playbooks.result()["vpns"] if vpn["name"] == "company"]
    assert entry["single_points_of_failure"] == ["edge-east"]
    (pair,) = [p for p in playbooks.result()["pairs"] if (p["src"], p["dst"]) == ("vm2-west", "vm2-north")]
    assert pair["via"] == ["vapp1-west", "edge-west", "edge-east", "edge-north", "vapp1-north"]


def test_who_is_no_member_gets_nowhere_over_the_hub(addresses):
    """Nor do members of the other VPN, whose tunnel crosses the same edges."""
    pairs = [(vm, addresses[to]) for vm in ("vm3-east", "vm1-east", "vm1-west", "vm3-north") for to in MEMBERS]
    assert not any(pings.received for pings in lab.reach(pairs, count=1).values())


def test_the_star_becomes_a_chain_while_it_runs(addresses, payroll):
    with undisturbed(payroll):
        playbooks.create(CHAIN, verify=False)
    assert tunnels() == {("east", "west"), ("east", "south"), ("north", "south")}
    assert playbooks.addresses("company") == addresses
    assert lost(addresses) == {}
    if lab.thorough("a second run with the star has nothing to do"):
        assert playbooks.create(CHAIN).changed == frozenset()


@pytest.mark.thorough("a star becomes a chain; unit tests compile trees")
def test_and_a_tree(addresses, payroll):
    """The same tunnels in another shape: nothing is to be done."""
    before = link_spis("company", EDGES)
    with undisturbed(payroll):
        run = playbooks.create(TREE)
    assert not {host for host, task in run.changed} & {*EDGES, *MEMBERS}
    assert link_spis("company", EDGES) == before
    assert lost(addresses) == {}


def test_a_cut_tunnel_takes_with_it_what_runs_over_it_and_no_more(addresses, payroll):
    far, near = ["vm2-south", "vm2-north"], ["vm2-east", "vm2-west"]
    others = [*permutations(near, 2), *permutations(far, 2)]
    cut = f"ip saddr {{ {PUBLIC['east']}, {PUBLIC['south']} }} ip daddr {{ {PUBLIC['east']}, {PUBLIC['south']} }} drop"
    lab.netns(
        lab.INTERNET, "nft", f"table inet cut {{ chain forward {{ type filter hook forward priority 0; {cut}; }}; }}"
    )
    try:
        with undisturbed(payroll):
            lab.wait_for("both ends to notice", lambda: tunnels_up("edge-east") == {"west"}, 40)
            pings = lab.reach((source, addresses[to]) for source, to in permutations(MEMBERS, 2))
            passing = {pair for pair, found in pings.items() if found.received}
            assert passing == {(source, addresses[to]) for source, to in others}
            output = playbooks.run("verify_vpn", succeeds=False).output
    finally:
        lab.netns(lab.INTERNET, "nft", "delete table inet cut")
    found = {(f["severity"], f["subject"]) for f in playbooks.result()["findings"]}
    assert ("error", "tunnel edge-east--edge-south") in found
    assert ("error", "company: over edge-east--edge-south") in found
    assert not any("edge-west" in subject or "north" in subject for _severity, subject in found), output[-3000:]
    lab.wait_for("the tunnel to come back", lambda: not lost(addresses), 60)


def tunnels_up(edge):
    """The clouds that an edge has an established tunnel with."""
    up = [sa.name for sa in strongswan.ike_sas(edge) if sa.state == "ESTABLISHED"]
    return {cloud for name in up for cloud in name.replace("edge-", "").split("--")} - {edge.replace("edge-", "")}


def test_a_site_without_members_can_be_the_hub(payroll):
    with undisturbed(payroll):
        playbooks.create(
            {**COMPANY, "members": MEMBERS[:3], "topology": {"kind": "star", "hub": "north"}}, verify=False
        )
    assert tunnels() == {("east", "north"), ("north", "west"), ("north", "south")}
    addresses = playbooks.addresses("company")
    assert lost(addresses, permutations(MEMBERS[:3], 2)) == {}
    assert not lab.answers("vm2-north", addresses["vm2-east"])


def test_a_site_goes_with_its_last_member(payroll):
    with undisturbed(payroll):
        playbooks.create({**COMPANY, "members": MEMBERS[:2], "topology": "mesh"}, verify=False)
    assert tunnels() == {("east", "west")}
    (tunnel,) = strongswan.ike_sas("edge-east")
    assert sorted(child.name for child in tunnel.children) == ["company", "payroll"]
    for edge in ("edge-south", "edge-north"):
        assert "10.99." not in lab.netns(edge, "ip", "route")
        assert ike_sas(edge) == []


@pytest.mark.thorough("three_clouds is a mesh")
def test_all_of_it_as_a_mesh(addresses, payroll):
    with undisturbed(payroll):
        playbooks.create(COMPANY)
    assert tunnels() == {tuple(sorted(pair)) for pair in combinations(CLOUDS, 2)}
    assert playbooks.addresses("company") == addresses
