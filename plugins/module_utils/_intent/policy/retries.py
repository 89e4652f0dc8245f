# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PLAN: a policy's section ``retries``: when a peer counts as dead, and how often what fails is tried again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from ..._base.problems import Problems
from .section import Places, Section, check_integer, check_number


@dataclass(frozen=True)
class Retries(Section):
    """How a tunnel treats silence, and a peer that says no. Times in seconds.

    A request that is not answered is sent again ``retransmit_tries`` times; before the n-th time charon waits
    ``retransmit_timeout * retransmit_base ** (n - 1)``, and after the last one once more as long as the row goes on.
    charon has one such setting for all tunnels of an edge.
    """

    dpd_delay: int
    retransmit_timeout: float
    retransmit_base: float
    retransmit_tries: int
    keyingtries: int
    setup_delay: int

    # A probe every 5 s is what lets a crashed edge be replaced in seconds rather than minutes; it is sent on idle
    # tunnels only. A dead peer is given up after 1 + 1.4 + 1.96 + 2.74 + 3.84 = 11 s, not after strongSwan's 165 s.
    DEFAULTS: ClassVar[Mapping[str, Any]] = {
        "dpd_delay": 5,
        "retransmit_timeout": 1.0,
        "retransmit_base": 1.4,
        "retransmit_tries": 4,
        "keyingtries": 0,
        "setup_delay": 20,
    }

    @classmethod
    def check(cls, raw: Mapping[str, Any], places: Places, problems: Problems) -> None:
        """Note what is wrong with the section's values."""
        check_integer(raw["dpd_delay"], 1, 3600, places["dpd_delay"], "seconds", problems)
        # A tenth of a second is less than the way round the world; a minute without a second try is not a try.
        check_number(raw["retransmit_timeout"], 0.1, 60, places["retransmit_timeout"], "seconds", problems)
        check_number(raw["retransmit_base"], 1, 3, places["retransmit_base"], "times as long", problems)
        check_integer(raw["retransmit_tries"], 1, 10, places["retransmit_tries"], "retransmissions", problems)
        check_integer(raw["keyingtries"], 0, 100, places["keyingtries"], "attempts", problems)
        check_integer(raw["setup_delay"], 5, 3600, places["setup_delay"], "seconds", problems)

    @classmethod
    def read(cls, raw: Mapping[str, Any]) -> Retries:
        """The section, of values that were checked."""
        values = dict(raw)
        return cls(**{**values, **{key: float(raw[key]) for key in ("retransmit_timeout", "retransmit_base")}})

    def of_tunnel(self) -> tuple[object, ...]:
        """What belongs to the IKE_SA."""
        return self.dpd_delay, self.keyingtries, self.setup_delay

    def retransmission(self) -> dict[str, Any]:
        """What belongs to the edge, as ``{"timeout", "base", "tries"}``; empty where all of it is the default."""
        found = {key: getattr(self, f"retransmit_{key}") for key in ("timeout", "base", "tries")}
        return {} if all(value == self.DEFAULTS[f"retransmit_{key}"] for key, value in found.items()) else found

    def of_ike(self) -> dict[str, int]:
        """What a tunnel's document says beside ``dpd_delay``: what is not the default."""
        found = {key: getattr(self, key) for key in ("keyingtries", "setup_delay")}
        return {key: value for key, value in found.items() if value != self.DEFAULTS[key]}
