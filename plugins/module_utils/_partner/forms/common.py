# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PARTNER: what all forms have in common."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any

from ..._intent.profiles.profile import Profile
from ..._intent.profiles.proposal import Proposal, parsed

Section = Mapping[str, Any]


def proposals(section: Section) -> list[Proposal]:
    """The proposals of a tunnel's or a VPN's section, taken apart."""
    return [parsed(text) for text in section["proposals"]]


def lifetimes(tunnel: Section, vpn: Section, profile: Profile) -> tuple[int, int]:
    """What is set on the gateway, in seconds: of IKE and of ESP. Our edge rekeys before."""
    ike, esp = (entry["rekey_time"] * 100 // profile.rekeys_after for entry in (tunnel["ike"], vpn["esp"]))
    return profile.ike_lifetime.shown(ike), profile.esp_lifetime.shown(esp)


def placeholder(tunnel: Section) -> str:
    """What stands for a key that is not shown: where it is."""
    return f"THE KEY: {tunnel['psk']}"


def bgp_key(psk: str | None) -> str:
    """The key of a BGP session's segments (RFC 2385), which follows from the tunnel's; what stands for it without one.

    Our edge computes the same (``_node/bgp/sessions.py``). Names have no part in it: they may change.
    """
    if psk is None:
        return "THE-KEY-IS-SHOWN-WITH-vcc_show_secrets"
    return hashlib.sha256(f"intercloud.vpn BGP\0{psk}".encode()).hexdigest()[:32]


def one_line(text: object) -> str:
    """A text as it may stand in a comment: nothing in it ends the line."""
    return "".join(char if " " <= char <= "~" else "?" for char in str(text))


def short(name: str, longest: int, pattern: str = r"[^A-Za-z0-9_-]") -> str:
    """A name of at most so many characters. A longer one ends with a digest, so that no two become one."""
    fit = re.sub(pattern, "-", name)
    if len(fit) <= longest and fit == name.rstrip("-"):
        return fit
    digest = hashlib.sha256(name.encode()).hexdigest()[:6]
    return f"{fit[: longest - 7].rstrip('-_')}-{digest}"


def unique(items: list[str]) -> list[str]:
    """Each once, in order."""
    return list(dict.fromkeys(items))


def is_address(identity: str) -> bool:
    """Whether an identity is an address and no name."""
    return identity.replace(".", "").isdigit() or ":" in identity
