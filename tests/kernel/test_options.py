# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a VPN can be asked for beside a tunnel, over XFRM interfaces, IPv4 and IPv6: rates, a quota, ports,
destinations; and a VPN of kind ssl across the same edges."""

from __future__ import annotations

from itertools import permutations

import pytest

from ansible_collections.intercloud.vpn.tests.kernel import vm
from ansible_collections.intercloud.vpn.tests.testinfra import iperf, lab, ledger, openvpn, playbooks, ports, strongswan
from ansible_collections.intercloud.vpn.tests.testinfra.playbooks import EDGES, PAYROLL

# In the network behind edge-west, a leaf; vm3-west has it beside its own.
HOST, NETWORK = "2001:db8:77::7", "2001:db8:77::/64"
MEMBERS = ("vm2-east", "vm2-west", "vm3-south")
METERED = {**PAYROLL, "policy": {"rate": {"member": {"out": "4mbit"}}}}
NARROW = {
    **vm.COMPANY,
    "members": ["vm2-east", {"name": "vm2-west", "ports": ["tcp/8000", "udp/8053"]}, "vm3-south"],
    "destinations": {
        "servers": [{"name": "erp", "behind": "edge-east", "address": "fd10:10::13", "ports": ["tcp/8443"]}],
        "networks": [{"network": NETWORK, "behind": "edge-west", "ports": ["tcp/8444"], "probe": HOST}],
    },
    "policy": {"quota": {"member": "2MB/day"}},
}
WEB = {
    "name": "web",
    "pool": "fd65::/48",
    "members": ["vm1-east", "vm3-west"],
    "tunnel": "ssl",
    "policy": {"rate": {"member": {"out": "2mbit"}}},
}
LISTEN = {
    "vm2-west": ["tcp/8000", "tcp/8001", "udp/8053", "udp/8054"],
    "vm3-east": ["tcp/8443", "tcp/8444"],
    "vm3-west": ["tcp/8443", "tcp/8444"],
}
OPEN = {("vm2-west", "tcp/8000"), ("vm2-west", "udp/8053"), ("vm3-east", "tcp/8443"), ("vm3-west", "tcp/8444")}


def payroll_spis():
    return [strongswan.link(edge, "payroll").spis for edge in EDGES]


@pytest.fixture(scope="module")
def network(company):
    """What the administrator has: a network behind edge-west, and the route there."""
    lab.sh("vm3-west", f"ip address replace {HOST}/128 dev lo")
    lab.sh("edge-west", f"ip route replace {NETWORK} via fd10:10::13")
    yield
    lab.sh("edge-west", f"ip route del {NETWORK} via fd10:10::13")
    lab.sh("vm3-west", f"ip address del {HOST}/128 dev lo")


@pytest.fixture(scope="module")
def before(network):
    return payroll_spis()


@pytest.fixture(scope="module")
def created(before):
    with ports.listening(LISTEN):
        # The last one is for test_mtu; a run of its own would cost minutes, and so would verify.
        playbooks.create(METERED, NARROW, WEB, vm.SIX, verify=False)
        yield


@pytest.fixture(scope="module")
def where(created, company):
    """Where company's members find each other and their destinations."""
    erp = ledger.leases("company")["vpn/company/site/edge-east/server/erp"].partition("/")[0]
    return {**company, "vm3-east": erp, "vm3-west": HOST}


def test_no_link_of_the_vpn_that_got_a_rate_was_made_again(before, created):
    assert payroll_spis() == before


@pytest.mark.parametrize(("vpn", "mbit"), [("payroll", 4), ("web", 2)])
def test_what_a_member_sends_is_within_a_tenth_of_its_rate(created, vpn, mbit, say):
    """IPv4 by an XFRM interface, and IPv6 by OpenVPN."""
    found = iperf.flow("vm1-east", "vm3-west", playbooks.addresses(vpn)["vm3-west"])
    say(f"{found.mbit:.2f} of {mbit} Mbit/s")
    assert 0.9 * mbit <= found.mbit <= 1.1 * mbit


def test_members_reach_the_ports_that_are_allowed_and_no_others(where):
    """The network is behind one leaf, and the other leaf reaches it across the hub."""
    asking = {
        source: [(where[name], port) for name, listens in LISTEN.items() if name != source for port in listens]
        for source in MEMBERS
    }
    names = {address: name for name, address in where.items()}
    found = {(source, names[address], port) for source, address, port in ports.answered(asking)}
    assert found == {(source, *target) for source in MEMBERS for target in OPEN if target[0] != source}


def test_who_is_no_member_reaches_none_of_it(where):
    targets = [(where[name], port) for name, port in OPEN if name != "vm3-west"]
    assert set(ports.ask("vm1-west", targets).values()) == {None}
    assert set(ports.ask("vm1-south", [*targets, (HOST, "tcp/8444")]).values()) == {None}


def test_the_internet_sees_both_kinds_and_nothing_in_clear(where):
    addresses = playbooks.addresses("web")
    with vm.capturing("kinds") as seen:
        assert lab.ping("vm1-east", addresses["vm3-west"], count=20).lost == 0
        assert ports.ask("vm3-south", [(HOST, "tcp/8444")]) == {(HOST, "tcp/8444"): where["vm3-south"]}
    assert len(seen.packets("udp port 1194")) >= 40
    assert len(seen.packets("ip proto 50")) >= 4
    assert seen.packets(f"{vm.INNER} or net {NETWORK}") == []


def test_the_ssl_session_is_one_and_strong(created):
    for edge in EDGES:
        (session,) = openvpn.sessions(edge)
        assert (session["suite"], session["cipher"]) == ("TLS_AES_256_GCM_SHA384", "AES-256-GCM")


def test_a_quota_that_is_used_up_stops_its_members_and_no_other_vpn(where, addresses):
    lab.ping("vm2-east", where["vm3-south"], count=900, interval=0.005, size=1300)
    pings = lab.reach((one, where[two]) for one, two in permutations(("vm2-east", "vm3-south"), 2))
    assert [pair for pair, found in pings.items() if found.received] == []
    assert lab.answers("vm1-east", addresses["vm3-west"])
    assert lab.answers("vm1-east", playbooks.addresses("web")["vm3-west"])


def test_without_all_that_nothing_is_left_of_it(before, where, addresses):
    playbooks.delete("company", "web", verify=False)
    playbooks.create(PAYROLL, verify=False, arguments=("--limit", "org_edges"))
    assert payroll_spis() == before
    assert lab.answers("vm1-east", addresses["vm3-west"])
    for edge in EDGES:
        assert openvpn.processes(edge) == []
        table = lab.sh(edge, "nft list table inet intercloud_vpn")
        assert not any(word in table for word in ("quota", "limit rate", "2001:db8:77::", "8443"))
    vm.settle(seconds=60)
