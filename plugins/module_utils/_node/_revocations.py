# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The revocation list that the VCC server made: an X.509 CRL with a head of text (_crl.py there).

A CRL itself has serial numbers only. The head says whose certificates they are, and charon skips it.
"""

from __future__ import annotations

import re

_NUMBER = re.compile(r"^number: (\d+)$", re.MULTILINE)
_REVOKED = re.compile(r"^revoked: (\S+) ([0-9a-f]+) (\S+)$", re.MULTILINE)  # identity, serial, when


def folded(identity: str) -> str:
    """What is equal of identities that are one: charon compares them without case, as DNS names are."""
    return identity.casefold()


def number(text: str) -> int:
    """The list's number: a newer one has a larger one. 0 for no list."""
    found = _NUMBER.search(text)
    return int(found.group(1)) if found else 0


def serials(text: str) -> dict[str, str]:
    """The serial numbers, decimal, of the certificates that were revoked, and whose they were."""
    return {str(int(serial, 16)): identity for identity, serial, _when in _REVOKED.findall(text)}


def identities(text: str) -> dict[str, str]:
    """Whose certificates were revoked, and when last (ISO 8601, UTC)."""
    last: dict[str, str] = {}
    for identity, _serial, when in _REVOKED.findall(text):
        last[identity] = max(when, last.get(identity, ""))
    return last
