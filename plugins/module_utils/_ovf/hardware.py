# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""OVF: a VM's network adapters, as ``Item`` (1.x) or ``EthernetPortItem`` (2.0), and as vendors add to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from .._base.problems import Problems
from .active import Active
from .descriptor import VCLOUD, Element
from .model import Network, Nic
from .vcloud import read_addresses, read_connections

ETHERNET = "10"  # CIM_ResourceAllocationSettingData.ResourceType
STORAGE = ("/disk/", "/file/")


def read_nics(
    system: Element, networks: dict[str, Network], active: Active, file: str, problems: Problems
) -> list[Nic]:
    """The NICs of a VirtualSystem, in the order of their slots. What contradicts itself is noted."""
    sections = [section for section in system.all("VirtualHardwareSection") if active(section)]
    described = [_section_nics(section, active, file, problems) for section in sections]
    for section, other in zip(sections[1:], described[1:]):
        if [nic.network for nic in other] != [nic.network for nic in described[0]]:
            problems.add(
                section.place(file),
                f"has other network adapters than the VirtualHardwareSection in line {sections[0].line}: which of them "
                "is deployed is not said",
            )
    nics = _merged(described[0] if described else [], read_connections(system, file, problems), problems)
    macs: dict[str, Nic] = {}
    for nic in nics:
        if nic.network and nic.network not in networks:
            problems.add(nic.place, f"is connected to {nic.network!r}, which no NetworkSection names")
        if nic.mac and macs.setdefault(nic.mac, nic) is not nic:
            problems.add(nic.place, f"{nic.mac} is the address of another adapter of this VM, too")
    return nics


def check_disks(
    system: Element, disks: dict[str, Element], files: dict[str, str], active: Active, file: str, problems: Problems
) -> None:
    """Note every item whose disk, or file, the descriptor does not have."""
    for section in system.all("VirtualHardwareSection"):
        for item in section.all("Item", "StorageItem"):
            resource = item.setting("HostResource")
            path = resource.partition(":")[2] if resource.startswith("ovf:") else resource
            if not active(item) or not path.startswith(STORAGE):
                continue
            kind, name = path[1:5], path[6:]
            if name not in (disks if kind == "disk" else files):
                problems.add(item.place(file), f"names the {kind} {name}, which the descriptor does not have")


def _section_nics(section: Element, active: Active, file: str, problems: Problems) -> list[Nic]:
    items = [
        item
        for item in section.all("Item", "EthernetPortItem")
        if active(item) and (item.kind == "EthernetPortItem" or item.setting("ResourceType") == ETHERNET)
    ]
    slots = [item.setting("AddressOnParent") for item in items]
    if all(slot.isascii() and slot.isdigit() and len(slot) < 9 for slot in slots) and len(set(slots)) == len(slots):
        items.sort(key=lambda item: int(item.setting("AddressOnParent")))
    return [_nic(item, file, problems) for item in items]


def _nic(item: Element, file: str, problems: Problems) -> Nic:
    connections = [one for one in item.children if one.name == "Connection"]
    if len(connections) > 1:
        problems.add(item.place(file), "is connected to several networks at once")
    if not connections:
        problems.add(item.place(file), "is a network adapter without a Connection: which network it is on is not said")
        return Nic("", item.place(file))
    connection = connections[0]
    said = {key.rpartition(" ")[2]: value for key, value in connection.attributes.items() if key.startswith(VCLOUD)}
    address = said.get("ipAddress", "")
    return Nic(
        "" if connection.text == "none" else connection.text,
        item.place(file),
        mac_of(item.setting("MACAddress", "Address")),
        read_addresses([address] if address else [], connection, file, problems),
        said.get("primaryNetworkConnection") == "true",
        item.setting("ElementName", "Name", "Caption"),
    )


def mac_of(text: str) -> str:
    """A link-layer address as Linux writes it; what is none (a slot of a controller) is left out."""
    digits = text.lower().replace(":", "").replace("-", "")
    if len(digits) != 12 or digits.strip("0123456789abcdef"):
        return ""
    return ":".join(digits[at : at + 2] for at in range(0, 12, 2))


def _merged(items: Sequence[Nic], connections: Sequence[Nic], problems: Problems) -> list[Nic]:
    """What the hardware section and the vendor's section say of the same NICs."""
    if not items or not connections:
        return list(items or connections)
    if len(items) != len(connections):
        problems.add(
            connections[0].place,
            f"the VM has {len(connections)} network connections here, and {len(items)} adapters in its hardware",
        )
        return list(items)
    merged = []
    for item, connection in zip(items, connections):
        if item.network and connection.network and item.network != connection.network:
            problems.add(
                connection.place, f"is on {connection.network}, and its adapter on {item.network} ({item.place})"
            )
        if item.mac and connection.mac and item.mac != connection.mac:
            problems.add(connection.place, f"has {connection.mac}, and its adapter {item.mac} ({item.place})")
        if item.addresses and connection.addresses and not {*item.addresses} <= {*connection.addresses}:
            problems.add(
                connection.place,
                f"has {', '.join(connection.addresses)}, and its adapter {', '.join(item.addresses)} ({item.place})",
            )
        merged.append(
            replace(
                item,
                network=connection.network and (item.network or connection.network),
                mac=item.mac or connection.mac,
                addresses=connection.addresses or item.addresses,
                primary=item.primary or connection.primary,
            )
        )
    return merged
