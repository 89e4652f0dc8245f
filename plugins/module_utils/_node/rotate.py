# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module edge_rotate does: other credentials for the generation that the node has, and what it has then."""

from __future__ import annotations

import json
import time
from typing import Any

from .document import Generation
from .held import parse
from .ipsec import certificates, connections, outdated, partner_keys, reauthenticate, request, secrets, swanctl, x509
from .ipsec.certificates import Certificates
from .ipsec.secrets import Secrets
from .ipsec.swanctl import Swanctl
from .kernel import ip
from .module import of_credentials, revised
from .part import Context
from .ssl import key_change, tls_crypt
from .ssl.openvpn import Openvpn
from .state import Store

FILES = ("certificate", "authority", "crl")
ONE_AUTHORITY = (
    "its swanctl.conf names one authority only: run create_vpn; in a template of your own, write "
    "cacerts = intercloud-vpn.pem, intercloud-vpn-last.pem"
)

NO_PPK = "the connection {} in its swanctl.conf does not have ppk_id = {{{{ tunnel.name }}}}"


def rotate(given: dict[str, Any], store: Store, check: bool) -> dict[str, Any]:
    """The result of the module edge_rotate; one with `msg` is a failure."""
    texts = {f"{name}.pem": f"{given[name].strip()}\n" for name in FILES if given.get(name)}
    nothing: dict[str, Any] = {"changed": False, "subsystems": {}, "diff": []}
    have = store.running()
    if given.get("secrets") and not have.damaged:
        texts[secrets.FILE] = json.dumps({**tls_crypt.given(have.generation), **given["secrets"]}, sort_keys=True)

    def give() -> dict[str, Any]:
        report = revised(texts, store, check).report() if texts else nothing
        if given.get("certificate") and not check:
            request.drop(store)  # it was for the certificate before
        return {**report, "concerned": True}

    idle = {**nothing, "concerned": False, "certificate": {}, "drift": [], "secrets": {}}
    stays = "the edge has what it had before"
    report = of_credentials(given["organization"], store, give, idle, stays, with_keys=True)
    if not report.get("concerned"):
        return report
    found, deadline = drift(store.running().generation, store), time.monotonic() + given["settle"]
    while found and time.monotonic() < deadline:
        time.sleep(0.5)
        found = drift(store.running().generation, store)
    return {**report, "certificate": x509.certificate(store), "drift": found, "secrets": _numbers(store)}


def _numbers(store: Store) -> dict[str, Any]:
    """The numbers of the keys that tunnels have, of the one that each is to use, and of the one that it uses."""
    generation = store.running().generation
    chosen = partner_keys.in_use(generation, store)
    every = {name: (keys, chosen.get(name, keys.used.number)) for name, keys in secrets.held(generation).items()}
    known = tls_crypt.given(generation)
    every.update({name: (parse(known[name]), used) for name, used in key_change.in_use(generation, store).items()})
    return {
        name: {"use": used, "to_use": keys.used.number, "held": keys.numbers} for name, (keys, used) in every.items()
    }


def drift(generation: Generation, store: Store) -> list[str]:
    """What the edge's daemons have not loaded of its credentials, or still use, in words."""
    context = Context(generation, generation, store)
    with ip.reading_once():
        parts = (Certificates, Secrets, Swanctl, Openvpn)
        changes = [change for part in parts for change in part(context).changes()]
    found = [f"{change.subsystem}: {change.action}" for change in changes]
    found += [f"{tunnel} still uses certificate {serial}" for tunnel, serial in outdated.pending(store).items()]
    found += [NO_PPK.format(tunnel) for tunnel in secrets.unnamed(generation)]
    found += [f"{tunnel} has to be made anew" for tunnel in reauthenticate.pending(generation, store)]
    found += ["strongSwan still has an authority that is gone"] if connections.superseded(store) else []
    proving = [tunnel for tunnel in generation.tunnels("ipsec") if certificates.proves(tunnel)]
    if proving and "intercloud-vpn-last.pem" not in generation.files.get(swanctl.FILE, ""):
        found += [ONE_AUTHORITY] if len(certificates.authorities(store)) > 1 else []
    if store.fallback is not None:
        found.append("its generation is not confirmed: another run is at work")
    return found
