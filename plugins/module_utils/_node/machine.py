# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the machine is what its document takes it for: its addresses, its routes, the ports that it needs."""

from __future__ import annotations

from . import collisions, survey
from .bgp import sessions as bgp
from .dhcp import dnsmasq as dhcp
from .dhcp import server as dhcp_server
from .ipsec import charon
from .kernel import ip, outside, sockets
from .names import servers
from .names.query import PORT
from .part import Part
from .ssl import processes


class Machine(Part):
    """Changes nothing: it refuses a document that the machine contradicts."""

    name = "machine"

    def problems(self) -> list[str]:
        """Networks that a VPN block lies over, public addresses that are not there, ports that others hold."""
        if self.want.empty:
            return []
        owned = [str(address) for address, _device in self.store.owned("addresses") or []]
        document, had = self.want.document, self.have.document
        devices = survey.devices(owned)
        theirs = [text for device in devices.values() for text in device["addresses"]]
        found = collisions.collisions(document, had, devices, survey.routes(owned)).refused
        held = [text for texts in ip.addresses().values() for text in texts]
        for address, tunnels in collisions.missing_addresses(document, had, held).items() if held else ():
            found.append(f"tunnel {', '.join(tunnels)}: {collisions.lacking(address, theirs)}")
        return found + [f"{holder}; stop it, or have it use another port" for holder in self._holders()]

    def _holders(self) -> list[sockets.Holder]:
        found = []
        if self.want.tunnels("ipsec"):
            found += charon.strangers()
        for process in processes.processes(self.want).values():
            if process.transport:
                ports = {int(tunnel["ssl"]["ports"][process.transport]) for tunnel in process.tunnels}
                local = {str(tunnel["local_address"]) for tunnel in process.tunnels}
                found += sockets.holders(
                    [
                        one
                        for one in sockets.sockets(process.transport, ports)
                        if one.anywhere or one.address in local or collisions.ANY_ADDRESS in local
                    ],
                    ["intercloud-vpn-ssl@"],
                )
        found += self._holders_of_names()
        found += self._holders_of_published()
        if dhcp_server.served(self.want):  # at whatever address: two servers would both answer
            found += sockets.holders(sockets.sockets("udp", {dhcp.PORT}), [dhcp_server.UNIT])
        own = {one.local for one in bgp.sessions(self.want)}
        listening = sockets.sockets("tcp", {bgp.PORT}) if own else []
        mine = [one for one in listening if one.anywhere or one.address in own]
        found += sockets.holders(mine, [bgp.UNIT]) if mine else []
        return list({str(holder): holder for holder in found}.values())

    def _holders_of_names(self) -> list[sockets.Holder]:
        """Who listens where a name server is to listen."""
        own = {server.address for server in servers.servers(self.want).values()}
        if not own:
            return []
        every = [one for transport in ("udp", "tcp") for one in sockets.sockets(transport, {PORT})]
        return sockets.holders([one for one in every if one.anywhere or one.address in own], [servers.UNIT])

    def _holders_of_published(self) -> list[sockets.Holder]:
        """Who listens on a port of a public address that is to lead to a member, and does not yet."""
        found: list[sockets.Socket] = []
        for transport, port, address in outside.ports(self.want) - outside.ports(self.have):
            every = sockets.sockets(transport, {port})
            found += [one for one in every if one.anywhere or not address or one.address == address]
        return sockets.holders(found, [])
