# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the filter `carve` is asked for: names and prefix lengths, in each form that a playbook may write them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.intercloud.vpn.plugins.module_utils._base.prefix import BITS
from ansible_collections.intercloud.vpn.plugins.module_utils._base.problems import Problems, unknown_keys
from ansible_collections.intercloud.vpn.plugins.module_utils._plan.pool.blocks import Wanted, length_for_hosts
from ansible_collections.intercloud.vpn.plugins.plugin_utils._address_plan import number

NAMELESS = ""
"""The name of all that is requested without names."""

MOST = 65_536
"""So many blocks one request can ask for. More of them than anybody can use would fill the controller's memory."""


def nameless(requests: Any) -> bool:
    """Whether it is a list of prefix lengths."""
    return isinstance(requests, (list, tuple)) and bool(requests) and not isinstance(requests[0], Mapping)


def asked(requests: Any, family: int, found: Problems) -> tuple[list[Wanted], set[str]]:
    """What is requested, in its order; and the names that get a list."""
    wanted: list[Wanted] = []
    lists: set[str] = set()
    names: dict[str, str] = {}
    for name, place, value in _requests(requests, found):
        if name in names:
            also = "as a number and as a text" if names[name] == place else f"also by {names[name]}"
            found.add(place, f"{name} is requested twice, {also}")
            continue
        names[name] = place
        lengths = _lengths(value, family, place, found)
        if isinstance(value, (list, tuple)) or (isinstance(value, Mapping) and "count" in value):
            lists.add(name)
        wanted += [Wanted(name, index, length) for index, length in enumerate(lengths)]
    return wanted, lists


def _requests(requests: Any, found: Problems) -> list[tuple[str, str, Any]]:
    """Name, place and value of each request."""
    if isinstance(requests, Mapping):
        return [(str(name), f"requests.{name}", value) for name, value in requests.items()]
    if nameless(requests):
        return [(NAMELESS, "requests", requests)]
    if not isinstance(requests, (list, tuple)):
        found.add("requests", "must be a mapping of names to prefix lengths, a list of mappings, or of prefix lengths")
        return []
    entries = []
    for index, request in enumerate(requests):
        place = f"requests[{index}]"
        if not isinstance(request, Mapping) or not str(request.get("name") or ""):
            found.add(place, "must be a mapping with a name, and either a length or hosts")
            continue
        rest = {key: value for key, value in request.items() if key != "name"}
        entries.append((str(request["name"]), place, rest))
    return entries


def _lengths(value: Any, family: int, place: str, found: Problems) -> list[int]:
    """The prefix lengths that one request asks for."""
    if isinstance(value, (list, tuple)):
        some = [number(one, f"{place}[{at}]", found, most=BITS[family]) for at, one in enumerate(value)]
    elif isinstance(value, Mapping):
        unknown_keys(value, ("length", "hosts", "count"), place, found)
        if ("length" in value) == ("hosts" in value):
            found.add(place, "must have either a length or hosts")
            return []
        count = number(value.get("count", 1), f"{place}.count", found, least=1, most=MOST)
        if "length" in value:
            length = number(value["length"], f"{place}.length", found, most=BITS[family])
        else:
            length = _for_hosts(value["hosts"], family, f"{place}.hosts", found)
        some = [length] * (count or 1)
    else:
        some = [number(value, place, found, most=BITS[family])]
    return [length for length in some if length is not None]


def _for_hosts(value: Any, family: int, place: str, found: Problems) -> int | None:
    hosts = number(value, place, found)
    try:
        return None if hosts is None else length_for_hosts(family, hosts)
    except ValueError as error:
        found.add(place, str(error))
        return None
