# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one routine: a fault, a run that succeeds, a run that changes nothing, and the lab as after a clean run."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.intercloud.vpn.tests.faults.lab import controller, digest, states, traffic
from ansible_collections.intercloud.vpn.tests.testinfra import lab, snapshot, strongswan
from ansible_collections.intercloud.vpn.tests.testinfra.playbooks import EDGES, SCRATCH

PATIENCE = 90  # seconds until tunnels are up, on a busy machine


class Story:
    """The lab from fault to fault. `esp`: encrypted packets that the internet saw in all episodes."""

    def __init__(self):
        self.at = None
        self.clean = {}  # move → (digest, places)
        self.book = traffic.Book()
        self.esp = 0

    def reach(self, state):
        """Where the next episode begins."""
        if self.at is not state:
            states.reach(state)
            self._settle(state)

    def places(self, move):
        """Where a move can be interrupted: found out, the first time, by making it without a fault."""
        if move.name not in self.clean:
            self.reach(move.begin)
            if move.end is states.REVOKED:
                self.clean.clear()  # edges keep what was revoked, whatever they are told later
            self._prepare(move)
            found, status = controller.places(move.words())
            assert status == 0, f"{move.name} without a fault"
            assert move.run().changed == frozenset()
            self._settle(move.end)
            self.clean[move.name] = (digest.of_all(), found)
        return self.clean[move.name][1]

    def episode(self, move, fault, repair=None):
        """`fault` makes the move's run in its own manner; `repair` is what comes before the next run."""
        self.places(move)
        self.reach(move.begin)
        file = SCRATCH / "episode.pcap"
        self.at = None
        with traffic.watched(self.book, file) as seen:
            self._prepare(move)
            fault(move)
            if repair:
                repair()
            move.run()
            third = move.run()
            self._settle(move.end)
        assert third.changed == frozenset(), f"the third run: {sorted(third.changed)}"
        clear = traffic.unencrypted(seen)
        assert clear == [], f"{len(clear)} packets unencrypted: {clear[:5]}"
        different = snapshot.differences(self.clean[move.name][0], digest.of_all())
        assert different == [], "\n".join(["not as after a clean run", *different[:40]])
        self.esp += len(seen.packets(traffic.ESP))
        Path(file).unlink()

    def _prepare(self, move):
        if move.prepare:
            move.prepare()

    def _settle(self, state):
        """One of each SA, and all members answer; or, where nothing is up, no CHILD_SA."""
        lab.wait_for(f"one of each SA: {state.name}", lambda: sas() == wanted(state), PATIENCE)
        if state.up:
            lab.wait_for(f"all members answer: {state.name}", lambda: traffic.answer(state.vpns), PATIENCE)
            self.book.read(state.names)
        self.at = state


def wanted(state):
    return {edge: [(states.TUNNEL, state.names)] if state.up else [] for edge in EDGES}


def sas():
    """{edge: [(IKE_SA, its CHILD_SAs) …]}, without IKE_SAs that have none. An edge whose charon is off has none."""
    found = {}
    for edge in EDGES:
        runs = lab.sh(edge, "swanctl --stats >/dev/null 2>&1 && echo runs", check=False)
        every = strongswan.ike_sas(edge) if runs else []
        found[edge] = [(sa.name, sorted(child.name for child in sa.children)) for sa in every if sa.children]
    return found


def unconfirmed():
    """Machines that wait for a confirmation, and will go back without one."""
    names = list(lab.machines())
    waiting = lab.at_once(lambda name: lab.sh(name, "ls /var/lib/intercloud-vpn/unconfirmed 2>&1", check=False), names)
    return [name for name, said in zip(names, waiting) if "No such" not in said]
