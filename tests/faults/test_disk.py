# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A disk that is full, out of inodes, over quota or read-only: a clear message, and the old or the new generation."""

from __future__ import annotations

import errno
import itertools
import os
from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.intercloud.vpn.tests.faults import landscape, steps
from ansible_collections.intercloud.vpn.tests.faults.landscape import FIRST, NONE, SECOND
from ansible_collections.intercloud.vpn.tests.faults.world import World, apart, differences

STATE = "/var/lib/intercloud-vpn"
LASTING = (f"{STATE}/usage.json", f"{STATE}/guarded.json", "/etc/intercloud-vpn/guarded.json")
REASONS = {
    errno.ENOSPC: "no space left on device; free some space, then run create_vpn again",
    errno.EDQUOT: "disk quota exceeded; free some space, or raise the quota, then run create_vpn again",
    errno.EROFS: "read-only file system; make it writable (the kernel's log says why it is not), "
    "then run create_vpn again",
}
RUNS = {"commit": (FIRST, SECOND), "commit of less": (SECOND, FIRST), "removal": (SECOND, NONE)}
BLOCK = "100.64.0.0/24"
LAST = 12  # steps


def _ok(world: World, step: Callable[[Any], Any]) -> Any:
    outcome = world.step(step)
    assert not outcome.error, outcome.trace
    return outcome.value


def _loaded(digest: dict[str, str]) -> dict[str, str]:
    """What is in the kernel."""
    return {key: text for key, text in digest.items() if not key.startswith("/")}


def _clean(world: World, old: Any, new: Any) -> tuple[dict[str, str], dict[str, str], int]:
    """The digests before and after, and the number of steps between."""
    for want in (NONE, old):
        _ok(world, landscape.commit(want, 0))
    before = world.digest(*LASTING)
    outcome = world.step(landscape.commit(new), steps.watched(world.root))
    assert not outcome.error, outcome.trace
    _ok(world, landscape.confirm)
    return before, world.digest(*LASTING), len(outcome.steps)


def _again(world: World, new: Any, after: dict[str, str], where: str) -> None:
    for step in (landscape.commit(new), landscape.confirm):
        _ok(world, step)
    assert _ok(world, landscape.commit(new)) == [], where
    assert differences(world.digest(*LASTING), after) == [], where
    assert world.temporary_files() == [], where


@pytest.mark.parametrize("name", RUNS)
def test_what_cannot_be_written_is_told_and_made_good(
    name: str, some: Callable[[Any, int], list[Any]], tell: Callable[[str], None]
) -> None:
    old, new = RUNS[name]
    faults = [(code, lasting) for code in REASONS for lasting in (False, True) if lasting or code == errno.ENOSPC]

    def run(world: World) -> tuple[int, int]:
        before, after, number_of_steps = _clean(world, old, new)
        chosen = some([(number, *fault) for number in range(1, number_of_steps + 1) for fault in faults], 3)
        # Seen: notes that shrank before the last step were missing on the way back, and an address stayed for good.
        last = [(number, errno.EROFS, True) for number in range(number_of_steps - LAST, number_of_steps + 1)]
        chosen += [fault for fault in last if fault not in chosen]
        failed = 0
        for number, code, lasting in chosen:
            for want in (NONE, old):
                _ok(world, landscape.commit(want, 0))
            where = f"{errno.errorcode[code]} from step {number} on, lasting {lasting}"
            result = _ok_result(world, new, steps.failing(world.root, number, code, lasting), where)
            assert new is NONE or world.leaks(BLOCK) == [], where
            if "msg" in result:
                failed += 1
                assert f"{world.root}/" in result["msg"], (where, result["msg"])
                assert REASONS[code] in result["msg"], (where, result["msg"])
            now = _loaded(world.digest(*LASTING))
            assert now in (_loaded(before), _loaded(after)), (where, result, differences(now, _loaded(before)))
            assert now == _loaded(after) or "msg" in result, where
            _again(world, new, after, where)
        return len(chosen), failed

    tried, failed = apart(run)
    tell(f"{name}: {tried} faults of the disk, {failed} told, the node on the old generation or the new one each time")


def _ok_result(world: World, new: Any, before: Callable[[], list[str]], where: str) -> dict[str, Any]:
    outcome = world.step(landscape.told(new), before)
    assert not outcome.error, (where, outcome.trace)
    return dict(outcome.value)


def _full(disk: Any) -> None:
    disk.fill()


def _crowded(disk: Any) -> None:
    disk.crowd()


def _read_only(disk: Any) -> None:
    disk.read_only(True)


# What a message names, and where the disk is.
PLACES = {STATE: STATE, "/etc/intercloud-vpn": "/etc/intercloud-vpn", "/usr/local/lib/intercloud-vpn": "/usr/local/lib"}
DISKS = {
    "full": (_full, "no space left on device; free some space, then run create_vpn again"),
    "out of inodes": (_crowded, "no inodes left on device; remove some files, then run create_vpn again"),
    "read-only": (_read_only, REASONS[errno.EROFS]),
}


# In the short form each kind and each place once.
ONCE = list(zip(DISKS, PLACES))
OTHER = pytest.mark.thorough("the same disk at another place, another disk at the same place")


@pytest.mark.parametrize(
    ("kind", "place"),
    [
        pytest.param(kind, place, marks=() if (kind, place) in ONCE else OTHER)
        for kind, place in itertools.product(DISKS, PLACES)
    ],
)
def test_a_real_disk_refuses_before_the_node_is_touched(kind: str, place: str) -> None:
    spoil, reason = DISKS[kind]

    def run(world: World) -> None:
        _before, after, _steps = _clean(world, FIRST, SECOND)
        for want in (NONE, FIRST):
            _ok(world, landscape.commit(want, 0))
        disk = world.disk("size=8m,nr_inodes=1000", PLACES[place])
        before = world.digest(*LASTING)
        spoil(disk)
        # Nothing to do is nothing to write.
        assert "msg" not in _ok(world, landscape.told(FIRST))
        assert _ok(world, landscape.told(FIRST))["changed"] is False
        result = _ok(world, landscape.told(SECOND))
        assert result["msg"] == f"not applied, nothing was touched: state: {world.root}{place}: {reason}"
        disk.read_only(False)
        disk.free()
        assert differences(world.digest(*LASTING), before) == []
        disk.remove()
        _again(world, SECOND, after, kind)

    apart(run)


def test_a_disk_that_is_full_keeps_no_node_from_going_back() -> None:
    """What going back needs was set aside before."""

    def run(world: World) -> None:
        disk = world.disk("size=8m,nr_inodes=1000")
        for want in (NONE, FIRST):
            _ok(world, landscape.commit(want, 0))
        before = world.digest(*LASTING)
        _ok(world, landscape.commit(SECOND))
        disk.fill()
        disk.crowd()
        assert _ok(world, landscape.roll_back) == FIRST.name
        disk.free()
        left = {key: text for key, text in before.items() if not key.endswith("/previous")}
        found = [t for t in differences(world.digest(*LASTING), left) if "owned.json" not in t]
        assert [text for text in found if not text.startswith("/var/lib/intercloud-vpn/generations/")] == []
        assert _ok(world, landscape.commit(FIRST)) == []

    apart(run)


def test_a_disk_that_is_full_keeps_nothing_from_being_removed() -> None:
    def run(world: World) -> None:
        disk = world.disk("size=8m,nr_inodes=1000")
        for want in (FIRST, SECOND):
            _ok(world, landscape.commit(want, 0))
        disk.fill()
        disk.crowd()
        _ok(world, landscape.commit(NONE))
        _ok(world, landscape.confirm)
        disk.free()
        assert os.listdir(disk.place) == []
        assert world.digest()["firewall"] == "[]"

    apart(run)
