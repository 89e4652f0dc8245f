# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""INTENT: an external edge, which is not ours: nothing logs in to it, and only our end of its tunnels is configured."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from ..._base.names import IDENTITY, folded
from ..._base.prefix import parse_address
from ..._base.problems import Problems, did_you_mean
from ..profiles.known import GATEWAYS, profile_of
from ..profiles.profile import ADDRESS, FQDN, Profile
from .bgp import VARIABLE, Bgp, read_bgp

AUTHENTICATION = ("psk", "certificate")
# RFC 1123, 2.1: the last label has a letter, or it would be a mistyped address.
_HOST = re.compile(
    r"(?=.{4,254}$)(?:[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.?"
)
GIVEN = "given"
"""What stands for a ``vcc_psk`` that is in order, wherever the key itself has no business."""
# What only says something of an edge that is not ours.
ONLY_EXTERNAL = ("vcc_authentication", VARIABLE, "vcc_gateway", "vcc_identity", "vcc_psk")


@dataclass(frozen=True)
class External:
    """How an external edge proves who it is: ``psk`` or ``certificate``. ``gateway``: what it is, if it is said.

    ``bgp``: of one whose tunnel is route-based.
    """

    authentication: str
    gateway: str | None = None
    bgp: Bgp | None = None

    @property
    def auth(self) -> str:
        """In swanctl's word."""
        return "psk" if self.authentication == "psk" else "pubkey"

    @property
    def profile(self) -> Profile | None:
        """What it accepts; None: what our edges propose."""
        return profile_of(self.gateway)


def is_external(variables: Mapping[str, Any]) -> bool:
    """Whether a host's variables declare it external."""
    return variables.get("vcc_external") is True


def name_of(variables: Mapping[str, Any]) -> str | None:
    """The DNS name that an external edge has in place of public addresses, in lower case; None if it has addresses."""
    said = variables.get("vcc_public_address")
    texts = [str(one) for one in (said if isinstance(said, (list, tuple)) else [said]) if one]
    if len(texts) != 1 or _is_address(texts[0]) or not _HOST.fullmatch(texts[0]):
        return None
    return texts[0].rstrip(".").lower()


def identity_of(name: str, organization: str, variables: Mapping[str, Any]) -> str:
    """The IKE identity of an edge: said, or its name, or its address where its gateway is known by nothing else."""
    own = variables.get("vcc_identity") if is_external(variables) else None
    if own is not None:
        return str(own)
    profile = GATEWAYS.get(str(variables.get("vcc_gateway"))) if is_external(variables) else None
    public = variables.get("vcc_public_address") if profile and profile.by_address else None
    addresses = [str(one) for one in (public if isinstance(public, (list, tuple)) else [public]) if one]
    return next((one for one in addresses if "." in one), f"{name}.{organization}")


def read_external(
    place: str, identity: str, variables: Mapping[str, Any], others: Collection[str], problems: Problems
) -> External | None:
    """What an org edge's variables say of it as an external one; None if it is ours.

    ``others`` are the identities (folded) of the organization's other edges: no edge may pass for another.
    """
    declared = variables.get("vcc_external", False)
    if not isinstance(declared, bool):
        problems.add(f"{place}.vcc_external", f"must be true or false, not {declared!r}")
    if not is_external(variables):
        for key in ONLY_EXTERNAL:
            if key in variables:
                problems.add(f"{place}.{key}", "is for external edges; is vcc_external: true missing?")
        return None
    authentication = variables.get("vcc_authentication", AUTHENTICATION[0])
    if authentication not in AUTHENTICATION:
        problems.add(f"{place}.vcc_authentication", f"must be {' or '.join(AUTHENTICATION)}, not {authentication!r}")
    gateway = _gateway(place, identity, authentication, variables, problems)
    if name_of(variables) is not None:
        _check_named(place, identity, gateway, variables, problems)
    if folded(identity) in others:
        if variables.get("vcc_identity") is None and _is_address(identity):
            problems.add(
                f"{place}.vcc_public_address",
                f"{identity} is what another edge of this organization is known by, too; "
                "give each external edge a public address of its own",
            )
        else:
            problems.add(f"{place}.vcc_identity", f"{identity} is the identity of another edge of this organization")
    if _is_address(identity):
        if authentication == "certificate":
            problems.add(f"{place}.vcc_identity", f"{identity}: the name in a certificate must be a DNS name")
    elif not IDENTITY.fullmatch(identity):
        problems.add(
            f"{place}.vcc_identity",
            f"{identity!r} must be a DNS name of at most 64 characters, or (with a pre-shared key) an IP address",
        )
    if variables.get("vcc_behind_nat") is True:
        problems.add(
            f"{place}.vcc_behind_nat",
            "true: our end initiates, and would not get through; have its NAT forward UDP 500 and 4500, and say "
            "forwarded",
        )
    psk = variables.get("vcc_psk", GIVEN)
    if authentication == "certificate" and "vcc_psk" in variables:
        problems.add(f"{place}.vcc_psk", "is not used with vcc_authentication: certificate; leave it out")
    elif psk != GIVEN:
        problems.add(f"{place}.vcc_psk", str(psk))
    bgp = read_bgp(place, variables, identity, str(authentication), profile_of(gateway), problems)
    return External(str(authentication), gateway, bgp)


def _check_named(
    place: str, identity: str, gateway: str | None, variables: Mapping[str, Any], problems: Problems
) -> None:
    """Where the address is whatever a name server says, only the identity tells who is there."""
    path = f"{place}.vcc_public_address"
    profile = profile_of(gateway)
    if profile is not None and profile.by_address:
        problems.add(path, f"is a name, and {profile.title} is known by its address; give the address")
    elif variables.get("vcc_identity") is None:
        problems.add(
            f"{place}.vcc_identity",
            f"is missing: {name_of(variables)} (vcc_public_address) may lead to any address, so say which identity the "
            "gateway presents, a DNS name",
        )
    elif _is_address(identity):
        problems.add(
            f"{place}.vcc_identity",
            f"{identity}: the gateway's address changes (vcc_public_address is a name); give the identity a DNS name",
        )


def _gateway(
    place: str, identity: str, authentication: object, variables: Mapping[str, Any], problems: Problems
) -> str | None:
    """What gateway it is, and what is wrong with what else is said of it."""
    said = variables.get("vcc_gateway")
    if said is None:
        return None
    profile = GATEWAYS.get(said) if isinstance(said, str) else None
    if profile is None:
        hint = did_you_mean(said, GATEWAYS) if isinstance(said, str) else f"; known are {', '.join(sorted(GATEWAYS))}"
        problems.add(
            f"{place}.vcc_gateway", f"is not a gateway with a profile: {said!r}{hint}; leave it out for other gateways"
        )
        return None
    if authentication in AUTHENTICATION and authentication not in profile.authentication:
        problems.add(
            f"{place}.vcc_authentication",
            f"{authentication}: with vcc_gateway: {profile.name}, it is {' or '.join(sorted(profile.authentication))}; "
            "change it, or leave vcc_gateway out",
        )
    said_identity = variables.get("vcc_identity") is not None
    if said_identity and (ADDRESS if _is_address(identity) else FQDN) not in profile.identities:
        problems.add(
            f"{place}.vcc_identity",
            f"{identity}: {profile.title} presents its public address; leave vcc_identity out",
        )
    if profile.longest_identity is not None and len(identity) > profile.longest_identity:
        problems.add(
            f"{place}.vcc_identity",
            f"{identity} has {len(identity)} characters, and {profile.title} takes {profile.longest_identity} at most; "
            "set a shorter one",
        )
    if name_of(variables) is None and not any(
        family in profile.families for family in _families(variables.get("vcc_public_address"))
    ):
        problems.add(f"{place}.vcc_public_address", f"has no IPv4 address, which {profile.title} needs")
    return profile.name


def _families(addresses: object) -> set[int]:
    every = addresses if isinstance(addresses, (list, tuple)) else [addresses]
    return {6 if ":" in str(one) else 4 for one in every if one}


def read_mlkem(place: str, variables: Mapping[str, Any], external: bool, problems: Problems) -> bool:
    """Whether an org edge's variables say that its strongSwan has ML-KEM."""
    declared = variables.get("vcc_mlkem", False)
    if not isinstance(declared, bool):
        problems.add(f"{place}.vcc_mlkem", f"must be true or false, not {declared!r}")
    elif declared and external:
        problems.add(f"{place}.vcc_mlkem", "is not for external edges: tunnels to them have no ML-KEM")
    return declared is True


def _is_address(text: str) -> bool:
    try:
        parse_address(text)
    except ValueError:
        return False
    return True
