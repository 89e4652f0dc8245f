# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run on a VCC node is given: this collection, an inventory of the cloud's hosts, and what the run is to read.

It is laid out as ansible-runner has it (https://ansible.readthedocs.io/projects/runner/en/stable/intro/).
"""

from __future__ import annotations

import re
import shutil
from base64 import b64encode
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from ansible import constants as C
from ansible.errors import AnsibleError

from ansible_collections.intercloud.vpn.plugins.module_utils._base.whole_files import make_directory
from ansible_collections.intercloud.vpn.plugins.module_utils._intent.variables import OF_HOSTS
from ansible_collections.intercloud.vpn.plugins.plugin_utils._host_reader import HostReader, is_plain
from ansible_collections.intercloud.vpn.plugins.plugin_utils._plan_file import keep

COLLECTION = Path(__file__).resolve().parents[2]
FOLDERS = ("meta", "playbooks", "plugins", "roles")
# The lab is of no use there, nor is the link by which a checkout finds itself.
LEFT_OUT = ("__pycache__", "collections", "lab", "lab_*.yml")
FROM_NODE = "vcc_from_node"
# A jump host of the controller's is in these, more often than not.
DIRECTLY = {"ansible_ssh_common_args": "", "ansible_ssh_extra_args": ""}
# What the run there reads of a host, and no more: a ledger's URL may have a password, an intent is everybody's.
OURS = frozenset((*OF_HOSTS, "vcc_backend", "vcc_confirm_timeout", "vcc_link_timeout", "vcc_allow_older")) - {"vcc_psk"}
OF_ROLES = re.compile(r"(org_edge|vapp_edge|member|vcc_node)_(?!documents|state_dir|vcc_server|signed)\w+")
CONNECTION = re.compile(
    r"ansible_(host|port|user|password|connection|remote_\w+|private_key_file|ssh_\w+|become\w*|python_interpreter"
    r"|pipelining|timeout|control_path\w*|shell_\w+|host_key_\w+)"
)


def lay_out(directory: Path, node: str, hosts: Collection[str], task_vars: Mapping[str, Any]) -> None:
    """Write the inventory and the collection. AnsibleError where a host's variables cannot be found out."""
    make_directory(directory / "inventory", 0o700)
    keep(directory / "inventory" / "cloud.json", _inventory(node, hosts, task_vars))
    here = directory / "project/collections/ansible_collections/intercloud/vpn"
    make_directory(here, 0o700)
    for folder in FOLDERS:
        ignore = shutil.ignore_patterns(*LEFT_OUT)
        shutil.copytree(COLLECTION / folder, here / folder, symlinks=True, ignore=ignore)
    for file in ("galaxy.yml", "MANIFEST.json"):
        if (COLLECTION / file).is_file():
            shutil.copy(COLLECTION / file, here / file)


def say(directory: Path, variables: Mapping[str, Any], options: Iterable[str], environment: Mapping[str, str]) -> None:
    """Write what the run is told: extra variables, options of the command, environment."""
    make_directory(directory / "env", 0o700)
    keep(directory / "env/extravars", variables)
    keep(directory / "env/envvars", {"ANSIBLE_FORKS": str(C.DEFAULT_FORKS), **environment})
    (directory / "project/ansible.cfg").write_text("[defaults]\n", encoding="utf-8")
    (directory / "env/cmdline").write_text(" ".join(options), encoding="utf-8")


def _inventory(node: str, hosts: Collection[str], task_vars: Mapping[str, Any]) -> dict[str, Any]:
    """The hosts as the VCC node sees them, as Ansible's YAML inventories have it, with all groups."""
    here = {host: _variables(host, node, task_vars) for host in sorted(hosts)}
    groups = {
        str(group): {"hosts": {name: {} for name in map(str, names) if name in here}}
        for group, names in task_vars["groups"].items()
        if group not in ("all", "ungrouped", "vcc_server")
    }
    return {"all": {"hosts": here, "children": {**groups, "vcc_server": {"hosts": {node: {}}}}}}


def _variables(host: str, node: str, task_vars: Mapping[str, Any]) -> dict[str, Any]:
    reader = HostReader(task_vars["hostvars"], host)
    found = {name: _plain(reader.get(name)) for name in reader if _is_read(name)}
    if host == node:
        return {**found, "ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
    there = reader.get(FROM_NODE) if FROM_NODE in reader else {}
    if not isinstance(there, Mapping):
        raise AnsibleError(f"hosts.{host}.{FROM_NODE}: must be variables with their values, as seen from {node}")
    return {**found, **DIRECTLY, **_plain(there)}


def _is_read(name: str) -> bool:
    return name in OURS or bool(OF_ROLES.fullmatch(name) or CONNECTION.fullmatch(name))


def _plain(value: Any) -> Any:
    """A value as JSON has it, that no template is found in: it was templated here."""
    if isinstance(value, Mapping):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(entry) for entry in value]
    if value is None or isinstance(value, (bool, int, float)):
        return value
    text = str(value)  # one out of a vault, or a date, is one by that
    if is_plain(text):
        return text
    return f"{{{{ '{b64encode(text.encode()).decode()}' | b64decode }}}}"
