# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a policy becomes in the documents: only what is asked for, and the same at both ends of a tunnel."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._base.errors import IntentErrors
from ansible_collections.intercloud.vpn.plugins.module_utils._plan.outcome import Plan
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils.landscapes import (
    PAYROLL,
    World,
    changed,
    lab,
)

PLAIN, HYBRID = "aes256gcm16-prfsha384-ecp384", "aes256gcm16-prfsha384-ecp384-ke1_mlkem1024"


def planned(policy: Any, hosts: str = "{}") -> Plan:
    return World(changed(lab(), hosts)).plan({**PAYROLL, "policy": policy})


def ends(plan: Plan) -> list[dict[str, Any]]:
    return [plan.documents[edge]["tunnels"][0] for edge in ("edge-east", "edge-west")]


def both(plan: Plan, key: str) -> Any:
    one, other = (end["ike"].get(key) for end in ends(plan))
    assert one == other
    return one


@pytest.mark.parametrize("policy", ["standard", "cnsa"])
def test_without_a_ppk_the_documents_do_not_speak_of_one(policy: str) -> None:
    plan = planned(policy)
    assert (both(plan, "proposals"), both(plan, "ppk")) == ([PLAIN], None)
    assert not any("PPK" in line for line in plan.diff)


def test_a_ppk_is_required_of_both_ends_and_the_plan_says_so() -> None:
    plan = planned("postquantum")
    assert both(plan, "ppk") is True
    assert [line for line in plan.diff if ", PPK" in line and line.startswith("+ tunnel edge-east--edge-west")]


@pytest.mark.parametrize(
    ("having", "ike", "esp"),
    [
        ([], [PLAIN], ["aes256gcm16-ecp384"]),
        (["edge-east"], [PLAIN], ["aes256gcm16-ecp384"]),
        (["edge-east", "edge-west"], [HYBRID], ["aes256gcm16-ecp384-ke1_mlkem1024"]),
    ],
)
def test_ml_kem_is_used_where_both_ends_have_it_and_then_nothing_else(
    having: list[str], ike: list[str], esp: list[str]
) -> None:
    plan = planned("postquantum", f"{{{', '.join(f'{edge}: {{vcc_mlkem: true}}' for edge in having)}}}")
    assert both(plan, "proposals") == ike
    assert [end["links"][0]["esp"]["proposals"] for end in ends(plan)] == [esp, esp]


def test_edges_that_have_ml_kem_use_it_for_no_policy_that_does_not_ask() -> None:
    plan = planned("standard", "{edge-east: {vcc_mlkem: true}, edge-west: {vcc_mlkem: true}}")
    assert both(plan, "proposals") == [PLAIN]


def test_retries_are_in_the_documents_where_they_are_not_the_default() -> None:
    quiet = planned("standard")
    assert "retransmission" not in quiet.documents["edge-east"]
    assert (both(quiet, "keyingtries"), both(quiet, "setup_delay")) == (None, None)
    patient = planned({"retries": {"retransmit_timeout": 2, "keyingtries": 3, "setup_delay": 60}})
    assert [patient.documents[edge]["retransmission"] for edge in ("edge-east", "edge-west")] == [
        {"timeout": 2.0, "base": 1.4, "tries": 4}
    ] * 2
    assert (both(patient, "keyingtries"), both(patient, "setup_delay")) == (3, 60)
    assert not {"retransmission", "keyingtries"} & set(patient.documents["vm1-east"])


def test_vpns_that_meet_at_an_edge_retransmit_alike() -> None:
    world = World(lab(3))
    world.plan(PAYROLL)
    slow = {"name": "slow", "pool": "internal", "policy": {"retries": {"retransmit_tries": 6}}}
    with pytest.raises(IntentErrors) as caught:
        world.plan({**slow, "members": ["vm1-west", "vm1-south"]})
    assert [(error.path, error.message) for error in caught.value.errors] == [
        (
            "vcc_vpns[0].policy",
            "asks for retransmit_timeout 1.0, retransmit_base 1.4, retransmit_tries 6, and payroll for the default "
            "retransmission: both have tunnels that end at edge-west, where charon has one setting for all; "
            "retries.retransmit_* must be the same",
        )
    ]
    assert world.plan(PAYROLL, {**slow, "members": ["vm1-south", "vm1-west"], "policy": "cnsa"}).new_tunnels


def test_a_ppk_is_refused_where_the_kind_of_tunnel_has_none() -> None:
    vpn = {**PAYROLL, "policy": {"encryption": {"ppk": "required"}}}
    assert World().plan(vpn).new_tunnels
    with pytest.raises(IntentErrors) as caught:
        World().plan({**vpn, "tunnel": "ssl"})
    assert [(error.path, error.message) for error in caught.value.errors] == [
        (
            "vcc_vpns[0].policy",
            "requires a PPK (encryption.ppk), and tunnels of kind ssl have none; use tunnel: ipsec, or a policy with "
            "ppk: none",
        )
    ]


def test_a_policy_that_changes_while_it_runs_is_a_changed_tunnel() -> None:
    world = World()
    world.plan(PAYROLL)
    plan = world.plan({**PAYROLL, "policy": {"retries": {"retransmit_tries": 6}}})
    assert plan.changed_nodes == ["edge-east", "edge-west", "node-east", "node-west"]
    assert plan.diff == ["~ edge-east: retransmission", "~ edge-west: retransmission"]
    assert world.plan().changed_nodes == []  # and it is remembered
