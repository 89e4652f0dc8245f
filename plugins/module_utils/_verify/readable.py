# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""VERIFY: a host whose answer makes no sense is a finding, and does not keep the others from being judged.

A host that was broken into may answer anything: a text for a number, a time in the year 10^18, nothing where a list is
due. Nothing is asked of answers beforehand. Only where judging them fails, the hosts are found that it fails for.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeVar

T = TypeVar("T")
Section = Mapping[str, Any]
UNREADABLE = (ArithmeticError, AttributeError, LookupError, OSError, RuntimeError, TypeError, ValueError)
"""What comes of reading data of another shape."""
SENSELESS: Section = {"failed": True, "senseless": True, "msg": "its answer makes no sense"}
"""The state of a host whose answer cannot be judged."""


def judged(judge: Callable[[Collection[str]], T], hosts: Collection[str]) -> T:
    """What `judge` returns of hosts. It is given those whose answers make no sense, none where all do.

    It raises what `judge` raises where no host is the reason.
    """
    try:
        return judge(frozenset())
    except UNREADABLE:
        left = frozenset(hosts)
        judge(left)  # not a host's answer, if it fails without any
        return judge(left - _readable(judge, sorted(left), left))


def _readable(judge: Callable[[Collection[str]], T], group: list[str], every: frozenset[str]) -> frozenset[str]:
    """The hosts of a group whose answers can be judged, together with each other."""
    good: frozenset[str] = frozenset()
    waiting = [group]
    while waiting:
        some = waiting.pop()
        try:
            judge(every - good - {*some})
        except UNREADABLE:
            half = len(some) // 2
            waiting += [some[half:], some[:half]] if half else []
        else:
            good |= {*some}
    return good


def without(states: Mapping[str, Section], senseless: Collection[str]) -> dict[str, Section]:
    """States of hosts, without what makes no sense."""
    return {host: SENSELESS if host in senseless else state for host, state in states.items()}
