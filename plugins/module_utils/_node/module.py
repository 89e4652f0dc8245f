# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the modules edge_commit and edge_confirm do with their parameters, and how they tell what came of it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from . import identity
from .commit import FAILURES, Outcome, Refused, RolledBack, describe, revise, rollback
from .commit import commit as bring
from .confirm import confirm as keep
from .confirm import states, unmet
from .document import Generation
from .ipsec import outdated, partner_keys, reauthenticate, secrets
from .ipsec.certificates import needed
from .ssl import key_change
from .state import Busy, Store
from .system import packages
from .tunnel_kind import UP

FORMAT = 1


def generation(given: dict[str, Any]) -> Generation:
    """The generation that the module's parameters describe."""
    files = {str(name): str(text) for name, text in given["files"].items()}
    for name, text in (given.get("certificates") or {}).items():
        if text:
            files[f"{name}.pem"] = f"{text.strip()}\n"
    files.update(identity.stored(given.get("lineage")))
    known = given.get("secrets") or {}
    if known:
        files[secrets.FILE] = json.dumps({name: key for name, key in sorted(known.items()) if key})
    return Generation(given["document"], files, given["backend"], frozenset(name for name in known if not known[name]))


def commit(given: dict[str, Any], store: Store, check: bool) -> dict[str, Any]:
    """The module's result; one with `msg` is a failure."""
    if given["document"] is None:
        return {"msg": "documents: is read on the controller, by the action plugin of this name"}
    if given["document"].get("format") != FORMAT:
        return {"msg": f"document: format {given['document'].get('format')} is not {FORMAT}; is the collection older?"}
    want = generation(given)
    try:
        missing = [] if want.empty else packages.missing(given["require"])
    except packages.UnknownFamily as error:
        return {"msg": f"not applied, nothing was touched: {error}"}
    if missing:
        return {
            "changed": False,
            "confirm": False,
            "missing_packages": missing,
            "family": packages.family(),
            "unmet": unmet(states(want, store), want, store),
        }
    new = identity.is_new(store)
    try:
        outcome = bring(
            want,
            store,
            given["confirm_timeout"],
            check,
            given["allow_older"],
            given.get("lineage"),
            given.get("adopt") or (),
        )
    except Refused as error:
        problems = [{"subsystem": name, "problem": problem} for name, problem in error.problems]
        return {"msg": f"not applied, nothing was touched: {error}", "problems": problems, "rolled_back": False}
    except RolledBack as error:
        end = "the node is back on its previous generation" if error.clean else "and rolling back failed in part, too"
        return {
            "msg": f"activation failed: {error}; {end}",
            "rolled_back": error.clean,
            "subsystems": describe(error.changes)["subsystems"],
        }
    except (Busy, *FAILURES, ValueError) as error:
        return {"msg": f"not applied, nothing was touched: {error}", "rolled_back": False}
    links = [] if want.empty else states(want, store)
    down = any(link["initiator"] and link["state"] not in UP for link in links)
    stale = not check and bool(reauthenticate.pending(want, store) or outdated.pending(store))
    stale = stale or (not check and bool(partner_keys.pending(want, store) or key_change.pending(want, store)))
    return {
        **outcome.report(),
        "new": new and not want.empty,
        "generation": outcome.generation,
        "unconfirmed": outcome.unconfirmed,
        "links": links,
        "unmet": [] if want.empty else unmet(links, want, store),
        "confirm": outcome.unconfirmed
        or down
        or stale
        or (check and bool(outcome.changes) and bool(given["confirm_timeout"] or not want.empty)),
        "missing_packages": [],
        "notes": outcome.warnings,
    }


def confirm(given: dict[str, Any], store: Store, check: bool) -> dict[str, Any]:
    """The result of the module edge_confirm; one with `msg` is a failure."""
    try:
        if given["state"] == "confirmed":
            lost = {str(name): float(seconds) for name, seconds in (given.get("lost") or {}).items()}
            result = keep(store, given["timeout"], check, given["generation"], given["behind"], lost)
            result["disarmed"] = result["disarmed"] or (check and given["pending"])
        else:
            nothing: dict[str, Any] = {key: [] for key in ("given_up", "renewed", "initiated", "links")}
            result = {"disarmed": store.fallback is not None, **nothing}
            if not check:
                with store.lock():
                    rollback(store)
    except (Busy, *FAILURES, ValueError) as error:
        return {"msg": str(error)}
    changed = bool(result["disarmed"] or result["given_up"] or result["renewed"] or result["initiated"])
    return {"changed": changed, "generation": store.named("current"), **result}


def revised(
    files: dict[str, str], store: Store, check: bool, patience: float = 90, still: Callable[[], bool] = lambda: True
) -> Outcome:
    """Give the node's generation other files; waits `patience` seconds for another run. Raises what `revise` does."""
    deadline = time.monotonic() + (0 if check else patience)
    while store.fallback is not None and time.monotonic() < deadline:
        time.sleep(0.5)
    return revise(files, store, check, still)


def of_credentials(
    organization: str,
    store: Store,
    work: Callable[[], dict[str, Any]],
    idle: dict[str, Any],
    stays: str,
    verb: str = "applied",
    with_keys: bool = False,
) -> dict[str, Any]:
    """What `work` returns, which gives the node's generation other credentials; one with `msg` is a failure.

    `idle`: the result of a node that has no tunnels with certificates, or is another organization's. `stays`: what a
    node has that went back. `verb`: what was not done. `with_keys`: also where tunnels have pre-shared keys only.
    """
    running = store.running()
    if running.damaged:
        return {"msg": f"not {verb}, nothing was touched: {running.trouble()}"}
    have = running.generation
    concerned = needed(have) or (with_keys and bool(secrets.tunnels(have)))
    if not concerned or have.document.get("organization") != organization:
        return idle
    try:
        return work()
    except RolledBack as error:
        return {"msg": f"activation failed: {error}; {stays}"}
    except (Busy, Refused, *FAILURES, ValueError) as error:
        return {"msg": f"not {verb}, nothing was touched: {error}"}


def revoke(given: dict[str, Any], store: Store, check: bool, patience: float = 90) -> dict[str, Any]:
    """The result of the module edge_crl; one with `msg` is a failure. Waits `patience` seconds for another run."""

    def bring_list() -> dict[str, Any]:
        outcome = revised({"crl.pem": f"{given['crl'].strip()}\n"}, store, check, patience)
        return {**outcome.report(), "generation": outcome.generation}

    idle = {"changed": False, "generation": store.named("current"), "subsystems": {}, "diff": []}
    return of_credentials(given["organization"], store, bring_list, idle, "the revocations stay")
