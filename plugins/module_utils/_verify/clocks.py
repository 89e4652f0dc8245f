# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""VERIFY: do the nodes' clocks agree with the controller's? By a node's clock its certificates begin and end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from typing import Any

from .finding import WARNING, Finding

Section = Mapping[str, Any]
FORMAT = "%Y-%m-%dT%H:%M:%SZ"
SKEW = 60  # seconds; certificates begin ten minutes before they are signed, quotas and logs are about minutes


def clock_of(facts: Section) -> datetime | None:
    """What a node's clock said when it was observed; None for a node that did not say."""
    text = facts.get("clock")
    return datetime.strptime(text, FORMAT).replace(tzinfo=timezone.utc) if text else None


def skew_of(facts: Section) -> float | None:
    """By how many seconds a node's clock is ahead of the controller's, negative if it is behind; None: not known.

    The controller's time was noted before and after: what lies between is not a skew.
    """
    clock, asked = clock_of(facts), facts.get("asked")
    if clock is None or not isinstance(asked, (list, tuple)) or len(asked) != 2:
        return None
    before, after, there = float(asked[0]), float(asked[1]), clock.timestamp()
    if there > after:
        return there - after
    return there + 1 - before if there + 1 < before else 0.0  # the node's clock is told in whole seconds


def judge_clocks(observed: Mapping[str, Section]) -> Iterator[Finding]:
    """A warning for every node whose clock is off by more than a minute."""
    for node in sorted(observed):
        skew = skew_of(observed[node])
        if skew is not None and abs(skew) > SKEW:
            ours = datetime.fromtimestamp(float(observed[node]["asked"][1]), timezone.utc).strftime(FORMAT)
            seen = f"{node} has {observed[node]['clock']}, and the controller has {ours}: {_words(skew)}"
            look = f"the clocks: `timedatectl` on {node} and on the controller"
            yield Finding(WARNING, f"clock of {node}", f"the controller's time, within {SKEW} s", seen, look)


def _words(skew: float) -> str:
    return f"{abs(skew):.0f} s {'ahead' if skew > 0 else 'behind'}"
