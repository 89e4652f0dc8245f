# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Routes. Ours have protocol 155, which tells them from everybody else's."""

from __future__ import annotations

import contextlib
import ipaddress
import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from ..document import Change, Generation
from ..part import Part
from ..ssl import processes
from ..system.run import CommandError, have
from . import ip

PROTOCOL = 155  # none of the numbers that Linux, FRR or BIRD use (rtnetlink.h: 188, for one, is OSPF)
LIBIPSEC_MTU = 1400  # of strongSwan's TUN device; longer packets would be cut off
IPV6_METRIC = 1024  # what the kernel gives an IPv6 route that names none


@dataclass(frozen=True, order=True)
class Route:
    """One route of ours, as the kernel shows it."""

    prefix: str
    metric: int = 0
    kind: str = "unicast"
    via: str = ""
    device: str = ""  # only of a route without a gateway
    source: str = ""
    mtu: int = 0

    @property
    def family(self) -> int:
        """4 or 6."""
        return 6 if ":" in self.prefix else 4

    def __str__(self) -> str:
        words = ["" if self.kind == "unicast" else self.kind, self.prefix]
        words += [f"via {self.via}"] if self.via else []
        words += [f"dev {self.device}"] if self.device else []
        words += [f"src {self.source}"] if self.source else []
        words += [f"mtu {self.mtu}"] if self.mtu else []
        words += [f"metric {self.metric}"] if self.metric else []
        return " ".join(word for word in words if word)


def wanted(
    generation: Generation,
    arrivals: Mapping[str, str] = MappingProxyType({}),
    lanes: Mapping[str, int] = MappingProxyType({}),
) -> list[Route]:
    """The routes a document asks for. ``arrivals``, ``lanes``: see `Store.arrivals`, `Store.lanes`."""
    sessions = {tunnel["name"]: tunnel for tunnel in processes.tunnels(generation)}
    widths = {process.device: process.mtu for process in processes.processes(generation).values()}
    mtus = {vpn["name"]: int(vpn.get("mtu") or 0) for vpn in generation.listed("vpns")}
    found = []
    for entry in generation.listed("routes"):
        network = ipaddress.ip_network(entry["prefix"])
        metric = int(entry.get("metric") or (0 if network.version == 4 else IPV6_METRIC))
        source = str(entry.get("source") or "")
        if entry.get("type"):
            found.append(Route(str(network), metric, entry["type"]))
        elif entry.get("via"):
            via, mtu = str(ipaddress.ip_address(entry["via"])), int(entry.get("mtu") or 0)
            found.append(Route(str(network), metric, via=via, source=source, mtu=mtu))
        elif entry.get("over"):
            # One device may serve many, so that a VPN's own, smaller limit is its routes'.
            device = processes.device(sessions[entry["over"]], arrivals)
            mtu = mtus.get(entry["tunnel"], 0)
            mtu = mtu if mtu < widths[device] else 0
            found.append(Route(str(network), metric, device=device, source=source, mtu=mtu))
        else:
            # The userspace backend has one device for all VPNs, so that a VPN's own, smaller limit is its routes'.
            mtu = mtus.get(entry["tunnel"], 0)
            if generation.backend == "xfrm" or mtu >= LIBIPSEC_MTU:
                mtu = 0
            lane = entry.get("lane", lanes.get(str(entry.get("site", "")), 0))
            device = generation.tunnel_device(entry["tunnel"], lane)
            found.append(Route(str(network), metric, device=device, source=source, mtu=mtu))
    return found


def _parse(route: dict[str, Any], family: int) -> Route:
    kind = route.get("type", "unicast")
    via = route.get("gateway", "")
    metrics = {key: value for entry in route.get("metrics", []) for key, value in entry.items()}
    return Route(
        str(ipaddress.ip_network(route["dst"])),
        int(route.get("metric", 0 if family == 4 else IPV6_METRIC)),
        kind,
        via,
        "" if via or kind != "unicast" else route.get("dev", ""),
        route.get("prefsrc", ""),
        int(metrics.get("mtu", 0)),
    )


def loaded() -> list[Route]:
    """The routes of ours that the kernel has."""
    return [_parse(route, f) for f in (4, 6) for route in ip.routes(f, "proto", str(PROTOCOL))]


class Routes(Part):
    """The document's routes that lead somewhere."""

    name = "routes"
    guard = False

    def _mine(self, routes: list[Route]) -> list[Route]:
        return [route for route in routes if (route.kind != "unicast") == self.guard]

    def _compare(self) -> tuple[list[Route], list[Route]]:
        """Routes to add (or to replace), and routes to remove."""
        # In this order: who switches lanes (lanes/) says so before it does, and is not undone by a look at the moment.
        found = self._mine(loaded())
        want = self._mine(wanted(self.want, self.store.arrivals, self.store.lanes))
        there, asked = set(found), set(want)
        add = [route for route in want if route not in there]
        taken = {(route.prefix, route.metric) for route in add}
        over = [route for route in found if route not in asked and (route.prefix, route.metric) not in taken]
        return add, over

    def problems(self) -> list[str]:
        """Next hops out of reach, and prefixes that somebody else routes already."""
        add = self._compare()[0]
        if not add or not have("ip"):
            return [] if self.check or not add else ["ip is not installed"]
        found, held = [], ip.addresses()
        for entry in self.want.listed("addresses"):
            held.setdefault("(wanted)", []).append(entry["address"])
        for route in add:
            if route.via and not ip.on_link(held, route.via):
                found.append(f"{route.prefix}: the next hop {route.via} is on no network of this node")
        ours = set(loaded())
        for family in {route.family for route in add}:
            # Not told apart by `protocol`: nodes have different names for the number.
            theirs = {_parse(route, family) for route in ip.routes(family)} - ours
            keys = {(route.prefix, route.metric) for route in theirs}
            found += [f"{r.prefix}: other software routes it already" for r in add if (r.prefix, r.metric) in keys]
        return found

    def wait(self, patience: float) -> None:
        """Wait until every next hop is in reach."""
        deadline = time.monotonic() + patience
        while self.problems() and time.monotonic() < deadline:
            time.sleep(0.2)

    def changes(self) -> list[Change]:
        """Routes to add, to replace and to remove."""
        add, over = self._compare()
        old = {(route.prefix, route.metric): route for route in self._mine(loaded())} if add else {}
        found = []
        for route in sorted(add):
            before = old.get((route.prefix, route.metric))
            found.append(Change(self.name, f"{'replace' if before else 'add'} {route}", str(before or ""), str(route)))
        return found + [Change(self.name, f"remove {route}", str(route)) for route in sorted(over)]

    def build(self) -> None:
        """Add and replace."""
        add, _over = self._compare()
        if self.boot:  # strongSwan's device is not there yet; the agent adds these when it is
            add = [route for route in add if not route.device or ip.exists(route.device)]
        for family in (4, 6):
            mine = [route for route in add if route.family == family]
            ip.batch(family, [f"route replace {route} proto {PROTOCOL}" for route in mine])

    def clear(self) -> None:
        """Remove."""
        _add, over = self._compare()
        for family in (4, 6):
            mine = [route for route in over if route.family == family]
            ip.batch(family, [f"route del {route} proto {PROTOCOL}" for route in mine])


class PresentRoutes(Routes):
    """Those of the document's routes whose device is there. What leads into one that is to come waits for it."""

    def _mine(self, routes: list[Route]) -> list[Route]:
        return [route for route in super()._mine(routes) if not route.device or ip.exists(route.device)]


class Handover(Routes):
    """Of the document's routes those to single machines, which change at the same moment as the firewall.

    When a machine moves to or from another gateway, the firewall lets pass either the old path or the new one. Packets
    that arrive between the two changes are lost. `Routes` tells of these routes, and removes them.
    """

    _ready: Mapping[int, list[str]] = MappingProxyType({})

    def _mine(self, routes: list[Route]) -> list[Route]:
        machines = [route for route in super()._mine(routes) if route.prefix.endswith(("/32", "/128"))]
        return [route for route in machines if route.via or ip.exists(route.device)]

    def changes(self) -> list[Change]:
        """None of its own."""
        return []

    def problems(self) -> list[str]:
        """None of its own."""
        return []

    def prepare(self) -> None:
        """Find out what to add and to replace: every route but those whose source address is still to come."""
        add = [] if self.boot else self._compare()[0]
        held = {one.partition("/")[0] for own in ip.addresses().values() for one in own} if add else set[str]()
        ready = [route for route in add if not route.source or route.source in held]
        self._ready = {f: [f"route replace {one} proto {PROTOCOL}" for one in ready if one.family == f] for f in (4, 6)}

    def build(self) -> None:
        """Add and replace it."""
        for family, commands in self._ready.items():
            with contextlib.suppress(CommandError):  # `Routes` adds what is missing, and says what is wrong
                ip.batch(family, commands)

    def clear(self) -> None:
        """Nothing."""


class Guards(Routes):
    """The document's blackhole routes: first to come and last to go, so that nothing leaves in clear in between."""

    guard = True

    @property
    def wanted(self) -> list[str]:
        """The routes, in words."""
        return [str(route) for route in self._mine(wanted(self.want))]


class DeviceRoutes(Routes):
    """Those of the document's routes that go when the device that they lead into goes."""

    def _mine(self, routes: list[Route]) -> list[Route]:
        return [route for route in super()._mine(routes) if route.device]
