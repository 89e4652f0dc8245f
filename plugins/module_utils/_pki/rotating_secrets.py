# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run of the playbook rotate on the VCC server, as far as it is about the keys of tunnels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .._base.errors import VccError
from .._base.problems import did_you_mean
from . import secret_rotation as rotation
from .held import Held
from .keys import NAMES, PSK
from .secret_rotation import SecretRotation

_SAID = {
    rotation.MAKE: "edges get new keys beside the ones in use",
    rotation.USE: "phase 1 of 3: edges have both keys",
    rotation.DROP: "phase 2 of 3: edges use the new key",
    "": "phase 3 of 3: edges have the new key alone",
}


@dataclass(frozen=True)
class Ends:
    """Who has a key: our edges, each with its tunnels that have it, and the partner of a pre-shared key."""

    edges: Mapping[str, list[dict[str, Any]]]
    partner: str = ""


Keys = dict[str, dict[str, dict[str, Ends]]]
"""Organization -> kind -> name of the key -> its ends."""


class RotatingSecrets:
    """A run's part in the rotations of some organizations. ``given``: the module's parameters."""

    def __init__(self, given: Mapping[str, Any], check: bool, keys: Keys) -> None:
        self.given, self.check = given, check
        self.keys = keys
        self.place = Path(given["state_dir"])
        self.kinds = [kind for kind in rotation.KINDS if rotation.word(kind) in given["kinds"]]
        self.changed = False
        self.summary: list[str] = []
        self.waiting: dict[str, str] = {}
        self.orders: dict[str, dict[str, Any]] = {}

    def unfinished(self) -> bool:
        """Whether a rotation waits for an edge or a partner."""
        return any(self._read(name, kind) for name in self.keys for kind in rotation.KINDS)

    def _read(self, organization: str, kind: str) -> SecretRotation | None:
        return rotation.read(self.place, organization, kind)

    def _concerned(self) -> list[str]:
        return self.kinds or [*rotation.KINDS]

    def begin(self) -> bool:
        """Begin, or find what is to go on; whether there is a round for the edges. VccError with all that is wrong."""
        known = {(name, kind): self._read(name, kind) for name in sorted(self.keys) for kind in self._concerned()}
        going = {place: there for place, there in known.items() if there}
        wanted = {place: self._wanted(*place) for place in known} if self.kinds else {}
        problems = self._unknown()
        if self.given["abandon"] and not going:
            problems.append("vcc_rotate_abandon: no rotation of ppk, psk or tls_crypt is unfinished: leave it out")
        if not self.given["abandon"]:
            problems += self._wrong(wanted, going)
        if problems:
            raise VccError("\n".join(dict.fromkeys(problems)))
        for (name, kind), there in known.items():
            now = there
            if there and self.given["abandon"] and not there.abandoned:
                now, self.changed = self._abandoned(name, kind, there), True
            elif not there and not going and wanted.get((name, kind)):
                now, self.changed = rotation.planned(self.place, name, kind, wanted[name, kind]), True
                if not self.check:
                    now = rotation.begin(self.place, name, kind, now)
            if now:
                self._make(name, kind, now)
                self._order(name, kind, now)
        return bool(self.orders)

    def _abandoned(self, name: str, kind: str, there: SecretRotation) -> SecretRotation:
        if self.check:
            return SecretRotation(there.begun, there.keys, abandoned=True)
        return rotation.abandon(self.place, name, kind, there)

    def _wanted(self, organization: str, kind: str) -> list[str]:
        """The keys that the run names."""
        named = {*self.given["edges"]}
        return sorted(
            name
            for name, ends in self.keys[organization].get(kind, {}).items()
            if not named or named & {*ends.edges, ends.partner}
        )

    def _unknown(self) -> list[str]:
        named = {*self.given["edges"]}
        every = {
            edge
            for kinds in self.keys.values()
            for kind in self._concerned()
            for ends in kinds.get(kind, {}).values()
            for edge in (*ends.edges, ends.partner)
        } - {""}
        what = f"no edge of this name has a {' or '.join(NAMES[kind] for kind in self._concerned())}"
        return [f"vcc_rotate_edges: {one}: {what}{did_you_mean(one, every)}" for one in sorted(named - every)]

    def _wrong(self, wanted: Mapping[tuple[str, str], list[str]], going: Mapping[tuple[str, str], Any]) -> list[str]:
        found = []
        if wanted and not going and not any(wanted.values()) and not self.given["edges"]:
            words = ", ".join(NAMES[kind] for kind in self.kinds)
            found.append(f"vcc_rotate: no tunnel has a {words} yet: the first create_vpn makes it")
        for (name, kind), keys in wanted.items():
            there = going.get((name, kind))
            for key in keys:
                partner = self.keys[name][kind][key].partner
                if not there and not going and partner and partner in self.given["with_psk"]:
                    found.append(
                        f"hosts.{partner}.vcc_psk: the inventory has this key: change it there (docs/external.md), or "
                        "name other partners in vcc_rotate_edges"
                    )
            left = sorted({*keys} - {*there.keys}) if there and self.given["edges"] else []
            if left and there:
                found.append(
                    f"{name}: the rotation of {rotation.word(kind)} of {', '.join(sorted(there.keys))}, begun "
                    f"{there.begun}, is not finished: finish it first, without {', '.join(left)}"
                )
        return found

    def _state(self, organization: str, kind: str, now: SecretRotation) -> dict[str, Held]:
        return rotation.state(self.place, organization, kind, sorted(now.keys))

    def _make(self, organization: str, kind: str, now: SecretRotation) -> None:
        """Make the new keys that are missing. It waits for no edge."""
        for name, held in self._state(organization, kind, now).items():
            if rotation.step(held, now, name) == rotation.MAKE:
                self.changed = True
                if not self.check:
                    rotation.take(self.place, organization, kind, name, held)

    def _order(self, organization: str, kind: str, now: SecretRotation) -> None:
        """Tell each edge what it is to have of these keys."""
        there, phases = self._state(organization, kind, now), set[str]()
        for name in sorted(now.keys):
            held = there.get(name)
            ends = self.keys[organization].get(kind, {}).get(name)
            following = rotation.step(held, now, name) if held else rotation.MAKE
            phases.add(following)
            told = rotation.numbers(held) if held else {"use": 1, "to_use": 1, "held": [1]}
            if following == rotation.MAKE:  # in check mode
                told["held"] = sorted({now.goal(name), *(held.numbers if held else [1])})
            for edge, tunnels in ends.edges.items() if ends else ():
                if edge in self.given["forget"]:
                    continue
                order = self.orders.setdefault(edge, {"organization": organization, "secrets": {}, "tunnels": []})
                for tunnel in tunnels:
                    order["secrets"][tunnel["name"]] = told
                    order["tunnels"] = [*(t for t in order["tunnels"] if t["name"] != tunnel["name"]), tunnel]
        words = "; ".join(said for phase, said in _SAID.items() if phase in phases)
        back = ", which is abandoned," if now.abandoned else ""
        self.summary.append(
            f"{organization}: rotation of {rotation.word(kind)}{back} (begun {now.begun}), {words}: "
            f"{', '.join(sorted(now.keys))}"
        )

    def advance(self) -> bool:
        """Take keys further whose ends have all told that they may; whether there is another round."""
        for organization in sorted(self.keys):
            for kind in self._concerned():
                now = self._read(organization, kind)
                if now:
                    self._advance(organization, kind, now)
        return bool(self.orders)

    def _advance(self, organization: str, kind: str, now: SecretRotation) -> None:
        went, done = False, True
        for name, held in self._state(organization, kind, now).items():
            following = rotation.step(held, now, name)
            waiting = self._waits_for(organization, kind, name, held, now)
            for edge, why in waiting.items():
                self.waiting[edge] = "; ".join([*([self.waiting[edge]] if edge in self.waiting else []), why])
            done = done and not following and not waiting
            if following and not waiting:
                rotation.take(self.place, organization, kind, name, held)
                went = True
        self.changed = self.changed or went or done
        if done:
            rotation.finish(self.place, organization, kind, now)
            end = f"is undone{self._kept(organization, kind, now)}" if now.abandoned else "is finished"
            self.summary.append(f"{organization}: rotation of {rotation.word(kind)} {end}")
        elif went:
            self._order(organization, kind, now)
        else:
            self.summary.append(f"{organization}: rotation of {rotation.word(kind)} waits")

    def _kept(self, organization: str, kind: str, now: SecretRotation) -> str:
        """Which keys do not go back: the VCC server has the old ones no more."""
        there = self._state(organization, kind, now)
        kept = [name for name, held in there.items() if held.used.number == now.keys[name] + 1]
        have = "have" if kept[1:] else "has"
        return f", except for {', '.join(kept)}, which {have} the new key alone" if kept else ""

    def _waits_for(self, organization: str, kind: str, name: str, held: Held, now: SecretRotation) -> dict[str, str]:
        ends = self.keys[organization].get(kind, {}).get(name)
        if ends is None:
            return {}
        says = {
            edge: self._says(edge, [str(tunnel["name"]) for tunnel in tunnels])
            for edge, tunnels in ends.edges.items()
            if edge not in self.given["forget"]
        }
        found = rotation.waits_for(held, now, name, says)
        following = rotation.step(held, now, name)
        if kind == PSK and following == rotation.USE and ends.partner not in self.given["partners"]:
            which = "go back to the key from before" if now.abandoned else "have the new pre-shared key"
            found[ends.partner] = (
                f"has to {which} of {name} (external_settings -e vcc_external_edge={ends.partner} shows it): then run "
                f"this again with -e vcc_rotate_partners={ends.partner}"
            )
        if kind == PSK and following == rotation.DROP and found:
            found.setdefault(ends.partner, f"did not accept key {held.used.number} of {name} yet")
        return found

    def _says(self, edge: str, tunnels: list[str]) -> dict[str, Any] | None:
        """What an edge says of the tunnels that have a key, which all have to be alike."""
        told = self.given["reports"].get(edge)
        if not told:
            return None
        secrets = told.get("secrets") or {}
        said = [secrets.get(tunnel) or {} for tunnel in tunnels]
        different = next((one for one in said if one != said[0]), None)
        return {**(said[0] if different is None else {}), "drift": told.get("drift", [])}
