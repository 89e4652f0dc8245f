# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pre-shared keys of external edges, while one takes the place of another: which of the two the partner accepts.

charon verifies a partner with both keys, and authenticates with one of them. A partner cannot be asked which one
it has. So the new key is tried with a second IKE_SA, behind which the one that is up stays (bridge.py): if the partner
refuses, nothing has changed. Where the tunnel is down, and the partner refuses one key, the other one is tried.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..bgp.bird import Bgp
from ..document import Generation
from ..part import Context
from ..state import Store
from . import bridge, charon, secrets

# What charon says of a key that the partner does not have, or of a partner with a key that this end does not have.
REFUSED = ("AUTHENTICATION_FAILED", "AUTH_FAILED", "MAC mismatched")


def _both(generation: Generation) -> dict[str, dict[str, int]]:
    """The tunnels to external edges that have two keys: the names of both, with their numbers; the one in use first."""
    held = {tunnel: keys for tunnel, keys in secrets.held(generation).items() if keys.also}
    known = secrets.tunnels(generation) if held else {}
    return {
        tunnel: {secrets.entry_name(tunnel, key.number): key.number for key in keys if key}
        for tunnel, keys in held.items()
        if known[tunnel][1] == secrets.PSK
    }


def _now(names: Mapping[str, int], tunnel: str, preferred: secrets.Preferred) -> str:
    chosen = preferred.get(tunnel, "")
    return chosen if chosen in names else next(iter(names))


def pending(generation: Generation, store: Store) -> dict[str, str]:
    """The tunnels that are to authenticate with another key than they do, and that key's name."""
    both = _both(generation)
    preferred = secrets.preferred(store) if both else {}
    return {
        tunnel: next(iter(names))
        for tunnel, names in both.items()
        if _now(names, tunnel, preferred) != next(iter(names))
    }


def in_use(generation: Generation, store: Store) -> dict[str, int]:
    """The number of the key that this end authenticates with, of tunnels that have two."""
    both = _both(generation)
    preferred = secrets.preferred(store) if both else {}
    return {tunnel: names[_now(names, tunnel, preferred)] for tunnel, names in both.items()}


def renew(generation: Generation, store: Store) -> list[str]:
    """Try the keys that are to be used; returns the tunnels that use them now. The caller has the lock. ViciError,
    CommandError.

    A tunnel that is down has nothing to lose: what initiates it tries both keys (`other`).
    """
    todo = pending(generation, store) if charon.identity()[0] else {}
    if not todo:
        return []
    before = secrets.preferred(store)
    secrets.prefer(todo, generation, store)
    up = {*bridge.standing(todo)}
    done = {*bridge.make_anew(sorted(up), generation, store)} if up else set()
    refused = {tunnel: before[tunnel] for tunnel in up - done if tunnel in before}
    if refused:
        secrets.prefer(refused, generation, store)
    _tell_bgp(generation, store)
    return sorted(done)


def other(tunnel: str, generation: Generation, store: Store) -> bool:
    """Authenticate with the tunnel's other key, if it has two; whether it has. The caller has the lock.

    ViciError, CommandError.
    """
    names = _both(generation).get(tunnel, {})
    now = _now(names, tunnel, secrets.preferred(store)) if names else ""
    for name in names:
        if name != now:
            secrets.prefer({tunnel: name}, generation, store)
            _tell_bgp(generation, store)
            return True
    return False


def _tell_bgp(generation: Generation, store: Store) -> None:
    """The key of a BGP session follows from the tunnel's that is in use. CommandError."""
    Bgp(Context(generation, generation, store)).build()
