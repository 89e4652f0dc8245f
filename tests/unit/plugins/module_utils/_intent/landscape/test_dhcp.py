# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an edge can be asked to serve by DHCP, and what is refused. docs/dhcp.md."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._base.errors import IntentErrors
from ansible_collections.intercloud.vpn.plugins.module_utils._base.problems import Problems
from ansible_collections.intercloud.vpn.plugins.module_utils._intent.landscape.hosts import Dhcp
from ansible_collections.intercloud.vpn.plugins.module_utils._intent.landscape.landscape import Landscape
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils.landscapes import (
    PAYROLL,
    World,
    changed,
    lab,
    with_second_edge,
)

MAC = "02:00:5e:10:00:01"


def read(raw: Any, **variables: Any) -> tuple[Dhcp | None, list[str]]:
    problems = Problems()
    hosts = changed(lab(), {"vapp1-east": {"vcc_dhcp": raw, **variables}})
    vapp = Landscape(hosts, problems).vapp("vapp1-east", "")
    return vapp.dhcp if vapp else None, [str(error) for error in problems]


@pytest.mark.parametrize("raw", [False, "no"])
def test_nothing_is_served_unasked(raw: Any) -> None:
    assert read(raw) == (None, [])


@pytest.mark.parametrize("raw", [True, "yes", {}, {"mtu": "auto"}, {"lease": "60m"}, {"lease": 3600}])
def test_what_is_served_unless_said_otherwise(raw: Any) -> None:
    found, errors = read(raw)
    assert errors == [] and found is not None
    assert (str(found.network), found.lease, found.dns) == ("192.168.1.0/24", 3600, ())
    assert found.dynamic is None and found.mtu is None


def test_all_that_can_be_said() -> None:
    said = {"range": "192.168.1.100, 192.168.1.199", "dns": ["9.9.9.9", "1.1.1.1"], "lease": "2h", "mtu": "1350"}
    found, errors = read(said)
    assert errors == [] and found is not None and found.dynamic is not None
    assert [end.address() for end in found.dynamic] == ["192.168.1.100", "192.168.1.199"]
    assert (found.dns, found.lease, found.mtu) == (("9.9.9.9", "1.1.1.1"), 7200, 1350)


@pytest.mark.parametrize(
    ("raw", "part"),
    [
        ("maybe", "vcc_dhcp: must be true, false or a mapping with range, dns, lease, mtu, not 'maybe'"),
        (["192.168.1.100"], "vcc_dhcp: must be true, false or a mapping"),
        ({"ranges": []}, "vcc_dhcp.ranges: "),
        ({"range": ["192.168.1.100"]}, "vcc_dhcp.range: must be the first and the last address, such as ["),
        ({"range": ["192.168.1.199", "192.168.1.100"]}, "comes after 192.168.1.100; exchange them"),
        ({"range": ["192.168.2.1", "192.168.2.9"]}, "is not within the addresses of 192.168.1.0/24"),
        ({"range": ["192.168.1.200", "192.168.1.255"]}, "is not within the addresses of 192.168.1.0/24"),
        ({"range": ["192.168.1.1", "192.168.1.9"]}, "192.168.1.1 in it is the edge's own address; leave it out"),
        ({"range": ["fd10:1::9", "fd10:1::99"]}, "fd10:1::9 is an IPv6 address; DHCP is served for IPv4 only"),
        ({"range": [1, 2]}, "vcc_dhcp.range: must be a list of IPv4 addresses"),
        ({"dns": ["dns.example"]}, "vcc_dhcp.dns: "),
        ({"dns": [f"9.9.9.{number}" for number in range(17)]}, "vcc_dhcp.dns: are 17 servers, and at most 16 are told"),
        ({"lease": "soon"}, "vcc_dhcp.lease: must be a time from 2m to 30d, such as 1h, 12h or 3600 (seconds)"),
        ({"lease": "1m"}, "vcc_dhcp.lease: must be a time from 2m to 30d"),
        ({"lease": "31d"}, "vcc_dhcp.lease: must be a time from 2m to 30d"),
        ({"lease": True}, "vcc_dhcp.lease: must be a time"),
        ({"mtu": 100}, "vcc_dhcp.mtu: must be auto, or octets from 576 to 9216, not 100"),
        ({"mtu": True}, "vcc_dhcp.mtu: must be auto"),
    ],
)
def test_what_is_refused(raw: Any, part: str) -> None:
    found, (error,) = read(raw)
    assert found is None and error.startswith("hosts.vapp1-east.vcc_dhcp") and part in error


def test_a_network_without_ipv4_is_refused() -> None:
    found, errors = read(True, vcc_vapp_address=["fd10:1::1"], vcc_vapp_network=["fd10:1::/64"])
    assert found is None and "DHCP is served on IPv4 networks" in errors[0]


def test_who_is_no_edge_of_ours_cannot_serve() -> None:
    problems = Problems()
    vms = Landscape(changed(lab(), {"vm1-east": {"vcc_dhcp": True}}), problems)
    vms.vm("vm1-east", "")
    external = {"edge-east": {"vcc_external": True, "vcc_dhcp": True}}
    Landscape(changed(lab(), external), problems).edge("edge-east")
    found = [str(error) for error in problems]
    assert any(line.startswith("hosts.vm1-east.vcc_dhcp: belongs to the org edge or vApp edge") for line in found)
    assert any(line.startswith("hosts.edge-east.vcc_dhcp: is not for external edges") for line in found)


def refused(changes: Any, **parts: Any) -> list[tuple[str, str]]:
    world = World(changed(lab(), changes))
    before = world.dump()
    with pytest.raises(IntentErrors) as caught:
        world.plan({**PAYROLL, **parts})
    assert world.dump() == before
    return [(error.path, error.message) for error in caught.value.errors]


@pytest.mark.parametrize(
    ("changes", "path", "part"),
    [
        (
            {"vapp1-east": {"vcc_dhcp": {"range": ["192.168.1.10", "192.168.1.20"]}}},
            "hosts.vapp1-east.vcc_dhcp.range",
            "holds 192.168.1.11 (hosts.vm1-east.vcc_address), 192.168.1.12 (hosts.vm2-east.vcc_address)",
        ),
        (
            {"edge-east": {"vcc_dhcp": {"range": ["10.10.0.10", "10.10.0.12"]}}},
            "hosts.edge-east.vcc_dhcp.range",
            "holds 10.10.0.11 (hosts.vapp1-east.vcc_org_address)",
        ),
        (
            {"vapp1-east": {"vcc_dhcp": True}, "vm2-east": {"vcc_address": ["192.168.1.1"]}},
            "hosts.vm2-east.vcc_address",
            "192.168.1.1 is said in hosts.vapp1-east.vcc_vapp_address too, on the same network, where vapp1-east",
        ),
        (
            {"vapp1-east": {"vcc_dhcp": True}, "vm1-east": {"vcc_mac": MAC}, "vm2-east": {"vcc_mac": MAC}},
            "hosts.vm2-east.vcc_mac",
            f"{MAC} is the link-layer address of vm1-east too",
        ),
    ],
)
def test_no_address_is_given_twice(changes: Any, path: str, part: str) -> None:
    """Non-members on the network count as members do."""
    ((found, message),) = refused(changes)
    assert found == path and part in message


def test_a_server_behind_the_edge_is_in_no_range() -> None:
    server = {"name": "erp", "behind": "edge-east", "address": "10.10.0.50"}
    changes = {"edge-east": {"vcc_dhcp": {"range": ["10.10.0.40", "10.10.0.60"]}}}
    ((found, message),) = refused(changes, destinations={"servers": [server]})
    assert found == "hosts.edge-east.vcc_dhcp.range"
    assert "holds 10.10.0.50 (vcc_vpns[0].destinations.servers[0].address)" in message


def test_a_member_of_a_stretched_network_is_in_no_range_of_its_sites() -> None:
    hosts = changed(lab(), {"vm3-west": {"vcc_address": ["10.10.0.23"]}})
    network = {"name": "web", "pool": "internal", "stretch": ["edge-east", "edge-west"]}
    network["members"] = ["vm3-east", "vm3-west"]
    World(changed(hosts, {"edge-east": {"vcc_dhcp": True}})).plan(networks=[network])
    world = World(changed(hosts, {"edge-east": {"vcc_dhcp": {"range": ["10.10.0.20", "10.10.0.30"]}}}))
    with pytest.raises(IntentErrors, match=r"vcc_dhcp.range: holds 10\.10\.0\.23 \(hosts\.vm3-west\.vcc_address\)"):
        world.plan(networks=[network])


def test_a_vm_that_is_left_out_keeps_its_address_all_the_same() -> None:
    """vm2-east is not a member, and its link-layer address is none."""
    changes = {"vapp1-east": {"vcc_dhcp": {"range": ["192.168.1.12", "192.168.1.20"]}}, "vm2-east": {"vcc_mac": "soon"}}
    ((found, message),) = refused(changes)
    assert found == "hosts.vapp1-east.vcc_dhcp.range" and "holds 192.168.1.12 (hosts.vm2-east.vcc_address)" in message


@pytest.mark.parametrize(
    ("ends", "part"),
    [
        ((2, 9), "holds 10.10.0.2 (hosts.edge2-east.vcc_org_address)"),
        ((12, 19), "holds 10.10.0.13 (hosts.vm3-east.vcc_address)"),
    ],
)
def test_what_is_another_edges_on_the_same_org_network_is_in_no_range(ends: tuple[int, int], part: str) -> None:
    serving = {"vcc_dhcp": {"range": [f"10.10.0.{end}" for end in ends]}}
    world = World(changed(with_second_edge(lab()), {"edge-east": serving}))
    with pytest.raises(IntentErrors) as caught:
        world.plan({**PAYROLL, "members": ["vm1-east", "vm3-east", "vm1-west"]})
    ((path, message),) = [(error.path, error.message) for error in caught.value.errors]
    assert path == "hosts.edge-east.vcc_dhcp.range" and part in message


def test_of_two_edges_that_serve_an_org_network_neither_has_a_range() -> None:
    def planned(**ranges: Any) -> None:
        serving = {
            name: {"vcc_dhcp": ranges.get(name[:5].replace("-", ""), True)} for name in ("edge-east", "edge2-east")
        }
        world = World(changed(with_second_edge(lab()), serving))
        world.plan({**PAYROLL, "members": ["vm1-east", "vm3-east", "vm1-west"]})

    planned()
    for which in ("edge", "edge2"):
        with pytest.raises(IntentErrors, match=r"vcc_dhcp.range: edge2?-east serves DHCP on 10.10.0.0/24, too"):
            planned(**{which: {"range": ["10.10.0.100", "10.10.0.120"]}})


def test_two_that_are_the_same_where_nobody_serves_are_nobodys_business() -> None:
    World(changed(lab(), {"vm2-east": {"vcc_mac": MAC}, "vm1-east": {"vcc_mac": MAC}})).plan(PAYROLL)
