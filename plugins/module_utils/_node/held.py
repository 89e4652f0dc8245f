# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The key of a tunnel with its number, and the other one beside it, while one takes the place of the other.

The VCC server writes these texts (_pki/held.py), and they are in a generation as they are. A text of one line is a key
that was never rotated.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

_NUMBER = re.compile(r"^generation (\d{1,9})$", re.MULTILINE)
_ALSO = re.compile(r"^also (\d{1,9}) (.+)$", re.MULTILINE)


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


def parse(text: str) -> Held:
    """What a text says."""
    first, _newline, rest = text.partition("\n")
    number, also = _NUMBER.search(rest), _ALSO.search(rest)
    return Held(Key(int(number[1]) if number else 1, first), Key(int(also[1]), also[2]) if also else None)


def text_of(keys: Mapping[int, str]) -> str:
    """A text that says these keys, by number: the lowest one is in use, and the next one is the other."""
    first, *others = sorted(keys)
    lines = [keys[first], *([] if first == 1 else [f"generation {first}"])]
    return "\n".join([*lines, *(f"also {number} {keys[number]}" for number in others[:1])])
