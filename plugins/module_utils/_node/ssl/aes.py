# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AES-256 in counter mode (FIPS 197, NIST SP 800-38A), for a few octets now and then.

Python's own library has no cipher, and a program that has one would show the key in its arguments. Not for payload:
this is slow, and takes longer for some keys than for others.
"""

from __future__ import annotations

ROUNDS = 14
KEY, BLOCK = 32, 16  # octets


def _doubled(value: int) -> int:
    """Multiplied by x in GF(2^8), modulo AES's polynomial."""
    return (value << 1 ^ 0x11B if value & 0x80 else value << 1) & 0xFF


def _sbox() -> bytes:
    found = [0x63] * 256
    power = inverse = 1
    for _step in range(255):
        power ^= _doubled(power)  # times 3, which generates all
        for shift in (1, 2, 4):  # divided by 3
            inverse ^= inverse << shift & 0xFF
        inverse ^= 0x09 if inverse & 0x80 else 0
        turned = inverse
        for shift in range(1, 5):
            turned ^= (inverse << shift | inverse >> 8 - shift) & 0xFF
        found[power] = turned ^ 0x63
    return bytes(found)


SBOX = _sbox()


def _schedule(key: bytes) -> list[bytes]:
    """The round keys."""
    words = [key[at : at + 4] for at in range(0, KEY, 4)]
    constant = 1
    while len(words) < 4 * (ROUNDS + 1):
        word = words[-1]
        if len(words) % 8 == 0:
            word = bytes([SBOX[word[1]] ^ constant, SBOX[word[2]], SBOX[word[3]], SBOX[word[0]]])
            constant = _doubled(constant)
        elif len(words) % 8 == 4:
            word = bytes(SBOX[octet] for octet in word)
        words.append(bytes(a ^ b for a, b in zip(words[-8], word)))
    return [b"".join(words[at : at + 4]) for at in range(0, len(words), 4)]


def encrypt(key: bytes, block: bytes) -> bytes:
    """One block."""
    if (len(key), len(block)) != (KEY, BLOCK):
        raise ValueError(f"AES-256 takes {KEY} octets of key and {BLOCK} of text")
    first, *keys = _schedule(key)
    state = bytes(a ^ b for a, b in zip(block, first))
    for number, round_key in enumerate(keys, 1):
        state = bytes(SBOX[state[(at + 4 * (at % 4)) % BLOCK]] for at in range(BLOCK))  # substituted, rows shifted
        if number < ROUNDS:
            state = b"".join(_mixed(state[at : at + 4]) for at in range(0, BLOCK, 4))
        state = bytes(a ^ b for a, b in zip(state, round_key))
    return state


def _mixed(column: bytes) -> bytes:
    every = column[0] ^ column[1] ^ column[2] ^ column[3]
    return bytes(column[at] ^ every ^ _doubled(column[at] ^ column[(at + 1) % 4]) for at in range(4))


def counted(key: bytes, start: bytes, text: bytes) -> bytes:
    """Text encrypted, or decrypted, in counter mode; ``start`` is the first block that is counted from."""
    first = int.from_bytes(start, "big")
    blocks = range((len(text) + BLOCK - 1) // BLOCK)
    stream = b"".join(encrypt(key, ((first + at) % (1 << 128)).to_bytes(BLOCK, "big")) for at in blocks)
    return bytes(a ^ b for a, b in zip(text, stream))
