# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rotation of an organization's PPKs, pre-shared keys or tls-crypt keys: each goes on by itself, in small steps.

1. The new key is made beside the old one, which stays in use. All ends get both.
2. When all ends have both, the new key is in use. With a pre-shared key, the administrator first says that the partner
   has it: there, Ansible sees one end only.
3. When all ends use the new key, the old one is removed everywhere.

The file of a key (held.py) says how far it is, and is written whole. ``@rotation.json`` beside these files says which
keys are to get which numbers, so that a run that was killed is continued by the next one. To abandon a rotation is to
have the old numbers for the new ones: the same steps lead back. create_vpn hands out what the files say. So ends are
one step apart at most, which is a working state: the key that one end uses, the other end has.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from .._base.errors import VccError
from .._base.whole_files import locked, make_directory, write_whole
from . import held as _held
from .authority import now
from .held import Held, Key
from .keys import PPK, PSK, TLS_CRYPT, ensure_psks, fresh, psk_path, read_psks

KINDS = (PPK, PSK, TLS_CRYPT)
FORMAT = 1
STATE = "@rotation.json"  # no tunnel or edge has such a name; backups leave out names that begin with a full stop
MAKE, USE, DROP = "make", "use", "drop"
Says = Mapping[str, "Mapping[str, Any] | None"]
"""Edge -> what it says of a key: its number in `use`, the numbers that it has (`held`), and what it has not loaded
(`drift`); None: no answer."""


@dataclass(frozen=True)
class SecretRotation:
    """What is being replaced: keys of one kind."""

    begun: str  # ISO 8601, UTC
    keys: Mapping[str, int]
    """Name -> number of the key that is replaced."""
    abandoned: bool = False

    def goal(self, name: str) -> int:
        """The number of the key that all ends are to have in the end."""
        return self.keys[name] + (0 if self.abandoned else 1)


def read(state_dir: str | Path, organization: str, kind: str) -> SecretRotation | None:
    """The organization's unfinished rotation of a kind of key, if any. VccError."""
    path = _place(state_dir, organization, kind) / STATE
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
        if known.pop("format") != FORMAT:
            raise VccError(f"{path}: was written by another version of this collection")
        return SecretRotation(**known)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise VccError(f"{path}: cannot be read: {error}") from error


def unfinished(state_dir: str | Path, organizations: Iterable[str]) -> list[str]:
    """A line for each rotation that waits."""
    found = ((name, kind, read(state_dir, name, kind)) for name in sorted(organizations) for kind in KINDS)
    return [f"{_of(name, kind, one)}, is not finished: run rotate again" for name, kind, one in found if one]


def _of(organization: str, kind: str, one: SecretRotation) -> str:
    return f"{organization}: the rotation of {word(kind)}, begun {one.begun}"


def word(kind: str) -> str:
    """What `vcc_rotate` calls a kind of key."""
    return kind.replace("-", "_")


def planned(state_dir: str | Path, organization: str, kind: str, names: Iterable[str]) -> SecretRotation:
    """A rotation that begins now. Keys that were never made have the number 1."""
    there = read_psks(state_dir, organization, sorted(names), kind)
    numbers = {name: _held.parse(key).used.number if key else 1 for name, key in there.items()}
    return SecretRotation(now().strftime("%Y-%m-%dT%H:%M:%SZ"), numbers)


def begin(state_dir: str | Path, organization: str, kind: str, new: SecretRotation) -> SecretRotation:
    """Write that a rotation has begun. One that another run has begun meanwhile stays, and is returned."""
    place = _place(state_dir, organization, kind)
    try:
        make_directory(place, 0o700)
        ensure_psks(state_dir, organization, new.keys, kind)
        with locked(place / ".lock"):
            there = read(state_dir, organization, kind)
            if there is None:
                _write_state(place, new)
    except OSError as error:
        raise VccError(f"{place}: the rotation cannot begin: {error.strerror}") from error
    return there or new


def abandon(state_dir: str | Path, organization: str, kind: str, there: SecretRotation) -> SecretRotation:
    """Have all ends go back to the keys from before."""
    back = replace(there, abandoned=True)
    place = _place(state_dir, organization, kind)
    try:
        with locked(place / ".lock"):
            if read(state_dir, organization, kind) == there:
                _write_state(place, back)
    except OSError as error:
        raise VccError(f"{place}: the rotation cannot go back: {error.strerror}") from error
    return read(state_dir, organization, kind) or back


def step(held: Held, rotation: SecretRotation, name: str) -> str:
    """What comes next for a key: MAKE, USE or DROP; empty: nothing but that all ends have it alone."""
    goal = rotation.goal(name)
    if held.used.number == goal:
        return DROP if held.also else ""
    if held.used.number not in (rotation.keys[name], rotation.keys[name] + 1):
        return DROP if held.also else ""  # an administrator has put another key there meanwhile
    if rotation.abandoned and not held.of(goal):
        return DROP if held.also else ""  # the old key is gone: another one by its number would be no way back
    return USE if held.of(goal) else MAKE


def after(held: Held, rotation: SecretRotation, name: str, kind: str) -> Held:
    """A key after its next step."""
    following = step(held, rotation, name)
    if following == MAKE:
        return Held(held.used, Key(rotation.goal(name), fresh(kind)))
    if following == USE and held.also:
        return Held(held.also, held.used)
    return Held(held.used)


def waits_for(held: Held, rotation: SecretRotation, name: str, says: Says) -> dict[str, str]:
    """What keeps a key from its next step, by edge. MAKE waits for none."""
    following, found = step(held, rotation, name), {}
    for edge, said in sorted(says.items()) if following != MAKE else ():
        if said is None:
            found[edge] = "did not answer"
            continue
        numbers = [int(number) for number in said.get("held", ())]
        lacking = []
        if following == USE and rotation.goal(name) not in numbers:
            lacking = [f"has not got key {rotation.goal(name)} of {name} yet"]
        elif following == DROP and said.get("use") != held.used.number:
            lacking = [f"does not use key {held.used.number} of {name} yet"]
        elif not following and numbers != held.numbers:
            lacking = [f"still has the old key of {name}"]
        if lacking or said.get("drift"):
            found[edge] = "; ".join([*lacking, *said.get("drift", ())])
    return found


def state(state_dir: str | Path, organization: str, kind: str, names: Iterable[str]) -> dict[str, Held]:
    """The keys that are there, by name."""
    found = read_psks(state_dir, organization, names, kind)
    return {name: _held.parse(content) for name, content in found.items() if content}


def take(state_dir: str | Path, organization: str, kind: str, name: str, seen: Held) -> Held:
    """Take a key one step further from what was `seen`; what another run, or an administrator, made of it stays."""
    place = _place(state_dir, organization, kind)
    path = psk_path(state_dir, organization, name, kind)
    try:
        with locked(place / ".lock"):
            rotation = read(state_dir, organization, kind)
            there = state(state_dir, organization, kind, [name]).get(name)
            if rotation is None or there != seen or name not in rotation.keys:
                return there or seen
            following = after(there, rotation, name, kind)
            write_whole(path, f"{_held.text(following)}\n".encode(), 0o600)
    except OSError as error:
        raise VccError(f"{path}: the rotation cannot go on: {error.strerror}") from error
    return following


def finish(state_dir: str | Path, organization: str, kind: str, done: SecretRotation) -> None:
    """Forget a rotation that has come to its end."""
    place = _place(state_dir, organization, kind)
    try:
        with locked(place / ".lock"):
            if read(state_dir, organization, kind) == done:
                (place / STATE).unlink()
    except OSError as error:
        raise VccError(f"{place}: the rotation cannot end: {error.strerror}") from error


def for_partner(
    state_dir: str | Path, organization: str, content: Mapping[str, str | None]
) -> tuple[dict[str, str | None], dict[str, str]]:
    """Of texts of pre-shared keys, the keys that partners are to have in the end; and which line of its file has each,
    where it is not the first."""
    rotation = read(state_dir, organization, PSK)
    found: dict[str, str | None] = {}
    lines = dict.fromkeys(content, "")
    for name, text in content.items():
        held = _held.parse(text) if text else None
        goal = held.of(rotation.goal(name)) if held and rotation and name in rotation.keys else None
        found[name] = (goal or held.used).text if held else None
        if held and goal and goal == held.also:
            lines[name] = f" (the new key: what follows 'also {goal.number} ')"
    return found, lines


def _place(state_dir: str | Path, organization: str, kind: str) -> Path:
    return psk_path(state_dir, organization, "x", kind).parent


def _write_state(place: Path, rotation: SecretRotation) -> None:
    content = {"format": FORMAT, **asdict(rotation)}
    write_whole(place / STATE, f"{json.dumps(content, indent=1, sort_keys=True)}\n".encode(), 0o600)


def numbers(held: Held) -> dict[str, Any]:
    """What of a key may be told: its numbers."""
    return {"use": held.used.number, "to_use": held.used.number, "held": held.numbers}


def edges_of(ends: Mapping[str, Sequence[str]]) -> set[str]:
    """All edges that have one of some keys. ``ends``: by key."""
    return {edge for edges in ends.values() for edge in edges}
