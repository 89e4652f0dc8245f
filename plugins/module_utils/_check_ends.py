# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""INTENT: whether the edges at both ends of a VPN's tunnels can do what its policy asks for.

A PPK and ML-KEM are never left out silently, and charon retransmits alike in all tunnels of an edge.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ._landscape_hosts import OrgEdge
from ._policy_encryption import usable
from ._problems import Problems
from ._vpn import Vpn

IPSEC = "ipsec"


def check_ends(vpn: Vpn, edges: Iterable[OrgEdge], problems: Problems) -> None:
    """Note what the edges of one VPN cannot do of what it asks for."""
    by_name = {edge.name: edge for edge in edges}
    for low, high in vpn.pairs:
        _check_ppk(vpn, [by_name[low], by_name[high]], problems)
        if vpn.tunnel == IPSEC:  # another kind has no word for it, and says so itself
            _check_mlkem(vpn, [by_name[low], by_name[high]], problems)


def _check_ppk(vpn: Vpn, ends: list[OrgEdge], problems: Problems) -> None:
    if vpn.policy.encryption.ppk == "required" and vpn.tunnel != IPSEC:
        problems.add(
            f"{vpn.path}.policy",
            f"requires a PPK (encryption.ppk), and tunnels of kind {vpn.tunnel} have none; take tunnel: {IPSEC}, or "
            "a policy with ppk: none",
        )
    for edge in ends:
        if edge.external and vpn.policy.encryption.ppk == "required":
            problems.add(
                f"{vpn.path}.policy",
                f"requires a PPK (encryption.ppk), and {edge.name} is external: tunnels to it have none; take a policy "
                "with ppk: none for this VPN",
            )


def _check_mlkem(vpn: Vpn, ends: list[OrgEdge], problems: Problems) -> None:
    lacking = [edge.name for edge in ends if not edge.mlkem]
    for key in ("ike", "esp"):
        if not usable(getattr(vpn.policy.encryption, key), not lacking):
            has = "has" if len(lacking) == 1 else "have"
            problems.add(
                f"{vpn.path}.policy",
                f"has no proposal without ML-KEM (encryption.{key}), and {' and '.join(lacking)} {has} none; add one, "
                "or say vcc_mlkem: true of edges whose strongSwan has it",
            )


def check_retransmission(vpns: Iterable[Vpn], problems: Problems) -> None:
    """All tunnels of an edge are retransmitted alike: VPNs that meet there must agree."""
    first: dict[str, Vpn] = {}
    for vpn in sorted(vpns, key=lambda one: one.name):
        theirs = {member.vm.site for member in vpn.members if member.vm.external}
        for pair in vpn.pairs if vpn.tunnel == IPSEC else ():
            for edge in sorted({*pair} - theirs):
                other = first.setdefault(edge, vpn)
                mine, others = (one.policy.retries.retransmission() for one in (vpn, other))
                if mine != others:
                    problems.add(
                        f"{vpn.path}.policy",
                        f"asks for {_said(mine)}, and {other.name} for {_said(others)}: both have tunnels that end at "
                        f"{edge}, where charon has one setting for all; retries.retransmit_* must be the same",
                    )


def _said(retransmission: Mapping[str, object]) -> str:
    return (
        ", ".join(f"retransmit_{key} {value}" for key, value in retransmission.items()) or "the default retransmission"
    )
