# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Confirms a generation: disarms the roll-back, has IKE_SAs made again that need it, and initiates links that are down.

Both only where it is ours to do.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from . import _connections, _renew, _units
from ._document import NOTHING, Document, Generation
from ._run import CommandError
from ._state import Store
from ._vici import Vici, ViciError

PARALLEL = 16
# A CHILD_SA works while it is being rekeyed; to initiate it then would make a second one that nobody asked for.
UP = ("INSTALLED", "REKEYING", "UPDATING")
REASONS = ("received", "failed", "giving up", "no ", "unable", "error", "destroying", "peer")


def states(generation: Generation) -> list[Document]:
    """Every link of a generation: vpn, tunnel, whether it is `initiator`'s here, and the state of its CHILD_SA.

    A CHILD_SA with other selectors than the document's (the peer may have narrowed them while it had an older
    generation) is `NARROWED`; a missing one is `DOWN`.
    """
    wanted = _connections.shape(generation)
    found: dict[tuple[str, str], str] = {}
    for name, sa in _connections.security_associations(wanted):
        for child in sa.get("child-sas", {}).values():
            key = (name, str(child.get("name")))
            state = str(child.get("state"))
            selectors = (
                _connections.prefixes(child.get("local-ts", [])),
                _connections.prefixes(child.get("remote-ts", [])),
            )
            if state in UP and selectors != wanted[name].get(key[1]):
                state = "NARROWED"
            if found.get(key) != "INSTALLED":
                found[key] = state
        if not sa.get("child-sas") and sa.get("state") in ("CONNECTING", "CREATED"):
            found.update({(name, child): "CONNECTING" for child in wanted[name] if (name, child) not in found})
    return [
        {
            "vpn": link["vpn"],
            "tunnel": tunnel["name"],
            "initiator": bool(tunnel.get("initiator")),
            "state": found.get((tunnel["name"], link["vpn"]), "DOWN"),
        }
        for tunnel in generation.listed("tunnels")
        for link in tunnel.get("links", [])
    ]


def missing(generation: Generation, tunnels: Collection[str] | None = None) -> list[Document]:
    """The links that this node has to initiate, of some tunnels or of all."""
    down = [link for link in states(generation) if link["initiator"] and link["state"] not in UP]
    return [link for link in down if tunnels is None or link["tunnel"] in tunnels]


def initiate(link: Document, timeout: float) -> str:
    """Bring one link up. Returns why it does not come up, in charon's words; empty if it does."""
    selector = {"ike": link["tunnel"], "child": link["vpn"]}
    log: list[str] = []
    try:
        with Vici(timeout=timeout + 5) as vici:
            if link["state"] == "NARROWED":
                vici.ask("terminate", {**selector, "timeout": "3000"})
        with Vici(timeout=timeout + 5) as vici:
            vici.register("control-log")
            options = {"timeout": str(int(timeout * 1000)), "loglevel": "1", "init-limits": "no"}
            answer = vici.ask("initiate", {**selector, **options}, log)
    except ViciError as error:
        return str(error)
    if answer.get("success") == "yes":
        return ""
    reasons = [line for line in log if any(word in line for word in REASONS)]
    return "; ".join(reasons[-2:]) or str(answer.get("errmsg") or "no answer from the peer")


def initiate_missing(generation: Generation, timeout: float, tunnels: Collection[str] | None = None) -> list[Document]:
    """Initiate what is missing, several at a time, all of it within `timeout` seconds.

    Returns the links tried, each with `state` and `error`.
    """
    todo = missing(generation, tunnels)
    deadline = time.monotonic() + timeout

    def attempt(link: Document) -> Document:
        left = max(1.0, deadline - time.monotonic())
        return {**link, "error": initiate(link, left)}

    # Links of one tunnel share its IKE_SA: they wait for the first, else each would make an IKE_SA of its own.
    chains: dict[str, list[Document]] = {}
    for link in todo:
        chains.setdefault(link["tunnel"], []).append(link)
    with ThreadPoolExecutor(PARALLEL) as pool:
        tried = [
            link
            for chain in pool.map(lambda links: [attempt(link) for link in links], chains.values())
            for link in chain
        ]
    now = {(link["tunnel"], link["vpn"]): link["state"] for link in states(generation)}
    for link in tried:
        link["state"] = now.get((link["tunnel"], link["vpn"]), "DOWN")
        if link["state"] == "INSTALLED":
            link["error"] = ""
    return tried


def confirm(store: Store, timeout: float, check: bool = False, expected: str = "") -> dict[str, Any]:
    """Confirm the current generation and bring its links up.

    CommandError when it is not the `expected` one: the node has rolled back meanwhile, or another run was here.
    Returns `disarmed`, `renewed` (tunnels whose IKE_SA had to be made again), `initiated` (links that were down and had
    to be initiated) and `links` (all of the node's).
    A link that does not come up is no error here: whoever verifies is the judge of that.
    """
    if check:
        generation = store.current() or NOTHING
        return {
            "disarmed": store.fallback is not None,
            "renewed": list(_renew.pending(generation, store)),
            "initiated": _names(missing(generation)),
            "links": states(generation),
        }
    with store.lock():
        now = store.named("current")
        if expected and now != expected:
            raise CommandError(
                f"not confirmed: the node runs generation {now or 'none'}, and {expected} was committed. It rolled "
                "back because nobody confirmed in time (vcc_confirm_timeout), or another run was here meanwhile"
            )
        disarmed = store.fallback is not None
        if disarmed:
            _units.disarm()
            store.confirm()
        generation = store.current() or NOTHING
        renewed = _renew.renew(generation, store) if generation.listed("tunnels") else []
    tried = initiate_missing(generation, timeout)
    errors = {(link["tunnel"], link["vpn"]): link["error"] for link in tried}
    links = [{**link, "error": errors.get((link["tunnel"], link["vpn"]), "")} for link in states(generation)]
    return {"disarmed": disarmed, "renewed": renewed, "initiated": _names(tried), "links": links}


def _names(links: list[Document]) -> list[Document]:
    return [{"vpn": link["vpn"], "tunnel": link["tunnel"]} for link in links]
