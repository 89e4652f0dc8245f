# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PLAN: a policy's section ``rate``: how much may pass per second, for a VPN at a site and for each of its members."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from ..._base.problems import Problems, unknown_keys
from .section import Places, Section

Rates = Mapping[str, int]
"""Direction -> octets per second. ``out``: from a site's members into the VPN; ``in``: out of it, to them."""

DIRECTIONS = ("out", "in")
SCOPES = ("vpn", "member")
# As tc(8) has them: decimal, in bits.
UNITS = {"gbit": 10**9, "mbit": 10**6, "kbit": 10**3}
# Below, one segment as large as a gateway hands them on (64 KB) would be more than a second's worth.
LOWEST, HIGHEST = 500 * 10**3, 100 * 10**9
_RATE = re.compile(r"(\d+)(kbit|mbit|gbit)", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True)
class Rate(Section):
    """The most that may pass, by direction. None: as much as there is room for."""

    vpn: Rates | None
    member: Rates | None

    DEFAULTS: ClassVar[Mapping[str, Any]] = {"vpn": None, "member": None}

    @classmethod
    def check(cls, raw: Mapping[str, Any], places: Places, problems: Problems) -> None:
        """Note what is wrong with the section's values."""
        before = len(problems)
        for scope in SCOPES:
            for path, value in _said(raw[scope], places[scope], problems):
                if _octets(value) is None:
                    problems.add(path, f"must be a rate such as 500kbit, 10mbit or 1gbit, not {value!r}")
                elif not LOWEST <= 8 * (_octets(value) or 0) <= HIGHEST:
                    problems.add(path, f"{value} must be from {rate_text(LOWEST // 8)} to {rate_text(HIGHEST // 8)}")
        if len(problems) == before:
            rate = cls.read(raw)
            for way in DIRECTIONS:
                own, all_of_them = (rate.member or {}).get(way), (rate.vpn or {}).get(way)
                if own and all_of_them and own > all_of_them:
                    problems.add(
                        places["member"],
                        f"{rate_text(own)} {way} for one member is more than {rate_text(all_of_them)} for all of them "
                        f"({places['vpn']}); leave it out, or ask for less",
                    )

    @classmethod
    def read(cls, raw: Mapping[str, Any]) -> Rate:
        """The section, of values that were checked, or that a ledger kept."""
        return cls(**{scope: _rates(raw[scope]) for scope in SCOPES})

    def entry(self) -> dict[str, Any]:
        """What an org edge's document says of it: nothing where nothing is asked for."""
        asked = {scope: dict(getattr(self, scope)) for scope in SCOPES if getattr(self, scope)}
        return {"rate": asked} if asked else {}

    def lines(self) -> Iterator[str]:
        """The section in words."""
        for scope, whose in (("vpn", "all members of a site"), ("member", "a member")):
            rates: Rates = getattr(self, scope) or {}
            if rates:
                yield f"rate of {whose}: {', '.join(f'{rate_text(rates[way])} {way}' for way in rates)}"


def rate_text(octets: int) -> str:
    """Octets per second as tc writes them: ``10mbit``."""
    unit, size = next((unit, size) for unit, size in UNITS.items() if 8 * octets % size == 0)
    return f"{8 * octets // size}{unit}"


def _said(value: object, path: str, problems: Problems) -> Iterator[tuple[str, object]]:
    """Each rate that was said, with its place."""
    if isinstance(value, Mapping):
        unknown_keys(value, DIRECTIONS, path, problems)
        yield from ((f"{path}.{way}", value[way]) for way in DIRECTIONS if value.get(way) is not None)
    elif value is not None:
        yield path, value


def _octets(value: object) -> int | None:
    found = _RATE.fullmatch(value) if isinstance(value, str) else None
    return int(found[1]) * UNITS[found[2].lower()] // 8 if found else None


def _rates(value: Any) -> Rates | None:
    """One value is meant for both directions. The ledger keeps numbers."""
    both = value if isinstance(value, Mapping) else dict.fromkeys(DIRECTIONS, value)
    said = {way: both[way] for way in DIRECTIONS if both.get(way)}
    found = {way: rate if isinstance(rate, int) else _octets(rate) for way, rate in said.items()}
    return {way: octets for way, octets in found.items() if octets} or None
