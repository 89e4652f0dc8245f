# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks BIRD through its control socket. Nothing but the standard library, and no process per question."""

from __future__ import annotations

import re
import socket
from pathlib import Path

PATIENCE = 2.0  # seconds
_LAST = re.compile(r"^\d{4} ", re.MULTILINE)
_ERROR = re.compile(r"^[89]\d{3}[ -]", re.MULTILINE)
_CODE = re.compile(r"^(?:\d{4}[ -]|[ +])")


def ask(path: Path, command: str) -> list[str]:
    """The lines of an answer. OSError if there is none, ValueError if BIRD does not know the question."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as channel:
        channel.settimeout(PATIENCE)
        channel.connect(str(path))
        _answer(channel)
        channel.sendall(f"{command}\n".encode())
        text = _answer(channel)
    if _ERROR.search(text):
        raise ValueError(text.strip())
    return [_CODE.sub("", line, count=1) for line in text.splitlines()]


def _answer(channel: socket.socket) -> str:
    """All until a line whose code has a blank after it."""
    text = ""
    while not (_LAST.search(text) and text.endswith("\n")):
        part = channel.recv(65536)
        if not part:
            raise OSError("BIRD ended in the middle of an answer")
        text += part.decode("utf-8", "replace")
    return text
