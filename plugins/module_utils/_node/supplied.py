# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a node was supplied with for the VPNs: packages, and links to where a distribution has its files elsewhere.

Both are noted below the state directory, so that uninstall leaves the node as it was found.
"""

from __future__ import annotations

import contextlib
import json
import os
from typing import Any

from .commit import describe
from .document import Change
from .state import Busy, Store
from .system import files, packages
from .system.run import CommandError

PACKAGES = "packages"
"""The file with the packages that were installed, one a line."""
LINKS = "links.json"
"""The file with the links that were made, each with its target."""


def supplied(given: dict[str, Any], store: Store, check: bool) -> dict[str, Any]:
    """The result of the module node_packages, before packages are installed, or after they were removed; one with `msg`
    is a failure. Of packages that are absent, those that are installed all the same stay noted.
    """
    try:
        with contextlib.nullcontext() if check else store.lock():
            if given["state"] == "absent":
                there = {} if check else packages.installed(given["packages"])
                changes = _note(sorted({*noted(store)} - ({*given["packages"]} - {*there})), store, check)
            else:
                changes = _link(given["links"], store, check)
                changes += _note(sorted({*noted(store), *given["packages"]}), store, check)
    except (Busy, CommandError, OSError, ValueError) as error:
        return {"msg": f"not noted which packages are installed: {error}"}
    return {"changed": bool(changes), **describe(changes)}


def noted(store: Store) -> list[str]:
    """The packages that were installed for the VPNs, sorted."""
    return sorted({line.strip() for line in files.read(store.state / PACKAGES).splitlines() if line.strip()})


def unlink(store: Store, check: bool) -> list[Change]:
    """Take away the links that were made, as far as they are still those."""
    links = _links(store)
    ours = [link for link, target in links.items() if _leads(link, store) == target]
    if links and not check:
        for link in ours:
            store.at(link).unlink()
        (store.state / LINKS).unlink()
        _forget(store)
    return [Change("links", f"remove {link}") for link in ours]


def forget_missing(store: Store, check: bool) -> list[Change]:
    """Forget packages that are noted and not installed."""
    return _note(sorted(packages.installed(noted(store))), store, check)


def _link(links: dict[str, str], store: Store, check: bool) -> list[Change]:
    changes = []
    for link, target in links.items():
        there = _leads(link, store)
        if there == target:
            continue
        place = store.at(link)
        if there is None and os.path.lexists(place):
            raise ValueError(f"{link} is there, and is not a link to {target}; move it away")
        changes.append(Change("links", f"link {link} to {target}"))
        if check:
            continue
        # Noted first: a link that is not there is no harm to whoever takes it away.
        files.write(store.state / LINKS, json.dumps({**_links(store), link: target}, sort_keys=True), 0o600)
        with files.named(place):
            place.unlink(missing_ok=True)
            place.symlink_to(target)
    return changes


def _note(names: list[str], store: Store, check: bool) -> list[Change]:
    before = noted(store)
    if names == before:
        return []
    if not check:
        path = store.state / PACKAGES
        if names:
            files.write(path, "".join(f"{name}\n" for name in names), 0o600)
        else:
            path.unlink()
            _forget(store)
    new, gone = [name for name in names if name not in before], [name for name in before if name not in names]
    return [
        *([Change(PACKAGES, f"note {' '.join(new)}")] if new else []),
        *([Change(PACKAGES, f"forget {' '.join(gone)}")] if gone else []),
    ]


def _links(store: Store) -> dict[str, str]:
    text = files.read(store.state / LINKS)
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return {}
    return {str(link): str(target) for link, target in found.items()} if isinstance(found, dict) else {}


def _leads(link: str, store: Store) -> str | None:
    """Where a link leads; None for what is none."""
    place = store.at(link)
    return os.readlink(place) if place.is_symlink() else None


def _forget(store: Store) -> None:
    with contextlib.suppress(OSError):  # the ledger of a VCC server is in it, or what else is noted
        store.state.rmdir()
