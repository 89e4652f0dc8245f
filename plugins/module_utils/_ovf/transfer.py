# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""OVF: what of a package is sent to a node, piece by piece. A piece is in memory as a whole, a file never."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from typing import Any

from .._base.errors import VccError
from .package import PIECE as CHUNK
from .package import Package

PIECE = 32 << 20
"""Octets of one round trip, which is in memory twice. On the lab, a round trip costs as much as 10 MiB beside them."""
PATIENCE = 20
"""So many round trips without one octet of ours end a transfer: other runs send the same, or the disk takes nothing."""


class Transfer:
    """What a node lacks of a package, and how far that is.

    ``missing``: what the node says, of each content sha256, size, and how many octets it has, with their digest. What
    is there is believed if it is the beginning of ours.
    """

    def __init__(
        self, package: Package, files: Sequence[Mapping[str, Any]], missing: Sequence[Mapping[str, Any]]
    ) -> None:
        self._package = package
        self._names = {str(file["sha256"]): str(file["name"]) for file in files}
        self._sizes: dict[str, int] = {}
        self._have: dict[str, int] = {}
        self._restart: set[str] = set()
        self._open: dict[str, None] = {}
        self.sent = self.resumed = self._idle = 0
        for one in missing:
            sha256, there = str(one["sha256"]), int(one["have"])
            if sha256 not in self._names:
                raise VccError(f"the node asks for a content that is not the package's: {sha256[:80]!r}")
            self._sizes[sha256] = int(next(file["size"] for file in files if file["sha256"] == sha256))
            self._open[sha256] = None
            right = 0 < there <= self._sizes[sha256] and self._begins(sha256, there, str(one["digest"]))
            self._have[sha256] = there if right else 0
            self.resumed += self._have[sha256]
            if there and not right:
                self._restart.add(sha256)

    @property
    def total(self) -> int:
        """Octets, all contents together that were not there as a whole."""
        return sum(self._sizes.values())

    @property
    def here(self) -> int:
        """How many of them the node has."""
        return sum(self._have.values())

    def pieces(self) -> list[dict[str, Any]]:
        """What goes with the next round trip; nothing when all is there."""
        found: list[dict[str, Any]] = []
        room = PIECE
        for sha256 in self._open:
            octets = min(room, self._sizes[sha256] - self._have[sha256])
            found.append(
                {
                    "sha256": sha256,
                    "size": self._sizes[sha256],
                    "offset": self._have[sha256],
                    "octets": octets,
                    "restart": sha256 in self._restart,
                }
            )
            room -= octets
            if not room:
                break
        return found

    def data(self, pieces: Sequence[Mapping[str, Any]]) -> bytes:
        """The octets of the pieces, in their order. VccError where the package became shorter."""
        data = []
        for piece in pieces:
            part = self._package.part(self._names[piece["sha256"]], piece["offset"], piece["octets"])
            if len(part) != piece["octets"]:
                place = self._package.place(self._names[piece["sha256"]])
                raise VccError(f"{place}: was changed while it was sent; check it, and run publish_template again")
            data.append(part)
        return b"".join(data)

    def note(self, pieces: Sequence[Mapping[str, Any]], have: Mapping[str, int]) -> None:
        """What the node has after a round trip. Another run may have sent more of it, or removed it."""
        before = self.sent
        for piece in pieces:
            sha256, now = piece["sha256"], int(have.get(piece["sha256"], 0))
            self._restart.discard(sha256)
            if now > self._sizes[sha256] or now < 0:
                self._restart.add(sha256)
                now = 0
            if now == piece["offset"] + piece["octets"]:
                self.sent += piece["octets"]
            self._have[sha256] = now
            if now == self._sizes[sha256]:
                self._open.pop(sha256, None)
        self._idle = 0 if self.sent > before or not self._open else self._idle + 1
        if self._idle == PATIENCE:
            raise VccError(
                "another run is sending the same template to this node; wait until it ends, and run this again"
            )

    def _begins(self, sha256: str, octets: int, digest: str) -> bool:
        """Whether what is there is how the content begins."""
        sum_of, at = hashlib.sha256(), 0
        while at < octets:
            part = self._package.part(self._names[sha256], at, min(CHUNK, octets - at))
            if not part:
                return False
            sum_of.update(part)
            at += len(part)
        return hmac.compare_digest(sum_of.hexdigest(), digest)
