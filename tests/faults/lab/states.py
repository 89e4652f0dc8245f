# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""States that the lab's VPNs can be in, and the runs that lead from one to the next."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.intercloud.vpn.plugins.plugin_utils import _lab
from ansible_collections.intercloud.vpn.tests.testinfra import ledger, playbooks
from ansible_collections.intercloud.vpn.tests.testinfra.playbooks import AUDIT, PAYROLL, SHARED

TUNNEL = "edge-east--edge-west"
PPK = Path(_lab.STATE_DIR, "ppk/acme", TUNNEL)


@dataclass(frozen=True)
class State:
    """What is there at the end of a run. `up`: whether the edges have their tunnel, and members answer."""

    name: str
    vpns: tuple = ()
    up: bool = True

    @property
    def names(self):
        return sorted(vpn["name"] for vpn in self.vpns)


@dataclass(frozen=True)
class Move:
    """A run, as the words of ansible-playbook; `prepare` is called right before it."""

    name: str
    begin: State
    end: State
    playbook: str | Path
    variables: dict
    prepare: object = None

    def words(self, **more):
        return playbooks.command(self.playbook, **self.variables, **more)

    def run(self, **options):
        return playbooks.run(self.playbook, **self.variables, **options)


def _create(name, begin, end, prepare=None):
    return Move(name, begin, end, SHARED / "apply.yml", {"vpns": list(end.vpns)}, prepare)


def _delete(name, begin, end):
    names = sorted({*begin.names} - {*end.names})
    return Move(name, begin, end, SHARED / "withdraw.yml", {"vcc_delete": names})


def _new_key():
    PPK.write_text(f"{secrets.token_hex(32)}\n", encoding="utf-8")


NONE = State("none", up=False)
ONE = State("payroll", (PAYROLL,))
MORE = State("payroll with another member", ({**PAYROLL, "members": [*PAYROLL["members"], "vm2-east"]},))
BOTH = State("payroll and audit", (PAYROLL, AUDIT))
QUANTUM = State("payroll under postquantum", ({**PAYROLL, "policy": "postquantum"},))
REVOKED = State("payroll, and edge-west is revoked", (PAYROLL,), up=False)

# There and back: one killed run's end is where the next one begins.
ROUNDS = {
    "create, delete": (_create("create", NONE, ONE), _delete("delete", ONE, NONE)),
    "member": (_create("add a member", ONE, MORE), _create("take a member out", MORE, ONE)),
    "second VPN": (_create("second VPN", ONE, BOTH), _delete("delete one of two", BOTH, ONE)),
    "policy": (_create("policy postquantum", ONE, QUANTUM), _create("policy standard", QUANTUM, ONE)),
    "new PPK": (_create("new PPK", QUANTUM, QUANTUM, _new_key),),
    "revoke": (
        Move("revoke", ONE, REVOKED, "revoke_certificate", {"vcc_revoke": "edge-west"}),
        _create("create after it", REVOKED, ONE),
    ),
}
MOVES = {move.name: move for moves in ROUNDS.values() for move in moves}
TWO_AT_ONCE = _create("create two", NONE, BOTH)


def reach(state):
    """Go to a state, whatever is there."""
    extra = sorted({row["name"] for row in ledger.rows("vpns")} - {*state.names})
    if extra:
        playbooks.delete(*extra, verify=False)
    if state.vpns:
        playbooks.create(*state.vpns, verify=False)
    if state is REVOKED:
        MOVES["revoke"].run()
