# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""INTENT, on the controller: how Ansible's ssh plugin will log in to each host, inventory and ansible.cfg together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible import constants as C
from ansible.errors import AnsibleError
from ansible.plugins.loader import connection_loader
from ansible.template import Templar

from ansible_collections.intercloud.vpn.plugins.module_utils._intent.landscape.connections import Connection

OPTIONS = (
    *("host", "port", "remote_user", "control_path", "control_path_dir"),
    *("ssh_args", "ssh_common_args", "ssh_extra_args"),
)


def read_connections(names: Iterable[str], task_vars: Mapping[str, Any]) -> dict[str, Connection]:
    """host → Connection. What cannot be read is left out: the connection itself fails for the same reason."""
    connection_loader.get("ssh", class_only=True)  # or its options are not known
    definitions = C.config.get_configuration_definitions("connection", "ssh")
    elsewhere = {name: C.config.get_config_value(name, plugin_type="connection", plugin_name="ssh") for name in OPTIONS}
    variables = {name: [entry["name"] for entry in definitions[name].get("vars", [])] for name in OPTIONS}
    found: dict[str, Connection] = {}
    for name in names:
        try:
            found[name] = _connection(_Host(task_vars["hostvars"], name), variables, elsewhere)
        except AnsibleError:
            continue
    return found


class _Host:
    """A host's variables as its connection has them: `hostvars` itself has no other hosts in its templates.

    An address of a jump is often taken from there.
    """

    def __init__(self, hostvars: Any, name: str) -> None:
        raw = hostvars.raw_get(name)
        self._raw: Mapping[str, Any] = raw
        self._templar = Templar(loader=getattr(hostvars, "_loader", None), variables={**raw, "hostvars": hostvars})

    def __contains__(self, variable: str) -> bool:
        return variable in self._raw

    def get(self, variable: str, default: Any = None) -> Any:
        return self._templar.template(self._raw[variable]) if variable in self._raw else default


def _connection(host: _Host, variables: Mapping[str, list[str]], elsewhere: Mapping[str, Any]) -> Connection:
    def option(name: str) -> str:
        given = [host.get(variable) for variable in variables[name] if variable in host]
        value = next((value for value in reversed(given) if value is not None), elsewhere[name])
        return "" if value is None else str(value)

    return Connection(
        str(host.get("ansible_connection", C.DEFAULT_TRANSPORT)),
        option("host"),
        option("port"),
        option("remote_user"),
        option("ssh_args"),
        option("ssh_common_args"),
        option("control_path"),
        option("control_path_dir"),
        option("ssh_extra_args"),
    )
