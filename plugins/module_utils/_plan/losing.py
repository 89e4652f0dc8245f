# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PLAN: members that lose an address stop using it before their edges stop guarding it; what they get comes later.

Such a member is told twice: first only what it has already and keeps, and after its edges have all of it, the rest. At
once, it would send from addresses that its edges do not know yet: in clear.
"""

from __future__ import annotations

from .compile.documents import Document


def addresses_of(document: Document) -> set[str]:
    """The addresses a member has itself. An edge's own is nobody's to send from."""
    return {entry["address"] for entry in document.get("addresses", []) if document["role"] == "member"}


def without_what_comes(document: Document, before: Document) -> Document:
    """A member's document with no address that it did not have ``before``, nor a route from one."""
    kept = addresses_of(document) & addresses_of(before)
    sources = {address.partition("/")[0] for address in kept}
    return {
        **document,
        "addresses": [entry for entry in document["addresses"] if entry["address"] in kept],
        "routes": [route for route in document["routes"] if route.get("source") in sources],
    }
