# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A name that is not known is a mistake with a suggestion, and nothing is planned."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._base.errors import IntentErrors
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils.landscapes import PAYROLL, World, lab

AUDIT = {"name": "audit", "pool": "internal", "members": ["vm2-east", "vm2-west"]}


@pytest.fixture
def world() -> World:
    world = World()
    world.plan(PAYROLL, AUDIT)
    return world


def errors(world: World, **asked: Any) -> list[str]:
    """What a run is refused for; the ledger is as before then."""
    before = world.dump()
    with pytest.raises(IntentErrors) as caught:
        world.plan(**asked)
    assert world.dump() == before
    return [str(error) for error in caught.value.errors]


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"absent": ["paroll"]}, "vcc_delete: there is no VPN paroll; did you mean payroll?"),
        ({"absent": ["x"]}, "vcc_delete: there is no VPN x; known are audit, payroll"),
        ({"absent": ["acme/paroll"]}, "vcc_delete: there is no VPN acme/paroll; did you mean acme/payroll?"),
        ({"expected": ["paroll"]}, "vcc_vpns: there is no VPN paroll; did you mean payroll? (create_vpn creates it)"),
        (
            {"forget": ["edge-wset"]},
            "vcc_forget: there is no host edge-wset in the ledger or inventory; did you mean edge-west?",
        ),
        (
            {"organizations": ["acne"]},
            "vcc_organization: no host of the inventory is of organization acne; did you mean acme?",
        ),
    ],
)
def test_an_unknown_name_is_refused_with_a_suggestion(world: World, asked: dict[str, Any], message: str) -> None:
    assert errors(world, **asked) == [message]


def test_what_is_being_deleted_is_not_there_any_more(world: World) -> None:
    world.plan(absent=["payroll"])
    (error,) = errors(world, expected=["payroll"])
    assert error == "vcc_vpns: there is no VPN payroll; known are audit (create_vpn creates it)"


def test_all_of_them_at_once(world: World) -> None:
    assert len(errors(world, absent=["a", "b"], forget=["c"], expected=["d"])) == 4


def test_what_the_intent_says_wrongly_is_told_once() -> None:
    world = World()
    with pytest.raises(IntentErrors) as caught:
        world.plan({**AUDIT, "pool": "nowhere"}, absent=["audit", "x"])
    assert [error.path for error in caught.value.errors] == ["vcc_vpns[0].pool", "vcc_delete"]


def test_other_organizations_are_not_suggested() -> None:
    world = World({**lab(), **lab(org="umbrella", tag="u")})
    world.plan(PAYROLL)
    (error,) = errors(world, absent=["acme/paroll"], organizations=["umbrella"])
    assert error == "vcc_delete: there is no VPN acme/paroll"


def test_what_was_deleted_may_be_deleted_again(world: World) -> None:
    world.plan(absent=["audit"])
    world.settle(world.hosts)
    for text in ("audit", "acme/audit"):
        plan = world.plan(absent=[text])
        assert not plan.changed and plan.notes == [f"{text} was deleted before: there is nothing to delete"]


def test_a_host_of_the_ledger_may_be_forgotten_and_again(world: World) -> None:
    world.hosts = {name: facts for name, facts in world.hosts.items() if "west" not in name}
    world.plan(absent=["payroll", "audit"], forget=["edge-west", "vm3-west"])
    gone = [name for name in lab() if "west" in name]
    assert world.settle(world.hosts, gone=gone) == (True, [])
    assert not world.plan(absent=["payroll"], forget=["edge-west", "vm3-west"]).changed
