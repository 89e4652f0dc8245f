# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PLAN: a policy's section ``retries``: when a peer counts as dead, and how often what fails is tried again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from ._policy_section import Places, Section, check_integer
from ._problems import Problems


@dataclass(frozen=True)
class Retries(Section):
    """How a tunnel treats silence. Times in seconds."""

    dpd_delay: int

    # A probe every 5 s is what lets a crashed edge be replaced in seconds rather than minutes; it is sent on idle
    # tunnels only.
    DEFAULTS: ClassVar[Mapping[str, Any]] = {"dpd_delay": 5}

    @classmethod
    def check(cls, raw: Mapping[str, Any], places: Places, problems: Problems) -> None:
        """Note what is wrong with the section's values."""
        check_integer(raw["dpd_delay"], 1, 3600, places["dpd_delay"], "seconds", problems)

    @classmethod
    def read(cls, raw: Mapping[str, Any]) -> Retries:
        """The section, of values that were checked."""
        return cls(**raw)

    def of_tunnel(self) -> tuple[object, ...]:
        """All of it."""
        return (self.dpd_delay,)
