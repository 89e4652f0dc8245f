# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""OVF: the descriptor of a vApp: what another cloud needs to make its VMs and networks again. It has no disks.

OVF 1.1 is what most programs read; 2.0 has adapters as EthernetPortItem. What is ours is in product sections and in a
section of our own, which others leave out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from xml.sax.saxutils import escape, quoteattr

from .descriptor import OURS, SETTING
from .facts import VAPP_EDGES
from .model import ORG, VAPP
from .properties import OURS_CLASS
from .vapp import Machine, Vapp

VERSIONS = {"1.1": "http://schemas.dmtf.org/ovf/envelope/1", "2.0": "http://schemas.dmtf.org/ovf/envelope/2"}
HARDWARE = "vmx-13"  # of the VM's hardware: what vSphere 6.5 and later make
ORG_NETWORK = "org"
CPU, MEMORY, ETHERNET = 3, 4, 10  # CIM_ResourceAllocationSettingData.ResourceType


def descriptor(vapp: Vapp, version: str) -> bytes:
    """The descriptor of a vApp; the same for the same vApp."""
    return ("\n".join(_envelope(vapp, version)) + "\n").encode()


def manifest(name: str, content: bytes) -> bytes:
    """The manifest of a package that has only its descriptor, called ``name``."""
    return f"SHA256({name})= {hashlib.sha256(content).hexdigest()}\n".encode()


def _envelope(vapp: Vapp, version: str) -> Iterator[str]:
    networks = {ORG_NETWORK: ORG, vapp.name: VAPP}
    about = {ORG: "The org network", VAPP: f"The network of the vApp {vapp.name}, behind its edge"}
    yield '<?xml version="1.0" encoding="UTF-8"?>'
    yield f'<Envelope xmlns="{VERSIONS[version]}" xmlns:ovf="{VERSIONS[version]}"'
    yield f'    xmlns:rasd="{SETTING}ResourceAllocationSettingData"'
    if version == "2.0":
        yield f'    xmlns:epasd="{SETTING}EthernetPortAllocationSettingData.xsd"'
    yield f'    xmlns:vssd="{SETTING}VirtualSystemSettingData" xmlns:vcc="{OURS}">'
    yield "  <References/>"
    yield "  <NetworkSection>"
    yield "    <Info>The networks of the vApp</Info>"
    for name, kind in networks.items():
        yield f"    <Network ovf:name={quoteattr(name)}><Description>{escape(about[kind])}</Description></Network>"
    yield "  </NetworkSection>"
    yield '  <vcc:VpnSection ovf:required="false">'
    yield "    <Info>What the networks are, and the VPNs that VMs are in</Info>"
    for name, kind in networks.items():
        yield f"    <vcc:Network name={quoteattr(name)} kind={quoteattr(kind)}/>"
    for vpn in vapp.vpns:
        yield f"    <vcc:Vpn {' '.join(f'{key}={quoteattr(value)}' for key, value in vpn.items())}/>"
    yield "  </vcc:VpnSection>"
    yield f"  <VirtualSystemCollection ovf:id={quoteattr(vapp.name)}>"
    yield "    <Info>A vApp: its edge, and its VMs</Info>"
    yield f"    <Name>{escape(vapp.name)}</Name>"
    for machine in vapp.machines:
        yield from _system(machine, vapp, version)
    yield "  </VirtualSystemCollection>"
    yield "</Envelope>"


def _system(machine: Machine, vapp: Vapp, version: str) -> Iterator[str]:
    edge = machine.kind == VAPP_EDGES
    # A vApp and its edge have one name, and ids are unique.
    yield f"    <VirtualSystem ovf:id={quoteattr(f'{machine.name}.edge' if edge else machine.name)}>"
    yield f"      <Info>{'The edge of the vApp' if edge else 'A virtual machine'}</Info>"
    yield f"      <Name>{escape(machine.name)}</Name>"
    yield f'      <ProductSection ovf:class="{OURS_CLASS}" ovf:required="false">'
    yield "        <Info>What intercloud.vpn knows of it</Info>"
    for key, value in sorted(machine.said.items()):
        yield f'        <Property ovf:key={quoteattr(key)} ovf:type="string" ovf:value={quoteattr(value)}/>'
    yield "      </ProductSection>"
    yield "      <VirtualHardwareSection>"
    yield "        <Info>Virtual hardware</Info>"
    yield "        <System>"
    yield "          <vssd:ElementName>Virtual hardware family</vssd:ElementName>"
    yield "          <vssd:InstanceID>0</vssd:InstanceID>"
    yield f"          <vssd:VirtualSystemIdentifier>{escape(machine.name)}</vssd:VirtualSystemIdentifier>"
    yield f"          <vssd:VirtualSystemType>{HARDWARE}</vssd:VirtualSystemType>"
    yield "        </System>"
    cpus = {"AllocationUnits": "hertz * 10^6", "ElementName": f"{vapp.hardware.cpus} virtual CPUs"}
    memory = {"AllocationUnits": "byte * 2^20", "ElementName": f"{vapp.hardware.memory} MiB of memory"}
    yield from _item(1, CPU, {**cpus, "VirtualQuantity": str(vapp.hardware.cpus)})
    yield from _item(2, MEMORY, {**memory, "VirtualQuantity": str(vapp.hardware.memory)})
    for slot, network in enumerate([ORG_NETWORK, vapp.name] if edge else [vapp.name]):
        address = {"Address": machine.mac} if machine.mac and not edge else {}
        said = {"AddressOnParent": str(slot), "AutomaticAllocation": "true", "Connection": network}
        name = {"ElementName": f"Network adapter {slot + 1}"}
        port = version == "2.0"
        yield from _item(3 + slot, ETHERNET, {**address, **said, **name, "ResourceSubType": "VmxNet3"}, port=port)
    yield "      </VirtualHardwareSection>"
    yield "    </VirtualSystem>"


def _item(number: int, kind: int, said: dict[str, str], *, port: bool = False) -> Iterator[str]:
    """An item; its properties have to be sorted by name (DSP0243, *VirtualHardwareSection*)."""
    element, prefix = ("EthernetPortItem", "epasd") if port else ("Item", "rasd")
    yield f"        <{element}>"
    for key, value in sorted({**said, "InstanceID": str(number), "ResourceType": str(kind)}.items()):
        yield f"          <{prefix}:{key}>{escape(value)}</{prefix}:{key}>"
    yield f"        </{element}>"
