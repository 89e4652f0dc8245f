# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a tunnel is down: what charon wrote to the journal about the last attempt that failed, in its own words.

Of two ends, the one that refuses knows why; the other one hears AUTHENTICATION_FAILED, or nothing at all.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from datetime import datetime, timezone
from typing import Any

from ..document import Document
from ..system.run import CommandError, have, run

SECONDS = 300  # links that are down are tried every 20 s: what is older than this is not a reason any more
ENTRIES = 5000  # of the journal; a failing attempt writes about twenty
LINES = 6
FIELDS = "MESSAGE,IKE_SA_NAME,IKE_SA_UNIQUE_ID,_PID,__REALTIME_TIMESTAMP"
TELLING = re.compile(
    r"""^\s*(?:
        subject\ certificate\ invalid | issuer\ certificate\ invalid | no\ issuer\ certificate
      | certificate\ was\ revoked
      | no\ trusted\ .*public\ key\ found | no\ private\ key\ found | no\ shared\ key\ found | tried\ .*MAC\ mismatched
      | PPK\ required\ but | received\ PPK_ID | peer\ didn't\ use\ PPK
      | received\ end\ entity\ cert | constraint\ check\ failed | no\ matching\ peer\ config | no\ IKE\ config\ found
      | received\ proposals | configured\ proposals | no\ acceptable\ | .*TS_UNACCEPTABLE
      | traffic\ selectors\ .*unacceptable
      | received\ \w+\ notify | parsed\ INFORMATIONAL\ .*N\(AUTH_FAILED\) | received\ DELETE\ for\ IKE_SA
      | giving\ up\ after | establishing\ IKE_SA\ failed | peer\ not\ responding | error\ writing\ to\ socket
      | failed\ to\ establish | unable\ to | .*authentication\ of\ .*failed | signature\ validation\ failed
    )""",
    re.VERBOSE,
)
# Only worth their line beside one that says what is wrong with it.
ASIDE = re.compile(r"^\s*received (?:end entity cert|proposals: )|^\s*configured proposals")


def reasons(tunnels: Iterable[Document]) -> dict[str, list[Document]]:
    """{tunnel: [{text, time (ISO 8601, UTC)} …]}, oldest first, of tunnels as their document has them.

    Empty where the journal has nothing of the last minutes, or there is no journal.
    """
    wanted = list(tunnels)
    if not wanted:
        return {}
    journal = _journal()
    found = {}
    for tunnel in wanted:
        # Of a partner by name, an attempt that charon had no name for is not found.
        lines = last_failure(journal, tunnel["name"], str(tunnel.get("remote_address") or ""))
        if lines:
            found[tunnel["name"]] = lines
    return found


def last_failure(entries: Iterable[dict[str, Any]], name: str, address: str) -> list[Document]:
    """The telling lines of the last attempt that has any. An attempt is an IKE_SA of one process."""
    attempts: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for entry in entries:
        unique = str(entry.get("IKE_SA_UNIQUE_ID") or "")
        if unique:
            attempts.setdefault((str(entry.get("_PID")), unique), []).append(entry)
    for attempt in reversed(attempts.values()):
        if not _concerns(attempt, name, address):
            continue
        lines = {text: iso(entry) for entry in attempt if TELLING.match(text := str(entry.get("MESSAGE")))}
        if any(not ASIDE.match(text) for text in lines):
            return [{"text": text.strip(), "time": when} for text, when in list(lines.items())[-LINES:]]
    return []


def _concerns(attempt: list[dict[str, Any]], name: str, address: str) -> bool:
    """Whether an attempt was one of this tunnel. Before charon knows the connection, it only has the peer's address."""
    names = {str(entry["IKE_SA_NAME"]) for entry in attempt if entry.get("IKE_SA_NAME")}
    if names:
        return name in names
    peer = re.compile(rf"(?<![\w:])(?<!\d\.){re.escape(address)}(?![\w:])(?!\.\d)")
    return bool(address) and any(peer.search(str(entry.get("MESSAGE"))) for entry in attempt)


def _journal() -> list[dict[str, Any]]:
    return entries(["strongswan.service"], FIELDS)


def entries(units: Iterable[str], fields: str) -> list[dict[str, Any]]:
    """The last minutes of some units' journal, oldest first; of more entries than ENTRIES, the last."""
    if not have("journalctl"):
        return []
    # Backwards: with --since, journalctl takes so many lines from there on, not the last ones.
    limits = (f"--since=-{SECONDS}s", f"--lines={ENTRIES}", "--reverse")
    options = (*limits, "--output=json", f"--output-fields={fields}")
    try:
        text = run("journalctl", *(f"--unit={unit}" for unit in units), "--quiet", "--no-pager", *options)
    except CommandError:
        return []
    found = []
    for line in text.splitlines():
        try:
            found.append(json.loads(line))
        except ValueError:  # the journal is rotated while it is read
            continue
    return found[::-1]


def iso(entry: dict[str, Any]) -> str:
    """When an entry was written, ISO 8601 in UTC."""
    seconds = int(entry.get("__REALTIME_TIMESTAMP") or 0) // 1_000_000
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
