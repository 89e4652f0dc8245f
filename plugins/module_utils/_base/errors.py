# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can go wrong, in words that say where and what would mend it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

MOST_ALIKE = 3
"""So many errors that say the same, or are at the same place, have a line each."""


class VccError(Exception):
    """Any trouble that the collection foresees. Plugins turn it into Ansible's own error, once, at the edge."""


class IntentError(VccError):
    """One mistake in the intent or in the inventory.

    `path` is its place (`vcc_vpns[0].members[2]`), `message` says what is wrong and what would mend it. Errors with the
    same `alike` come from the same mistake, though their messages name different VPNs or hosts.
    """

    def __init__(self, path: str, message: str, alike: str = "") -> None:
        super().__init__(path, message)
        self.path = path
        self.message = message
        self.alike = alike or message

    def __str__(self) -> str:
        return f"{self.path}: {self.message}"


class IntentErrors(VccError):
    """All mistakes of one run, in the order they were found; str() has one per line."""

    def __init__(self, errors: Iterable[IntentError]) -> None:
        self.errors: tuple[IntentError, ...] = tuple(errors)
        super().__init__(self.errors)

    def __str__(self) -> str:
        return "\n".join(str(error) for error in self.errors)

    def report(self, where: str = "in the intent, no host was touched") -> str:
        """What an administrator is told."""
        count = len(self.errors)
        head = f"{count} {'mistake' if count == 1 else 'mistakes'} {where}:"
        return "\n".join([head, *self._lines()])

    def _lines(self) -> Iterator[str]:
        """A line per error; what is wrong at many places in the same way is one line, at the first of them."""
        alike: dict[str, list[IntentError]] = {}
        for error in self.errors:
            alike.setdefault(error.alike, []).append(error)
        lines: dict[str, list[str]] = {}
        for error in self.errors:
            same = alike[error.alike]
            here = lines.setdefault(error.path, [])
            if len(same) <= MOST_ALIKE:
                here.append(str(error))
            elif error is same[0]:
                here.append(f"{error} (and {len(same) - 1} more like this, the last of them {same[-1].path})")
        for path, here in lines.items():
            rest = here[MOST_ALIKE:]
            yield from here[:MOST_ALIKE]
            yield from rest if len(rest) < 2 else [f"{path}: {len(rest)} more mistakes like these"]


class PoolExhausted(VccError):
    """A pool has no room left for `key`, which needs a free block of prefix length `length`."""

    def __init__(self, pool: str, key: str, length: int) -> None:
        super().__init__(pool, key, length)
        self.pool = pool
        self.key = key
        self.length = length

    def __str__(self) -> str:
        return (
            f"pool {self.pool} has no free /{self.length} for {self.key}: "
            "give it a larger pool, or delete a VPN that is no longer needed"
        )


class LedgerError(VccError):
    """The ledger cannot be opened, is of a newer format, stays locked, or refuses a record."""
