# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether certificates can be as new as is asked for: otherwise each of them is due again at once."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from .authority import ends_at, now, signer


def always_due(state_dir: str | Path, organizations: Iterable[str], left: int, days: int) -> list[str]:
    """A sentence for each reason why every run would renew every certificate.

    ``left``: how many days a certificate has to have left. ``days``: how many it has when it is new. VccError.
    """
    what, renews = (
        f"org_edge_certificate_days: {left}",
        "each certificate is due again at once, and every run renews it",
    )
    if left >= days:
        return [f"{what} is not less than vcc_certificate_days ({days}): {renews}. Write at most {max(1, days // 2)}"]
    ends = {name: owner for name in sorted(organizations) if (owner := signer(state_dir, name))}
    found = {name: (ends_at(owner) - now()).days for name, owner in ends.items()}
    return [
        f"{name}: {what} is not less than the {has} days that its authority has left: {renews}. Replace the authority: "
        "rotate -e vcc_rotate=authority"
        for name, has in found.items()
        if left >= has
    ]
