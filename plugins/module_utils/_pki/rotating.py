# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run of the playbook rotate on the VCC server: what begins, what goes on, and what keeps it from that."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .._base.errors import VccError
from .._base.problems import did_you_mean
from . import authority, crl, rotation

PHASES = {
    "": "edges get what replaces it",
    authority.BOTH: "phase 1 of 3: edges trust both authorities",
    authority.ISSUE: "phase 2 of 3: edges get certificates of the new authority",
    authority.ONE: "phase 3 of 3: edges trust the new authority alone",
}
Edges = dict[str, dict[str, str]]
"""Organization -> org edge -> identity."""


class Rotating:
    """A run's part in the rotations of some organizations. ``given``: the module's parameters."""

    def __init__(self, given: Mapping[str, Any], check: bool, ours: Edges, partners: Edges) -> None:
        self.given, self.check = given, check
        self.partners = partners
        self.ours = {
            organization: {node: identity for node, identity in edges.items() if node not in given["forget"]}
            for organization, edges in ours.items()
        }
        self.place = Path(given["state_dir"])
        self.changed = False
        self.summary: list[str] = []
        self.waiting: dict[str, str] = {}
        self.orders: dict[str, dict[str, Any]] = {}

    def begin(self) -> bool:
        """Begin, or find what is to go on; whether there is a round for the edges."""
        wanted, self.problems = self._named(), list[str]()
        known = {name: rotation.read(self.place, name) for name in self.ours}
        kinds = {*self.given["kinds"]}
        for name, there in known.items():
            self._left_out(name, there, wanted[name])
            if there and kinds and kinds != {*there.kinds}:
                self.problems.append(
                    f"{name}: the rotation of {', '.join(there.kinds)}, begun {there.begun}, is not finished: finish "
                    f"it first, with -e vcc_rotate={','.join(there.kinds)}"
                )
        if not kinds and not any(known.values()):
            self.problems.append(
                f"vcc_rotate: no rotation is unfinished; name what to rotate: {', '.join(rotation.KINDS)}"
            )
        if rotation.AUTHORITY in kinds and self.given["edges"]:
            self.problems.append(
                "vcc_rotate_edges: an authority is replaced for all edges of its organization: leave it out"
            )
        if self.given["at_once"] and rotation.AUTHORITY not in kinds:
            self.problems.append("vcc_rotate_at_once: is for -e vcc_rotate=authority")
        planned = {}
        # The command that goes on in one organization would begin anew in those where it came to its end.
        going = sorted(name for name, there in known.items() if there)
        for name, there in known.items() if not self.problems else ():
            if not there and wanted[name] and not going:
                planned[name] = rotation.planned(self.place, name, kinds, wanted[name], self.given["at_once"])
        if self.problems:
            raise VccError("\n".join(self.problems))
        for name, there in known.items():
            now = there
            if name in planned:
                now, self.changed = planned[name], True
                if not self.check:
                    now = rotation.begin(self.place, name, planned[name], bool(self.given.get("certified_addresses")))
            if there and self.given["at_once"] and there.phase != authority.ONE:
                now, self.changed = rotation.hastened(there), True
                if not self.check:
                    now = rotation.hasten(self.place, name, there)
            if now:
                verb = "begins" if not there else f"goes on (begun {now.begun})"
                self._order(name, now, verb)
                if self.given["at_once"]:
                    self.summary += self._cuts_off(name, now)
        self.summary += [
            f"{name}: nothing begins here while {', '.join(going)} goes on; else add -e vcc_organization={name}"
            for name, there in known.items()
            if going and kinds and not there and wanted[name]
        ]
        return bool(self.orders)

    def _left_out(self, name: str, there: rotation.Rotation | None, wanted: set[str]) -> None:
        """Edges that the run names, and an unfinished rotation is not about."""
        missing = wanted - {*there.edges} if there and self.given["edges"] else set[str]()
        if there and missing:
            nodes = {identity: node for node, identity in self.ours[name].items()}
            about, others = (", ".join(sorted(nodes.get(one, one) for one in some)) for some in (there.edges, missing))
            self.problems.append(
                f"{name}: the rotation of {', '.join(there.kinds)} of {about}, begun {there.begun}, is not finished: "
                f"finish it first, without {others}"
            )

    def _named(self) -> dict[str, set[str]]:
        """The identities of the edges that the run is about, by organization."""
        named = {*self.given["edges"]}
        every = {node for edges in self.ours.values() for node in edges}
        unknown = sorted(named - every)
        if unknown:
            what = "no org edge of ours with a certificate has this name"
            lines = [f"vcc_rotate_edges: {one}: {what}{did_you_mean(one, every)}" for one in unknown]
            raise VccError("\n".join(lines))
        return {
            name: {identity for node, identity in edges.items() if not named or node in named}
            for name, edges in self.ours.items()
        }

    def _concerned(self, name: str, now: rotation.Rotation) -> dict[str, str]:
        """The edges that a rotation is about: of an authority's, all."""
        edges = self.ours[name]
        return edges if now.phase else {node: identity for node, identity in edges.items() if identity in now.edges}

    def _order(self, name: str, now: rotation.Rotation, verb: str) -> None:
        edges = self._concerned(name, now)
        what = f"{name}: rotation of {', '.join(now.kinds)} {verb}, {PHASES[now.phase]}: {', '.join(sorted(edges))}"
        self.summary.append(what)
        told = rotation.told(self.place, name)
        if self.check and rotation.read(self.place, name) != now:
            told.update(self._foretold(told, now))
        published = crl.published(self.place, name)
        refused = sorted({*published.get("refused_keys", []), *told["keys"]})
        for node, identity in edges.items():
            mine = {"organization": name, "identity": identity, "refused": refused, "crl": published.get("crl", "")}
            self.orders[node] = {**told, **mine}

    def _foretold(self, told: dict[str, Any], now: rotation.Rotation) -> dict[str, Any]:
        """What the first phase of a rotation would ask for that is not begun."""
        if now.phase:
            return {"authorities": [*told["authorities"], "the new one"]}
        return {"serials": [*now.serials], "keys": [*now.keys]}

    def advance(self) -> bool:
        """Take rotations further whose edges have all told that they may; whether there is another round."""
        for name in self.ours:
            now = rotation.read(self.place, name)
            wanted = rotation.order(self.place, name, now) if now else None
            if not now or not wanted:
                continue
            edges = self._concerned(name, now)
            reports = {node: self._report(node) for node in edges}
            partners = self._without_a_certificate(name) if now.phase == authority.ONE else []
            waiting = {**rotation.waiting(now, wanted, reports), **self._not_yet(edges), **self._partners(name, now)}
            if waiting:
                self.waiting.update(waiting)
                self.summary.append(f"{name}: rotation of {', '.join(now.kinds)} waits, {PHASES[now.phase]}")
                cut_off = sorted({*waiting} & {*edges}) if self.given["at_once"] else []
                self.summary += [_left(name, [*cut_off, *partners])] if cut_off or partners else []
                continue
            self.changed = True
            following = rotation.advance(self.place, name, now)
            if following:
                self._order(name, following, "goes on")
            else:
                self.summary.append(f"{name}: rotation of {', '.join(now.kinds)} is finished")
                self.summary += [_left(name, partners)] if partners else []
        return bool(self.orders)

    def _report(self, node: str) -> rotation.Report | None:
        told = self.given["reports"].get(node)
        return rotation.Report(told["certificate"], told["drift"]) if told and told.get("concerned") else None

    def _not_yet(self, edges: Mapping[str, str]) -> dict[str, str]:
        """The edges that are in a VPN by the ledger, and say that they are in none."""
        told = self.given["reports"]
        return {
            node: "has no tunnel with a certificate yet: run create_vpn"
            for node in edges
            if not told.get(node, {}).get("concerned", True)
        }

    def _cuts_off(self, name: str, now: rotation.Rotation) -> list[str]:
        """What an authority that is trusted alone at once interrupts."""
        edges, partners = sorted(self._concerned(name, now)), self._without_a_certificate(name)
        found = [
            f"{name}: an edge is cut off from the others until this run has reached both ends; one that it does not "
            f"reach stays cut off: {', '.join(edges)}"
        ]
        if partners:
            found.append(
                f"{name}: external edges are cut off until they trust the new authority, and sign_certificate has "
                f"signed them a certificate of it: {', '.join(partners)}"
            )
        return found

    def _without_a_certificate(self, name: str) -> list[str]:
        """The external edges that have no certificate of the authority which takes the place of another."""
        place = self.place / "ca" / name
        owner = authority.authority_at(place / authority.NEXT, name) if authority.phase(place) else None
        signed = {one.identity for one in crl.issued(owner).values()} if owner else set()
        return sorted(peer for peer, identity in self.partners[name].items() if identity not in signed)

    def _partners(self, name: str, now: rotation.Rotation) -> dict[str, str]:
        """The external edges that a rotation of the authority waits for."""
        found = {}
        new = self.place / "ca" / name / authority.NEXT
        if now.phase == authority.BOTH:
            for peer in self.partners[name].keys() - {*self.given["partners"]}:
                found[peer] = (
                    f"has to trust {new / 'ca.pem'}, too: then run this again with -e vcc_rotate_partners={peer}"
                )
        if now.phase == authority.ISSUE and not self.given["finish"]:
            for peer in self._without_a_certificate(name):
                found[peer] = (
                    "has a certificate of the old authority: sign another (sign_certificate), or run this again "
                    "with -e vcc_rotate_finish=true"
                )
        return found


def _left(name: str, cut_off: list[str]) -> str:
    return (
        f"{name}: cut off now, without a certificate of the new authority: {', '.join(cut_off)} (an edge of ours: run "
        "this again when it is up; an external edge: sign_certificate)"
    )
