# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Confirms a generation: disarms the roll-back, has IKE_SAs made again that need it, and initiates links that are down.

Both only where it is ours to do.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from types import MappingProxyType
from typing import Any

from .commit import NOTHING_LEFT, leave, shrink_notes
from .document import Document, Generation
from .ipsec import certificates, connections, former, outdated, partner_keys, reauthenticate
from .kinds import KINDS, kind_of
from .ssl import key_change
from .state import Store
from .system.run import CommandError
from .tunnel_kind import UP

# Each holds one of charon's 16 threads until its peer has answered. With all of them, charon reads no answer.
PARALLEL = 8
LATE = "not waited for: other links took the time"
AT_ONCE = 0.001  # seconds; charon goes on by itself ("detached")


def states(generation: Generation, store: Store) -> list[Document]:
    """Every link of a generation, of all kinds: vpn, tunnel, whether this end is its `initiator`, and its state."""
    return [link for kind in KINDS for link in kind.states(generation, store)]


def missing(generation: Generation, store: Store, tunnels: Collection[str] | None = None) -> list[Document]:
    """The links that this node has to initiate, of some tunnels or of all."""
    down = [link for link in states(generation, store) if link["initiator"] and link["state"] not in UP]
    return [link for link in down if tunnels is None or link["tunnel"] in tunnels]


def initiate(
    todo: Iterable[Document], generation: Generation, timeout: float, store: Store, patient: Collection[str] = ()
) -> list[Document]:
    """Initiate links (see `states`), several at a time, all of it within `timeout` seconds.

    `patient`: tunnels whose peers may not have their generation yet. Returns the links, each with its `state` by then
    and `error`.
    """
    kinds = {tunnel["name"]: kind_of(tunnel.get("kind", "ipsec")) for tunnel in generation.listed("tunnels")}
    deadline = time.monotonic() + timeout

    def attempt(link: Document) -> Document:
        left = deadline - time.monotonic()
        seconds = max(1.0, left) if left > 0 else AT_ONCE
        wrong = kinds[link["tunnel"]].initiate(link, seconds, store, link["tunnel"] in patient)
        # A thousand peers that do not answer are to take no longer than one: the last are asked, and not waited for.
        return {**link, "error": LATE if wrong and left <= 0 else wrong}

    # Links of one tunnel share what carries them (an IKE_SA, a session): they wait for the first, else each would make
    # one of its own.
    chains: dict[str, list[Document]] = {}
    for link in todo:
        chains.setdefault(link["tunnel"], []).append(link)
    if not chains:
        return []
    with ThreadPoolExecutor(PARALLEL) as pool:
        tried = [
            link
            for chain in pool.map(lambda links: [attempt(link) for link in links], chains.values())
            for link in chain
        ]
    now = {(link["tunnel"], link["vpn"]): link["state"] for link in states(generation, store)}
    for link in tried:
        link["state"] = now.get((link["tunnel"], link["vpn"]), "DOWN")
        if link["state"] == "INSTALLED":
            link["error"] = ""
    return tried


def unmet(links: Iterable[Document], generation: Generation, store: Store) -> list[str]:
    """The tunnels that peers initiate and that this node has nothing of: whoever takes one for up is to begin anew.

    `links`: see `states`.
    """
    down: dict[str, bool] = {}
    for link in links:
        if not link["initiator"]:
            down[link["tunnel"]] = link["state"] == "DOWN" and down.get(link["tunnel"], True)
    names = {name for name, all_of_it in down.items() if all_of_it}
    found = []
    for kind in KINDS if names else ():
        ours = {t["name"] for t in generation.tunnels(kind.NAME) if not t.get("external")}
        found += kind.unmet(names & ours, generation, store)
    return found


def _given_up(lost: Mapping[str, float], generation: Generation, store: Store, check: bool) -> list[str]:
    """End what is up here and lost at the peer; returns the tunnels."""
    ended = []
    for kind in KINDS if lost else ():
        ours = {tunnel["name"] for tunnel in generation.tunnels(kind.NAME) if tunnel.get("initiator")}
        ended += kind.given_up({name: lost[name] for name in sorted(ours & {*lost})}, generation, store, check)
    return ended


def confirm(
    store: Store,
    timeout: float,
    check: bool = False,
    expected: str = "",
    behind: Collection[str] = (),
    lost: Mapping[str, float] = MappingProxyType({}),
) -> dict[str, Any]:
    """Confirm the current generation and bring its links up.

    `behind`: peers that may not have their generation yet. `lost`: see NodeKind.given_up.
    CommandError when it is not the `expected` one: the node has rolled back meanwhile, or another run was here.
    Returns `disarmed`, `given_up` (tunnels that the peer had lost), `renewed` (tunnels whose IKE_SA had to be made
    again), `initiated` (links that were down and had to be initiated) and `links` (all of the node's).
    A link that does not come up is not an error here: whoever verifies is the judge of that.
    """
    if check:
        generation = store.running().generation
        ended = _given_up(lost, generation, store, check)
        again = {*reauthenticate.pending(generation, store), *outdated.pending(store)}
        again |= {*partner_keys.pending(generation, store), *key_change.pending(generation, store)}
        renewed = sorted(again - {*ended})
        down = [link for link in states(generation, store) if link["tunnel"] in ended or link["state"] not in UP]
        return {
            "disarmed": store.fallback is not None,
            "given_up": ended,
            "renewed": renewed,
            "initiated": _names([link for link in down if link["initiator"]]),
            "links": states(generation, store),
        }
    with store.lock():
        now, pending, running = store.named("current") or NOTHING_LEFT, store.pending, store.running()
        if running.damaged:
            raise CommandError(f"not confirmed: {running.trouble()}")
        if expected and now != expected:
            raise CommandError(
                f"not confirmed: the node runs generation {now}, and {expected} was committed. It rolled "
                "back because no confirmation came in time (vcc_confirm_timeout), or another run was here meanwhile"
            )
        if pending is not None and pending.undoing:
            raise CommandError("not confirmed: the node is on its way back, and not all of it could be undone yet")
        disarmed = pending is not None
        if disarmed and not store.named("current"):
            leave(store)
        elif disarmed:
            store.confirm()
        generation = store.running().generation
        if disarmed:
            shrink_notes(generation, store)
            certificates.forget_old_key(store)
        if generation.tunnels("ipsec"):
            former.load(generation, store)
        ended = _given_up(lost, generation, store, check)
        renewed = reauthenticate.renew(generation, store) if generation.tunnels("ipsec") else []
        renewed += partner_keys.renew(generation, store)
        renewed += key_change.switch(generation, store)
    if generation.tunnels("ipsec"):
        renewed += outdated.persuade(store)
        if connections.superseded(store):
            with store.lock():
                connections.forget_authorities(store)
    patient = {tunnel["name"] for tunnel in generation.listed("tunnels") if tunnel.get("peer") in behind}
    tried = initiate(missing(generation, store), generation, timeout, store, patient)
    for kind in KINDS:
        kind.settle(generation, timeout, store)
    errors = {(link["tunnel"], link["vpn"]): link["error"] for link in tried}
    links = [{**link, "error": errors.get((link["tunnel"], link["vpn"]), "")} for link in states(generation, store)]
    return {
        "disarmed": disarmed,
        "given_up": ended,
        "renewed": renewed,
        "initiated": _names(tried),
        "links": links,
    }


def _names(links: list[Document]) -> list[Document]:
    return [{"vpn": link["vpn"], "tunnel": link["tunnel"]} for link in links]
