# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What modules do on a node, by the modules' names; and how the node is asked for it without a module.

A module that Ansible sends is 300 KB, which the controller packs and the node unpacks and compiles each time. The
installed agent is the same code, compiled once. ``agent call MODULE VERSION`` reads ``{"params": …, "check": …}`` from
its standard input, and prints a line ``{"version": …}``, then a line ``{"result": …}``. One of another version does
nothing and exits with :data:`OTHER`. Whoever sees no version knows that nothing was done, also where the agent is
damaged and cannot start. Then the code comes with the question (sent.py).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from typing import Any

from .state import Store
from .system.install import installed_version, keep_sources

OTHER = 3
"""The exit code of an agent that is not of the version that was asked for."""

Result = dict[str, Any]
Call = Callable[[dict[str, Any], Store, bool], Result]

# Each imports what it takes, and no more: what comes with the question is compiled for it alone.


def _commit(given: dict[str, Any], store: Store, check: bool) -> Result:
    from .module import commit

    return commit(given, store, check)


def _confirm(given: dict[str, Any], store: Store, check: bool) -> Result:
    from .module import confirm

    return confirm(given, store, check)


def _revoke(given: dict[str, Any], store: Store, check: bool) -> Result:
    from .module import revoke

    return revoke(given, store, check)


def _drain(given: dict[str, Any], store: Store, check: bool) -> Result:
    from .vrrp.drain import drain

    return drain(given, store, check)


def _rotate(given: dict[str, Any], store: Store, check: bool) -> Result:
    from .rotate import rotate

    return rotate(given, store, check)


def _info(given: dict[str, Any], store: Store, check: bool) -> Result:
    from .facts import info

    return info(given, store, check)


def _renew(given: dict[str, Any], store: Store, check: bool) -> Result:
    from .renewal import renewal

    return renewal(given, store, check)


def _probe(given: dict[str, Any], _store: Store, _check: bool) -> Result:
    from .probe.ping import probed

    return probed(given)


def _observe(given: dict[str, Any], store: Store, _check: bool) -> Result:
    from .observe import observed

    return observed(given, store)


def _slices(given: dict[str, Any], store: Store, check: bool) -> Result:
    from .slices import keep

    return keep(given, store, check)


def _packages(given: dict[str, Any], store: Store, check: bool) -> Result:
    from .supplied import supplied

    return supplied(given, store, check)


def _templates(given: dict[str, Any], store: Store, check: bool) -> Result:
    from .catalog.module import templates

    return templates(given, store, check, sys.stdin.buffer)


def _uninstall(given: dict[str, Any], store: Store, check: bool) -> Result:
    from .uninstall import uninstall

    return uninstall(given, store, check)


CALLS: Mapping[str, Call] = {
    "edge_commit": _commit,
    "edge_confirm": _confirm,
    "edge_crl": _revoke,
    "edge_drain": _drain,
    "edge_info": _info,
    "edge_rotate": _rotate,
    "edge_renewal": _renew,
    "member_probe": _probe,
    "node_info": _observe,
    "node_packages": _packages,
    "node_slices": _slices,
    "node_templates": _templates,
    "node_uninstall": _uninstall,
}
"""Parameters, the node's state and whether it is check mode, to the result. One with `msg` is a failure."""


def result_of(name: str, asked: Mapping[str, Any], store: Store | None = None) -> Result:
    """What a module returns for ``{"params": …, "check": …}``."""
    return CALLS[name](asked["params"], store or Store(), asked["check"])


def answer(name: str, version: str, store: Store) -> int:
    """Do what a module does, as this very code; returns the exit code."""
    if name not in CALLS or installed_version(store) != version:
        return OTHER
    keep_sources()
    sys.stdout.write(f"\n{json.dumps({'version': version})}\n")  # what greets may not end its line
    sys.stdout.flush()
    result = result_of(name, json.load(sys.stdin), store)
    sys.stdout.write(f"{json.dumps({'result': result})}\n")
    return 0


def main() -> int:
    """``agent call MODULE VERSION``; returns the exit code."""
    return answer(sys.argv[2], sys.argv[3], Store())
