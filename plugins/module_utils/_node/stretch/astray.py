# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who was seen at this site though the ledger has it at another one: a duplicate address, or a VM that has moved."""

from __future__ import annotations

import contextlib
import json
from typing import Any

from ..document import Document, Generation
from ..system.run import CommandError, have, run
from .frames import FAMILY, TABLE
from .told import Stretch, stretches


def astray(generation: Generation) -> list[Document]:
    """Each as `{vpn, mac, address, member}`: seen in the last ten minutes. `member`: whose of the two it is."""
    return [found for one in stretches(generation) if have("nft") for found in _of(one)]


def _of(one: Stretch) -> list[Document]:
    listed: Any = {}
    with contextlib.suppress(CommandError, ValueError):  # the table may be about to come back
        listed = json.loads(run("nft", "-j", "list", "set", FAMILY, TABLE, f"n{one.number}_astray"))
    seen = [
        entry["elem"]["val"]["concat"]
        for part in listed.get("nftables", [])
        for entry in part.get("set", {}).get("elem", [])
    ]
    found: dict[str, Document] = {}
    for mac, address in sorted(map(tuple, seen)):
        for member in one.there:
            if mac == member.mac or address in member.addresses:
                found.setdefault(member.host, {"vpn": one.vpn, "mac": mac, "address": address, "member": member.host})
    return [found[host] for host in sorted(found)]


def described(seen: Document) -> str:
    """One of them in words."""
    return (
        f"{seen['vpn']}: {seen['address']} ({seen['mac']}) was seen here, and the ledger has {seen['member']} at "
        "another site: if it moved, say so in the inventory and run create_vpn; if not, two machines have one address"
    )
