# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which flows the kernel forgets when rules between members change, and that it does."""

from __future__ import annotations

import os
import subprocess
import sys
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._node.kernel.flows import Flow, Judge

NAMESPACE = subprocess.run(["unshare", "-n", "nft", "--version"], capture_output=True, check=False).returncode == 0
UDP, TCP, GRE, ICMP = 17, 6, 47, 1
VPN: dict[str, Any] = {
    "blocks": ["100.64.0.0/24"],
    "local": ["100.64.0.17"],
    "nat": [{"outside": "100.64.0.18", "inside": "192.168.1.12"}],
    "remote": ["100.64.0.64/26", "100.64.0.128/25"],
    "allow": {
        "rules": [
            {"from": ["100.64.0.17"], "to": ["100.64.0.65"], "ports": ["icmp", "tcp/9", "udp/53-60", "udp/7777"]},
            {"from": ["100.64.0.0/24", "192.168.1.12"], "to": ["100.64.0.17"], "ports": ["udp/500"]},
            {"from": ["100.64.0.130"], "to": ["100.64.0.195"]},
        ],
        "beside": ["100.64.0.126"],
        "outside": ["100.64.0.128/26", "100.64.0.192/26"],
    },
}
VAPP = {**VPN, "remote": ["100.64.0.0/24"], "allow": {"rules": [VPN["allow"]["rules"][1]]}}


def refused(source: str, target: str, protocol: int = UDP, port: int = 0, is_vapp: bool = False) -> bool:
    return Judge(VAPP if is_vapp else VPN).refuses(Flow(ip_address(source), ip_address(target), protocol, port, b""))


@pytest.mark.parametrize(
    ("flow", "expected"),
    [
        (("100.64.0.65", "100.64.0.17", UDP, 7777), True),  # a rule says so of the other direction
        (("100.64.0.17", "100.64.0.65", UDP, 7777), False),
        (("100.64.0.17", "100.64.0.65", UDP, 60), False),
        (("100.64.0.17", "100.64.0.65", UDP, 61), True),
        (("100.64.0.17", "100.64.0.65", UDP, 9), True),
        (("100.64.0.17", "100.64.0.65", ICMP), False),
        (("100.64.0.17", "100.64.0.65", GRE), True),
        (("100.64.0.65", "100.64.0.17", TCP, 22), False),  # could be picked up the other way round
        (("192.168.1.12", "100.64.0.17", UDP, 500), False),
        (("192.168.1.12", "100.64.0.17", UDP, 501), True),
        (("192.168.1.12", "203.0.113.9", UDP, 123), False),  # none of the VPN's
        (("100.64.0.17", "100.64.0.126", UDP, 99), False),  # a server at another site
        (("100.64.0.17", "100.64.0.1", UDP, 53), False),  # the edge itself
        (("100.64.0.65", "100.64.0.70", UDP, 99), False),  # passed on; others judge
        (("100.64.0.130", "100.64.0.195", GRE), False),
        (("100.64.0.195", "100.64.0.130", GRE), True),
    ],
)
def test_an_edge_forgets_what_its_rules_refuse(flow: Any, expected: bool) -> None:
    assert refused(*flow) is expected


@pytest.mark.parametrize(
    ("flow", "expected"),
    [
        (("100.64.0.17", "100.64.0.65", UDP, 99), False),  # the org edge judges it
        (("100.64.0.17", "100.64.0.18", UDP, 99), True),
        (("100.64.0.65", "100.64.0.17", UDP, 500), False),
        (("100.64.0.65", "100.64.0.17", UDP, 99), True),
    ],
)
def test_a_vapp_edge_judges_what_its_members_are_reached_by(flow: Any, expected: bool) -> None:
    assert refused(*flow, is_vapp=True) is expected


ON_A_KERNEL = """
import socket, subprocess
from ansible_collections.intercloud.vpn.plugins.module_utils._node.document import Generation
from ansible_collections.intercloud.vpn.plugins.module_utils._node.kernel import flows
for words in ("link set lo up", "addr add 100.64.0.17/32 dev lo", "addr add 100.64.0.65/32 dev lo",
              "addr add fd00::17/128 dev lo nodad", "addr add fd00::65/128 dev lo nodad"):
    subprocess.run(["ip", *words.split()], check=True)
subprocess.run(["nft", "add table inet t; add chain inet t c { type filter hook output priority 0; }; "
                "add rule inet t c ct state new counter"], check=True)
four = {"family": 4, "blocks": ["100.64.0.0/24"], "local": ["100.64.0.17"], "nat": [], "remote": ["100.64.0.64/26"],
        "allow": {"rules": [{"from": ["100.64.0.17"], "to": ["100.64.0.65"], "ports": ["udp/7"]}], "beside": []}}
six = {"family": 6, "blocks": ["fd00::/64"], "local": ["fd00::17"], "nat": [], "remote": ["fd00::40/122"],
       "allow": {"rules": [], "beside": []}}
for source, target, port in (("100.64.0.65", "100.64.0.17", 7), ("100.64.0.17", "100.64.0.65", 7),
                             ("fd00::65", "fd00::17", 7), ("127.0.0.1", "127.0.0.1", 7)):
    with socket.socket(socket.AF_INET6 if ":" in source else socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.bind((source, 8))
        line.sendto(b"x", (target, port))
def known():
    with flows._line() as line:
        every = [flow for number in flows._FAMILIES.values() for flow in flows._flows(line, number)]
    return sorted(str(flow.source) for flow in every if flow.protocol == 17)
print(*known())
print(flows.forget(Generation({"vpns": [four, six]})))
print(*known())
print(flows.forget(Generation({"vpns": [four, six]})))
"""


@pytest.mark.skipif(not NAMESPACE, reason="needs root and nft")
def test_the_kernel_forgets_these_and_no_others() -> None:
    root = Path(__file__).parents[6] / ".collections"
    done = subprocess.run(
        ["unshare", "-n", sys.executable, "-c", ON_A_KERNEL],
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        "100.64.0.17 100.64.0.65 127.0.0.1 fd00::65", "2", "100.64.0.17 127.0.0.1", "0",
    ]  # fmt: skip
