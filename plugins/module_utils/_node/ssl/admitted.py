# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A peer that connects to an OpenVPN server: may it have behind it what its file here says? RFC 3779.

OpenVPN's user runs this file as it is (install.py), for each peer that it is about to let in: it imports nothing of
this package. OpenVPN hands over what the certificates of the peer (0) and its authority (1) name, as openssl prints it,
with one character for each line's end (`x509-track`). While all authorities of the edge certify addresses, there is a
file that says so (files.py): where OpenVPN, or its OpenSSL, shows no addresses at all, no peer is let in then.
"""

from __future__ import annotations

import ipaddress
import os
import re
import sys
from collections.abc import Iterator, Mapping

PEERS = "/etc/openvpn/intercloud-vpn/peers"
CERTIFIED = "/etc/openvpn/intercloud-vpn/addresses-certified"
PEER = "common_name"
NAMED, OF_AUTHORITY = "X509_0_sbgpipAddrBlock", "X509_1_sbgpipAddrBlock"
_RANGE = re.compile(r"([0-9a-fA-F.:]+)(?:/(\d+)|-([0-9a-fA-F.:]+))")
_ROUTE = re.compile(r"^iroute(?:-ipv6)? (\S+)(?: (\S+))?$", re.MULTILINE)

Range = tuple[int, int, int]  # family, first and last address


def refused(environment: Mapping[str, str], file: str, certified: bool = False) -> str:
    """Why a peer is not let in; empty if it is. `file`: what the server has about it. `certified`: whether all
    authorities of this edge certify addresses, by what the edge knows without OpenVPN."""
    if NAMED not in environment:
        if OF_AUTHORITY in environment:
            return "its certificate names no addresses"
        # Of an authority from before that, certificates name none.
        return "OpenVPN shows no addresses in its certificate" if certified else ""
    try:
        named = _merged(_named(environment[NAMED]))
        routes = [*_routes(file)]
    except ValueError as error:
        return f"cannot be read: {error}"
    beyond = [
        str(route)
        for route in routes
        if not any(f == route.version and a <= int(route[0]) and int(route[-1]) <= b for f, a, b in named)
    ]
    return f"its certificate does not name {', '.join(beyond)}" if beyond else ""


def _named(text: str) -> Iterator[Range]:
    for first, length, last in _RANGE.findall(text):
        if length:
            network = ipaddress.ip_network(f"{first}/{length}")
            yield network.version, int(network[0]), int(network[-1])
        else:
            begin, end = ipaddress.ip_address(first), ipaddress.ip_address(last)
            yield begin.version, int(begin), int(end)


def _merged(ranges: Iterator[Range]) -> list[Range]:
    """Those that touch are one, as a route may lie in both."""
    found: list[Range] = []
    for family, first, last in sorted(ranges):
        if found and found[-1][0] == family and first <= found[-1][2] + 1:
            found[-1] = (family, found[-1][1], max(last, found[-1][2]))
        else:
            found.append((family, first, last))
    return found


def _routes(file: str) -> Iterator[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    for address, mask in _ROUTE.findall(file):
        yield ipaddress.ip_network(f"{address}/{mask}" if mask else address)


def main() -> int:
    """Say why a peer is not let in, if it is not."""
    peer = os.environ.get(PEER, "")
    with open(os.path.join(PEERS, os.path.basename(peer)), encoding="utf-8") as file:
        wrong = refused(os.environ, file.read(), os.path.exists(CERTIFIED))
    if wrong:
        sys.stderr.write(f"{peer} is not let in: {wrong} (RFC 3779)\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
