# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a node does right now: its generation, what differs from it, its SAs and certificate. Changes nothing."""

from __future__ import annotations

from typing import Any

from . import _certificates, _connections, _reasons, _renew, _units, _usage, _x509
from ._commit import compare
from ._confirm import UP
from ._document import NOTHING, Change, Document, Generation
from ._state import Store

_IKE = {
    "state": "state",
    "local-host": "local_host",
    "remote-host": "remote_host",
    "local-id": "local_id",
    "remote-id": "remote_id",
    "initiator-spi": "spi_initiator",
    "responder-spi": "spi_responder",
    "encr-alg": "encryption",
    "encr-keysize": "encryption_keysize",
    "integ-alg": "integrity",
    "prf-alg": "prf",
    "dh-group": "dh_group",
    "ake1": "additional_ke",
}
_CHILD = {
    "name": "name",
    "state": "state",
    "mode": "mode",
    "protocol": "protocol",
    "spi-in": "spi_in",
    "spi-out": "spi_out",
    "if-id-in": "if_id",
    "encr-alg": "encryption",
    "encr-keysize": "encryption_keysize",
    "integ-alg": "integrity",
    "dh-group": "dh_group",
    "ake1": "additional_ke",
}
_COUNTERS = {
    "bytes-in": "bytes_in",
    "bytes-out": "bytes_out",
    "packets-in": "packets_in",
    "packets-out": "packets_out",
    "install-time": "installed_seconds",
    "rekey-time": "rekey_seconds",
    "life-time": "life_seconds",
}


def _plain(source: Document, names: dict[str, str], counts: dict[str, str]) -> Document:
    found: Document = {new: str(source.get(old, "")) for old, new in names.items()}
    found.update({new: int(source.get(old) or 0) for old, new in counts.items()})
    return found


def _ike_sa(name: str, source: Document) -> Document:
    found = _plain(source, _IKE, {"established": "established_seconds", "rekey-time": "rekey_seconds"})
    children = []
    for entry in source.get("child-sas", {}).values():
        child = _plain(entry, _CHILD, _COUNTERS)
        child["encapsulated"] = entry.get("encap") == "yes"
        child["local_ts"] = list(entry.get("local-ts", []))
        child["remote_ts"] = list(entry.get("remote-ts", []))
        children.append(child)
    return {
        "tunnel": name,
        "unique_id": str(source.get("uniqueid", "")),
        "initiator": source.get("initiator") == "yes",
        **found,
        "ppk": source.get("ppk") == "yes",
        "children": children,
    }


def _down(generation: Generation, sas: list[Document]) -> list[Document]:
    """The tunnels with a link that is not up: nobody reads the journal for the others."""
    up = {(sa["tunnel"], child["name"]) for sa in sas for child in sa["children"] if child["state"] in UP}
    return [
        tunnel
        for tunnel in generation.listed("tunnels")
        if any((tunnel["name"], link["vpn"]) not in up for link in tunnel.get("links", []))
    ]


def observe(store: Store) -> dict[str, Any]:
    """The node's state as plain data; see the module edge_observe for its shape."""
    current = store.current() or NOTHING
    names = [tunnel["name"] for tunnel in current.listed("tunnels")]
    drift = compare(current, current, store)
    drift += [Change("secrets", f"make the IKE_SA of {name} again") for name in _renew.pending(current, store)]
    sas = [_ike_sa(name, sa) for name, sa in _connections.security_associations(names)]
    return {
        "node": current.document.get("node", ""),
        "role": current.document.get("role", ""),
        "generation": int(current.document.get("generation", 0)),
        "generation_name": store.named("current"),
        "backend": current.backend,
        "unconfirmed": store.fallback is not None,
        "rollback_armed": _units.armed(),
        "drift": [{"subsystem": change.subsystem, "action": change.action} for change in drift],
        "usage": _usage.observed(store, current),
        "sas": sas,
        "reasons": _reasons.reasons(_down(current, sas)),
        "certificate": _x509.certificate(store) if _certificates.needed(current) else None,
        "connections": sorted(name for name in _connections.loaded() if name in names),
    }
