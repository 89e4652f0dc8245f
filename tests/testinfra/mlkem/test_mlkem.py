# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ML-KEM (FIPS 203) is in both SAs where both ends have it; nothing falls back silently where one has not."""

from __future__ import annotations

import json
from itertools import permutations

import pytest

from ansible_collections.intercloud.vpn.tests.testinfra import lab, playbooks, strongswan
from ansible_collections.intercloud.vpn.tests.testinfra.playbooks import EDGES, PAYROLL

RELEASE = "forky+trixie"  # with a systemd that boots everywhere
POSTQUANTUM = {**PAYROLL, "policy": "postquantum"}
REQUIRED = {"ike": ["aes256gcm16-prfsha384-ecp384-ke1_mlkem1024"], "esp": ["aes256gcm16-ecp384-ke1_mlkem1024"]}
STRICT = {**PAYROLL, "policy": {"extends": "standard", "encryption": REQUIRED}}


def having(directory, *edges):
    """Arguments of ansible-playbook: an inventory beside the lab's that says which edges have ML-KEM."""
    file = directory / "mlkem.yml"
    file.write_text(json.dumps({"org_edges": {"hosts": {edge: {"vcc_mlkem": True} for edge in edges}}}), "utf-8")
    return ("-i", str(file))


@pytest.fixture(scope="module")
def inventory(tmp_path_factory):
    playbooks.run("lab_up", lab_releases=dict.fromkeys(EDGES, RELEASE))
    return having(tmp_path_factory.mktemp("both"), *EDGES)


@pytest.fixture(scope="module")
def created(inventory):
    playbooks.create(POSTQUANTUM, arguments=inventory)
    return playbooks.result()


def test_both_sas_have_ml_kem_and_the_ppk(created):
    for edge in EDGES:
        (tunnel,) = strongswan.ike_sas(edge)
        assert tunnel.algorithms == "AES_GCM_16-256 PRF_HMAC_SHA2_384 ECP_384"
        assert (tunnel.additional, tunnel.ppk) == ("ML_KEM_1024", True)
        (link,) = tunnel.children
        assert (link.state, link.group) == ("INSTALLED", "ECP_384")


def test_verify_saw_it(created):
    assert created["findings"] == []
    (link,) = created["links"]
    assert all("ML_KEM_1024" in algorithms for algorithms in link["algorithms"].values()), link


def test_members_reach_each_other_without_loss(created, addresses):
    pings = lab.reach(((one, addresses[two]) for one, two in permutations(PAYROLL["members"], 2)), count=10)
    assert {pair: found.lost for pair, found in pings.items()} == dict.fromkeys(pings, 0)


def test_again_changes_nothing(created, inventory):
    assert playbooks.create(POSTQUANTUM, arguments=inventory, verify=False).changed == frozenset()


def test_required_of_an_edge_without_it_is_refused_before_any_host(created, tmp_path):
    run = playbooks.create(STRICT, arguments=having(tmp_path, "edge-east"), verify=False, succeeds=False)
    assert "has no proposal without ML-KEM" in " ".join(run.output.split())
    assert run.hosts("changed") == set()


def test_an_edge_that_has_none_and_says_so_is_left_as_it_was(inventory):
    """Its strongSwan is asked."""
    playbooks.delete("payroll", arguments=inventory, verify=False)
    playbooks.run("lab_up", lab_releases={"edge-east": RELEASE})
    run = playbooks.create(STRICT, arguments=inventory, verify=False, succeeds=False)
    assert "edge-west" in run.hosts("failed")
    assert "strongSwan has no ML-KEM" in " ".join(run.output.split())
    assert lab.sh("edge-west", "ls /etc/swanctl/conf.d") == ""
    playbooks.create(PAYROLL, verify=False)
    playbooks.delete("payroll", verify=False)
