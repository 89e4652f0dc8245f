# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""On one network an address is one machine's, whichever VPNs of the organization lead to it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._base.errors import IntentErrors
from ansible_collections.intercloud.vpn.plugins.module_utils._intent.landscape.neighbours import Neighbours
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils._intent.cases import Errors, assert_refused
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils.landscapes import PAYROLL, World, changed, lab

TWO = "vpns: [*payroll, {name: audit, pool: internal, members: [%s]}]"
VAPP2 = (
    "vapp2-east: {kinds: [vapp_edges], clouds: [east], vcc_org_address: [10.10.0.11], "
    "vcc_vapp_address: [192.168.2.1], vcc_vapp_network: [192.168.2.0/24]}, "
    "vm9-east: {kinds: [members], clouds: [east], vcc_vapp: vapp2-east, vcc_address: [192.168.2.11]}"
)
TAKEN: list[tuple[str, str, Errors]] = [
    (
        "VMs of two VPNs behind one vApp edge",
        f"{{{TWO % 'vm2-east, vm2-west'}, hosts: {{vm2-east: {{vcc_address: [192.168.1.11]}}}}}}",
        [("hosts.vm2-east.vcc_address", "192.168.1.11 is the address of vm1-east too (hosts.vm1-east.vcc_address)")],
    ),
    (
        "a VM of one VPN and the vApp edge of another one",
        f"{{{TWO % 'vm3-east, vm2-west'}, hosts: {{vm3-east: {{vcc_address: [10.10.0.11]}}}}}}",
        [("hosts.vm3-east.vcc_address", "10.10.0.11 is the address of vapp1-east too (hosts.vapp1-east.vcc_org")],
    ),
    (
        "vApp edges of two VPNs",
        f"{{{TWO % 'vm9-east, vm2-west'}, hosts: {{{VAPP2}}}}}",
        [("hosts.vapp2-east.vcc_org_address", "10.10.0.11 is the address of vapp1-east too")],
    ),
]


@pytest.mark.parametrize(("text", "errors"), [pytest.param(text, errors, id=name) for name, text, errors in TAKEN])
def test_no_two_hosts_of_an_organization_have_one_address(text: str, errors: Errors) -> None:
    assert_refused(text, errors)


def test_a_vpn_that_is_not_mentioned_counts() -> None:
    world = World(changed(lab(), "{vm2-east: {vcc_address: [192.168.1.11]}}"))
    world.plan(PAYROLL)
    with pytest.raises(IntentErrors, match=r"192\.168\.1\.11 is the address of vm1-east too"):
        world.plan({"name": "audit", "pool": "internal", "members": ["vm2-east", "vm2-west"]})


PUBLIC = "{edge-south: {vcc_public_address: [203.0.113.18]}, edge-west: {vcc_public_address: [203.0.113.18]}}"
STAR = {**PAYROLL, "members": ["vm1-east", "vm1-west", "vm1-south"], "topology": {"kind": "star", "hub": "edge-east"}}
PAIRS = [{"name": name, "pool": "internal", "members": ["vm1-east", f"vm1-{name}"]} for name in ("west", "south")]


@pytest.mark.parametrize("vpns", [[STAR], PAIRS], ids=["spokes of a star", "two VPNs"])
def test_edges_without_a_tunnel_between_them_have_no_public_address_in_common(vpns: list[dict[str, Any]]) -> None:
    with pytest.raises(IntentErrors) as caught:
        World(changed(lab(3), PUBLIC)).plan(*vpns)
    assert [error.path for error in caught.value.errors] == ["hosts.edge-west.vcc_public_address"]
    assert "203.0.113.18 is the address of edge-south too" in str(caught.value)


def test_edges_behind_one_nat_share_its_address() -> None:
    nat = changed(changed(lab(3), PUBLIC), "{edge-south: {vcc_behind_nat: true}, edge-west: {vcc_behind_nat: true}}")
    assert World(nat).plan(STAR).vpns


def test_organizations_have_the_same_private_addresses() -> None:
    hosts = {**lab(), **lab(org="beta", tag="-b")}
    assert World(hosts).plan(PAYROLL, {**PAYROLL, "members": ["vm1-b-east", "vm1-b-west"]}).vpns


def test_two_hosts_at_one_address_are_two_neighbours() -> None:
    neighbours, documents = Neighbours(), {"edge": {}}  # type: ignore[var-annotated]
    for name, sends in (("vm2", ["10.0.0.2/32"]), ("vm1", ["10.0.0.1/32"])):
        neighbours.beside("edge", SimpleNamespace(name=name, macs=None), "192.168.1.11", sends)
    neighbours.write(documents)
    assert [(one["host"], one["sends"]) for one in documents["edge"]["neighbours"]] == [
        ("vm1", ["10.0.0.1/32"]),
        ("vm2", ["10.0.0.2/32"]),
    ]
