# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A vApp that is written as a package and read again: the same hosts, groups and plan."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization

from ansible_collections.intercloud.vpn.plugins.module_utils._base.coerce import host_variables
from ansible_collections.intercloud.vpn.plugins.module_utils._ovf.certificate import sign_manifest
from ansible_collections.intercloud.vpn.plugins.module_utils._ovf.errors import PackageError
from ansible_collections.intercloud.vpn.plugins.module_utils._ovf.facts import Hosts as Found
from ansible_collections.intercloud.vpn.plugins.module_utils._ovf.vapp import Hardware, find_vapp
from ansible_collections.intercloud.vpn.plugins.module_utils._ovf.write import VERSIONS, descriptor, manifest
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils._ovf.packages import (
    Signer,
    folder,
    load,
    refusals,
)
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils.landscapes import (
    PAYROLL,
    Hosts,
    World,
    bodies,
    changed,
    lab,
)

NAME = "vapp1-west"
VAPP = (NAME, "vm1-west", "vm2-west")
HARDWARE = Hardware(2, 2048)
CHANGES: dict[str, Any] = {
    "vapp1-west": {
        "vcc_dhcp": {"range": ["192.168.1.100", "192.168.1.199"], "lease": "1h"},
        "vcc_mac": {"10.10.0.11": "02:00:5e:10:00:02", "192.168.1.1": ["02:00:5e:10:00:03"]},
    },
    "vm1-west": {"vcc_mac": ["02:00:5e:10:00:01"], "vcc_names": "hosts"},
    "vm2-west": {"vcc_member_mode": "nat", "vcc_mac": ["02:00:5e:10:00:04", "02:00:5e:10:00:05"]},
}
GROUPS = {
    "all": [*VAPP],
    "members": ["vm1-west"],
    "cloud_west": [*VAPP],
    "web_servers": ["vm1-west"],
    "old": ["vm1-east"],
}


def package(hosts: Hosts, path: Path, version: str = "1.1", vpns: Any = ()) -> Path:
    content = descriptor(find_vapp(NAME, hosts, vpns, GROUPS, HARDWARE), version)
    return folder(path, {f"{NAME}.ovf": content, f"{NAME}.mf": manifest(f"{NAME}.ovf", content)})


def facts(found: Found) -> Hosts:
    """As the planner reads hosts."""
    return {
        name: {
            "kinds": [host.kind],
            "clouds": [host.cloud],
            "vars": host_variables({key: value for key, value in host.variables.items() if key.startswith("vcc_")}),
        }
        for name, host in found.hosts.items()
    }


@pytest.mark.parametrize("version", VERSIONS)
def test_the_same_hosts_and_the_same_plan(version: str, tmp_path: Path) -> None:
    hosts = changed(lab(), CHANGES)
    before = World(hosts).plan(PAYROLL)
    found = load(package(hosts, tmp_path, version, before.vpns), cloud="west", org="acme", macs=True)
    again = {name: facts for name, facts in copy.deepcopy(hosts).items() if name not in VAPP}
    again.update(facts(found))
    assert again == hosts
    after = World(again).plan(PAYROLL)
    assert bodies(after) == bodies(before) and after.diff == before.diff


def test_link_layer_addresses_are_taken_only_where_they_are_wanted_and_are_some(tmp_path: Path) -> None:
    hosts = changed(lab(), CHANGES)
    there = load(package(hosts, tmp_path), cloud="west").hosts.values()
    assert not any("vcc_mac" in host.variables for host in there)
    wrong = changed(lab(), {"vm1-west": {"vcc_mac": ["02:00:5e:10:00:01", "{{ evil }}"]}})
    (said,) = refusals(package(wrong, tmp_path), cloud="west")
    assert 'its property intercloud.vpn.vcc_mac: \'["02:00:5e:10:00:01", "{{ evil }}"]\' is not made of' in said


def test_the_vapp_in_another_cloud(tmp_path: Path) -> None:
    """The package does not say which cloud, so its importer does; a suffix renames the hosts and their vApp."""
    hosts = lab()
    found = load(package(hosts, tmp_path), cloud="east", org="acme", suffix="-moved")
    there = {name: facts for name, facts in hosts.items() if name not in VAPP}
    there.update(facts(found))
    there["vapp1-west-moved"]["vars"]["vcc_org_address"] = ["10.10.0.77"]  # a free one in its new cloud
    plan = World(there).plan({**PAYROLL, "members": ["vm1-west-moved", "vm3-west"]})
    assert {member["name"]: member["cloud"] for member in plan.vpns[0]["members"]} == {
        "vm1-west-moved": "east",
        "vm3-west": "west",
    }


def test_what_the_vpns_say_of_the_vms(tmp_path: Path) -> None:
    hosts = lab()
    plan = World(hosts).plan(PAYROLL)
    found = load(package(hosts, tmp_path, vpns=plan.vpns), cloud="west")
    one, two = (found.hosts[name].variables for name in ("vm1-west", "vm2-west"))
    assert one["ovf_vpns"] == {
        "payroll": {
            "organization": "acme",
            "pool": "internal",
            "topology": "mesh",
            "blocks": "100.64.0.0/24",
            "address": "100.64.0.81",
        }
    }
    assert two["ovf_vpns"] == {}
    assert (one["ovf_groups"], two["ovf_groups"]) == (["web_servers"], [])
    assert found.hosts["vm1-west"].groups == ("vapp_vapp1_west",)


def test_another_organizations_vpn_is_not_told(tmp_path: Path) -> None:
    hosts = lab()
    plan = World(hosts).plan(PAYROLL)
    other = [{**vpn, "organization": "umbra"} for vpn in plan.vpns]
    assert b"payroll" not in package(hosts, tmp_path, vpns=other).read_bytes()


def test_the_same_vapp_is_the_same_package(tmp_path: Path) -> None:
    hosts = lab()
    shuffled = dict(reversed(hosts.items()))
    one, two = package(hosts, tmp_path / "1").read_bytes(), package(shuffled, tmp_path / "2").read_bytes()
    assert one == two
    assert b"2048 MiB of memory" in one and b"2 virtual CPUs" in one


def test_texts_that_xml_would_take_for_its_own(tmp_path: Path) -> None:
    hosts = changed(lab(), {"vm1-west": {"vcc_names": '<hosts> & "resolver"\n\''}})
    found = load(package(hosts, tmp_path), cloud="west")
    assert found.hosts["vm1-west"].variables["vcc_names"] == '<hosts> & "resolver"\n\''


def test_a_vapp_that_is_none() -> None:
    hosts = changed(lab(), {"vm1-west": None, "vm2-west": None})
    for name, message in (
        ("vapp1-wets", "vapps: vapp1-wets is in no group vapp_edges; did you mean vapp1-west?"),
        ("edge-west", "vapps: edge-west is in no group vapp_edges"),
        ("vapp1-west", "vapps: vapp1-west has no VMs: no host in members has vcc_vapp: vapp1-west"),
    ):
        with pytest.raises(PackageError, match=f"^{message.replace('?', '.')}"):
            find_vapp(name, hosts, (), {}, HARDWARE)


def test_a_signed_package_is_taken_by_who_trusts_the_signer(tmp_path: Path) -> None:
    signer, other = Signer("vendor"), Signer("other")
    path = package(lab(), tmp_path)
    key = signer.key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    summed = (tmp_path / f"{NAME}.mf").read_bytes()
    (tmp_path / f"{NAME}.cert").write_bytes(sign_manifest(f"{NAME}.mf", summed, key, signer.pem))
    for trusted, taken in ((signer, True), (other, False)):
        (tmp_path / "trusted.pem").write_bytes(trusted.pem)
        said = refusals(path, cloud="west", verify="signed", trusted=str(tmp_path / "trusted.pem"))
        assert (said == []) is taken
    with pytest.raises(PackageError, match="must have, first, the certificate of the key"):
        sign_manifest(f"{NAME}.mf", summed, key, other.pem)
