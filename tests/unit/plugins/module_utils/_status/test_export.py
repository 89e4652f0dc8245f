# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import csv
import ipaddress
import json
from typing import Any

from ansible_collections.intercloud.vpn.plugins.module_utils._status import export


def vpn(name: str, organization: str = "acme", **more: Any) -> dict[str, Any]:
    members = [
        {"name": "VM2-west", "address": "100.64.0.3/32", "site": "edge-west"},
        {"name": "vm1-east", "address": "fd00::2", "site": "edge-east"},
    ]
    return {"name": name, "organization": organization, "members": members, **more}


def test_lines_for_hosts() -> None:
    text = export.hosts([vpn("payroll"), vpn("audit", domain="audit.corp.example")])
    assert text == (
        "100.64.0.3\tvm2-west.audit.corp.example\n"
        "fd00::2\tvm1-east.audit.corp.example\n"
        "100.64.0.3\tvm2-west.payroll.vpn.internal\n"
        "fd00::2\tvm1-east.payroll.vpn.internal\n"
    )


def test_an_inventory_with_a_group_for_each_vpn() -> None:
    groups = json.loads(export.inventory([vpn("pay-roll"), vpn("audit")]))["vpns"]["children"]
    assert groups["pay_roll"]["hosts"]["vm1-east"] == {"pay_roll_address": "fd00::2"}
    assert set(groups) == {"pay_roll", "audit"}


def test_vpns_of_two_organizations_are_two_groups() -> None:
    groups = json.loads(export.inventory([vpn("payroll"), vpn("payroll", "beta")]))["vpns"]["children"]
    assert set(groups) == {"acme_payroll", "beta_payroll"}


def test_what_netbox_imports() -> None:
    rows = list(csv.DictReader(export.netbox([vpn("payroll")]).splitlines()))
    assert [row["address"] for row in rows] == ["100.64.0.3/32", "fd00::2/128"]
    assert all(ipaddress.ip_interface(row["address"]) for row in rows)
    assert rows[0]["description"] == "VPN payroll of acme, at edge-west"


def test_a_network_without_addresses_has_no_entry() -> None:
    assert export.hosts([{**vpn("net"), "members": [{"name": "a", "site": "e"}]}]) == ""
