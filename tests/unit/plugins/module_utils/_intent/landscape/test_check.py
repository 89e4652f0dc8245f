# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An inventory that contradicts itself is refused: addresses outside their networks, and blocks over what exists."""

from __future__ import annotations

import pytest

from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils._intent.cases import Errors, assert_refused
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils.landscapes import PAYROLL, World, changed, lab

MISSING = "is missing: the network behind the edge, such as [10.10.0.0/24]"
EDGE = "hosts.edge-east"


def reached(address: str) -> str:
    """What is said of a host that Ansible reaches at an address."""
    return f"{{management: {{ansible_host: [{address}]}}}}"


CASES: list[tuple[str, str, Errors]] = [
    # The org network
    (
        "an edge without an org network",
        "hosts: {edge-east: {vcc_org_network: null}}",
        [(f"{EDGE}.vcc_org_network", MISSING)],
    ),
    ("an empty org network", "hosts: {edge-east: {vcc_org_network: []}}", [(f"{EDGE}.vcc_org_network", MISSING)]),
    (
        "an org edge outside its org network",
        "hosts: {edge-east: {vcc_org_address: [10.11.0.1, 'fd10:10::1']}}",
        [
            (
                f"{EDGE}.vcc_org_address",
                "10.11.0.1 is not in 10.10.0.0/24, fd10:10::/64 (hosts.edge-east.vcc_org_network)",
            )
        ],
    ),
    (
        "an org address of a version that the org network has not",
        "hosts: {edge-east: {vcc_org_network: [10.10.0.0/24]}}",
        [
            (f"{EDGE}.vcc_org_address", "fd10:10::1 is not in 10.10.0.0/24 (hosts.edge-east.vcc_org_network)"),
            ("hosts.vapp1-east.vcc_org_address", "fd10:10::11 is not in 10.10.0.0/24"),
        ],
    ),
    (
        "an org edge at the network's and at the broadcast address",
        "hosts: {edge-east: {vcc_org_address: [10.10.0.0]}, edge-west: {vcc_org_address: [10.10.0.255]}}",
        [
            (f"{EDGE}.vcc_org_address", "10.10.0.0 is the network address of 10.10.0.0/24"),
            ("hosts.edge-west.vcc_org_address", "10.10.0.255 is the broadcast address of 10.10.0.0/24"),
        ],
    ),
    (
        "an org edge at the anycast address of all routers",
        "hosts: {edge-east: {vcc_org_address: [10.10.0.1, 'fd10:10::']}}",
        [(f"{EDGE}.vcc_org_address", "fd10:10:: is the subnet-router anycast address of fd10:10::/64")],
    ),
    (
        "an org network that is none",
        "hosts: {edge-east: {vcc_org_network: [127.0.0.0/24], vcc_org_address: [127.0.0.2]}, "
        "vapp1-east: {vcc_org_address: [127.0.0.3]}}",
        [(f"{EDGE}.vcc_org_network", "127.0.0.0/24 lies in 127.0.0.0/8, loopback")],
    ),
    # vApps
    (
        "a vApp without a network",
        "hosts: {vapp1-east: {vcc_vapp_network: null}}",
        [("hosts.vapp1-east.vcc_vapp_network", "is missing: the vApp's network, such as [192.168.1.0/24]")],
    ),
    (
        "a vApp edge outside the org network",
        "hosts: {vapp1-east: {vcc_org_address: [10.11.0.11]}}",
        [
            (
                "hosts.vapp1-east.vcc_org_address",
                "10.11.0.11 is not in 10.10.0.0/24, fd10:10::/64 (hosts.edge-east.vcc_org_network)",
            )
        ],
    ),
    (
        "a vApp edge outside the vApp network, and at its broadcast address",
        "hosts: {vapp1-east: {vcc_vapp_address: [192.168.2.1]}, vapp1-west: {vcc_vapp_address: [192.168.1.255]}}",
        [
            ("hosts.vapp1-east.vcc_vapp_address", "192.168.2.1 is not in 192.168.1.0/24"),
            ("hosts.vapp1-west.vcc_vapp_address", "192.168.1.255 is the broadcast address of 192.168.1.0/24"),
        ],
    ),
    (
        "a vApp network that contains its org network",
        "hosts: {vapp1-east: {vcc_vapp_network: [10.0.0.0/8], vcc_vapp_address: [10.200.0.1]}, "
        "vm1-east: {vcc_address: [10.200.0.11]}, vm2-east: null}",
        [
            (
                "hosts.vapp1-east.vcc_vapp_network",
                "10.0.0.0/8 overlaps 10.10.0.0/24 (hosts.edge-east.vcc_org_network)",
            )
        ],
    ),
    # VMs
    (
        "a VM outside its vApp network",
        "hosts: {vm1-east: {vcc_address: [192.168.2.11]}}",
        [
            (
                "hosts.vm1-east.vcc_address",
                "192.168.2.11 is not in 192.168.1.0/24, fd10:1::/64 (hosts.vapp1-east.vcc_vapp_network)",
            )
        ],
    ),
    (
        "a VM on the org network, outside of it",
        "hosts: {vm3-west: {vcc_address: [192.168.1.13]}}",
        [("hosts.vm3-west.vcc_address", "192.168.1.13 is not in 10.10.0.0/24, fd10:10::/64 (hosts.edge-west.vcc_org")],
    ),
    (
        "VMs at the network's and at the broadcast address",
        "hosts: {vm1-east: {vcc_address: [192.168.1.0]}, vm3-west: {vcc_address: [10.10.0.255]}}",
        [
            ("hosts.vm1-east.vcc_address", "192.168.1.0 is the network address of 192.168.1.0/24"),
            ("hosts.vm3-west.vcc_address", "10.10.0.255 is the broadcast address of 10.10.0.0/24"),
        ],
    ),
    # Public addresses
    *(
        (
            f"the public address {address}",
            f"hosts: {{edge-east: {{vcc_public_address: ['{address}', '2001:db8::9']}}}}"
            if "." in address
            else f"hosts: {{edge-east: {{vcc_public_address: [203.0.113.2, '{address}']}}}}",
            [(f"{EDGE}.vcc_public_address", f"{address} lies in {meaning}")],
        )
        for address, meaning in (
            ("0.0.0.0", "0.0.0.0/8, this network (RFC 1122)"),
            ("127.0.0.1", "127.0.0.0/8, loopback"),
            ("127.255.255.254", "127.0.0.0/8, loopback"),
            ("169.254.10.1", "169.254.0.0/16, link-local"),
            ("224.0.0.18", "224.0.0.0/3, multicast and reserved"),
            ("255.255.255.255", "224.0.0.0/3, multicast and reserved"),
            ("::", "::/64, loopback and IPv4-mapped"),
            ("::1", "::/64, loopback and IPv4-mapped"),
            ("fe80::1", "fe80::/10, link-local"),
            ("ff02::5", "ff00::/8, multicast"),
        )
    ),
    (
        "the org address as the public address",
        "hosts: {edge-east: {vcc_public_address: [10.10.0.1]}}",
        [(f"{EDGE}.vcc_public_address", "10.10.0.1 is the edge's address on the org network (vcc_org_address)")],
    ),
    (
        "an external edge at a loopback address",
        "{vpn: {members: [vm1-east, vm-p]}, hosts: {p: {kinds: [org_edges], clouds: [p], vcc_external: true, "
        "vcc_public_address: [127.0.0.1]}, vm-p: {kinds: [members], clouds: [p]}}}",
        [("hosts.p.vcc_public_address", "127.0.0.1 lies in 127.0.0.0/8, loopback")],
    ),
    # What the controller reaches nodes by
    (
        "a pool over the management addresses",
        "{vpn: {pool: 172.16.0.0/24}, hosts: {edge-east: "
        + reached("172.16.0.2")
        + ", edge-west: "
        + reached("172.16.0.2")
        + ", vm1-west: "
        + reached("172.16.0.11")
        + ", node-west: "
        + reached("172.16.0.1")
        + "}}",
        [
            (
                "vcc_vpns[0].pool",
                "172.16.0.0/24 overlaps 172.16.0.1/32 (hosts.node-west.ansible_host), 172.16.0.2/32 "
                "(hosts.edge-east.ansible_host and 1 more), 172.16.0.11/32 (hosts.vm1-west.ansible_host), at which "
                "Ansible reaches hosts",
            )
        ],
    ),
    (
        "a pool over the management address of a vApp edge",
        "{vpn: {pool: 'fd99::/48'}, hosts: {vapp1-east: " + reached("'fd99::3'") + "}}",
        [("vcc_vpns[0].pool", "fd99::/48 overlaps fd99::3/128 (hosts.vapp1-east.ansible_host)")],
    ),
    (
        "a pool over a jump host",
        "{vpn: {pool: 198.18.0.0/24}, hosts: {edge-east: "
        "{management: {ansible_host: [172.16.0.2], ansible_ssh_common_args: [198.18.0.10]}}}}",
        [("vcc_vpns[0].pool", "198.18.0.0/24 overlaps 198.18.0.10/32 (hosts.edge-east.ansible_ssh_common_args)")],
    ),
    (
        "a shared pool over the management addresses, and two VPNs",
        """
pools: {internal: 172.16.0.0/16}
hosts: {edge-east: {management: {ansible_host: [172.16.0.2]}}}
vpns:
  - {name: a, pool: internal, members: [vm1-east, vm1-west]}
  - {name: b, pool: internal, members: [vm1-east, vm1-west]}
""",
        [("vcc_pools.internal", "172.16.0.0/16 overlaps 172.16.0.2/32 (hosts.edge-east.ansible_host)")],
    ),
    (
        "a destination over the management addresses",
        "{vpn: {destinations: {networks: [{network: 172.16.0.0/24, behind: edge-east}]}}, "
        "hosts: {edge-west: {management: {ansible_host: [172.16.0.2]}}}}",
        [("vcc_vpns[0].destinations.networks[0].network", "overlaps 172.16.0.2/32 (hosts.edge-west.ansible_host)")],
    ),
    # Clouds
    (
        "an edge in two clouds, beside the one that is there",
        "hosts: {edge-east: {clouds: [east, west]}}",
        [("hosts.edge-east", "is in 2 clouds (cloud_east, cloud_west); a gateway is in exactly one")],
    ),
    (
        "VCC nodes in two clouds and in none",
        "hosts: {node-east: {clouds: []}, node-west: {clouds: [east, west]}}",
        [
            ("hosts.node-east", "is in no cloud; put it in a group cloud_<name>"),
            ("hosts.node-west", "is in 2 clouds (cloud_east, cloud_west); a VCC node is in exactly one"),
        ],
    ),
    # Link-layer addresses
    (
        "link-layer addresses for addresses that the hosts do not have",
        "hosts: {vm1-east: {vcc_mac: {192.168.1.111: '02:00:5e:10:00:01', 'fd10:1:0::11': '02:00:5e:10:00:01'}}, "
        "vapp1-east: {vcc_mac: {10.10.0.12: '02:00:5e:10:00:02'}}}",
        [
            ("hosts.vm1-east.vcc_mac", "192.168.1.111 is not an address of vm1-east, which has 192.168.1.11, fd"),
            ("hosts.vapp1-east.vcc_mac", "10.10.0.12 is not an address of vapp1-east, which has 10.10.0.11, "),
        ],
    ),
    (
        "link-layer addresses for an address that an edge does not have",
        "hosts: {edge-west: {vcc_mac: {10.10.0.1: '02:00:5e:10:00:03', 10.10.0.3: '02:00:5e:10:00:03'}}}",
        [("hosts.edge-west.vcc_mac", "10.10.0.3 is not an address of edge-west, which has 10.10.0.1, fd10:10::1")],
    ),
    # VMs of the clouds concerned
    (
        "a VM with a mistyped vApp, which its vApp's VPN misses",
        "{vpn: {members: [vapp1-east, vm1-west]}, hosts: {vm2-east: {vcc_vapp: vapp1-eats}}}",
        [("hosts.vm2-east.vcc_vapp", "vapp1-eats is not in the group vapp_edges; did you mean vapp1-east?")],
    ),
    (
        "a VM with a vApp of another cloud, which its vApp's VPN misses",
        "{vpn: {members: [vapp1-east, vm1-west]}, hosts: {vm2-east: {vcc_vapp: vapp1-west}}}",
        [("hosts.vm2-east.vcc_vapp", "vapp1-west is in cloud west, vm2-east in cloud east")],
    ),
    (
        "a VM with another vApp of its cloud, which its vApp's VPN misses",
        "{vpn: {members: [vapp1-east, vm1-west]}, hosts: {vm2-east: {vcc_vapp: vapp2-east, vcc_address: 192.168.1.12}, "
        "vapp2-east: {kinds: [vapp_edges], clouds: [east], vcc_vapp_network: [192.168.2.0/24]}}}",
        [("hosts.vm2-east.vcc_address", "192.168.1.12 is not in 192.168.2.0/24 (hosts.vapp2-east.vcc_vapp_network)")],
    ),
    (
        "a VM with a vApp of another organization, which its vApp's VPN misses",
        "{vpn: {members: [vapp1-east, vm1-west]}, hosts: {vm2-east: {vcc_vapp: vapp2-east}, "
        "vapp2-east: {kinds: [vapp_edges], clouds: [east], vcc_org: umbrella}}}",
        [("hosts.vm2-east.vcc_vapp", "vapp2-east is of organization umbrella, vm2-east of acme")],
    ),
    (
        "many hosts with the same network are one line",
        "{vpn: {pool: 10.10.0.0/24, members: [vm1-east, vm1-west]}}",
        [
            (
                "vcc_vpns[0].pool",
                "10.10.0.0/24 overlaps 10.10.0.0/24 (hosts.edge-east.vcc_org_network and 1 more), which exists",
            )
        ],
    ),
]


@pytest.mark.parametrize(("text", "errors"), [pytest.param(text, errors, id=name) for name, text, errors in CASES])
def test_an_inventory_that_contradicts_itself_is_refused(text: str, errors: Errors) -> None:
    assert_refused(text, errors)


@pytest.mark.parametrize(
    "changes",
    [
        # RFC 3021: both addresses of a /31 are hosts'.
        "edge-east: {vcc_org_network: [10.10.0.0/31, 10.10.0.0/24], vcc_org_address: [10.10.0.0]}\n"
        "vapp1-east: {vcc_org_address: [10.10.0.1]}",
        "edge-east: {vcc_public_address: [10.0.0.2], vcc_behind_nat: forwarded}",
        "edge-east: {management: {ansible_host: [172.16.0.2]}}\nvm1-east: {management: {ansible_host: [172.16.0.11]}}",
    ],
    ids=["a network of two", "a private address outside", "a pool beside the management addresses"],
)
def test_what_is_unusual_but_right_is_accepted(changes: str) -> None:
    assert World(changed(lab(), changes)).plan(PAYROLL).changed


def test_a_mistyped_vapp_in_a_cloud_that_no_vpn_concerns_stops_nobody() -> None:
    world = World(changed(lab(3), "vm1-south: {vcc_vapp: vapp9-south}"))
    assert world.plan(PAYROLL).changed


def test_a_vapp_edge_that_no_vpn_uses_may_be_half_described() -> None:
    half = "vapp2-east: {kinds: [vapp_edges], clouds: [east]}\nvm2-east: {vcc_vapp: vapp2-east}"
    assert World(changed(lab(), half)).plan(PAYROLL).changed
