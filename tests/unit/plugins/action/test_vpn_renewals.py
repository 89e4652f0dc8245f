# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An edge whose clock is wrong is neither left with a certificate that ends, nor renewed every day."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from ansible_collections.intercloud.vpn.plugins.action.vpn_renewals import wrong_clock
from ansible_collections.intercloud.vpn.plugins.module_utils._node.ipsec import lifetime

NOW = datetime(2026, 11, 30, 12, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("off", "from_now", "said"),
    [
        (0, -1, ""),
        (0, 1, ""),
        (-40, -2, "its clock is 40 days behind"),
        (-40, 1, ""),  # due for neither
        (25, 15, "its clock is 25 days ahead"),
        (25, -1, ""),  # due for both
        (-0.5, -0.2, ""),  # tomorrow it is due for both
    ],
)
def test_a_clock_that_decides_wrongly_is_named(off: float, from_now: float, said: str) -> None:
    clock, due_from = NOW + timedelta(days=off), NOW + timedelta(days=from_now)
    answer = {"clock": clock.strftime(lifetime.FORMAT), "due_from": due_from.strftime(lifetime.FORMAT)}
    found = wrong_clock({**answer, "due": due_from < clock}, NOW)
    assert said in found and bool(found) == bool(said)


def test_an_edge_that_does_not_tell_its_clock_is_believed() -> None:
    assert wrong_clock({"due": True}, NOW) == ""
