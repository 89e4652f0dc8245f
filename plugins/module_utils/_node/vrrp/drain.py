# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Maintenance of one edge of a pair: it gives the gateway address to its twin, and does not take it back until told."""

from __future__ import annotations

import time
from typing import Any

from ..confirm import states
from ..document import Generation
from ..kernel import ip
from ..state import Busy, Store
from ..system import files, systemd
from ..system.run import CommandError
from ..tunnel_kind import UP
from . import config

TAKES = 10.0  # seconds until the twin has the address; it takes a third of one
PAUSE = 0.05


def drain(given: dict[str, Any], store: Store, check: bool) -> dict[str, Any]:
    """The result of the module edge_drain; one with `msg` is a failure. ``drained`` None: only looks."""
    running = store.running()
    if running.damaged:
        return {"msg": running.trouble()}
    generation = running.generation
    if not generation.pair:
        return {"msg": "this edge is not one of a pair (vcc_site): nothing was touched"}
    wanted, before = given.get("drained"), files.read(store.at(config.DRAINED))
    changed = wanted is not None and bool(before) != wanted
    try:
        if changed and not check:
            with store.lock():
                _note(bool(wanted), store)
        if wanted and not check:  # by an earlier run, too, which the twin did not answer
            _wait(generation)
    except (Busy, OSError, CommandError) as error:
        return {"msg": str(error)}
    return {
        "changed": changed,
        "site": generation.pair["site"],
        "twin": generation.pair["twin"],
        "master": master(generation),
        "drained": bool(files.read(store.at(config.DRAINED))),
        "lacking": lacking(generation, store),
    }


def master(generation: Generation) -> bool:
    """Whether this edge has the gateway address now."""
    gateway = {str(address) for address in generation.pair.get("gateway", ())}
    return any(text.partition("/")[0] in gateway for texts in ip.addresses().values() for text in texts)


def lacking(generation: Generation, store: Store) -> list[str]:
    """What keeps this edge from taking the gateway address, in words."""
    found = [] if systemd.active(config.UNIT) else [f"{config.UNIT} does not run"]
    if files.read(store.at(config.DRAINED)):
        found.append("it is drained itself")
    down = sorted({str(link["tunnel"]) for link in states(generation, store) if link["state"] not in UP})
    return found + [f"tunnel {name} is down" for name in down]


def _note(wanted: bool, store: Store) -> None:
    path = store.at(config.DRAINED)
    if wanted:
        files.write(path, f"{config.DRAIN}\n", 0o644)
    else:
        files.remove(path)


def _wait(generation: Generation) -> None:
    deadline = time.monotonic() + TAKES
    while master(generation):
        if time.monotonic() >= deadline:
            raise CommandError("the twin does not take the gateway address: this edge keeps it; look at its keepalived")
        time.sleep(PAUSE)
