# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""IKE_SAs that were made with another PPK, or under other settings, than charon has now: they are made again.

Both ends have to have the new PPK before anybody authenticates with it. So a commit only loads it, and notes what the
IKE_SAs were made with; when all nodes of the run have committed, the end that initiates makes them again.
"""

from __future__ import annotations

import json

from ..document import Generation, sha256
from ..state import Store
from . import bridge, charon, connections, secrets

Made = dict[str, dict[str, str]]


def made_with(generation: Generation) -> Made:
    """What an IKE_SA that comes up now is made with, by tunnel; of tunnels that are initiated here."""
    known = secrets.digests(generation)
    used = {entry.tunnel["name"]: entry.name for entry in secrets.entries(generation).values() if entry.used}
    settings = sha256(json.dumps(charon.retransmission(generation), sort_keys=True))
    return {
        tunnel["name"]: {
            "key": known.get(used.get(tunnel["name"], ""), "") if secrets.kind(tunnel) == secrets.PPK else "",
            "settings": settings,
        }
        for tunnel in generation.tunnels("ipsec")
        if tunnel.get("initiator")
    }


def note(want: Generation, have: Generation, store: Store) -> None:
    """Before anything is loaded: where nothing is noted of an IKE_SA, it was made with what the node had until now."""
    marker = charon.marker(store)
    if not marker:  # no daemon, so no IKE_SA
        return
    before, noted = made_with(have), marker.get("made", {})
    made = {name: noted.get(name) or before.get(name) or new for name, new in made_with(want).items()}
    if made != noted:
        charon.mark(store, made=made)


def note_renamed(generation: Generation, before: str, after: str, store: Store) -> None:
    """When connections were loaded that name another PPK: charon has made new IKE_SAs by that.

    `before`, `after`: swanctl.conf.
    """
    renamed = {name.partition(secrets.SECOND)[0] for name in secrets.ppk_ids(after) - secrets.ppk_ids(before)}
    noted, now = charon.marker(store).get("made", {}), made_with(generation)
    made = {name: now[name] if name in renamed and name in now else one for name, one in noted.items()}
    if made != noted:
        charon.mark(store, made=made)


def pending(generation: Generation, store: Store) -> dict[str, bool]:
    """The tunnels whose IKE_SA has to be made again; whether it has to authenticate, or a new key exchange will do."""
    noted, now = charon.marker(store).get("made", {}), made_with(generation)
    stale = {name: new for name, new in now.items() if noted.get(name) and noted[name] != new}
    there = {name for name, child in connections.active(stale) if not child} if stale else set()
    return {name: noted[name]["key"] != new["key"] for name, new in sorted(stale.items()) if name in there}


def renew(generation: Generation, store: Store) -> list[str]:
    """Make IKE_SAs again that need it. Returns the tunnels; one that did not come up anew stays as it is, and pending.

    ViciError if charon does not run.
    """
    todo = pending(generation, store)
    anew = bridge.make_anew([name for name, reauth in todo.items() if reauth], generation, store)
    rest = {name: reauth for name, reauth in todo.items() if name not in anew}
    left = {name for reauth in (True, False) for name in _again(rest, reauth)}
    noted = charon.marker(store).get("made", {})
    made = {name: noted.get(name, new) if name in left else new for name, new in made_with(generation).items()}
    if made != noted:
        charon.mark(store, made=made)
    return list(todo)


def _again(todo: dict[str, bool], reauth: bool) -> set[str]:
    return connections.again((name for name, how in todo.items() if how == reauth), reauth)
