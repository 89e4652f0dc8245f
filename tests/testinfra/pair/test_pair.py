# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A site with two edges: one is switched off, cut off, killed, drained and comes back, and members hardly notice."""

from __future__ import annotations

import json
from itertools import permutations

import pytest

from ansible_collections.intercloud.vpn.tests.testinfra import lab, ledger, outage, playbooks, snapshot, strongswan

HOME, TWIN, WEST = "edge-east", "edge-east-2", "edge-west"
PAIR = (HOME, TWIN)
OTHER = {HOME: TWIN, TWIN: HOME}
GATEWAY = "10.10.0.1"
# Behind a vApp edge and on the org network, at both sites.
PAYROLL = {**playbooks.PAYROLL, "members": ["vm1-east", "vm3-east", "vm1-west", "vm3-west"]}
LIMIT = 1.0  # seconds without an answer
FEW = 2  # pings; none are lost where nothing else keeps the machine busy
SETTLED = 30  # seconds until all tunnels are up again


@pytest.fixture(scope="module")
def before():
    """All that a VPN could leave, before there was one."""
    playbooks.run("lab_up", lab_pairs=["east"])
    return snapshot.of_all([*PAIR, "vm3-east", "vapp1-east"])


@pytest.fixture(scope="module", autouse=True)
def created(before):
    return playbooks.create(PAYROLL)


def master():
    """The edge that has the gateway address; None while it is not exactly one."""
    found = [edge for edge in PAIR if has_gateway(edge)]
    return found[0] if len(found) == 1 else None


def has_gateway(edge):
    addresses = json.loads(lab.netns(edge, "ip", "-j", "address", "show", "org", check=False) or "[]")  # it may be off
    return any(one.get("local") == GATEWAY for device in addresses for one in device["addr_info"])


def tunnels():
    """{edge: its IKE_SAs and their CHILD_SAs, by name}; children that only order lanes left out."""
    edges = (*PAIR, WEST)
    return {
        edge: sorted(
            (sa.name, sorted(child.name for child in sa.children if "!" not in child.name))
            for sa in strongswan.ike_sas(edge)
        )
        for edge in edges
    }


def one_of_each():
    try:
        found = tunnels()
    except AssertionError:
        return False
    names = [f"{edge}--{WEST}" for edge in PAIR]
    return (
        [name for name, _children in found[WEST]] == names
        and all([name for name, _children in found[edge]] == [f"{edge}--{WEST}"] for edge in PAIR)
        and all(children.count("payroll") == 1 and len(children) == 2 for sas in found.values() for _n, children in sas)
    )


def settled():
    lab.wait_for("one edge has the gateway address", master, SETTLED)
    lab.wait_for("one of each SA, on every edge", one_of_each, SETTLED)


def watching(addresses):
    return outage.watching("vm3-west", addresses["vm1-east"])


def all_answer(addresses):
    pings = lab.reach(((one, addresses[two]) for one, two in permutations(PAYROLL["members"], 2)), count=5)
    return {pair: found.lost for pair, found in pings.items() if found.lost}


def test_members_reach_each_other_over_the_pair(addresses):
    settled()
    assert all_answer(addresses) == {}


def test_verify_agrees():
    assert playbooks.result()["findings"] == []


def test_creating_again_changes_nothing():
    spis = strongswan.spis(*PAIR, WEST)
    assert playbooks.create(PAYROLL, verify=False).changed == frozenset()
    assert strongswan.spis(*PAIR, WEST) == spis


def test_an_edge_that_is_switched_off_is_replaced_at_once(addresses, say):
    """A TCP connection lives through it, nothing leaves in clear, and when it comes back nothing is lost."""
    first = master()
    with (
        lab.looking_for_clear(["vm1-east"], addresses["vm3-west"]) as clear,
        outage.talking("vm1-west", "vm3-east", addresses["vm3-east"], 6),
        watching(addresses) as watched,
    ):
        lab.labctl("kill", first)
        lab.wait_for("the other edge has the gateway address", lambda: master() == OTHER[first], 10)
    say(f"the master was switched off: {watched}")
    assert watched.outage <= LIMIT
    assert clear == []
    with watching(addresses) as back:
        lab.labctl("start", first)
        settled()
    say(f"it came back: {back}")
    assert back.outage <= LIMIT
    assert master() == OTHER[first]


def test_an_edge_is_drained_without_loss_and_takes_nothing_back_until_told(addresses, say):
    first = master()
    with watching(addresses) as watched:
        assert playbooks.run("drain_edge", vcc_drain=first).hosts("changed") == {first}
        lab.wait_for("the other edge has the gateway address", lambda: master() == OTHER[first], 10)
    say(f"drained: {watched}")
    assert watched.lost <= FEW
    refused = playbooks.run("drain_edge", vcc_drain=OTHER[first], succeeds=False)
    assert "it is drained itself" in refused.output
    with watching(addresses) as watched:
        playbooks.run("drain_edge", vcc_undrain=first)
    say(f"undrained: {watched}")
    assert watched.lost <= FEW
    assert master() == OTHER[first]


CAUSES = {
    "its uplink was cut": (lambda edge: lab.labctl("cut", edge, "pub"), lambda edge: lab.labctl("join", edge, "pub")),
    "its org wire was cut": (lambda edge: lab.labctl("cut", edge, "org"), lambda edge: lab.labctl("join", edge, "org")),
    "its charon was killed": (
        lambda edge: lab.sh(edge, "systemctl kill --signal=SIGKILL strongswan.service"),
        lambda edge: None,
    ),
    "its VRRP was killed": (
        lambda edge: lab.sh(edge, "systemctl kill --signal=SIGKILL intercloud-vpn-vrrp.service"),
        lambda edge: None,
    ),
    "its agent was killed": (
        lambda edge: lab.sh(edge, "systemctl kill --signal=SIGKILL intercloud-vpn.service"),
        lambda edge: None,
    ),
}


@pytest.mark.thorough("an edge that is switched off")
@pytest.mark.parametrize("cause", CAUSES)
def test_whatever_happens_to_the_master_the_other_edge_takes_over(addresses, cause, say):
    begin, end = CAUSES[cause]
    first = master()
    with watching(addresses) as watched:
        begin(first)
        lab.wait_for("answers come", lambda: lab.answers("vm3-west", addresses["vm3-east"], count=1), 10)
    say(f"{cause}: {watched}")
    with watching(addresses) as back:
        end(first)
        settled()
    say(f"and back: {back}")
    assert watched.outage <= LIMIT
    assert back.outage <= LIMIT
    assert all_answer(addresses) == {}


@pytest.mark.thorough("an edge that is switched off")
def test_two_masters_harm_nobody(addresses, say):
    """Neither edge hears the other's adverts: both have the gateway address."""
    drop = "table inet split { chain input { type filter hook input priority -300; meta l4proto vrrp drop; }; }"
    with watching(addresses) as watched:
        for edge in PAIR:
            lab.netns(edge, "nft", drop)
        lab.wait_for("both have the gateway address", lambda: all(has_gateway(edge) for edge in PAIR), 10)
    with watching(addresses) as healed:
        for edge in PAIR:
            lab.netns(edge, "nft", "delete table inet split")
        settled()
    say(f"each took itself for the only one: {watched}; then not any more: {healed}")
    assert watched.outage <= LIMIT
    assert healed.outage <= LIMIT


@pytest.mark.thorough("tests of the plan: nobody is renumbered, and unit tests of what keepalived leaves")
def test_an_edge_alone_becomes_a_pair_and_a_pair_an_edge_without_renumbering(addresses, before):
    leases = ledger.leases("payroll", "acme")
    playbooks.run("lab_up", lab_pairs=[])
    playbooks.create(PAYROLL)
    alone = ledger.leases("payroll", "acme")
    assert {key: address for key, address in leases.items() if alone.get(key) != address}.keys() <= {
        key for key in leases if "/edge/" in key
    }
    assert playbooks.addresses() == addresses
    assert all_answer(addresses) == {}


@pytest.mark.thorough("a pair at one site")
def test_pairs_at_both_sites_with_translated_members_names_and_ipv6(say):
    playbooks.delete("payroll", verify=False)  # the lab switches edges off to wire them otherwise
    playbooks.run("lab_up", lab_pairs=["east", "west"])
    members = ["vm1-east", {"name": "vm2-east", "mode": "nat"}, "vm1-west", "vm3-west"]
    translated = {**PAYROLL, "names": True, "members": members}
    six = {"name": "six", "pool": "fd64::/48", "members": ["vm3-east", "vm3-west"]}
    playbooks.create(translated, six)
    assert playbooks.result()["findings"] == []
    assert playbooks.create(translated, six, verify=False).changed == frozenset()
    four, both = (
        {key.rpartition("/")[2]: address for key, address in ledger.leases(vpn, "acme").items()}
        for vpn in ("payroll", "six")
    )
    for first, second in ((HOME, TWIN), (WEST, f"{WEST}-2")):
        edge = first if has_gateway(first) else second
        with (
            outage.watching("vm2-east", four["vm3-west"]) as translating,
            outage.watching("vm3-west", both["vm3-east"]) as watched,
        ):
            lab.labctl("kill", edge)
            lab.wait_for("the other edge answers", lambda: lab.answers("vm1-west", four["vm1-east"], count=1), 10)
        say(f"{edge} was switched off, with a pair at both sites: IPv6 {watched}; mode nat {translating}")
        assert max(watched.outage, translating.outage) <= LIMIT
        lab.labctl("start", edge)
        lab.wait_for("all tunnels", lambda edge=edge: len(strongswan.ike_sas(edge)) == 2, SETTLED)
    playbooks.delete("payroll", "six", verify=False)


@pytest.mark.thorough("scenario delete, of edges that are alone")
def test_a_pair_leaves_no_trace(before):
    """What the lab was before the first VPN."""
    playbooks.run("lab_up", lab_pairs=["east"])
    after = snapshot.of_all([*PAIR, "vm3-east", "vapp1-east"])
    traces = [line for line in snapshot.differences(before, after) if "intercloud" in line or "keepalived" in line]
    assert traces == []
