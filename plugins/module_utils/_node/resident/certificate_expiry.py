# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The edge's own certificate ends, and no run has come to renew it: said on the edge, by the edge's clock."""

from __future__ import annotations

from datetime import datetime, timezone

from ..ipsec import certificates, x509
from ..state import Store

DAYS = 30
FORMAT = "%Y-%m-%dT%H:%M:%SZ"


def warnings(store: Store, days: int = DAYS, now: datetime | None = None) -> list[str]:
    """What the journal should say of the edge's certificate; nothing while it is valid for `days` more.

    Changes nothing. It starts openssl: once an hour is often enough.
    """
    if not certificates.needed(store.running().generation):
        return []
    facts = x509.certificate(store)
    if not facts["not_after"]:
        return []  # that there is none, or that it cannot be read, is drift: others say so
    now = now or datetime.now(timezone.utc)
    begin, end = (
        datetime.strptime(facts[name], FORMAT).replace(tzinfo=timezone.utc) for name in ("not_before", "not_after")
    )
    which = f"the certificate of {facts['identity'] or 'this edge'} (serial {facts['serial']})"
    if now < begin:
        return [
            f"{which} is not valid before {facts['not_before']}, and the clock says {now:{FORMAT}}: check the clock"
        ]
    if end <= now:
        return [f"{which} ended at {facts['not_after']}: its tunnels cannot come up again; run create_vpn"]
    if (end - now).days < days:
        return [f"{which} ends at {facts['not_after']}, in {(end - now).days} days: run create_vpn before that"]
    return []
