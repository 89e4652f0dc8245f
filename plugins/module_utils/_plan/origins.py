# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PLAN: is this the ledger that the nodes and the authorities belong to? Found out before anything is written.

A ledger that is made anew where another one was gives out addresses that nodes still answer to.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from .._base.errors import LedgerError
from .._base.problems import some
from .._ledger.chain import LISTED

SHOWN = 5


def authorities(state_dir: str | Path) -> list[str]:
    """The organizations that have an authority in a state directory, sorted. What may not be read has none."""
    try:
        return sorted(path.parent.name for path in (Path(state_dir) / "ca").glob("*/ca.pem"))
    except OSError:
        return []


def with_generations(observed: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The nodes that run a generation of ours, sorted.

    ``observed``: node -> what the survey found out: ``node``, ``organization``, ``generation``, ``ledger``, ``chain``.
    """
    return sorted(name for name, facts in observed.items() if int(facts.get("generation") or 0) > 0)


def _with_slices(observed: Mapping[str, Mapping[str, Any]], organizations: Collection[str] | None) -> list[str]:
    """The VCC nodes that hold slices of organizations: their generations are in these."""
    return [
        name
        for name, facts in observed.items()
        for organization, number in (facts.get("slices") or {}).items()
        if int(number or 0) > 0 and (organizations is None or organization in organizations)
    ]


def refuse_new_ledger(
    ledger: str,
    state_dir: str | Path,
    observed: Mapping[str, Mapping[str, Any]] | None = None,
    organizations: Collection[str] | None = None,
) -> None:
    """LedgerError when ``ledger`` does not exist, and something says that there was one.

    ``organizations``: those that the run is about (None: all). A shared VCC node may serve others, of another ledger.
    """
    seen = observed or {}
    owners, nodes = authorities(state_dir), {*with_generations(seen), *_with_slices(seen, organizations)}
    signs = [f"the authority of {', '.join(owners)} is in {state_dir}/ca"] if owners else []
    signs += [f"{some(sorted(nodes), SHOWN)} run a generation of one"] if nodes else []
    if signs:
        raise LedgerError(
            f"there is no ledger at {ledger}, and {' and '.join(signs)}: is vcc_ledger right? Restore the ledger from "
            "a backup (restore_ledger), or make one from what the nodes hold (recover_ledger). With -e "
            "vcc_new_ledger=true an empty one is made, which knows no address that is in use"
        )


def strangers(
    observed: Mapping[str, Mapping[str, Any]], known: Mapping[str, Mapping[str, Mapping[int, str]]]
) -> dict[str, str]:
    """The nodes that run what this ledger does not know, each with a sentence; every one of them refuses this plan.

    ``observed`` as in :func:`with_generations`. ``known``: organization -> ``Transaction.lineages`` of it.
    """
    found = {}
    for name in with_generations(observed):
        facts = observed[name]
        number, digits = int(facts["generation"]), str(facts.get("chain") or "")
        own = known.get(str(facts.get("organization")), {}).get(str(facts.get("node") or name), {})
        if digits and own.get(number, "")[:LISTED] != digits[:LISTED]:
            found[name] = (
                f"{name} runs generation {number} of the ledger {facts.get('ledger')}, which this ledger does not "
                "know: this one is an older copy or another ledger, and the node refuses it; run recover_ledger"
            )
    return found
