# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host says is taken as that host's, and for the organizations that recover."""

from __future__ import annotations

from ansible_collections.intercloud.vpn.plugins.action import ledger_recover


def test_who_said_it_is_not_the_records_to_say() -> None:
    facts = {"kinds": ["members"], "vars": {"vcc_org": "acme"}}
    lie = {"document": {}, "host": "node-east", "kinds": ["vcc_nodes"], "owner": ""}
    found = ledger_recover.said_by("vm2-east", facts, lie)
    assert found == {"document": {}, "host": "vm2-east", "kinds": ["members"], "owner": "acme"}
    assert ledger_recover.said_by("node", {"kinds": ["vcc_nodes"], "vars": {}}, lie)["owner"] == ""


def test_a_slice_of_others_that_cannot_be_read_is_not_named() -> None:
    state = "/var/lib/intercloud-vpn"
    assert not ledger_recover._concerns(f"{state}/organizations/umbra/document.json", ["acme"])
    assert ledger_recover._concerns(f"{state}/organizations/acme/document.json", ["acme"])
    assert ledger_recover._concerns(f"{state}/generations/17", ["acme"])
