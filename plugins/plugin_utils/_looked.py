# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The status of a run's VPNs, out of the plan, the ledger and what hosts registered."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple, TypeVar

from ansible_collections.intercloud.vpn.plugins.module_utils._status.status import status
from ansible_collections.intercloud.vpn.plugins.module_utils._verify import readable
from ansible_collections.intercloud.vpn.plugins.module_utils._verify.readable import without
from ansible_collections.intercloud.vpn.plugins.plugin_utils._plan_file import load_plan
from ansible_collections.intercloud.vpn.plugins.plugin_utils._registered import registered, trust

T = TypeVar("T")


class Looked(NamedTuple):
    """The plan, its documents by node, and the status (docs/status.md)."""

    plan: Any
    documents: dict[str, Any]
    found: dict[str, Any]


def looked(
    given: Mapping[str, Any], hostvars: Any, held: Mapping[str, Any], show: Callable[[Looked], T]
) -> tuple[Looked, T]:
    """``given``: a task's arguments (doc_fragments/status.py). ``held``: what the ledger knows (`holdings`).

    ``show``: makes of it what people read. It sees no answer that makes no sense either.
    """
    plan, documents = load_plan(str(given["plan"]))
    every = dict(documents)
    observed = registered(hostvars, set(every), [str(given.get("variable") or "vcc_observed")])
    now = datetime.datetime.now(datetime.timezone.utc)
    held_against = trust(given, now, given.get("certificate_days"))

    def look(senseless: Collection[str]) -> tuple[Looked, T]:
        states = without(observed, senseless)
        found = Looked(plan, every, status(plan, every, states, held, now, held_against, given.get("hosts")))
        return found, show(found)

    return readable.judged(look, observed)


def mapping(value: Any) -> dict[str, Any]:
    """What is not a mapping is plan_vpn's to refuse; there is nothing to show of it."""
    return {str(name): entry for name, entry in value.items()} if isinstance(value, dict) else {}
