# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One mistake is told in one line, however many VPNs, members and VMs it stops, and so is a note."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._base.errors import IntentErrors
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils.landscapes import (
    CLOUDS,
    PAYROLL,
    Hosts,
    World,
    changed,
    lab,
)

IPV6 = {"name": "v", "pool": "internal", "members": ["vapp1-east", "vm3-east", "vapp1-west", "vm3-west"]}
POOLS = {"internal": "fd64:1::/48"}


def forty(vpn: dict[str, Any], **keys: str) -> list[dict[str, Any]]:
    """The VPN forty times under other names; ``{}`` in ``keys`` stands for the number."""
    return [
        {**vpn, "name": f"v{number}", **{key: text.format(number) for key, text in keys.items()}}
        for number in range(40)
    ]


def lines(hosts: Hosts, vpns: list[dict[str, Any]], **parts: Any) -> list[str]:
    """What is reported, without the head."""
    with pytest.raises(IntentErrors) as caught:
        World(hosts).plan(*vpns, **parts)
    return caught.value.report().splitlines()[1:]


def test_an_address_that_an_edge_lacks() -> None:
    found = lines(changed(lab(), "edge-east: {vcc_org_address: [10.10.0.1]}"), forty(IPV6), pools=POOLS)
    assert found == [
        "hosts.edge-east.vcc_org_address: has no IPv6 address, which vcc_vpns[0].pool fd64:1::/48 needs for member "
        "vm1-east"
    ]


def test_an_address_that_every_host_lacks() -> None:
    hosts = lab()
    for name in ("vm1-east", "vm2-east", "vm1-west", "vm2-west"):
        hosts[name]["vars"]["vcc_address"] = hosts[name]["vars"]["vcc_address"][:1]
    (found,) = lines(hosts, forty(IPV6), pools=POOLS)
    assert found.endswith("(and 3 more like this, the last of them hosts.vm2-west.vcc_address)")


def test_an_underlay_that_is_too_small() -> None:
    found = lines(changed(lab(), "edge-east: {vcc_underlay_mtu: 1300}"), forty(IPV6), pools=POOLS)
    assert [line.partition(": ")[0] for line in found] == ["hosts.edge-east.vcc_underlay_mtu"]


def test_a_vapp_network_that_none_of_its_vms_is_in() -> None:
    wrong = {"vcc_vapp_network": ["192.168.77.0/24", "fd10:77::/64"], "vcc_vapp_address": ["192.168.77.1"]}
    hosts = changed(lab(vms=20), {"vapp1-east": wrong})
    (found,) = lines(hosts, [{**PAYROLL, "members": ["vapp1-east", "vm1-west"]}])
    assert "192.168.1.11 and fd10:1::11 are not in 192.168.77.0/24, fd10:77::/64" in found
    assert "(and 19 more like this, the last of them " in found


def test_cidrs_that_are_all_the_same_or_over_the_same_network() -> None:
    (found,) = lines(lab(), forty(PAYROLL, pool="10.77.0.0/24"))
    assert found.startswith("vcc_vpns[1].pool: 10.77.0.0/24 overlaps vcc_vpns[0].pool 10.77.0.0/24 (and 38 more")
    (found,) = lines(lab(), forty(PAYROLL, pool="10.10.0.{}/32"))
    assert found.startswith("vcc_vpns[0].pool: 10.10.0.0/32 overlaps 10.10.0.0/24 (hosts.edge-east.vcc_org_network")


def test_many_mistakes_at_one_place() -> None:
    found = lines(lab(), [PAYROLL], absent=[f"x{number}" for number in range(30)])
    assert found[:3] == [f"vcc_delete: there is no VPN x{number}" for number in range(3)]
    assert found[3:] == ["vcc_delete: 27 more mistakes like these"]


def test_different_mistakes_have_a_line_each() -> None:
    wrong = "edge-east: {vcc_underlay_mtu: 1300}\nedge-west: {vcc_org_address: [10.10.0.1]}"
    assert len(lines(changed(lab(), wrong), [IPV6], pools=POOLS)) == 2


def test_a_note_that_many_vpns_share() -> None:
    vpn = {**PAYROLL, "members": [f"vm1-{cloud}" for cloud in CLOUDS[:3]]}
    (note,) = World(lab(3)).plan(*forty(vpn)).notes
    assert note.startswith("v0, v1, v10 and 37 more: paths are static: ")
    star = {**vpn, "topology": {"kind": "star", "hub": "edge-east"}}
    assert World(lab(3)).plan(*forty(star)).notes == [
        "v0, v1, v10 and 37 more: without edge-east, other sites do not reach each other"
    ]
