# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""INTENT, on the controller: one host's variables, and the addresses that Ansible reaches it by."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping
from typing import Any

from ansible.errors import AnsibleError

# Each may name a jump host: -o ProxyJump=root@192.0.2.10, -J [2001:db8::10]:22, ProxyCommand="ssh -W %h:%p 192.0.2.10".
JUMPS = ("ansible_ssh_common_args", "ansible_ssh_extra_args", "ansible_ssh_args")
_ADDRESSES = re.compile(
    r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.])"
    r"|(?<=\[)[0-9A-Fa-f:.]{2,}(?=\])"
    r"|(?<=[@=, ])[0-9A-Fa-f]*:[0-9A-Fa-f:]+(?=[, \"]|$)"
)


class HostReader:
    """Reads a host's variables. Most are plain, and need no templating, which is dear in a large fleet."""

    def __init__(self, hostvars: Any, name: str) -> None:
        self._hostvars, self._name = hostvars, name
        self._raw: Mapping[str, Any] = hostvars.raw_get(name)
        self._templating: Mapping[str, Any] | None = None

    def __iter__(self) -> Iterable[str]:
        return iter(self._raw)

    def __contains__(self, variable: str) -> bool:
        return variable in self._raw

    def says_the_same(self, other: HostReader, variable: str) -> bool:
        """Whether a variable that both have is written alike."""
        return bool(self._raw[variable] == other._raw[variable])

    def get(self, variable: str) -> Any:
        """The value of a variable that is there. AnsibleError if it cannot be found out."""
        value = self._raw[variable]
        if is_plain(value):
            return value
        if self._templating is None:
            self._templating = self._hostvars[self._name]
        return self._templating[variable]

    def management(self) -> dict[str, list[str]]:
        """The addresses that Ansible reaches the host by, by the variable that says so. Names say nothing here."""
        found = {}
        try:
            target = self.get("ansible_host") if "ansible_host" in self else self._name
        except AnsibleError:  # which ends the run where the host is reached
            target = ""
        if _is_address(str(target)):
            found["ansible_host"] = [str(target)]
        for variable in JUMPS:
            # As it is written: what a template makes of it is the address of a host of the inventory.
            text = self._raw.get(variable)
            addresses = [one for one in _ADDRESSES.findall(text) if _is_address(one)] if isinstance(text, str) else []
            if addresses:
                found[variable] = sorted(set(addresses))
        return found


def is_plain(value: Any) -> bool:
    """Whether a value is what it says: there is nothing to template."""
    if isinstance(value, (list, tuple)):
        return all(map(is_plain, value))
    if isinstance(value, str):
        return "{{" not in value and "{%" not in value and "{#" not in value
    return isinstance(value, (bool, int, float, type(None)))


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
