# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent's command line: the resident process, and what others call it for."""

from __future__ import annotations

import json
import sys
import time

from .commit import FAILURES, refuse, rollback
from .document import LIBIPSEC_DEVICE
from .ipsec import certificates, charon, reauthenticate, revocations, secrets
from .kernel import ip, usage
from .kernel.nftables import Nftables
from .kernel.routes import DeviceRoutes
from .observe import observe
from .part import Context
from .resident import resident
from .ssl.kind import follow
from .state import Busy, Store
from .system import files
from .system.run import CommandError

ROLLBACK_PATIENCE = 600.0  # seconds; a commit that holds the lock may yet be refused


def say(text: str) -> None:
    """A line for whoever called, or for the journal."""
    sys.stdout.write(f"{text}\n")


def started(store: Store) -> None:
    """charon has just started and loaded its files: note that, and put back the routes that went with its device.

    Does not take the lock: a commit that restarts charon holds it and waits for us.
    """
    settings = files.read(store.at(charon.SETTINGS))
    _name, generation = store.leading()
    if not settings or not generation.tunnels("ipsec"):
        return
    charon.wait_until_ready()
    charon.mark(
        store,
        daemon=settings,
        config=files.read(store.at(charon.CONFIG)),
        credentials=certificates.on_disk(store),
        proofs=certificates.proofs_on_disk(store),
        revoked=revocations.identities(files.read(store.at(certificates.REVOCATIONS))),
        secrets=secrets.digests(generation, secrets.preferred(store)),
        made=reauthenticate.made_with(generation),
        authorities=certificates.authorities(store),
    )
    deadline = time.monotonic() + 5
    while generation.backend == "libipsec" and not ip.exists(LIBIPSEC_DEVICE) and time.monotonic() < deadline:
        time.sleep(0.05)
    DeviceRoutes(Context(generation, generation, store)).build()


def firewall(store: Store) -> None:
    """Put the table back, after somebody flushed all of them."""
    _name, generation = store.leading()
    Nftables(Context(generation, generation, store)).build()


def guard(store: Store) -> None:
    """At boot, before there is a network: refuse what has no tunnel yet. The rest is restored when networks are up."""
    running = store.running()
    failed = refuse(running, store)
    if failed or running.damaged:
        raise CommandError("; ".join([text for text in (running.trouble(), *failed) if text]))


def save(store: Store) -> None:
    """Remember what was used of quotas: the machine is going down."""
    generation = store.running().generation
    if usage.quotas(generation):
        with store.lock(patience=5):
            usage.write(store, usage.current(store, generation))


def peers(store: Store) -> None:
    """A peer has connected to an OpenVPN server: lead its routes to it."""
    with store.lock():
        for text in follow(store.running().generation, store):
            say(text)


def status(store: Store) -> None:
    """Print the node's state as JSON."""
    say(json.dumps(observe(store), indent=1))


def metrics(store: Store) -> None:
    """Print the node's state as Prometheus text."""
    from .metrics.look import told  # not for the resident agent

    sys.stdout.write(told(store))


def export(store: Store) -> None:
    """Write it where node_exporter looks."""
    from .metrics.look import write

    write(store)


def lanes(_store: Store) -> None:
    """Say hello to the edges of pairs, and to their peers, and lead packets to those that answer."""
    from .lanes.process import main as live  # the resident agent has no use for it

    live()


def back(store: Store) -> None:
    """Return to the last confirmed generation."""
    with store.lock(ROLLBACK_PATIENCE):
        target = rollback(store)
    say("nothing to roll back" if target is None else f"rolled back to {target or 'nothing'}")


COMMANDS = {
    "run": resident.run,
    "rollback": back,
    "started": started,
    "firewall": firewall,
    "guard": guard,
    "save": save,
    "peers": peers,
    "status": status,
    "metrics": metrics,
    "export": export,
    "lanes": lanes,
}
USAGE = "".join(
    f"  {name:10} {(command.__doc__ or '').strip().splitlines()[0]}\n" for name, command in COMMANDS.items()
)


def main(arguments: list[str] | None = None) -> int:
    """The command line."""
    given = sys.argv[1:] if arguments is None else arguments
    if given in (["--help"], ["-h"]):
        say(f"agent COMMAND, one of\n{USAGE}")
        return 0
    if len(given) != 1 or given[0] not in COMMANDS:
        sys.stderr.write(f"agent COMMAND, one of\n{USAGE}")
        return 2
    try:
        COMMANDS[given[0]](Store())
    except (*FAILURES, Busy, CommandError) as error:
        sys.stderr.write(f"intercloud-vpn: {given[0]}: {error}\n")
        return 1
    return 0
