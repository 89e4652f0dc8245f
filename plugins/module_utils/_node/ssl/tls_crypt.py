# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The keys that OpenVPN's control channel is wrapped in (`tls-crypt`): one for each edge that others come to.

A server answers a peer that has the key, and drops all else before it costs anything. No key is ever part of a change,
a problem or an error.
"""

from __future__ import annotations

import json
import os
import struct
import time

from ..document import Generation
from ..held import Held, parse
from ..state import Store
from ..system import files
from . import aes
from . import processes as _processes

FILE = "secrets.json"  # in a generation: {tunnel: key}, beside the keys of ipsec/secrets.py
_COLUMNS = 32
# OpenVPN's "static key" has two pairs of a cipher's key and an HMAC's, 64 octets each: the server sends with the first
# pair, its clients with the second one.
_CIPHER, _HMAC = slice(128, 128 + 32), slice(192, 192 + 32)
_RESET = bytes([7 << 3])  # P_CONTROL_HARD_RESET_CLIENT_V2, key id 0


def tunnels(generation: Generation) -> list[str]:
    """The names of the tunnels that have such a key."""
    return [tunnel["name"] for tunnel in _processes.tunnels(generation) if tunnel["ssl"].get("tls_crypt")]


def given(generation: Generation) -> dict[str, str]:
    """All keys that a generation carries, whatever they are for."""
    found: dict[str, str] = json.loads(generation.files.get(FILE) or "{}")
    return found


def held(process: _processes.Process, known: dict[str, str]) -> Held | None:
    """A process's keys, in hexadecimal; all tunnels of a server have the same. None if it has none."""
    text = next((known[tunnel["name"]] for tunnel in process.tunnels if tunnel["name"] in known), "")
    return parse(text) if text else None


def texts(processes: dict[str, _processes.Process], want: Generation, have: Generation, store: Store) -> dict[str, str]:
    """The processes' files, by path.

    A server that has one of two keys keeps it until all clients have both, a client the one that its server answered
    to; but when another key is to be used than before, clients get that at once (key_change.py).
    """
    known, before, found = given(want), given(have), {}
    for one in processes.values():
        keys = held(one, known) if one.tls_crypt else None
        if keys:
            had = held(one, before)
            keeps = keys.also and (one.transport or (had and had.used == keys.used))
            there = files.read(store.at(one.key)) if keeps else ""
            every = [file(key.text) for key in keys if key]
            found[one.key] = there if there in every else every[0]
    return found


def others(process: _processes.Process, generation: Generation) -> list[str]:
    """The files that a client's session may be of: what it has loaded is no matter while it is up."""
    keys = held(process, given(generation)) if not process.transport else None
    return [file(key.text) for key in keys if key] if keys else []


def file(digits: str) -> str:
    """A key's file."""
    lines = [digits[at : at + _COLUMNS] for at in range(0, len(digits), _COLUMNS)]
    name = "OpenVPN Static key V1"
    return "\n".join([f"-----BEGIN {name}-----", *lines, f"-----END {name}-----"]) + "\n"


def hello(digits: str) -> bytes:
    """A client's first packet, wrapped as OpenVPN's doc/tls-crypt-v2.txt describes it for both versions."""
    # They load OpenSSL, which the resident agent has no other use for.
    import hashlib
    import hmac

    material = bytes.fromhex(digits)
    clear = _RESET + os.urandom(8) + struct.pack("!II", 1, int(time.time()))  # session id; packet id and time
    inner = bytes(5)  # acknowledges nothing; the control channel's packet 0
    tag = hmac.new(material[_HMAC], clear + inner, hashlib.sha256).digest()
    return clear + tag + aes.counted(material[_CIPHER], tag[: aes.BLOCK], inner)
