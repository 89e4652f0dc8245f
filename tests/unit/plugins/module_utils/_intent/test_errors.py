# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every error of an intent names its place and what is wrong; all are reported at once; nothing is written then.

intent_cases.py says how a case is written. The errors are all that is reported, in order: path, and a telling part of
the message.
"""

from __future__ import annotations

import pytest
import yaml

from ansible_collections.intercloud.vpn.plugins.module_utils._base.errors import IntentErrors
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils._intent.cases import Errors, assert_refused
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils.landscapes import (
    PAYROLL,
    World,
    changed,
    lab,
)

SECOND_EDGE = """
  edge2-east: {kinds: [org_edges], clouds: [east], vcc_public_address: [203.0.113.9], vcc_org_address: [10.10.0.2]}
"""
PARTNER = "p: {kinds: [org_edges], clouds: [p], vcc_external: true, vcc_public_address: [198.51.100.20]}, "
PARTNER += "vm-p: {kinds: [members], clouds: [p]}"
PARTNER_Q = ", " + PARTNER.replace("p:", "q:").replace("[p]", "[q]").replace("100.20", "100.21")


def external(change: str) -> str:
    """A VPN with a partner's VM; of edge or VM something else is said."""
    hosts = yaml.safe_load(f"{{{PARTNER}}}")
    for name, variables in yaml.safe_load(f"{{{change}}}").items():
        hosts[name].update(variables)
        hosts[name] = {key: value for key, value in hosts[name].items() if value is not None}
    return yaml.safe_dump({"vpn": {"members": ["vm1-east", "vm-p"]}, "hosts": hosts})


def test_a_group_of_the_one_host_that_has_its_name() -> None:
    """It means the same, whichever is meant."""
    assert World(groups={"vm1-east": ["vm1-east"]}).plan(PAYROLL)


UMBRELLA_VM = "{vm1-east: {vcc_org: umbrella, vcc_vapp: null}, edge-east: {vcc_org: umbrella}}"

CASES: list[tuple[str, str, Errors]] = [
    # A name of two things
    (
        "a host with the name of a group",
        "{vpn: {members: [vm1-west, vm1-east]}, groups: {vm1-east: [vm2-east]}}",
        [("vcc_vpns[0].members[1]", "vm1-east is both a host and a group of the inventory; rename the host or the")],
    ),
    (
        "a host with the name of a group in a pattern",
        "{vpn: {members: [vm1-west, 'cloud_east:&members:!vm1-east']}, groups: {vm1-east: []}}",
        [("vcc_vpns[0].members[1]", "vm1-east is both a host and a group of the inventory")],
    ),
    # Addresses on one network
    (
        "a member with the address of another one behind the same vApp edge",
        "{vpn: {members: [vm1-east, vm2-east, vm1-west]}, hosts: {vm2-east: {vcc_address: [192.168.1.11]}}}",
        [("hosts.vm2-east.vcc_address", "192.168.1.11 is the address of vm1-east too (hosts.vm1-east.vcc_address)")],
    ),
    (
        "members with the addresses of gateways",
        "{vpn: {members: [vm1-east, vm3-west]}, hosts: {vm1-east: {vcc_address: [192.168.1.1]}, "
        "vm3-west: {vcc_address: [10.10.0.1]}}}",
        [
            (
                "hosts.vm1-east.vcc_address",
                "192.168.1.1 is the address of vapp1-east too (hosts.vapp1-east.vcc_vapp_address)",
            ),
            (
                "hosts.vm3-west.vcc_address",
                "10.10.0.1 is the address of edge-west too (hosts.edge-west.vcc_org_address)",
            ),
        ],
    ),
    (
        "a vApp edge with the address of the org edge",
        "{hosts: {vapp1-east: {vcc_org_address: [10.10.0.1]}}}",
        [("hosts.vapp1-east.vcc_org_address", "10.10.0.1 is the address of edge-east too")],
    ),
    # The list of VPNs
    ("no list of VPNs", "vpns: {name: payroll}", [("vcc_vpns", "must be a list")]),
    ("an empty variable for VPNs", "vpns: null", [("vcc_vpns", "must be a list")]),
    ("a text for VPNs", "vpns: payroll", [("vcc_vpns", "must be a list")]),
    (
        "entries that are no mappings",
        "vpns: [payroll, null, [a], 5]",
        [(f"vcc_vpns[{n}]", "must be a mapping with name, pool and members") for n in range(4)],
    ),
    (
        "nothing said",
        "vpns: [{}]",
        [
            ("vcc_vpns[0].name", "is missing"),
            ("vcc_vpns[0].pool", "is missing: the name of a pool in vcc_pools, or a CIDR"),
            ("vcc_vpns[0].members", "is missing: a list of VMs, vApps, groups or inventory patterns"),
        ],
    ),
    ("a misspelt key", "vpn: {memebers: [vm2-east]}", [("vcc_vpns[0].memebers", "did you mean members?")]),
    ("a key that is not a text", "vpn: {7: x}", [("vcc_vpns[0].7", "is not known here")]),
    # Names
    ("no name", "vpn: {name: null}", [("vcc_vpns[0].name", "is missing")]),
    ("a name that begins with a digit", "vpn: {name: 1st}", [("vcc_vpns[0].name", "must start with a letter")]),
    ("a name with a dot", "vpn: {name: pay.roll}", [("vcc_vpns[0].name", "letters, digits, hyphens and underscores")]),
    ("a name with a slash", "vpn: {name: acme/payroll}", [("vcc_vpns[0].name", "must start with a letter")]),
    ("a name with a line's end", 'vpn: {name: "payroll\\n"}', [("vcc_vpns[0].name", "must start with a letter")]),
    ("a name of 33 letters", f"vpn: {{name: {'a' * 33}}}", [("vcc_vpns[0].name", "at most 32")]),
    ("a name that is a number", "vpn: {name: 5}", [("vcc_vpns[0].name", "5 must start with a letter")]),
    ("a name that is a list", "vpn: {name: [payroll]}", [("vcc_vpns[0].name", "must start with a letter")]),
    (
        "a name twice",
        "vpns: [&p {name: payroll, pool: internal, members: [vm1-east, vm1-west]}, *p]",
        [("vcc_vpns[1].name", "payroll is already the name of vcc_vpns[0]")],
    ),
    # Pools
    ("no pool", "vpn: {pool: null}", [("vcc_vpns[0].pool", "is missing")]),
    (
        "an unknown pool",
        "vpn: {pool: internel}",
        [("vcc_vpns[0].pool", "there is no pool 'internel' in vcc_pools; did you mean internal?")],
    ),
    ("no pools at all", "pools: null", [("vcc_vpns[0].pool", "there is no pool 'internal'")]),
    ("a list of pools", "{pools: [10.0.0.0/8], vpns: []}", [("vcc_pools", "must be a mapping of names to CIDRs")]),
    ("a pool that is a list", "vpn: {pool: [internal]}", [("vcc_vpns[0].pool", "one CIDR, not ['internal']")]),
    (
        "overlapping pools",
        "pools: {internal: 100.64.0.0/10, a: 10.0.0.0/8, b: 10.1.0.0/16, c: 100.64.0.0/10}",
        [
            ("vcc_pools.b", "10.1.0.0/16 overlaps vcc_pools.a 10.0.0.0/8"),
            ("vcc_pools.c", "100.64.0.0/10 overlaps vcc_pools.internal 100.64.0.0/10"),
        ],
    ),
    (
        "host bits in a pool",
        "pools: {internal: 100.64.0.1/10}",
        [("vcc_pools.internal", "did you mean 100.64.0.0/10?"), ("vcc_vpns[0].pool", "there is no pool 'internal'")],
    ),
    ("host bits in a CIDR", "vpn: {pool: 10.99.0.1/24}", [("vcc_vpns[0].pool", "did you mean 10.99.0.0/24?")]),
    ("no CIDR", "vpn: {pool: 10.99.0/24}", [("vcc_vpns[0].pool", "10.99.0 is not an IP address")]),
    ("too long a prefix", "vpn: {pool: 10.99.0.0/33}", [("vcc_vpns[0].pool", "must be a number from 0 to 32")]),
    ("a netmask", "vpn: {pool: 10.99.0.0/255.255.255.0}", [("vcc_vpns[0].pool", "must be a number from 0 to 32")]),
    ("a bare address as pool", "{pools: {a: 10.99.0.1}, vpns: []}", [("vcc_pools.a", "has no prefix length")]),
    ("a pool that is a truth", "{pools: {a: true}, vpns: []}", [("vcc_pools.a", "is not an IP address")]),
    ("a loopback pool", "vpn: {pool: 127.0.0.0/16}", [("vcc_vpns[0].pool", "loopback")]),
    ("a multicast pool", "vpn: {pool: 239.0.0.0/16}", [("vcc_vpns[0].pool", "multicast")]),
    ("a link-local pool", "vpn: {pool: 169.254.0.0/16}", [("vcc_vpns[0].pool", "link-local")]),
    ("this network as pool", "vpn: {pool: 0.0.0.0/0}", [("vcc_vpns[0].pool", "this network")]),
    ("an IPv6 link-local pool", "vpn: {pool: fe80::/64}", [("vcc_vpns[0].pool", "link-local")]),
    ("an IPv6 multicast pool", "vpn: {pool: ff05::/64}", [("vcc_vpns[0].pool", "multicast")]),
    ("an IPv4-mapped pool", "vpn: {pool: '::ffff:10.0.0.0/104'}", [("vcc_vpns[0].pool", "IPv4-mapped")]),
    (
        "a pool over the org network and vApp networks",
        "vpn: {pool: 10.10.0.0/16}",
        [
            ("vcc_vpns[0].pool", "10.10.0.0/16 overlaps 10.10.0.0/24 (hosts.edge-east.vcc_org_network and 1 more)"),
        ],
    ),
    (
        "a pool in a vApp network",
        "vpn: {pool: 192.168.1.64/26, members: [vm1-east, vm3-west]}",
        [("vcc_vpns[0].pool", "192.168.1.64/26 overlaps 192.168.1.0/24 (hosts.vapp1-east.vcc_vapp_network)")],
    ),
    (
        "a pool over a public address",
        "vpn: {pool: 203.0.113.0/29}",
        [("vcc_vpns[0].pool", "overlaps 203.0.113.2/32 (hosts.edge-east.vcc_public_address)")],
    ),
    (
        "a pool that is too small",
        "vpn: {pool: 10.99.0.0/30}",
        [("vcc_vpns[0].pool", "has no free /29 for vpn/payroll")],
    ),
    ("a shared pool that is too small", "pools: {internal: 10.99.0.0/30}", [("vcc_vpns[0].pool", "has no free /29")]),
    (
        "two CIDRs of their own that overlap",
        """
vpns:
  - {name: a, pool: 10.99.0.0/24, members: [vm1-east, vm1-west]}
  - {name: b, pool: 10.99.0.128/25, members: [vm1-east, vm1-west]}
""",
        [("vcc_vpns[1].pool", "10.99.0.128/25 overlaps vcc_vpns[0].pool 10.99.0.0/24")],
    ),
    (
        "a CIDR of its own where another VPN is",
        """
before: {vpns: [{name: first, pool: internal, members: [vm1-east, vm1-west]}]}
vpn: {pool: 100.64.0.0/16}
""",
        [("vcc_vpns[0].pool", "100.64.0.0/16 overlaps 100.64.0.0/24, which first holds")],
    ),
    (
        "another pool for a VPN that exists",
        "{before: {vpns: [*payroll]}, vpn: {pool: other}, pools: {other: 10.99.0.0/16}}",
        [
            (
                "vcc_vpns[0].pool",
                "members keep their addresses: to move the VPN to other (10.99.0.0/16), delete it first",
            )
        ],
    ),
    (
        "another range for a pool that is in use",
        "{before: {vpns: [*payroll]}, pools: {internal: 10.99.0.0/16}}",
        [("vcc_vpns[0].pool", "payroll has its addresses from internal (100.64.0.0/24)")],
    ),
    (
        "another IP version for a VPN that exists",
        "{before: {vpns: [*payroll]}, vpn: {pool: 'fd64::/48'}}",
        [("vcc_vpns[0].pool", "to move the VPN to fd64::/48 (fd64::/48), delete it first")],
    ),
    # IP versions along the way of a member
    (
        "an IPv6 pool and a VM without IPv6",
        "{vpn: {pool: 'fd64::/48'}, hosts: {vm3-west: {vcc_address: [10.10.0.13]}}}",
        [
            (
                "hosts.vm3-west.vcc_address",
                "has no IPv6 address, which vcc_vpns[0].pool fd64::/48 needs for member vm3-west",
            )
        ],
    ),
    (
        "an IPv6 pool and a vApp without IPv6 inside",
        "{vpn: {pool: 'fd64::/48'}, hosts: {vapp1-east: {vcc_vapp_address: [192.168.1.1]}}}",
        [("hosts.vapp1-east.vcc_vapp_address", "has no IPv6 address")],
    ),
    (
        "an IPv6 pool and a vApp without IPv6 outside",
        "{vpn: {pool: 'fd64::/48'}, hosts: {vapp1-east: {vcc_org_address: 10.10.0.11}}}",
        [("hosts.vapp1-east.vcc_org_address", "has no IPv6 address")],
    ),
    (
        "an IPv6 pool and an edge without IPv6 inside",
        "{vpn: {pool: 'fd64::/48', members: [vm1-east, vm3-west]}, hosts: {edge-west: {vcc_org_address: 10.10.0.1}}}",
        [
            (
                "hosts.edge-west.vcc_org_address",
                "has no IPv6 address, which vcc_vpns[0].pool fd64::/48 needs for member vm3",
            )
        ],
    ),
    (
        "an IPv4 pool and a VM without IPv4",
        "hosts: {vm3-west: {vcc_address: ['fd10:10::13']}}",
        [("hosts.vm3-west.vcc_address", "has no IPv4 address")],
    ),
    (
        "an IPv6 pool over an underlay that is too narrow",
        "{vpn: {pool: 'fd64::/48'}, hosts: {edge-west: {vcc_underlay_mtu: 1300}}}",
        [("hosts.edge-west.vcc_underlay_mtu", "1238 octets inside the tunnel, and IPv6 needs 1280")],
    ),
    (
        "edges without a common IP version",
        "hosts: {edge-east: {vcc_public_address: 203.0.113.2}, edge-west: {vcc_public_address: '2001:db8:1::2'}}",
        [("vcc_vpns[0].members", "edge-east and edge-west have no common IP version in vcc_public_address")],
    ),
    # Members
    ("no members", "vpn: {members: null}", [("vcc_vpns[0].members", "is missing")]),
    ("a text for members", "vpn: {members: vm1-east}", [("vcc_vpns[0].members", "must be a list of VMs")]),
    ("an empty list of members", "vpn: {members: []}", [("vcc_vpns[0].members", "at least two members, and 0")]),
    ("only one member", "vpn: {members: [vm1-east]}", [("vcc_vpns[0].members", "at least two members, and 1")]),
    (
        "members that are no names",
        "vpn: {members: [vm1-east, null, 5, [vm1-west], {}, {name: [x]}, '']}",
        [(f"vcc_vpns[0].members[{n}]", "must be a name, or a mapping with name, mode and ports") for n in range(1, 7)],
    ),
    (
        "an unknown VM",
        "vpn: {members: [vm1-east, vm1-west, vm9-west]}",
        [("vcc_vpns[0].members[2]", "vm9-west is not a VM, vApp, group or pattern of the inventory; did you mean vm")],
    ),
    (
        "unknown VMs in several VPNs",
        """
vpns:
  - {name: a, pool: internal, members: [vm8-east, vm1-west]}
  - {name: b, pool: internal, members: [vm1-east, vm8-east, vm9-east]}
  - {name: c, pool: internal, members: [vm1-east, vm1-west]}
""",
        [
            ("vcc_vpns[0].members[0]", "vm8-east is not a VM"),
            ("vcc_vpns[1].members[1]", "vm8-east is not a VM"),
            ("vcc_vpns[1].members[2]", "vm9-east is not a VM"),
        ],
    ),
    (
        "a member twice",
        "vpn: {members: [vm1-east, vm1-west, vm1-east]}",
        [("vcc_vpns[0].members[2]", "vm1-east is already named by vcc_vpns[0].members[0]")],
    ),
    (
        "a member twice, in both forms",
        "vpn: {members: [vm1-east, vm1-west, {name: vm1-east, mode: nat}]}",
        [("vcc_vpns[0].members[2]", "vm1-east is already named by vcc_vpns[0].members[0]")],
    ),
    (
        "all members at one site",
        "vpn: {members: [vm1-east, vm3-east]}",
        [("vcc_vpns[0].members", "are all at the one site edge-east")],
    ),
    (
        "a VM in no cloud",
        "hosts: {vm1-east: {clouds: []}}",
        [("vcc_vpns[0].members[0]", "vm1-east is in no cloud; put it in a group cloud_<name>")],
    ),
    (
        "a VM in no cloud, in several VPNs",
        """
hosts: {vm1-east: {clouds: []}}
vpns:
  - {name: a, pool: internal, members: [vm1-east, vm1-west]}
  - {name: b, pool: internal, members: [vm1-west, vm1-east]}
""",
        [("vcc_vpns[0].members[0]", "vm1-east is in no cloud"), ("vcc_vpns[1].members[1]", "vm1-east is in no cloud")],
    ),
    (
        "a VM in two clouds",
        "hosts: {vm1-east: {clouds: [east, west]}}",
        [("vcc_vpns[0].members[0]", "vm1-east is in 2 clouds (cloud_east, cloud_west); a VM is in exactly one")],
    ),
    (
        "a host that is in no group members",
        "{vpn: {members: [vm1-east, bastion]}, groups: {others: [bastion]}}",
        [("vcc_vpns[0].members[1]", "bastion is not in the group members")],
    ),
    (
        "an edge as a member",
        "vpn: {members: [edge-east, vm1-west]}",
        [("vcc_vpns[0].members[0]", "edge-east is not in the group members")],
    ),
    (
        "a vApp without VMs",
        "{vpn: {members: [vapp1-east, vm1-west]}, hosts: {vm1-east: {vcc_vapp: null}, vm2-east: {vcc_vapp: null}}}",
        [("vcc_vpns[0].members[0]", "no VM is behind the vApp vapp1-east; set vcc_vapp: vapp1-east for its VMs")],
    ),
    (
        "a group without VMs",
        "vpn: {members: [org_edges, vm1-west]}",
        [("vcc_vpns[0].members[0]", "org_edges matches no host of the group members")],
    ),
    (
        "an empty group",
        "{vpn: {members: [shop, vm1-west]}, groups: {shop: []}}",
        [("vcc_vpns[0].members[0]", "shop is not a VM, vApp, group or pattern")],
    ),
    (
        "a pattern that matches nothing",
        "vpn: {members: ['web*', vm1-west]}",
        [("vcc_vpns[0].members[0]", "web* is not a VM, vApp, group or pattern of the inventory")],
    ),
    (
        "a pattern of which a part matches nothing",
        "vpn: {members: ['vm1-east:vm9-west', vm1-west]}",
        [("vcc_vpns[0].members[0]", "vm1-east:vm9-west is not a VM, vApp, group or pattern")],
    ),
    (
        "patterns that cannot be read",
        "vpn: {members: ['~(', '[', '&', '!', ':', 'vm*[99]', vm1-west, vm1-east]}",
        [(f"vcc_vpns[0].members[{n}]", "is not a VM, vApp, group or pattern") for n in range(6)],
    ),
    (
        "members of different organizations",
        f"hosts: {UMBRELLA_VM}",
        [("vcc_vpns[0].members", "are of several organizations: acme (vm1-west), umbrella (vm1-east)")],
    ),
    (
        "members of different organizations, of which neither can have the hub",
        f"{{hosts: {UMBRELLA_VM}, vpn: {{topology: {{kind: star, hub: edge-west}}}}}}",
        [("vcc_vpns[0].members", "are of several organizations: acme (vm1-west), umbrella (vm1-east)")],
    ),
    (
        "an unknown mode",
        "vpn: {members: [{name: vm1-east, mode: nta}, vm1-west]}",
        [("vcc_vpns[0].members[0].mode", "'nta' must be one of: address, nat")],
    ),
    ("an unknown mode for all", "vpn: {mode: [nat]}", [("vcc_vpns[0].mode", "must be one of: address, nat")]),
    (
        "an unknown mode in the inventory",
        "hosts: {vm1-east: {vcc_member_mode: nta}}",
        [("hosts.vm1-east.vcc_member_mode", "must be one of address, nat, not 'nta'")],
    ),
    (
        "another way to find names",
        "hosts: {vm1-east: {vcc_names: true}}",
        [("hosts.vm1-east.vcc_names", "must be one of resolver, hosts, not True")],
    ),
    (
        "a misspelt key of a member",
        "vpn: {members: [{name: vm1-east, moed: nat}, vm1-west]}",
        [("vcc_vpns[0].members[0].moed", "did you mean mode?")],
    ),
    # The landscape
    (
        "a VM without address",
        "hosts: {vm1-east: {vcc_address: null}}",
        [("hosts.vm1-east.vcc_address", "is missing: the VM's address on its private network")],
    ),
    (
        "one bad VM in two VPNs is one error",
        """
hosts: {vm1-east: {vcc_address: x}}
vpns:
  - {name: a, pool: internal, members: [vm1-east, vm1-west]}
  - {name: b, pool: internal, members: [vm1-east, vm1-west]}
""",
        [("hosts.vm1-east.vcc_address", "x is not an IP address")],
    ),
    (
        "two addresses of one IP version",
        "hosts: {vm1-east: {vcc_address: [10.0.0.1, 10.0.0.2]}}",
        [("hosts.vm1-east.vcc_address", "has two IPv4 addresses")],
    ),
    (
        "an unknown vApp",
        "hosts: {vm1-east: {vcc_vapp: vapp1-eats}}",
        [("hosts.vm1-east.vcc_vapp", "vapp1-eats is not in the group vapp_edges; did you mean vapp1-east?")],
    ),
    (
        "a vApp in another cloud than its VM",
        "hosts: {vm1-east: {vcc_vapp: vapp1-west}}",
        [("hosts.vm1-east.vcc_vapp", "vapp1-west is in cloud west, vm1-east in cloud east")],
    ),
    (
        "a vApp of another organization than its VM",
        "hosts: {vapp1-east: {vcc_org: umbrella}}",
        [("hosts.vm1-east.vcc_vapp", "vapp1-east is of organization umbrella, vm1-east of acme")],
    ),
    (
        "a vApp without addresses",
        "hosts: {vapp1-east: {vcc_org_address: null, vcc_vapp_address: null}}",
        [("hosts.vapp1-east.vcc_org_address", "is missing"), ("hosts.vapp1-east.vcc_vapp_address", "is missing")],
    ),
    (
        "a bad network",
        "hosts: {edge-east: {vcc_org_network: [10.10.0.1/24]}}",
        [("hosts.edge-east.vcc_org_network", "did you mean 10.10.0.0/24?")],
    ),
    (
        "an edge without public address",
        "hosts: {edge-east: {vcc_public_address: null}}",
        [("hosts.edge-east.vcc_public_address", "is missing: the address other clouds' edges reach this one at")],
    ),
    (
        "a bad public address",
        "hosts: {edge-east: {vcc_public_address: [203.0.113.2/28]}}",
        [("hosts.edge-east.vcc_public_address", "203.0.113.2/28 is not an IP address")],
    ),
    (
        "one public address on both edges",
        "hosts: {edge-west: {vcc_public_address: 203.0.113.2}}",
        [("hosts.edge-west.vcc_public_address", "203.0.113.2 is the address of edge-east too")],
    ),
    (
        "two edges behind NATs that let nobody in",
        "hosts: {edge-east: {vcc_behind_nat: true}, edge-west: {vcc_behind_nat: true}}",
        [
            (
                "vcc_vpns[0].members",
                "edge-east and edge-west are both behind a NAT, so neither reaches the other; have one NAT "
                "forward UDP 500 and 4500 to its edge, and set vcc_behind_nat: forwarded for that edge",
            )
        ],
    ),
    (
        "a NAT that is neither there nor not",
        "hosts: {edge-east: {vcc_behind_nat: maybe}}",
        [("hosts.edge-east.vcc_behind_nat", "must be true, false or forwarded, not 'maybe'")],
    ),
    (
        "an underlay MTU that is none",
        "hosts: {edge-east: {vcc_underlay_mtu: 900}, edge-west: {vcc_underlay_mtu: many}}",
        [
            ("hosts.edge-east.vcc_underlay_mtu", "must be octets from 1280 to 9216, not 900"),
            ("hosts.edge-west.vcc_underlay_mtu", "must be octets from 1280 to 9216, not 'many'"),
        ],
    ),
    (
        "no link-layer address",
        "hosts: {vm1-east: {vcc_mac: [01:00:5e:10:00:01, 123456]}, "
        "vapp1-east: {vcc_mac: {10.10.0.300: '02:00:5e:10:00:01', 10.10.0.11: nothing}}}",
        [
            ("hosts.vm1-east.vcc_mac", "'01:00:5e:10:00:01' is not a link-layer address of one machine"),
            ("hosts.vm1-east.vcc_mac", "'123456' is not a link-layer address such as \"02:00:5e:10:00:01\""),
            ("hosts.vapp1-east.vcc_mac", "'nothing' is not a link-layer address"),
            ("hosts.vapp1-east.vcc_mac", "10.10.0.300 is not an IP address"),
        ],
    ),
    (
        "no link-layer address of an edge",
        "hosts: {edge-west: {vcc_mac: 02:00:5e:10:00}}",
        [("hosts.edge-west.vcc_mac", "'02:00:5e:10:00' is not a link-layer address")],
    ),
    (
        "an edge in two clouds",
        "hosts: {edge-east: {clouds: [east, west]}, edge-west: null}",
        [("hosts.edge-east", "is in 2 clouds (cloud_east, cloud_west); a gateway is in exactly one")],
    ),
    (
        "a cloud without org edge",
        "{hosts: {edge-east: null}, vpn: {members: [vm1-east, vm1-west]}}",
        [("vcc_vpns[0].members[0]", "vm1-east has no way out: cloud east has no org edge of organization acme")],
    ),
    (
        "two edges in a cloud and no choice",
        f"hosts:\n{SECOND_EDGE}",
        [("hosts.vm1-east.vcc_edge", "must say which org edge serves vm1-east: edge-east, edge2-east")],
    ),
    (
        "the choice of an edge that is none",
        "hosts: {vm1-east: {vcc_edge: edge-west}}",
        [("hosts.vm1-east.vcc_edge", "edge-west is not an org edge of organization acme in cloud east")],
    ),
    (
        "a host of two kinds",
        "hosts: {edge-east: {kinds: [org_edges, vapp_edges]}}",
        [("hosts.edge-east", "is in the groups org_edges and vapp_edges; a host is in one of them")],
    ),
    (
        "a host's name that the ledger cannot use",
        """
vpn: {members: ['vm#4-east', 'vm/5-east', vm1-west]}
hosts:
  'vm#4-east': {kinds: [members], clouds: [east], vcc_address: 10.10.0.14}
  'vm/5-east': {kinds: [members], clouds: [east], vcc_address: 10.10.0.15}
""",
        [
            ("hosts.vm#4-east", "is part of file names and templates: it must be letters, digits"),
            ("hosts.vm/5-east", "is part of file names and templates: it must be letters, digits"),
        ],
    ),
    (
        "an organization's name that cannot be one",
        """
hosts:
  vm3-east: {vcc_org: a/b}
  vm3-west: {vcc_org: a/b}
  edge-east: {vcc_org: a/b}
  edge-west: {vcc_org: a/b}
vpn: {members: [vm3-east, vm3-west]}
""",
        [
            (
                "hosts.edge-east.vcc_org",
                "'a/b' must be at most 32 letters, digits and hyphens, starting with a letter or digit: it is part of "
                "certificates and file names (3 more hosts have it)",
            ),
        ],
    ),
    (
        "an edge whose name can be in no certificate",
        "{hosts: {edge-east: null, edge_x: {kinds: [org_edges], clouds: [east], vcc_public_address: [203.0.113.2], "
        "vcc_org_address: [10.10.0.1]}}}",
        [("hosts.edge_x", "'edge_x.acme' would be the name in its certificate, and is not a DNS name")],
    ),
    (
        "edges whose tunnels would share a name",
        """
hosts:
  edge-east: null
  edge-west: null
  a: {kinds: [org_edges], clouds: [east], vcc_public_address: [203.0.113.2],
      <<: &inside {vcc_org_address: [10.10.0.1], vcc_org_network: [10.10.0.0/24, 'fd10:10::/64']}}
  a--b: {kinds: [org_edges], clouds: [west], vcc_public_address: [203.0.113.18], <<: *inside}
  b--c: {kinds: [org_edges], clouds: [x], vcc_public_address: [203.0.113.34], <<: *inside}
  c: {kinds: [org_edges], clouds: [y], vcc_public_address: [203.0.113.50], <<: *inside}
  vm-x: {kinds: [members], clouds: [x], vcc_address: [10.10.0.13]}
  vm-y: {kinds: [members], clouds: [y], vcc_address: [10.10.0.13]}
vpn: {members: [vm1-east, vm1-west, vm-x, vm-y]}
""",
        [("vcc_vpns[0].members", "the tunnels a -- b--c and a--b -- c would both be named a--b--c; rename an edge")],
    ),
    # Topology, tunnel, policy
    ("an unknown topology", "vpn: {topology: ring}", [("vcc_vpns[0].topology", "'ring' must be one of: mesh")]),
    ("a topology that is a list", "vpn: {topology: [mesh]}", [("vcc_vpns[0].topology", "must be one of")]),
    ("an unknown tunnel", "vpn: {tunnel: pptp}", [("vcc_vpns[0].tunnel", "'pptp' must be one of: ipsec, ssl")]),
    (
        "an unknown kind of tunnel",
        "vpn: {tunnel: {kind: 7}}",
        [("vcc_vpns[0].tunnel.kind", "7 must be one of: ipsec, ssl")],
    ),
    (
        "an option of another kind",
        "vpn: {tunnel: {kind: ipsec, transport: tcp}}",
        [("vcc_vpns[0].tunnel.transport", "is not known here; known are kind")],
    ),
    (
        "an unknown transport",
        "vpn: {tunnel: {kind: ssl, transport: sctp}}",
        [("vcc_vpns[0].tunnel.transport", "'sctp' must be one of: auto, udp, tcp")],
    ),
    (
        "what TLS 1.3 has no word for",
        """
        vpn:
          tunnel: ssl
          policy:
            encryption:
              ike: [aes256-sha256-modp3072, aes128gcm16-prfsha384-ecp256, aes256gcm16-prfsha384-ecp384]
              esp: [aes256-sha256-ecp384, aes256gcm16-ecp521]
        """,
        [
            ("vcc_vpns[0].policy.encryption.ike[0]", "cannot have aes256, sha256, modp3072; it takes aes256gcm16"),
            (
                "vcc_vpns[0].policy.encryption.ike[1]",
                "TLS 1.3 has TLS_AES_128_GCM_SHA256, so ask for prfsha256 with it",
            ),
            ("vcc_vpns[0].policy.encryption.esp[0]", "cannot have aes256, sha256; it takes aes256gcm16"),
            ("vcc_vpns[0].policy.encryption.esp[1]", "whose groups are those of ike; name ecp521 in ike, too"),
        ],
    ),
    (
        "VPNs that share a session with other transports",
        """
        vpns:
          - {name: a, pool: internal, members: [vm1-east, vm1-west], tunnel: ssl}
          - {name: b, pool: internal, members: [vm2-east, vm2-west], tunnel: {kind: ssl, transport: tcp}}
        """,
        [
            (
                "vcc_vpns[1].policy",
                "with which it shares the tunnel edge-east -- edge-west (ssl); the whole of encryption",
            )
        ],
    ),
    (
        "an external edge with a tunnel of kind ssl",
        """
        vpn: {tunnel: ssl}
        hosts: {edge-west: {vcc_external: true}, vm1-west: {vcc_vapp: null, vcc_edge: edge-west}}
        """,
        [("vcc_vpns[0].tunnel", "ssl: edge-west is external, and tunnels to external edges are of kind ipsec")],
    ),
    (
        "two edges behind a NAT, with tunnels of kind ssl",
        """
        vpn: {tunnel: ssl}
        hosts: {edge-east: {vcc_behind_nat: true}, edge-west: {vcc_behind_nat: true}}
        """,
        [("vcc_vpns[0].members", "have one NAT forward UDP 1194 and TCP 443 to its edge")],
    ),
    ("an unknown policy", "vpn: {policy: strict}", [("vcc_vpns[0].policy", "there is no policy 'strict'; known are")]),
    (
        "an unknown policy beside ones whose names are numbers",
        "{vpn: {policy: strict}, policies: {1: {}, b: {}}}",
        [("vcc_vpns[0].policy", "known are 1, b, cnsa, postquantum, standard")],
    ),
    ("a policy that is a list", "vpn: {policy: [standard]}", [("vcc_vpns[0].policy", "must be the name of a policy")]),
    ("a policy of nothing", "vpn: {policy: 0}", [("vcc_vpns[0].policy", "must be the name of a policy")]),
    ("policies that are a list", "policies: []", [("vcc_policies", "must be a mapping of names to policies")]),
    (
        "policies in a circle",
        "{vpn: {policy: a}, policies: {a: {extends: b}, b: {extends: c}, c: {extends: a}}}",
        [("vcc_policies.c.extends", "circle: a -> b -> c -> a")],
    ),
    (
        "misspelt keys of a policy",
        "vpn: {policy: {extend: standard, encryption: {ikee: []}, encrypt: {}}}",
        [
            ("vcc_vpns[0].policy.extend", "did you mean extends?"),
            ("vcc_vpns[0].policy.encrypt", "did you mean encryption?"),
            ("vcc_vpns[0].policy.encryption.ikee", "did you mean ike?"),
        ],
    ),
    (
        "a section that is not a mapping",
        "vpn: {policy: {encryption: aes256}}",
        [("vcc_vpns[0].policy.encryption", "must be a mapping")],
    ),
    (
        "weak algorithms",
        """
vpn:
  policy:
    encryption:
      ike: [aes256gcm16-prfsha384-ecp384, 3des-sha1-modp1024, aes256-md5-ecp384, aes256-sha1-ecp384]
      esp: [3des-sha256-ecp384, aes256gcm16-modp1024, aes256-md5-ecp384, aes256-sha1-ecp384, aes256gcm16-modp1536, null]
""",
        [
            ("vcc_vpns[0].policy.encryption.ike[1]", "'3des' is not an allowed algorithm"),
            ("vcc_vpns[0].policy.encryption.ike[2]", "'md5' is not"),
            ("vcc_vpns[0].policy.encryption.ike[3]", "'sha1' is not"),
            ("vcc_vpns[0].policy.encryption.esp[0]", "'3des' is not"),
            ("vcc_vpns[0].policy.encryption.esp[1]", "'modp1024' is not"),
            ("vcc_vpns[0].policy.encryption.esp[2]", "'md5' is not"),
            ("vcc_vpns[0].policy.encryption.esp[3]", "'sha1' is not"),
            ("vcc_vpns[0].policy.encryption.esp[4]", "'modp1536' is not"),
            ("vcc_vpns[0].policy.encryption.esp[5]", "is not an allowed algorithm"),
        ],
    ),
    (
        "weak algorithms in a policy that two VPNs name are one error, in the policy",
        """
policies: {weak: {encryption: {esp: [null-sha256]}}, weaker: {extends: weak}}
vpns:
  - {name: a, pool: internal, members: [vm1-east, vm1-west], policy: weak}
  - {name: b, pool: internal, members: [vm1-east, vm1-west], policy: weaker}
""",
        [("vcc_policies.weak.encryption.esp[0]", "'null' is not an allowed algorithm")],
    ),
    (
        "ESP without perfect forward secrecy",
        "vpn: {policy: {encryption: {esp: [aes256gcm16]}}}",
        [("vcc_vpns[0].policy.encryption.esp[0]", "needs exactly one key exchange group (perfect forward secrecy)")],
    ),
    (
        "proposals that cannot work",
        """
vpn:
  policy:
    encryption:
      ike: [aes256gcm16-ecp384, aes256-ecp384, prfsha256-ecp384]
      esp: [aes256gcm16-prfsha384-ecp384, aes256gcm16-sha256-ecp384, aes256-aes128-sha256-ecp384, '']
""",
        [
            ("vcc_vpns[0].policy.encryption.ike[0]", "needs exactly one of prfsha256"),
            ("vcc_vpns[0].policy.encryption.ike[1]", "aes256 needs exactly one of sha256"),
            ("vcc_vpns[0].policy.encryption.ike[2]", "not exactly one encryption algorithm"),
            ("vcc_vpns[0].policy.encryption.esp[0]", "prfsha384 is not used in an ESP proposal"),
            ("vcc_vpns[0].policy.encryption.esp[1]", "aes256gcm16 authenticates by itself; leave sha256 out"),
            ("vcc_vpns[0].policy.encryption.esp[2]", "not exactly one encryption algorithm"),
            ("vcc_vpns[0].policy.encryption.esp[3]", "is not an allowed algorithm"),
        ],
    ),
    (
        "no proposals",
        "vpn: {policy: {encryption: {ike: [], esp: aes256gcm16-ecp384}}}",
        [
            ("vcc_vpns[0].policy.encryption.ike", "must be a list of proposals such as aes256gcm16-prfsha384-ecp384"),
            ("vcc_vpns[0].policy.encryption.esp", "must be a list of proposals such as aes256gcm16-ecp384"),
        ],
    ),
    (
        "times and sizes out of range",
        """
vpn: {policy: {encryption: {ike_rekey: 86401, esp_rekey: 59, replay_window: 31}, retries: {dpd_delay: 0}}}
""",
        [
            (
                "vcc_vpns[0].policy.encryption.ike_rekey",
                "must be a whole number of seconds from 60 to 86400, not 86401",
            ),
            ("vcc_vpns[0].policy.encryption.esp_rekey", "from 60 to 28800, not 59"),
            ("vcc_vpns[0].policy.encryption.replay_window", "whole number of packets from 32 to 4096, not 31"),
            ("vcc_vpns[0].policy.retries.dpd_delay", "from 1 to 3600, not 0"),
        ],
    ),
    (
        "times that are no whole numbers",
        "vpn: {policy: {encryption: {ike_rekey: 4h, esp_rekey: true, replay_window: null}, retries: {dpd_delay: 5.5}}}",
        [
            ("vcc_vpns[0].policy.encryption.ike_rekey", "not '4h'"),
            ("vcc_vpns[0].policy.encryption.esp_rekey", "not True"),
            ("vcc_vpns[0].policy.encryption.replay_window", "not None"),
            ("vcc_vpns[0].policy.retries.dpd_delay", "not 5.5"),
        ],
    ),
    (
        "VPNs that share a tunnel with other IKE settings",
        """
vpns:
  - {name: b, pool: internal, members: [vm1-east, vm1-west], policy: {encryption: {ike_rekey: 7200}}}
  - {name: a, pool: internal, members: [vm2-east, vm2-west]}
""",
        [("vcc_vpns[0].policy", "other settings than a, with which it shares the tunnel edge-east -- edge-west")],
    ),
    (
        "a VPN that shares a tunnel with one of an earlier run, with other IKE settings",
        """
before: {vpns: [{name: a, pool: internal, members: [vm2-east, vm2-west]}]}
vpn: {policy: {retries: {dpd_delay: 60}}}
""",
        [("vcc_vpns[0].policy", "other settings than a")],
    ),
    (
        "what is not a PPK",
        "vpn: {policy: {encryption: {ppk: preferred}}}",
        [("vcc_vpns[0].policy.encryption.ppk", "'preferred' must be one of: none, required")],
    ),
    (
        "two additional key exchanges",
        "vpn: {policy: {encryption: {esp: [aes256gcm16-ecp384-ke1_mlkem768-ke1_mlkem1024]}}}",
        [("vcc_vpns[0].policy.encryption.esp[0]", "has more than one of ke1_mlkem1024, ke1_mlkem768")],
    ),
    (
        "retries out of range",
        """
vpn: {policy: {retries: {retransmit_timeout: 0.05, retransmit_base: 0.9, retransmit_tries: 0, keyingtries: -1,
                         setup_delay: 4}}}
""",
        [
            ("vcc_vpns[0].policy.retries.retransmit_timeout", "must be a number of seconds from 0.1 to 60, not 0.05"),
            ("vcc_vpns[0].policy.retries.retransmit_base", "must be a number of times as long from 1 to 3, not 0.9"),
            ("vcc_vpns[0].policy.retries.retransmit_tries", "from 1 to 10, not 0"),
            ("vcc_vpns[0].policy.retries.keyingtries", "from 0 to 100, not -1"),
            ("vcc_vpns[0].policy.retries.setup_delay", "from 5 to 3600, not 4"),
        ],
    ),
    (
        "retries that are no numbers",
        "vpn: {policy: {retries: {retransmit_timeout: .nan, retransmit_base: true, retransmit_tries: 2.5}}}",
        [
            ("vcc_vpns[0].policy.retries.retransmit_timeout", "not nan"),
            ("vcc_vpns[0].policy.retries.retransmit_base", "not True"),
            ("vcc_vpns[0].policy.retries.retransmit_tries", "not 2.5"),
        ],
    ),
    (
        "a PPK in a VPN that shares a tunnel with one without",
        """
vpns:
  - {name: b, pool: internal, members: [vm1-east, vm1-west], policy: {encryption: {ppk: required}}}
  - {name: a, pool: internal, members: [vm2-east, vm2-west]}
""",
        [
            (
                "vcc_vpns[0].policy",
                "other settings than a, with which it shares the tunnel edge-east -- edge-west (ipsec)",
            )
        ],
    ),
    (
        "ML-KEM and nothing else, and edges without",
        "{vpn: {policy: pq}, policies: {pq: {encryption: {ike: [aes256gcm16-prfsha384-ecp384-ke1_mlkem768]}}}, "
        "hosts: {edge-west: {vcc_mlkem: true}}}",
        [("vcc_vpns[0].policy", "has no proposal without ML-KEM (encryption.ike), and edge-east has none")],
    ),
    (
        "ML-KEM that is neither there nor not there",
        "hosts: {edge-west: {vcc_mlkem: maybe}}",
        [("hosts.edge-west.vcc_mlkem", "must be true or false, not 'maybe'")],
    ),
    # What to do
    (
        "no tunnel may be created",
        "create_tunnels: false",
        [("vcc_create_tunnels", "no tunnel edge-east -- edge-west yet, which payroll needs")],
    ),
    (
        "creating and deleting at once",
        "delete: [payroll]",
        [("vcc_delete", "payroll cannot be created and deleted in the same run")],
    ),
    (
        "creating and deleting at once, and another error",
        "{delete: [acme/payroll], vpn: {topology: ring, name: other}, before: {vpns: [*payroll]}}",
        [("vcc_vpns[0].topology", "'ring'")],
    ),
    # Edges that are not ours
    (
        "two external edges in a mesh",
        "{vpn: {members: [vm1-east, vm-p, vm-q]}, hosts: {" + PARTNER + PARTNER_Q + "}}",
        [("vcc_vpns[0].members", "need a tunnel p -- q, and both are external: the collection configures neither end")],
    ),
    (
        "a PPK with an external edge",
        "{vpn: {members: [vm1-east, vm-p], policy: postquantum}, hosts: {" + PARTNER + "}}",
        [("vcc_vpns[0].policy", "requires a PPK (encryption.ppk), and p is external: tunnels to it have none")],
    ),
    (
        "ML-KEM of an external edge",
        external("p: {vcc_mlkem: true}"),
        [("hosts.p.vcc_mlkem", "is not for external edges: tunnels to them have no ML-KEM")],
    ),
    (
        "what only an external edge has",
        "hosts: {edge-west: {vcc_authentication: psk, vcc_identity: gw.example, vcc_psk: given}}",
        [
            ("hosts.edge-west.vcc_authentication", "is vcc_external: true missing?"),
            ("hosts.edge-west.vcc_identity", "is for external edges"),
            ("hosts.edge-west.vcc_psk", "is for external edges"),
        ],
    ),
    (
        "an external edge that is a text",
        "hosts: {edge-west: {vcc_external: 'maybe'}}",
        [("hosts.edge-west.vcc_external", "must be true or false, not 'maybe'")],
    ),
    (
        "an external VM without an external edge",
        "hosts: {vm1-west: {vcc_external: true}}",
        [("hosts.vm1-west.vcc_external", "belongs to an org edge")],
    ),
    (
        "an unknown way to authenticate",
        external("p: {vcc_authentication: password}"),
        [("hosts.p.vcc_authentication", "must be psk or certificate, not 'password'")],
    ),
    (
        "a certificate and a key",
        external("p: {vcc_authentication: certificate, vcc_psk: given}"),
        [("hosts.p.vcc_psk", "is not used with vcc_authentication: certificate")],
    ),
    (
        "a key that is too short",
        external("p: {vcc_psk: 'must have at least 20 characters, and has 5'}"),
        [("hosts.p.vcc_psk", "must have at least 20 characters, and has 5")],
    ),
    (
        "a gateway that nobody knows",
        external("p: {vcc_gateway: fortygate}"),
        [("hosts.p.vcc_gateway", "'fortygate'; did you mean fortigate?; leave it out for other gateways")],
    ),
    (
        "a gateway that is not a name",
        external("p: {vcc_gateway: [aws]}"),
        [
            (
                "hosts.p.vcc_gateway",
                "is not a gateway with a profile: ['aws']; known are aws, azure, cisco, fortigate, gcp, libreswan,",
            )
        ],
    ),
    (
        "a gateway in capitals",
        external("p: {vcc_gateway: AWS}"),
        [("hosts.p.vcc_gateway", "is not a gateway with a profile: 'AWS'; known are aws, azure, cisco, fortigate,")],
    ),
    (
        "a gateway that has no IPv4 address",
        external("p: {vcc_gateway: aws, vcc_public_address: ['2001:db8::9']}"),
        [("hosts.p.vcc_public_address", "has no IPv4 address, which AWS Site-to-Site VPN needs")],
    ),
    (
        "a gateway of ours",
        "hosts: {edge-west: {vcc_gateway: aws}}",
        [("hosts.edge-west.vcc_gateway", "is for external edges; is vcc_external: true missing?")],
    ),
    (
        "a certificate for a gateway that is shown none",
        external("p: {vcc_gateway: cisco, vcc_authentication: certificate}"),
        [("hosts.p.vcc_authentication", "certificate: with vcc_gateway: cisco, it is psk; change it, or leave")],
    ),
    (
        "a name for a gateway that has none",
        external("p: {vcc_gateway: gcp, vcc_identity: gw.example}"),
        [("hosts.p.vcc_identity", "gw.example: Google Cloud VPN presents its public address; leave vcc_identity out")],
    ),
    (
        "two gateways at one address",
        "{vpn: {members: [vm1-east, vm-p]}, hosts: {vm-p: {kinds: [members], clouds: [p]}, "
        "p: {kinds: [org_edges], clouds: [p], vcc_external: true, vcc_gateway: gcp, vcc_public_address: [192.0.2.9]}, "
        "q: {kinds: [org_edges], clouds: [q], vcc_external: true, vcc_gateway: gcp, vcc_public_address: [192.0.2.9]}"
        "}}",
        [("hosts.p.vcc_public_address", "192.0.2.9 is what another edge of this organization is known by, too; give")],
    ),
    (
        "the identity of an edge of ours",
        external("p: {vcc_identity: edge-east.acme}"),
        [("hosts.p.vcc_identity", "edge-east.acme is the identity of another edge")],
    ),
    (
        "an identity that is not a name",
        external("p: {vcc_identity: gw_partner}"),
        [("hosts.p.vcc_identity", "must be a DNS name of at most 64 characters, or")],
    ),
    (
        "an address in a certificate",
        external("p: {vcc_identity: 198.51.100.20, vcc_authentication: certificate}"),
        [("hosts.p.vcc_identity", "must be a DNS name")],
    ),
    (
        "an external edge that cannot be reached",
        external("p: {vcc_public_address: null}"),
        [("hosts.p.vcc_public_address", "is missing")],
    ),
    (
        "an external edge that nobody gets through to",
        external("p: {vcc_behind_nat: true}"),
        [("hosts.p.vcc_behind_nat", "our end initiates, and would not get through")],
    ),
    (
        "an external VM behind a vApp",
        external("vm-p: {vcc_vapp: vapp1-east}"),
        [("hosts.vm-p.vcc_vapp", "is behind p, which is external: its networks are not ours")],
    ),
    (
        "an external VM whose gateway is to translate",
        external("vm-p: {vcc_member_mode: nat}"),
        [("hosts.vm-p.vcc_member_mode", "nat: vm-p is behind p, which is external")],
    ),
    (
        "an external member whose gateway is to translate",
        "{vpn: {members: [vm1-east, {name: vm-p, mode: nat}]}, hosts: {" + PARTNER + "}}",
        [("vcc_vpns[0].members[1].mode", "nat: vm-p is behind p, which is external")],
    ),
    (
        "an edge that runs our document, declared external",
        "{before: {vpns: [*payroll]}, vpn: {members: [vm1-east, vm3-west]}, hosts: {edge-west: {vcc_external: true}}}",
        [("hosts.edge-west.vcc_external", "edge-west still has a generation of earlier runs")],
    ),
    # All at once
    (
        "everything at once",
        """
pools: {internal: 100.64.0.0/10, lo: 127.0.0.0/8}
hosts: {edge-west: {vcc_public_address: null}}
vpns:
  - {name: a.b, pool: intern, members: [vm9-east, vm1-east], topolgy: mesh, policy: none}
  - {name: b, pool: internal, members: [vm1-east, vm1-west]}
  - text
delete: [b]
""",
        [
            ("vcc_pools.lo", "loopback"),
            ("vcc_vpns[0].topolgy", "did you mean topology?"),
            ("vcc_vpns[0].name", "must start with a letter"),
            ("vcc_vpns[0].pool", "did you mean internal?"),
            ("vcc_vpns[0].policy", "there is no policy 'none'"),
            ("vcc_vpns[0].members[0]", "vm9-east is not a VM"),
            ("vcc_vpns[2]", "must be a mapping"),
            ("vcc_delete", "b cannot be created and deleted in the same run"),
            ("hosts.edge-west.vcc_public_address", "is missing"),
        ],
    ),
]


@pytest.mark.parametrize(("text", "errors"), [pytest.param(text, errors, id=name) for name, text, errors in CASES])
def test_a_wrong_intent_is_refused_in_its_place_and_writes_nothing(text: str, errors: Errors) -> None:
    assert_refused(text, errors)


def test_there_are_cases_enough() -> None:
    assert len({name for name, _text, _errors in CASES}) == len(CASES) > 100


def test_a_name_that_two_organizations_have_is_deleted_with_its_organization_only() -> None:
    world = World({**lab(), **lab(org="umbrella", tag="u")})
    umbrella = {**PAYROLL, "members": ["vm1u-east", "vm1u-west"]}
    world.plan(PAYROLL)
    world.plan(umbrella)
    before = world.dump()
    with pytest.raises(IntentErrors) as caught:
        world.plan(absent=["payroll", "umbrella/payroll"])
    assert [str(error) for error in caught.value.errors] == [
        "vcc_delete: payroll is a VPN of several organizations; say which: acme/payroll, umbrella/payroll"
    ]
    assert world.dump() == before
    assert [vpn["organization"] for vpn in world.plan(absent=["umbrella/payroll"]).vpns] == ["acme"]


def test_a_vm_that_changed_its_organization_does_not_take_its_vpn_along() -> None:
    world = World()
    world.plan(PAYROLL)
    world.hosts = changed(lab(), UMBRELLA_VM)
    before = world.dump()
    with pytest.raises(IntentErrors) as caught:
        world.plan()
    assert "vm1-east is of organization umbrella now" in str(caught.value)
    assert world.dump() == before


def test_a_half_described_vm_elsewhere_in_the_fleet_stops_nobody() -> None:
    world = World(changed(lab(3), "vm2-east: {clouds: [], vcc_address: x}\nedge-south: {vcc_public_address: null}"))
    assert world.plan(PAYROLL).changed
