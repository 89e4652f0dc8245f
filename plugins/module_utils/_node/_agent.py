# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent on the node: restores its generation at boot, rolls it back, and keeps its links up."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import time

from . import _certificates, _charon, _confirm, _files, _ip, _renew, _revocations, _secrets, _setups, _usage, _xfrm
from ._addresses import Addresses
from ._commit import FAILURES, activate, attempt, rollback
from ._document import LIBIPSEC_DEVICE, NOTHING, Generation
from ._kinds import KINDS
from ._nftables import Nftables
from ._observe import observe
from ._part import Context
from ._routes import DeviceRoutes, Guards, Routes
from ._run import CommandError
from ._ssl_kind import follow
from ._state import Busy, Store
from ._sysctl import Sysctls
from ._vici import ViciError

ROLLBACK_PATIENCE = 600.0  # seconds; the timer calls once, and a commit that holds the lock may yet be refused
DEVICE_PATIENCE = 60.0  # seconds; networks that need longer to come up are better found by an administrator


def say(text: str) -> None:
    """A line for whoever called, or for the journal."""
    sys.stdout.write(f"{text}\n")


def restore(store: Store) -> None:
    """Re-apply the current generation from disk, or the one before it when nobody confirmed the current one."""
    with store.lock():
        current = store.kept(store.named("current"))
        fallback = store.fallback
        generation = current if fallback is None else store.kept(fallback)
        boot = not _charon.identity()[0]
        context = Context(generation, current, store, boot=boot)
        # What refuses traffic needs no network; the rest waits for it. strongSwan comes after us and loads by itself.
        attempt([part.build for part in (Nftables(context), Guards(context), Sysctls(context))])
        Addresses(context).wait(DEVICE_PATIENCE)
        Routes(context).wait(DEVICE_PATIENCE)
        if fallback is None:
            activate(generation, generation, store, boot)
        else:
            say(f"nobody confirmed the generation: rolled back to {rollback(store, boot) or 'nothing'}")


def started(store: Store) -> None:
    """charon has just started and loaded its files: note that, and put back the routes that went with its device.

    Does not take the lock: a commit that restarts charon holds it and waits for us.
    """
    settings = _files.read(store.at(_charon.SETTINGS))
    generation = store.current() or NOTHING
    if not settings or not generation.tunnels("ipsec"):
        return
    _charon.wait_until_ready()
    _charon.mark(
        store,
        daemon=settings,
        config=_files.read(store.at(_charon.CONFIG)),
        credentials=_certificates.on_disk(store),
        revoked=_revocations.identities(_files.read(store.at(_certificates.REVOCATIONS))),
        secrets=_secrets.digests(generation),
        made=_renew.made_with(generation),
    )
    deadline = time.monotonic() + 5
    while generation.backend == "libipsec" and not _ip.exists(LIBIPSEC_DEVICE) and time.monotonic() < deadline:
        time.sleep(0.05)
    DeviceRoutes(Context(generation, generation, store)).build()


def firewall(store: Store) -> None:
    """Put the table back, after somebody flushed all of them."""
    generation = store.current() or NOTHING
    Nftables(Context(generation, generation, store)).build()


def guard(store: Store) -> None:
    """At boot, before there is a network: refuse what has no tunnel yet. The rest is restored when networks are up."""
    generation = store.current() or NOTHING
    context = Context(generation, generation, store, boot=True)
    failed = attempt([Nftables(context).build, Guards(context).build])
    if failed:
        raise CommandError("; ".join(failed))


def save(store: Store) -> None:
    """Remember what was used of quotas: the machine is going down."""
    if _usage.quotas(store.current() or NOTHING):
        with store.lock(patience=5):
            _usage.write(store, _usage.current(store, store.current() or NOTHING))


def keep(store: Store) -> None:
    """Put back a flushed firewall, count what is used of quotas, have every link of ours up, and once; clear up after
    a killed charon."""
    try:
        with store.lock(patience=0):
            generation = store.current() or NOTHING
            _mend(generation, store)
            due = _setups.due(generation, store)
    except Busy:  # a commit sees to all of it; and what is put back beside one, it may just have removed
        return
    # Peers may take their time, and commits do not wait for them.
    for link in _confirm.initiate_missing(generation, 15, store, due):
        say(f"{link['vpn']} over {link['tunnel']}: {link['state']} {link['error']}")


def _mend(generation: Generation, store: Store) -> None:
    _refuse(generation, store)
    for failed in attempt([lambda: _count(generation, store)]):  # links are kept, whatever can be counted
        say(f"<4>usage of quotas: {failed}")
    _clear_up(generation)
    for kind in KINDS:
        for text in kind.keep(generation, store):
            say(text)


def _refuse(generation: Generation, store: Store) -> None:
    context = Context(generation, generation, store)
    nftables, guards = Nftables(context), Guards(context)
    lost = (["the firewall"] if nftables.gone() else []) + [change.after for change in guards.changes() if change.after]
    if lost:
        say(f"<4>somebody removed {', '.join(lost)}: put back")  # <4> is a warning, sd-daemon(3)
        attempt([nftables.build, guards.build])


def _count(generation: Generation, store: Store) -> None:
    """Remember what was used of quotas, tell which are used up, and begin new periods."""
    asked = _usage.quotas(generation)
    if not asked:
        return
    used, now = _usage.loaded(), _usage.clock()
    before = _usage.counted(_usage.remembered(store), asked, used, now)
    entries = _usage.turned(before, asked, now)
    for line in _usage.tell(entries, asked):
        say(f"<4>{line}")
    _usage.write(store, entries)
    if any(used.get(quota.name) and not entries.get(quota.key, {}).get("octets") for quota in asked):
        Nftables(Context(generation, generation, store)).swap(entries)


def _clear_up(generation: Generation) -> None:
    if generation.backend == "xfrm":
        with contextlib.suppress(ViciError):  # no charon: what its predecessor left may carry traffic still
            for state in _xfrm.orphans({vpn["number"] for vpn in generation.listed("vpns")}):
                say(f"state {state.spi:#010x} to {state.destination} of a charon that was killed: removed")
                state.remove()


def peers(store: Store) -> None:
    """A peer has connected to an OpenVPN server: lead its routes to it."""
    with store.lock():
        for text in follow(store.current() or NOTHING, store):
            say(text)


def status(store: Store) -> None:
    """Print the node's state as JSON."""
    say(json.dumps(observe(store), indent=1))


def back(store: Store) -> None:
    """Return to the last confirmed generation."""
    with store.lock(ROLLBACK_PATIENCE):
        target = rollback(store)
    say("nothing to roll back" if target is None else f"rolled back to {target or 'nothing'}")


COMMANDS = {
    "restore": restore,
    "rollback": back,
    "started": started,
    "firewall": firewall,
    "guard": guard,
    "keep": keep,
    "save": save,
    "peers": peers,
    "status": status,
}


def main(arguments: list[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="agent", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, command in COMMANDS.items():
        commands.add_parser(name, help=(command.__doc__ or "").strip().splitlines()[0])
    chosen = parser.parse_args(arguments)
    try:
        COMMANDS[chosen.command](Store())
    except (*FAILURES, Busy, CommandError) as error:
        sys.stderr.write(f"intercloud-vpn: {chosen.command}: {error}\n")
        return 1
    return 0
