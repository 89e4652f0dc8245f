# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module edge_renewal does: is the certificate due, and by which request is it renewed; and the new one."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from .commit import Outcome
from .confirm import states
from .ipsec import certificates, charon, lifetime, outdated, request, x509
from .module import of_credentials, revised
from .state import Store
from .system import files
from .system.run import CommandError, run
from .tunnel_kind import UP

NOTHING: dict[str, Any] = {"changed": False, "due": False, "csr": None, "serial": "", "not_after": "", "problem": ""}


_BROKEN = {  # by what x509.py tells of it
    "key": "its private key is missing",
    "present": "its certificate is missing",
    "fits": "its certificate is for another key",
    "signed": "its certificate is signed by another authority than the installed one",
}


def renewal(given: dict[str, Any], store: Store, check: bool) -> dict[str, Any]:
    """The module's result with its parameters; one with `msg` is a failure."""
    part = _install if given["certificate"] else _look
    idle, stays = {**NOTHING, "needed": False}, "the edge keeps the certificate that it had"
    return of_credentials(given["organization"], store, lambda: part(given, store, check), idle, stays, "renewed")


def _look(given: dict[str, Any], store: Store, check: bool) -> dict[str, Any]:
    """Whether the certificate is due, and the request for the next one. In check mode, none is kept."""
    facts = x509.certificate(store)
    found = {**NOTHING, "needed": True, "serial": facts["serial"], "not_after": facts["not_after"]}
    found["crl"] = files.read(store.at(certificates.REVOCATIONS))
    found["clock"] = datetime.now(timezone.utc).strftime(lifetime.FORMAT)
    found["due_from"] = x509.due_from(facts, given["days"])
    # Without a certificate, the edge cannot prove who it is the next time.
    found["due"] = x509.due(facts, given["days"]) or not facts["present"]
    wrong = next((what for name, what in _BROKEN.items() if not facts[name]), "")
    if wrong:
        return {**found, "problem": f"{wrong}: run create_vpn"}
    told = request.identities(store.running().generation)
    if told != [given["identity"]] or facts["identity"] != given["identity"]:
        is_now = " and ".join(sorted({*told, facts["identity"]} - {given["identity"]}))
        return {**found, "problem": f"it is {is_now}, and the inventory says {given['identity']}: run create_vpn"}
    if found["due"]:
        identity, organization = given["identity"], given["organization"]
        found["csr"] = request.asked(store, identity, organization, keep=not check)
    elif _unfinished(store):
        found.update(_told(revised({}, store, check), store, check))
    return found


def _unfinished(store: Store) -> bool:
    """Whether a run was killed between installing a certificate and having it used. The agent would look in minutes."""
    if store.fallback is not None or store.committing():  # who is at work has an end of its own
        return False
    noted = charon.marker(store) if store.running().generation.tunnels("ipsec") else {}
    return bool(noted) and noted.get("credentials") != certificates.on_disk(store)


def _install(given: dict[str, Any], store: Store, check: bool) -> dict[str, Any]:
    """Give the generation that the node runs the new certificate, unless another run was here meanwhile."""
    text = given["certificate"].strip() + "\n"
    if certificates.signed(text):
        _refuse_stranger(text, store)
    elif not check:
        raise ValueError("certificate: is not a certificate in PEM")
    path = store.at(certificates.CERTIFICATE)
    outcome = revised(
        {"certificate.pem": text}, store, check, still=lambda: x509.serial(files.read(path)) == given["replaces"]
    )
    told = _told(outcome, store, check)
    # Another run may have been here: what counts is what the edge has.
    return {**NOTHING, "needed": True, "serial": x509.serial(text if check else files.read(path)), **told}


def _told(outcome: Outcome, store: Store, check: bool) -> dict[str, Any]:
    """What was done, and whether peers have to do their part."""
    if not check:
        request.drop(store)
    links = states(store.running().generation, store)
    down = any(link["initiator"] and link["state"] not in UP for link in links)
    confirm = bool(outcome.changes) and (check or down or bool(outdated.pending(store)))
    return {**outcome.report(), "generation": outcome.generation, "confirm": confirm}


def _refuse_stranger(text: str, store: Store) -> None:
    """ValueError unless an authority that this edge trusts has signed it: the peers trust the same ones."""
    try:
        run("openssl", "verify", "-no-CApath", "-CAfile", str(store.at(certificates.AUTHORITY)), stdin=text)
    except CommandError as error:
        raise ValueError(
            f"the new certificate is not signed by an authority that the edge trusts: run create_vpn ({error})"
        ) from error
