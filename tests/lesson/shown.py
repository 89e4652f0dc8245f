# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a command prints what a page shows of its output."""

from __future__ import annotations


def lacking(shown: str, said: str) -> list[str]:
    """The lines that a page shows and a command did not print: the shown lines come together, in their order.

    Blank lines and blanks at the ends of lines are left out. Empty if the command printed all of it.
    """
    wanted, printed = _lines(shown), _lines(said)
    places = range(len(printed) - len(wanted) + 1)
    if any(printed[place : place + len(wanted)] == wanted for place in places):
        return []
    return [line for line in wanted if line not in printed] or wanted


def _lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.splitlines() if line.strip()]
