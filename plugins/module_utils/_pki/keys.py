# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The keys of tunnels on the VCC server, one per tunnel: pre-shared keys, to external edges, and PPKs (RFC 8784); and
one per edge that OpenVPN's clients come to, which wraps their first packets (``tls-crypt``).

``<state_dir>/psk/<organization>/<tunnel>``, or ``ppk`` in place of ``psk``, or ``tls-crypt`` and the edge (0600 in
directories 0700), holds a key on one line. A key that an administrator puts there counts like one made here; one that
is removed is replaced by a new one. While a key is rotated, the file also has the other one (held.py).
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from .._base.errors import VccError
from .._base.names import NAME, NAME_RULE, ORGANIZATION_KEPT, TUNNEL, required
from .._base.whole_files import locked, make_directory, write_whole
from . import held as _held

PSK, PPK, TLS_CRYPT = "psk", "ppk", "tls-crypt"
NAMES = {PSK: "pre-shared key", PPK: "PPK", TLS_CRYPT: "tls-crypt key"}
# Characters. Of a PPK, RFC 8784, section 6, wants 256 bits: 43 are so many in base64.
SHORTEST = {PSK: 20, PPK: 43}
STATIC_BYTES = 256  # of a tls-crypt key: two pairs of keys, as OpenVPN has them
_STATIC = re.compile(r"[0-9a-fA-F]{512}")
BYTES = 32  # of a key made here: 256 bits, as strong as the strongest cipher
# Printable ASCII, which every IKE daemon's configuration file can hold, and no quote, which would end it there.
_CHARACTERS = re.compile(r"[!#-~](?:[ !#-~]*[!#-~])?")


def kind_of(tunnel: Mapping[str, Any]) -> str | None:
    """What kind of key a tunnel of a document has, if any."""
    if tunnel.get("ssl", {}).get("tls_crypt"):
        return TLS_CRYPT
    ike = tunnel.get("ike", {})  # not every kind of tunnel has one
    if ike.get("auth") == PSK:
        return PSK
    return PPK if ike.get("ppk") else None


def key_name(tunnel: Mapping[str, Any]) -> str:
    """What the file with a tunnel's key is named after: the tunnel, or the edge whose key its peers share."""
    return str(tunnel["ssl"]["tls_crypt"] if kind_of(tunnel) == TLS_CRYPT else tunnel["name"])


def wrong_psk(key: object, kind: str = PSK) -> str | None:
    """What is wrong with a key that somebody chose, or None. The key is never part of the answer."""
    if not isinstance(key, str):
        return "must be text; put it in quotes"
    if kind == TLS_CRYPT:
        return None if _STATIC.fullmatch(key) else f"must be {2 * STATIC_BYTES} hexadecimal digits on one line"
    if len(key) < SHORTEST[kind]:
        return f"must have at least {SHORTEST[kind]} characters, and has {len(key)}"
    if not _CHARACTERS.fullmatch(key):
        return 'must be printable ASCII without ", and neither begin nor end with a space'
    if key[:2] in ("0x", "0s"):
        return f"must not begin with {key[:2]}, which IKE daemons take for a number in another notation"
    return None


def psk_path(state_dir: str | Path, organization: str, tunnel: str, kind: str = PSK) -> Path:
    """Where a tunnel's key is. VccError if a name does not do for a path."""
    required("organization", organization, ORGANIZATION_KEPT, "letters, digits, '_', '.', '-', at most 63")
    if kind == TLS_CRYPT:
        required("edge", tunnel, NAME, NAME_RULE)
    else:
        required("tunnel", tunnel, TUNNEL, "letters, digits, '_' and '-', at most 200")
    return Path(state_dir) / kind / organization / tunnel


def read_psks(
    state_dir: str | Path, organization: str, tunnels: Iterable[str], kind: str = PSK
) -> dict[str, str | None]:
    """The tunnels' keys, as texts (held.py); None where there is none yet. Writes nothing."""
    return {tunnel: _read(psk_path(state_dir, organization, tunnel, kind), kind) for tunnel in tunnels}


def ensure_psks(state_dir: str | Path, organization: str, tunnels: Iterable[str], kind: str = PSK) -> dict[str, str]:
    """The tunnels' keys, as texts (held.py). Those that are missing are made: once, however many ask at a time."""
    found: dict[str, str] = {}
    for tunnel in tunnels:
        path = psk_path(state_dir, organization, tunnel, kind)
        found[tunnel] = _read(path, kind) or _make(path, kind)
    return found


def _make(path: Path, kind: str) -> str:
    try:
        make_directory(path.parent, 0o700)
        with locked(path.parent / ".lock"):
            key = _read(path, kind)
            if key is None:
                key = fresh(kind)
                write_whole(path, f"{key}\n".encode(), 0o600)
    except OSError as error:
        raise VccError(f"{path}: the {NAMES[kind]} cannot be made: {error.strerror}") from error
    return key


def fresh(kind: str) -> str:
    """A new key. One that every gateway takes: letters and digits, at most 64, and (AWS) no zero in front.

    Drawing again costs a tenth of a bit of 256.
    """
    if kind == TLS_CRYPT:
        return secrets.token_hex(STATIC_BYTES)
    key = "0"
    while key.startswith("0"):
        key = secrets.token_hex(BYTES)
    return key


def _read(path: Path, kind: str) -> str | None:
    try:
        key = path.read_text(encoding="utf-8").strip("\r\n")
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        # ValueError is a decoder's, and would show what it could not read.
        raise VccError(f"{path}: the {NAMES[kind]} cannot be read: {getattr(error, 'strerror', 'no text')}") from None
    found = _held.parse(key)
    wrong = [said for one in (found.used, found.also) if one and (said := wrong_psk(one.text, kind))]
    if wrong:
        raise VccError(f"{path}: the {NAMES[kind]} {wrong[0]}")
    return _held.text(found)
