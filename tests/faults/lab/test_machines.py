# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Modules, sshd, power, networks, other controllers and the ledger fail while a run is under way, or before it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import pytest

from ansible_collections.intercloud.vpn.tests.faults.lab import faults, states
from ansible_collections.intercloud.vpn.tests.testinfra.playbooks import AUDIT, PAYROLL, SHARED

EDGE, VAPP, MEMBER = (
    "Bring the edge to its generation",
    "Bring the vApp edge to its generation",
    "Bring the member to its generation",
)
CREATE, DELETE, SECOND = (states.MOVES[name] for name in ("create", "delete", "second VPN"))


@dataclass(frozen=True)
class Fault:
    """`repair`: what an administrator does about it before the next run; nothing, if that is enough."""

    move: states.Move
    during: object
    repair: object = None


def _on(machine):
    return partial(faults.started, machine)


FAULTS = {
    **{
        f"module killed on {machine}, {into} s into it, {move.name}": Fault(
            move, faults.at(task, into, faults.kill_module, machine)
        )
        for move in (CREATE, DELETE)
        for machine, task in (("edge-west", EDGE), ("vapp1-east", VAPP), ("vm1-west", MEMBER))
        for into in (0.0, 0.15)  # what an installed agent does is soon done
    },
    **{
        f"sshd killed on {machine}, {move.name}": Fault(
            move, faults.at(task, 0.5, faults.kill_sshd, machine), _on(machine)
        )
        for move in (CREATE, DELETE)
        for machine, task in (("edge-west", EDGE), ("vm1-west", MEMBER))
    },
    **{
        f"power plug of {machine}, {into} s into it, {move.name}": Fault(
            move, faults.at(task, into, faults.pull_plug, machine), _on(machine)
        )
        for move in (CREATE, DELETE, SECOND)
        for machine, task in (("edge-west", EDGE), ("vapp1-east", VAPP), ("vm3-west", MEMBER))
        for into in (0.3, 1.0)
    },
    "boot with a network that is missing": Fault(
        SECOND, faults.boot_without_network("edge-west"), partial(faults.network_comes, "edge-west")
    ),
    "boot with a network that is late": Fault(
        SECOND, faults.boot_without_network("edge-west", seconds=4), partial(faults.network_comes, "edge-west")
    ),
    "two controllers create": Fault(
        states.TWO_AT_ONCE, faults.beside(SHARED / "apply.yml", vpns=[AUDIT], first=[PAYROLL])
    ),
    "one controller creates, one deletes": Fault(
        SECOND, faults.beside(SHARED / "withdraw.yml", vcc_delete=["payroll"])
    ),
    "ledger of an old copy": Fault(SECOND, faults.old_ledger, faults.recover_ledger),
    "ledger truncated": Fault(SECOND, faults.truncated_ledger, faults.restore_ledger),
    "ledger locked for 5 s": Fault(SECOND, faults.locked_ledger(5)),
    "ledger locked for longer than a run waits": Fault(SECOND, faults.locked_ledger()),
    "links flap, firewalls and routes are flushed, create": Fault(CREATE, faults.flushes(2)),
    "links flap, firewalls and routes are flushed, second VPN": Fault(SECOND, faults.flushes(2)),
    "links flap, firewalls and routes are flushed, delete": Fault(DELETE, faults.flushes(2)),
}


@pytest.mark.parametrize("name", FAULTS)
def test_the_next_run_makes_it_good(story, tell, name):
    fault = FAULTS[name]
    story.episode(fault.move, fault.during, fault.repair)
    tell(f"{name}: 0 packets unencrypted, put right by the next run")


def test_the_internet_saw_what_was_sent_encrypted(story, tell):
    """So it would have seen the rest."""
    tell(f"{story.esp} encrypted packets seen by the internet in all episodes")
    assert story.esp > 1000
