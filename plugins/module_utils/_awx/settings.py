# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AWX: what ``vcc_awx`` says: where the projects are, which image jobs run in, who may do what."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from .._base.coerce import integer
from .._base.lifetime import LONGEST, SHORTEST
from .._base.problems import Problems, did_you_mean, unknown_keys
from .._intent.paths import ORGANIZATION
from .answers import VARIABLES
from .tenants import Tenant

SETTINGS = "vcc_awx"
PROJECT = "https://github.com/intercloud/vpn.git"
CREDENTIALS = ("machine", "vault", "ledger")
_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")
_NAME = 512  # characters of a name in AWX
_MOST_SLICES = 1000
_WEEK = 7 * 86400


@dataclass(frozen=True)
class Settings:
    """As in docs/awx.md. ``organizations``: names in AWX by ours, where they differ. Times are UTC and seconds."""

    image: str
    inventory_project: str
    inventory: str
    project: str = PROJECT
    branch: str = ""
    inventory_branch: str = ""
    slices: int = 1
    verify_at: str = "02:30"
    renew_at: str = "01:30"
    certificate_days: int = 30
    approval_timeout: int = 86400
    credentials: tuple[str, ...] = ("machine",)
    report: str = ""
    organizations: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, Any] = field(default_factory=dict)

    def named(self, organization: str) -> str:
        """An organization's name in AWX."""
        return self.organizations.get(organization, organization)

    def report_of(self, organization: str) -> str:
        """The path of an organization's report: what another one sees is not in it, and it replaces no other."""
        path = PurePosixPath(self.report)
        return str(path.with_name(f"{path.stem}-{organization}{path.suffix}"))


_KEYS = tuple(Settings.__dataclass_fields__)
_EXAMPLES = {
    "image": "registry.example/intercloud-vpn:1.0",
    "inventory_project": "https://git.example/fleet.git",
    "inventory": "inventories/fleet/hosts.yml",
}
_NUMBERS = {
    "slices": (1, _MOST_SLICES),
    "approval_timeout": (0, _WEEK),
    "certificate_days": (SHORTEST, LONGEST),
}
_TIMES = ("verify_at", "renew_at")


def read_settings(raw: object, tenants: list[Tenant], problems: Problems) -> Settings | None:
    """The settings; None with a problem for each that is missing or wrong."""
    if not isinstance(raw, Mapping):
        problems.add(SETTINGS, f"must be a mapping with {', '.join(_EXAMPLES)}")
        return None
    before = len(problems)
    unknown_keys(raw, _KEYS, SETTINGS, problems)
    found: dict[str, Any] = {key: value for key, value in raw.items() if key in _KEYS and value is not None}
    for key, example in _EXAMPLES.items():
        if key not in found:
            problems.add(f"{SETTINGS}.{key}", f"is missing: for example {example}")
    for key, value in list(found.items()):
        if key in _NUMBERS:
            found[key] = _number(key, value, problems)
        elif key == "credentials":
            found[key] = _credentials(value, problems)
        elif key in ("organizations", "variables"):
            if not isinstance(value, Mapping):
                problems.add(f"{SETTINGS}.{key}", "must be a mapping")
        elif not isinstance(value, str) or not value.strip() or len(value) > _NAME:
            problems.add(f"{SETTINGS}.{key}", f"must be a text of at most {_NAME} characters, not {value!r}")
    for key in _TIMES:
        if not _TIME.fullmatch(str(found.get(key, "00:00"))):
            problems.add(f"{SETTINGS}.{key}", f'must be a time in UTC, such as "02:30", not {found[key]!r}')
    if isinstance(found.get("report"), str) and not PurePosixPath(found["report"]).name:
        problems.add(f"{SETTINGS}.report", f"must be the path of a file, not {found['report']!r}")
    _check_organizations(found.get("organizations"), tenants, problems)
    _check_variables(found.get("variables"), problems)
    return Settings(**found) if len(problems) == before else None


def _number(key: str, value: object, problems: Problems) -> int:
    low, high = _NUMBERS[key]
    number = integer(value)
    if isinstance(number, int) and not isinstance(number, bool) and low <= number <= high:
        return number
    problems.add(f"{SETTINGS}.{key}", f"must be a whole number from {low} to {high}, not {value!r}")
    return low


def _credentials(value: object, problems: Problems) -> tuple[str, ...]:
    entries = value if isinstance(value, (list, tuple)) else [value]
    for entry in entries:
        if entry not in CREDENTIALS:
            problems.add(f"{SETTINGS}.credentials", f"{entry!r} must be one of: {', '.join(CREDENTIALS)}")
    return tuple(kind for kind in CREDENTIALS if kind in entries)


def _check_variables(variables: object, problems: Problems) -> None:
    """Of what a survey asks, and of its organization, a template says nothing else: the job would be refused."""
    for name in variables if isinstance(variables, Mapping) else ():
        if name == ORGANIZATION:
            problems.add(f"{SETTINGS}.variables.{name}", "each template has its own; leave it out")
        elif name in VARIABLES:
            problems.add(f"{SETTINGS}.variables.{name}", "is what surveys ask for; leave it out")


def _check_organizations(names: object, tenants: list[Tenant], problems: Problems) -> None:
    """Each has a name of its own in AWX."""
    named = names if isinstance(names, Mapping) else {}
    known = [tenant.name for tenant in tenants]
    for ours, theirs in named.items():
        path = f"{SETTINGS}.organizations.{ours}"
        if ours not in known:
            problems.add(path, f"no host of the inventory is of this organization{did_you_mean(str(ours), known)}")
        if not isinstance(theirs, str) or not 0 < len(theirs.strip()) <= _NAME:
            problems.add(path, f"must be a name, not {theirs!r}")
    used: dict[str, str] = {}
    for ours in known:
        theirs = str(named.get(ours, ours))
        if used.setdefault(theirs, ours) != ours:
            problems.add(f"{SETTINGS}.organizations.{ours}", f"{theirs} is the name of {used[theirs]}, too")
