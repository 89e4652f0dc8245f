# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Verify: certificates that name too few addresses, or others' addresses; edges that do not heed them."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._verify import verify
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils._verify.test_certificates import certificate
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils._verify.world import World

EAST, WEST = "100.64.0.0/26", "100.64.0.64/26"


def judged(west: dict[str, Any], **east: Any) -> list[str]:
    world = World()
    own = {"addresses": [EAST], "certifies": True, "checked": True, **east}
    world.observed["edge-east"]["certificate"] = {**certificate("edge-east"), **own}
    world.observed["edge-west"]["certificate"] = {
        **certificate("edge-west"),
        "certifies": True,
        "checked": True,
        **west,
    }
    found = verify.judge(world.plan, world.documents, world.observed, world.probes).findings
    return [f"{one.severity} {one.subject}: {one.seen}" for one in found]


def test_nothing_to_say() -> None:
    assert judged({"addresses": [WEST]}) == []


def test_of_organizations_from_before() -> None:
    assert judged({"addresses": None, "certifies": False}, addresses=None, certifies=False, checked=False) == []


@pytest.mark.parametrize(
    ("west", "expected"),
    [
        (
            {"addresses": ["100.64.0.64/27"]},
            [f"error certificate of edge-west: it does not name {WEST}: peers refuse these"],
        ),
        (
            {"addresses": None},
            ["error certificate of edge-west: it names none, and edges refuse it when they authenticate next"],
        ),
        (
            {"addresses": ["100.64.0.0/25"]},
            [f"warning certificate of edge-west: it also names {EAST}, behind edge-east now"],
        ),
        ({"addresses": [WEST, "10.0.0.0/8"]}, []),  # nobody has these: they are of a block that was given back
        (
            {"addresses": [WEST], "checked": False},
            ["warning edge-west: its strongSwan was started before it knew of them"],
        ),
        ({"addresses": [WEST], "checked": None}, []),
        *(
            ({"addresses": said}, ["error certificate of edge-west: what it says cannot be read"])
            for said in (["100.64.0.64/x"], "all", 7, [None], [WEST, "::1-100.64.0.1"])
        ),
    ],
    ids=["too few", "none", "another's", "nobody's", "an old charon", "no charon", *"ABCDE"],
)
def test_is_said(west: dict[str, Any], expected: list[str]) -> None:
    assert judged(west) == expected
