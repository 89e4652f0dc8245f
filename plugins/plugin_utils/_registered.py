# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What hosts registered in a run, what it is held against, and where the outcome is written."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible_collections.intercloud.vpn.plugins.module_utils._base.whole_files import make_directory, write_whole
from ansible_collections.intercloud.vpn.plugins.module_utils._verify.certificates import Trust


def trust(given: Mapping[str, Any], now: datetime.datetime, days: Any) -> Trust | None:
    """What certificates are held against, if the task says. ``days``: a number, or none."""
    if given.get("authorities") is None:
        return None
    revoked = {
        str(name): frozenset(str(serial) for serial in one["serials"])
        for name, one in (given.get("revocations") or {}).items()
    }
    trusted = {str(name): tuple(one["authorities"]) for name, one in (given.get("rotations") or {}).items() if one}
    left = int(days) if days not in (None, "") else None
    return Trust(given["authorities"], revoked, now, left, trusted)


def registered(hostvars: Any, hosts: Iterable[str], names: Sequence[str]) -> dict[str, Mapping[str, Any]]:
    """What the hosts registered under one of the names, else why they did not. Those of no inventory are left out."""
    found = {}
    for host in hosts:
        if host in hostvars:
            variables = hostvars.raw_get(host)  # not templated: it is data that came from hosts
            values = [value for value in map(variables.get, names) if isinstance(value, Mapping)]
            answers = [value for value in values if not value.get("skipped")]
            answer = answers[0] if answers else last_failure(variables)
            if answer:
                found[host] = answer
    return found


def last_failure(variables: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """What a host registered last of a task that failed there; after that, it took part in nothing."""
    failures = [
        value
        for value in variables.values()
        if isinstance(value, Mapping) and (value.get("failed") or value.get("unreachable")) and "msg" in value
    ]
    return failures[-1] if failures else None


def write(path: Path, content: Mapping[str, Any]) -> None:
    """Write JSON whole or not at all, for its owner only."""
    make_directory(path.parent, 0o700)
    write_whole(path, f"{json.dumps(content, indent=2)}\n".encode(), 0o600)
