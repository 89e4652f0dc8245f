# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""VERIFY: swanctl's words for algorithms, and those in which charon reports what was negotiated."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

ENCRYPTION = re.compile(r"(aes|camellia)(128|192|256)(?:(gcm|ccm)(8|12|16|64|96|128)|(ctr))?")
ICV_BITS = {"64": "8", "96": "12", "128": "16"}  # aes256gcm128 is another name of aes256gcm16
INTEGRITY = {
    "sha256": "HMAC_SHA2_256_128",
    "sha384": "HMAC_SHA2_384_192",
    "sha512": "HMAC_SHA2_512_256",
    "aesxcbc": "AES_XCBC_96",
    "aescmac": "AES_CMAC_96",
}
PRF = {
    "prfsha256": "PRF_HMAC_SHA2_256",
    "prfsha384": "PRF_HMAC_SHA2_384",
    "prfsha512": "PRF_HMAC_SHA2_512",
    "prfaesxcbc": "PRF_AES128_XCBC",
    "prfaescmac": "PRF_AES128_CMAC",
}
ADDITIONAL = {"ke1_mlkem768": "ML_KEM_768", "ke1_mlkem1024": "ML_KEM_1024"}
GROUP = {"curve25519": "CURVE_25519", "x25519": "CURVE_25519", "curve448": "CURVE_448", "x448": "CURVE_448"}
NUMBERED_GROUP = re.compile(r"(ecp|modp)(\d+)")


@dataclass(frozen=True)
class Algorithms:
    """One choice of algorithms, in charon's words; None where there is none."""

    encr: str | None = None
    integ: str | None = None
    prf: str | None = None
    dh: str | None = None
    additional: str | None = None

    def __str__(self) -> str:
        return "/".join(name for name in (self.encr, self.integ, self.prf, self.dh, self.additional) if name) or "none"


def wanted(proposal: str, *, ike: bool) -> Algorithms:
    """A swanctl proposal such as ``aes256gcm16-prfsha384-ecp384``, in charon's words."""
    found: dict[str, str] = {}
    for word in proposal.lower().split("-"):
        cipher = ENCRYPTION.fullmatch(word)
        numbered = NUMBERED_GROUP.fullmatch(word)
        if cipher:
            name, bits, aead, icv, counter = cipher.groups()
            mode = f"{aead.upper()}_{ICV_BITS.get(icv, icv)}" if aead else "CTR" if counter else "CBC"
            found["encr"] = f"{name.upper()}_{mode}_{bits}"
        elif word == "chacha20poly1305":
            found["encr"] = "CHACHA20_POLY1305"
        elif word in INTEGRITY:
            found["integ"] = INTEGRITY[word]
            if ike:
                found.setdefault("prf", PRF.get(f"prf{word}", ""))  # strongSwan derives it from the integrity
        elif word in PRF:
            found["prf"] = PRF[word]
        elif numbered:
            found["dh"] = f"{numbered.group(1).upper()}_{numbered.group(2)}"
        elif word in GROUP:
            found["dh"] = GROUP[word]
        elif word in ADDITIONAL:
            found["additional"] = ADDITIONAL[word]
    return Algorithms(**found)


def negotiated(sa: Mapping[str, Any]) -> Algorithms:
    """What an IKE_SA or CHILD_SA uses, as node_info tells it."""
    cipher, bits = sa.get("encryption"), sa.get("encryption_keysize")
    if cipher and bits and cipher != "CHACHA20_POLY1305":  # that one has a single key size
        cipher = f"{cipher}_{bits}"
    rest = (sa.get(key) or None for key in ("integrity", "prf", "dh_group", "additional_ke"))
    return Algorithms(cipher or None, *rest)


def agree(proposals: Iterable[str], sa: Mapping[str, Any], *, ike: bool) -> bool:
    """Whether what is used is one of the proposals.

    A CHILD_SA that was made together with its IKE_SA has no key exchange of its own (RFC 7296, 1.2); one that was
    rekeyed has. Where ML-KEM is wanted, it has to be there.
    """
    used = negotiated(sa)
    for proposal in proposals:
        choice = wanted(proposal, ike=ike)
        if (used.encr, used.integ) != (choice.encr, choice.integ):
            continue
        if used.additional != choice.additional:
            continue
        if ike and (used.prf, used.dh) == (choice.prf, choice.dh):
            return True
        if not ike and used.dh in (None, choice.dh):
            return True
    return False
