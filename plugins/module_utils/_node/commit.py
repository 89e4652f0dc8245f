# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings a node to a generation: compare, validate, store, arm the timer, activate; and back when that fails."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from . import identity
from .bgp.bird import Bgp
from .bgp.inside import Inside
from .dhcp.dnsmasq import Dhcp
from .document import NOTHING, Change, Document, Generation
from .generation import pending as _pending
from .generation import salvage
from .ipsec import certificates, reauthenticate, secrets
from .ipsec.certificates import Certificates
from .ipsec.links import Links
from .ipsec.secrets import Secrets
from .ipsec.swanctl import Swanctl
from .ipsec.vici import ViciError
from .kernel import ip, neighbours
from .kernel.addresses import Addresses
from .kernel.neighbours import Neighbours
from .kernel.nftables import Nftables
from .kernel.routes import Guards, Handover, Routes
from .kernel.sysctl import Sysctls
from .machine import Machine
from .names.dnsmasq import Names
from .names.hosts import Hosts
from .names.resolved import Resolver
from .notes import Notes
from .part import Context, Part
from .ssl.openvpn import Openvpn
from .ssl.tuns import Tuns
from .state import COPIES, RUN, Busy, Running, Store
from .stretch import told as stretch_told
from .stretch.devices import Stretches
from .stretch.tables import Frames
from .system import room, systemd
from .system.install import HOME, Agent
from .system.run import CommandError
from .system.units import DIRECTORY, Units
from .vrrp.keepalived import Vrrp

# On the way up, what refuses traffic comes before what carries it; on the way down it is the other way round.
ORDER: tuple[type[Part], ...] = (
    Machine,  # changes nothing: whether the document fits the machine
    Notes,  # a block is noted before it is brought: whatever is lost later, it will be refused
    Agent,
    Certificates,  # on the way down nearly last: a key that is gone does not come back when a later step fails
    Units,
    Nftables,
    Handover,  # at once: whose place the firewall has changed
    Guards,
    Sysctls,
    Links,
    Tuns,
    Inside,
    Neighbours,
    Addresses,  # before the connections: the userspace backend looks for a local address inside the local selectors
    Secrets,  # before the connections, which need them; taken away after those
    Swanctl,
    Openvpn,
    Routes,
    Stretches,
    Frames,  # after the devices that it hangs on, which are up only with it
    Bgp,  # with the routes' source addresses there, and the tunnels' devices
    Names,  # nearly last: nothing else needs it
    Resolver,  # by the routes' devices
    Hosts,
    Dhcp,
    Vrrp,  # last of all: an edge with the gateway address can do all else; on the way down, it goes first
)
# What going back takes: it stays on a node that is left until that is confirmed.
KEPT = (Agent, Certificates, Units)
NOTHING_LEFT = "nothing"  # what a generation is called that leaves nothing of ours, where an empty name says less
FAILURES = (CommandError, ViciError, OSError)


class Refused(Exception):
    """The wanted state is not valid; the node was not touched. `problems` holds (subsystem, problem)."""

    def __init__(self, problems: list[tuple[str, str]]) -> None:
        super().__init__("; ".join(f"{name}: {problem}" for name, problem in problems))
        self.problems = problems


class RolledBack(Exception):
    """Activation failed. `clean` tells whether the node is back on the generation it had."""

    def __init__(self, cause: str, clean: bool, changes: list[Change]) -> None:
        super().__init__(cause)
        self.clean = clean
        self.changes = changes


@dataclass
class Outcome:
    """What a commit did, or in check mode would do."""

    changes: list[Change]
    generation: str
    unconfirmed: bool
    warnings: list[str] = field(default_factory=list)

    def report(self) -> dict[str, Any]:
        """As a module returns it."""
        return {"changed": bool(self.changes), **describe(self.changes)}


def describe(changes: Iterable[Change]) -> dict[str, Any]:
    """Changes by subsystem, and as `--diff` shows them."""
    subsystems: dict[str, dict[str, Any]] = {}
    texts: dict[str, tuple[list[str], list[str]]] = {}
    for change in changes:
        entry = subsystems.setdefault(change.subsystem, {"changed": True, "actions": []})
        entry["actions"].append(change.action)
        before, after = texts.setdefault(change.subsystem, ([], []))
        before += [change.before] if change.before else []
        after += [change.after] if change.after else []
    diff = [
        {
            "before_header": name,
            "after_header": name,
            "before": "".join(f"{text.rstrip()}\n" for text in before),
            "after": "".join(f"{text.rstrip()}\n" for text in after),
        }
        for name, (before, after) in texts.items()
        if before or after
    ]
    return {"subsystems": subsystems, "diff": diff}


def parts(want: Generation, have: Generation, store: Store, check: bool = False, boot: bool = False) -> list[Part]:
    """Every subsystem, in order."""
    context = Context(want, have, store, check, boot)
    return [kind(context) for kind in ORDER]


def compare(want: Generation, have: Generation, store: Store, check: bool = False) -> list[Change]:
    """All that differs between what is loaded on the node and a generation."""
    with ip.reading_once():
        return [change for part in parts(want, have, store, check) for change in part.changes()]


def activate(want: Generation, have: Generation, store: Store, boot: bool = False, keep: bool = False) -> None:
    """Converge the node to `want`, and look whether it did. With `keep`, what going back takes stays (`KEPT`).

    At boot every subsystem is tried, whatever the others say: a network that is not there must not keep the rest away.
    """
    if not boot:
        reauthenticate.note(want, have, store)
    everything = [part for part in parts(want, have, store, boot=boot) if not (keep and isinstance(part, KEPT))]
    steps = _steps(everything)
    with store.aiming("" if want.empty else want.name):
        if boot:
            failed = attempt(steps)
            if failed:
                raise CommandError("; ".join(failed))
            return
        for step in steps:
            step()
        # What there is to note was written, or that failed; what there is to forget has time.
        compared = [part for part in everything if not isinstance(part, Notes)]
        with ip.reading_once():
            left = [change for part in compared for change in type(part)(part.context).changes()]
        if left:
            raise CommandError(f"did not converge: {'; '.join(f'{c.subsystem}: {c.action}' for c in left)}")


def _steps(everything: Sequence[Part]) -> list[Callable[[], None]]:
    """All that converges a node, in order. Each may fail by itself."""
    first = [part.prepare for part in everything] + [part.build for part in everything]
    return first + [part.clear for part in reversed(everything)]


def shrink_notes(want: Generation, store: Store) -> None:
    """Forget what is no longer needed for a way back. Last of all, and no failure: the next run finds what is left."""
    attempt([Notes(Context(want, want, store)).shrink])


def attempt(steps: Iterable[Callable[[], None]]) -> list[str]:
    """Run every step, also after one that fails; returns what those that failed said."""
    failed = []
    for step in steps:
        try:
            step()
        except Exception as error:  # whatever it is, the others have their turn
            failed.append(str(error) or repr(error))
    return failed


def completed(want: Generation, have: Generation) -> Generation:
    """A generation without certificates, pre-shared keys or link-layer addresses keeps the ones the node has."""
    want = stretch_told.completed(neighbours.completed(secrets.completed(want, have), have), have)
    if not certificates.needed(want):
        return want
    kept = {name: have.files[name] for name in (*certificates.FILES, *certificates.OPTIONAL) if name in have.files}
    return Generation(want.document, {**kept, **want.files}, want.backend, want.awaited)


def commit(
    want: Generation,
    store: Store,
    timeout: int = 60,
    check: bool = False,
    allow_older: bool = False,
    lineage: Document | None = None,
    adopt: Collection[str] = (),
) -> Outcome:
    """Bring the node to `want`.

    With a `timeout` (seconds) the node returns to its last confirmed generation unless confirmed before. Raises
    Refused (nothing was touched), RolledBack (activation failed), Busy. A document for another machine is refused
    unless the name that this one has is in `adopt`. A generation that does not descend from the node's, by its
    `lineage`, is refused unless `allow_older`: of two controllers, the slower one would undo what the other did, and a
    ledger that was restored gives addresses out twice.
    """
    with contextlib.nullcontext() if check else store.lock():
        wrong = identity.stranger(want.document, store, adopt)
        if wrong:
            raise Refused([("identity", wrong)])
        known = identity.of(store)
        same = known and all(want.document.get(key) == getattr(known, key) for key in ("node", "organization"))
        if same and not allow_older:  # who takes another name on purpose has another past
            wrong = identity.descends(int(want.document.get("generation") or 0), lineage, known)
            if wrong:
                raise Refused([("generation", wrong)])
        if not known and not want.empty and not allow_older:
            wrong = identity.left_later(int(want.document.get("generation") or 0), lineage, store)
            if wrong:
                raise Refused([("generation", wrong)])
        outcome = _commit(want, store, timeout, check)
        if want.empty and not check:
            identity.note_left(want.document, lineage, store)
        return outcome


def revise(
    files: dict[str, str], store: Store, check: bool = False, still: Callable[[], bool] = lambda: True
) -> Outcome:
    """Give the node's own generation other files, confirmed at once. Raises what `commit` does.

    `still`: whether that is still wanted, asked once the lock is held. Busy, too, while the generation is unconfirmed:
    whoever comes to confirm it, or the timer, decides about it.
    """
    with contextlib.nullcontext() if check else store.lock():
        running = store.running()
        if running.damaged:
            raise CommandError(running.trouble())
        have = running.generation
        if have.empty or not still():
            return Outcome([], store.named("current"), store.fallback is not None)
        if store.fallback is not None and not check:
            raise Busy("the node's generation is not confirmed yet: another run is at work; run this again")
        return _commit(Generation(have.document, {**have.files, **files}, have.backend), store, 0, check)


def _commit(want: Generation, store: Store, timeout: int, check: bool) -> Outcome:
    running = store.running()
    # Of a node whose generation is damaged, everything that is loaded is looked at, as if it were nobody's.
    have = salvage.known(running, store) if running.damaged else running.generation
    want = NOTHING if want.empty else completed(want, have)
    everything = parts(want, have, store, check)
    with ip.reading_once():
        problems = [(part.name, problem) for part in everything for problem in part.problems()]
        if problems:
            raise Refused(problems)
        changes = [change for part in everything for change in part.changes()]
    name = "" if want.empty else want.name
    changes += _storing(name, want, store)
    _refuse_without_room(want, have, store, changes)
    if not check and not changes:
        _arm_again(store, name, timeout)
    outcome = Outcome(changes, name or NOTHING_LEFT, store.fallback is not None)
    if changes:
        outcome.warnings += [note for part in everything for note in part.notes()]
    if check or not changes:
        return outcome
    fallback = store.fallback
    if fallback is None:
        fallback = running.name
    if not name and room.check([store.state], room.SPARE):
        attempt([store.forget_previous])  # a disk that is full keeps nothing from going: this makes some room
    try:
        _prepare(want, have, store, timeout, fallback, outcome)
        if name:
            store.reserve.take(room.needed(have))
            store.save(want)
            store.point(want)
        elif timeout:
            attempt([lambda: store.reserve.take(room.needed(have))])
            store.leave()
        activate(want, have, store, keep=not name and bool(timeout))
        if not timeout:
            store.reserve.release()
            if not name:
                store.erase()
            shrink_notes(want, store)
    except Exception as error:  # whatever it is, the node has been touched
        clean = _back(want, store.resolve(fallback), store)
        raise RolledBack(str(error) or repr(error), clean, changes) from error
    return outcome


def _storing(name: str, want: Generation, store: Store) -> list[Change]:
    """What is to be done about the stored generations."""
    if not name:
        return [Change("generation", "forget")] if store.remains() else []
    if store.named("current") != name or not store.whole(name):
        return [Change("generation", f"store {want.document['generation']}")]
    forgotten = (
        [] if store.pending else [*store.reserve.places, store.state / _pending.FILE]
    )  # by a run that was killed
    over = [*store.surplus(), *(path for path in forgotten if path.exists())]
    return [Change("generation", f"remove {path}") for path in over]


def _refuse_without_room(want: Generation, have: Generation, store: Store, changes: list[Change]) -> None:
    """Removal needs no room, and is how an administrator may want to make some."""
    if changes and not want.empty:
        places = [store.state, *(store.at(path) for path in (COPIES, DIRECTORY, HOME, RUN))]
        lacking = room.check(places, room.needed(want, have))
        if lacking:
            raise Refused([("state", problem) for problem in lacking])


def _arm_again(store: Store, name: str, timeout: int) -> None:
    """A run that found the work of a killed one done has as long to confirm it as that one had."""
    pending = store.pending
    if pending is not None and timeout:
        _pending.arm(store, name, pending.fallback, timeout)
    elif pending is not None:
        store.confirm()


def _prepare(want: Generation, have: Generation, store: Store, timeout: int, fallback: str, outcome: Outcome) -> None:
    """Make sure that the node comes back, before it is touched."""
    if not timeout:
        store.confirm()
        outcome.unconfirmed = False
        return
    if not want.empty:
        context = Context(want, have, store)
        for kind in (Agent, Units):
            kind(context).build()
    _pending.arm(store, "" if want.empty else want.name, fallback, timeout)
    outcome.unconfirmed = True
    if not systemd.here():
        outcome.warnings.append("this node has no systemd: it will not roll back by itself without a confirmation")


def remove(store: Store, check: bool = False) -> list[Change]:
    """Take away whatever is on the node of ours, whoever told it that, and at once. The caller holds the lock."""
    changes = _commit(NOTHING, store, 0, check).changes
    left = store.at(identity.LEFT)
    if left.exists() and not changes:
        changes = [Change("generation", f"remove {left}")]
    if not check:
        left.unlink(missing_ok=True)
    return changes


def leave(store: Store) -> None:
    """Nothing of ours is wanted on the node any more, and that is confirmed: take away what going back took.

    Until all is erased, the state says that the node is on its way to nothing, and never back. Without that, what is
    left of the state meanwhile looks damaged: the agent would refuse every block, and its table would stay.
    """
    pending = store.pending
    have = (store.load(pending.fallback) if pending and pending.fallback else None) or NOTHING
    store.reserve.release()
    _pending.write(store, _pending.Pending("", "", 0, 0, undoing=True))
    for part in reversed(parts(NOTHING, have, store)):
        if isinstance(part, KEPT):
            part.clear()
    store.erase()


def _back(have: Generation, to: Running, store: Store, boot: bool = False) -> bool:
    """Converge to `to` after `have` failed; every subsystem is tried, whatever the others say.

    It needs no room on disk that was not set aside before. What was not undone stays pending, and the agent tries
    again. Where no generation can be read to go back to, every block is refused, and nothing else is touched.
    """
    store.reserve.release()
    store.lost = []
    try:
        return _return(have, to, store, boot)
    finally:
        store.lost = None


def _return(have: Generation, to: Running, store: Store, boot: bool) -> bool:
    if to.refusing:
        refuse(to, store)
        # A name that leads to nothing readable stays: it tells the generation's number.
        attempt([*([store.leave] if store.current() else []), store.confirm])
        return False
    want = to.generation
    everything = parts(want, have, store, boot=boot)
    steps = _steps(everything)
    with store.aiming(to.name):
        clean = not attempt([*steps, Notes(Context(want, have, store)).shrink]) and not store.lost
    if not clean:
        undoing = _pending.Pending(have.name, to.name, 0, 0, undoing=True)
        attempt([lambda: _pending.write(store, undoing)])
    if not want.empty:
        stored = store.load(to.name) or want
        last: list[Callable[[], None]] = [lambda: store.point(stored, back=True)]
    else:
        last = [store.erase if clean else store.leave]
    # What could not be pointed at stays unconfirmed, and so leads back there all the same.
    clean = not attempt(last) and clean and not attempt([store.confirm])
    return clean and not to.damaged


def refuse(running: Running, store: Store) -> list[str]:
    """Bring what refuses traffic, before and whatever else. Returns what failed."""
    context = Context(running.generation, running.generation, store, boot=True)
    return attempt([Nftables(context).build, Guards(context).build])


def refused(running: Running, store: Store) -> list[Change]:
    """What is missing of what refuses traffic."""
    context = Context(running.generation, running.generation, store)
    return [*Nftables(context).changes(), *(c for c in Guards(context).changes() if c.after)]


def rollback(store: Store, boot: bool = False) -> str | None:
    """Go back to the last confirmed generation. Returns its name ("" is: nothing), or None if all is confirmed.

    The caller holds the store's lock. CommandError when not all of it could be undone: it is tried again.
    """
    pending = store.pending
    if pending is None:
        return None
    to = store.resolve(pending.fallback)
    if not _back(store.load(pending.generation) or NOTHING, to, store, boot):
        if to.damaged:
            raise CommandError(to.trouble())
        raise CommandError(f"not all of the way back to {pending.fallback or 'nothing'}: see `agent status`")
    return pending.fallback
