# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""VERIFY: a finding is one thing that is not as planned; a result is all that was found out."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

from .._base.problems import some
from .which_pairs import Choice

ERROR, WARNING = "error", "warning"
SHOWN = 3


@dataclass(frozen=True)
class Finding:
    """What it is about, what was expected, what was seen, and where to look next."""

    severity: str
    subject: str
    expected: str
    seen: str
    look: str
    hosts: tuple[str, ...] = ()  # where the cause is, if that is known


def known(causes: Iterable[Collection[str]]) -> tuple[str, ...]:
    """The hosts that are the cause of all that a finding is about; () if something of it has no known cause."""
    listed = list(causes)
    return tuple(sorted({host for hosts in listed for host in hosts})) if all(listed) else ()


@dataclass
class Result:
    """What verify found out: one record per ordered member pair, edge, link, quota, probe that must fail, and port
    or name that must answer."""

    pairs: list[dict[str, Any]] = field(default_factory=list)
    edges: list[dict[str, Any]] = field(default_factory=list)
    links: list[dict[str, Any]] = field(default_factory=list)
    negative: list[dict[str, Any]] = field(default_factory=list)
    ports: list[dict[str, Any]] = field(default_factory=list)
    names: list[dict[str, Any]] = field(default_factory=list)
    usage: list[dict[str, Any]] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    choice: Choice = field(default_factory=Choice)

    @property
    def ok(self) -> bool:
        """Whether all is as planned. A warning is not a fault."""
        return not any(finding.severity == ERROR for finding in self.findings)


def few(items: Iterable[str]) -> str:
    """The first items of a list that may be long."""
    return some(list(items), SHOWN)
