# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module node_templates does on a VCC node. A result with `msg` is a failure."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, BinaryIO

from ..state import Store
from .contents import damaged, held, read_files, size_of
from .places import PARTS, Lacking, Refused, organization_at, template_at, templates_in, version_in
from .receive import missing, receive, require_room
from .versions import activate, is_current, read_index, remove, require_newer, require_ours

LOOK, RECEIVE, ABSENT, LISTED = "look", "receive", "absent", "listed"


def templates(given: dict[str, Any], store: Store, check: bool, source: BinaryIO | None = None) -> dict[str, Any]:
    """The result of the module. ``source``: where pieces come from, if no file is named."""
    try:
        if given["state"] == LISTED:
            return {
                "changed": False,
                "templates": {name: _listed(name, given, store) for name in given["organizations"]},
            }
        home = organization_at(store, given["organization"])
        require_ours(home, given["ledger"], given["allow_older"], changes=True)
        if given["state"] == ABSENT:
            return _absent(given, store, check)
        place = template_at(store, given["organization"], given["template"])
        if given["state"] == RECEIVE:
            return _receive(given, place, store, source)
        require_newer(
            read_index(version_in(place)), int(given["publication"]["serial"]), given["template"], given["allow_older"]
        )
        if given["state"] == LOOK:
            return _look(given, place)
        there = activate(given["publication"], given["ledger"], place, store, given["allow_older"])
    except Refused as error:
        again = {"lacking": True} if isinstance(error, Lacking) else {}
        return {"msg": f"{given['template'] or 'catalog'}: {error}", **again}
    except (OSError, ValueError, TypeError, KeyError) as error:
        return {"msg": f"{given['template'] or 'catalog'}: {type(error).__name__}: {error}"}
    return {"changed": True, "path": str(there)}


def _look(given: dict[str, Any], place: Path) -> dict[str, Any]:
    """What is missing of a publication, and whether there is room for it."""
    wanted = read_files(given["publication"]["files"])
    there = version_in(place)
    here = held(wanted, there, read_index(there), place)
    lacking = missing(wanted, here.right, place)
    require_room(lacking, place)
    current = is_current(given["publication"], given["ledger"], place)
    return {"changed": bool(lacking) or bool(here.wrong) or not current, "missing": lacking}


def _receive(given: dict[str, Any], place: Path, store: Store, source: BinaryIO | None) -> dict[str, Any]:
    if given["source"]:
        handle = os.open(given["source"], os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        with os.fdopen(handle, "rb") as file:
            return {"changed": True, "have": receive(given["pieces"], file, place, store)}
    if source is None:
        raise Refused("nothing says where the pieces are")
    return {"changed": True, "have": receive(given["pieces"], source, place, store)}


def _absent(given: dict[str, Any], store: Store, check: bool) -> dict[str, Any]:
    places = [template_at(store, given["organization"], name) for name in given["serials"]]
    gone = [place for place in places if place.is_dir()]
    for place in gone:
        require_newer(
            read_index(version_in(place)), int(given["serials"][place.name]), place.name, given["allow_older"]
        )
    for place in () if check else gone:
        remove(place, store)
    return {"changed": bool(gone), "removed": [place.name for place in gone]}


def _listed(organization: str, given: dict[str, Any], store: Store) -> dict[str, Any]:
    """What the node has of an organization: of each template its version, its size, and what of it is wrong."""
    home = organization_at(store, organization)
    require_ours(home, given["ledger"], given["allow_older"], changes=False)
    found = {}
    for name in templates_in(home):
        place = template_at(store, organization, name)
        there = version_in(place)
        index = read_index(there)
        parts = list((place / PARTS).glob("*"))
        if not place.is_dir():
            continue
        found[name] = {
            "version": index.get("version", ""),
            "serial": index.get("serial", 0),
            "size": sum(file.size for file in read_files(index.get("files") or ())),
            "damaged": damaged(there, index) if there and index else [],
            "parts": sum(max(size_of(path), 0) for path in parts),
        }
    return found
