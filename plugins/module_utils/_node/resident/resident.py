# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The resident agent: holds the node to its generation for as long as it runs.

It listens, and thinks of what is due; whatever takes longer is done in steps, which are processes of their own
(step.py). So its workers do not wait for each other: one for what refuses traffic (refusal.py), one for the rest of the
generation and for deadlines (convergence.py), one for what peers have a part in (upkeep.py). A step that hangs is
killed; should the agent itself hang, systemd restarts it.
"""

from __future__ import annotations

import gc
import select
import signal
import socket
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

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
from .held import Held
from .journal import Journal, notify
from .refusal import Refusal
from .step import Step
from .upkeep import Upkeep
from .worker import Worker

T = TypeVar("T")
DEVICE_PATIENCE = (
    10.0  # seconds that strongSwan's start waits for networks at boot; what comes later is configured then
)
BEAT = 5.0  # seconds; systemd waits for four of them
PAUSE = 1.0  # seconds without a worker that failed


def run(store: Store) -> None:
    """Restore the generation if the machine has just booted, and hold the node to it until told to end."""
    ended = _told_to_end()
    journal, held = Journal(), Held()
    _part.RESIDENT = True
    # It has as long as systemd gives it. One that was killed has restored nothing: systemd starts the agent anew.
    again = not store.at(units.RESTORED).exists()
    if again and not Step("restore", lambda: _restored(store, journal), float("inf")).wait():
        journal.failed("restore", "ended early")
        raise SystemExit(1)
    for path, text in ((units.RESTORED, ""), (units.RUNNING, version(store))):
        attempt([lambda path=path, text=text: files.write(store.at(path), text, 0o600)])  # type: ignore[misc]
    workers = [kind(store, journal, held) for kind in (Refusal, Convergence, Upkeep)]
    gc.collect()
    gc.freeze()  # or every step would copy all of it by looking at it
    notify("READY=1")
    told = 0.0
    while True:
        now = time.monotonic()
        if now - told >= BEAT:
            told = now
            alive(workers, journal)
        if live(workers, ended, now, told + BEAT):
            break
    notify("STOPPING=1")


def _told_to_end() -> socket.socket:
    """What can be read from when systemd has told this process to end."""
    reading, writing = socket.socketpair()
    for end in (reading, writing):
        end.setblocking(False)
    signal.set_wakeup_fd(writing.fileno())
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_arguments: writing.fileno())  # which keeps that end open
    return reading


def live(workers: Sequence[Worker], ended: socket.socket, now: float, until: float) -> bool:
    """Begin what is due, and wait for the first of: news, a step that has said something, the next thing to do.

    Whether the process is to end.
    """
    for worker in workers:
        until = min(until, attempted(worker, now, worker.think, now) or now + PAUSE)
    deaf = [worker.deaf_until for worker in workers if worker.deaf_until > now]
    listening = {source: worker for worker in workers if worker.deaf_until <= now for source in worker.sources()}
    steps = [step for worker in workers for step in worker.steps.values()]
    wait = max(0.0, min([until, *deaf]) - time.monotonic())
    ready = select.select([ended, *listening, *steps], [], [], wait)[0]
    for worker in dict.fromkeys(listening[source] for source in ready if source in listening):
        attempted(worker, now, worker.hear)
    for worker in workers:
        attempted(worker, now, worker.collect)
    return ended in ready


def attempted(worker: Worker, now: float, do: Callable[..., T], *given: float) -> T | None:
    """Return what `do` returns. If it raises, the journal says so once, and the worker pauses. Other workers go on."""
    try:
        return do(*given)
    except Exception as error:
        worker.journal.failed(worker.name, str(error) or repr(error))
        worker.deaf_until = now + PAUSE
        return None


def alive(workers: Sequence[Worker], journal: Journal) -> None:
    """Tell systemd that the agent is alive, unless a step hangs that cannot be killed."""
    stuck = [step.name for worker in workers for step in worker.steps.values() if step.stuck]
    if stuck:
        journal.failed("agent", f"{', '.join(stuck)} hangs: waiting for a restart")
    else:
        notify("WATCHDOG=1")


def _restored(store: Store, journal: Journal) -> bool:
    """True, also where it failed: the workers go on from there."""
    try:
        restore(store, journal)
    except Exception as error:
        journal.failed("restore", str(error) or repr(error))
    return True


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
            journal.warn(f"the generation was not confirmed: rolled back to {rollback(store, boot) or 'nothing'}")
