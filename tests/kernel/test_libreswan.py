# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A tunnel whose other end is libreswan, and not ours: with a pre-shared key, with a wrong one, with a certificate."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.intercloud.vpn.plugins.plugin_utils import _lab
from ansible_collections.intercloud.vpn.tests.kernel import libreswan, vm
from ansible_collections.intercloud.vpn.tests.testinfra import lab, playbooks, strongswan

OURS, MEMBER = "edge-east", "vm3-east"
TUNNEL = "edge-east--partner"
ORDERS = {"name": "orders", "pool": "100.100.0.0/24", "members": [MEMBER, libreswan.VM]}
CONCERNED = ("--limit", f"{OURS},{MEMBER}")
# The timer that initiates what is down runs every 60 s under emulation.
UP_SECONDS = 120


def tunnel():
    return [sa for sa in strongswan.ike_sas(OURS) if sa.name == TUNNEL and sa.state == "ESTABLISHED"]


def up():
    return [[child.name for child in sa.children if child.state == "INSTALLED"] for sa in tunnel()] == [["orders"]]


@pytest.fixture(scope="module")
def found(addresses):
    """What its administrator is told, once our side is configured."""
    libreswan.connect()
    layered = libreswan.inventory()
    # Nobody is there yet: no use to wait for a link.
    playbooks.create(ORDERS, verify=False, arguments=(*layered, *CONCERNED), vcc_link_timeout=1)
    yield libreswan.settings(layered)
    libreswan.disconnect()
    playbooks.delete("orders", verify=False, arguments=(*layered, *CONCERNED), succeeds=None)


@pytest.fixture(scope="module")
def orders(found):
    return playbooks.addresses("orders")


def test_with_the_printed_settings_packets_pass_both_ways(found, orders, say):
    libreswan.configure(found)
    _yes, seconds = lab.wait_for(f"a tunnel; libreswan says:\n{libreswan.log()}", up, UP_SECONDS)
    say(f"up after {seconds:.1f} s")
    with vm.capturing("libreswan") as seen:
        there = lab.ping(MEMBER, orders[libreswan.VM], count=5, own=orders[MEMBER])
        back = lab.ping(libreswan.EDGE, orders[MEMBER], count=5, own=orders[libreswan.VM])
    assert (there.lost, back.lost) == (0, 0)
    assert len(seen.packets(f"ip proto 50 and host {libreswan.ADDRESS}")) >= 20
    assert seen.packets(f"{vm.INNER} or net 100.100.0.0/24") == []


def test_the_algorithms_are_the_policys(found):
    (sa,) = tunnel()
    (child,) = sa.children
    assert sa.algorithms == "AES_GCM_16-256 PRF_HMAC_SHA2_384 ECP_384"
    assert child.algorithms == "AES_GCM_16-256"


def test_a_non_member_reaches_nobody_there(found, orders):
    assert not lab.answers("vm1-east", orders[libreswan.VM], count=2)
    assert not lab.answers(libreswan.EDGE, "10.10.0.13", count=2, own=orders[libreswan.VM])


def test_with_a_wrong_key_there_is_no_tunnel_and_nothing_passes(found, orders):
    """strongSwan's net2net-psk-fail."""
    libreswan.configure(found, secret="not the key that was agreed upon")
    with vm.capturing("wrong-psk") as seen:
        lab.sh(OURS, f"swanctl --terminate --ike {TUNNEL} --force 2>/dev/null", check=False)
        said = lab.sh(OURS, f"swanctl --initiate --child orders --ike {TUNNEL} --timeout 20 2>&1", check=False)
        assert "AUTHENTICATION_FAILED" in said
        assert not lab.answers(MEMBER, orders[libreswan.VM], count=3, own=orders[MEMBER])
    assert tunnel() == []
    assert seen.packets(f"{vm.INNER} or net 100.100.0.0/24 or ip proto 50 and host {libreswan.ADDRESS}") == []


def test_with_a_certificate_of_our_authority(found, orders, tmp_path):
    layered = libreswan.inventory("certificate")
    csr, signed = tmp_path / "partner.csr", tmp_path / "partner.pem"
    csr.write_text(libreswan.request(), encoding="utf-8")
    names = {"vcc_external_edge": libreswan.EDGE, "vcc_csr": str(csr), "vcc_certificate": str(signed)}
    playbooks.create(ORDERS, verify=False, arguments=(*layered, "--limit", OURS), vcc_link_timeout=1)
    playbooks.run("sign_certificate", layered, **names)
    authority = Path(_lab.VM_STATE_DIR, "ca/acme/ca.pem").read_text(encoding="utf-8")
    libreswan.install(signed.read_text(encoding="utf-8"), authority)
    libreswan.configure(libreswan.settings(layered))
    lab.wait_for(f"a tunnel; libreswan says:\n{libreswan.log()}", up, UP_SECONDS)
    assert lab.ping(MEMBER, orders[libreswan.VM], count=5, own=orders[MEMBER]).lost == 0
