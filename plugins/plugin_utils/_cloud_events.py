# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What happened in a run on a VCC node, by the events that ansible-runner brings back.

What they hold came from that machine: it is data, and nothing of it is templated or run.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

LOOKING = "node_info"
"""The module whose results verify judges."""


class Events:
    """Takes events one by one.

    ``failed`` has, by host, what failed there; ``seen`` has, by host, what it reported to verify, or how it failed;
    ``said`` is what the run reported of itself (``set_stats``). ``ended`` is whether it came to its end. ``lines`` are
    all that it printed, ``output`` what it printed of itself.
    """

    def __init__(self) -> None:
        self.failed: dict[str, str] = {}
        self.changed: set[str] = set()
        self.seen: dict[str, Mapping[str, Any]] = {}
        self.said: dict[str, Any] = {}
        self.ended = False
        self.output: list[str] = []
        self.lines: list[str] = []

    def take(self, event: Mapping[str, Any]) -> bool:
        """Note an event. False: it need not be kept in a file."""
        data = event.get("event_data") or {}
        result = data.get("res") or {}
        kind = event.get("event")
        if event.get("stdout"):
            self.lines.append(str(event["stdout"]))
        if kind == "playbook_on_stats":
            self.ended = True
            self.changed = {host for host, count in (data.get("changed") or {}).items() if count}
            self.said = dict(data.get("artifact_data") or {})
        elif kind == "runner_on_ok":
            if str(data.get("task_action")).rpartition(".")[2] == LOOKING and not result.get("skipped"):
                self.seen[str(data["host"])] = result
        elif kind in ("runner_on_failed", "runner_on_unreachable") and not data.get("ignore_errors"):
            host = str(data["host"])
            self.failed[host] = f"{data.get('task')}: {str(result.get('msg') or 'failed').strip()}"
            self.seen.setdefault(host, {"msg": "failed", **result, "failed": True})
        elif kind in ("error", "verbose", "warning") and event.get("stdout"):
            self.output.append(str(event["stdout"]))
        return False

    def state(self, status: Mapping[str, Any]) -> None:
        """Note what the worker says of itself."""
        for key in ("job_explanation", "result_traceback"):
            if status.get(key):
                self.output.append(str(status[key]))
