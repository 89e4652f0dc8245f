# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""INTENT, on the controller: one host's variables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


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


def is_plain(value: Any) -> bool:
    """Whether a value is what it says: there is nothing to template."""
    if isinstance(value, (list, tuple)):
        return all(map(is_plain, value))
    if isinstance(value, Mapping):
        return all(is_plain(key) and is_plain(entry) for key, entry in value.items())
    if isinstance(value, str):
        return "{{" not in value and "{%" not in value and "{#" not in value
    return isinstance(value, (bool, int, float, type(None)))
