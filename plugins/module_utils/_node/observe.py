# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a node does right now: its generation, what differs from it, its tunnels and certificate. Changes nothing."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from .bgp.observe import observed as bgp_observed
from .commit import compare, refused
from .confirm import states
from .document import Change, Document
from .ipsec import certificates, charon, outdated, reauthenticate, x509
from .kernel import ip, neighbours, usage
from .kernel.effective import diverted
from .kernel.foreign import droppers
from .kinds import KINDS
from .lanes import noted
from .state import Store
from .stretch.astray import astray
from .system import units
from .tunnel_kind import UP


def observe(store: Store) -> dict[str, Any]:
    """The node's state as plain data; see the module node_info for its shape."""
    running = store.running()
    current = running.generation
    drift = refused(running, store) if running.refusing else compare(current, current, store)
    drift += [Change("secrets", f"make the IKE_SA of {name} again") for name in reauthenticate.pending(current, store)]
    drift += [
        Change("renewal", f"have {name} authenticate anew: it still uses certificate {serial}")
        for name, serial in outdated.pending(store).items()
    ]
    bgp_sessions = bgp_observed(current, store)
    down = {link["tunnel"] for link in states(current, store) if link["state"] not in UP}
    seen: Document = {}
    reasons: dict[str, list[Document]] = {}
    for kind in KINDS:
        seen.update(kind.observe(current, store))
        # Nobody reads the journal for a tunnel whose links are all up.
        reasons.update(kind.reasons(tunnel for tunnel in current.tunnels(kind.NAME) if tunnel["name"] in down))
    return {
        "clock": datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "node": current.document.get("node", ""),
        "role": current.document.get("role", ""),
        "generation": int(current.document.get("generation", 0)),
        "generation_name": store.named("current"),
        "backend": current.backend,
        "state": {
            "damaged": [*running.damaged, *store.unread()],
            "refusing": running.refusing,
        },
        "unconfirmed": store.fallback is not None,
        "rollback_armed": units.armed(store),
        "drift": [{"subsystem": change.subsystem, "action": change.action} for change in drift],
        "diverted": diverted(current, store),
        "droppers": droppers(),
        "neighbours": neighbours.observed(current),
        "astray": astray(current),
        **({"bgp": bgp_sessions} if bgp_sessions else {}),
        "usage": usage.observed(store, current),
        **({"lanes": noted.read(store.at(noted.FILE))} if current.hellos else {}),
        **seen,
        "reasons": reasons,
        "certificate": {**x509.certificate(store), "checked": charon.checks_addresses()}
        if certificates.needed(current)
        else None,
    }


def observed(given: dict[str, Any], store: Store) -> dict[str, Any]:
    """The result of the module node_info with its parameters; one with `msg` is a failure."""
    from .probe.ping import probed  # the resident agent, which only observes, has no use for it

    result = probed(given)
    if "msg" in result:
        return result
    with ip.reading_once():
        return {**result, **observe(store)}
