# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One fleet, and what each cloud's inventory plugin would say of it: variables of the shape that the plugin makes.

Written by reading the plugins of the versions in plugins.json. Of the many things that they say, those that an
inventory may use, and some more.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

Vars = dict[str, Any]


@dataclass(frozen=True)
class Machine:
    """An instance. ``addresses`` are private, one list per interface."""

    name: str
    tags: Mapping[str, str]
    addresses: Sequence[Sequence[str]]
    public: str | None = None
    state: str = "running"
    """running | stopped | deleting"""
    serial: int = 0
    """Instances of one name differ in it."""

    @property
    def number(self) -> int:
        """What ids are made of."""
        return zlib.crc32(f"{self.name}/{self.serial}".encode())

    @property
    def flat(self) -> list[str]:
        return [address for some in self.addresses for address in some]

    def but(self, **tags: str | None) -> Machine:
        """The same with other tags; None takes one away."""
        changed = {**self.tags, **{tag.replace("_", "-"): value for tag, value in tags.items()}}
        return replace(self, tags={tag: value for tag, value in changed.items() if value is not None})


@dataclass
class Fleet:
    machines: list[Machine] = field(default_factory=list)

    def changed(self, name: str, change: Callable[[Machine], Machine]) -> Fleet:
        return Fleet([change(one) if one.name == name else one for one in self.machines])

    def with_more(self, *machines: Machine) -> Fleet:
        return Fleet([*self.machines, *machines])

    def machine(self, name: str) -> Machine:
        return next(one for one in self.machines if one.name == name)


def fleet() -> Fleet:
    """Two clouds with the same private networks, as in inventories/example, and a machine that is none of ours."""
    found = [Machine("billing", {"team": "finance"}, [["10.20.0.5"]])]
    for prefix, cloud in (("192.0.2", "berlin"), ("198.51.100", "oslo")):  # of RFC 5737
        here = {"vcc-cloud": cloud}
        found += [
            Machine(f"node-{cloud}", {"vcc-role": "vcc_node", **here}, [["10.10.0.9"]], f"{prefix}.10"),
            Machine(
                f"edge-{cloud}",
                {
                    "vcc-role": "org_edge",
                    "vcc-org-network": "10.10.0.0/24, fd10:10::/64",
                    "vcc-underlay-mtu": "1450",
                    "vcc-mlkem": "Yes",
                    **here,
                },
                [["172.16.0.2"], ["10.10.0.10", "fd10:10::10"]],
                f"{prefix}.20",
            ),
            Machine(
                f"shop-{cloud}",
                {"vcc-role": "vapp_edge", "vcc-vapp-network": "192.168.1.0/24", "team": "shop", **here},
                [["10.10.0.11"], ["192.168.1.10"]],
            ),
            Machine(f"web-{cloud}", {"vcc-role": "member", "vcc-vapp": f"shop-{cloud}", **here}, [["192.168.1.20"]]),
        ]
    found.append(Machine("db-oslo", {"vcc-role": "member", "vcc-cloud": "oslo"}, [["10.10.0.13"]], state="stopped"))
    return Fleet([one if "vcc-role" not in one.tags else one.but(vcc_name=one.name) for one in found])


def _split(addresses: Sequence[str]) -> tuple[list[str], list[str]]:
    return [one for one in addresses if ":" not in one], [one for one in addresses if ":" in one]


def _mac(machine: Machine, index: int) -> str:
    return "02:00:{:02x}:{:02x}:{:02x}:{:02x}".format(*(machine.number + index).to_bytes(5, "big")[1:])


def aws(machine: Machine) -> Vars:
    interfaces = []
    for index, addresses in enumerate(machine.addresses):
        four, six = _split(addresses)
        interfaces.append(
            {
                "attachment": {"device_index": index, "status": "attached", "network_card_index": 0},
                "ipv6_addresses": [{"ipv6_address": one, "is_primary_ipv6": False} for one in six],
                "mac_address": _mac(machine, index),
                "network_interface_id": f"eni-{machine.number + index:017x}",
                "private_ip_address": four[0],
                "private_ip_addresses": [{"primary": one == four[0], "private_ip_address": one} for one in four],
                "source_dest_check": False,
            }
        )
    zone = "eu-north-1a" if machine.name.endswith("oslo") else "eu-central-1a"
    states = {"running": "running", "stopped": "stopped", "deleting": "shutting-down"}
    return {
        "architecture": "x86_64",
        "instance_id": f"i-{machine.number:017x}",
        "instance_type": "t3.small",
        "network_interfaces": interfaces[::-1],  # in no order
        "placement": {"availability_zone": zone, "region": zone[:-1], "tenancy": "default"},
        "private_ip_address": _split(machine.addresses[0])[0][0],
        **({"public_ip_address": machine.public} if machine.public else {}),
        "public_dns_name": "",
        "state": {"code": 16, "name": states[machine.state]},
        "tags": {"Name": f"asg-{machine.name}", **machine.tags},
    }


def azure(machine: Machine) -> Vars:
    states = {"running": "running", "stopped": "deallocated", "deleting": "running"}
    group = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/fleet/providers/"
    return {
        "computer_name": machine.name,
        "default_inventory_hostname": f"{machine.name}_{machine.number & 0xFFFF:04x}",
        "id": f"{group}Microsoft.Compute/virtualMachines/{machine.name}-{machine.serial}",
        "location": "northeurope",
        "mac_address": [_mac(machine, index).upper().replace(":", "-") for index in range(len(machine.addresses))],
        "name": f"{machine.name}-{machine.serial}",
        "network_interface": [f"{machine.name}-nic{index}" for index in range(len(machine.addresses))],
        "os_profile": {"system": "linux"},
        "powerstate": states[machine.state],
        "private_ipv4_addresses": machine.flat,
        "provisioning_state": "deleting" if machine.state == "deleting" else "succeeded",
        "public_ip_address": [],
        "public_ipv4_address": [machine.public] if machine.public else [],
        "resource_group": "fleet",
        "tags": dict(machine.tags),
        "vmid": f"{machine.number:08x}-0000-4000-8000-000000000000",
    }


def gcp(machine: Machine) -> Vars:
    interfaces = []
    for index, addresses in enumerate(machine.addresses):
        four, six = _split(addresses)
        public = machine.public if index == 0 else None
        interfaces.append(
            {
                "kind": "compute#networkInterface",
                "name": f"nic{index}",
                "network": {
                    "name": f"net{index}",
                    "region": "global",
                    "selfLink": "https://www.googleapis.com/compute/v1/…",
                },
                "networkIP": four[0],
                **(
                    {"accessConfigs": [{"name": "external-nat", "natIP": public, "type": "ONE_TO_ONE_NAT"}]}
                    if public
                    else {}
                ),
                **({"ipv6Address": six[0]} if six else {}),
            }
        )
    # Values of labels are lower-case letters, digits, - and _.
    labels = {tag: value for tag, value in machine.tags.items() if not set(value) & set("./:, ") and value.islower()}
    states = {"running": "RUNNING", "stopped": "TERMINATED", "deleting": "STOPPING"}
    return {
        "canIpForward": True,
        "id": str(machine.number),
        **({"labels": labels} if labels else {}),
        "machineType": "e2-small",
        "metadata": {
            "enable-oslogin": "TRUE",
            **{tag: value for tag, value in machine.tags.items() if tag not in labels},
        },
        "name": f"{machine.name}-{machine.number & 0xFFFF:04x}",
        "networkInterfaces": interfaces,
        "project": "my-project",
        "status": states[machine.state],
        "zone": "europe-north1-a",
    }


def openstack(machine: Machine) -> Vars:
    networks: dict[str, list[Vars]] = {}
    for index, addresses in enumerate(machine.addresses):
        said = [(address, "fixed") for address in addresses]
        said += [(machine.public, "floating")] if machine.public and index == 0 else []
        networks[f"net{index}"] = [
            {
                "OS-EXT-IPS-MAC:mac_addr": _mac(machine, index),
                "OS-EXT-IPS:type": kind,
                "addr": address,
                "version": 6 if ":" in address else 4,
            }
            for address, kind in said
        ]
    states = {"running": "ACTIVE", "stopped": "SHUTOFF", "deleting": "ACTIVE"}
    return {
        "addresses": networks,
        "availability_zone": "nova",
        "cloud": {"name": "mycloud", "region": "RegionOne"},
        "flavor": {"name": "m1.small", "vcpus": 1},
        "id": f"{machine.number:08x}-0000-4000-8000-000000000000",
        "image": {"id": "b0c5"},
        "metadata": {tag: value for tag, value in machine.tags.items() if tag != "vcc-name"},
        "name": machine.tags.get("vcc-name", machine.name),
        "status": states[machine.state],
    }


def vmware(machine: Machine) -> Vars:
    # vSphere knows no public address, and no address at all of a VM that is off.
    tags = {tag: value for tag, value in machine.tags.items() if tag != "vcc-name"}
    if machine.public and tags.get("vcc-role") == "org_edge":
        tags.update({"vcc-public-address": machine.public, "vcc-behind-nat": "Forwarded"})
    if machine.state != "running" and tags.get("vcc-role") == "member":
        tags["vcc-address"] = ",".join(machine.flat)
    nets = [
        {
            "connected": True,
            "deviceConfigId": 4000 + index,
            "ipAddress": [*addresses, f"fe80::{index + 1}"],
            "macAddress": _mac(machine, index),
            "network": f"net{index}",
        }
        for index, addresses in enumerate(machine.addresses)
    ]
    return {
        "config": {
            "extraConfig": [
                {"key": "nvram", "value": "vm.nvram"},
                {"key": "guestinfo.vcc-role", "value": "org_edge"},
                *({"key": tag, "value": value} for tag, value in tags.items()),
            ],
            "guestId": "debian12_64Guest",
            "instanceUuid": f"{machine.number:08x}-0000-4000-8000-000000000000",
            "template": False,
        },
        "guest": {"net": nets if machine.state == "running" else []},
        "moid": f"vm-{machine.number}",
        "name": machine.tags.get("vcc-name", machine.name),
        "summary": {"runtime": {"powerState": "poweredOn" if machine.state == "running" else "poweredOff"}},
    }


CLOUDS: dict[str, tuple[str, Callable[[Machine], Vars]]] = {
    "aws_ec2": ("amazon.aws.aws_ec2", aws),
    "azure_rm": ("azure.azcollection.azure_rm", azure),
    "gcp_compute": ("google.cloud.gcp_compute", gcp),
    "openstack": ("openstack.cloud.openstack", openstack),
    "vmware": ("vmware.vmware.vms", vmware),
}
"""Each folder of inventories/examples: its plugin, and what that says of a machine."""
