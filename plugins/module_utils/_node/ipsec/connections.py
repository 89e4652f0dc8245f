# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connections as charon has them: which are loaded, which have SAs, and how to end those."""

from __future__ import annotations

import contextlib
import ipaddress
import time
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from ..document import Document, Generation, link_name, selectors
from ..state import Store
from ..system import files
from ..system.run import CommandError, run
from . import certificates, charon, leads
from .vici import Vici, ViciError

PATIENCE = 5.0  # seconds that a peer has to make a new IKE_SA with us
LOCKED = 4.0  # seconds that charon has to answer while the node's lock is held
CHILDREN_TAKE = 3.0  # seconds to rekey the CHILD_SAs of a tunnel

Selectors = tuple[frozenset[str], frozenset[str]]  # local, remote
Shape = dict[str, dict[str, Selectors]]  # connection → child → selectors


def prefixes(texts: Iterable[str]) -> frozenset[str]:
    """Selectors, as strongSwan prints them, in one spelling."""
    return frozenset(map(_prefix, texts))


def _prefix(text: str) -> str:
    try:
        return str(ipaddress.ip_network(text, strict=False))
    except ValueError:  # a range, a port: not ours
        return text


def same(selectors: tuple[Iterable[str], Iterable[str]], others: tuple[Iterable[str], Iterable[str]]) -> bool:
    """Whether selectors are the same, however they are spelt. Mostly they are spelt alike, which is seen at once."""
    pairs = [(set(ours), set(theirs)) for ours, theirs in zip(selectors, others)]
    return all(ours == theirs or prefixes(ours) == prefixes(theirs) for ours, theirs in pairs)


def shape(generation: Generation) -> Shape:
    """The connections and children that a document asks for."""
    return {tunnel["name"]: _children(tunnel, generation.backend) for tunnel in generation.tunnels("ipsec")}


def _children(tunnel: Document, backend: str) -> dict[str, Selectors]:
    found = {}
    for link in tunnel.get("links", []):
        ours, theirs = selectors(tunnel, link)
        found[link_name(link)] = (prefixes(ours), prefixes(theirs))
        for lead in leads.of(tunnel, link, backend):
            found[lead.name] = (prefixes(leads.printed(lead.local_ts)), prefixes(leads.printed(lead.remote_ts)))
    return found


def parse(connections: dict[str, Document]) -> Shape:
    """The same of what `list-conns` shows."""
    return {
        name: {
            child: (prefixes(entry.get("local-ts", [])), prefixes(entry.get("remote-ts", [])))
            for child, entry in connection.get("children", {}).items()
        }
        for name, connection in connections.items()
    }


def loaded() -> Shape:
    """What charon has loaded, other people's connections too; empty if it does not run."""
    try:
        with Vici() as vici:
            return parse({k: v for event in vici.stream("list-conns", "list-conn") for k, v in event.items()})
    except ViciError:
        return {}


def security_associations(
    names: Iterable[str], patiently: bool = False, timeout: float = 15
) -> list[tuple[str, Document]]:
    """(connection, IKE_SA with its `child-sas`) of some connections; none if charon does not run, or does not answer.

    One that charon is busy with is missing, but for who waits `patiently`. `timeout`: seconds for each answer.
    """
    try:
        return answered(names, patiently, timeout)
    except ViciError:
        return []


def answered(names: Iterable[str], patiently: bool = False, timeout: float = 15) -> list[tuple[str, Document]]:
    """The same. ViciError if charon runs and does not answer: its SAs are not known then."""
    wanted = set(names)
    try:
        vici = Vici(timeout=timeout)
    except ViciError:
        return []
    with vici:
        events = list(vici.stream("list-sas", "list-sa", {} if patiently else {"noblock": "yes"}))
    return [(name, sa) for event in events for name, sa in event.items() if name in wanted]


def spis() -> set[int]:
    """The SPIs of all CHILD_SAs, both directions, other people's too. ViciError if charon does not run."""
    with Vici() as vici:  # without noblock: an IKE_SA that is busy now is not to be missing
        events = list(vici.stream("list-sas", "list-sa"))
    children = [child for event in events for sa in event.values() for child in sa.get("child-sas", {}).values()]
    return {int(child[key], 16) for child in children for key in ("spi-in", "spi-out") if child.get(key)}


def active(names: Iterable[str]) -> list[tuple[str, str]]:
    """(connection, child) of the SAs of some connections; an IKE_SA itself is listed with an empty child."""
    found = set()
    for name, sa in security_associations(names):
        found.add((name, ""))
        found.update((name, str(child.get("name"))) for child in sa.get("child-sas", {}).values())
    return sorted(found)


def terminate(gone: Iterable[tuple[str, str]]) -> None:
    """End SAs, whether or not the peer still answers. An empty child stands for the whole IKE_SA."""
    for name, child in gone:
        with Vici() as vici:
            selector = {"ike": name, "child": child} if child else {"ike": name}
            vici.ask("terminate", {**selector, "force": "yes", "timeout": "3000"})


def end_elsewhere(addresses: Mapping[str, str]) -> None:
    """End the IKE_SAs of tunnels whose peer is at another address than theirs by now, and no others. ViciError."""
    for tunnel, sa in answered(addresses, patiently=True, timeout=LOCKED) if addresses else ():
        if str(sa.get("remote-host")) != addresses[tunnel]:
            with contextlib.suppress(ViciError), Vici() as vici:
                vici.ask("terminate", {"ike-id": str(sa.get("uniqueid")), "force": "yes", "timeout": "1000"})


def again(names: Iterable[str], reauth: bool) -> set[str]:
    """Have tunnels that are up make a new IKE_SA; returns those that have none after PATIENCE.

    charon makes it before it ends the old one, so that nothing is lost when the peer plays its part.
    """
    before = _youngest(names)
    for sa in before.values():
        # A tunnel that charon cannot rekey is among those left, and does not hinder the others. By its id: by its name,
        # charon would rekey an IKE_SA that is about to end, too, and two would be four.
        with contextlib.suppress(ViciError), Vici() as vici:
            vici.ask("rekey", {"ike-id": str(sa.get("uniqueid")), "reauth": "yes" if reauth else "no"})
    left = set(before)
    deadline = time.monotonic() + PATIENCE
    while left and time.monotonic() < deadline:
        time.sleep(0.1)
        left = {name for name, found in _ike_spis(left).items() if not found or _spis_of(before[name]) in found}
    return left


def uninstall(generation: Generation) -> None:
    """Take away traps of links that the generation's tunnels have no more. ViciError.

    Where the peer was first to end such a link, charon has set its trap anew (`close_action`).
    """
    wanted, left = shape(generation), []
    with Vici() as vici:
        for event in vici.stream("list-policies", "list-policy", {"trap": "yes"}):
            for policy in event.values():
                tunnel, link = str(policy.get("ike")), str(policy.get("child"))
                if tunnel in wanted and link not in wanted[tunnel] and (tunnel, link) not in left:
                    left.append((tunnel, link))
    for tunnel, link in left:
        with Vici() as vici:
            vici.ask("uninstall", {"ike": tunnel, "child": link})


class Rekeyed(NamedTuple):
    """Tunnels that have other SAs now, and those that have the same."""

    done: set[str]
    left: set[str]


def rekey_whole(names: Iterable[str], older: float) -> Rekeyed:
    """Rekey the CHILD_SAs, then the IKE_SA, of tunnels whose IKE_SA is so many seconds old.

    What is left behind is when charon meant to look whether the peer is alive. A tunnel that charon is busy with, or
    that does not answer, keeps no other from it.
    """
    asked, left = set(), set()
    for name, sa in security_associations(names, patiently=True):
        if sa.get("state") not in ("ESTABLISHED", "REKEYING") or int(sa.get("established") or 0) < older:
            continue
        try:
            with Vici() as vici:
                for child in sa.get("child-sas", {}).values():
                    vici.ask("rekey", {"child-id": str(child["uniqueid"])})
            asked.add(name)
        except ViciError:
            left.add(name)
    if asked:
        # Not at once: a CHILD_SA that is being rekeyed keeps charon from rekeying its IKE_SA.
        time.sleep(CHILDREN_TAKE)
        left |= again(asked, reauth=False)
    return Rekeyed(asked - left, left)


def _ike_spis(names: Iterable[str]) -> dict[str, set[tuple[str, str]]]:
    """The IKE_SAs of tunnels that carry something, or did until a moment ago."""
    found: dict[str, set[tuple[str, str]]] = {name: set() for name in names}
    for name, sa in security_associations(found):
        if sa.get("state") in ("ESTABLISHED", "REKEYING"):
            found[name].add(_spis_of(sa))
    return found


def _spis_of(sa: Document) -> tuple[str, str]:
    return str(sa.get("initiator-spi")), str(sa.get("responder-spi"))


def _youngest(names: Iterable[str]) -> dict[str, Document]:
    """The IKE_SAs of tunnels; of several of one tunnel, that which was made last."""
    found: dict[str, Document] = {}
    for name, sa in security_associations({*names}):
        if sa.get("state") in ("ESTABLISHED", "REKEYING"):
            age = int(sa.get("established") or 0)
            if name not in found or age < int(found[name].get("established") or 0):
                found[name] = sa
    return found


def load_credentials(store: Store) -> None:
    """Give charon our key, certificate, authorities and what those revoked, and leave other people's alone."""
    with Vici() as vici:
        for path, flag in (
            (certificates.AUTHORITY, "CA"),
            (certificates.LAST_AUTHORITY, "CA"),
            (certificates.CERTIFICATE, "NONE"),
        ):
            text = files.read(store.at(path))
            if text:
                vici.request("load-cert", {"type": "X509", "flag": flag, "data": text})
        for path in (certificates.REVOCATIONS, certificates.LAST_REVOCATIONS):
            revoked = files.read(store.at(path))
            if revoked:
                vici.request("load-cert", {"type": "X509_CRL", "flag": "NONE", "data": revoked})
        # charon remembers every list that it has verified, and the first one that is not out of date decides: without
        # this, the older list would go on saying that all is well.
        vici.request("flush-certs", {"type": "ANY"})
        key = files.read(store.at(certificates.KEY))
        if key:
            vici.request("load-key", {"type": "any", "data": key})
    wanted, noted = certificates.authorities(store), charon.marker(store).get("authorities") or []
    if {*wanted} - {*noted}:
        charon.mark(store, authorities=[*dict.fromkeys([*noted, *wanted])])


def superseded(store: Store) -> bool:
    """Whether charon still has an authority of ours that is gone. Our connections name theirs; others' may not."""
    return bool({*(charon.marker(store).get("authorities") or [])} - {*certificates.authorities(store)})


def forget_authorities(store: Store) -> None:
    """Have charon forget authorities of ours that are gone. ViciError.

    It can only forget all that it was given. So swanctl gives it again what is in files, other people's too. Whoever
    authenticates in between is refused: so this waits until no tunnel is made anew.
    """
    if superseded(store):
        try:
            run("swanctl", "--load-creds", "--clear", "--noprompt", timeout=60)
        except CommandError as error:
            raise ViciError(str(error)) from error
        charon.mark(store, authorities=certificates.authorities(store))
