# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""OVF: addresses and names of the machine that uses them. A host with one of them would be the controller itself."""

from __future__ import annotations

import ipaddress
import re
import socket

# RFC 6761, 6.3, and what /etc/hosts of Debian and of RHEL call 127.0.0.1 and ::1.
_NAMES = re.compile(r"(?:.*\.)?localhost|localhost[46]?(?:\.localdomain[46]?)?|ip6-(?:localhost|loopback)", re.ASCII)


def is_loopback(host: object) -> bool:
    """Whether a machine that connects to this host connects to itself: a loopback address, an unspecified one, or a
    name for them. Also as ``127.1`` and ``0x7f000001``: getaddrinfo(3) reads what inet_aton(3) does.
    """
    name = str(host).strip().rstrip(".").lower()
    address: ipaddress.IPv4Address | ipaddress.IPv6Address
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        try:
            address = ipaddress.IPv4Address(socket.inet_aton(name))
        except (OSError, ValueError):  # ValueError: signs beyond ASCII
            return _NAMES.fullmatch(name) is not None
    real = getattr(address, "ipv4_mapped", None) or address
    return bool(real.is_loopback or real.is_unspecified)
