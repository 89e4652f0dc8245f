# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A tunnel with BGP: the files that an edge is given for it."""

from __future__ import annotations

import subprocess

import pytest

from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils._node.test_templates import NAMESPACE, render
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils._plan.test_bgp import ORDERS, world


def test_the_child_sa_carries_everything_with_a_number_of_its_own() -> None:
    plan = world().plan(ORDERS)
    text = render("org_edge", "swanctl.conf.j2", plan.documents["edge-east"], "xfrm", trap=True)
    assert text.count("local_ts = 0.0.0.0/0\n        remote_ts = 0.0.0.0/0\n") == 1
    number = plan.vpns[0]["number"] | 0x1602 << 16
    assert f"if_id_in = {number}\n        if_id_out = {number}\n" in text
    assert "172.20.0.0/22" not in text


@pytest.mark.skipif(not NAMESPACE, reason="needs root and nft")
@pytest.mark.parametrize("backend", ["xfrm", "libipsec"])
def test_the_kernel_takes_the_firewall(backend: str) -> None:
    text = render("org_edge", "nftables.nft.j2", world().plan(ORDERS).documents["edge-east"], backend)
    done = subprocess.run(["unshare", "-n", "nft", "-f", "-"], input=text, capture_output=True, text=True, check=False)
    assert done.stderr == ""


def test_bgps_port_opens_nothing_but_bgp() -> None:
    """A partner's SYN from port 179 would reach whatever listens on all addresses; test_hostile.py has one."""
    text = render("org_edge", "nftables.nft.j2", world().plan(ORDERS).documents["edge-east"], "xfrm")
    (line,) = [line.strip() for line in text.splitlines() if "sport 179" in line]
    assert line == "tcp sport 179 tcp flags & (syn | ack) != syn accept"


def test_nothing_of_it_is_in_the_firewall_of_an_edge_without_bgp() -> None:
    text = render("org_edge", "nftables.nft.j2", world(bgp=None).plan(ORDERS).documents["edge-east"], "xfrm")
    assert "169.254" not in text and "session" not in text and "raw" not in text
