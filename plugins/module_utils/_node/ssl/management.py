# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks an OpenVPN process what it does, on its management socket (OpenVPN's doc/management-notes.txt)."""

from __future__ import annotations

import socket
from pathlib import Path

TIMEOUT = 5.0
LINE, LINES = 4096, 200_000  # longer ones, and more, are no answer


class Silent(Exception):
    """The process does not answer: it does not run, or is just starting."""


def ask(path: Path, *commands: str) -> list[list[str]]:
    """The answer to each command, in lines. Raises Silent."""
    try:
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(TIMEOUT)
            line.connect(str(path))
            stream = line.makefile("rw", encoding="utf-8", errors="replace", newline="\n")
            found = []
            for command in commands:
                stream.write(f"{command}\n")
                stream.flush()
                found.append(_answer(stream))
            return found
    except (OSError, ValueError) as error:
        raise Silent(f"{path}: {error}") from error


def _answer(stream: object) -> list[str]:
    lines: list[str] = []
    for _number in range(LINES):
        line = stream.readline(LINE)  # type: ignore[attr-defined]
        if not line.endswith("\n"):
            break
        text = line.rstrip("\r\n")
        if text == "END":
            return lines
        if text.startswith(("SUCCESS:", "ERROR:")):
            return [text]
        if not text.startswith(">"):  # what it tells unasked
            lines.append(text)
    raise OSError("it hung up, or says too much")
