# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""systemd, if the node has it."""

from __future__ import annotations

import contextlib
from pathlib import Path

from .run import CommandError, run, succeeds


def here() -> bool:
    """Whether systemd runs this node (sd_booted(3))."""
    return Path("/run/systemd/system").is_dir()


def systemctl(*arguments: str) -> None:
    """Run systemctl. Raises CommandError."""
    run("systemctl", *arguments, timeout=60)


def stop(unit: str, wait: bool = True) -> None:
    """Stop a unit, which then has not failed. Raises CommandError."""
    systemctl("stop", *([] if wait else ["--no-block"]), unit)
    with contextlib.suppress(CommandError):  # it did not fail
        systemctl("reset-failed", unit)


def enabled(unit: str) -> bool:
    """Whether a unit starts at boot."""
    return here() and succeeds("systemctl", "--quiet", "is-enabled", unit)


def active(unit: str) -> bool:
    """Whether a unit runs."""
    return here() and succeeds("systemctl", "--quiet", "is-active", unit)


def alive(unit: str) -> bool:
    """Whether a unit runs, or will in a moment: one that ended and is about to be started again needs no start."""
    if not here():
        return False
    state = run("systemctl", "show", "--property=ActiveState", "--value", unit).strip()
    return state not in ("inactive", "failed")


def outdated(unit: str) -> bool:
    """Whether systemd knows another version of a unit's file than there is, or one that is gone. False if it says
    nothing."""
    if not here():
        return False
    try:
        return run("systemctl", "show", "--property=NeedDaemonReload", "--value", unit).strip() == "yes"
    except CommandError:
        return False


def last_words(unit: str) -> str:
    """The last lines of a service's log, after a colon; empty if there are none."""
    try:
        lines = run("journalctl", "--unit", unit, "--lines=3", "--output=cat").strip().splitlines()
    except CommandError:
        return ""
    return f": {'; '.join(lines)}" if lines else ""
