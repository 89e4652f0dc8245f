# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of a node's state that are truncated, full of garbage or gone: it refuses or falls back, and never forwards in
clear; the next run repairs all of it."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._node.kernel.routes import Routes
from ansible_collections.intercloud.vpn.plugins.module_utils._node.part import Part
from ansible_collections.intercloud.vpn.plugins.module_utils._node.system.run import CommandError
from ansible_collections.intercloud.vpn.tests.faults import landscape
from ansible_collections.intercloud.vpn.tests.faults.landscape import FIRST, NONE, SECOND
from ansible_collections.intercloud.vpn.tests.faults.world import World, apart, differences

STATE, COPIES = "var/lib/intercloud-vpn", "etc/intercloud-vpn"
BLOCKS = ("100.64.0.0/24", "100.64.1.0/24")
GARBAGE = bytes(range(256)) * 3
LASTING = ("/var/lib/intercloud-vpn/usage.json",)


def _damages(path: Path) -> Iterator[tuple[str, Callable[[], Any]]]:
    if path.is_symlink():
        yield "removed", path.unlink
        yield "astray", lambda: (path.unlink(), path.symlink_to("generations/9-0123456789ab"))
    elif path.is_file():
        yield "truncated", lambda: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        yield "empty", lambda: path.write_bytes(b"")
        yield "garbage", lambda: path.write_bytes(GARBAGE)
        yield "removed", path.unlink
    elif path.is_dir():
        yield "removed", lambda: shutil.rmtree(path)


def _all_damages(world: World) -> list[tuple[str, str]]:
    """Every file, link and directory of the state, and what may happen to it."""
    found = []
    for top in (STATE, COPIES):
        for path in [world.root / top, *sorted((world.root / top).rglob("*"))]:
            found += [(str(path.relative_to(world.root)), name) for name, _do in _damages(path)]
    return found


def _ok(world: World, step: Callable[[Any], Any]) -> Any:
    outcome = world.step(step)
    assert not outcome.error, outcome.trace
    return outcome.value


def _steady(world: World) -> dict[str, str]:
    for want in (NONE, FIRST, SECOND):
        _ok(world, landscape.commit(want, 0))
    return world.digest(*LASTING)


def _without_a_traceback(world: World, step: Callable[[Any], Any], where: str) -> str:
    """What it said; a step may fail, but in words of its own."""
    outcome = world.step(step)
    assert outcome.error.partition(":")[0] in ("", "CommandError"), f"{where}: {outcome.trace}"
    return outcome.error


def _survive(world: World, where: str) -> list[str]:
    """A reboot and everything that the node does by itself. Returns what it complained about."""
    said = []
    world.power_cycle()
    for step in (landscape.boot, landscape.restore, landscape.keep):
        said.append(_without_a_traceback(world, step, where))
        assert world.leaks(*BLOCKS) == [], f"{where}: after {step.__name__}"
    subprocess.run(["nft", "flush", "ruleset"], check=True)
    said.append(_without_a_traceback(world, landscape.put_back, where))
    assert world.leaks(*BLOCKS) == [], f"{where}: after flush ruleset"
    return [text for text in said if text]


def _repaired(world: World, clean: dict[str, str], where: str, *without: str) -> None:
    _ok(world, landscape.commit(SECOND))
    _ok(world, landscape.confirm)
    assert _ok(world, landscape.commit(SECOND)) == [], where
    left = _ok(world, landscape.observe)
    assert left["state"] == {"damaged": [], "refusing": False}, where
    assert left["drift"] == [], where
    lost = [text for text in differences(world.digest(*LASTING), clean) if not text.startswith(without)]
    assert lost == [], where


def test_any_damage_is_survived(some: Callable[[Any, int], list[Any]], tell: Callable[[str], None]) -> None:
    def run(world: World) -> tuple[int, int]:
        clean = _steady(world)
        # The generation before this one is not made again; nor does anything lead to it then.
        before = world.store.named("previous")
        unmade = (f"/{STATE}/previous", f"/{STATE}/generations/{before}")
        chosen = some(_all_damages(world), 4)
        complained = 0
        for name, kind in chosen:
            where = f"{name} {kind}"
            dict(_damages(world.root / name))[kind]()
            complained += bool(_survive(world, where))
            touched = before in name or name.endswith(("previous", "generations", "intercloud-vpn"))
            _repaired(world, clean, where, *(unmade if touched else ()))
            if touched:
                clean = _steady(world)
        return len(chosen), complained

    tried, complained = apart(run)
    tell(f"{tried} damages of the state, {complained} of them reported at boot: 0 packets unencrypted, all repaired")


def _spoil(world: World, *names: str) -> None:
    for name in names:
        (world.root / STATE / "generations" / name / "document.json").write_text("{", encoding="ascii")


def test_without_a_generation_that_can_be_read_every_block_is_refused() -> None:
    def run(world: World) -> None:
        clean = _steady(world)
        _spoil(world, FIRST.name, SECOND.name)
        (said, *_others) = _survive(world, "both")
        assert f"{world.root}/{STATE}/generations/{SECOND.name}/document.json: does not match its checksum" in said
        assert "all traffic of its VPNs is refused" in said
        seen = _ok(world, landscape.observe)
        assert seen["state"]["refusing"]
        assert len(seen["state"]["damaged"]) == 2
        assert (seen["node"], seen["role"]) == ("edge-east", "org_edge")
        assert seen["drift"] == []
        _repaired(world, clean, "both", f"/{STATE}/previous", f"/{STATE}/generations/{FIRST.name}")

    apart(run)


def test_in_place_of_a_damaged_generation_the_one_before_guards_what_only_the_later_one_had() -> None:
    def run(world: World) -> None:
        _steady(world)
        _spoil(world, SECOND.name)
        (said, *_others) = _survive(world, "current")
        assert f"{FIRST.name} is used instead" in said
        seen = _ok(world, landscape.observe)
        assert not seen["state"]["refusing"]
        routes = subprocess.run(["ip", "route", "show", "proto", "155"], capture_output=True, text=True, check=True)
        assert "blackhole 100.64.1.0/24" in routes.stdout
        assert "100.64.0.17 via" in routes.stdout

    apart(run)


@pytest.mark.parametrize("lost", ["the state directory", "the copies"])
def test_what_was_guarded_is_known_after_either_directory_is_lost(lost: str) -> None:
    def run(world: World) -> None:
        _steady(world)
        shutil.rmtree(world.root / (STATE if lost == "the state directory" else COPIES))
        _survive(world, lost)
        _ok(world, landscape.commit(NONE, 0))
        assert world.digest()["firewall"] == "[]"
        assert not (world.root / COPIES).exists()
        assert world.digest()["net/ipv4/conf/org/send_redirects"] == "1"

    apart(run)


def test_a_rollback_that_has_nothing_to_go_back_to_refuses() -> None:
    def run(world: World) -> None:
        _ok(world, landscape.commit(FIRST, 0))
        _ok(world, landscape.commit(SECOND))
        _spoil(world, FIRST.name)
        said = world.step(landscape.roll_back).error
        assert "is refused" in said
        assert world.leaks(*BLOCKS) == []
        assert _ok(world, landscape.observe)["state"]["refusing"]
        _survive(world, "after it")
        _ok(world, landscape.commit(SECOND, 0))
        assert _ok(world, landscape.commit(SECOND)) == []

    apart(run)


def test_a_commit_that_fails_over_a_damaged_generation_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_part: Part) -> None:
        raise CommandError("ip: no such device")

    def run(world: World) -> None:
        _ok(world, landscape.commit(FIRST, 0))
        _spoil(world, FIRST.name)
        with monkeypatch.context() as patched:
            patched.setattr(Routes, "clear", broken)
            result = _ok(world, landscape.told(SECOND))
        assert "rolling back failed in part" in result["msg"]
        assert world.leaks(*BLOCKS) == []
        _survive(world, "after it")
        _ok(world, landscape.commit(SECOND, 0))
        assert _ok(world, landscape.commit(SECOND)) == []
        assert json.dumps(_ok(world, landscape.observe)["state"]) == '{"damaged": [], "refusing": false}'

    apart(run)
