# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kind ipsec on the node: what charon says of tunnels, and how it is asked to bring one up."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable

from ..document import Document, Generation
from ..state import Store
from ..tunnel_kind import UP, NodeKind
from . import connections, duplicates
from . import reasons as _reasons
from .vici import Vici, ViciError

REFUSED = "TS_UNACCEPTABLE"
AGAIN = 600.0  # seconds
REASONS = ("received", "failed", "giving up", "no ", "unable", "error", "destroying", "peer")
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


class Ipsec(NodeKind):
    """strongSwan."""

    NAME = "ipsec"

    def states(self, generation: Generation, store: Store) -> list[Document]:
        """Every link, and the state of its CHILD_SA.

        A CHILD_SA with other selectors than the document's (the peer may have narrowed them while it had an older
        generation) is `NARROWED`; a missing one is `DOWN`.
        """
        wanted = connections.shape(generation)
        found: dict[tuple[str, str], str] = {}
        for name, sa in connections.security_associations(wanted):
            for child in sa.get("child-sas", {}).values():
                key = (name, str(child.get("name")))
                state = str(child.get("state"))
                selectors = (
                    connections.prefixes(child.get("local-ts", [])),
                    connections.prefixes(child.get("remote-ts", [])),
                )
                if state in UP and selectors != wanted[name].get(key[1]):
                    state = "NARROWED"
                if found.get(key) != "INSTALLED":
                    found[key] = state
            if not sa.get("child-sas") and sa.get("state") in ("CONNECTING", "CREATED"):
                found.update({(name, child): "CONNECTING" for child in wanted[name] if (name, child) not in found})
        return [
            {
                "vpn": link["vpn"],
                "tunnel": tunnel["name"],
                "initiator": bool(tunnel.get("initiator")),
                "state": found.get((tunnel["name"], link["vpn"]), "DOWN"),
            }
            for tunnel in generation.tunnels(self.NAME)
            for link in tunnel.get("links", [])
        ]

    def __init__(self) -> None:
        self._authenticated: dict[str, float] = {}  # when tunnels were last made to authenticate again

    def initiate(self, link: Document, timeout: float, store: Store) -> str:
        """Bring one link up. Returns why it does not come up, in charon's words; empty if it does.

        An IKE_SA goes by the configuration that it was made with. One that was made just before the peer loaded another
        (with a new certificate, charon replaces it) refuses the peer's new links for as long as it lives. So it is made
        again, once in a while: a peer that was told of no such link refuses it then as well.
        """
        tunnel, now = str(link["tunnel"]), time.monotonic()
        wrong = self._initiate(link, timeout)
        if REFUSED not in wrong or now - self._authenticated.get(tunnel, -AGAIN) < AGAIN:
            return wrong
        self._authenticated[tunnel] = now
        with contextlib.suppress(ViciError):
            if not connections.again([tunnel], reauth=True):
                return self._initiate(link, timeout)
        return wrong

    def _initiate(self, link: Document, timeout: float) -> str:
        selector = {"ike": link["tunnel"], "child": link["vpn"]}
        log: list[str] = []
        try:
            with Vici(timeout=timeout + 5) as vici:
                if link["state"] == "NARROWED":
                    vici.ask("terminate", {**selector, "timeout": "3000"})
            with Vici(timeout=timeout + 5) as vici:
                vici.register("control-log")
                options = {"timeout": str(int(timeout * 1000)), "loglevel": "1", "init-limits": "no"}
                answer = vici.ask("initiate", {**selector, **options}, log)
        except ViciError as error:
            return str(error)
        if answer.get("success") == "yes":
            return ""
        reasons = [line for line in log if any(word in line for word in REASONS)]
        return "; ".join(reasons[-2:]) or str(answer.get("errmsg") or "no answer from the peer")

    def settle(self, generation: Generation, timeout: float, store: Store) -> None:
        """Two IKE_SAs of a tunnel, as when both ends made one, do not stay: wait until one of them has gone."""
        deadline = time.monotonic() + min(timeout, 2.0 * duplicates.SETTLED)
        while duplicates.there(generation) and time.monotonic() < deadline:
            time.sleep(0.5)
            with contextlib.suppress(ViciError):
                duplicates.end(generation)

    def keep(self, generation: Generation, store: Store) -> Iterable[str]:
        """End what is there twice."""
        with contextlib.suppress(ViciError):
            return duplicates.end(generation)
        return []

    def observe(self, generation: Generation, store: Store) -> Document:
        """The IKE_SAs with their CHILD_SAs, and which connections are loaded."""
        names = [tunnel["name"] for tunnel in generation.tunnels(self.NAME)]
        sas = [_ike_sa(name, sa) for name, sa in connections.security_associations(names)]
        return {"sas": sas, "connections": sorted(name for name in connections.loaded() if name in names)}

    def reasons(self, tunnels: Iterable[Document]) -> dict[str, list[Document]]:
        """What charon logged."""
        return _reasons.reasons(tunnels)
