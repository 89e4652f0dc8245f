# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whom a member asks for names: systemd-resolved asks the site's edge for the VPN's domain and addresses, and for no
others (resolvectl(1), *split DNS*).

The settings belong to the device that leads to the edge. A device that has DNS servers or domains already is left as
it is: resolved takes all servers of a device for equal, and would ask the edge for everything. A device that is given
some later is given back. Where resolved does not run, nothing is touched.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection
from dataclasses import dataclass
from typing import NamedTuple

from ..document import Change, Document
from ..kernel import ip
from ..part import Part
from ..system import systemd
from ..system.run import CommandError, have, run
from . import networkd, zones

SERVICE = "systemd-resolved.service"
NOTE = "resolver"  # in what is noted of the node (Store.own): {device: its servers, its domains, and below}
UNUSED = "="  # before a DNS server of a DHCP lease that networkd does not use


@dataclass(frozen=True)
class Link:
    """What resolved knows of a device. ``default``: whether it asks there for what no other device is for."""

    servers: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    default: bool = False

    def __str__(self) -> str:
        return f"DNS {' '.join(self.servers)}, domains {' '.join(self.domains)}" if self.servers else ""


class _Comparison(NamedTuple):
    """Devices to set, each with how it is and shall be; those to give back; those that others have set, each with what
    is theirs; and those of them where ours is to be taken back."""

    differ: dict[str, tuple[Link, Link]]
    over: list[str]
    foreign: dict[str, Link]
    yielded: list[str]


class Resolver(Part):
    """The document's `names`, of a member."""

    name = "resolver"

    @property
    def _noted(self) -> dict[str, list[str]]:
        return dict(self.store.owned(NOTE) or {})

    @property
    def _entries(self) -> list[Document]:
        """Of the document's names those that the edge is asked for."""
        return [entry for entry in self.want.listed("names") if entry.get("servers")]

    @property
    def _asked(self) -> bool:
        """Whether there is anything to look at."""
        return bool(self._entries or self._noted) and systemd.active(SERVICE) and have("resolvectl")

    def _wanted(self) -> dict[str, Link]:
        """Devices with what they shall have. A server that no device leads to yet is left out."""
        entries: dict[str, list[Document]] = {}
        for entry in self._entries:
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

    def _compare(self) -> _Comparison:
        found = _Comparison({}, [], {}, [])
        if not self._asked:
            return found
        wanted, noted = self._wanted(), self._noted
        for device in sorted({*wanted, *noted}):
            is_, be, known = loaded(device), wanted.get(device), noted.get(device, [])
            others = _others(is_, known, be)
            # What networkd had already when ours were set, it does not want.
            waiting = tuple(one for one in networkd.servers(device) if known and f"{UNUSED}{one}" not in known)
            if others.servers or others.domains or waiting:
                found.foreign.update({device: Link(waiting or others.servers, others.domains)} if be else {})
                if known and (is_ != others or waiting or not is_.default):
                    found.yielded.append(device)
            elif be is None:
                found.over.extend([device] if is_.servers else [])
            elif (is_.servers, {*is_.domains}, is_.default) != (be.servers, {*be.domains}, be.default):
                found.differ.update({} if networkd.is_busy(device) else {device: (is_, be)})
        return found

    def notes(self) -> list[str]:
        """Devices that are left as they are."""
        domains = ", ".join(entry["domain"] for entry in self._entries)
        return [
            f"{device} has DNS {_what(link)}, and is left so: "
            f"for names in {domains}, have your resolver ask the edge (docs/names.md)"
            for device, link in self._compare().foreign.items()
        ]

    def changes(self) -> list[Change]:
        """Devices to set and to give back."""
        found = self._compare()
        changes = [
            Change(self.name, f"set DNS of {device}", str(is_), str(be)) for device, (is_, be) in found.differ.items()
        ]
        back = [*found.over, *found.yielded]
        return changes + [Change(self.name, f"revert DNS of {device}", str(loaded(device)), "") for device in back]

    def build(self) -> None:
        """Set."""
        for device, (_found, link) in self._compare().differ.items():
            unused = [f"{UNUSED}{server}" for server in networkd.servers(device)]
            words, noted = [*link.servers, *link.domains, *unused], self._noted
            if noted.get(device) != words:
                self.store.own(NOTE, {**noted, device: words})
            # Domains first: with servers alone, the device would be asked for everything.
            run("resolvectl", "default-route", device, "no")
            run("resolvectl", "domain", device, *link.domains)
            run("resolvectl", "dns", device, *link.servers)

    def clear(self) -> None:
        """Give back."""
        if not self._asked:
            return
        found, noted = self._compare(), self._noted
        for device in found.over:
            run("resolvectl", "revert", device)
        for device in found.yielded:
            self._yield(device, noted[device])
        wanted = self._wanted()
        kept = {device: words for device, words in noted.items() if device in wanted and device not in found.yielded}
        if kept != noted:
            self.store.own(NOTE, kept or None)

    def _yield(self, device: str, known: Collection[str]) -> None:
        """Take back what is ours of a device that others have set as well. What they have set stays."""
        found = loaded(device)
        others = _others(found, known, None)
        if not (others.servers or others.domains):  # theirs show when ours are gone
            run("resolvectl", "revert", device)
            return
        if others.servers != found.servers:
            run("resolvectl", "dns", device, *(others.servers or [""]))
        if others.domains != found.domains:
            run("resolvectl", "domain", device, *(others.domains or [""]))
        run("resolvectl", "default-route", device, "yes")


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


def _others(found: Link, known: Collection[str], wanted: Link | None) -> Link:
    """What others have set of a device: all that is neither known as ours nor wanted."""
    ours = {*known, *(wanted.servers if wanted else ()), *(wanted.domains if wanted else ())}
    # Earlier notes have no domains: they went with the servers.
    domains = () if known and not any(word.startswith("~") for word in known) else found.domains
    servers = tuple(server for server in found.servers if server not in ours)
    return Link(servers, tuple(domain for domain in domains if domain not in ours), found.default)


def _what(link: Link) -> str:
    """What others have set of a device, in words."""
    what = "servers" if link.servers else "domains"
    return f"{what} of its own ({' '.join(link.servers or link.domains)})"
