# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An edge of Debian 13 and one of Debian 12: strongSwan 6.0 and 5.9 in one VPN."""

from __future__ import annotations

from itertools import permutations

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._node.ipsec import charon
from ansible_collections.intercloud.vpn.tests.testinfra import lab, playbooks, snapshot, strongswan
from ansible_collections.intercloud.vpn.tests.testinfra.playbooks import EDGES, PAYROLL

NEW = "edge-west"
ONE_OF_EACH = {edge: [("edge-east--edge-west", ["payroll"])] for edge in EDGES}


@pytest.fixture(scope="module")
def before():
    playbooks.run("lab_up", lab_releases={NEW: "trixie"})
    return snapshot.of_all(EDGES)


@pytest.fixture(scope="module", autouse=True)
def created(before):
    playbooks.create(PAYROLL)


def all_answer(addresses):
    pairs = permutations(PAYROLL["members"], 2)
    return all(found.received for found in lab.reach(((one, addresses[two]) for one, two in pairs), count=1).values())


def sa_counts():
    """{edge: [(IKE_SA, its CHILD_SAs) …]}."""
    return {
        edge: [(sa.name, [child.name for child in sa.children]) for sa in strongswan.ike_sas(edge)] for edge in EDGES
    }


def test_the_edges_are_of_different_releases():
    versions = [lab.host(edge).package("charon-systemd").version for edge in EDGES]
    assert [version.split(".")[0] for version in versions] == ["5", "6"]
    assert lab.host(NEW).file("/etc/os-release").contains("trixie")
    assert lab.sh(NEW, "systemctl --failed --no-legend") == ""


def test_members_reach_each_other_without_loss_both_ways(addresses):
    pings = lab.reach(((one, addresses[two]) for one, two in permutations(PAYROLL["members"], 2)), count=10)
    assert {pair: found.lost for pair, found in pings.items()} == dict.fromkeys(pings, 0)
    for pair in (("vm1-east", "vm3-west"), ("vm3-west", "vm1-east")):
        assert lab.transfer(*pair, addresses[pair[1]], octets=1_000_000)


@pytest.mark.parametrize("edge", EDGES)
def test_both_ends_have_the_same_strong_algorithms(edge):
    (tunnel,) = strongswan.ike_sas(edge)
    assert (tunnel.state, tunnel.algorithms) == ("ESTABLISHED", "AES_GCM_16-256 PRF_HMAC_SHA2_384 ECP_384")
    (link,) = tunnel.children
    assert (link.name, link.state, link.algorithms) == ("payroll", "INSTALLED", "AES_GCM_16-256")


def test_verify_agrees():
    assert playbooks.result()["findings"] == []
    (link,) = playbooks.result()["links"]
    assert link["algorithms"] == {"ike": "AES_GCM_16_256/PRF_HMAC_SHA2_384/ECP_384", "esp": "AES_GCM_16_256/ECP_384"}


def test_creating_again_changes_nothing():
    spis = strongswan.spis(*EDGES)
    assert playbooks.create(PAYROLL, verify=False).changed == frozenset()
    assert strongswan.spis(*EDGES) == spis


@pytest.mark.parametrize("edge", EDGES)
def test_after_a_crash_of_the_daemon_packets_pass_again_within_20_seconds(addresses, edge, say):
    lab.sh(edge, "kill -KILL $(pidof charon-systemd)")
    _answered, seconds = lab.wait_for("all members answer", lambda: all_answer(addresses), 20)
    say(f"charon of {edge} was killed; {seconds:.1f} s later all members answer")
    lab.wait_for("one tunnel, one link", lambda: sa_counts() == ONE_OF_EACH, 30)


@pytest.mark.parametrize("edge", EDGES)
def test_charon_loads_what_is_named_and_listens_for_ike_only(edge):
    daemon, *loaded = strongswan.plugins(edge)
    assert daemon == "charon-systemd"
    # Not every release is built with all of them: 6.0 leaves ciphers to OpenSSL.
    assert loaded == [name for name in charon.plugins("libipsec") if name in loaded]
    assert {"openssl", "x509", "revocation", "kernel-libipsec", "socket-default", "vici"} <= set(loaded)
    assert strongswan.listens(edge) == {"udp 500", "udp 4500"}


def test_deleting_leaves_no_trace_on_either(before):
    playbooks.delete("payroll", verify=False)
    assert snapshot.differences(before, snapshot.of_all(EDGES)) == []
