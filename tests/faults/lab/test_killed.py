# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SIGKILL of the controller, with all of its processes, at every boundary of a task."""

from __future__ import annotations

from itertools import zip_longest

import pytest

from ansible_collections.intercloud.vpn.tests.faults.lab import controller, states
from ansible_collections.intercloud.vpn.tests.faults.lab.episode import unconfirmed
from ansible_collections.intercloud.vpn.tests.testinfra import lab

ALL = ("create", "delete")
OTHERS = 4  # of the other moves, one place in so many
TIMEOUT = 15  # seconds that a node of a killed run waits for a confirmation


class Killed:
    """The fault. Every second time the next run comes only when the nodes have given up waiting for this one."""

    def __init__(self, place, late):
        self.place, self.late, self.came = place, late, False

    def __call__(self, move):
        self.came = controller.killed(move.words(vcc_confirm_timeout=TIMEOUT), self.place)
        if self.late:
            lab.wait_for("the nodes go back", lambda: not unconfirmed(), 90)


def _chosen(move, found, every):
    step = every or (1 if move.name in ALL else OTHERS)
    # Not always the same kind of task: moves have most of them in common.
    return found[sum(map(ord, move.name)) % step :: step]


@pytest.mark.parametrize("name", states.ROUNDS)
def test_a_killed_controller_is_made_good_by_the_next_run(story, every, tell, name):
    moves = states.ROUNDS[name]
    chosen = [_chosen(move, story.places(move), every) for move in moves]
    counts, failed = dict.fromkeys((move.name for move in moves), 0), []
    for turn, row in enumerate(zip_longest(*chosen)):
        for move, place in zip(moves, row):
            if place is None:
                continue
            fault = Killed(place, late=turn % 2 == 1)
            try:
                story.episode(move, fault)
            except Exception as error:
                failed.append(f"{move.name}, killed {place}, late {fault.late}: {error}")
                tell(failed[-1])
            counts[move.name] += fault.came
    assert not failed, "\n".join(failed)
    for move, some in zip(moves, chosen):
        found = len(story.places(move))
        tell(f"{move.name}: {found} boundaries, killed at {counts[move.name]}: 0 packets unencrypted, all put right")
        assert counts[move.name] >= len(some) * 0.9
