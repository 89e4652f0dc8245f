# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A peer that comes over OpenVPN has behind it what its certificate names, or is not let in."""

from __future__ import annotations

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._node.ssl import admitted, processes
from ansible_collections.intercloud.vpn.plugins.module_utils._node.ssl.admitted import NAMED, OF_AUTHORITY, refused

FILE = "# Made by intercloud.vpn\niroute 10.99.0.0 255.255.255.192\niroute-ipv6 fd64:0:0:5::/64\n"
ALL = {OF_AUTHORITY: "IPv4:?  0.0.0.0/0?IPv6:?  ::/0?"}  # as OpenVPN 2.6.14 says it


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        ("IPv4:?  10.99.0.0/26?IPv6:?  fd64:0:0:5::/64?", ""),
        ("IPv4:?  10.98.0.0-10.99.0.127?  100.64.0.0/26?IPv6:?  fd64::/48?", ""),
        ("IPv4:?  10.99.0.0/27?  10.99.0.32/27?IPv6:?  fd64::/48?", ""),
        ("IPv4:?  10.99.0.0/27?IPv6:?  fd64::/48?", "its certificate does not name 10.99.0.0/26"),
        ("IPv4:?  10.99.0.0/26?", "its certificate does not name fd64:0:0:5::/64"),
        ("IPv6:?  ::/0?", "its certificate does not name 10.99.0.0/26"),
        ("", "its certificate does not name 10.99.0.0/26, fd64:0:0:5::/64"),
        ("IPv4: inherit?", "its certificate does not name 10.99.0.0/26, fd64:0:0:5::/64"),
        ("IPv4:?  10.99.0.7/26?", "cannot be read: 10.99.0.7/26 has host bits set"),
    ],
)
def test_it_has_what_its_certificate_names(named: str, expected: str) -> None:
    assert refused({NAMED: named, **ALL}, FILE) == expected


def test_without_addresses_it_is_let_in_by_an_authority_from_before_only() -> None:
    assert refused({}, FILE) == ""
    assert refused(ALL, FILE) == "its certificate names no addresses"


def test_it_looks_where_the_servers_do() -> None:
    assert admitted.PEERS == processes.PEERS
