# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Packages as an inventory of real commands: ansible-inventory lists them, and a VPN with their VMs is planned."""

from __future__ import annotations

import base64
import datetime
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._base.problems import Problems
from ansible_collections.intercloud.vpn.plugins.module_utils._ovf.catalog import Catalog, Seen, publish
from ansible_collections.intercloud.vpn.plugins.module_utils._ovf.publication import read_publication
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils._ovf.packages import (
    archive,
    envelope,
    vendor,
    vm,
    whole,
)
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils.landscapes import Hosts, World, addresses

KINDS = ("vcc_nodes", "org_edges", "vapp_edges", "members")
ROOT = Path(__file__).resolve().parents[2]
FLEET = """
vcc_server:
  hosts: {localhost: {ansible_connection: local, ansible_python_interpreter: "{{ ansible_playbook_python }}"}}
vcc_nodes: {hosts: {node-east: , node-west: }}
org_edges:
  vars: {vcc_org_address: [10.10.0.1], vcc_org_network: [10.10.0.0/24]}
  hosts: {edge-east: {vcc_public_address: [203.0.113.2]}, edge-west: {vcc_public_address: [203.0.113.18]}}
cloud_east: {hosts: {node-east: , edge-east: }}
cloud_west: {hosts: {node-west: , edge-west: }}
all:
  vars:
    vcc_org: acme
"""
PACKAGES = """
plugin: intercloud.vpn.ovf
org: acme
packages:
  - {path: vcloud.ova, cloud: east}
  - {path: "*er.ova", cloud: west, networks: {lan: org}}
strict: true
compose: {ansible_host: "(vcc_address | default(vcc_org_address))[0]"}
groups: {vendor_acme: "ovf_properties.get('owner') == 'acme'"}
"""
EVIL = "{{ lookup('pipe', 'touch PWNED') }}"


@pytest.fixture
def fleet(tmp_path: Path) -> Path:
    owner = '<ProductSection><Property ovf:key="owner" ovf:value="acme"/></ProductSection>'
    evil = f'<ProductSection><Property ovf:key="motd" ovf:value="{EVIL}"/></ProductSection>'
    other = whole({"other.ovf": envelope(vm("mail", "10.10.0.41", more=owner + evil))}, "other")
    archive(tmp_path / "vcloud.ova", vendor("vcloud"))
    archive(tmp_path / "other.ova", other)
    (tmp_path / "fleet.ovf.yml").write_text(PACKAGES, encoding="utf-8")
    (tmp_path / "hosts.yml").write_text(FLEET, encoding="utf-8")
    return tmp_path


def run(fleet: Path, *command: str) -> subprocess.CompletedProcess[str]:
    settings = {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_STDOUT_CALLBACK": "default"}
    return subprocess.run(
        command, env={**os.environ, **settings}, cwd=fleet, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        check=False, timeout=120,
    )  # fmt: skip


def read(text: str) -> dict[str, Any]:
    """What ansible-inventory lists. From 2.19 on, it marks texts that are no templates, in whatever inventory."""
    listed: dict[str, Any] = json.loads(text, object_hook=lambda found: found.get("__ansible_unsafe", found))
    return listed


def inventory(fleet: Path) -> dict[str, Any]:
    done = run(fleet, "ansible-inventory", "-i", "fleet.ovf.yml", "-i", "hosts.yml", "--list")
    assert done.returncode == 0, done.stderr
    return read(done.stdout)


def facts(listed: dict[str, Any]) -> Hosts:
    """The hosts as the planner reads them."""
    hosts: Hosts = {}
    for group, said in listed.items():
        for name in said.get("hosts", ()) if group in KINDS or group.startswith("cloud_") else ():
            variables = {key: value for key, value in listed["_meta"]["hostvars"][name].items() if key[:4] == "vcc_"}
            one = hosts.setdefault(name, {"kinds": [], "clouds": [], "vars": variables})
            one["kinds" if group in KINDS else "clouds"].append(group.removeprefix("cloud_"))
    return hosts


def test_the_vms_of_packages_are_planned(fleet: Path) -> None:
    listed = inventory(fleet)
    assert {
        group: sorted(listed[group]["hosts"]) for group in ("members", "vapp_edges", "vapp_shop", "vendor_acme")
    } == {
        "members": ["db", "mail", "web"],
        "vapp_edges": ["shop"],
        "vapp_shop": ["db", "web"],
        "vendor_acme": ["mail"],
    }
    web = listed["_meta"]["hostvars"]["web"]
    assert (web["ansible_host"], web["vcc_vapp"], web["vcc_org"]) == ("192.168.1.100", "shop", "acme")
    world = World(facts(listed), groups={group: listed[group]["hosts"] for group in ("vapp_shop", "vendor_acme")})
    plan = world.plan({"name": "payroll", "pool": "internal", "members": ["vapp_shop", "vendor_acme"]})
    assert sorted(addresses(plan, "payroll")) == ["db", "mail", "web"]
    assert plan.documents["shop"]["role"] == "vapp_edge"
    # A template that a stranger wrote is a text, whoever reads it.
    assert listed["_meta"]["hostvars"]["mail"]["ovf_properties"]["motd"] == EVIL
    assert not (fleet / "PWNED").exists()


def test_packages_that_must_not_be_used_are_no_inventory(fleet: Path) -> None:
    """One was changed, one would take hosts of the inventory. All is told at once, and no host is changed."""
    path = fleet / "vcloud.ova"
    path.write_bytes(path.read_bytes().replace(b"192.168.1.100", b"192.168.1.101", 1))
    archive(fleet / "other.ova", whole({"other.ovf": envelope(vm("edge-west"), vm("old", "10.10.0.41"))}, "other"))
    (fleet / "fleet.ovf.yml").write_text(PACKAGES + "joins: [old]\n", encoding="utf-8")
    with (fleet / "hosts.yml").open("a", encoding="utf-8") as file:
        file.write("members: {hosts: {old: {vcc_address: 10.10.0.40}}}\n")
    done = run(fleet, "ansible-inventory", "-i", "hosts.yml", "-i", "fleet.ovf.yml", "--list")
    said = " ".join(done.stderr.split())
    assert "3 mistakes in packages, which were not used" in said
    assert "vcloud.ovf is not the file that the manifest was made of" in said
    assert "VirtualSystem[edge-west]: edge-west is in org_edges of the inventory; set names or suffix" in said
    assert "the inventory has another vcc_address for old: ['10.10.0.40'], and not ['10.10.0.41']; correct one" in said
    found = read(done.stdout)["_meta"]["hostvars"]
    assert "web" not in found and "vcc_address" not in found["edge-west"]
    assert found["old"]["vcc_address"] == "10.10.0.40"


def test_a_vm_with_the_name_of_a_group_does_not_set_the_groups_variables(fleet: Path) -> None:
    """Ansible looks for a group first: the VM's ansible_host would be that of all hosts in the group."""
    archive(fleet / "other.ova", whole({"other.ovf": envelope(vm("cloud_west", "10.10.0.41"))}, "other"))
    done = run(fleet, "ansible-inventory", "-i", "hosts.yml", "-i", "fleet.ovf.yml", "--list")
    said = " ".join(done.stderr.split())
    assert "VirtualSystem[cloud_west]: cloud_west is a group of the inventory; set names or suffix" in said
    assert "ansible_host" not in read(done.stdout)["_meta"]["hostvars"]["edge-west"]


def test_the_file_of_authorities_is_beside_the_inventory_wherever_a_run_begins(fleet: Path) -> None:
    (fleet / "fleet.ovf.yml").write_text(
        "plugin: intercloud.vpn.ovf\ncloud: east\npackages: [signed.ova]\nverify: signed\ntrusted: authorities.pem\n",
        encoding="utf-8",
    )
    files = whole({"signed.ovf": envelope(vm("web"))}, "signed")
    archive(fleet / "signed.ova", {**files, "signed.cert": b""})
    (fleet / "elsewhere").mkdir()
    done = run(fleet / "elsewhere", "ansible-inventory", "-i", str(fleet / "fleet.ovf.yml"), "--list")
    assert f"{fleet}/authorities.pem:cannotberead" in "".join(done.stderr.split())  # which has lines of a width


@pytest.mark.thorough("test_the_vms_of_packages_are_planned; unit tests write and read a vApp")
def test_a_vapp_of_the_example_is_exported_and_read(tmp_path: Path) -> None:
    export = (
        "ansible-playbook", "-i", str(ROOT / "inventories/example"), "intercloud.vpn.export_ovf",
        f"-evcc_ledger=sqlite:///{tmp_path}/ledger.sqlite", f"-evcc_state_dir={tmp_path}/state",
        "-evcc_export_vapp=shop-berlin", "-evcc_export_dir=packages",
    )  # fmt: skip
    done = run(tmp_path, *export)
    assert done.returncode == 0, done.stdout + done.stderr
    (tmp_path / "shop.ovf.yml").write_text(
        "plugin: intercloud.vpn.ovf\ncloud: oslo\npackages: [packages]\n", encoding="utf-8"
    )
    listed = read(run(tmp_path, "ansible-inventory", "-i", "shop.ovf.yml", "--list").stdout)
    found = listed["_meta"]["hostvars"]
    assert (found["web-berlin"]["vcc_address"], found["web-berlin"]["vcc_vapp"]) == (["192.168.1.11"], "shop-berlin")
    assert found["shop-berlin"]["vcc_vapp_network"] == ["192.168.1.0/24"]
    again = run(tmp_path, *export)
    assert "changed=0" in again.stdout, again.stdout
    refused = run(tmp_path, *export[:-2])
    assert refused.returncode == 2 and "-e vcc_export_vapp=NAME says which vApp is exported" in refused.stdout


def test_what_an_organization_published_is_an_inventory(fleet: Path) -> None:
    problems = Problems()
    path = fleet / "vcloud.ova"
    found = read_publication(str(path), "/", None, False, datetime.datetime.now(datetime.timezone.utc), problems)
    assert found is not None, list(problems)
    seen = Seen(found.version, 1, "ann", "today", found.files, dict(found.texts))
    Catalog(str(fleet / "state")).change("acme", "shop", lambda entry: publish(entry, seen, ["node-east"]))
    path.unlink()
    (fleet / "fleet.ovf.yml").write_text(
        "plugin: intercloud.vpn.ovf\ncatalog:\n"
        "  - {directory: state, organization: acme, templates: all, cloud: east}\n",
        encoding="utf-8",
    )
    web = inventory(fleet)["_meta"]["hostvars"]["web"]
    assert (web["vcc_vapp"], web["vcc_org"]) == ("shop", "acme")
    index = fleet / "state/published/acme/shop.json"
    texts = json.loads(index.read_text())
    evil = found.texts["vcloud.ovf"].replace(b"192.168.1.100", b"192.168.1.101")
    texts["seen"]["texts"]["vcloud.ovf"] = base64.b64encode(evil).decode()
    index.write_text(json.dumps(texts))
    done = run(fleet, "ansible-inventory", "-i", "fleet.ovf.yml", "-i", "hosts.yml", "--list")
    assert "is not the file that was published; publish it again" in " ".join(done.stderr.split())
    assert "web" not in read(done.stdout)["_meta"]["hostvars"]
