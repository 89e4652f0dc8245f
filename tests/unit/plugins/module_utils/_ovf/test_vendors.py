# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Descriptors in the shape that vendors' tools write (tests/unit/ovf) become hosts, groups and variables."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.intercloud.vpn.plugins.module_utils._ovf.facts import Hosts
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils._ovf.packages import (
    archive,
    folder,
    load,
    refusals,
    vendor,
)


def landscape(found: Hosts) -> dict[str, dict[str, object]]:
    """Of each host what the planner reads."""
    return {
        name: {"kind": host.kind, **{key: value for key, value in host.variables.items() if key.startswith("vcc_")}}
        for name, host in found.hosts.items()
    }


def test_a_vm_of_vsphere_has_the_address_of_its_property(tmp_path: Path) -> None:
    found = load(
        folder(tmp_path, vendor("vsphere", ("web-disk1.vmdk",))), networks={"VM Network": "org", "Management": "none"}
    )
    assert landscape(found) == {"web": {"kind": "members", "vcc_address": ["10.10.0.21"]}}
    web = found.hosts["web"].variables
    assert web["ovf_product"] == {"product": "Shop", "vendor": "Acme", "version": "4.2"}
    assert web["ovf_properties"] == {"ip0": "10.10.0.21", "ip1": "", "hostname": "web-large"}
    assert [nic["network"] for nic in web["ovf_nics"]] == ["VM Network", "Management"]  # by slot, not by line


def test_the_configuration_says_which_adapters_there_are(tmp_path: Path) -> None:
    package = folder(tmp_path, vendor("vsphere", ("web-disk1.vmdk",)))
    found = load(package, configuration="small", networks={"VM Network": "org"})
    assert [nic["network"] for nic in found.hosts["web"].variables["ovf_nics"]] == ["VM Network"]
    assert found.hosts["web"].variables["ovf_properties"]["hostname"] == "web"
    (said,) = refusals(package, configuration="smal", networks={"VM Network": "org"})
    assert "DeploymentOptionSection: has no configuration smal; did you mean small?" in said


def test_what_a_network_is_has_to_be_said(tmp_path: Path) -> None:
    said = refusals(folder(tmp_path, vendor("vsphere", ("web-disk1.vmdk",))))
    assert [one.partition(": what the network ")[2][:12].strip() for one in said] == ["'VM Network'", "'Management'"]
    assert "vsphere.ovf, line 13, Envelope/NetworkSection/Network[1]: " in said[0]
    assert "networks: {'VM Network': org}" in said[0]


def test_a_vapp_of_cloud_director_says_its_networks_and_addresses(tmp_path: Path) -> None:
    found = load(archive(tmp_path / "vcloud.ova", vendor("vcloud")), org="acme", macs=True)
    assert landscape(found) == {
        "web": {
            "kind": "members",
            "vcc_org": "acme",
            "vcc_vapp": "shop",
            "vcc_address": ["192.168.1.100"],
            "vcc_mac": ["00:50:56:01:02:9c"],
        },
        "db": {"kind": "members", "vcc_org": "acme", "vcc_address": ["10.10.0.31"], "vcc_mac": ["00:50:56:01:02:a1"]},
        "shop": {
            "kind": "vapp_edges",
            "vcc_org": "acme",
            "vcc_vapp_address": ["192.168.1.1"],
            "vcc_vapp_network": ["192.168.1.0/24"],
            "vcc_org_address": ["10.10.0.11"],
        },
    }
    assert {name: host.groups for name, host in found.hosts.items()} == {
        "web": ("vapp_shop",),
        "db": ("vapp_shop",),
        "shop": (),
    }


def test_virtualbox_writes_ovf_2_with_ethernet_port_items(tmp_path: Path) -> None:
    package = archive(tmp_path / "virtualbox.ova", vendor("virtualbox", ("build-disk001.vmdk",)))
    found = load(
        package,
        networks={"NAT": "none", "Internal": "vapp"},
        vapp="shop-east",
        addresses={"build": "192.168.1.12"},
        macs=True,
    )
    assert landscape(found) == {
        "build": {
            "kind": "members",
            "vcc_vapp": "shop-east",
            "vcc_address": ["192.168.1.12"],
            "vcc_mac": ["08:00:27:a1:b2:c3"],
        },
        "shop-east": {"kind": "vapp_edges"},
    }


def test_a_vm_on_a_vapps_network_without_a_vapp_is_refused(tmp_path: Path) -> None:
    package = folder(tmp_path, vendor("virtualbox", ("build-disk001.vmdk",)))
    (said,) = refusals(package, networks={"NAT": "none", "Internal": "vapp"}, addresses={"build": "192.168.1.12"})
    assert "Envelope/VirtualSystem[build]: is on a vApp's network" in said and said.endswith("say vapp")


def test_ovirts_typed_sections_are_read(tmp_path: Path) -> None:
    package = folder(tmp_path, vendor("ovirt", ("b5b0e6f0-0000-4000-8000-000000000002",)))
    found = load(package, networks={"tenants": "org"}, missing="leave", macs=True)
    assert landscape(found) == {"mail": {"kind": "members", "vcc_mac": ["56:6f:1a:2b:3c:4d"]}}
    (said,) = refusals(package, networks={"tenants": "org"})
    assert "VirtualSystem[out]: its address is not said" in said and "addresses: {mail: [ADDRESS]}" in said


def test_collections_in_collections_are_groups_in_groups(tmp_path: Path) -> None:
    found = load(folder(tmp_path, vendor("nested")), networks={"inner": "vapp"}, suffix="-east")
    assert landscape(found) == {
        "scada-east": {"kind": "members", "vcc_vapp": "plant-east", "vcc_address": ["192.168.1.11", "fd10:1::11"]},
        "plc1-east": {"kind": "members", "vcc_vapp": "plant-east", "vcc_address": ["192.168.1.21"]},
        "plant-east": {"kind": "vapp_edges"},
    }
    assert {name: group.parent for name, group in found.groups.items()} == {
        "vapp_plant_east": None,
        "vapp_plant_east_hall_1_east": "vapp_plant_east",
    }
    assert found.hosts["plc1-east"].groups == ("vapp_plant_east_hall_1_east",)
    assert found.groups["vapp_plant_east"].variables["ovf_vapp_properties"]["vami.gateway.plc1"] == "192.168.1.1"


def test_passwords_are_in_no_variable(tmp_path: Path) -> None:
    package = folder(tmp_path, vendor("vsphere", ("web-disk1.vmdk",)))
    found = load(package, networks={"VM Network": "org", "Management": "none"})
    assert found.hosts and "hidden-word" not in repr(found)
