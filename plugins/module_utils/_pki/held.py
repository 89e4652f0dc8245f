# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A key of tunnels with its number, and beside it the key that comes next or that was before.

While one key takes the place of another, all ends have both (secret_rotation.py). The first line of the text is the key
in use, as an administrator writes it, too. A key that was rotated has its number on a line of its own. The other one
follows with its own number.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_NUMBER = re.compile(r"generation ([1-9][0-9]{0,8})")
_ALSO = re.compile(r"also ([1-9][0-9]{0,8}) (.+)")


class Key(NamedTuple):
    """A key. The first one of a tunnel has the number 1."""

    number: int
    text: str


class Held(NamedTuple):
    """The key in use, and the other one, if any."""

    used: Key
    also: Key | None = None

    @property
    def numbers(self) -> list[int]:
        """The numbers of both, sorted."""
        return sorted(key.number for key in (self.used, self.also) if key)

    def of(self, number: int) -> Key | None:
        """The key with a number."""
        return next((key for key in (self.used, self.also) if key and key.number == number), None)


def parse(content: str) -> Held:
    """What a text says. One that is laid out otherwise is a key as a whole, which will not do for one."""
    first, *rest = content.strip("\r\n").split("\n")
    numbers = [int(match[1]) for line in rest if (match := _NUMBER.fullmatch(line))]
    others = [Key(int(match[1]), match[2]) for line in rest if (match := _ALSO.fullmatch(line))]
    if len(numbers) > 1 or len(others) > 1 or len(numbers) + len(others) != len(rest):
        return Held(Key(1, content.strip("\r\n")))
    return Held(Key(numbers[0] if numbers else 1, first), others[0] if others else None)


def text(held: Held) -> str:
    """The same, written down. Of a first key that is alone, the key."""
    lines = [held.used.text]
    if held.used.number != 1:
        lines.append(f"generation {held.used.number}")
    if held.also:
        lines.append(f"also {held.also.number} {held.also.text}")
    return "\n".join(lines)
