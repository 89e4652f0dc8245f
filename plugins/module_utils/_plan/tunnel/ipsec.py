# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PLAN: the kind ``ipsec``: one IKE_SA per pair of edges, one CHILD_SA in it per VPN."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from ..._base.problems import Problems
from ..._intent.landscape.hosts import OrgEdge
from ..._intent.policy.encryption import Encryption, usable
from ..._intent.policy.policy import Policy
from ..._intent.policy.retries import Retries
from ..._intent.profiles.profile import Profile
from ..._intent.vpn import Vpn
from ..compile.mtu import link_mtu
from .gateway import check_gateway
from .kind import Kind, Section


class Ipsec(Kind):
    """IKEv2 and ESP (strongSwan)."""

    NAME = "ipsec"
    PORTS = "UDP 500 and 4500"
    PPK = True
    AGREED = "ike, ike_rekey, ppk, dpd_delay, keyingtries and setup_delay"

    def tunnel(self, vpn: Vpn, name: str, own: OrgEdge, peer: OrgEdge, starts: bool) -> Section:
        """The IKE_SA."""
        auth = peer.external.auth if peer.external else "pubkey"
        ike = _ike(vpn.policy.encryption, vpn.policy.retries, own.mlkem and peer.mlkem, auth, starts, peer.profile)
        return {"ike": ike}

    def link(self, vpn: Vpn, own: OrgEdge, peer: OrgEdge, starts: bool) -> Section:
        """The CHILD_SA."""
        return {"esp": _esp(vpn.policy.encryption, own.mlkem and peer.mlkem, starts, peer.profile)}

    def alike(self, own: OrgEdge, peer: OrgEdge) -> Hashable:
        """What both can, how they prove who they are, and what a gateway that is not ours accepts."""
        return own.mlkem and peer.mlkem, peer.external

    def edge(self, vpn: Vpn) -> Section:
        """How charon retransmits, alike in all tunnels of the edge."""
        retransmission = vpn.policy.retries.retransmission()
        return {"retransmission": retransmission} if retransmission else {}

    def mtu(self, vpn: Vpn, one: OrgEdge, other: OrgEdge, outer_family: int) -> int:
        """What ESP leaves. Where no proposal is left there is no tunnel, and a problem noted elsewhere."""
        profile = one.profile or other.profile
        encryption = vpn.policy.encryption
        proposals = _chosen(encryption.esp, one.mlkem and other.mlkem, profile, ike=False) or encryption.esp
        mtu = link_mtu(min(one.underlay_mtu, other.underlay_mtu), outer_family, tuple(proposals))
        return mtu if profile is None or profile.inner_mtu is None else min(mtu, profile.inner_mtu)

    def agreed(self, policy: Policy, options: Mapping[str, str]) -> tuple[object, ...]:
        """What belongs to the IKE_SA."""
        return policy.of_tunnel()

    def check(self, vpn: Vpn, problems: Problems) -> None:
        """Nothing: policies are written in IPsec's words."""

    def check_ends(self, vpn: Vpn, one: OrgEdge, other: OrgEdge, problems: Problems) -> None:
        """Every edge can have it, external ones included; but ML-KEM is never left out silently, nor is a policy
        weakened for somebody's gateway."""
        lacking = [edge.name for edge in (one, other) if not edge.mlkem]
        for key in ("ike", "esp"):
            if not usable(getattr(vpn.policy.encryption, key), not lacking):
                has = "has" if len(lacking) == 1 else "have"
                problems.add(
                    f"{vpn.path}.policy",
                    f"has no proposal without ML-KEM (encryption.{key}), and {' and '.join(lacking)} {has} none; add "
                    "one, or set vcc_mlkem: true for edges whose strongSwan has it",
                )
        for edge in (one, other):
            check_gateway(vpn, edge, problems)

    def check_together(self, vpns: Sequence[Vpn], problems: Problems) -> None:
        """Charon retransmits alike in all tunnels of an edge: VPNs that meet there must agree."""
        first: dict[str, Vpn] = {}
        asked = {vpn.name: vpn.policy.retries.retransmission() for vpn in vpns}
        for vpn in vpns:
            theirs = {*vpn.partners, *(member.vm.site for member in vpn.members if member.vm.external)}
            for edge in sorted({edge for pair in vpn.pairs for edge in pair} - theirs):
                other = first.setdefault(edge, vpn)
                mine, others = asked[vpn.name], asked[other.name]
                if mine != others:
                    problems.add(
                        f"{vpn.path}.policy",
                        f"asks for {_said(mine)}, and {other.name} for {_said(others)}: both have tunnels that end "
                        f"at {edge}, where charon has one setting for all; retries.retransmit_* must be the same",
                    )

    def describe(self, end: Mapping[str, Any]) -> str:
        """The IKE_SA in words."""
        ike = end["ike"]
        return f"{' '.join(ike['proposals'])}, rekey {ike['rekey_time']} s, DPD {ike['dpd_delay']} s{_also(ike)}"

    def describe_link(self, link: Mapping[str, Any]) -> str:
        """The CHILD_SA in words."""
        esp = link["esp"]
        return f"{' '.join(esp['proposals'])}, rekey {esp['rekey_time']} s, replay window {esp['replay_window']}"


def _ike(
    encryption: Encryption, retries: Retries, mlkem: bool, auth: str, starts: bool, profile: Profile | None
) -> Section:
    asked = encryption.ike_rekey
    return {
        "proposals": _chosen(encryption.ike, mlkem, profile, ike=True),
        "rekey_time": _rekey_time(profile.ike_lifetime.rekey(asked) if profile else asked, starts),
        "dpd_delay": retries.dpd_delay,
        **retries.of_ike(),
        "auth": auth,
        **({"ppk": True} if encryption.ppk == "required" else {}),
    }


def _esp(encryption: Encryption, mlkem: bool, starts: bool, profile: Profile | None) -> Section:
    asked = encryption.esp_rekey
    return {
        "proposals": _chosen(encryption.esp, mlkem, profile, ike=False),
        "rekey_time": _rekey_time(profile.esp_lifetime.rekey(asked) if profile else asked, starts),
        "replay_window": encryption.replay_window,
    }


def _chosen(proposals: Sequence[str], mlkem: bool, profile: Profile | None, *, ike: bool) -> list[str]:
    """Of a policy's proposals those that both ends have. Where none is left, a problem is noted elsewhere."""
    found = usable(proposals, mlkem)
    return found if profile is None else profile.chosen(found, ike=ike)


def _rekey_time(seconds: int, starts: bool) -> int:
    """When an end rekeys by itself: the one that waits a twentieth later, should the other one not have done it.

    Two ends that begin at the same moment collide (RFC 7296, 2.8.1), and charon's way out of that may cost packets.
    """
    return seconds if starts else seconds + seconds // 20


def _said(retransmission: Mapping[str, object]) -> str:
    return (
        ", ".join(f"retransmit_{key} {value}" for key, value in retransmission.items()) or "the default retransmission"
    )


def _also(ike: Mapping[str, Any]) -> str:
    """What a tunnel has that most have not."""
    tries = f", {ike['keyingtries']} keying tries" if "keyingtries" in ike else ""
    delay = f", set up every {ike['setup_delay']} s" if "setup_delay" in ike else ""
    return (", PPK" if ike.get("ppk") else "") + tries + delay
