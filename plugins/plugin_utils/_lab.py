# Copyright (c) The intercloud.vpn developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's landscape: which machines there are, on which networks, with which addresses.

The one place where they are said: `labctl` makes them, the inventory plugin tells Ansible of them.
Standard library only, and no import from the collection: labctl loads this file by its path.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

CLOUDS = ("east", "west", "south", "north", "alpha", "beta", "gamma", "delta")
DEFAULT_CLOUDS = 2
ORGANIZATION = "acme"

STATE_DIR = "/var/lib/intercloud-vpn/lab"
STATE_FILE = STATE_DIR + "/state.json"
SSH_DIR = STATE_DIR + "/ssh"
SSH_CONFIG = SSH_DIR + "/config"
# By name: the clouds' management addresses are the same, so that ssh's own %C is one for several machines.
SSH_CONTROL_PATH = SSH_DIR + "/mux-%k"

# The same lab in a virtual machine: what the controller, outside of it, knows of it.
VM_STATE_DIR = "/var/lib/intercloud-vpn/lab-kernel"

INTERNET = "internet"  # the router's namespace
CONTROLLER_BRIDGE = "vcclab"  # in the host's own namespace
CONTROLLER_ADDRESS = "198.18.0.1/24"

# In every cloud the same: that is what the VPN's pool is there for.
ORG_NETWORK = ("10.10.0.0/24", "fd10:10::/64")
VAPP_NETWORK = ("192.168.1.0/24", "fd10:1::/64")
GATEWAY = ("10.10.0.1/24", "fd10:10::1/64")  # of the org network

MACHINES_PER_CLOUD = ("node", "edge", "vapp1", "vm1", "vm2", "vm3")

# Organizations beside acme, in the same clouds: an edge and two VMs in each. Five letters, for a device's name has 15.
MAX_TENANTS = 8
_TENANT = re.compile(rf"(?!({ORGANIZATION}|edge)\b)[a-z]{{2,5}}")
_NAME = re.compile(
    rf"(?P<role>[a-z]+[0-9]?)(-(?P<tenant>{_TENANT.pattern}))?-(?P<cloud>{'|'.join(CLOUDS)})(?P<second>-2)?"
)


@dataclass(frozen=True)
class Interface:
    """One device of a machine; `network` is a bridge of the machine's cloud, or `controller`, or `public`."""

    name: str
    network: str
    addresses: tuple[str, ...]  # with prefix length
    gateway: tuple[str, ...] = ()  # public: the internet's addresses on this wire, with prefix length


@dataclass(frozen=True)
class Nat:
    """What the internet's router does for an edge behind it: an address of its own for all that the edge sends."""

    inside: str  # the network that is translated
    outside: str  # the router's address that it is translated to


@dataclass(frozen=True)
class Machine:
    """A machine and its wires. `kind` is an inventory group's singular: vcc_node, org_edge, vapp_edge, member.

    `organization`: None of a node that all organizations of its cloud share.
    """

    name: str
    cloud: str
    kind: str
    interfaces: tuple[Interface, ...]
    organization: str | None = ORGANIZATION
    gateways: tuple[str, ...] = ()  # default routes, one per family
    masquerade: tuple[str, str] | None = None  # (source network, device): NAT that was there before any VPN
    nat: Nat | None = None  # what this machine is behind
    vapp: str | None = None  # the vApp edge a VM is behind
    variables: dict = field(default_factory=dict)  # the inventory's, beside the connection's

    @property
    def forwards(self):
        return self.kind in ("org_edge", "vapp_edge")


def cloud_names(count):
    """The first `count` clouds; ValueError unless 1 <= count <= len(CLOUDS)."""
    if not 1 <= count <= len(CLOUDS):
        raise ValueError(f"lab_clouds: {count} is not in 1..{len(CLOUDS)}")
    return CLOUDS[:count]


def namespace_of(cloud):
    """The namespace that holds a cloud's bridges."""
    return f"cloud-{cloud}"


def edges_behind_nat(names, clouds, pairs=()):
    """The edges named, in order, each once; ValueError when there is no such edge in these clouds."""
    if isinstance(names, str):
        raise ValueError(f"lab_nat: {names!r} must be a list, as [edge-east]")
    edges = [f"edge-{cloud}" for cloud in clouds] + [f"edge-{cloud}-2" for cloud in clouds if cloud in pairs]
    for name in names:
        if name not in edges:
            raise ValueError(f"lab_nat: {name} is not an org edge of the lab; it has {', '.join(edges)}")
    return [edge for edge in edges if edge in names]


def tenants_named(names):
    """The organizations beside acme, each once; ValueError when one cannot be named so."""
    if isinstance(names, str):
        raise ValueError(f"lab_tenants: {names!r} must be a list, as [umbra]")
    for name in names:
        if not _TENANT.fullmatch(name):
            raise ValueError(f"lab_tenants: {name!r} must be two to five letters a-z, and neither acme nor edge")
    if len(set(names)) > MAX_TENANTS:
        raise ValueError(f"lab_tenants: {len(set(names))} are more than the {MAX_TENANTS} that there are addresses for")
    return list(dict.fromkeys(names))


def clouds_with_pairs(names, clouds):
    """The clouds named, in order, each once: those with two org edges. ValueError when there is no such cloud."""
    if isinstance(names, str):
        raise ValueError(f"lab_pairs: {names!r} must be a list, as [east]")
    for name in names:
        if name not in clouds:
            raise ValueError(f"lab_pairs: {name} is not a cloud of the lab; it has {', '.join(clouds)}")
    return [cloud for cloud in clouds if cloud in names]


def machines_of_release(releases, clouds, tenants=(), pairs=()):
    """machine → release, in order; ValueError when there is no such machine in these clouds."""
    if not isinstance(releases, dict):
        raise ValueError(f"lab_releases: {releases!r} must be a mapping, as {{edge-west: trixie}}")
    known = machines(clouds, tenants=tenants, pairs=pairs)
    for name in releases:
        if name not in known:
            raise ValueError(f"lab_releases: {name} is not a machine of the lab; it has {', '.join(known)}")
    return {name: releases[name] for name in known if name in releases}


def node_address(cloud):
    """The node's address on the controller network."""
    return f"198.18.0.{10 + _number(cloud)}"


def management_address(machine):
    """A machine's address on its cloud's management network, to which only the node has access."""
    return next(_host(i.addresses[0]) for i in machine.interfaces if i.name == "mgmt")


def org_bridge(tenant=None):
    """The bridge that is an organization's network in a cloud: acme's, or a tenant's."""
    return f"org-{tenant}" if tenant else "org"


def machines_of(cloud, nat=(), tenants=(), pairs=()):
    """The machines of a cloud, in the order of MACHINES_PER_CLOUD, then the second edge of a pair, then each tenant's.

    `nat` are the edges behind the router's NAT, `pairs` the clouds with two org edges.
    """
    edge_org = GATEWAY
    vapp_org = ("10.10.0.11/24", "fd10:10::11/64")
    vapp_inner = ("192.168.1.1/24", "fd10:1::1/64")
    return (
        Machine(
            name=f"node-{cloud}",
            cloud=cloud,
            kind="vcc_node",
            organization=None if tenants else ORGANIZATION,
            interfaces=(Interface("ctl", "controller", (node_address(cloud) + "/24",)), _management(1)),
        ),
        _edge(f"edge-{cloud}", cloud, nat, 0, cloud in pairs),
        Machine(
            name=f"vapp1-{cloud}",
            cloud=cloud,
            kind="vapp_edge",
            interfaces=(Interface("org", "org", vapp_org), Interface("vapp", "vapp", vapp_inner), _management(3)),
            gateways=_hosts(edge_org),
            masquerade=(VAPP_NETWORK[0], "org"),
            variables={
                "vcc_org_address": list(_hosts(vapp_org)),
                "vcc_vapp_address": list(_hosts(vapp_inner)),
                "vcc_vapp_network": list(VAPP_NETWORK),
            },
        ),
        _vm("vm1", cloud, 11, ("192.168.1.11/24", "fd10:1::11/64"), vapp_inner, f"vapp1-{cloud}"),
        _vm("vm2", cloud, 12, ("192.168.1.12/24", "fd10:1::12/64"), vapp_inner, f"vapp1-{cloud}"),
        _vm("vm3", cloud, 13, ("10.10.0.13/24", "fd10:10::13/64"), edge_org, None),
        *([_edge(f"edge-{cloud}-2", cloud, nat, 1, True)] if cloud in pairs else []),
        *(machine for place, tenant in enumerate(tenants) for machine in _tenant(tenant, place, cloud)),
    )


def machines(clouds, nat=(), tenants=(), pairs=()):
    """name → Machine, of all the clouds named."""
    return {machine.name: machine for cloud in clouds for machine in machines_of(cloud, nat, tenants, pairs)}


def machines_in(state):
    """name → Machine, of the lab that a state file describes."""
    return machines(state.get("clouds", ()), state.get("nat", ()), state.get("tenants", ()), state.get("pairs", ()))


def machine_named(name):
    """The machine that has such a name in a lab, of whatever clouds and tenants; None for what is not a machine's name.

    Of its addresses, nothing can be said.
    """
    parts = _NAME.fullmatch(name)
    if not parts:
        return None
    tenants = (parts["tenant"],) if parts["tenant"] else ()
    pairs = (parts["cloud"],) if parts["second"] else ()
    return machines((parts["cloud"],), tenants=tenants, pairs=pairs).get(name)


def _edge(name, cloud, nat, place, paired):
    """An org edge of acme: the only one of its cloud, or one of a pair, `place` 0 or 1.

    In a pair, neither has the gateway address when it boots: the VPN's roles have VRRP give it to one of them.
    """
    uplink, behind, outside = _uplink(_number(cloud) + place * len(CLOUDS), name in nat)
    own = (f"10.10.0.{2 + place}/24", f"fd10:10::{2 + place}/64") if paired else GATEWAY
    pair = {"vcc_site": cloud, "vcc_own_org_address": list(_hosts(own))} if paired else {}
    return Machine(
        name=name,
        cloud=cloud,
        kind="org_edge",
        interfaces=(uplink, Interface("org", "org", own), _management(4 if place else 2)),
        gateways=_hosts(uplink.gateway),
        masquerade=(ORG_NETWORK[0], "pub"),
        nat=behind,
        variables={
            "vcc_public_address": list(outside),
            **({"vcc_behind_nat": True} if behind else {}),
            "vcc_org_address": list(_hosts(GATEWAY)),
            "vcc_org_network": list(ORG_NETWORK),
            **pair,
        },
    )


def _tenant(tenant, place, cloud):
    """What another organization has in a cloud: addresses of its own outside, and inside the same as acme.

    Its VMs are on its org network; vm1 has the address that acme's vm3 has on acme's.
    """
    number, subnet = _number(cloud), 4 * (len(CLOUDS) * place + _number(cloud))
    uplink = Interface(
        "pub",
        "public",
        (f"198.51.100.{subnet + 2}/30", f"2001:db8:{place + 1}0{number}::2/64"),
        (f"198.51.100.{subnet + 1}/30", f"2001:db8:{place + 1}0{number}::1/64"),
    )
    inside, management = ("10.10.0.1/24", "fd10:10::1/64"), 32 + 16 * place
    bridge = org_bridge(tenant)
    yield Machine(
        name=f"edge-{tenant}-{cloud}",
        cloud=cloud,
        kind="org_edge",
        organization=tenant,
        interfaces=(uplink, Interface("org", bridge, inside), _management(management + 2)),
        gateways=_hosts(uplink.gateway),
        masquerade=(ORG_NETWORK[0], "pub"),
        variables={
            "vcc_public_address": list(_hosts(uplink.addresses)),
            "vcc_org_address": list(_hosts(inside)),
            "vcc_org_network": list(ORG_NETWORK),
        },
    )
    for name, host in (("vm1", 13), ("vm2", 14)):
        addresses = (f"10.10.0.{host}/24", f"fd10:10::{host}/64")
        yield Machine(
            name=f"{name}-{tenant}-{cloud}",
            cloud=cloud,
            kind="member",
            organization=tenant,
            gateways=_hosts(inside),
            variables={"vcc_address": list(_hosts(addresses))},
            interfaces=(Interface("eth0", bridge, addresses), _management(management + host)),
        )


def _uplink(number, behind_nat):
    """An edge's wire to the internet, the NAT it is behind or None, and where other clouds reach it.

    `number` is 0 to 7, of a cloud; 8 to 15 of the second edge there.
    """
    if not behind_nat:
        addresses = (f"203.0.113.{16 * number + 2}/28", f"2001:db8:{number}::2/64")
        gateway = (f"203.0.113.{16 * number + 1}/28", f"2001:db8:{number}::1/64")
        return Interface("pub", "public", addresses, gateway), None, _hosts(addresses)
    # IPv4 only, as behind most NATs. The address outside is the one that the edge has where there is no NAT.
    nat = Nat(inside=f"192.0.2.{16 * number}/28", outside=f"203.0.113.{16 * number + 2}")
    uplink = Interface("pub", "public", (f"192.0.2.{16 * number + 2}/28",), (f"192.0.2.{16 * number + 1}/28",))
    return uplink, nat, (nat.outside,)


def _vm(name, cloud, management, addresses, gateway, vapp):
    return Machine(
        name=f"{name}-{cloud}",
        cloud=cloud,
        kind="member",
        gateways=_hosts(gateway),
        vapp=vapp,
        variables={"vcc_address": list(_hosts(addresses))},
        interfaces=(Interface("eth0", "vapp" if vapp else "org", addresses), _management(management)),
    )


def _management(number):
    return Interface("mgmt", "mgmt", (f"172.16.0.{number}/24",))


def _number(cloud):
    return CLOUDS.index(cloud)


def _host(address):
    return address.partition("/")[0]


def _hosts(addresses):
    return tuple(_host(address) for address in addresses)
