# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the kernel's addresses, devices and routes, and changes them in batches."""

from __future__ import annotations

import contextlib
import ipaddress
import json
import threading
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from .. import part
from ..system.run import CommandError, have, run

Json = dict[str, Any]

_once = threading.local()


@contextlib.contextmanager
def reading_once() -> Iterator[None]:
    """Ask the kernel each question once, for a block that changes nothing: subsystems that compare ask the same.

    Not in the resident agent, which has time and is to be small: with 1,000 routes, the answers take 4 MB.
    """
    before = getattr(_once, "answers", None)
    if not part.RESIDENT:
        _once.answers = {} if before is None else before
    try:
        yield
    finally:
        _once.answers = before


def _read(*argv: str) -> list[Json]:
    if not have("ip"):
        return []
    answers = getattr(_once, "answers", None)
    text = answers.get(argv) if answers is not None else None
    if text is None:
        text = run("ip", "-j", *argv)
        if answers is not None:
            answers[argv] = text
    return [entry for entry in json.loads(text or "[]") if entry]


def addresses() -> dict[str, list[str]]:
    """Every device with its addresses, each with its prefix length."""
    found: dict[str, list[str]] = {}
    for link in _read("addr", "show"):
        held = [entry for entry in link.get("addr_info", []) if "local" in entry]
        found[link["ifname"]] = [f"{entry['local']}/{entry['prefixlen']}" for entry in held]
    return found


def exists(device: str) -> bool:
    """Whether there is such a device."""
    return (Path("/sys/class/net") / device).exists()


def all_links() -> list[Json]:
    """Every device."""
    return _read("link", "show")


def links(kind: str) -> dict[str, Json]:
    """Devices of a kind (`xfrm`, `tun`) by name."""
    try:
        return {link["ifname"]: link for link in _read("-d", "link", "show", "type", kind)}
    except CommandError:  # an iproute2 that does not know them has none
        return {}


def routes(family: int, *selector: str) -> list[Json]:
    """Routes of the main table. A destination `default` is written out as a prefix."""
    try:
        found = _read(f"-{family}", "route", "show", *selector)
    except CommandError:
        if family == 6:  # IPv6 can be switched off
            return []
        raise
    for route in found:
        if route.get("dst") == "default":
            route["dst"] = "0.0.0.0/0" if family == 4 else "::/0"
    return found


def has_rule(priority: int, table: int) -> bool:
    """Whether IPv4 has a rule with a priority that looks at a table."""
    found = _read("-4", "rule", "show")
    return any(one.get("priority") == priority and str(one.get("table")) == str(table) for one in found)


def neighbours() -> dict[tuple[str, str], str]:
    """The permanent entries of the neighbour table: (address, device) -> link-layer address."""
    found = {}
    for number in (4, 6):
        with contextlib.suppress(CommandError):  # IPv6 can be switched off
            for entry in _read(f"-{number}", "neigh", "show", "nud", "permanent"):
                found[entry["dst"], entry["dev"]] = str(entry.get("lladdr", "")).lower()
    return found


class Lookup:
    """Where addresses inside are, by the main table. A default route leads there only by a device of `inside`."""

    def __init__(self, inside: Collection[str]) -> None:
        self._routes: dict[int, dict[int, dict[int, Json]]] = {4: {}, 6: {}}
        for number in (4, 6):
            for route in sorted(routes(number), key=lambda one: int(one.get("metric", 0)), reverse=True):
                network = ipaddress.ip_network(route["dst"])
                if "dev" in route and (network.prefixlen or route["dev"] in inside):
                    by_length = self._routes[number].setdefault(network.prefixlen, {})
                    by_length[int(network.network_address)] = route

    def find(self, address: str) -> tuple[str, str]:
        """The device that leads to an address, and the router; both empty if nothing does."""
        wanted = ipaddress.ip_address(address)
        for length in sorted(self._routes[wanted.version], reverse=True):
            bits = wanted.max_prefixlen - length
            route = self._routes[wanted.version][length].get(int(wanted) >> bits << bits)
            if route is not None:
                return str(route["dev"]), str(route.get("gateway", ""))
        return "", ""


def device_to(gateway: str) -> str:
    """The device of the network that a gateway is on; empty if it is on none."""
    try:
        found = _read(f"-{ipaddress.ip_address(gateway).version}", "route", "get", gateway)
    except CommandError:
        return ""
    return str(found[0].get("dev", "")) if found and "gateway" not in found[0] else ""


def batch(family: int, commands: list[str]) -> None:
    """Run `ip` commands in one process. One that fails keeps none of the others: a route less is better than none."""
    if commands:
        run("ip", "-force", f"-{family}", "-batch", "-", stdin="".join(f"{command}\n" for command in commands))


def family(prefix: str) -> int:
    """4 or 6."""
    return ipaddress.ip_interface(prefix).version


def on_link(held: dict[str, list[str]], gateway: str) -> bool:
    """Whether a gateway can be reached without another gateway."""
    wanted = ipaddress.ip_address(gateway)
    for device in held.values():
        for text in device:
            interface = ipaddress.ip_interface(text)
            if interface.version == wanted.version and wanted in interface.network and wanted != interface.ip:
                return True
    try:
        found = _read(f"-{wanted.version}", "route", "get", gateway)
    except CommandError:
        return False
    return bool(found) and "gateway" not in found[0] and found[0].get("type", "unicast") == "unicast"
