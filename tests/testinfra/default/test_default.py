# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A VPN is created: who belongs to it reaches each other, who does not reaches nobody, and all of it is encrypted."""

from __future__ import annotations

import json
import re
import subprocess
from itertools import permutations

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._node.ipsec import charon
from ansible_collections.intercloud.vpn.plugins.module_utils._verify.answers import SETTLED
from ansible_collections.intercloud.vpn.plugins.plugin_utils import _lab
from ansible_collections.intercloud.vpn.tests.testinfra import lab, playbooks, strongswan

EDGES = ["edge-east", "edge-west"]
MEMBERS = ["vm1-east", "vm1-west", "vm3-west"]
OTHERS = ["vm2-east", "vm3-east", "vm2-west"]


def test_every_member_reaches_every_other_without_loss(addresses):
    assert sorted(addresses) == MEMBERS
    pings = lab.reach(((source, addresses[to]) for source, to in permutations(MEMBERS, 2)), count=10)
    assert {pair: found.lost for pair, found in pings.items()} == dict.fromkeys(pings, 0)


def test_who_is_no_member_reaches_no_member(addresses):
    pings = lab.reach((other, address) for other in OTHERS for address in addresses.values())
    assert [pair for pair, found in pings.items() if found.received] == []


@pytest.mark.parametrize(("member", "neighbour"), [("vm1-east", "192.168.1.12"), ("vm1-west", "192.168.1.12")])
def test_no_member_reaches_its_neighbour_through_the_vpn(addresses, member, neighbour):
    assert lab.answers(member, neighbour), "the neighbour is up"
    assert not lab.answers(member, neighbour, own=addresses[member])


@pytest.mark.parametrize("pair", permutations(["vm1-east", "vm1-west", "vm3-west"], 2), ids="-".join)
def test_large_segments_pass_too(addresses, pair):
    """A path whose MTU is not what hosts take it for swallows these, while pings pass."""
    assert lab.transfer(*pair, addresses[pair[1]], octets=2_000_000)


@pytest.mark.parametrize("edge", EDGES)
def test_there_is_one_tunnel_with_one_link_and_it_is_strong(edge):
    (tunnel,) = strongswan.ike_sas(edge)
    assert (tunnel.state, tunnel.algorithms) == ("ESTABLISHED", "AES_GCM_16-256 PRF_HMAC_SHA2_384 ECP_384")
    (link,) = tunnel.children
    assert (link.name, link.state, link.algorithms) == ("payroll", "INSTALLED", "AES_GCM_16-256")
    assert link.packets_in > 0
    assert link.packets_out > 0


def test_a_private_key_is_on_its_edge_only_and_for_root_only():
    keys = {edge: lab.host(edge).file("/etc/swanctl/private/intercloud-vpn.key") for edge in EDGES}
    assert {edge: (key.mode, key.user, key.group) for edge, key in keys.items()} == dict.fromkeys(
        EDGES, (0o600, "root", "root")
    )
    bodies = [key.content_string.split("\n")[1] for key in keys.values()]
    assert len(set(bodies)) == len(EDGES)
    search = f"grep -rlsF -D skip -e {bodies[0]} -e {bodies[1]}"
    machines = list(lab.machines())
    places = lab.at_once(lambda name: lab.sh(name, f"{search} /etc /root /tmp /usr/local /var", check=False), machines)
    found = {name: place.split() for name, place in zip(machines, places) if place}
    assert found == {edge: ["/etc/swanctl/private/intercloud-vpn.key"] for edge in EDGES}
    server = [_lab.STATE_DIR + "/ca", _lab.STATE_DIR + "/ledger.sqlite", str(playbooks.SCRATCH)]
    on_server = subprocess.run([*search.split(), *server], capture_output=True, text=True, check=False)
    assert on_server.stdout == ""


def test_creating_again_made_nothing_anew():
    """The scenario has created the VPN twice by now; of the first time it kept the result."""
    first = json.loads((playbooks.SCRATCH / "first.json").read_text(encoding="utf-8"))
    assert playbooks.result()["time"] > first["time"]
    assert playbooks.result()["links"][0]["spis"] == first["links"][0]["spis"]


def test_verify_agrees_and_says_so_in_json():
    run = playbooks.run("verify_vpn")
    assert run.changed == frozenset()
    result = playbooks.result()
    assert result["ok"] is True
    assert result["findings"] == []
    assert sorted((pair["src"], pair["dst"]) for pair in result["pairs"]) == sorted(permutations(MEMBERS, 2))
    for pair in result["pairs"]:
        assert pair["vpn"] == "payroll"
        assert pair["reachable"] is True
        assert 0 < pair["rtt_ms"] < 1000
    (across,) = [pair for pair in result["pairs"] if (pair["src"], pair["dst"]) == ("vm1-east", "vm3-west")]
    assert across["via"] == ["vapp1-east", "edge-east", "edge-west"]
    (link,) = result["links"]
    assert (link["state"], link["up"], link["tunnel"]) == ("INSTALLED", True, "edge-east--edge-west")
    assert link["algorithms"]["ike"] == "AES_GCM_16_256/PRF_HMAC_SHA2_384/ECP_384"
    assert link["algorithms"]["esp"].startswith("AES_GCM_16_256")
    for edge in EDGES:
        assert set(link["spis"][edge].values()) == strongswan.link(edge, "payroll").spis


def modules(machine):
    """How many modules Ansible has sent to a machine: each says in the journal what it was invoked with."""
    return int(lab.sh(machine, "journalctl -o cat | grep -c '^Invoked with '", check=False))


def sent(run):
    """The machines that were sent code, by a run with -vvv."""
    return set(re.findall(r"^<([\w-]+)> .*intercloud_vpn_sent", run.output, re.MULTILINE))


NODES = [*EDGES, "vapp1-east", *MEMBERS]
DAMAGE = "echo 'raise SystemExit(7)' > /usr/local/lib/intercloud-vpn/intercloud_vpn_node/commit.py"


def test_nodes_are_asked_and_nothing_is_sent():
    """Each node has the agent of this version. One that is damaged is mended, by code that comes with the question."""
    before = {machine: modules(machine) for machine in NODES}
    run = playbooks.run("create_vpn", ["-vvv"])
    assert (run.changed, sent(run) & {*NODES}) == (frozenset(), set())

    lab.sh("vm1-west", DAMAGE)
    run = playbooks.run("create_vpn", ["-vvv"])
    assert (run.hosts("changed"), sent(run) & {*NODES}) == ({"vm1-west"}, {"vm1-west"})
    if lab.thorough("the run before the damage"):
        run = playbooks.run("create_vpn", ["-vvv"])
        assert (run.changed, sent(run) & {*NODES}) == (frozenset(), set())
    assert {machine: modules(machine) for machine in NODES} == before


@pytest.mark.thorough("with pipelining, which our settings have")
def test_without_pipelining_modules_do_the_same():
    before = {machine: modules(machine) for machine in NODES}
    lab.sh("vm1-west", DAMAGE)
    assert playbooks.create(ansible_pipelining=False).hosts("changed") == {"vm1-west"}
    assert playbooks.create(ansible_pipelining=False).changed == frozenset()
    assert all(modules(machine) > before[machine] for machine in NODES)


@pytest.mark.parametrize("edge", EDGES)
def test_charon_loads_what_is_named_and_listens_for_ike_only(edge):
    named = charon.plugins("libipsec")
    assert strongswan.plugins(edge) == ["charon-systemd", *(name for name in named if name != "ml")]
    assert strongswan.listens(edge) == {"udp 500", "udp 4500"}


@pytest.mark.thorough("unit tests of verify; it waits for a minute")
def test_a_vpn_that_nobody_used_for_a_while_is_as_planned():
    """Since its link was rekeyed, it carries nothing but probes. Edges look after them."""
    lab.sh("edge-east", "swanctl --rekey --child payroll")
    age = "swanctl --list-sas --child payroll | sed -nE 's/.* installed ([0-9]+)s ago.*/\\1/p' | sort -n | head -n 1"
    for edge in EDGES:
        lab.wait_for("a link that is a minute old", lambda edge=edge: int(lab.sh(edge, age) or 0) > SETTLED, 120)
        assert (strongswan.link(edge, "payroll").packets_in, strongswan.link(edge, "payroll").packets_out) == (0, 0)
    assert playbooks.run("verify_vpn").changed == frozenset()
