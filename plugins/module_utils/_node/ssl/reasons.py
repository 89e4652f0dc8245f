# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a tunnel of kind ssl is down: what OpenVPN wrote to the journal about the last attempts, in its own words."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from ..document import Document
from ..ipsec.reasons import LINES, entries, iso
from . import processes

TELLING = re.compile(
    r"""(?:
        VERIFY\ ERROR.* | VERIFY\ CRL:.* | VERIFY\ X509NAME\ ERROR.* | VERIFY\ KU\ ERROR.* | VERIFY\ EKU\ ERROR.*
      | TLS\ Error:\ (?!TLS\ handshake\ failed|TLS\ object|.*incoming\ plaintext|Unroutable).* | TLS\ Auth\ Error.*
      | OpenSSL:\ error:.* | Server\ poll\ timeout.* | TCP:\ connect\ to\ .*failed.*
      | .*AUTH_FAILED.* | .*--ping-(?:exit|restart).* | Options\ error:.* | Socket\ bind\ failed.* | Exiting\ due\ to.*
      | .*Connection\ reset,\ restarting.* | .*\ is\ not\ let\ in:\ .*
    )$""",
    re.VERBOSE,
)
_NUMBER = re.compile(r"\b[0-9a-f]*\d[0-9a-f]*\b")
# A server says the peer's address, and its name once it knows that, before a line.
_PREFIX = re.compile(r"^(?:(?P<name>[\w.-]+)/)?(?P<host>\d+\.\d+\.\d+\.\d+|\[[0-9a-f:]+\]):\d+ (?P<text>.*)$")
# What a server runs for a peer (admitted.py) says its name, and nothing before it.
_NOT_LET_IN = re.compile(r"^(?P<name>[\w.-]+) is not let in: ")


def reasons(tunnels: Iterable[Document]) -> dict[str, list[Document]]:
    """As `_reasons.reasons`, of tunnels of kind ssl."""
    wanted = list(tunnels)
    if not wanted:
        return {}
    units = sorted({f"intercloud-vpn-ssl@{name}.service" for tunnel in wanted for name in _processes(tunnel)})
    found = {}
    lines = list(entries(units, "MESSAGE,_SYSTEMD_UNIT,__REALTIME_TIMESTAMP"))
    for tunnel in wanted:
        said = _last_of_each((iso(entry), text) for entry, text in _concerning(tunnel, lines) if TELLING.match(text))
        if said:
            found[tunnel["name"]] = said[-LINES:]
    return found


def _last_of_each(lines: Iterable[tuple[str, str]]) -> list[Document]:
    """Lines that differ in numbers only (ports, session ids) are one, and stand where they were said last.

    Otherwise what is said at every attempt would be pushed out by what was said once, or by a port that changes.
    """
    found: dict[str, Document] = {}
    for when, text in lines:
        kind = _NUMBER.sub("#", text)
        found.pop(kind, None)
        found[kind] = {"text": text, "time": when}
    return list(found.values())


def _processes(tunnel: Document) -> list[str]:
    return (
        [tunnel["name"]]
        if tunnel["initiator"]
        else [f"server-{t}" for t in processes.TRANSPORTS if t in tunnel["ssl"]["ports"]]
    )


def _concerning(tunnel: Document, lines: Iterable[dict[str, Any]]) -> Iterable[tuple[dict[str, Any], str]]:
    """A tunnel's lines, without what a server says before them."""
    for entry in lines:
        unit, text = str(entry.get("_SYSTEMD_UNIT") or ""), str(entry.get("MESSAGE") or "").strip()
        if tunnel["initiator"]:
            if unit == f"intercloud-vpn-ssl@{tunnel['name']}.service":
                yield entry, text
        elif unit.startswith("intercloud-vpn-ssl@server-"):
            match, refused = _PREFIX.match(text), _NOT_LET_IN.match(text)
            if match is None:
                if refused is None or refused["name"] == tunnel["remote_id"]:
                    yield entry, text
            elif match["name"] == tunnel["remote_id"] or (
                match["name"] is None and match["host"].strip("[]") == tunnel["remote_address"]
            ):
                yield entry, match["text"]
