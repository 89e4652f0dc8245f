# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a plan does is counted where time would be measured: counts are the same on every machine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from unittest import mock

import pytest
import sqlalchemy as sa

from ansible_collections.intercloud.vpn.plugins.module_utils._ledger import records
from ansible_collections.intercloud.vpn.plugins.module_utils._plan.compile import reach
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils.landscapes import World, lab


def fleet(sites: int) -> tuple[World, dict[str, Any]]:
    world = World(lab(sites, vapps=1, vms=1, org_vms=1))
    members = sorted(name for name in world.hosts if name.startswith("vm"))
    return world, {"name": "payroll", "pool": "internal", "members": members}


def statements(world: World, work: Callable[[], object]) -> int:
    """How many SQL statements a call has executed; one with many rows is one."""
    count = 0

    def executed(*_arguments: Any) -> None:
        nonlocal count
        count += 1

    sa.event.listen(world.ledger._engine, "before_cursor_execute", executed)
    try:
        work()
    finally:
        sa.event.remove(world.ledger._engine, "before_cursor_execute", executed)
    return count


def one_less(vpn: dict[str, Any]) -> dict[str, Any]:
    return {**vpn, "members": vpn["members"][:-1]}


@pytest.mark.parametrize("what", ["first", "again", "one less"])
def test_more_sites_are_no_more_queries(what: str) -> None:
    def queries(sites: int) -> int:
        world, vpn = fleet(sites)
        if what != "first":
            world.plan(vpn)
        asked = one_less(vpn) if what == "one less" else vpn
        return statements(world, lambda: world.plan(asked))

    assert queries(4) == queries(12) <= {"first": 88, "again": 20, "one less": 32}[what]


def test_documents_are_unpacked_only_where_all_of_them_counts() -> None:
    world, vpn = fleet(12)

    def unpacked(asked: dict[str, Any]) -> int:
        records._document.cache_clear()
        with mock.patch.object(records, "unpack", side_effect=records.unpack) as unpack:
            world.plan(asked)
        return unpack.call_count

    assert unpacked(vpn) == 0, "a first plan"
    assert unpacked(vpn) <= 2 * 24, "members and vApp edges, which have no tunnels"
    assert unpacked(one_less(vpn)) <= 2 * 24 + 2 * 11, "and who is told of one selector less"


def test_each_link_is_worked_out_once() -> None:
    world, vpn = fleet(12)
    with mock.patch.object(reach.Links, "_made", autospec=True, side_effect=reach.Links._made) as made:
        world.plan(vpn)
        assert made.call_count == 12 * 11 // 2
        world.plan(vpn)
        assert made.call_count == 12 * 11 // 2
