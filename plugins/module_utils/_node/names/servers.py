# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The name servers that an org edge runs for a document: one dnsmasq per VPN that has names, and what each reads.

Each answers for two names of its own, which say what it has loaded: a digest of its configuration, and one of its
hosts.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from ..document import Document, Generation, sha256
from . import zones

HOME = "/etc/intercloud-vpn-names"
UNIT = "intercloud-vpn-names@"
TTL = 30  # seconds that a member may remember an answer: a name that is gone is gone everywhere by then


@dataclass(frozen=True)
class Server:
    """One dnsmasq, of a VPN's entry in a document."""

    entry: Document

    @property
    def vpn(self) -> str:
        """Its name, too."""
        return str(self.entry["name"])

    @property
    def address(self) -> str:
        """Where it listens: the edge's own address in the VPN."""
        return str(self.entry["edge_address"])

    @property
    def domain(self) -> str:
        """That it answers for."""
        return str(self.entry["names"]["domain"])

    @property
    def unit(self) -> str:
        """Its systemd service."""
        return unit(self.vpn)

    @property
    def config(self) -> str:
        """The file with its configuration. A change of it needs a restart."""
        return f"{HOME}/{self.vpn}.conf"

    @property
    def hosts(self) -> str:
        """The file with its names. It is alone in a directory, which dnsmasq watches."""
        return f"{HOME}/{self.vpn}/hosts"

    @cached_property
    def files(self) -> dict[str, str]:
        """What it reads, by path."""
        config, hosts = self._config, self._hosts
        return {
            self.config: f"{config}host-record={self._mark(config)},0.0.0.0\n",
            self.hosts: f"{hosts}0.0.0.0 {self._mark(hosts)}\n",
        }

    @property
    def marks(self) -> dict[str, str]:
        """By path, the name that it knows when it has loaded the file."""
        return {self.config: self._mark(self._config), self.hosts: self._mark(self._hosts)}

    @cached_property
    def _config(self) -> str:
        served = [self.domain, *zones.reverse(self.entry["blocks"])]
        return "".join(
            f"{line}\n"
            for line in (
                f"# Made by intercloud.vpn; changes are lost. Names of VPN {self.vpn}.",
                "port=53",
                f"listen-address={self.address}",
                # Not bind-dynamic: it closes TCP connections that come in by another device than lo, which has the
                # address. Where the address is not there yet, systemd starts it again until it is.
                "bind-interfaces",
                "no-resolv",  # whatever is not in the zones below is refused
                "no-poll",
                "no-hosts",
                "no-ident",
                f"hostsdir={HOME}/{self.vpn}",
                *(f"local=/{zone}/" for zone in served),
                f"local-ttl={TTL}",
                "cache-size=0",
                "log-facility=-",
                "pid-file",
                "user=root",  # systemd starts it as a user without rights: it has nobody to become
                "group=root",
            )
        )

    @cached_property
    def _hosts(self) -> str:
        lines = [f"{address} {name}.{self.domain}\n" for name, address in sorted(self.entry["names"]["hosts"].items())]
        return f"# Made by intercloud.vpn; changes are lost.\n{''.join(lines)}"

    def _mark(self, text: str) -> str:
        return f"_{sha256(text)[:32]}.{self.domain}"


def unit(vpn: str) -> str:
    """The systemd service of a VPN's server."""
    return f"{UNIT}{vpn}.service"


def servers(generation: Generation) -> dict[str, Server]:
    """All that an edge runs for a generation, by VPN."""
    return {vpn["name"]: Server(vpn) for vpn in generation.listed("vpns") if vpn.get("names")}
