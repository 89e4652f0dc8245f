# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PLAN: the largest inner packet a link carries, and the TCP segment that fits in it.

ESP tunnel mode (RFC 4303) adds: outer IP header, UDP header when encapsulated (RFC 3948), SPI and sequence number,
IV, padding up to the cipher's block, pad length and next header octets, integrity check value. What OpenVPN adds is
beside :func:`ssl_mtu`.
"""

from __future__ import annotations

IPV6_MTU = 1280
"""What every link that carries IPv6 must carry (RFC 8200, section 5); Linux disables IPv6 on a device with less."""

_OUTER_IP = {4: 20, 6: 40}
_UDP = 8
_ESP_HEADER = 8
_ESP_TRAILER = 2
_TCP = 20
_TCP_TIMESTAMPS = 12  # an option (RFC 7323) that every Linux uses
# OpenVPN's data channel with an AEAD cipher: opcode and peer id, packet number, tag. Releases up to 2.6 number packets
# with 4 octets, later ones may use 8.
_OPENVPN = 4 + 8 + 16
_OPENVPN_LENGTH = 2  # of a packet, in a stream


def _cipher(proposal: str) -> tuple[int, int, int]:
    """IV, alignment and ICV in octets of an ESP proposal (RFC 4106, RFC 7634, RFC 3602, RFC 4868)."""
    words = proposal.split("-")  # strongSwan takes them in any order
    if any(word.endswith("gcm16") or word == "chacha20poly1305" for word in words):
        return 8, 4, 16
    icv = {"sha256": 16, "sha384": 24, "sha512": 32}[next(word for word in words if word.startswith("sha"))]
    return 16, 16, icv


def link_mtu(underlay_mtu: int, outer_family: int, proposals: tuple[str, ...]) -> int:
    """The largest inner packet, in octets, that leaves as one outer packet of at most ``underlay_mtu`` octets.

    UDP encapsulation is always counted: a NAT on the way may ask for it at any time, and the path must not shrink then.
    The largest over several proposals is not known before negotiation, so the smallest counts.
    """
    sizes = []
    for proposal in proposals:
        vector, align, icv = _cipher(proposal)
        room = underlay_mtu - _OUTER_IP[outer_family] - _UDP - _ESP_HEADER - vector - icv
        sizes.append(room // align * align - _ESP_TRAILER)
    return min(sizes)


def ssl_mtu(underlay_mtu: int, outer_family: int, transport: str) -> int:
    """The largest inner packet, in octets, that OpenVPN sends as one outer one over ``udp`` or ``tcp``.

    A stream has no such limit, but a packet that is in two segments is lost with either.
    """
    stream = _TCP + _TCP_TIMESTAMPS + _OPENVPN_LENGTH
    return underlay_mtu - _OUTER_IP[outer_family] - (_UDP if transport == "udp" else stream) - _OPENVPN


def link_mss(mtu: int, inner_family: int) -> int:
    """The TCP maximum segment size, in octets, of a packet of ``mtu`` octets (RFC 9293, section 3.7.1)."""
    return mtu - _OUTER_IP[inner_family] - _TCP
