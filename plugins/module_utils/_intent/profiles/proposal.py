# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""INTENT: a swanctl proposal taken apart, and how strong its algorithms are beside each other."""

from __future__ import annotations

from typing import NamedTuple

from ..policy.encryption import AEAD, CIPHER, GROUP, INTEGRITY, PRF

# IANA's numbers (IKEv2 Transform Type 4).
GROUPS = {
    "modp2048": 14,
    "modp3072": 15,
    "modp4096": 16,
    "modp6144": 17,
    "modp8192": 18,
    "ecp256": 19,
    "ecp384": 20,
    "ecp521": 21,
    "curve25519": 31,
    "x25519": 31,
}
KEY_BITS = {
    "aes128": 128,
    "aes192": 192,
    "aes256": 256,
    "aes128gcm16": 128,
    "aes192gcm16": 192,
    "aes256gcm16": 256,
    "chacha20poly1305": 256,
}
# Bits of security: NIST SP 800-57 part 1, revision 5, table 2; what is between its rows is rounded down.
GROUP_BITS = {
    "modp2048": 112,
    "modp3072": 128,
    "modp4096": 128,
    "modp6144": 128,
    "modp8192": 192,
    "ecp256": 128,
    "ecp384": 192,
    "ecp521": 256,
    "curve25519": 128,
    "x25519": 128,
}


class Proposal(NamedTuple):
    """Its algorithms in swanctl's words. ``hash``: integrity, or with AEAD the PRF; "" in an ESP proposal with AEAD.

    ``prf``: its hash where the proposal names one.
    """

    cipher: str
    hash: str
    prf: str
    group: str

    @property
    def aead(self) -> bool:
        """Whether the cipher authenticates by itself."""
        return self.cipher in AEAD

    @property
    def number(self) -> int:
        """The group's number."""
        return GROUPS[self.group]

    @property
    def key_bits(self) -> int:
        """The length of the cipher's key."""
        return KEY_BITS[self.cipher]

    def text(self, *, ike: bool) -> str:
        """In swanctl's words again."""
        if self.aead:
            return "-".join([self.cipher, *([f"prf{self.prf}"] if ike else []), self.group])
        return "-".join(
            [self.cipher, self.hash, *([f"prf{self.prf}"] if self.prf not in ("", self.hash) else []), self.group]
        )


def parsed(proposal: str) -> Proposal:
    """A proposal that was checked (`check_proposal`)."""
    words = proposal.split("-")
    prf = next((word.removeprefix("prf") for word in words if word in PRF), "")
    return Proposal(
        cipher=next(word for word in words if word in AEAD | CIPHER),
        hash=next((word for word in words if word in INTEGRITY), prf),
        prf=prf,
        group=next(word for word in words if word in GROUP),
    )
