# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kind ipsec on the node: what charon says of tunnels, and how it is asked to bring one up."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Collection, Iterable, Mapping

from ..document import Document, Generation, link_name, selectors
from ..state import Busy, Store
from ..system.run import CommandError
from ..tunnel_kind import UNKNOWN, UP, NodeKind, Tended
from . import bridge, certificates, connections, duplicates, former, outdated, partner_keys, partners
from . import lost as _lost
from . import reasons as _reasons
from .vici import Vici, ViciError

REFUSED = "TS_UNACCEPTABLE"
NOT_NAMED = "not contained in any address block"  # of the certificate that the peer showed (RFC 3779)
AGAIN = 600.0  # seconds
SELDOM = 3600.0  # seconds between two IKE_SAs for a link that stays as it is
SHOWN_AGAIN = 20.0  # seconds after which a peer is asked for its certificate again
STAYS_NARROWED = "the peer carries other addresses than the document's"
PEERS_TURN = 90.0  # seconds; an unconfirmed generation lasts 60 by default
REASONS = (NOT_NAMED, "received", "failed", "giving up", "no ", "unable", "error", "destroying", "peer")
_IKE = {
    "state": "state",
    "local-host": "local_host",
    "remote-host": "remote_host",
    "local-id": "local_id",
    "remote-id": "remote_id",
    "initiator-spi": "spi_initiator",
    "responder-spi": "spi_responder",
    "encr-alg": "encryption",
    "encr-keysize": "encryption_keysize",
    "integ-alg": "integrity",
    "prf-alg": "prf",
    "dh-group": "dh_group",
    "ake1": "additional_ke",
}
_CHILD = {
    "name": "name",
    "state": "state",
    "mode": "mode",
    "protocol": "protocol",
    "spi-in": "spi_in",
    "spi-out": "spi_out",
    "if-id-in": "if_id",
    "encr-alg": "encryption",
    "encr-keysize": "encryption_keysize",
    "integ-alg": "integrity",
    "dh-group": "dh_group",
    "ake1": "additional_ke",
}
_COUNTERS = {
    "bytes-in": "bytes_in",
    "bytes-out": "bytes_out",
    "packets-in": "packets_in",
    "packets-out": "packets_out",
    "install-time": "installed_seconds",
    "rekey-time": "rekey_seconds",
    "life-time": "life_seconds",
}


def _plain(source: Document, names: dict[str, str], counts: dict[str, str]) -> Document:
    found: Document = {new: str(source.get(old, "")) for old, new in names.items()}
    found.update({new: int(source.get(old) or 0) for old, new in counts.items()})
    return found


def _ike_sa(name: str, source: Document) -> Document:
    found = _plain(source, _IKE, {"established": "established_seconds", "rekey-time": "rekey_seconds"})
    children = []
    for entry in source.get("child-sas", {}).values():
        child = _plain(entry, _CHILD, _COUNTERS)
        child["encapsulated"] = entry.get("encap") == "yes"
        child["local_ts"] = list(entry.get("local-ts", []))
        child["remote_ts"] = list(entry.get("remote-ts", []))
        children.append(child)
    return {
        "tunnel": name,
        "unique_id": str(source.get("uniqueid", "")),
        "initiator": source.get("initiator") == "yes",
        **found,
        "ppk": source.get("ppk") == "yes",
        "children": children,
    }


class Ipsec(NodeKind):
    """strongSwan."""

    NAME = "ipsec"

    def states(self, generation: Generation, store: Store) -> list[Document]:
        """Every link, and the state of its CHILD_SA.

        A CHILD_SA with other selectors than the document's (the peer may have narrowed them while it had an older
        generation) is `NARROWED`; a missing one is `DOWN`. While charon runs and does not answer, all are `UNKNOWN`.
        """
        try:
            return self._states(generation, self._listed(generation))
        except ViciError:
            return [{**link, "state": UNKNOWN} for link in self._states(generation, [])]

    def _states(self, generation: Generation, sas: Iterable[tuple[str, Document]]) -> list[Document]:
        wanted = {
            tunnel["name"]: {link_name(link): selectors(tunnel, link) for link in tunnel.get("links", [])}
            for tunnel in generation.tunnels(self.NAME)
        }
        found: dict[tuple[str, str], str] = {}
        for name, sa in sas:
            for child in sa.get("child-sas", {}).values():
                key = (name, str(child.get("name")))
                state = str(child.get("state"))
                asked = wanted[name].get(key[1], ([], []))
                if state in UP and not connections.same((child.get("local-ts", []), child.get("remote-ts", [])), asked):
                    state = "NARROWED"
                if state == "INSTALLED" or found.get(key) not in UP:  # while it is rekeyed, the old one carries
                    found[key] = state
            if not sa.get("child-sas") and sa.get("state") in ("CONNECTING", "CREATED"):
                found.update({(name, child): "CONNECTING" for child in wanted[name] if (name, child) not in found})
        return [
            {
                "vpn": link_name(link),
                "tunnel": tunnel["name"],
                "initiator": bool(tunnel.get("initiator")),
                "state": found.get((tunnel["name"], link_name(link)), "DOWN"),
            }
            for tunnel in generation.tunnels(self.NAME)
            for link in tunnel.get("links", [])
        ]

    def unmet(self, names: Collection[str], generation: Generation, store: Store) -> list[str]:
        """Those that have no IKE_SA here, under their former names neither."""
        carried = {tunnel for tunnel, _link in former.read(store).values()}
        return _lost.unmet({*names} - carried)

    def given_up(self, lost: Mapping[str, float], generation: Generation, store: Store, check: bool) -> list[str]:
        """End IKE_SAs that the peers do not have."""
        try:
            return _lost.end(lost, check)
        except ViciError:
            return []  # DPD ends them, later

    def initiate(self, link: Document, timeout: float, store: Store, patient: bool) -> str:
        """Bring one link up. Returns why it does not come up, in charon's words; empty if it does.

        An IKE_SA goes by the configuration that it was made with. One that was made just before the peer loaded another
        (with a new certificate, charon replaces it) refuses the peer's new links for as long as it lives. So it is made
        again, once in a while: a peer that was told of no such link refuses it then as well. A packet that comes with
        an SA which this end does not have yet is lost. So a `patient` call waits first: the peer may be about to get
        its generation, or to roll back an unconfirmed one.

        An IKE_SA keeps the certificates, too, with which it was made. What the peer's certificate of then does not name
        is refused here, or narrowed: with a new IKE_SA, behind a bridge, its certificate of today counts.
        """
        tunnel, now = str(link["tunnel"]), time.monotonic()
        if link["state"] == "NARROWED":
            if self._shown_again(link, store):
                return ""
            # A new CHILD_SA costs packets of what the peer does carry.
            if patient and not self._has_a_turn(f"{tunnel}: {link['vpn']} narrowed", AGAIN):
                return STAYS_NARROWED
        wrong = self._initiate(link, timeout)
        if NOT_NAMED in wrong and self._shown_again(link, store):
            return ""
        if any(word in wrong for word in partner_keys.REFUSED) and self._other_key(tunnel, store):
            wrong = self._initiate(link, timeout)
        first = f"{tunnel}: {link['vpn']} refused"  # when that was
        if REFUSED in wrong:
            self.remembered[first] = self.remembered.get(first) or now
        elif first in self.remembered:
            self.remembered[first] = 0.0
        if REFUSED not in wrong or now - self.remembered.get(tunnel, -AGAIN) < AGAIN:
            return wrong
        if patient and now - self.remembered[first] < PEERS_TURN:
            return wrong
        self.remembered[tunnel] = now  # when it was last made to authenticate again
        with contextlib.suppress(ViciError):
            if not connections.again([tunnel], reauth=True):
                return self._initiate(link, timeout)
        return wrong

    def _other_key(self, tunnel: str, store: Store) -> bool:
        """Have a tunnel that is down use the other key of two, while its partner changes keys (partner_keys.py)."""
        with contextlib.suppress(Busy, CommandError, ViciError), store.lock(patience=connections.LOCKED):
            return partner_keys.other(tunnel, store.running().generation, store)
        return False

    def _shown_again(self, link: Document, store: Store) -> bool:
        """Have both ends show their certificates again, in a new IKE_SA; whether the link is up, and whole, by that.

        Where it does not help, twice as long passes each time until the next one.
        """
        tunnel = str(link["tunnel"])
        shown = f"{tunnel}: shown again"
        if not self._has_a_turn(shown, SELDOM):
            return False
        with contextlib.suppress(Busy, CommandError, ViciError), store.lock(patience=connections.LOCKED):
            generation = store.running().generation
            of_it = next((one for one in generation.tunnels(self.NAME) if one["name"] == tunnel), None)
            if of_it is None or of_it.get("external") or not certificates.proves(of_it):
                return False
            bridge.make_anew([tunnel], generation, store)
            links = {(one["tunnel"], one["vpn"]): one["state"] for one in self.states(generation, store)}
            if links.get((tunnel, link["vpn"])) in UP:
                self.remembered[f"{shown}, pause"] = SHOWN_AGAIN
                return True
        return False

    def _has_a_turn(self, what: str, most: float) -> bool:
        """Whether something is to be tried again that may not help: each time, twice as long passes until the next one,
        and `most` seconds at most. After a while without a try, it starts again."""
        last, wanted, pause = (f"{what}, {word}" for word in ("last", "wanted", "pause"))
        now, wait = time.monotonic(), self.remembered.get(pause, SHOWN_AGAIN)
        if now - self.remembered.get(wanted, now) > AGAIN:
            wait = SHOWN_AGAIN
        self.remembered[wanted] = now
        if now - self.remembered.get(last, -wait) < wait:
            return False
        self.remembered.update({last: now, pause: min(most, 2 * wait)})
        return True

    def _initiate(self, link: Document, timeout: float) -> str:
        selector = {"ike": link["tunnel"], "child": link["vpn"]}
        log: list[str] = []
        try:
            with Vici(timeout=timeout + 5) as vici:
                if link["state"] == "NARROWED":
                    vici.ask("terminate", {**selector, "timeout": "3000"})
            with Vici(timeout=timeout + 5) as vici:
                vici.register("control-log")
                options = {"timeout": str(max(1, int(timeout * 1000))), "loglevel": "1", "init-limits": "no"}
                answer = vici.ask("initiate", {**selector, **options}, log)
        except ViciError as error:
            return str(error)
        if answer.get("success") == "yes":
            return ""
        reasons = [line for line in log if any(word in line for word in REASONS)]
        named = [line.strip() for line in reasons if NOT_NAMED in line]
        return "; ".join(named[:1] or reasons[-2:]) or str(answer.get("errmsg") or "no answer from the peer")

    def settle(self, generation: Generation, timeout: float, store: Store) -> None:
        """Two IKE_SAs of a tunnel, as when both ends made one, do not stay: wait until one of them has gone.

        Nor do traps of links that are no more, or links that only have another name now.
        """
        if former.read(store):
            with contextlib.suppress(Busy, CommandError, ViciError), store.lock(patience=connections.LOCKED):
                former.proceed(generation, store, self.states(generation, store))
        if generation.backend == "xfrm" and generation.tunnels(self.NAME):
            with contextlib.suppress(ViciError):
                connections.uninstall(generation)
        deadline = time.monotonic() + min(timeout, 2.0 * duplicates.SETTLED)
        with contextlib.suppress(ViciError):
            sas = self._listed(generation)
            while duplicates.there(generation, sas) and time.monotonic() < deadline:
                time.sleep(0.5)
                sas = self._listed(generation)
                with contextlib.suppress(ViciError):
                    duplicates.end(generation, sas)

    def tend(self, generation: Generation, store: Store) -> Tended:
        """End what is there twice. ViciError if charon does not answer: its links are not down for that."""
        listed, done = self._listed(generation, connections.LOCKED, bridge.name), list[str]()
        names = {tunnel["name"] for tunnel in generation.tunnels(self.NAME)}
        sas = [(name, sa) for name, sa in listed if name in names]
        with contextlib.suppress(ViciError):
            done = duplicates.end(generation, sas)
            done += outdated.answer(generation, store, sas, self.remembered)
            done += [f"{tunnel}: the peer is asked to authenticate anew" for tunnel in outdated.ask(store, sas)]
        # A thousand tunnels are listed a second time only where it makes a difference.
        states = self._states(generation, self._listed(generation, connections.LOCKED) if done else sas)
        with contextlib.suppress(CommandError, ViciError):
            done += [f"{tunnel}: its bridge has ended" for tunnel in bridge.finish(listed, generation, store)]
            former.load(generation, store)
            done += former.proceed(generation, store, states)
        down = {str(link["tunnel"]) for link in states if link["state"] not in UP}
        with contextlib.suppress(CommandError, ViciError):
            done += partners.follow(generation, store, down)
        return Tended(done, states)

    def _listed(
        self, generation: Generation, timeout: float = 15, other: Callable[[str], str] | None = None
    ) -> list[tuple[str, Document]]:
        """The IKE_SAs of a generation's tunnels, and those by their `other` names.

        One that charon is busy with is not in a list that waits for none. So there is a second one unless all links are
        up: whoever takes such a link for missing makes it a second time.
        """
        names = {tunnel["name"] for tunnel in generation.tunnels(self.NAME)}
        wanted = {*names, *(map(other, names) if other else ())}
        sas = connections.answered(wanted, timeout=timeout)
        if all(link["state"] in UP for link in self._states(generation, [sa for sa in sas if sa[0] in names])):
            return sas
        return connections.answered(wanted, patiently=True, timeout=timeout)

    def observe(self, generation: Generation, store: Store) -> Document:
        """The IKE_SAs with their CHILD_SAs, and which connections are loaded."""
        names = [tunnel["name"] for tunnel in generation.tunnels(self.NAME)]
        sas = [_ike_sa(name, sa) for name, sa in connections.security_associations(names)]
        found = {"sas": sas, "connections": sorted(name for name in connections.loaded() if name in names)}
        by_name = partners.seen(generation, store)
        return {**found, **({"partners": by_name} if by_name else {})}

    def reasons(self, tunnels: Iterable[Document]) -> dict[str, list[Document]]:
        """What charon logged."""
        return _reasons.reasons(tunnels)
