# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A node as it was found: whatever it holds of ours goes, as if it were told that it is in no VPN any more."""

from __future__ import annotations

import contextlib
import re
import shutil
from pathlib import Path
from typing import Any

from . import identity
from .catalog import leave as catalog
from .commit import FAILURES, Refused, RolledBack, describe, remove
from .document import Change
from .metrics import slices as metrics
from .metrics.places import SLICES
from .state import Busy, Store
from .supplied import forget_missing, noted, unlink
from .system import files, packages
from .system.run import CommandError, have, run

STAY = ("openssh-server", "python3")
"""Without these, no administrator reaches the node any more."""
_GOES = re.compile(r"^(?:Purg|Remv) ([^\s:]+)", re.MULTILINE)  # apt-get --simulate: one line for each package


def uninstall(given: dict[str, Any], store: Store, check: bool) -> dict[str, Any]:
    """The result of the module node_uninstall; one with `msg` is a failure, and nothing was touched then."""
    try:
        with contextlib.nullcontext() if check else store.lock():
            # What another run committed while this one waited for the lock counts.
            reason = _refusal(given, store)
            if reason:
                return {"msg": reason}
            changes = remove(store, check) + _slices(store, check) + catalog.remove(store, check)
            changes += unlink(store, check) + forget_missing(store, check)
    except Refused as error:
        return {"msg": f"not uninstalled, nothing was touched: {error}"}
    except RolledBack as error:
        return {"msg": f"not uninstalled: {error}"}
    except (Busy, *FAILURES, ValueError) as error:
        return {"msg": f"not uninstalled: {error}"}
    there = sorted({*packages.installed(noted(store))} - {*STAY})
    needed = _needed_packages(there)
    free = [name for name in there if name not in needed]
    return {
        "changed": bool(changes),
        **describe(changes),
        "packages": free,
        "needed_packages": needed,
        "family": packages.family(),
    }


def _refusal(given: dict[str, Any], store: Store) -> str:
    """Why the node is to keep what it holds; empty if it is not."""
    held = _held(store)
    others = sorted({ledger for ledger, _what in held if ledger != given["ledger"] or not ledger})
    if others and not given["allow_older"]:
        what = ", ".join(sorted({what for ledger, what in held if ledger in others}))
        which = ", ".join(filter(None, others)) or "no ledger"
        return (
            f"this node holds {what}, of {which}, and the ledger of this run is "
            f"{given['ledger'] or 'not there'}: whether a VPN needs it, only its own ledger knows. Run this with that "
            "ledger; or, if that is lost, with -e vcc_allow_older=true"
        )
    strangers = {} if given["allow_older"] else catalog.others(store, given["ledger"])
    if strangers:
        which = ", ".join(f"{organization} (ledger {ledger})" for organization, ledger in strangers.items())
        return (
            f"this node keeps templates that others published: {which}. The ledger of this run is "
            f"{given['ledger'] or 'not there'}. Run this with that ledger; or, if that is lost, with "
            "-e vcc_allow_older=true"
        )
    return ("" if given["allow_older"] else _later(given, store)) or _needed(given, store)


def _held(store: Store) -> list[tuple[str, str]]:
    """What VPNs of which ledger the node was told of."""
    found = []
    running = store.running()
    if running.damaged or not running.generation.empty:
        known = identity.of(store)
        vpns = [str(vpn["name"]) for vpn in running.generation.document.get("vpns") or ()]
        number = running.generation.document.get("generation")
        what = f"the VPN {', '.join(vpns)}" if vpns else f"generation {number}" if number else "what cannot be read"
        found.append((known.ledger if known else "", what))
    for path in _places(store):
        lineage = identity.parsed(files.read(path.with_name(identity.FILE)))
        found.append((str(lineage.get("ledger", "")), f"the slice of {path.parent.name}"))
    return found


def _later(given: dict[str, Any], store: Store) -> str:
    """Whether the ledger is an older copy, which cannot know what the node is in; empty if it is none."""
    newest = given["generations"]
    if newest is None:
        return ""
    known = identity.of(store)
    runs = [(known.ledger, known.organization, known.generation)] if known else []
    for path in _places(store):
        document = identity.parsed(files.read(path))
        lineage = identity.parsed(files.read(path.with_name(identity.FILE)))
        number = int(document.get("generation") or 0)
        runs.append((str(lineage.get("ledger", "")), str(document.get("organization", "")), number))
    for ledger, organization, number in runs:
        last = int(newest.get(organization, 0))
        if ledger == given["ledger"] and number > last:
            return (
                f"this node runs generation {number} of {organization}, and the newest one of the ledger is {last}: "
                "the ledger is an older copy, and does not know which VPNs the node is in. Run recover_ledger, and "
                "this again; or, if no VPN needs the node, with -e vcc_allow_older=true"
            )
    return ""


def _needed(given: dict[str, Any], store: Store) -> str:
    """Which VPNs of its ledger the node is in by the name that it has; empty if in none.

    The inventory may know the node by another name: then the controller did not find it in the ledger.
    """
    known = identity.of(store)
    names = {known.node} if known and known.ledger == given["ledger"] else set()
    for path in _places(store):
        if identity.parsed(files.read(path.with_name(identity.FILE))).get("ledger") == given["ledger"]:
            names.add(str(identity.parsed(files.read(path)).get("node", "")))
    for name in sorted(names):
        vpns = [str(vpn) for vpn in given["vpns"].get(name, ())]
        if vpns:
            return (
                f"this node is {name}, which is in {', '.join(vpns)}, and the inventory has another name for it: "
                "nothing was touched. Take it out of the VPN under that name, or rename it with vcc_formerly"
            )
    return ""


def _places(store: Store) -> list[Path]:
    return sorted((store.state / identity.ORGANIZATIONS).glob("*/document.json"))


def _slices(store: Store, check: bool) -> list[Change]:
    """What a VCC node keeps of each organization's nodes."""
    home = store.state / identity.ORGANIZATIONS
    changes = [Change("slice", f"forget {path.parent.name}") for path in _places(store)]
    if not changes and home.is_dir():
        changes = [Change("slice", f"remove {home}")]
    if changes and not check:
        shutil.rmtree(home)
        with contextlib.suppress(OSError):  # the ledger of a VCC server is in it, or what was installed
            store.state.rmdir()
    if metrics.have(store):
        changes.append(Change("metrics", f"remove {SLICES}"))
        if not check:
            metrics.write("", store)
    return changes


def _needed_packages(ours: list[str]) -> dict[str, list[str]]:
    """Of some packages those that others need, which apt would remove along with them, each with these."""
    if not _along(ours, ours):
        return {}
    found = {name: _along([name], ours) for name in ours}
    return {name: others for name, others in found.items() if others}


def _along(gone: list[str], ours: list[str]) -> list[str]:
    """What would go along with packages, or why none can go. Where nothing tells, the packages are to stay."""
    if not gone:
        return []
    try:
        if not have("apt-get"):
            if have("rpm"):
                run("rpm", "--erase", "--test", "--", *gone)  # fails, and says who needs them
            return []
        return sorted({*_GOES.findall(run("apt-get", "--simulate", "purge", "--", *gone))} - {*ours})
    except CommandError as error:
        return [str(error)]
