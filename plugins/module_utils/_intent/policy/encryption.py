# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PLAN: a policy's section ``encryption``: what IKE_SA and CHILD_SA may be protected with.

Only what is on the allow-lists below can be negotiated. DES, 3DES, MD5, SHA-1 and MODP groups of 1536 bits or less
are on none of them (NIST SP 800-77r1, section 4; RFC 8247).

ML-KEM (FIPS 203) comes as an additional key exchange (RFC 9370) and only where both ends of a tunnel have it: see
:func:`usable`. A PPK (RFC 8784) is mixed into the keys of a tunnel whose VPNs require one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from ..._base.problems import Problems
from .section import Places, Section, check_integer

AEAD = frozenset({"aes128gcm16", "aes192gcm16", "aes256gcm16", "chacha20poly1305"})
CIPHER = frozenset({"aes128", "aes192", "aes256"})
INTEGRITY = frozenset({"sha256", "sha384", "sha512"})
PRF = frozenset({"prfsha256", "prfsha384", "prfsha512"})
GROUP = frozenset(
    {"ecp256", "ecp384", "ecp521", "curve25519", "x25519", "modp2048", "modp3072", "modp4096", "modp6144", "modp8192"}
)
# Beside the group, never instead of it: what breaks the one does not break the other.
ADDITIONAL = frozenset({"ke1_mlkem768", "ke1_mlkem1024"})
PPK = ("none", "required")

# NIST SP 800-77r1 allows IKE_SAs 24 h and CHILD_SAs 8 h. Anything shorter than a minute only burns CPU.
LONGEST = {"ike_rekey": 24 * 3600, "esp_rekey": 8 * 3600}
SHORTEST_REKEY = 60


@dataclass(frozen=True)
class Encryption(Section):
    """What IKE_SA and CHILD_SA of a VPN use. Times in seconds, replay window in packets."""

    ike: tuple[str, ...]
    esp: tuple[str, ...]
    ike_rekey: int
    esp_rekey: int
    replay_window: int
    ppk: str

    # Replay window as AWS Site-to-Site VPN has it: 32, strongSwan's default, drops packets on fast reordering paths.
    DEFAULTS: ClassVar[Mapping[str, Any]] = {
        "ike": ["aes256gcm16-prfsha384-ecp384"],
        "esp": ["aes256gcm16-ecp384"],
        "ike_rekey": 14400,
        "esp_rekey": 3600,
        "replay_window": 1024,
        "ppk": PPK[0],
    }

    @classmethod
    def check(cls, raw: Mapping[str, Any], places: Places, problems: Problems) -> None:
        """Note what is wrong with the section's values."""
        for kind in ("ike", "esp"):
            _check_proposals(raw[kind], places[kind], problems, ike=kind == "ike")
        for key, longest in LONGEST.items():
            check_integer(raw[key], SHORTEST_REKEY, longest, places[key], "seconds", problems)
        check_integer(raw["replay_window"], 32, 4096, places["replay_window"], "packets", problems)
        if raw["ppk"] not in PPK:
            problems.add(places["ppk"], f"{raw['ppk']!r} must be one of: {', '.join(PPK)}")

    @classmethod
    def read(cls, raw: Mapping[str, Any]) -> Encryption:
        """The section, of values that were checked."""
        values = dict(raw)
        return cls(**{**values, **{kind: tuple(str(one) for one in raw[kind]) for kind in ("ike", "esp")}})

    def of_tunnel(self) -> tuple[object, ...]:
        """What belongs to the IKE_SA."""
        return self.ike, self.ike_rekey, self.ppk


def usable(proposals: Sequence[str], mlkem: bool) -> list[str]:
    """Of a policy's proposals those that a tunnel has, in order; ``mlkem``: whether both its ends have ML-KEM.

    Where they have, it is used: proposals without it stay out if there is one with it, so that nobody on the way can
    talk the ends out of it. Where they have not, proposals with it stay out; what is left may be nothing.
    """
    additional = [proposal for proposal in proposals if ADDITIONAL & {*proposal.split("-")}]
    return additional if mlkem and additional else [proposal for proposal in proposals if proposal not in additional]


def check_proposal(proposal: str, *, ike: bool) -> str | None:
    """Say what is wrong with a swanctl proposal such as ``aes256gcm16-prfsha384-ecp384``, or None."""
    words = proposal.split("-")
    for word in words:
        if word not in AEAD | CIPHER | INTEGRITY | PRF | GROUP | ADDITIONAL:
            return f"{word!r} is not an allowed algorithm"
    ciphers = [word for word in words if word in AEAD | CIPHER]
    if len(ciphers) != 1:
        return "names not exactly one encryption algorithm"
    integrity = [word for word in words if word in INTEGRITY]
    if ciphers[0] in AEAD and integrity:
        return f"{ciphers[0]} authenticates by itself; leave {integrity[0]} out"
    if ciphers[0] in CIPHER and len(integrity) != 1:
        return f"{ciphers[0]} needs exactly one of {', '.join(sorted(INTEGRITY))}"
    prfs = [word for word in words if word in PRF]
    if ike and ciphers[0] in AEAD and len(prfs) != 1:
        return f"needs exactly one of {', '.join(sorted(PRF))}"
    if not ike and prfs:
        return f"{prfs[0]} is not used in an ESP proposal"
    if len([word for word in words if word in GROUP]) != 1:
        return "needs exactly one key exchange group" + ("" if ike else " (perfect forward secrecy)")
    if len([word for word in words if word in ADDITIONAL]) > 1:
        return f"has more than one of {', '.join(sorted(ADDITIONAL))}"
    return None


def _check_proposals(value: object, path: str, problems: Problems, *, ike: bool) -> None:
    if not isinstance(value, (list, tuple)) or not value:
        problems.add(
            path,
            "must be a list of proposals such as " + ("aes256gcm16-prfsha384-ecp384" if ike else "aes256gcm16-ecp384"),
        )
        return
    for index, proposal in enumerate(value):
        wrong = check_proposal(str(proposal), ike=ike)
        if wrong:
            problems.add(f"{path}[{index}]", f"{proposal}: {wrong}")
