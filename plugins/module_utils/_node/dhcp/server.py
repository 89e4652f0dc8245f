# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an edge serves by DHCP, as dnsmasq reads it.

Machines are known by their link-layer addresses: those that the document has, and those that the machines told
(`neighbours.json`). One whose address nobody knows has no reservation.
"""

from __future__ import annotations

import ipaddress
import json
from collections import Counter
from typing import NamedTuple

from ..document import Document, Generation
from ..kernel import ip
from ..kernel.neighbours import FILE

KEY = "dhcp"
HOME = "/etc/intercloud-vpn-dhcp"
CONFIG = f"{HOME}/dnsmasq.conf"
UNIT = "intercloud-vpn-dhcp.service"
STATE = "/var/lib/intercloud-vpn-dhcp"
LEASES = f"{STATE}/leases"
RUNTIME = "/run/intercloud-vpn-dhcp"
LOADED = f"{RUNTIME}/dnsmasq.conf"  # what the server that runs has read: its unit copies CONFIG when it starts
# Seconds until a client asks again (T1), however long its lease is: it learns of another route, MTU or DNS server then.
# BusyBox does not hear of it, and asks after half of its lease.
RENEWAL = 300
MOST = 65536  # leases; dnsmasq's own limit is 1000
# What an option carries (RFC 2132), and what dnsmasq reads of a line (MAXDNAME): it does not start with more.
OCTETS, LINE = 255, 1000


class Reservation(NamedTuple):
    """A machine with its address. ``macs``: () if it cannot be served; then ``why`` says why not."""

    name: str
    address: str
    macs: tuple[str, ...]
    why: str
    routes: tuple[str, ...]
    mtu: int  # 0: what it has
    untold: int = 0  # routes that found no room beside those: what they lead to takes the default route


def served(generation: Generation) -> Document | None:
    """What the document says of DHCP."""
    found: Document | None = generation.document.get(KEY)
    return found or None


def reservations(generation: Generation) -> list[Reservation]:
    """The machines that the document names."""
    hosts = (served(generation) or {}).get("hosts", [])
    told = json.loads(generation.files.get(FILE) or "{}")
    macs = [_macs(host, told) for host in hosts]
    count = Counter(mac for some in macs for mac in some)
    return [_reservation(host, some, count) for host, some in zip(hosts, macs)]


def _macs(host: Document, told: dict[str, str]) -> tuple[str, ...]:
    known = [told[host["address"]]] if "mac" not in host and host["address"] in told else host.get("mac", ())
    return tuple(str(mac).lower() for mac in known)


def _reservation(host: Document, macs: tuple[str, ...], count: Counter[str]) -> Reservation:
    why = "" if macs else "its link-layer address is not known"
    shared = next((mac for mac in macs if count[mac] > 1), "")
    if shared and "mac" not in host:  # two machines that say the same: neither is believed, save by the inventory
        macs, why = (), f"another machine has its link-layer address {shared} too"
    every = [str(prefix) for prefix in host.get("routes", ())]
    routes = fitting(every)
    untold = len(every) - len(routes)
    return Reservation(str(host["name"]), str(host["address"]), macs, why, routes, int(host.get("mtu", 0)), untold)


def fitting(routes: list[str]) -> tuple[str, ...]:
    """The routes that an option has room for beside the default route, the largest networks first, in their order."""
    octets, characters, kept = 5, len("dhcp-option=tag:told65536,121,0.0.0.0/0,") + len("255.255.255.255"), set()
    for prefix in sorted(routes, key=lambda text: (int(text.partition("/")[2]), text)):
        # RFC 3442: length, what it needs of the network, router.
        octets += 1 + (int(prefix.partition("/")[2]) + 7) // 8 + 4
        characters += len(prefix) + len(",,255.255.255.255")
        if octets > OCTETS or characters > LINE:
            break
        kept.add(prefix)
    return tuple(prefix for prefix in routes if prefix in kept)


def device(generation: Generation) -> str:
    """The device that has the edge's address on the network; empty if none has."""
    wanted = str((served(generation) or {}).get("address", ""))
    # lo last: no machine is there.
    for name, held in sorted(ip.addresses().items(), key=lambda item: (item[0] == "lo", item[0])):
        if any(text.partition("/")[0] == wanted for text in held):
            return name
    return ""


def config(generation: Generation, device: str) -> str:
    """What the server on a device reads. Another one needs a restart, which takes no lease away."""
    entry = served(generation)
    if entry is None:
        return ""
    network, lease = ipaddress.ip_network(entry["network"]), int(entry["lease"])
    first, last = entry.get("range") or (network.network_address, "static")
    router = str(entry["address"])
    lines = [
        f"# Made by intercloud.vpn; changes are lost. Addresses of {network}.",
        "port=0",
        f"interface={device}",
        "bind-dynamic",  # where the device is not there yet, it waits
        "no-resolv",
        "no-hosts",
        f"dhcp-leasefile={LEASES}",
        f"dhcp-lease-max={MOST}",
        "dhcp-authoritative",
        "dhcp-broadcast",  # else it writes the neighbour table before it answers, over the permanent entries (senders)
        f"dhcp-range={first},{last},{network.netmask},{lease}",
        # Whom the server does not know it does not talk to: another server may.
        *([] if entry.get("range") else ["dhcp-ignore=tag:!known"]),
        f"dhcp-option=option:router,{router}",
        f"dhcp-option=option:T1,{min(RENEWAL, lease // 2)}",
        *([f"dhcp-option=option:dns-server,{','.join(entry['dns'])}"] if entry.get("dns") else []),
        *([f"dhcp-option=option:mtu,{entry['mtu']}"] if entry.get("mtu") else []),
        *_hosts(reservations(generation), router),
        "log-facility=-",
        "pid-file",
        "user=root",  # systemd starts it as a user without rights: it has nobody to become
        "group=root",
    ]
    return "".join(f"{line}\n" for line in lines)


def without_strangers(leases: str, generation: Generation) -> str:
    """What a server noted of its leases, without those that contradict a reservation: dnsmasq keeps an address from a
    machine that was built anew, and has another link-layer address, until the lease of the old one is over."""
    macs = {one.address: one.macs for one in reservations(generation) if one.macs}
    addresses = {mac: address for address, known in macs.items() for mac in known}

    def fits(line: str) -> bool:
        words = line.split()  # when it ends, link-layer address, address, name, client
        if len(words) < 3:
            return True
        mac, address = words[1].lower(), words[2]
        return mac in macs.get(address, (mac,)) and addresses.get(mac, address) == address

    return "".join(line for line in leases.splitlines(keepends=True) if fits(line))


def _hosts(found: list[Reservation], router: str) -> list[str]:
    """Machines that are told the same have a tag in common."""
    alike = sorted({(one.routes, one.mtu) for one in found if one.macs and (one.routes or one.mtu)})
    tags = {key: f"told{number}" for number, key in enumerate(alike, 1)}
    lines = []
    for (routes, mtu), tag in tags.items():
        # RFC 3442: whoever takes these takes no other router. 249: the same, as some versions of Windows ask for it.
        ways = ",".join(f"{prefix},{router}" for prefix in ("0.0.0.0/0", *routes))
        lines += [f"dhcp-option=tag:{tag},{option},{ways}" for option in (121, 249) if routes]
        lines += [f"dhcp-option=tag:{tag},option:mtu,{mtu}"] if mtu else []
    for one in found:
        told = tags.get((one.routes, one.mtu))
        words = [*one.macs, *([f"set:{told}"] if told else []), one.address]
        lines += [f"dhcp-host={','.join(words)}"] if one.macs else []
    return lines
