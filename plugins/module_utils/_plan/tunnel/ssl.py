# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PLAN: the kind ``ssl``: one OpenVPN session over TLS 1.3 per pair of edges, shared by all VPNs that cross it.

The policy is the one that IPsec has, said in TLS's words; what TLS has no word for is refused. Ciphers, groups and
suites are those that RFC 8446 (TLS 1.3) and OpenVPN 2.6 share with the allow-lists of ``_intent/policy/encryption.py``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from ..._base.problems import Problems
from ..._intent.landscape.hosts import OrgEdge
from ..._intent.policy.encryption import GROUP
from ..._intent.policy.policy import Policy
from ..._intent.vpn import Vpn
from ..compile.mtu import ssl_mtu
from .kind import Kind, Section

PORT = {"udp": 1194, "tcp": 443}
"""IANA's number of OpenVPN, and the one that hardly any firewall closes."""
TRANSPORTS = {"auto": ("udp", "tcp"), "udp": ("udp",), "tcp": ("tcp",)}

_CIPHERS = {
    "aes256gcm16": "AES-256-GCM",
    "aes192gcm16": "AES-192-GCM",
    "aes128gcm16": "AES-128-GCM",
    "chacha20poly1305": "CHACHA20-POLY1305",
}
# TLS 1.3 binds a hash to each cipher: a policy that asks for a stronger one cannot be had.
_SUITES = {
    "aes256gcm16": ("TLS_AES_256_GCM_SHA384", ("prfsha256", "prfsha384")),
    "aes128gcm16": ("TLS_AES_128_GCM_SHA256", ("prfsha256",)),
    "chacha20poly1305": ("TLS_CHACHA20_POLY1305_SHA256", ("prfsha256",)),
}
_GROUPS = {"ecp256": "prime256v1", "ecp384": "secp384r1", "ecp521": "secp521r1"}
_GROUPS.update({"curve25519": "X25519", "x25519": "X25519"})
# A peer that was asked every `dpd_delay` and said nothing for three times as long is gone; but a lost packet or two on
# a slow path are no reason to start anew.
_SILENCES, _SHORTEST_SILENCE = 3, 10


class Ssl(Kind):
    """OpenVPN."""

    NAME = "ssl"
    SUFFIX = "--ssl"
    PORTS = f"UDP {PORT['udp']} and TCP {PORT['tcp']}"
    AGREED = "the whole of encryption, dpd_delay and the tunnel's transport"

    def tunnel(self, vpn: Vpn, name: str, own: OrgEdge, peer: OrgEdge, starts: bool) -> Section:
        """The session."""
        encryption, delay = vpn.policy.encryption, vpn.policy.retries.dpd_delay
        transports = TRANSPORTS[vpn.tunnel_options["transport"]]
        return {
            "kind": self.NAME,
            "ssl": {
                "device": device(name),
                # Whose key wraps the first packets: that of the edge that the other one comes to.
                "tls_crypt": peer.name if starts else own.name,
                "ports": {transport: PORT[transport] for transport in transports},
                "ciphers": _translated(encryption.esp, _CIPHERS),
                "suites": _translated(encryption.ike, {word: suite for word, (suite, _prfs) in _SUITES.items()}),
                "groups": _translated(encryption.ike, _GROUPS),
                "rekey_time": encryption.esp_rekey,
                "replay_window": encryption.replay_window,
                "dpd_delay": delay,
                "silence": max(_SILENCES * delay, _SHORTEST_SILENCE),
            },
        }

    def link(self, vpn: Vpn, own: OrgEdge, peer: OrgEdge, starts: bool) -> Section:
        """Nothing: a link has no keys of its own."""
        return {}

    def route(self, name: str) -> Section:
        """Each session has its own device."""
        return {"over": name}

    def firewall(self) -> Section:
        """Its packets come and go by OpenVPN's devices."""
        return {"kind": self.NAME}

    def mtu(self, vpn: Vpn, one: OrgEdge, other: OrgEdge, outer_family: int) -> int:
        """What fits with each of the transports: a session may move from one to the other at any time."""
        underlay = min(one.underlay_mtu, other.underlay_mtu)
        transports = TRANSPORTS[vpn.tunnel_options["transport"]]
        return min(ssl_mtu(underlay, outer_family, transport) for transport in transports)

    def agreed(self, policy: Policy, options: Mapping[str, str]) -> tuple[object, ...]:
        """All that belongs to the session, which is all there is."""
        return policy.encryption, policy.of_tunnel(), options["transport"]

    def check(self, vpn: Vpn, problems: Problems) -> None:
        """Note what a policy asks for that OpenVPN or TLS 1.3 has no word for."""
        place = f"{vpn.path}.policy"
        for kind, words in (("ike", {**_SUITES, **_GROUPS}), ("esp", {**_CIPHERS, **_GROUPS})):
            for index, proposal in enumerate(getattr(vpn.policy.encryption, kind)):
                path = f"{place}.encryption.{kind}[{index}]"
                wrong = [word for word in proposal.split("-") if word not in words and not word.startswith("prf")]
                if wrong:
                    problems.add(
                        path,
                        f"{proposal}: a tunnel of kind ssl cannot have {', '.join(wrong)}; it takes "
                        f"{', '.join(word for word in words if word != 'curve25519')}",
                    )
                elif kind == "ike":
                    _check_prf(proposal, path, problems)
        exchanges = _words(vpn.policy.encryption.ike) & GROUP
        for index, proposal in enumerate(vpn.policy.encryption.esp):
            other = sorted({*proposal.split("-")} & GROUP - exchanges)
            if other and not {_GROUPS.get(word) for word in other} & {_GROUPS.get(word) for word in exchanges}:
                problems.add(
                    f"{place}.encryption.esp[{index}]",
                    f"{proposal}: the keys of a tunnel of kind ssl come from TLS, whose groups are those of ike; name "
                    f"{other[0]} in ike, too",
                )

    def check_ends(self, vpn: Vpn, one: OrgEdge, other: OrgEdge, problems: Problems) -> None:
        """An edge that is not ours is told what to configure in IPsec's words only."""
        external = one if one.external else other if other.external else None
        if external:
            problems.add(
                f"{vpn.path}.tunnel",
                f"ssl: {external.name} is external, and tunnels to external edges are of kind ipsec",
            )

    def check_together(self, vpns: Sequence[Vpn], problems: Problems) -> None:
        """Nothing: all settings are a session's own."""

    def describe(self, end: Mapping[str, Any]) -> str:
        """The session in words."""
        ssl = end["ssl"]
        ports = ", else ".join(
            f"{transport.upper()} {port}" for transport, port in sorted(ssl["ports"].items(), reverse=True)
        )
        wrapped = "tls-crypt, " if ssl.get("tls_crypt") else ""  # documents of earlier releases have none
        return (
            f"{ports}, {wrapped}{' '.join(ssl['suites'])} {' '.join(ssl['groups'])} {' '.join(ssl['ciphers'])}, "
            f"rekey {ssl['rekey_time']} s, replay window {ssl['replay_window']}, DPD {ssl['dpd_delay']} s"
        )

    def describe_link(self, link: Mapping[str, Any]) -> str:
        """What is the link's own: nothing but its addresses."""
        return "in the session"


def device(tunnel: str) -> str:
    """The device of a session at the end that starts it: its name has room for 15 characters, a tunnel's has more."""
    return f"vcs{hashlib.sha256(tunnel.encode()).hexdigest()[:10]}"


def _words(proposals: Sequence[str]) -> set[str]:
    return {word for proposal in proposals for word in proposal.split("-")}


def _translated(proposals: Sequence[str], words: Mapping[str, str]) -> list[str]:
    """In the policy's order, each once."""
    found = [words[word] for proposal in proposals for word in proposal.split("-") if word in words]
    return list(dict.fromkeys(found))


def _check_prf(proposal: str, path: str, problems: Problems) -> None:
    words = proposal.split("-")
    suite, prfs = next(_SUITES[word] for word in words if word in _SUITES)
    if not any(word in prfs for word in words):
        problems.add(path, f"{proposal}: TLS 1.3 has {suite}, so ask for {' or '.join(prfs)} with it")
