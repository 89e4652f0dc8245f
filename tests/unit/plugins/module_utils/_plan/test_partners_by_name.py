# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Partners whose public address is a DNS name: what is asked of them, and what our edges are told."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._base.errors import IntentErrors
from ansible_collections.intercloud.vpn.plugins.module_utils._partner.settings import settings, with_files
from ansible_collections.intercloud.vpn.plugins.module_utils._partner.settings_text import settings_text
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils._partner.forms.worlds import POLICY
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils.landscapes import World, changed, lab

NAME = "vpn.partner.example"
PARTNER = {
    "kinds": ["org_edges"],
    "clouds": ["partner"],
    "vcc_external": True,
    "vcc_public_address": NAME,
    "vcc_identity": "gw.partner.example",
}
VM = {"kinds": ["members"], "clouds": ["partner"]}
ORDERS = {"name": "orders", "pool": "internal", "members": ["vm1-east", "vm-partner"], "policy": POLICY}


def world(**partner: Any) -> World:
    said = {key: value for key, value in {**PARTNER, **partner}.items() if value is not None}
    return World(changed(lab(1), {"partner": said, "vm-partner": VM}))


def refused(**partner: Any) -> dict[str, str]:
    with pytest.raises(IntentErrors) as caught:
        world(**partner).plan(ORDERS)
    return {error.path: error.message for error in caught.value.errors}


@pytest.mark.parametrize("said", [NAME, [NAME], "VPN.Partner.Example."])
def test_our_edge_is_told_the_name(said: Any) -> None:
    (tunnel,) = world(vcc_public_address=said).plan(ORDERS).documents["edge-east"]["tunnels"]
    assert (tunnel["remote_address"], tunnel["by_name"], tunnel["remote_id"]) == (NAME, True, "gw.partner.example")
    assert tunnel["local_address"] == "203.0.113.2"


def test_an_address_is_told_as_before() -> None:
    (tunnel,) = world(vcc_public_address="198.51.100.20").plan(ORDERS).documents["edge-east"]["tunnels"]
    assert "by_name" not in tunnel


@pytest.mark.parametrize(
    ("partner", "key", "part"),
    [
        ({"vcc_identity": None}, "vcc_identity", "is missing: vpn.partner.example (vcc_public_address)"),
        ({"vcc_identity": "198.51.100.20"}, "vcc_identity", "give the identity a DNS name"),
        ({"vcc_gateway": "aws", "vcc_identity": None}, "vcc_public_address", "is known by its address"),
        ({"vcc_public_address": "198.51.100.300"}, "vcc_public_address", "198.51.100.300"),
        ({"vcc_public_address": "partner"}, "vcc_public_address", "partner"),
        ({"vcc_public_address": [NAME, "198.51.100.20"]}, "vcc_public_address", NAME),
    ],
)
def test_a_name_that_cannot_be_is_refused_in_its_place(partner: dict[str, Any], key: str, part: str) -> None:
    found = refused(**partner)
    assert part in found[f"hosts.partner.{key}"], found


def test_an_edge_of_ours_has_an_address() -> None:
    hosts = changed(lab(2), {"edge-west": {"vcc_public_address": "west.example"}})
    with pytest.raises(IntentErrors, match=r"hosts\.edge-west\.vcc_public_address"):
        World(hosts).plan({**ORDERS, "members": ["vm1-east", "vm3-west"]})


def test_a_second_run_and_one_without_the_inventory_change_nothing() -> None:
    landscape = world()
    landscape.plan(ORDERS)
    landscape.settle([])
    assert not landscape.plan(ORDERS).changed
    landscape.hosts = lab(1)
    assert not landscape.plan().changed


@pytest.mark.parametrize(
    ("gateway", "own"), [("libreswan", "left=%defaultroute"), ("mikrotik", "local-address=0.0.0.0")]
)
def test_the_other_side_finds_its_own_address_itself(gateway: str, own: str) -> None:
    plan = world(vcc_gateway=gateway).plan(ORDERS)
    found = with_files(settings("partner", {"vpns": plan.vpns}, dict(plan.documents.items()), {}, ""), {})
    (tunnel,) = found["tunnels"]
    assert own in "\n".join(tunnel["configuration"].values())
    assert f"{NAME} (a name: keep it up to date" in settings_text(found)
