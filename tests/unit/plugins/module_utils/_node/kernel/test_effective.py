# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""By which address the kernel is asked for a route: one that no more specific route has."""

from __future__ import annotations

import ipaddress
import random

from ansible_collections.intercloud.vpn.plugins.module_utils._node.kernel.effective import inside


def test_no_more_specific_network_has_the_address() -> None:
    chance = random.Random(7)
    for _round in range(300):
        networks = [
            ipaddress.ip_network((0x64400000 + chance.randrange(64) >> shift << shift, 32 - shift))
            for shift in (chance.randrange(7) for _network in range(chance.randrange(1, 12)))
        ]
        for network, address in inside(networks).items():
            inner = [one for one in networks if one != network and one.subnet_of(network)]
            free = [one for one in network if not any(one in other for other in inner)]
            assert bool(address) == bool(free), (network, networks)
            assert not address or ipaddress.ip_address(address) in free, (network, networks)


def test_both_families() -> None:
    networks = [ipaddress.ip_network(text) for text in ("100.64.0.0/30", "100.64.0.3/32", "fd00::/64", "::/0")]
    found = {str(network): address for network, address in inside(networks).items()}
    assert found["100.64.0.0/30"] == "100.64.0.0"
    assert found["100.64.0.3/32"] == "100.64.0.3"
    assert found["fd00::/64"] == "fd00::ffff:ffff:ffff:ffff"
    assert found["::/0"] == ":".join(["ffff"] * 8)
