# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the kernel holds of a VPN, and what the internet sees of it."""

from __future__ import annotations

import json
import re
from itertools import permutations

import pytest

from ansible_collections.intercloud.vpn.tests.kernel import vm
from ansible_collections.intercloud.vpn.tests.testinfra import lab, playbooks, strongswan
from ansible_collections.intercloud.vpn.tests.testinfra.playbooks import EDGES

# Outer IPv4 header 20, UDP 8 should a NAT come between, ESP 8, IV 8, tag 16, trailer 2: 1438 of 1500 are left.
MTU = 1438
BLOCK = {"edge-east": "100.64.0.0/26", "edge-west": "100.64.0.64/26"}


def test_every_member_reaches_every_other_without_loss(addresses):
    pings = lab.reach(((source, addresses[to]) for source, to in permutations(vm.PAYROLL["members"], 2)), count=10)
    assert {pair: found.lost for pair, found in pings.items()} == dict.fromkeys(pings, 0)


@pytest.mark.parametrize("edge", EDGES)
def test_there_is_one_xfrm_interface_with_the_number_of_the_vpn(addresses, edge):
    devices = vm.netns(edge, "ip", "-d", "-o", "link", "show", "type", "xfrm")
    found = re.findall(r"(vcc\d+)@\S+ <.*\bUP\b.*> mtu (\d+) .* xfrm if_id (\w+)", devices)
    assert (f"vcc{vm.number('payroll')}", str(MTU), hex(vm.number("payroll"))) in found
    assert len(found) == len(vm.vpns())


@pytest.mark.parametrize(("edge", "other"), list(permutations(EDGES, 2)))
def test_selectors_are_exactly_those_of_the_link(addresses, edge, other):
    policies = vm.netns(edge, "ip", "-o", "xfrm", "policy")
    found = re.findall(r"^src (\S+) dst (\S+) \\\tdir (\w+) .*if_id (\w+)", policies, re.MULTILINE)
    here, there = BLOCK[edge], BLOCK[other]
    assert sorted(entry[:3] for entry in found if entry[3] == hex(vm.number("payroll"))) == sorted(
        [(here, there, "out"), (there, here, "in"), (there, here, "fwd")]
    )
    # And nothing else refuses, passes or encrypts anything.
    others = [line for line in policies.splitlines() if "if_id" not in line and "\tsocket " not in line]
    assert others == []


@pytest.mark.parametrize("edge", EDGES)
def test_the_kernel_has_one_pair_of_states(addresses, edge):
    states = vm.netns(edge, "ip", "-o", "xfrm", "state", "list", "nokeys").splitlines()
    states = [state for state in states if re.search(rf"if_id {hex(vm.number('payroll'))}\b", state)]
    assert len(states) == 2
    for state in states:
        assert "mode tunnel" in state
        assert "aead rfc4106(gcm(aes))" in state
        assert "encap" not in state


def test_there_is_one_tunnel_with_one_link_and_it_is_strong(addresses):
    for edge in EDGES:
        (tunnel,) = [sa for sa in strongswan.ike_sas(edge) if sa.name == vm.TUNNEL]
        assert (tunnel.state, tunnel.algorithms) == ("ESTABLISHED", "AES_GCM_16-256 PRF_HMAC_SHA2_384 ECP_384")
        (link,) = [child for child in tunnel.children if child.name == "payroll"]
        assert (link.state, link.algorithms) == ("INSTALLED", "AES_GCM_16-256")
        # Childless: the first CHILD_SA has a key exchange of its own, as every later one.
        assert link.group == "ECP_384"


@pytest.mark.parametrize(
    "pair",
    [(vm.ONE, "vm3-west"), pytest.param(("vm3-west", vm.ONE), marks=pytest.mark.thorough("the other direction"))],
    ids="-".join,
)
def test_full_size_tcp_passes_without_a_fragment(addresses, pair, say):
    source, destination = pair
    with vm.capturing(f"tcp-{source}") as seen:
        octets, seconds = vm.transfer(source, destination, addresses[destination], 2_000_000)
    assert octets == 2_000_000
    say(f"{octets * 8 / seconds / 1e6:.0f} Mbit/s, a process's start included")
    assert len(seen.packets("ip proto 50 and greater 1400")) > 1000
    assert seen.packets("ip[6:2] & 0x3fff != 0 or (ip6 and ip6[6] == 44)") == []


@pytest.mark.parametrize("edge", EDGES)
def test_the_agent_sees_what_the_kernel_holds(addresses, edge):
    """What verify judges by."""
    seen = json.loads(lab.sh(edge, "/usr/local/lib/intercloud-vpn/agent status"))
    assert (seen["drift"], seen["unconfirmed"], seen["backend"]) == ([], False, "xfrm")
    (tunnel,) = [sa for sa in seen["sas"] if sa["tunnel"] == vm.TUNNEL]
    (link,) = [child for child in tunnel["children"] if child["name"] == "payroll"]
    assert link["state"] == "INSTALLED"
    assert min(link["packets_in"], link["packets_out"]) > 0


@pytest.mark.thorough("the agent's status; verify, on an ordinary lab")
def test_verify_agreed(addresses):
    """It is the last stage of create_vpn."""
    result = playbooks.result()
    assert (result["ok"], result["findings"]) == (True, [])
