# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""INTENT: what a gateway accepts, as data, and what of a policy that leaves.

Nothing is ever weakened for a gateway: of a policy's own proposals those are used that the gateway takes. Where that is
none, the policy is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product

from ..policy.encryption import AEAD
from .proposal import GROUP_BITS, GROUPS, KEY_BITS, Proposal, parsed

ADDRESS, FQDN = "address", "fqdn"
"""Types of IKE identities. Key ids and distinguished names are no identities of edges here."""
PSK, CERTIFICATE = "psk", "certificate"
SHA2 = frozenset({"sha256", "sha384", "sha512"})


@dataclass(frozen=True)
class Source:
    """Where a fact was read: the document, and the day (ISO 8601)."""

    document: str
    read: str


@dataclass(frozen=True)
class Suite:
    """Algorithms of IKE or ESP, in swanctl's words. ``hashes``: integrity, and in IKE the PRF.

    ``own_prf``: whether a PRF can have another hash than the integrity algorithm.
    """

    ciphers: frozenset[str]
    hashes: frozenset[str]
    groups: frozenset[str]
    own_prf: bool = False

    def refused(self, proposal: Proposal) -> list[str]:
        """The words of a proposal that the gateway does not take."""
        found = [] if proposal.cipher in self.ciphers else [proposal.cipher]
        found += [proposal.hash] if proposal.hash and proposal.hash not in self.hashes else []
        if not proposal.aead and proposal.prf not in ("", proposal.hash):
            found += [] if self.own_prf and proposal.prf in self.hashes else [f"prf{proposal.prf}"]
        return [*found, *([] if proposal.group in self.groups else [proposal.group])]

    def every(self, *, ike: bool) -> Iterator[Proposal]:
        """All proposals that the gateway takes. A group with two names comes once."""
        groups = {GROUPS[group]: group for group in sorted(self.groups, reverse=True)}.values()
        for cipher, group in product(sorted(self.ciphers), sorted(groups)):
            for hash_ in sorted(self.hashes) if ike or cipher not in AEAD else [""]:
                yield Proposal(cipher, hash_, hash_ if ike else "", group)


@dataclass(frozen=True)
class Limits:
    """The lowest and the highest value that can be set; the same if it is fixed. None: no limit is known."""

    lowest: int | None = None
    highest: int | None = None

    def rekey(self, asked: int) -> int:
        """When our edge rekeys, of what a policy asks for: after four fifths of the gateway's at the latest.

        So it is ours that rekeys, and not both ends at one moment. Earlier than asked for is never weaker.
        """
        return asked if self.highest is None else min(asked, self.highest * 4 // 5)

    def shown(self, rekey: int) -> int:
        """What is set on the gateway: a tenth more than when our edge rekeys, within the limits."""
        return self.within(rekey + rekey // 10)

    def within(self, value: int) -> int:
        """The value that is nearest to one, and can be set."""
        longer = max(value, self.lowest or 0)
        return longer if self.highest is None else min(longer, self.highest)


@dataclass(frozen=True)
class PskForm:
    """What a pre-shared key must look like, beside what is so for all of them."""

    shortest: int = 1
    longest: int | None = None
    characters: str = r"[ -~]"
    rule: str = ""
    """The characters in words."""
    not_first: str = ""

    def wrong(self, key: str, title: str) -> str | None:
        """What is wrong with a key, or None. The key is never part of the answer."""
        if len(key) < self.shortest or (self.longest is not None and len(key) > self.longest):
            return f"{title} takes keys of {self.shortest} to {self.longest} characters, and this has {len(key)}"
        if not re.fullmatch(f"(?:{self.characters})+", key):
            return f"{title} takes {self.rule} in keys only"
        if self.not_first and key[0] in self.not_first:
            return f"{title} takes no key that begins with {self.not_first}"
        return None


@dataclass(frozen=True)
class BgpForm:
    """What a gateway takes of BGP in a tunnel: ``md5`` (RFC 2385), ``bfd`` (RFC 5881), and addresses inside.

    ``length``: of the network inside. ``networks``: one of them has its address. ``reserved``: it takes none of these.
    ``first``: whether it has the network's first host, and our edge the second. ``hold``: seconds, where it negotiates
    none.
    """

    md5: bool = False
    bfd: bool = False
    length: int | None = None
    networks: tuple[str, ...] = ()
    reserved: tuple[str, ...] = ()
    first: bool = False
    hold: int | None = None
    endpoints: bool = False
    """Whether the settings of two endpoints are printed."""


@dataclass(frozen=True)
class Profile:
    """A gateway. ``name`` is its word in the inventory, ``title`` its name for people."""

    name: str
    title: str
    ike: Suite
    esp: Suite
    sources: tuple[Source, ...]
    unconfirmed: tuple[str, ...] = ()
    """What no document said, and how it is treated: the careful way."""
    ike_lifetime: Limits = field(default_factory=Limits)
    """Seconds, as that of ESP."""
    esp_lifetime: Limits = field(default_factory=Limits)
    dpd: Limits = field(default_factory=Limits)
    """Seconds after which a dead peer is one."""
    one_proposal: bool = False
    """Whether a connection has one proposal each for IKE and ESP."""
    one_pfs_group: bool = False
    """Whether all ESP proposals have one group."""
    one_pair: bool = True
    """Whether a CHILD_SA has one pair of selectors. Neither end narrows: both have the same ones."""
    one_child: bool = False
    """Whether a tunnel has one CHILD_SA."""
    one_peer: bool = False
    """Whether it has another public address for each of our edges, so that a tunnel leads to one of them only."""
    responds_only: bool = True
    """Whether the gateway can be told not to initiate."""
    rekeys_after: int = 100
    """Percent of a lifetime that is set, after which the gateway rekeys by itself."""
    identities: frozenset[str] = frozenset({ADDRESS, FQDN})
    authentication: frozenset[str] = frozenset({PSK})
    families: frozenset[int] = frozenset({4})
    """IP versions, inside and outside."""
    psk: PskForm = field(default_factory=PskForm)
    underlay_mtu: int | None = None
    """The largest outer packet, in octets."""
    inner_mtu: int | None = None
    """The largest packet inside the tunnel, in octets."""
    tunnels: int = 1
    """Tunnels that a connection of it always has. The first one is used."""
    longest_identity: int | None = None
    """Characters of its own identity."""
    reserved: tuple[int, int] = (0, 0)
    """How many addresses at the begin and at the end of an IPv4 subnet its cloud keeps for itself."""
    replay_window: Limits = field(default_factory=Limits)
    """Packets."""
    bgp: BgpForm | None = None
    """Of one whose settings for route-based tunnels are printed."""

    @property
    def by_address(self) -> bool:
        """Whether both ends are known by their public addresses, and by nothing else."""
        return self.identities == {ADDRESS}

    def chosen(self, proposals: Sequence[str], *, ike: bool) -> list[str]:
        """Of a policy's proposals those that the gateway takes together, in order; maybe none."""
        suite = self.ike if ike else self.esp
        found = [proposal for proposal in proposals if not suite.refused(parsed(proposal))]
        if self.one_proposal:
            return found[:1]
        if self.one_pfs_group and not ike:
            return [one for one in found if parsed(one).number == parsed(found[0]).number]
        return found

    def nearest(self, proposal: str, *, ike: bool) -> str:
        """What the gateway takes and is nearest to a proposal: at least as strong where there is such a one."""
        asked = parsed(proposal)
        suite = self.ike if ike else self.esp
        return min(suite.every(ike=ike), key=lambda one: (*_distance(asked, one), one)).text(ike=ike)

    def why_not(self, proposals: Sequence[str], *, ike: bool) -> str:
        """Why it takes none of some proposals, and the nearest to the first that it takes."""
        suite, kind = (self.ike, "IKE") if ike else (self.esp, "ESP")
        reasons = ", ".join(f"of {one} not {' and '.join(suite.refused(parsed(one)))}" for one in proposals)
        nearest = self.nearest(proposals[0], ike=ike)
        return f"for {kind}, {self.title} takes {reasons}; the nearest that it takes is {nearest}"


def _distance(asked: Proposal, offered: Proposal) -> tuple[int, int, int]:
    """How much weaker, how many other words, how much stronger."""
    pairs = [
        (KEY_BITS[asked.cipher], KEY_BITS[offered.cipher]),
        (_bits(asked.hash) // 2, _bits(offered.hash) // 2),
        (GROUP_BITS[asked.group], GROUP_BITS[offered.group]),
    ]
    if not (asked.hash and offered.hash):
        del pairs[1]
    weaker = sum(max(0, one - other) for one, other in pairs)
    stronger = sum(max(0, other - one) for one, other in pairs)
    others = (asked.cipher != offered.cipher) + (asked.aead != offered.aead)
    others += (asked.hash != offered.hash) + (asked.number != offered.number)
    return weaker, others, stronger


def _bits(name: str) -> int:
    return int(name.removeprefix("sha") or 0)
