# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The edge's own certificate is due for renewal, by the edge's clock: the edge asks for the next one, and says so."""

from __future__ import annotations

from datetime import datetime, timezone

from ..ipsec import certificates, lifetime, request, x509
from ..state import Store
from ..system.run import CommandError

FORMAT = lifetime.FORMAT
RENEW = "run renew_certificates or create_vpn"


def warnings(store: Store, now: datetime | None = None) -> list[str]:
    """What the journal should say of the edge's certificate; nothing until a third of its lifetime is left.

    From then on, the request for the next one is kept, so that whoever signs needs nothing else of the edge.
    It starts openssl: once an hour is often enough. The caller does not hold the lock.
    """
    generation = store.running().generation
    if not certificates.needed(generation):
        request.drop(store)
        return []
    facts = x509.certificate(store)
    if not facts["not_after"]:
        return []  # that there is none, or that it cannot be read, is drift: others say so
    now = now or datetime.now(timezone.utc)
    begin, end = (lifetime.moment(facts[name]) for name in ("not_before", "not_after"))
    which = f"the certificate of {facts['identity'] or 'this edge'} (serial {facts['serial']})"
    if now < begin:
        return [
            f"{which} is not valid before {facts['not_before']}, and the clock says {now:{FORMAT}}: check the clock"
        ]
    if not x509.due(facts, now=now):
        request.drop(store)
        return []
    asked = _asked(facts["identity"], str(generation.document.get("organization", "")), store)
    if end <= now:
        return [f"{which} ended at {facts['not_after']}: its tunnels cannot come up again; {RENEW}{asked}"]
    days = f"due for renewal since {facts['due']}, ends at {facts['not_after']}, in {(end - now).days} days"
    return [f"{which} is {days}: {RENEW} before that{asked}"]


def _asked(identity: str, organization: str, store: Store) -> str:
    """Keep the request; what is wrong where that fails. That it cannot be made stops nobody: a run asks again."""
    try:
        request.asked(store, identity, organization)
    except (CommandError, OSError) as error:
        return f". The request for the next one cannot be made: {error}"
    return ""
