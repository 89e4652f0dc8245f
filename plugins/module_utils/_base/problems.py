# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""INTENT: collecting every error of an intent, each with its path, instead of stopping at the first."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from .errors import IntentError, IntentErrors


class Problems:
    """The errors found so far. ``raise_if_any`` ends the run with all of them at once."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], IntentError] = {}
        self._notes: dict[str, None] = {}

    def add(self, path: str, message: str, alike: str = "") -> None:
        """Note an error at ``path``; the same error is noted once, however many VPNs lead to it.

        ``alike``: what makes it the same, where the message names a VPN or a host as an example.
        """
        self._found.setdefault((path, alike or message), IntentError(path, message, alike))

    def extend(self, errors: Iterable[IntentError]) -> None:
        """Note errors that others found."""
        for error in errors:
            self.add(error.path, error.message, error.alike)

    def note(self, text: str) -> None:
        """Note what is not an error, and the administrator may want to know."""
        self._notes[text] = None

    @property
    def notes(self) -> list[str]:
        """What was noted, each text once."""
        return list(self._notes)

    def __len__(self) -> int:
        return len(self._found)

    def __iter__(self) -> Iterator[IntentError]:
        return iter(self._found.values())

    def raise_if_any(self) -> None:
        """Raise :class:`IntentErrors` with all that was found."""
        if self._found:
            raise IntentErrors(tuple(self._found.values()))


def unknown_keys(mapping: Mapping[Any, object], known: Collection[str], path: str, problems: Problems) -> None:
    """Refuse keys nobody reads: a misspelt option must not be an option silently left out."""
    for key in mapping:
        if key not in known:
            problems.add(f"{path}.{key}", f"is not known here{did_you_mean(str(key), known)}")


def some(texts: Sequence[str], most: int = 3, between: str = ", ") -> str:
    """The first few of many, and how many more there are: ``a, b, c and 7 more``."""
    more = f" and {len(texts) - most} more" if len(texts) > most else ""
    return between.join(texts[:most]) + more


def did_you_mean(word: str, known: Collection[str]) -> str:
    """A hint for a misspelt word, or the list of what is known where that is short."""
    close = difflib.get_close_matches(word, sorted(known), n=1)
    if close:
        return f"; did you mean {close[0]}?"
    return f"; known are {', '.join(sorted(known))}" if 0 < len(known) <= 12 else ""
