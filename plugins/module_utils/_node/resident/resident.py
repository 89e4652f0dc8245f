# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The resident agent: holds the node to its generation for as long as it runs.

Its workers do not wait for each other: one for what refuses traffic (refusal.py), one for the rest of the generation
and for deadlines (convergence.py), one for what peers have a part in (upkeep.py). This thread only tells systemd that
they live. Should one hang, systemd restarts the agent.
"""

from __future__ import annotations

import signal
import threading

from .. import part as _part
from ..commit import activate, attempt, refuse, rollback
from ..ipsec import charon
from ..kernel.addresses import Addresses
from ..kernel.nftables import Nftables
from ..kernel.routes import Guards, Routes
from ..kernel.sysctl import Sysctls
from ..part import Context
from ..state import Store
from ..system import files, units
from ..system.install import version
from ..system.run import CommandError
from .convergence import Convergence
from .journal import Journal, notify
from .refusal import Refusal
from .upkeep import Upkeep

DEVICE_PATIENCE = (
    10.0  # seconds that strongSwan's start waits for networks at boot; what comes later is configured then
)
BEAT = 5.0  # seconds; systemd waits for four of them


def run(store: Store) -> None:
    """Restore the generation if the machine has just booted, and hold the node to it until told to end."""
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_arguments: ended.set())
    journal = Journal()
    _part.RESIDENT = True
    if not store.at(units.RESTORED).exists():
        try:
            restore(store, journal)
        except Exception as error:  # the workers go on from here
            journal.failed("restore", str(error) or repr(error))
    for path, text in ((units.RESTORED, ""), (units.RUNNING, version(store))):
        attempt([lambda path=path, text=text: files.write(store.at(path), text, 0o600)])  # type: ignore[misc]
    workers = (Refusal(store, journal), Convergence(store, journal), Upkeep(store, journal))
    for worker in workers:
        worker.start()
    notify("READY=1")
    while not ended.wait(BEAT):
        stuck = [worker.name for worker in workers if worker.hung or not worker.is_alive()]
        if stuck:
            journal.failed("agent", f"{', '.join(stuck)} hangs: waiting to be started anew")
        else:
            notify("WATCHDOG=1")
    notify("STOPPING=1")
    for worker in workers:
        worker.end()


def restore(store: Store, journal: Journal) -> None:
    """Bring the node, which has just booted, to its generation, or to the one before if that was not confirmed."""
    with store.lock():
        running, fallback = store.running(), store.fallback
        target = running if fallback is None else store.resolve(fallback)
        if target.refusing:
            raise CommandError("; ".join([target.trouble(), *refuse(target, store)]))
        if target.damaged:
            journal.failed("state", target.trouble())
        current, generation = running.generation, target.generation
        boot = not charon.identity()[0]
        context = Context(generation, current, store, boot=boot)
        # What refuses traffic needs no network; the rest waits for it. strongSwan comes after us and loads by itself.
        attempt([part.build for part in (Nftables(context), Guards(context), Sysctls(context))])
        Addresses(context).wait(DEVICE_PATIENCE)
        Routes(context).wait(DEVICE_PATIENCE)
        if fallback is None:
            activate(generation, generation, store, boot)
        else:
            journal.warn(f"nobody confirmed the generation: rolled back to {rollback(store, boot) or 'nothing'}")
