# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the kernel tells unasked: netlink's multicast groups (rtnetlink(7); linux/netfilter/nfnetlink.h).

A message is only looked at as far as it takes to know whether it may concern us. What differs then is compared as in a
commit: a message can be lost, the comparison cannot.
"""

from __future__ import annotations

import errno
import select
import socket
import struct
from collections.abc import Iterator

from ..document import STRETCH_DEVICE
from .usage import TABLE

PROTOCOL = 155  # of our routes, see routes.py
_ROUTE, _NETFILTER = 0, 12  # NETLINK_ROUTE, NETLINK_NETFILTER
_SOL_NETLINK, _ADD_MEMBERSHIP = 270, 1
# RTNLGRP_: LINK, NEIGH, IPV4_IFADDR, IPV4_ROUTE, IPV4_RULE, IPV6_IFADDR, IPV6_ROUTE, IPV6_RULE, IPV4_NETCONF,
# IPV6_NETCONF
_ROUTING_GROUPS = (1, 3, 5, 7, 8, 9, 11, 19, 24, 25)
_TABLES_GROUP = 7  # NFNLGRP_NFTABLES
_HEADER = struct.Struct("=LHHLL")
_ROUTES = (24, 25)  # RTM_NEWROUTE, RTM_DELROUTE
_NEIGHBOURS = (28, 29)  # RTM_NEWNEIGH, RTM_DELNEIGH
_INDEX = struct.Struct("=4xi")  # of ndmsg: ndm_ifindex
_BUFFER = 1 << 20
_NAME = TABLE.encode() + b"\0"


def routing() -> socket.socket:
    """A socket that tells of links, addresses, routes, rules and settings."""
    return _listen(_ROUTE, _ROUTING_GROUPS)


def tables() -> socket.socket:
    """A socket that tells of every change to nftables."""
    return _listen(_NETFILTER, (_TABLES_GROUP,))


def _listen(protocol: int, groups: tuple[int, ...]) -> socket.socket:
    listening = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK, protocol)
    listening.bind((0, 0))
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
    for group in groups:
        listening.setsockopt(_SOL_NETLINK, _ADD_MEMBERSHIP, group)
    return listening


def wait(listening: socket.socket, seconds: float) -> bool:
    """Wait so long for something that may concern us; whether it came. The rest of what is queued is read, too."""
    ready = select.select([listening], [], [], seconds)[0]
    heard = False
    while ready:
        try:
            data = listening.recv(1 << 16)
        except BlockingIOError:
            break
        except OSError as error:
            if error.errno != errno.ENOBUFS:
                raise
            heard = True  # some were lost
            continue
        heard = heard or concerns_us(data)
    return heard


def concerns_us(data: bytes) -> bool:
    """Whether a datagram may concern us: of other people's routes and tables there may be thousands a second."""
    for kind, body in messages(data):
        if kind >> 8:  # of nfnetlink: the subsystem
            if _NAME in body:
                return True
        elif kind in _NEIGHBOURS:
            if kind == _NEIGHBOURS[1] and _forwards(body):
                return True
        elif kind not in _ROUTES or (len(body) > 5 and body[5] == PROTOCOL):  # rtm_protocol
            return True
    return False


def _forwards(body: bytes) -> bool:
    """Whether an entry that is gone was one of a stretched network's device, which forwards and answers by such entries
    alone. Others' come and go all the time."""
    try:
        return socket.if_indextoname(_INDEX.unpack_from(body)[0]).startswith(STRETCH_DEVICE)
    except (OSError, OverflowError, struct.error):  # the device is gone, too, of which the kernel tells
        return False


def messages(data: bytes) -> Iterator[tuple[int, bytes]]:
    """(type, body) of every message of a datagram."""
    position = 0
    while position + _HEADER.size <= len(data):
        length, kind, _flags, _sequence, _port = _HEADER.unpack_from(data, position)
        if length < _HEADER.size:
            return
        yield kind, data[position + _HEADER.size : position + length]
        position += (length + 3) & ~3
