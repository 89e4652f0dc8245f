# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Has packets for a site take another lane: by routes (xfrm), or by the CHILD_SA that comes last (libipsec)."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from ..document import Document, Generation, lane_of, site_of
from ..ipsec import connections, leads
from ..ipsec.vici import Vici, ViciError
from ..kernel import ip, routes
from ..state import Store
from ..tunnel_kind import UP

PARALLEL = 4  # of charon's 16 threads
PATIENCE = 3.0  # seconds that the peer has for a lead
IN_FLIGHT = 0.3  # seconds that packets may be under way that were sent with leads which end next
_ALIVE = ("ESTABLISHED", "REKEYING")


# --- xfrm ------------------------------------------------------------------------------------------------------------


def led(generation: Generation, store: Store, sites: Collection[str]) -> list[routes.Route]:
    """The routes that lead to some sites, over the lanes that are noted."""
    those = [entry for entry in generation.listed("routes") if entry.get("site") in sites]
    of_sites = Generation({**generation.document, "routes": those}, {}, generation.backend)
    return routes.wanted(of_sites, store.arrivals, store.lanes)


def lead_routes(generation: Generation, store: Store, sites: Collection[str], all_anew: bool = True) -> bool:
    """Lead the routes to some sites over the lanes that are noted; whether there were any to lead. CommandError.

    One whose device is not there is the agent's to add. `all_anew`: without a look at those that lead there already.
    """
    there = set[routes.Route]() if all_anew else set(routes.loaded())
    wrong = [one for one in led(generation, store, sites) if one not in there and ip.exists(one.device)]
    for family in (4, 6):
        ip.batch(family, [f"route replace {one} proto {routes.PROTOCOL}" for one in wrong if one.family == family])
    return bool(wrong)


# --- libipsec --------------------------------------------------------------------------------------------------------


Made = tuple[str, str]  # tunnel, lead


class Led(NamedTuple):
    """The leads that were begun; what did not work, in words; the seconds until packets took them."""

    names: frozenset[Made]
    wrong: list[str]
    seconds: float = 0.0


def make_lead(generation: Generation, site: str, lane: int, mine: Collection[Made] | None = None) -> Led:
    """Have a lane's CHILD_SAs to a site be the last that were established.

    Make before break: a new lead is there before those that it takes the place of end. ViciError.

    `mine`: the leads that this end made. Between two pairs, both ends make leads in a tunnel, and each ends its own
    only: else each makes a new one every second, because the other has ended its last one. None: the peer makes none.
    """
    tunnels = {lane_of(tunnel): tunnel for tunnel in _lanes(generation, site)}
    wanted = [(link, leads.of(tunnels[lane], link, generation.backend)) for link in tunnels[lane]["links"]]
    wanted = [(link, of_it) for link, of_it in wanted if of_it]
    names, begun = {str(one["name"]): number for number, one in tunnels.items()}, time.monotonic()
    found = connections.answered(names, timeout=PATIENCE)
    name = str(tunnels[lane]["name"])
    if not any(one == name and sa.get("state") in _ALIVE for one, sa in found):
        # Only one end begins an IKE_SA: a lead comes in one that there is.
        return Led(frozenset(), [f"{name} has no IKE_SA"])
    ours = {lead.name for _link, of_it in wanted for lead in of_it}
    before = list(_leads(found, ours))
    taken = [str(child["name"]) for one, child in before if one == name]
    begin, over = list[str](), list[str]()
    for _link, of_it in wanted:
        free = [lead.name for lead in of_it if lead.name not in taken]
        if not free:  # one is the other end's, or what an interrupted turn left
            free = [one for one in taken if _own((name, one), mine) and one in [lead.name for lead in of_it]]
            free = sorted(free)[:1] or [of_it[0].name]
            over += [str(child["uniqueid"]) for one, child in before if one == name and child["name"] == free[0]]
        begin.append(free[0])
    _end(over)
    with ThreadPoolExecutor(PARALLEL) as pool:
        wrong = [text for text in pool.map(lambda one: _initiate(name, one), begin) if text]
    took = time.monotonic() - begun
    if not wrong:
        time.sleep(IN_FLIGHT)
        old = [child for one, child in before if _own((one, str(child["name"])), mine)]
        _end(str(child["uniqueid"]) for child in old if str(child["uniqueid"]) not in over)
    return Led(frozenset((name, one) for one in begin), wrong, took)


def _lanes(generation: Generation, site: str) -> list[Document]:
    """The tunnels to a site."""
    return [tunnel for tunnel in generation.hellos if site_of(tunnel) == site]


def _own(one: Made, mine: Collection[Made] | None) -> bool:
    return mine is None or one in mine


def carried(generation: Generation, site: str) -> dict[int, int]:
    """How many packets each lane's links to a site have carried from here, since they are there. ViciError."""
    tunnels = {str(tunnel["name"]): tunnel for tunnel in _lanes(generation, site)}
    found = {lane_of(tunnel): 0 for tunnel in tunnels.values()}
    hellos = {str(link.get("name")) for tunnel in tunnels.values() for link in tunnel["links"] if link.get("hello")}
    for name, sa in connections.answered(tunnels, timeout=PATIENCE):
        for child in sa.get("child-sas", {}).values():
            if child.get("name") not in hellos:
                found[lane_of(tunnels[name])] += int(child.get("packets-out") or 0)
    return found


def _leads(found: Iterable[tuple[str, Document]], names: Collection[str]) -> Iterable[tuple[str, Document]]:
    for tunnel, sa in found:
        for child in sa.get("child-sas", {}).values():
            if child.get("name") in names and child.get("state") in UP:
                yield tunnel, child


def _initiate(tunnel: str, child: str) -> str:
    try:
        with Vici(timeout=PATIENCE + 2) as vici:
            words = {"ike": tunnel, "child": child, "timeout": str(int(PATIENCE * 1000)), "init-limits": "no"}
            answer = vici.ask("initiate", words)
    except ViciError as error:
        return f"{child}: {error}"
    return "" if answer.get("success") == "yes" else f"{child}: {answer.get('errmsg') or 'no answer from the peer'}"


def _end(ids: Iterable[str]) -> None:
    """End CHILD_SAs, and do not wait for peers that may be gone."""
    for one in ids:
        with contextlib.suppress(ViciError), Vici(timeout=PATIENCE) as vici:
            vici.ask("terminate", {"child-id": one, "timeout": "-1"})
