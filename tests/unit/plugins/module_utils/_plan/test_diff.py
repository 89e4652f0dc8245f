# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The difference of two plans says in words what changes, all of it, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._plan import diff
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils.landscapes import PAYROLL, World, changed, lab


def payroll(**changes: Any) -> dict[str, Any]:
    return {**PAYROLL, **changes}


def encryption(**settings: Any) -> dict[str, Any]:
    return payroll(policy={"encryption": settings})


def test_a_new_vpn_is_told_whole() -> None:
    assert World().plan(PAYROLL).diff == [
        "+ tunnel edge-east--edge-west (ipsec): edge-east 203.0.113.2 <-> edge-west 203.0.113.18, "
        "aes256gcm16-prfsha384-ecp384, rekey 14400 s, DPD 5 s",
        "+ vpn payroll: number 1, mesh, pool internal",
        "+ vpn payroll: block 100.64.0.0/24",
        "+ vpn payroll: site edge-east 100.64.0.0/26, edge address 100.64.0.1",
        "+ vpn payroll: site edge-west 100.64.0.64/26, edge address 100.64.0.65",
        "+ vpn payroll: member vm1-east 100.64.0.17 (address)",
        "+ vpn payroll: member vm1-west 100.64.0.81 (address)",
        "+ vpn payroll: member vm3-west 100.64.0.66 (address)",
        "+ vpn payroll: link edge-east 100.64.0.0/26 <-> edge-west 100.64.0.64/26, aes256gcm16-ecp384, "
        "rekey 3600 s, replay window 1024, MTU 1438",
    ]


def test_deleting_says_the_same_with_the_other_sign() -> None:
    world = World()
    came = world.plan(PAYROLL).diff
    assert [line.replace("- ", "+ ", 1) for line in world.plan(absent=["payroll"]).diff] == came


@pytest.mark.parametrize(
    ("vpn", "hosts", "lines"),
    [
        (
            payroll(members=["vm1-east", "vm1-west", "vm2-west"]),
            "{}",
            [
                "- vpn payroll: member vm3-west 100.64.0.66 (address)",
                "+ vpn payroll: member vm2-west 100.64.0.82 (address)",
                "~ edge-west: routes, neighbours, vpns",
                "~ vapp1-west: routes, neighbours, vpns",
            ],
        ),
        (
            payroll(members=["vm1-east", "vm1-west", {"name": "vm3-west", "mode": "nat"}]),
            "{}",
            [
                "- vpn payroll: member vm3-west 100.64.0.66 (address)",
                "+ vpn payroll: member vm3-west 100.64.0.66 (nat)",
                "~ edge-west: routes, neighbours, vpns",
            ],
        ),
        (
            encryption(esp_rekey=1800),
            "{}",
            [
                f"{sign} vpn payroll: link edge-east 100.64.0.0/26 <-> edge-west 100.64.0.64/26, aes256gcm16-ecp384, "
                f"rekey {seconds} s, replay window 1024, MTU 1438"
                for sign, seconds in (("-", 3600), ("+", 1800))
            ],
        ),
        (
            {**PAYROLL, "policy": {"retries": {"dpd_delay": 30}}},
            "{}",
            [
                f"{sign} tunnel edge-east--edge-west (ipsec): edge-east 203.0.113.2 <-> edge-west 203.0.113.18, "
                f"aes256gcm16-prfsha384-ecp384, rekey 14400 s, DPD {seconds} s"
                for sign, seconds in (("-", 5), ("+", 30))
            ],
        ),
        (
            PAYROLL,
            "edge-west: {vcc_public_address: 203.0.113.19}",
            [
                f"{sign} tunnel edge-east--edge-west (ipsec): edge-east 203.0.113.2 <-> edge-west {address}, "
                "aes256gcm16-prfsha384-ecp384, rekey 14400 s, DPD 5 s"
                for sign, address in (("-", "203.0.113.18"), ("+", "203.0.113.19"))
            ],
        ),
        (PAYROLL, "vm3-west: {vcc_address: 10.10.0.14}", ["~ edge-west: routes, neighbours", "~ vm3-west: addresses"]),
        (
            PAYROLL,
            "vapp1-west: {vcc_vapp_address: 192.168.1.254, vcc_org_address: 10.10.0.12}",
            ["~ edge-west: routes, neighbours", "~ vapp1-west: inside", "~ vm1-west: routes, neighbours"],
        ),
        (
            PAYROLL,
            "edge-west: {vcc_org_address: 10.10.0.2}",
            ["~ edge-west: inside", "~ vapp1-west: routes, neighbours", "~ vm3-west: routes, neighbours"],
        ),
    ],
)
def test_a_change_is_told_and_nothing_else(vpn: dict[str, Any], hosts: str, lines: list[str]) -> None:
    world = World()
    world.plan(PAYROLL)
    world.hosts = changed(world.hosts, hosts)
    plan = world.plan(vpn)
    assert plan.diff == lines
    assert plan.changed and plan.changed_nodes


@pytest.mark.parametrize(
    "hosts",
    [
        "vm2-east: {vcc_address: 192.168.1.99}",  # no member
        "edge-east: {vcc_org_network: [10.10.0.0/23, 'fd10:10::/64']}",  # only checked
        "edge-east: {vcc_underlay_mtu: 9000}",  # west's is smaller
        "node-east: {vcc_address: 10.0.0.1}",
    ],
)
def test_what_changes_no_document_is_no_change(hosts: str) -> None:
    world = World()
    world.plan(PAYROLL)
    world.hosts = changed(lab(), hosts)
    plan = world.plan(PAYROLL)
    assert (plan.changed, plan.diff, plan.changed_nodes) == (False, [], [])


def test_very_many_tunnels_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diff, "MOST", 5)
    world = World(lab(4, vapps=0, vms=0, org_vms=1))
    members = sorted(name for name in world.hosts if name.startswith("vm"))
    lines = world.plan({"name": "payroll", "pool": "internal", "members": members}).diff
    assert [line for line in lines if "tunnel" in line or "link" in line] == [
        "+ 6 ipsec tunnels, aes256gcm16-prfsha384-ecp384, rekey 14400 s, DPD 5 s",
        "+ vpn payroll: 6 links, aes256gcm16-ecp384, rekey 3600 s, replay window 1024, MTU 1438",
    ]
    fewer = world.plan({"name": "payroll", "pool": "internal", "members": members[1:]})
    assert sum(line.startswith(("- tunnel", "- vpn payroll: link")) for line in fewer.diff) == 6
    assert not [line for line in fewer.diff if line.startswith("~")]


def test_an_external_edge_with_a_certificate_is_said_to_be_external() -> None:
    hosts = changed(
        lab(),
        """
        partner: {vcc_external: true, vcc_authentication: certificate, vcc_public_address: 198.51.100.9}
        """,
    )
    hosts["partner"].update(kinds=["org_edges"], clouds=["elsewhere"])
    hosts["partner"]["vars"]["vcc_org"] = "acme"
    hosts["vm-partner"] = {
        "kinds": ["members"],
        "clouds": ["elsewhere"],
        "vars": {"vcc_org": "acme", "vcc_address": ["172.20.0.9"]},
    }
    members = ["vm1-east", "vm3-west", "vm-partner"]
    lines = World(hosts).plan({"name": "payroll", "pool": "internal", "members": members}).diff
    kinds = {line.split()[2]: line.partition("(")[2].partition(")")[0] for line in lines if line.startswith("+ tunnel")}
    assert kinds == {
        "edge-east--edge-west": "ipsec",
        "edge-east--partner": "ipsec, external, certificate",
        "edge-west--partner": "ipsec, external, certificate",
    }
