# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What kind of node this is: packages, IPsec backend, strongSwan, certificate. Changes nothing."""

from __future__ import annotations

import re
from typing import Any

from .ipsec import x509
from .state import Store
from .system import packages
from .system.run import CommandError, have, run, succeeds

# libipsec cannot install traps before it (strongSwan's NEWS, 5.9.11).
TRAP_SINCE = (5, 9, 11)

_XFRM_TEST = """\
ip link add vcc0 type xfrm dev lo if_id 1 &&
ip xfrm state add src 127.0.0.1 dst 127.0.0.2 proto esp spi 1 mode tunnel if_id 1 \
  aead 'rfc4106(gcm(aes))' 0x0123456789abcdef0123456789abcdef01234567 128
"""


def info(given: dict[str, Any], store: Store, _check: bool) -> dict[str, Any]:
    """The result of the module edge_info with its parameters; one with `msg` is a failure."""
    try:
        names = packages.named(given["packages"])
        found = gather(names, given["backend"], given["days"], store)
    except packages.UnknownFamily as error:
        return {"msg": str(error)}
    links = given["links"].get(packages.family(), {})
    there = [link for link in links if store.at(link).exists()]
    return {
        "changed": False,
        **found,
        "family": packages.family(),
        "missing_links": {link: target for link, target in links.items() if link not in there},
    }


def backend() -> str:
    """`xfrm` when the kernel has XFRM interfaces and ESP (tried where nobody sees it), else `libipsec`."""
    if have("ip") and have("unshare") and succeeds("unshare", "-n", "sh", "-c", _XFRM_TEST):
        return "xfrm"
    return "libipsec"


def strongswan(versions: dict[str, str]) -> str:
    """strongSwan's version, or an empty string."""
    text = versions.get("charon-systemd") or versions.get("strongswan-swanctl") or versions.get("strongswan") or ""
    if not text and have("swanctl"):
        try:
            text = run("swanctl", "--version").split("strongSwan", 1)[-1]
        except CommandError as error:
            text = str(error)
    match = re.search(r"\d+\.\d+(\.\d+)?", text)
    return match.group() if match else ""


def traps(kind: str, version: str) -> bool:
    """Whether the backend can have policies that bring a link up when the first packet comes."""
    numbers = tuple(int(part) for part in version.split(".")) if version else (0,)
    return kind == "xfrm" or numbers >= TRAP_SINCE


def gather(names: list[str], kind: str, days: int | None, store: Store) -> dict[str, Any]:
    """All of it; `kind` is `auto` or the backend that somebody decided on."""
    versions = packages.installed(names)
    version = strongswan(versions)
    chosen = backend() if kind == "auto" else kind
    known = x509.certificate(store)
    return {
        "missing_packages": packages.lacking(names, versions),
        "backend": chosen,
        "strongswan": version,
        "trap": traps(chosen, version),
        "generation": int(store.running().generation.document.get("generation", 0)),
        "unconfirmed": store.fallback is not None,
        "certificate": {**known, "valid": x509.valid_for(known, days)},
    }
