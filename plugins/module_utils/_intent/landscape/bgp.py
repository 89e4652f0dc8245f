# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""INTENT: ``vcc_bgp`` of an external edge: its tunnel is route-based, and BGP (RFC 4271) says what is behind it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..._base.coerce import boolean, integer
from ..._base.names import IDENTITY
from ..._base.prefix import Prefix, parse_address
from ..._base.problems import Problems, unknown_keys
from ..profiles.profile import Profile

VARIABLE = "vcc_bgp"
SECOND = f"{VARIABLE}.second.public_address"
OUR_ASN = 65000
"""For private use (RFC 6996)."""
MAXIMUM = 100
_KEYS = {"asn", "bfd", "inside", "maximum", "md5", "our_asn", "second"}
_SECOND = {"identity", "inside", "public_address"}
_INSIDE = {"ours", "theirs"}
# Services of clouds; reserved (RFC 3927, 2.1).
_TAKEN = ("169.254.169.0/24", "169.254.255.0/24")
# AS_TRANS (RFC 6793), and the last ones (RFC 7300).
_NO_ASN = frozenset({23456, 65535})
_LAST_ASN = 4294967294


@dataclass(frozen=True)
class Inside:
    """``ours`` and ``theirs`` are addresses inside a tunnel, in a network of ``length`` bits."""

    ours: str
    theirs: str
    length: int

    @property
    def network(self) -> Prefix:
        """The network inside the tunnel."""
        return Prefix.around(4, parse_address(self.ours).first, self.length)

    @property
    def lane(self) -> int:
        """Tells its tunnel from the VPN's others, and from those of other partners: 0x100 or more.

        It follows from our address inside, which stays when edges and VPNs get other names. The lowest ones are for
        pairs of edges.
        """
        return 0x100 + (parse_address(self.ours).first & 0xFFFF)


@dataclass(frozen=True)
class Second:
    """Another endpoint of the same gateway: its public address, its identity, and what is inside the tunnel to it."""

    public: str
    identity: str
    inside: Inside


@dataclass(frozen=True)
class Bgp:
    """BGP with a gateway, over one tunnel or two.

    ``maximum``: the most prefixes that the session takes; with more, it restarts.
    """

    asn: int
    our_asn: int
    inside: Inside
    bfd: bool
    md5: bool
    maximum: int = MAXIMUM
    second: Second | None = None

    @property
    def every(self) -> list[Inside]:
        """What is inside each tunnel."""
        return [self.inside, *([self.second.inside] if self.second else [])]


def read_bgp(
    place: str,
    variables: Mapping[str, Any],
    identity: str,
    authentication: str,
    profile: Profile | None,
    problems: Problems,
) -> Bgp | None:
    """What an external edge's variables say; None if nothing, or if it is wrong, which is noted.

    ``identity`` is the IKE identity of its first endpoint.
    """
    raw = variables.get(VARIABLE)
    if raw is None:
        return None
    path = f"{place}.{VARIABLE}"
    before = len(problems)
    if not isinstance(raw, Mapping):
        problems.add(path, f"must be a mapping with asn and inside, not {raw!r}")
        return None
    unknown_keys(raw, _KEYS, path, problems)
    if authentication != "psk":
        problems.add(path, "needs a pre-shared key; leave vcc_authentication out")
    if profile is not None and profile.bgp is None:
        problems.add(
            path,
            f"is not known for {profile.title} (vcc_gateway: {profile.name}); leave vcc_gateway out, and see what is "
            "printed for strongSwan and FRR, or leave vcc_bgp out",
        )
    asn = _asn(raw.get("asn"), f"{path}.asn", problems)
    our_asn = _asn(raw.get("our_asn", OUR_ASN), f"{path}.our_asn", problems)
    if asn and asn == our_asn:
        problems.add(f"{path}.our_asn", f"{asn} is the partner's, too; give our side a number of its own")
    options = {}
    for key in ("bfd", "md5"):
        can = profile is None or profile.bgp is None or bool(getattr(profile.bgp, key))
        said = boolean(raw.get(key, can))
        if not isinstance(said, bool):
            problems.add(f"{path}.{key}", f"must be true or false, not {said!r}")
        elif said and not can and profile is not None:
            problems.add(f"{path}.{key}", f"true: {profile.title} has none in tunnels; leave it out")
        options[key] = said is True
    maximum = integer(raw.get("maximum", MAXIMUM))
    if isinstance(maximum, bool) or not isinstance(maximum, int) or not 1 <= maximum <= 10000:
        problems.add(f"{path}.maximum", f"must be a number of prefixes from 1 to 10000, not {maximum!r}")
    inside = _inside(raw.get("inside"), f"{path}.inside", profile, problems)
    second = _second(raw, place, identity, variables, profile, problems)
    if inside and second and inside.network.overlaps(second.inside.network):
        problems.add(f"{path}.second.inside", f"overlaps {inside.network}, which the first tunnel has")
    if len(problems) > before or asn is None or our_asn is None or inside is None:
        return None
    return Bgp(asn, our_asn, inside, options["bfd"], options["md5"], int(maximum), second)


def _second(
    raw: Mapping[str, Any],
    place: str,
    identity: str,
    variables: Mapping[str, Any],
    profile: Profile | None,
    problems: Problems,
) -> Second | None:
    said, path = raw.get("second"), f"{place}.{VARIABLE}.second"
    if said is None:
        return None
    if not isinstance(said, Mapping):
        problems.add(path, f"must be a mapping with public_address and inside, not {said!r}")
        return None
    unknown_keys(said, _SECOND, path, problems)
    if profile is not None and profile.bgp is not None and not profile.bgp.endpoints:
        problems.add(path, f"is not known for {profile.title}; leave it out")
    first = variables.get("vcc_public_address")
    firsts = [str(one) for one in (first if isinstance(first, (list, tuple)) else [first])]
    try:
        public = parse_address(str(said.get("public_address", "")))
    except ValueError:
        public = None
    if public is None or public.family != 4:
        problems.add(f"{path}.public_address", "must be the IPv4 address of the gateway's second endpoint")
    elif public.address() in firsts:
        problems.add(f"{path}.public_address", f"{public.address()} is that of the first endpoint, too")
    name = said.get("identity")
    if profile is not None and profile.by_address:
        if name is not None:
            problems.add(f"{path}.identity", f"{profile.title} presents its public address; leave it out")
        name = public.address() if public else ""
    elif name is None:
        name = _beside(identity, public)
    if str(name) == identity:
        problems.add(f"{path}.identity", f"{name} is the first endpoint's, too; each has an identity of its own")
    elif not IDENTITY.fullmatch(str(name)) and (public is None or str(name) != public.address()):
        problems.add(f"{path}.identity", f"{name!r} must be a DNS name of at most 64 characters")
    inside = _inside(said.get("inside"), f"{path}.inside", profile, problems)
    return Second(public.address(), str(name), inside) if public and inside else None


def _beside(identity: str, public: Prefix | None) -> str:
    """The identity of the second endpoint where none is said: partner.acme -> partner-2.acme, or its own address."""
    first, dot, rest = identity.partition(".")
    address = public is not None and (":" in identity or identity.replace(".", "").isdigit())
    return public.address() if public is not None and address else f"{first}-2{dot}{rest}"


def _asn(said: Any, path: str, problems: Problems) -> int | None:
    number = integer(said)
    if isinstance(number, int) and not isinstance(number, bool) and 0 < number <= _LAST_ASN and number not in _NO_ASN:
        return number
    problems.add(path, "is missing: the AS number" if said is None else f"{said!r} is not the number of an AS")
    return None


def _inside(said: Any, path: str, profile: Profile | None, problems: Problems) -> Inside | None:
    if not isinstance(said, Mapping):
        problems.add(path, "is missing: the addresses inside, such as {ours: 169.254.21.2/30, theirs: 169.254.21.1}")
        return None
    unknown_keys(said, _INSIDE, path, problems)
    text, _slash, bits = str(said.get("ours", "")).partition("/")
    try:
        ours, theirs = parse_address(text), parse_address(str(said.get("theirs", "")))
        length = int(bits)
        network = Prefix.around(ours.family, ours.first, length) if ours.family == 4 and 24 <= length <= 31 else None
    except ValueError:
        network = None
    if network is None:
        problems.add(path, "must be {ours: ADDRESS/LENGTH, theirs: ADDRESS} of IPv4, with a length from 24 to 31")
        return None
    ends = (network.first, network.last) if network.size > 2 else ()
    if not network.contains(theirs) or ours == theirs or {ours.first, theirs.first} & {*ends}:
        problems.add(path, f"ours and theirs must be two hosts of one network, and {network} has not both")
        return None
    if not Prefix.parse("169.254.0.0/16").contains(network):
        problems.add(path, f"{network} must be in 169.254.0.0/16 (RFC 3927), which no VPN and no network has")
    elif any(Prefix.parse(one).overlaps(network) for one in _TAKEN):
        problems.add(path, f"{network} is in {' or '.join(_TAKEN)}, which are used otherwise; choose another one")
    rules = profile.bgp if profile else None
    if rules and profile:
        if rules.length is not None and network.length != rules.length:
            problems.add(path, f"{network}: {profile.title} takes networks of /{rules.length}")
        if rules.networks and not any(Prefix.parse(one).contains(theirs) for one in rules.networks):
            problems.add(path, f"theirs must be in {' or '.join(rules.networks)} for {profile.title}, not {theirs}")
        if any(Prefix.parse(one).overlaps(network) for one in rules.reserved):
            problems.add(path, f"{network} is reserved by {profile.title}; choose another one")
        if rules.first and (theirs.first, ours.first) != (network.first + 1, network.first + 2):
            problems.add(
                path,
                f"{profile.title} has the first host of {network} and our side the second: write ours: "
                f"{network.address(2)}/{network.length}, theirs: {network.address(1)}",
            )
    return Inside(ours.address(), theirs.address(), length)
