# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A configuration is tried before it takes the place of the one that is in use."""

from __future__ import annotations

import tempfile
from pathlib import Path

from . import files
from .run import CommandError, have, run


def refused(text: str, program: str, *options: str) -> str:
    """Why a program does not take a configuration, in its words; empty if it does, or is not there.

    ``options`` have it look at a file and end. In them, ``{}`` is the file's path.
    """
    if not have(program):
        return ""
    with tempfile.TemporaryDirectory(prefix="intercloud-vpn.") as place:
        path = Path(place) / "conf"
        files.write(path, text, 0o600)  # there may be keys in it
        try:
            run(program, *(option.format(path) for option in options))
        except CommandError as error:
            return str(error)
    return ""
