# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who was seen at this site though the ledger has it at another one: a duplicate address, or a VM that has moved."""

from __future__ import annotations

import contextlib
import ipaddress
import json
from collections.abc import Iterator
from typing import Any

from ..document import Document, Generation
from ..system.run import CommandError, have, run
from .frames import ASTRAY, FAMILY, TABLE
from .told import Stretch, stretches


def astray(generation: Generation) -> list[Document]:
    """Each as `{vpn, mac, address, member}`: seen in the last ten minutes. `member`: whose of the two it is. Of each
    member at most one machine by IPv4, and one by IPv6 if that is another one: MACs are easily made up."""
    return [found for one in stretches(generation) if have("nft") for found in _of(one)]


def _of(one: Stretch) -> list[Document]:
    seen = {entry for name in ASTRAY for entry in _noted(f"n{one.number}_{name}")}
    if not seen:
        return []
    by_mac = {member.mac: member.host for member in one.there}
    by_address = {address: member.host for member in one.there for address in member.exclusive}
    found: dict[tuple[str, int], Document] = {}
    for mac, address in sorted(seen, key=lambda entry: (_rank(entry[1]), entry)):
        for host in filter(None, (by_mac.get(mac), by_address.get(address))):
            entry = {"vpn": one.vpn, "mac": mac, "address": address, "member": host}
            if found.get((host, 4), {}).get("mac") != mac:
                found.setdefault((host, 6 if ":" in address else 4), entry)
    return [found[key] for key in sorted(found)]


def _noted(name: str) -> Iterator[tuple[str, str]]:
    """(MAC, address) of each entry of a set."""
    listed: Any = {}
    with contextlib.suppress(CommandError, ValueError):  # the table may be about to come back
        listed = json.loads(run("nft", "-j", "list", "set", FAMILY, TABLE, name))
    for part in listed.get("nftables", []):
        for entry in part.get("set", {}).get("elem", []):
            mac, address = map(str, entry["elem"]["val"]["concat"])
            # What neighbour discovery is about comes as a number.
            yield mac, address if "." in address or ":" in address else str(ipaddress.IPv6Address(int(address, 0)))


def _rank(address: str) -> tuple[bool, bool]:
    """A machine is told by the address that people know best: IPv4, which also keeps it from being told twice."""
    return ":" in address, ipaddress.ip_address(address).is_link_local


def subject(seen: Document) -> str:
    """What one of them is about. There are not many, however many machines are seen."""
    return f"astray {seen['vpn']} {seen['member']} IPv{6 if ':' in seen['address'] else 4}"


def described(seen: Document) -> str:
    """One of them in words."""
    return (
        f"{seen['vpn']}: {seen['address']} ({seen['mac']}) was seen here, and the ledger has {seen['member']} at "
        "another site: if it moved, say so in the inventory and run create_vpn; if not, two machines have one address"
    )
