# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A VPN that comes has both edges' certificates grow, and the VPN beside it notices nothing."""

from __future__ import annotations

import json
import os
import shlex
import time

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._pki import authority, ca
from ansible_collections.intercloud.vpn.plugins.plugin_utils import _lab
from ansible_collections.intercloud.vpn.tests.testinfra import lab, playbooks, strongswan
from ansible_collections.intercloud.vpn.tests.testinfra.playbooks import AUDIT, EDGES, PAYROLL

TUNNEL = "edge-east--edge-west"
CERTIFICATE = "/etc/swanctl/x509/intercloud-vpn.pem"
FEW = 8  # pings, of two renewals (test_rotation.py)


@pytest.fixture(scope="module")
def certified():
    """The organization gets an authority whose certificates name addresses."""
    playbooks.create(PAYROLL, verify=False)
    playbooks.run("rotate", vcc_rotate="authority", vcc_certified_addresses=True)


@pytest.fixture
def alone(certified):
    """Only the one VPN."""
    playbooks.create(PAYROLL, verify=False)
    playbooks.delete(AUDIT["name"], verify=False, succeeds=None)
    yield playbooks.addresses()
    playbooks.delete(AUDIT["name"], verify=False)


def named(edge):
    return json.loads(lab.sh(edge, "/usr/local/lib/intercloud-vpn/agent status"))["certificate"]["addresses"]


def whole(edge):
    """Whether an edge has one IKE_SA, with both links, and no bridge."""
    sas = strongswan.ike_sas(edge)
    return [(sa.name, sorted(child.name for child in sa.children)) for sa in sas] == [(TUNNEL, ["audit", "payroll"])]


def test_nothing_is_lost_when_certificates_grow(alone):
    for edge in EDGES:  # as after a renewal by hand: nothing of the other VPN is in it
        lab.sh(edge, "rm /etc/swanctl/x509/intercloud-vpn.pem")
    playbooks.create(PAYROLL, verify=False)
    before, begun = {edge: named(edge) for edge in EDGES}, int(time.time())
    with (
        lab.pinging("vm1-east", alone["vm1-west"], interval=0.01) as there,
        lab.pinging("vm1-west", alone["vm1-east"], interval=0.01) as back,
    ):
        playbooks.create(PAYROLL, AUDIT)
        for edge in EDGES:
            lab.wait_for("both links, once", lambda edge=edge: whole(edge), 60)
    lost, sent = there.lost + back.lost, there.sent + back.sent
    print(f"measured: certificates that grow: {lost} of {sent} pings lost, load {os.getloadavg()[0]:.0f}")
    for edge in EDGES:
        assert len(named(edge)) == 2
        assert {*named(edge)} > {*before[edge]}
    assert sent > 500
    assert lost <= FEW, f"{there.text} {back.text}"
    # In a lab without distances, charon alone is quick, too.
    said = lab.sh(EDGES[0], f"journalctl -u strongswan -o cat --no-pager --since=@{begun}")
    assert 0 < said.find(f"added vici connection: {TUNNEL}.bridge") < said.find(f"replaced vici connection: {TUNNEL}")


def test_a_peer_that_shows_its_new_certificate_late_gets_the_link(alone):
    """Its former one names too little: the initiator refuses the new link until it has seen the new one."""
    playbooks.create(PAYROLL, AUDIT, verify=False)
    here, there = EDGES
    csr = lab.sh(there, f"openssl req -new -subj /CN={there}.acme -key /etc/swanctl/private/intercloud-vpn.key")
    own = [text for text in named(there) if text.startswith("100.64.")]
    small = ca.sign(authority.authority(_lab.STATE_DIR, "acme"), csr, f"{there}.acme", addresses=own).certificate
    lab.sh(there, f"systemctl stop intercloud-vpn.service; cp {CERTIFICATE} /root/large.pem")
    lab.sh(there, f"printf %s {shlex.quote(small)} >{CERTIFICATE}; swanctl --load-all >/dev/null 2>&1")
    lab.sh(here, f"swanctl --terminate --ike {TUNNEL} --force --timeout 2 >/dev/null 2>&1", check=False)
    lab.wait_for("the first link", lambda: lab.answers("vm1-east", alone["vm1-west"]), 30)
    assert not whole(here)
    assert "not contained in any address block" in strongswan.journal(here)
    with lab.pinging("vm1-east", alone["vm1-west"], interval=0.01) as pings:
        lab.sh(there, f"mv /root/large.pem {CERTIFICATE}; swanctl --load-all >/dev/null 2>&1")
        lab.sh(there, "systemctl start intercloud-vpn.service")
        lab.wait_for("both links, once", lambda: whole(here), 90)
    assert pings.lost <= FEW, pings.text
