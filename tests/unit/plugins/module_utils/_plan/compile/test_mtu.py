# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A link's MTU is the largest inner packet that, encrypted and encapsulated, still fits the underlay."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.intercloud.vpn.plugins.module_utils._intent.policy.encryption import (
    AEAD,
    CIPHER,
    GROUP,
    INTEGRITY,
    check_proposal,
)
from ansible_collections.intercloud.vpn.plugins.module_utils._plan.compile.mtu import link_mss, link_mtu, ssl_mtu

# IV, block and ICV by algorithm: RFC 4106 and 7634 (AEAD), RFC 3602 (AES-CBC), RFC 4868 (HMAC-SHA-2).
VECTOR_AND_BLOCK = {**dict.fromkeys(AEAD, (8, 4)), **dict.fromkeys(CIPHER, (16, 16))}
ICV = {**dict.fromkeys(AEAD, 16), "sha256": 16, "sha384": 24, "sha512": 32}

proposals = st.sampled_from(
    [f"{name}-ecp384" for name in sorted(AEAD)]
    + [f"{name}-{integrity}-ecp384" for name in sorted(CIPHER) for integrity in sorted(INTEGRITY)]
)


def packet(inner: int, outer_family: int, proposal: str) -> int:
    """What an inner packet of so many octets becomes: RFC 4303, section 2, in UDP (RFC 3948)."""
    cipher, authenticator = proposal.split("-")[:2]
    vector, block = VECTOR_AND_BLOCK[cipher]
    icv = ICV[cipher if cipher in AEAD else authenticator]
    padding = -(inner + 2) % block
    return {4: 20, 6: 40}[outer_family] + 8 + 8 + vector + inner + padding + 2 + icv


@given(underlay=st.integers(1280, 9216), family=st.sampled_from([4, 6]), proposal=proposals)
def test_no_octet_more_would_fit_and_none_less_does(underlay: int, family: int, proposal: str) -> None:
    mtu = link_mtu(underlay, family, (proposal,))
    assert packet(mtu, family, proposal) <= underlay < packet(mtu + 1, family, proposal)


@given(underlay=st.integers(1280, 9216), several=st.lists(proposals, min_size=1, max_size=4))
def test_with_several_proposals_the_smallest_counts(underlay: int, several: list[str]) -> None:
    assert link_mtu(underlay, 4, tuple(several)) == min(link_mtu(underlay, 4, (one,)) for one in several)


@pytest.mark.parametrize(
    ("underlay", "family", "proposal", "mtu"),
    [
        (1500, 4, "aes256gcm16-ecp384", 1438),
        (1500, 6, "aes256gcm16-ecp384", 1418),
        (1500, 4, "chacha20poly1305-x25519", 1438),
        (1500, 4, "aes256-sha256-ecp384", 1422),
        (1500, 4, "aes256-sha512-ecp384", 1406),
        (9000, 4, "aes128gcm16-ecp256", 8938),
    ],
)
def test_known_sizes(underlay: int, family: int, proposal: str, mtu: int) -> None:
    assert link_mtu(underlay, family, (proposal,)) == mtu


@pytest.mark.parametrize("proposal", ["aes256gcm16-ecp384", "aes256-sha384-ecp384", "chacha20poly1305-modp3072"])
def test_the_order_of_the_words_does_not_matter(proposal: str) -> None:
    orders = ["-".join(words) for words in permutations(proposal.split("-"))]
    assert all(check_proposal(order, ike=False) is None for order in orders)
    assert {link_mtu(1500, 4, (order,)) for order in orders} == {link_mtu(1500, 4, (proposal,))}


def test_every_proposal_that_is_allowed_has_a_size() -> None:
    for group in GROUP:
        for cipher in AEAD | CIPHER:
            proposal = f"{group}-{cipher}" if cipher in AEAD else f"{group}-sha256-{cipher}"
            assert check_proposal(proposal, ike=False) is None
            assert 1280 < link_mtu(1500, 4, (proposal,)) < 1500


def test_a_segment_is_a_packet_without_ip_and_tcp_headers() -> None:
    assert (link_mss(1438, 4), link_mss(1438, 6)) == (1398, 1378)


@pytest.mark.parametrize(
    ("underlay", "family", "transport", "mtu"),
    [
        (1500, 4, "udp", 1500 - 20 - 8 - 28),
        (1500, 6, "udp", 1500 - 40 - 8 - 28),
        (1500, 4, "tcp", 1500 - 20 - 32 - 2 - 28),
        (1500, 6, "tcp", 1500 - 40 - 32 - 2 - 28),
        (9000, 4, "udp", 9000 - 20 - 8 - 28),
    ],
)
def test_what_openvpn_leaves(underlay: int, family: int, transport: str, mtu: int) -> None:
    """Opcode and peer id 4, packet number up to 8, tag 16; in TCP with timestamps, 2 for the length."""
    assert ssl_mtu(underlay, family, transport) == mtu
