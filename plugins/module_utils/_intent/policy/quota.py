# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PLAN: a policy's section ``quota``: how much may pass in an hour, a day or a month, and what happens then."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from ..._base.problems import Problems
from .section import Places, Section

Volume = Mapping[str, Any]
"""``{"octets": 10000000000, "period": "day"}``: both directions together, in a calendar period of UTC."""

SCOPES = ("vpn", "member")
PERIODS = ("hour", "day", "month")
WHEN_USED_UP = ("drop", "report")
UNITS = {
    "PB": 10**15,
    "TB": 10**12,
    "GB": 10**9,
    "MB": 10**6,
    "TiB": 2**40,
    "GiB": 2**30,
    "MiB": 2**20,
}
# What verify needs is some ten kilobytes for each pair of members.
LOWEST, HIGHEST = 10**6, 10**15
_VOLUME = re.compile(rf"(\d+)({'|'.join(UNITS)})/({'|'.join(PERIODS)})", re.ASCII)


@dataclass(frozen=True)
class Quota(Section):
    """The most that may pass in a period. None: as much as there is time for."""

    vpn: Volume | None
    member: Volume | None
    when_used_up: str

    DEFAULTS: ClassVar[Mapping[str, Any]] = {"vpn": None, "member": None, "when_used_up": "drop"}

    @classmethod
    def check(cls, raw: Mapping[str, Any], places: Places, problems: Problems) -> None:
        """Note what is wrong with the section's values."""
        volumes = {scope: _parse(raw[scope]) if isinstance(raw[scope], str) else None for scope in SCOPES}
        for scope, volume in volumes.items():
            if raw[scope] is not None and volume is None:
                problems.add(
                    places[scope],
                    f"must be a volume in an {', a '.join(PERIODS[:2])} or a {PERIODS[2]}, such as 10GB/day, "
                    f"not {raw[scope]!r}; units are {', '.join(sorted(UNITS))}",
                )
            elif volume and not LOWEST <= volume["octets"] <= HIGHEST:
                problems.add(
                    places[scope], f"{raw[scope]} must be from {octets_text(LOWEST)} to {octets_text(HIGHEST)}"
                )
        if raw["when_used_up"] not in WHEN_USED_UP:
            problems.add(places["when_used_up"], f"{raw['when_used_up']!r} must be one of: {', '.join(WHEN_USED_UP)}")
        own, all_of_them = volumes["member"], volumes["vpn"]
        if own and all_of_them and own["period"] == all_of_them["period"] and own["octets"] > all_of_them["octets"]:
            problems.add(
                places["member"],
                f"{raw['member']} for one member is more than {raw['vpn']} for all of them ({places['vpn']}); leave it "
                "out, or ask for less",
            )

    @classmethod
    def read(cls, raw: Mapping[str, Any]) -> Quota:
        """The section, of values that were checked, or that a ledger kept."""
        volumes = {scope: _parse(raw[scope]) for scope in SCOPES}
        return cls(**volumes, when_used_up=str(raw["when_used_up"]))

    def entry(self) -> dict[str, Any]:
        """What an org edge's document says of it: nothing where nothing is asked for."""
        asked = {scope: dict(getattr(self, scope)) for scope in SCOPES if getattr(self, scope)}
        return {"quota": {**asked, "when_used_up": self.when_used_up}} if asked else {}

    def lines(self) -> Iterator[str]:
        """The section in words."""
        for scope, whose in (("vpn", "all members of a site"), ("member", "a member")):
            volume: Volume | None = getattr(self, scope)
            if volume:
                yield f"quota of {whose}: {octets_text(volume['octets'])}/{volume['period']}, then {self.when_used_up}"


def octets_text(octets: int) -> str:
    """An amount in the largest unit that it is a whole number of: ``10GB``."""
    for unit, size in sorted(UNITS.items(), key=lambda one: -one[1]):
        if octets and octets % size == 0:
            return f"{octets // size}{unit}"
    return f"{octets}B"


def _parse(value: Any) -> Volume | None:
    """A volume as it is said, or as the ledger keeps it."""
    if isinstance(value, Mapping) and set(value) == {"octets", "period"}:
        return {"octets": int(value["octets"]), "period": str(value["period"])}
    found = _VOLUME.fullmatch(value) if isinstance(value, str) else None
    return {"octets": int(found[1]) * UNITS[found[2]], "period": found[3]} if found else None
