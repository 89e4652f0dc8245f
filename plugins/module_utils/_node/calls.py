# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What modules do on a node, by the modules' names; and how the installed agent is asked for it in place of a module.

A module that Ansible sends is 300 KB, which the node unpacks and compiles each time. The installed agent is the same
code, compiled once. ``agent call MODULE VERSION`` reads ``{"params": …, "check": …}`` from its standard input, and
prints a line ``{"version": …}``, then a line ``{"result": …}``. One of another version does nothing and exits with
:data:`OTHER`. Whoever sees no version knows that nothing was done, also where the agent is damaged and cannot start.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from typing import Any

from .facts import info
from .module import commit, confirm, revoke
from .observe import observed
from .probe.ping import probed
from .state import Store
from .system.install import installed_version, keep_sources

OTHER = 3
"""The exit code of an agent that is not of the version that was asked for."""


def _observe(given: dict[str, Any], store: Store, _check: bool) -> dict[str, Any]:
    return observed(given, store)


def _probe(given: dict[str, Any], _store: Store, _check: bool) -> dict[str, Any]:
    return probed(given)


CALLS: Mapping[str, Callable[[dict[str, Any], Store, bool], dict[str, Any]]] = {
    "edge_commit": commit,
    "edge_confirm": confirm,
    "edge_crl": revoke,
    "edge_info": info,
    "member_probe": _probe,
    "node_observe": _observe,
}
"""Parameters, the node's state and whether it is check mode, to the result. One with `msg` is a failure."""


def answer(name: str, version: str, store: Store) -> int:
    """Do what a module does, as this very code; returns the exit code."""
    if name not in CALLS or installed_version(store) != version:
        return OTHER
    keep_sources()
    sys.stdout.write(f"{json.dumps({'version': version})}\n")
    sys.stdout.flush()
    asked = json.load(sys.stdin)
    result = CALLS[name](asked["params"], store, asked["check"])
    sys.stdout.write(f"{json.dumps({'result': result})}\n")
    return 0
