# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""BASE: text for people in lines that fit a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

WIDTH = 110  # columns


def columns(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Rows under a head, aligned; the widest columns give way if the line is too long."""
    widths = [max(len(row[at]) for row in [head, *rows]) for at in range(len(head))]
    while sum(widths) + 2 * (len(widths) - 1) > WIDTH:
        widths[widths.index(max(widths))] -= 1
    for row in [head, ["-" * width for width in widths], *rows]:
        yield "  ".join(cut(cell, width).ljust(width) for cell, width in zip(row, widths)).rstrip()


def wrapped(label: str, text: str) -> Iterator[str]:
    """A text over as many lines as it takes, each but the first indented by the label."""
    line = label
    for word in text.split():
        if len(line) + len(word) >= WIDTH and line.strip():
            yield line.rstrip()
            line = " " * len(label)
        line += f"{word} "
    yield cut(line.rstrip())


def cut(text: str, width: int = WIDTH) -> str:
    """A text that is no longer than that."""
    return text if len(text) <= width else f"{text[: width - 2]}.."
