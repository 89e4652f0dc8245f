# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Leads: further CHILD_SAs of a link, which make packets take its lane where ESP is in user space (libipsec).

Links to both edges of a pair have equal selectors, and libipsec has one device. Found in namespaces, with strongSwan
5.9.8 and 6.0.1: of equal selectors the link that was established last carries what this end sends, and a rekeying,
of the IKE_SA or the CHILD_SA, does not change that order. So a lane comes to lead by a new CHILD_SA. charon makes no
second one with the name and the selectors of one that is up ("existing duplicate"), and the other end goes by the
selectors to tell which is meant. So a lead has a name of its own and, on one side, leaves out the first address of
each block, which members do not get. There are two, so that one can come before the other goes: no packet is lost.

Selectors that are really narrower, as halves of a block, would come first whatever their age. But before 5.9.12,
libipsec refuses selectors that no local address is in.

Every end of a tunnel between pairs knows leads (either end may be libipsec), and none starts them but lanes/switch.py.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

MARK = "!"  # in no name of a VPN
NUMBERS = (1, 2)


class Lead(NamedTuple):
    """A further CHILD_SA. Ranges are written with a hyphen, as in swanctl.conf."""

    name: str
    local_ts: list[str]
    remote_ts: list[str]
    reqid: int


def base(name: str) -> str:
    """The name of the link that a CHILD_SA is a lead of; its own name if it is none."""
    return name.partition(MARK)[0]


def of(tunnel: Mapping[str, Any], link: Mapping[str, Any], backend: str) -> list[Lead]:
    """The leads of a link. None where no end has to choose, and of hellos, which keep to their tunnel.

    In the kernel (xfrm), where both ends' selectors are prefixes again, they share the link's policies, and so its
    reqid.
    """
    if not tunnel.get("hello") or link.get("hello"):
        return []
    name, found = str(link.get("name", link["vpn"])), []
    for number in NUMBERS:
        # The same side at both ends: the initiator's of the first, the other's of the second.
        ours = bool(tunnel.get("initiator")) == (number == NUMBERS[0])
        local, remote = list(link["local_ts"]), list(link["remote_ts"])
        shorter = _without_first(local if ours else remote)
        if shorter == (local if ours else remote):
            continue  # single addresses: the other end could not tell it from the link
        reqid = int(link.get("reqid", 0))
        if backend != "xfrm" and reqid:
            reqid ^= (number + 1) << 30  # links' own are below 1 << 31
        local, remote = (shorter, remote) if ours else (local, shorter)
        found.append(Lead(f"{name}{MARK}{number}", local, remote, reqid))
    return found


def printed(selectors: Iterable[str]) -> list[str]:
    """Selectors as charon shows them."""
    return [text.replace("-", "..") for text in selectors]


def by_tunnel(tunnels: Iterable[Mapping[str, Any]], backend: str) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """For the template: the leads by tunnel and link. Only tunnels that have some are in it."""
    found: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for tunnel in tunnels:
        for link in tunnel.get("links", ()) if tunnel.get("hello") else ():
            leads = [lead._asdict() for lead in of(tunnel, link, backend)]
            if leads:
                found.setdefault(str(tunnel["name"]), {})[str(link.get("name", link["vpn"]))] = leads
    return found


def _without_first(selectors: Iterable[str]) -> list[str]:
    found = []
    for text in selectors:
        network = ipaddress.ip_network(text)
        found.append(f"{network[1]}-{network[-1]}" if network.num_addresses > 2 else text)
    return found
