# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run on a VCC node is given of the hosts' variables, and what it is not."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleError

from ansible_collections.intercloud.vpn.plugins.plugin_utils import _cloud_files

JUMP = "-o ProxyJump=node-east"


class HostVars(dict[str, Any]):
    """As much of Ansible's as is read: here, nothing has to be templated."""

    def raw_get(self, name: str) -> Any:
        return self[name]


def inventory(node: str = "node-east", **variables: Any) -> Any:
    hosts = HostVars({"node-east": {"ansible_host": "10.0.0.1"}, "edge-east": variables})
    groups = {"all": [*hosts], "org_edges": ["edge-east", "edge-west"], "vcc_nodes": ["node-east"], "vcc_server": ["x"]}
    task_vars = {"hostvars": hosts, "groups": groups}
    return _cloud_files._inventory(node, [*hosts], task_vars)["all"]


def test_what_it_reads_goes_along_and_nothing_else() -> None:
    """Seen: the ledger's URL with the password of its database, and everybody's intent."""
    secret = {
        "vcc_ledger": "postgresql://vcc:secret@db/vcc",
        "vcc_vpns": [{"name": "payroll"}],
        "vcc_psk": "a key of an external edge",
        "vcc_server_plan": {},
        "org_edge_state_dir": "/var/lib/intercloud-vpn",
        "ansible_facts": {},
        "other": 1,
    }
    read = {"vcc_org": "acme", "org_edge_backend": "xfrm", "ansible_password": "p", "ansible_become": True}
    found = inventory(**secret, **read)
    assert found["hosts"]["edge-east"] == {**read, **_cloud_files.DIRECTLY}
    assert found["hosts"]["node-east"]["ansible_connection"] == "local"
    assert {name: [*group["hosts"]] for name, group in found["children"].items()} == {
        "org_edges": ["edge-east"],
        "vcc_nodes": ["node-east"],
        "vcc_server": ["node-east"],
    }


def test_the_controllers_jump_host_stays_behind() -> None:
    there = {"ansible_host": "172.16.0.2"}
    found = inventory(ansible_ssh_common_args=JUMP, ansible_host="1.2.3.4", vcc_from_node=there)["hosts"]["edge-east"]
    assert (found["ansible_host"], found["ansible_ssh_common_args"]) == ("172.16.0.2", "")
    with pytest.raises(AnsibleError, match=r"hosts\.edge-east\.vcc_from_node"):
        inventory(vcc_from_node="172.16.0.2")


def test_no_template_is_found_in_a_value() -> None:
    """A password that looks like one was written so on purpose."""
    text = _cloud_files._plain("a{{ b }}'")
    (packed,) = re.findall(r"^\{\{ '([A-Za-z0-9+/=]+)' \| b64decode \}\}$", text)
    assert b64decode(packed).decode() == "a{{ b }}'"
    assert _cloud_files._plain({"a": [1, None, True, "b"]}) == {"a": [1, None, True, "b"]}


def test_the_collection_goes_along_without_the_lab(tmp_path: Path) -> None:
    hosts = HostVars({"node-east": {}})
    _cloud_files.lay_out(tmp_path, "node-east", ["node-east"], {"hostvars": hosts, "groups": {}})
    here = tmp_path / "project/collections/ansible_collections/intercloud/vpn"
    assert (here / "playbooks/part_apply.yml").is_file()
    assert (here / "plugins/module_utils/_node/commit.py").is_file()
    assert not (here / "roles/lab").exists() and not (here / "tests").exists()
    assert all(path.exists() for path in here.rglob("*"))
    inventory_file = tmp_path / "inventory/cloud.json"
    assert json.loads(inventory_file.read_text())["all"]["hosts"]["node-east"]["ansible_connection"] == "local"
    assert inventory_file.stat().st_mode & 0o777 == 0o600
