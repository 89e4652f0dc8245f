# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What kind of node this is: packages, IPsec backend, strongSwan, certificate. Changes nothing."""

from __future__ import annotations

import base64
import hashlib
import re
import ssl
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from . import _certificates, _files
from ._document import NOTHING
from ._run import CommandError, have, run, succeeds
from ._state import Store

# libipsec cannot install traps before it (strongSwan's NEWS, 5.9.11).
TRAP_SINCE = (5, 9, 11)

_XFRM_TEST = """\
ip link add vcc0 type xfrm dev lo if_id 1 &&
ip xfrm state add src 127.0.0.1 dst 127.0.0.2 proto esp spi 1 mode tunnel if_id 1 \
  aead 'rfc4106(gcm(aes))' 0x0123456789abcdef0123456789abcdef01234567 128
"""


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


def certificate(store: Store) -> dict[str, Any]:
    """The edge's certificate: present, not_after (ISO 8601, UTC), identity, authority_sha256."""
    facts = {"present": False, "not_after": "", "identity": "", "authority_sha256": "", "key": False}
    facts["key"] = store.at(_certificates.KEY).exists()
    text = _files.read(store.at(_certificates.AUTHORITY))
    if text:
        facts["authority_sha256"] = hashlib.sha256(_der(text)).hexdigest()
    path = Path(store.at(_certificates.CERTIFICATE))
    if not path.exists() or not have("openssl"):
        return facts
    try:
        said = run("openssl", "x509", "-noout", "-enddate", "-ext", "subjectAltName", "-in", str(path))
    except CommandError:
        return facts
    end = re.search(r"notAfter=(.+)", said)
    name = re.search(r"DNS:([^\s,]+)", said)
    facts["present"] = True
    facts["identity"] = name.group(1) if name else ""
    if end:
        seconds = ssl.cert_time_to_seconds(end.group(1).strip())
        facts["not_after"] = datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    return facts


def _der(pem: str) -> bytes:
    match = re.search(r"-----BEGIN CERTIFICATE-----(.+?)-----END CERTIFICATE-----", pem, re.DOTALL)
    return base64.b64decode(match.group(1)) if match else b""


def valid_for(facts: dict[str, Any], days: int) -> bool:
    """Whether a certificate is there and does not end within so many days."""
    if not (facts["present"] and facts["key"] and facts["not_after"]):
        return False
    end = datetime.strptime(facts["not_after"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)
    return (end - datetime.now(timezone.utc)).days >= days


def gather(packages: list[str], kind: str, days: int, store: Store) -> dict[str, Any]:
    """All of it; `kind` is `auto` or the backend that somebody decided on."""
    versions = installed(packages)
    version = strongswan(versions)
    chosen = backend() if kind == "auto" else kind
    known = certificate(store)
    return {
        "missing_packages": sorted(set(packages) - set(versions)),
        "backend": chosen,
        "strongswan": version,
        "trap": traps(chosen, version),
        "generation": int((store.current() or NOTHING).document.get("generation", 0)),
        "unconfirmed": store.fallback is not None,
        "certificate": {**known, "valid": valid_for(known, days)},
    }
