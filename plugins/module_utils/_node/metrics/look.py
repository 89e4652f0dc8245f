# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks at the node, and tells node_exporter's textfile collector.

Less than a whole observation: what is loaded is not compared with the document. The agent does that all the time, and
counts what it puts back.
"""

from __future__ import annotations

import os
import time

from ..bgp.observe import observed as bgp_observed
from ..confirm import states
from ..document import Document, Generation
from ..ipsec import certificates, x509
from ..kernel import usage
from ..kinds import KINDS
from ..lanes import noted
from ..ssl.sessions import UP as ESTABLISHED
from ..state import Store
from ..system import files
from . import repairs
from .counters import counters
from .metrics import Seen, metrics
from .places import DIRECTORY, FILE


def look(store: Store) -> Seen:
    """What is there now."""
    running = store.running()
    current = running.generation
    return Seen(
        generation=current,
        unconfirmed=store.fallback is not None,
        refusing=running.refusing,
        damaged=len([*running.damaged, *store.unread()]),
        links=states(current, store),
        associations=_associations(current, store),
        counters=counters(),
        usage=usage.observed(store, current),
        certificate=x509.certificate(store) if certificates.needed(current) else None,
        repairs=repairs.counted(store),
        bgp=bgp_observed(current, store, 0),
        lanes=noted.read(store.at(noted.FILE)) if current.hellos else {},
    )


def _associations(current: Generation, store: Store) -> dict[str, int]:
    seen: Document = {}
    for kind in KINDS:
        seen.update(kind.observe(current, store))
    found: dict[str, int] = {}
    for entry in (*seen.get("sas", ()), *seen.get("sessions", ())):
        if entry["state"] == ESTABLISHED:  # charon calls an IKE_SA so, too
            found[entry["tunnel"]] = found.get(entry["tunnel"], 0) + 1
    return found


def told(store: Store) -> str:
    """The node's metrics."""
    begun = time.monotonic()
    seen = look(store)
    return metrics(seen, time.monotonic() - begun)


def write(store: Store) -> bool:
    """Write them where node_exporter looks, whole; whether there is such a directory."""
    if not os.path.isdir(store.at(DIRECTORY)):
        return False
    files.write(store.at(FILE), told(store), 0o644)
    return True
