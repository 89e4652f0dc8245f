# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The document a node is told, and what can be read off it without looking at the node (docs/documents.md)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

try:  # hashlib loads OpenSSL: 4 MB that a resident agent has no other use for
    from _sha2 import sha256 as _sha256  # type: ignore[import-not-found]  # Python 3.12 and later
except ImportError:
    try:
        from _sha256 import sha256 as _sha256  # type: ignore[import-not-found]
    except ImportError:
        from hashlib import sha256 as _sha256

Document = dict[str, Any]

LISTS = ("addresses", "routes", "vpns", "tunnels")
LIBIPSEC_DEVICE = "ipsec0"
LANE = 1 << 16  # beside the number of a VPN, which has 16 bits: the lane of a tunnel in an if_id
STRETCH_DEVICE = "vcl"  # with the VPN's number: the VXLAN device of a stretched network


def link_name(link: Mapping[str, Any]) -> str:
    """The name of a link in its tunnel, and so of a CHILD_SA: that of its VPN, but for those of members that moved."""
    return str(link.get("name", link["vpn"]))


EVERYTHING = (["0.0.0.0/0"], ["0.0.0.0/0"])


def selectors(tunnel: Mapping[str, Any], link: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """The traffic selectors of a CHILD_SA, ours and the peer's.

    Those of a route-based tunnel are everything: what its link has is what BGP may say, and the firewall lets through.
    """
    return EVERYTHING if tunnel.get("bgp") else (link["local_ts"], link["remote_ts"])


def is_for_moved(link: Mapping[str, Any]) -> bool:
    """Whether a link is for members that moved.

    Others with a name are further pairs of selectors of a VPN's link, or for hellos between the edges of a tunnel.
    """
    return "name" in link and not link.get("hello") and not str(link["name"]).startswith(f"{link['vpn']}++")


def lane_of(tunnel: Mapping[str, Any]) -> int:
    """The lane that a tunnel is: its peer's number in its site, 0 unless the peer is the second edge of a pair."""
    return int(tunnel.get("lane", 0))


def site_of(tunnel: Mapping[str, Any]) -> str:
    """The site that a tunnel leads to: its peer, unless that is one of a pair."""
    return str(tunnel.get("site", tunnel["peer"]))


def lane_device(number: int, lane: int = 0) -> str:
    """The XFRM interface of a VPN's lane."""
    return f"vcc{number}{'b' if lane else ''}"


def if_id(number: int, lane: int = 0) -> int:
    """What ties the policies and states of a VPN's lane to its XFRM interface."""
    return number | lane * LANE


@dataclass(frozen=True)
class Change:
    """One thing that differs between the node and its document, and what is done about it."""

    subsystem: str
    action: str
    before: str = ""
    after: str = ""


@dataclass(frozen=True)
class Generation:
    """A document with the files made for it: all that a node needs to be brought into a state, now or at boot."""

    document: Document = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    backend: str = "none"
    awaited: frozenset[str] = frozenset()
    """In check mode: tunnels whose pre-shared key the real run would make. Never stored."""

    @cached_property
    def digest(self) -> str:
        """Tells generations with different content apart.

        Nodes name what they have stored by it: computed otherwise, it would make all of that look damaged.
        """
        content = json.dumps([self.document, self.files, self.backend], sort_keys=True)
        return sha256(content)

    @property
    def name(self) -> str:
        """The name of its directory on the node."""
        return f"{int(self.document.get('generation', 0))}-{self.digest[:12]}"

    @property
    def empty(self) -> bool:
        """Whether no VPN concerns the node: then nothing of ours may remain on it."""
        return not any(self.document.get(key) for key in (*LISTS, "sysctls"))

    def listed(self, key: str) -> list[dict[str, Any]]:
        """The entries of one of the document's lists."""
        return list(self.document.get(key) or [])

    def tunnels(self, kind: str) -> list[dict[str, Any]]:
        """The tunnels of a kind."""
        return [tunnel for tunnel in self.listed("tunnels") if tunnel.get("kind", "ipsec") == kind]

    def lanes(self) -> dict[str, list[int]]:
        """The lanes of each VPN of kind ipsec: two where it has tunnels to both edges of a pair."""
        found: dict[str, set[int]] = {}
        for tunnel in self.tunnels("ipsec"):
            for link in tunnel.get("links", []):
                found.setdefault(str(link["vpn"]), {0}).add(lane_of(tunnel))
        return {name: sorted(lanes) for name, lanes in found.items()}

    @property
    def hellos(self) -> list[dict[str, Any]]:
        """The tunnels over which this edge and its peer say hello to each other: those of pairs (docs/pairs.md)."""
        return [tunnel for tunnel in self.tunnels("ipsec") if tunnel.get("hello")]

    @property
    def pair(self) -> Document:
        """What the document says of the pair that this edge is one of; empty where it is the only edge of its site."""
        return dict(self.document.get("pair") or {})

    @property
    def sysctls(self) -> dict[str, str]:
        """Kernel settings by name."""
        return {str(key): str(value) for key, value in (self.document.get("sysctls") or {}).items()}

    def tunnel_device(self, vpn: str, lane: int = 0) -> str:
        """The device that packets of `vpn` take to the other sites."""
        if self.backend != "xfrm":
            return LIBIPSEC_DEVICE
        for entry in self.listed("vpns"):
            if entry["name"] == vpn:
                return lane_device(entry["number"], lane)
        raise ValueError(f"routes: tunnel {vpn} is none of the document's VPNs")


NOTHING = Generation()


def sha256(text: str) -> str:
    """A digest of a file's content."""
    return sha256_of(text.encode())


def sha256_of(data: bytes) -> str:
    """A digest of octets."""
    return str(_sha256(data).hexdigest())
