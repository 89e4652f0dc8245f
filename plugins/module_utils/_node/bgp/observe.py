# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What BIRD says of the sessions: whether they are up, what was heard, and what was refused."""

from __future__ import annotations

import re
import time
from typing import Any

from ..document import Generation
from ..state import Store
from . import control
from .sessions import LOADED, SOCKET, Session, sessions

UP = "Established"
PATIENCE, FRESH = 8.0, 30.0  # seconds
SHOWN = 20  # prefixes that are named; of more, the number is said
_FIELDS = {
    "state": re.compile(r"^\s*BGP state:\s+(.+)$", re.MULTILINE),
    "error": re.compile(r"^\s*Last error:\s+(.+)$", re.MULTILINE),
}
_PREFIX = re.compile(r"^(\d+\.\d+\.\d+\.\d+/\d+)\s", re.MULTILINE)
_CHOSEN = re.compile(r"^\d+\.\d+\.\d+\.\d+/\d+\s.*\] \* \(", re.MULTILINE)
_BFD = re.compile(r"^(\S+)\s+(\S+)\s+(Up|Down|Init|AdminDown)\s", re.MULTILINE)


def observed(generation: Generation, store: Store, patience: float = PATIENCE) -> list[dict[str, Any]]:
    """A record per session; `state` is `unknown` where BIRD does not answer.

    Sessions of a BIRD that has just read its file have so many seconds to come up.
    """
    wanted = sessions(generation)
    deadline = time.monotonic() + patience
    while True:
        found = [_observed(one, store) for one in wanted]
        up = all(one["state"] in (UP, "unknown") and not one.get("missing") for one in found)
        if up or time.monotonic() >= deadline or not _fresh(store):
            return found
        time.sleep(0.5)


def _fresh(store: Store) -> bool:
    """Whether BIRD has read its file a moment ago."""
    try:
        return time.time() - store.at(LOADED).stat().st_mtime < FRESH
    except OSError:
        return False


def _observed(one: Session, store: Store) -> dict[str, Any]:
    found: dict[str, Any] = {"tunnel": one.tunnel, "vpn": one.vpn, "peer": one.peer, "peer_asn": one.peer_asn}
    try:
        about = _asked(store, f"show protocols all {one.device}")
        said = {key: match[1].strip() for key, pattern in _FIELDS.items() if (match := pattern.search(about))}
        routes = _asked(store, f"show route protocol {one.device}")
        accepted = _prefixes(routes)
        refused = _prefixes(_asked(store, f"show route filtered protocol {one.device}"))
        bfd = dict.fromkeys([one.peer], "Down")
        if one.bfd:
            bfd.update((peer, state) for peer, device, state in _BFD.findall(_asked(store, "show bfd sessions")))
    except (OSError, ValueError):
        return {**found, "state": "unknown"}
    return {
        **found,
        "state": said.get("state", "unknown"),
        **({"error": said["error"]} if "error" in said else {}),
        **({"bfd": bfd[one.peer]} if one.bfd else {}),
        # Of a partner's two tunnels, one is chosen for each prefix.
        "carries": bool(_CHOSEN.search(routes)),
        "accepted": accepted[:SHOWN],
        "missing": [prefix for prefix in one.accept if prefix not in accepted][:SHOWN],
        "refused": refused[:SHOWN],
        "refused_count": len(refused),
    }


def _asked(store: Store, command: str) -> str:
    return "\n".join(control.ask(store.at(SOCKET), command))


def _prefixes(text: str) -> list[str]:
    return sorted(set(_PREFIX.findall(text)))
