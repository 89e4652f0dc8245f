# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whom a member asks for names: systemd-resolved asks the site's edge for the VPN's domain and addresses, and for no
others (resolvectl(1), *split DNS*).

The settings belong to the device that leads to the edge. A device that has DNS servers already is left as it is:
resolved takes all servers of a device for equal, and would ask the edge for everything. Where resolved does not run,
nothing is touched.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from ..document import Change, Document
from ..kernel import ip
from ..part import Part
from ..system import systemd
from ..system.run import CommandError, have, run
from . import zones

SERVICE = "systemd-resolved.service"
NOTE = "resolver"  # in what is noted of the node (Store.own): {device: its servers}


@dataclass(frozen=True)
class Link:
    """What resolved knows of a device. ``default``: whether it asks there for what no other device is for."""

    servers: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    default: bool = False

    def __str__(self) -> str:
        return f"DNS {' '.join(self.servers)}, domains {' '.join(self.domains)}" if self.servers else ""


class Resolver(Part):
    """The document's `names`, of a member."""

    name = "resolver"

    @property
    def _noted(self) -> dict[str, list[str]]:
        return dict(self.store.owned(NOTE) or {})

    @property
    def _asked(self) -> bool:
        """Whether there is anything to look at."""
        return bool(self.want.listed("names") or self._noted) and systemd.active(SERVICE) and have("resolvectl")

    def _wanted(self) -> dict[str, Link]:
        """Devices with what they shall have. A server that no device leads to yet is left out."""
        entries: dict[str, list[Document]] = {}
        for entry in self.want.listed("names"):
            for device in {ip.device_to(gateway) for gateway in self._gateways(entry)} - {""}:
                entries.setdefault(device, []).append(entry)
        return {
            device: Link(
                tuple(sorted({server for entry in some for server in entry["servers"]})),
                tuple(
                    f"~{zone}" for entry in some for zone in sorted([entry["domain"], *zones.reverse(entry["blocks"])])
                ),
            )
            for device, some in entries.items()
        }

    def _gateways(self, entry: Document) -> list[str]:
        """By which gateways the document leads to an entry's servers."""
        servers = [ipaddress.ip_address(text) for text in entry["servers"]]
        return [
            str(route["via"])
            for route in self.want.listed("routes")
            if route.get("via") and any(server in ipaddress.ip_network(route["prefix"]) for server in servers)
        ]

    def _compare(self) -> tuple[dict[str, tuple[Link, Link]], list[str], dict[str, Link]]:
        """Devices to set, each with how it is and shall be; those to give back; those that others have set."""
        if not self._asked:
            return {}, [], {}
        wanted, noted = self._wanted(), self._noted
        differ, foreign = {}, {}
        for device, link in wanted.items():
            found = loaded(device)
            if found.servers and not set(found.servers) <= {*link.servers, *noted.get(device, ())}:
                foreign[device] = found
            elif (found.servers, set(found.domains), found.default) != (link.servers, set(link.domains), link.default):
                differ[device] = found, link
        over = [d for d, servers in noted.items() if d not in wanted and servers == list(loaded(d).servers)]
        return differ, over, foreign

    def notes(self) -> list[str]:
        """Devices that are left as they are."""
        domains = ", ".join(entry["domain"] for entry in self.want.listed("names"))
        return [
            f"{device} has DNS servers of its own ({' '.join(link.servers)}), and is left so: "
            f"for names in {domains}, have them ask the edge (docs/names.md)"
            for device, link in self._compare()[2].items()
        ]

    def changes(self) -> list[Change]:
        """Devices to set and to give back."""
        differ, over, _foreign = self._compare()
        found = [Change(self.name, f"set DNS of {device}", str(is_), str(be)) for device, (is_, be) in differ.items()]
        return found + [Change(self.name, f"revert DNS of {device}", str(loaded(device)), "") for device in over]

    def build(self) -> None:
        """Set."""
        for device, (_found, link) in self._compare()[0].items():
            noted = self._noted
            if noted.get(device) != list(link.servers):
                self.store.own(NOTE, {**noted, device: list(link.servers)})
            # Domains first: with servers alone, the device would be asked for everything.
            run("resolvectl", "default-route", device, "no")
            run("resolvectl", "domain", device, *link.domains)
            run("resolvectl", "dns", device, *link.servers)

    def clear(self) -> None:
        """Give back."""
        if not self._asked:
            return
        for device in self._compare()[1]:
            run("resolvectl", "revert", device)
        kept = {device: servers for device, servers in self._noted.items() if device in self._wanted()}
        if kept != self._noted:
            self.store.own(NOTE, kept or None)


def loaded(device: str) -> Link:
    """What resolved says of a device; nothing of one that is not there."""
    try:
        servers, domains, default = (_said(what, device) for what in ("dns", "domain", "default-route"))
    except CommandError:
        return Link()
    return Link(tuple(sorted(servers)), tuple(domains), default == ["yes"])


def _said(what: str, device: str) -> list[str]:
    """After `Link 2 (eth0):`."""
    return run("resolvectl", what, device).partition("):")[2].split()
