# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tunnels of kind ssl as a document has them: which OpenVPN processes an edge runs, with which files and devices.

The end that initiates a tunnel runs a client of its own for it. The other end's tunnels share one server per transport,
and each peer has a file there that says what lives behind it.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..document import Document, Generation

KIND = "ssl"
HOME = "/etc/openvpn/intercloud-vpn"
PEERS = f"{HOME}/peers"
REVOKED = f"{HOME}/revoked"
ADDRESSED = f"{HOME}/addresses-certified"  # while all authorities certify addresses: a peer without any is not let in
SOCKETS = "/run/intercloud-vpn/ssl"
USER = "intercloud-vpn"  # whom OpenVPN becomes; see user.py
# Directories of that user, in one of root's: what is in them is the user's to change, where they are is not.
ARRIVALS = "/run/intercloud-vpn/ssl-peers"
NEWS = "/run/intercloud-vpn/ssl-news"  # a file for each peer that came and that the agent has not looked at
TRANSPORTS = ("udp", "tcp")
_NOBODY = "\nuser nobody\ngroup nogroup\n"  # in generations from before there was that user
# Of the files that were rendered for a generation: openvpn.<process>.conf and openvpn.peer.<identity>
PREFIX, PEER = "openvpn.", "openvpn.peer."


@dataclass(frozen=True)
class Process:
    """One OpenVPN process of an edge: a client has one tunnel, a server all that come by its transport."""

    name: str
    device: str
    tunnels: tuple[Document, ...]
    transport: str = ""
    """Of a server."""

    @property
    def unit(self) -> str:
        """Its systemd service."""
        return f"intercloud-vpn-ssl@{self.name}.service"

    @property
    def config(self) -> str:
        """Its file."""
        return f"{HOME}/{self.name}.conf"

    @property
    def key(self) -> str:
        """The file with the key that its control channel is wrapped in; only root reads it."""
        return f"{HOME}/{self.name}.key"

    @property
    def tls_crypt(self) -> bool:
        """Whether it has such a key: generations from before there was one have none."""
        return any(tunnel["ssl"].get("tls_crypt") for tunnel in self.tunnels)

    @property
    def socket(self) -> str:
        """Where it can be asked."""
        return f"{SOCKETS}/{self.name}.socket"

    @property
    def mtu(self) -> int:
        """Of its device: what the widest of its links carries."""
        return max(int(link["mtu"]) for tunnel in self.tunnels for link in tunnel["links"])


def tunnels(generation: Generation) -> list[Document]:
    """The document's tunnels of this kind."""
    return generation.tunnels(KIND)


def processes(generation: Generation) -> dict[str, Process]:
    """All processes that an edge runs for a generation, by name."""
    found = {}
    for tunnel in tunnels(generation):
        if tunnel["initiator"]:
            found[tunnel["name"]] = Process(tunnel["name"], tunnel["ssl"]["device"], (tunnel,))
    for transport in TRANSPORTS:
        served = tuple(t for t in tunnels(generation) if not t["initiator"] and transport in t["ssl"]["ports"])
        if served:
            name = f"server-{transport}"
            found[name] = Process(name, server_device(transport), served, transport)
    return found


def server_device(transport: str) -> str:
    """The device of the server of a transport."""
    return f"vcs-{transport}"


def device(tunnel: Document, arrivals: Mapping[str, str]) -> str:
    """The device by which a tunnel's peer is reached. ``arrivals``: see `Store.arrivals`."""
    if tunnel["initiator"]:
        return str(tunnel["ssl"]["device"])
    possible = [server_device(transport) for transport in TRANSPORTS if transport in tunnel["ssl"]["ports"]]
    came = arrivals.get(tunnel["remote_id"], "")
    return came if came in possible else possible[0]


def networks(tunnel: Document) -> list[str]:
    """What lives behind a tunnel's peer, whatever VPN it is of, as few prefixes, sorted."""
    every = [ipaddress.ip_network(text) for link in tunnel["links"] for text in link["remote_ts"]]
    four = ipaddress.collapse_addresses(n for n in every if isinstance(n, ipaddress.IPv4Network))
    six = ipaddress.collapse_addresses(n for n in every if isinstance(n, ipaddress.IPv6Network))
    return [*map(str, four), *map(str, six)]


def carries(prefixes: Sequence[str], link: Document) -> bool:
    """Whether all that is behind a link's peer is within these networks, which are what a session carries."""
    within = [ipaddress.ip_network(text) for text in prefixes]
    wanted = [ipaddress.ip_network(text) for text in link["remote_ts"]]
    return all(any(w.version == n.version and w.subnet_of(n) for n in within) for w in wanted)  # type: ignore[arg-type]


def iroutes(tunnel: Document) -> list[str]:
    """The same as OpenVPN's `iroute` has it: an IPv4 network with its mask."""
    every = [ipaddress.ip_network(text) for text in networks(tunnel)]
    return [f"{n.network_address}/{n.netmask}" if n.version == 4 else str(n) for n in every]


def files(generation: Generation) -> dict[str, str]:
    """The files of a generation, by path."""
    found = {}
    for name, text in generation.files.items():
        if tunnels(generation) and name.startswith(PREFIX):
            place = f"{PEERS}/{name[len(PEER) :]}" if name.startswith(PEER) else f"{HOME}/{name[len(PREFIX) :]}"
            found[place] = text.replace(_NOBODY, f"\nuser {USER}\ngroup {USER}\n")
    return found
