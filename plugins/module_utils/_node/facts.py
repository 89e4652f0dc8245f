# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What kind of node this is: packages, IPsec backend, strongSwan, certificate. Changes nothing."""

from __future__ import annotations

import re
from typing import Any

from .ipsec import x509
from .state import Store
from .system.run import CommandError, have, run, succeeds

# libipsec cannot install traps before it (strongSwan's NEWS, 5.9.11).
TRAP_SINCE = (5, 9, 11)

_XFRM_TEST = """\
ip link add vcc0 type xfrm dev lo if_id 1 &&
ip xfrm state add src 127.0.0.1 dst 127.0.0.2 proto esp spi 1 mode tunnel if_id 1 \
  aead 'rfc4106(gcm(aes))' 0x0123456789abcdef0123456789abcdef01234567 128
"""


def info(given: dict[str, Any], store: Store, _check: bool) -> dict[str, Any]:
    """The result of the module edge_info with its parameters."""
    return {"changed": False, **gather(given["packages"], given["backend"], given["days"], store)}


def installed(packages: list[str]) -> dict[str, str]:
    """The versions of those packages that are installed. On a node without dpkg, nobody can tell: none is missing."""
    if not packages:
        return {}
    if not have("dpkg-query"):
        return dict.fromkeys(packages, "")
    names = "|".join(re.escape(package) for package in packages)
    try:
        text = run("dpkg-query", "-W", "-f", "${Package}\t${Version}\t${db:Status-Status}\n", *packages)
    except CommandError as error:  # some are unknown; it lists the others, but on a stream that is gone
        text = _listed() if "no packages found" in str(error) else ""
    found = re.findall(rf"^({names})\t(\S+)\tinstalled$", text, re.MULTILINE)
    return dict(found)


def _listed() -> str:
    return run("dpkg-query", "-W", "-f", "${Package}\t${Version}\t${db:Status-Status}\n")


def backend() -> str:
    """`xfrm` when the kernel has XFRM interfaces and ESP (tried where nobody sees it), else `libipsec`."""
    if have("ip") and have("unshare") and succeeds("unshare", "-n", "sh", "-c", _XFRM_TEST):
        return "xfrm"
    return "libipsec"


def strongswan(versions: dict[str, str]) -> str:
    """strongSwan's version, or an empty string."""
    text = versions.get("charon-systemd") or versions.get("strongswan-swanctl") or ""
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


def gather(packages: list[str], kind: str, days: int, store: Store) -> dict[str, Any]:
    """All of it; `kind` is `auto` or the backend that somebody decided on."""
    versions = installed(packages)
    version = strongswan(versions)
    chosen = backend() if kind == "auto" else kind
    known = x509.certificate(store)
    return {
        "missing_packages": sorted(set(packages) - set(versions)),
        "backend": chosen,
        "strongswan": version,
        "trap": traps(chosen, version),
        "generation": int(store.running().generation.document.get("generation", 0)),
        "unconfirmed": store.fallback is not None,
        "certificate": {**known, "valid": x509.valid_for(known, days)},
    }
