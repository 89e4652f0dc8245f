# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SIGKILL at every step of what a node does: no packet leaves unencrypted, and the next run puts everything right."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from ansible_collections.intercloud.vpn.tests.faults import landscape, steps
from ansible_collections.intercloud.vpn.tests.faults.landscape import AUDIT, FIRST, NONE, PAYROLL, SECOND
from ansible_collections.intercloud.vpn.tests.faults.world import World, apart, differences

AGENT = "/usr/local/lib/intercloud-vpn"
EVERY = 12  # of the steps that install the agent's files, all alike, one in so many
# What is counted of quotas, and what was ever guarded, outlasts a generation.
LASTING = ("/var/lib/intercloud-vpn/usage.json",)


@dataclass(frozen=True)
class Case:
    """Something that a node does. `before`: how it gets to where that begins. `goal`: what the run after it wants."""

    before: tuple[Callable[[Any], Any], ...]
    act: Callable[[Any], Any]
    goal: Any
    kept: tuple[dict[str, Any], ...]
    """VPNs that have to be guarded all the time."""
    by_itself: bool = False
    """It is not a run of a controller: the node itself tries it again."""
    power: bool = False
    until: str = ""
    """The step after which nobody tries it again."""


def _keep(want: Any) -> Callable[[Any], Any]:
    return landscape.commit(want, 0)


CASES = {
    "first commit": Case((_keep(NONE),), landscape.commit(FIRST), FIRST, ()),
    "commit": Case((_keep(NONE), _keep(FIRST)), landscape.commit(SECOND), SECOND, (PAYROLL,)),
    "commit of less": Case((_keep(NONE), _keep(SECOND)), landscape.commit(FIRST), FIRST, (PAYROLL,)),
    "confirmation": Case((_keep(NONE), _keep(FIRST), landscape.commit(SECOND)), landscape.confirm, SECOND, (PAYROLL,)),
    "rollback": Case(
        (_keep(NONE), _keep(FIRST), landscape.commit(SECOND)), landscape.roll_back, FIRST, (PAYROLL,), by_itself=True
    ),
    "rollback of the first generation": Case(
        (_keep(NONE), landscape.commit(FIRST)), landscape.roll_back, NONE, (), by_itself=True
    ),
    "departure of the agent": Case(
        (_keep(NONE), landscape.commit(FIRST)),
        landscape.depart,
        NONE,
        (),
        by_itself=True,
        until=f"os.remove {AGENT}/agent",
    ),
    "removal": Case((_keep(NONE), _keep(SECOND)), landscape.commit(NONE), NONE, ()),
    "confirmation of a removal": Case(
        (_keep(NONE), _keep(SECOND), landscape.commit(NONE)), landscape.confirm, NONE, ()
    ),
    "restoring at boot": Case(
        (_keep(NONE), _keep(SECOND)), landscape.restore, SECOND, (PAYROLL, AUDIT), by_itself=True, power=True
    ),
}


def _prepare(world: World, case: Case) -> None:
    for step in case.before:
        outcome = world.step(step)
        assert not outcome.error, outcome.trace
    if case.power:
        _boot(world, case)


def _boot(world: World, case: Case) -> None:
    world.power_cycle(forwards=bool(case.kept))
    outcome = world.step(landscape.boot)
    assert "Traceback" not in outcome.error
    assert outcome.error == "" or "is refused" in outcome.error


def _blocks(vpns: tuple[dict[str, Any], ...]) -> list[str]:
    return [block for vpn in vpns for block in vpn["blocks"]]


def _guarded(world: World, case: Case) -> list[str]:
    """What passes although it must not: of VPNs that stay, anything; of one that comes or goes, while it has routes."""
    found = world.leaks(*_blocks(case.kept))
    for vpn in (PAYROLL, AUDIT):
        member = ["ip", "-4", "route", "show", f"{vpn['local'][0]}/32", "proto", "155"]
        if vpn not in case.kept and subprocess.run(member, capture_output=True, check=True).stdout:
            found += [text for text in world.leaks(*vpn["blocks"]) if "pubx" in text]
    return found


def _settle(world: World, case: Case) -> list[Any]:
    """The run after it, the confirmation, and the run after that, which finds nothing to do."""
    again = world.step(landscape.commit(case.goal))
    assert not again.error, again.trace
    kept = world.step(landscape.confirm)
    assert not kept.error, kept.trace
    third = world.step(landscape.commit(case.goal))
    assert not third.error, third.trace
    return list(third.value)


def _clean(world: World, case: Case) -> tuple[dict[str, str], list[str]]:
    """What is there after a run that nothing disturbs, and that run's steps."""
    _prepare(world, case)
    outcome = world.step(case.act, steps.watched(world.root))
    assert not outcome.error, outcome.trace
    assert _settle(world, case) == []
    return world.digest(*LASTING), outcome.steps


def _numbers(taken: list[str]) -> list[int]:
    """The steps to be killed at; of the agent's many files only some. One past the end: killed when all is done."""
    numbers, similar = [], 0
    for number, what in enumerate(taken, 1):
        alike = AGENT in what or "/" not in what  # what removes a whole tree goes by names alone
        similar += alike
        if not alike or similar % EVERY == 1:
            numbers.append(number)
    return numbers


ALIKE = pytest.mark.thorough("another commit, rollback or confirmation is killed in the same steps")
ALSO = ("commit of less", "rollback of the first generation", "confirmation of a removal")


@pytest.mark.parametrize("name", [pytest.param(name, marks=ALIKE if name in ALSO else ()) for name in CASES])
def test_a_killed_step_is_made_good(
    name: str, some: Callable[[Any, int], list[Any]], tell: Callable[[str], None]
) -> None:
    case = CASES[name]

    def run(world: World) -> tuple[int, int]:
        _clean(world, case)
        clean, taken = _clean(world, case)
        words = [step.replace(str(world.root), "") for step in taken]
        assert not case.until or case.until in words
        done = 0
        for number in some(_numbers(taken), 1):
            for power in (False, True):
                _prepare(world, case)
                outcome = world.step(case.act, steps.killed(world.root, number))
                assert outcome.signal == signal.SIGKILL, (number, outcome)
                where = f"killed before step {number}, {taken[number - 1]}, power {power}"
                assert _guarded(world, case) == [], where
                if power:
                    _boot(world, case)
                    assert world.leaks(*_blocks(case.kept)) == [], f"{where}: after the reboot"
                    restored = world.step(landscape.restore)
                    # A removal that is confirmed and not complete leaves blocks that are refused, until the next run.
                    refused = case.goal is NONE and "is refused" in restored.error
                    assert refused or not restored.error, (where, restored.trace)
                    assert world.leaks(*_blocks(case.kept)) == [], f"{where}: restored"
                elif case.by_itself and case.until not in words[: number - 1]:
                    itself = world.step(case.act)
                    assert not itself.error, (where, itself.trace)
                    lost = [] if case.power else differences(world.digest(*LASTING), clean)  # devices come later
                    assert lost == [], f"{where}: by itself"
                assert _settle(world, case) == [], where
                assert differences(world.digest(*LASTING), clean) == [], where
                assert world.temporary_files() == [], where
                done += 1
        return done, len(taken)

    done, steps_taken = apart(run)
    tell(f"{name}: {steps_taken} steps, killed {done} times: 0 packets unencrypted, all put right by the next run")
