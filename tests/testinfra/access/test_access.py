# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The VPN of docs/access.md: who reaches what, what is logged, what changes while it runs, what a wrong rule does."""

from __future__ import annotations

import copy
import re
import subprocess
import time
from contextlib import contextmanager

import pytest
import yaml

from ansible_collections.intercloud.vpn.tests.testinfra import lab, ledger, playbooks, ports, strongswan

PAGE = (lab.ROOT / "docs/access.md").read_text(encoding="utf-8")
INTENT = yaml.safe_load(re.search(r"```yaml\n(.*?)```", PAGE, re.DOTALL)[1])
PAYROLL, POLICIES = INTENT["vcc_vpns"][0], INTENT["vcc_policies"]
# Beside it, over the same edges: nothing that happens to the one is to be noticed in the other.
AUDIT = {"name": "audit", "pool": "10.99.0.0/16", "members": ["vm1-east", "vm1-west"]}
EDGES = ("edge-east", "edge-west")
MEMBERS = ("vm1-east", "vm2-east", "vm1-west", "vm2-west")
HOST = "198.51.100.7"  # in the network behind edge-west; vm3-west has it beside its own
LISTEN = {
    "vm1-east": ["tcp/99", "udp/99"],
    "vm1-west": ["tcp/5432", "tcp/5433", "udp/53", "udp/54"],
    "vm2-west": ["tcp/7999", "tcp/8000", "tcp/8001", "tcp/8010", "tcp/8011"],
    "vm3-east": ["tcp/8443", "tcp/8444"],
    "vm3-west": ["tcp/443", "tcp/444"],
}
OPEN = {"vm1-east": {"tcp/99", "udp/99"}, "vm1-west": {"tcp/5432", "udp/53"}, "vm2-west": {"tcp/8000", "tcp/8010"}}
OPEN |= {"vm3-east": {"tcp/8443"}, "vm3-west": {"tcp/443"}}


def payroll(**changes):
    return {**copy.deepcopy(PAYROLL), **changes}


def create(*vpns, policies=None, **options):
    return playbooks.create(*vpns, vcc_policies=policies or POLICIES, **options)


@pytest.fixture(scope="module", autouse=True)
def network():
    """What the administrator has: a network behind edge-west, and the route there."""
    lab.sh("vm3-west", f"ip address replace {HOST}/32 dev lo")
    lab.sh("edge-west", "ip route replace 198.51.100.0/24 via 10.10.0.13")
    yield
    lab.sh("edge-west", "ip route del 198.51.100.0/24 via 10.10.0.13")
    lab.sh("vm3-west", f"ip address del {HOST}/32 dev lo")


@pytest.fixture(scope="module", autouse=True)
def created(network):
    with ports.listening(LISTEN):
        create(PAYROLL, AUDIT)
        yield


@pytest.fixture(scope="module")
def addresses(created):
    """Where members find each other and their destinations."""
    server = {"vm3-east": ledger.leases("payroll")["vpn/payroll/site/edge-east/server/erp"].partition("/")[0]}
    return {**playbooks.addresses("payroll"), **server, "vm3-west": HOST}


def reached(addresses, *sources, own=None):
    """(source, machine, port) of every port somewhere else that answers."""
    names = {address: name for name, address in addresses.items()}
    asking = {
        source: [(addresses[name], port) for name, listens in LISTEN.items() if name != source for port in listens]
        for source in sources
    }
    return {(source, names[address], port) for source, address, port in ports.answered(asking, own)}


def every_open_port(*sources):
    return {
        (source, name, port) for source in sources for name, open_ in OPEN.items() if name != source for port in open_
    }


def test_members_reach_the_ports_that_are_allowed_and_no_others(addresses):
    """Also those that are reached on some ports only themselves, those that are translated, and neighbours.

    8001 is allowed, but a rule of the user's own has it dropped on org edges, that is, between clouds.
    """
    assert reached(addresses, *MEMBERS) == {*every_open_port(*MEMBERS), ("vm1-west", "vm2-west", "tcp/8001")}


def test_who_is_no_member_reaches_no_destination(addresses):
    """vm3-west has the network on its own side, and reaches it without us."""
    found = reached(addresses, "vm3-east", "vm3-west")
    assert found == set()


def test_a_destination_opens_no_connection_to_a_member(addresses):
    members = [addresses[name] for name in MEMBERS]
    asking = [(addresses["vm1-east"], "tcp/99"), (addresses["vm1-west"], "tcp/5432")]
    assert set(ports.ask("vm3-west", asking, own=HOST).values()) == {None}
    assert set(ports.ask("vm3-east", asking).values()) == {None}
    pings = {**lab.reach((("vm3-west", a) for a in members), own=HOST), **lab.reach(("vm3-east", a) for a in members)}
    assert [pair for pair, found in pings.items() if found.received] == []


def test_destinations_see_members_at_their_addresses_in_the_vpn(addresses):
    for member in MEMBERS:
        seen = ports.ask(member, [(addresses["vm3-east"], "tcp/8443"), (HOST, "tcp/443")])
        assert set(seen.values()) == {addresses[member]}


def test_a_ping_is_no_service(addresses):
    pings = lab.reach((source, addresses[to]) for source in MEMBERS for to in addresses if to != source)
    assert [pair for pair, found in pings.items() if found.lost] == []


def test_another_vpn_of_the_same_members_knows_nothing_of_it():
    audit = playbooks.addresses("audit")
    asking = [(audit["vm1-west"], port) for port in LISTEN["vm1-west"]]
    assert set(ports.ask("vm1-east", asking).values()) == {audit["vm1-east"]}


def test_verify_asked_what_must_answer_and_what_must_not():
    result = playbooks.result()
    asked = {(probe["src"], probe["dst"], probe["port"]) for probe in result["ports"] if probe["reachable"]}
    assert asked == {
        ("vm1-east", "vm1-west", 5432),
        ("vm1-east", "vm2-west", 8000),
        ("vm1-west", "erp", 8443),
        ("vm1-east", "198.51.100.0/24", 443),
    }
    refused = {(probe["kind"], probe["dst"], probe.get("port")) for probe in result["negative"] if probe["ok"]}
    assert {("closed", "vm1-west", 5433), ("closed", "erp", 8444), ("closed", "198.51.100.0/24", 444)} <= refused
    assert {("backward", name, None) for name in MEMBERS} | {("stranger", "erp", None)} <= refused
    assert result["ok"]


def test_again_changes_nothing():
    assert create(PAYROLL, AUDIT, verify=False).hosts("changed") == set()


def test_verify_notices_a_port_that_is_open_and_must_not_be():
    opened = "nft insert rule inet intercloud_vpn $(nft list chains inet | grep -o 'vpn[0-9]*_ports') return"
    for gateway in ("edge-west", "vapp1-west"):
        lab.sh(gateway, f"systemctl stop intercloud-vpn && {opened}")  # the agent would take the rule away
    playbooks.run("verify_vpn", succeeds=False)
    seen = {finding["seen"] for finding in playbooks.result()["findings"]}
    assert any("port 5433 answered" in text for text in seen), seen
    create(PAYROLL, AUDIT, verify=False)


@contextmanager
def logged(edge):
    """What is logged on an edge while the block runs: (packets, whether each bears the prefix)."""
    path = f"/tmp/{edge}.pcap"
    command = ["ip", "netns", "exec", edge, "tcpdump", "-n", "-U", "-i", "nflog:5", "-w", path]
    found = {}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as capture:
        for line in capture.stderr:
            if "listening" in line:
                break
        yield found
        capture.terminate()
        capture.wait(20)
    data = lab.Path(path).read_bytes()
    lab.Path(path).unlink()
    found["prefixes"] = re.findall(rb"(\w+ [\w-]+ (?:refused|spoofed)): ", data)


def test_what_is_refused_is_logged_and_not_more_of_it_than_was_asked_for(addresses):
    begun = time.monotonic()
    with logged("edge-east") as found:
        assert lab.ping("vm3-east", addresses["vm1-east"], count=150, interval=0.02).received == 0
    minutes = (time.monotonic() - begun) / 60
    assert set(found["prefixes"]) == {b"payroll edge-east refused"}
    assert 1 <= len(found["prefixes"]) <= 5 + 10 * minutes + 1


def test_what_another_vpn_refuses_is_not_logged():
    with logged("edge-east") as found:
        assert not lab.answers("vm3-east", playbooks.addresses("audit")["vm1-east"])
    assert found["prefixes"] == []


def test_a_rule_of_the_users_own_counts_what_it_drops(addresses):
    """The VM allows 8001, and the gateway beside it too: it is the rule that has it dropped."""
    ports.ask("vm1-east", [(addresses["vm2-west"], "tcp/8001")])
    rules = lab.sh("edge-east", "nft list table inet intercloud_vpn | grep 'no admin console'")
    assert int(re.search(r"counter packets (\d+)", rules)[1]) >= 1


def test_ports_change_while_it_runs_and_touch_no_tunnel(addresses):
    before = strongswan.spis(*EDGES)
    vpn = payroll()
    vpn["members"][2] = {"name": "vm1-west", "ports": ["tcp/5433"]}
    with lab.pinging("vm1-east", addresses["vm1-west"]) as pings:
        create(vpn, AUDIT, verify=False)
    asking = [(addresses["vm1-west"], port) for port in ("tcp/5432", "tcp/5433", "udp/53")]
    assert [bool(seen) for seen in ports.ask("vm1-east", asking).values()] == [False, True, False]
    assert pings.lost == 0, pings.text
    assert strongswan.spis(*EDGES) == before


@pytest.mark.thorough("ports change, above, and rules in test_allow.py")
def test_a_network_goes_and_comes_and_touches_no_other_link(addresses):
    before = {edge: strongswan.link(edge, "audit").spis for edge in EDGES}
    tunnels = {edge: [sa.spis for sa in strongswan.ike_sas(edge)] for edge in EDGES}
    audit = playbooks.addresses("audit")
    with lab.pinging("vm1-east", audit["vm1-west"]) as pings:
        create(payroll(destinations={"servers": PAYROLL["destinations"]["servers"]}), AUDIT, verify=False)
        assert ("vm1-east", "vm3-west", "tcp/443") not in reached(addresses, "vm1-east")
        create(PAYROLL, AUDIT, verify=False)
        assert reached(addresses, "vm1-east") == every_open_port("vm1-east")
    assert pings.lost == 0, pings.text
    assert {edge: strongswan.link(edge, "audit").spis for edge in EDGES} == before
    assert {edge: [sa.spis for sa in strongswan.ike_sas(edge)] for edge in EDGES} == tunnels


def test_a_rule_that_nft_does_not_take_leaves_the_node_as_it_was(addresses):
    state = "nft -s list ruleset; readlink /var/lib/intercloud-vpn/current; ip route show proto 155"
    create(PAYROLL, AUDIT, verify=False)  # the only difference is to be the rule
    before = [lab.sh(edge, state) for edge in EDGES]
    policies = {"watched": {"rules": {"org_edges": ["tcp dport 25 drop", "tcp dprot 25 drop"]}}}
    run = create(PAYROLL, AUDIT, policies=policies, verify=False, succeeds=False)
    assert run.hosts("failed") == set(EDGES)
    assert "payroll: rules.org_edges[1]: not taken by nft" in " ".join(run.output.split())
    assert [lab.sh(edge, state) for edge in EDGES] == before
    assert reached(addresses, "vm1-east") == every_open_port("vm1-east")


@pytest.mark.thorough("tests/integration: a wrong intent reaches no host")
def test_a_rule_that_could_let_something_in_reaches_no_host():
    policies = {"watched": {"rules": {"org_edges": ["tcp dport 25 accept"]}}}
    run = create(PAYROLL, AUDIT, policies=policies, verify=False, succeeds=False)
    assert "vcc_policies.watched.rules.org_edges[0]: 'accept' is not allowed" in " ".join(run.output.split())


def test_a_deleted_vpn_leaves_nothing(addresses):
    create(PAYROLL, AUDIT, verify=False)
    playbooks.delete("payroll", "audit", verify=False)
    gateways = lab.of_kind("org_edge", "vapp_edge")
    assert set(lab.at_once(lambda name: lab.sh(name, "nft list tables inet; ip route show proto 155"), gateways)) == {
        ""
    }
    assert ledger.leases("payroll") == {}
    assert lab.ping("vm1-east", HOST).received == 0
