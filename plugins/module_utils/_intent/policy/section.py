# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PLAN: what all sections of a policy have in common.

A section is a frozen dataclass in a file of its own here, named in ``policy.SECTIONS``. A policy
that extends another overrides it key by key within a section.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from ..._base.problems import Problems

Places = Mapping[str, str]
"""The path in the intent of each of a section's keys: where it was said, be that in a policy this one extends."""


class Section(ABC):
    """A section; its fields are its keys."""

    DEFAULTS: ClassVar[Mapping[str, Any]]
    """Every key there is, with the value it has in ``standard``. Plain data."""

    @classmethod
    @abstractmethod
    def check(cls, raw: Mapping[str, Any], places: Places, problems: Problems) -> None:
        """Note what is wrong with the section's values; ``raw`` has every key."""

    @classmethod
    @abstractmethod
    def read(cls, raw: Mapping[str, Any]) -> Section:
        """The section, of values that were checked, or that a ledger kept."""

    def of_tunnel(self) -> tuple[object, ...]:
        """What every VPN that shares a tunnel has to agree on."""
        return ()


def check_integer(value: object, low: int, high: int, path: str, unit: str, problems: Problems) -> None:
    """Note it unless ``value`` is a whole number of ``unit`` within bounds."""
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        problems.add(path, f"must be a whole number of {unit} from {low} to {high}, not {value!r}")


def check_number(value: object, low: float, high: float, path: str, unit: str, problems: Problems) -> None:
    """Note it unless ``value`` is a number of ``unit`` within bounds."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        problems.add(path, f"must be a number of {unit} from {low:g} to {high:g}, not {value!r}")
