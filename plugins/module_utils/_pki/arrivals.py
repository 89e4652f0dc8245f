# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which certificates were signed for a renewal, and not seen on their edges yet: an empty file beside each of them."""

from __future__ import annotations

from .._base.errors import VccError
from .._base.whole_files import write_whole
from .authority import NEXT, Authority

EXPECTED = "expected"


def expect(owner: Authority, serial: str) -> None:
    """Note that a certificate was signed for a renewal, and not seen on its edge yet. VccError."""
    path = owner.directory / "issued" / f"{serial}.{EXPECTED}"
    try:
        write_whole(path, b"", 0o644)
    except OSError as error:
        raise VccError(f"{path}: {error}") from error


def arrived(owner: Authority, serial: str) -> None:
    """Note that a certificate is on its edge. VccError."""
    if serial not in expected(owner):  # so what an edge says is no path
        return
    path = owner.directory / "issued" / f"{serial}.{EXPECTED}"
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise VccError(f"{path}: {error}") from error


def expected(owner: Authority) -> set[str]:
    """The serials of those certificates, also of the authority whose place this one is taking."""
    directories = [owner.directory, *([owner.directory.parent] if owner.directory.name == NEXT else [])]
    return {path.stem for one in directories for path in (one / "issued").glob(f"[0-9a-f]*.{EXPECTED}")}
