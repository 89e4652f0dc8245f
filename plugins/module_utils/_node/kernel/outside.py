# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the firewall's file leaves to the node about the way outside, as elements of the file's sets.

Those are an org edge's devices that lead there, and on a vApp edge the link-layer address of the org edge.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..document import Document, Generation
from ..system.run import CommandError
from . import ip
from .neighbours import Neighbour
from .usage import FAMILY, TABLE

EVERY_FRAME = "00:00:00:00:00:00-ff:ff:ff:ff:ff:ff"
_DEFAULT = {4: "0.0.0.0/0", 6: "::/0"}


def elements(generation: Generation, text: str, neighbours: Iterable[Neighbour]) -> str:
    """nft's commands that fill the sets of the rendered file `text`."""
    filled: dict[str, set[str]] = {}
    neighbours = list(neighbours)
    for number in sorted({int(vpn["family"]) for vpn in asking(generation)}):
        if f"set outside{number} " in text:
            filled[f"outside{number}"] = {f'"{name}"' for name in devices(generation, number)}
        if f"set uplink_frames{number} " in text:
            filled[f"uplink_frames{number}"] = _frames(neighbours, number)
    return "".join(
        f"add element {FAMILY} {TABLE} {name} {{ {', '.join(sorted(found))} }}\n"
        for name, found in sorted(filled.items())
        if found
    )


def problems(generation: Generation) -> list[str]:
    """VPNs whose members have no way outside."""
    if generation.document.get("role") != "org_edge":
        return []
    return [
        f"outside of {vpn['name']}: "
        + (
            f"no device has the address {vpn['outside']['at']}"
            if "at" in vpn["outside"]
            else "there is no default route"
        )
        for vpn in asking(generation)
        if not _devices_of(vpn)
    ]


def asking(generation: Generation) -> list[Document]:
    """The VPNs that have to do with the outside."""
    return [vpn for vpn in generation.listed("vpns") if vpn.get("outside")]


def ports(generation: Generation) -> set[tuple[str, int, str]]:
    """Transport, port and address of what an org edge publishes. Without an address: of any that is its own."""
    found = set()
    for vpn in asking(generation):
        for one in vpn["outside"].get("published", ()) if generation.document.get("role") == "org_edge" else ():
            transport, _slash, port = str(one["port"]).partition("/")
            found.add((transport, int(port), str(one.get("address", ""))))
    return found


def devices(generation: Generation, number: int) -> set[str]:
    """The devices that lead outside, of an IP version."""
    return {name for vpn in asking(generation) if vpn["family"] == number for name in _devices_of(vpn)}


def _devices_of(vpn: Document) -> set[str]:
    """The device that has the edge's public address; behind a NAT, that of the default route."""
    at, number = vpn["outside"].get("at"), int(vpn["family"])
    try:
        if at is not None:
            held = ip.addresses().items()
            return {name for name, texts in held for text in texts if text.partition("/")[0] == at}
        return {str(one["dev"]) for one in ip.routes(number) if one.get("dst") == _DEFAULT[number] and "dev" in one}
    except CommandError:  # whatever cannot be told leads nowhere: the firewall refuses it
        return set()


def _frames(neighbours: Iterable[Neighbour], number: int) -> set[str]:
    uplinks = [one for one in neighbours if one.uplink and (":" in one.address) == (number == 6)]
    if all(one.macs for one in uplinks):
        return {mac for one in uplinks for mac in one.macs}
    return {EVERY_FRAME}
