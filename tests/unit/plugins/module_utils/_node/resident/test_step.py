# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Steps of the agent: what they hand back, what they leave behind, and what becomes of those that hang."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._node.document import Generation
from ansible_collections.intercloud.vpn.plugins.module_utils._node.ipsec.vici import Vici, ViciError
from ansible_collections.intercloud.vpn.plugins.module_utils._node.resident import refusal, resident, upkeep
from ansible_collections.intercloud.vpn.plugins.module_utils._node.resident.held import Held
from ansible_collections.intercloud.vpn.plugins.module_utils._node.resident.journal import Journal
from ansible_collections.intercloud.vpn.plugins.module_utils._node.resident.step import Step
from ansible_collections.intercloud.vpn.plugins.module_utils._node.resident.worker import Worker
from ansible_collections.intercloud.vpn.plugins.module_utils._node.state import Busy, Store

MEMORY = """
import sys
sys.path[:] = {path!r}
from ansible_collections.intercloud.vpn.plugins.module_utils._node import state
from ansible_collections.intercloud.vpn.plugins.module_utils._node.resident import step
from ansible_collections.intercloud.vpn.plugins.module_utils._node.resident.held import Held
def used():
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmRSS"))
store, held, journal = state.Store({root!r}), Held(), []
def turn():
    before = used()
    held.running(store)
    return [held.given(0.0), used() - before]
for _turn in range(5):
    given, grown = step.Step("turn", turn, 60).wait()
    held.take(given)
    journal.append((used(), grown))
print(journal[0][0], journal[-1][0], journal[-1][1])
"""


class Counting(Worker):
    """A worker whose turns do what a test says."""

    KEPT: ClassVar = ("count",)
    patience = 0.5

    def __init__(self, store: Store, does: Any = None) -> None:
        super().__init__(store, Journal())
        self.count, self.news, self.misses = 0, 0, 0
        self.does = does

    def think(self, now: float) -> float:
        self.begin_turn()
        return now + 60

    def turn(self) -> int:
        self.count += 1
        if self.does:
            self.does(self)
        return self.count

    def missed(self, busy: bool) -> None:
        self.misses += 1

    def have_a_turn(self, meanwhile: Any = None) -> None:
        assert self.begin_turn()
        assert not self.begin_turn(), "two at once"
        if meanwhile:
            meanwhile()
        while self.steps:
            self.collect()
            time.sleep(0.01)


def test_a_step_hands_back_what_it_returned() -> None:
    assert Step("any", lambda: {"links": [1, None, {"a"}], "pid": b"x"}, 5).wait() == {
        "links": [1, None, {"a"}],
        "pid": b"x",
    }
    assert Step("any", lambda: "x" * 3_000_000, 5).wait() == "x" * 3_000_000


def test_one_that_was_killed_or_returned_nothing_plain_hands_back_nothing() -> None:
    assert Step("any", lambda: os.kill(os.getpid(), signal.SIGKILL), 5).wait() is None
    assert Step("any", object, 5).wait() is None
    assert Step("any", lambda: 1 / 0, 5).wait() is None
    with pytest.raises(ChildProcessError):  # no zombie is left
        os.waitpid(-1, os.WNOHANG)


def test_one_that_hangs_is_killed_with_all_that_it_started(store: Store) -> None:
    mark = f"7{os.getpid()}"
    worker = Counting(store, lambda _worker: subprocess.run(["sleep", mark], check=False))
    begun = time.monotonic()
    worker.have_a_turn()
    assert 0.5 <= time.monotonic() - begun < 3
    assert (worker.count, worker.misses) == (0, 1)
    assert subprocess.run(["pgrep", "-f", f"sleep {mark}"], check=False).returncode == 1


def test_what_a_turn_changes_is_kept_and_what_came_meanwhile_too(store: Store) -> None:
    worker = Counting(store)
    worker.have_a_turn(lambda: vars(worker).update(news=1))
    assert (worker.count, worker.news, worker.misses) == (1, 1, 0)


def test_another_step_hands_back_no_attributes(store: Store) -> None:
    worker, got = Counting(store), list[int]()
    assert worker.begin("other", worker.turn, 5, got.append)
    while worker.steps:
        worker.collect()
    assert (worker.count, got) == (0, [1])


def test_a_failure_is_said_once_and_that_it_is_over(store: Store, capfd: pytest.CaptureFixture[str]) -> None:
    def fail(_worker: Counting) -> None:
        raise ValueError("no such device")

    worker = Counting(store, fail)
    for does in (fail, fail, None):
        worker.does = does
        worker.have_a_turn()
    assert capfd.readouterr().out == "<4>Counting: no such device\nCounting: works again\n"
    assert (worker.count, worker.misses) == (3, 2)  # what it did before it failed is done


def test_a_node_that_is_busy_is_no_failure(store: Store, capfd: pytest.CaptureFixture[str]) -> None:
    def busy(_worker: Counting) -> None:
        raise Busy("another commit")

    worker = Counting(store, busy)
    worker.have_a_turn()
    assert (capfd.readouterr().out, worker.misses) == ("", 1)


def test_a_worker_that_hangs_or_fails_keeps_no_other_waiting(store: Store) -> None:
    class Broken(Counting):
        def think(self, now: float) -> float:
            raise OSError("no buffer space")

    hangs = Counting(store, lambda _worker: time.sleep(60))
    hangs.patience = 30.0  # type: ignore[misc]
    works = Counting(store)
    ended, _other = socket.socketpair()
    begun = time.monotonic()
    while works.count < 5:
        assert not resident.live([hangs, Broken(store), works], ended, time.monotonic(), time.monotonic() + 1)
        assert time.monotonic() - begun < 5
    step = next(iter(hangs.steps.values()))
    step.patience = 0
    step.check()
    step.wait()


def test_one_that_cannot_be_killed_is_no_sign_of_life(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr(resident, "notify", told.append)
    worker = Counting(store)
    resident.alive([worker], worker.journal)
    assert told == ["WATCHDOG=1"]
    worker.steps["any"] = type("Stuck", (), {"name": "any", "stuck": True})()
    resident.alive([worker], worker.journal)
    assert told == ["WATCHDOG=1"]


def test_the_agent_stays_small_however_much_a_step_unpacks(store: Store, edge: Generation) -> None:
    many = [{**tunnel, "name": f"t{n}"} for n in range(1000) for tunnel in edge.tunnels("ipsec")]
    large = Generation({**edge.document, "tunnels": many}, edge.files, edge.backend)
    store.save(large)
    store.point(large)
    words = [sys.executable, "-c", MEMORY.format(path=sys.path, root=str(store.root))]
    first, last, step = map(int, subprocess.run(words, check=True, capture_output=True, text=True).stdout.split())
    assert step > 2000, "a step unpacks megabytes"
    assert last - first < 300


def test_what_is_held_is_read_once_and_goes_on_without_the_disk(store: Store, edge: Generation) -> None:
    store.save(edge)
    store.point(edge)
    held, other = Held(), Held()
    assert held.running(store).generation == edge
    other.take(held.given(0.0))
    assert held.given(time.monotonic()) is None, "what was not read anew is not handed back"
    shutil.rmtree(store.state / "generations")
    assert not other.stale(store)
    assert other.running(store).generation == edge
    assert (other.summary, other.running(store).name) == (held.summary, edge.name)


def test_what_is_damaged_is_read_again_until_it_is_repaired(
    store: Store, edge: Generation, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.save(edge)
    store.point(edge)
    store.guarded.write({"blocks": ["100.64.0.0/24"]})
    path = store.state / "generations" / edge.name / "document.json"
    whole = path.read_text()
    path.write_text("{")
    held = Held()
    assert held.running(store).refusing and held.summary.refusing and not held.stale(store)
    path.write_text(whole)
    now = time.monotonic()
    monkeypatch.setattr("time.monotonic", lambda: now + 6)
    assert held.stale(store)
    assert held.running(store).generation == edge and not held.summary.refusing and not held.stale(store)


def test_a_read_that_fails_leaves_what_was_held(
    store: Store, edge: Generation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen: after one error while a new generation was read, the old one counted as the new one, for good."""

    def unreadable(_store: Store) -> Any:
        raise OSError("Input/output error")

    store.save(edge)
    store.point(edge)
    held = Held()
    held.running(store)
    more = Generation({**edge.document, "generation": 9}, edge.files, edge.backend)
    store.save(more)
    store.point(more)
    with monkeypatch.context() as broken:
        broken.setattr(Store, "running", unreadable)
        with pytest.raises(OSError, match="Input"):
            held.running(store)
    assert held.stale(store)
    assert held.running(store).generation == more


def test_a_commit_between_two_readings_is_seen(store: Store, edge: Generation, monkeypatch: pytest.MonkeyPatch) -> None:
    more = Generation({**edge.document, "generation": 9}, edge.files, edge.backend)
    for generation in (more, edge):
        store.save(generation)
        store.point(generation)
    read = Store.running

    def beside_a_commit(self: Store) -> Any:
        self.point(more)
        try:
            return read(self)
        finally:
            self.point(edge)

    held = Held()
    with monkeypatch.context() as racing:
        racing.setattr(Store, "running", beside_a_commit)
        held.running(store)
    assert held.stale(store)
    assert held.running(store).generation == edge


def test_a_turn_that_fails_is_had_again_soon_and_not_at_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seen: an agent that could not read its state used 80 % of a core."""
    worker = refusal.Refusal(store, Journal())
    monkeypatch.setattr(refusal.Refusal, "turn", lambda _worker: 1 / 0)
    turns: list[float] = []
    begin = worker.begin_turn
    monkeypatch.setattr(worker, "begin_turn", lambda: (turns.append(time.monotonic()), begin())[1])
    ended, _other = socket.socketpair()
    until = time.monotonic() + 2.5
    while time.monotonic() < until:
        resident.live([worker], ended, time.monotonic(), until)
    assert 2 <= len(turns) <= 4


def test_no_memory_for_a_step_loses_nothing(store: Store, edge: Generation, monkeypatch: pytest.MonkeyPatch) -> None:
    store.save(edge)
    store.point(edge)
    worker = upkeep.Upkeep(store, Journal())
    worker._rescue, worker._settled = 1.0, 1.0

    def no_fork() -> int:
        raise BlockingIOError("Resource temporarily unavailable")

    monkeypatch.setattr(os, "fork", no_fork)
    now = time.monotonic()
    worker.think(now)
    assert (worker._rescue, worker._settled) == (1.0, 1.0)
    assert worker._due <= now + upkeep.BUSY


def test_a_look_that_fails_is_had_again_at_the_interval_and_never_holds_the_lock_all_the_time(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = upkeep.Upkeep(store, Journal())
    monkeypatch.setattr(upkeep, "time", SimpleNamespace(monotonic=lambda: 1000.0))
    for busy, begun, due in ((True, 1000.0, 1001.0), (False, 1000.0, 1020.0), (True, 985.0, 1015.0)):
        worker._due, worker._begun = 2000.0, begun
        worker.missed(busy)
        assert worker._due == due


def test_states_of_a_killed_charon_are_looked_for_until_that_can_be_told(
    store: Store, edge: Generation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen: the look came before charon was back, told nothing, and the next one came five minutes later."""
    kernel = Generation(edge.document, edge.files, "xfrm")
    store.save(kernel)
    store.point(kernel)
    monkeypatch.setattr(upkeep, "KINDS", ())
    worker, answers = upkeep.Upkeep(store, Journal()), [ViciError("no charon"), []]

    def orphans(_numbers: Any) -> Any:
        answer = answers.pop(0)
        if isinstance(answer, ViciError):
            raise answer
        return answer

    monkeypatch.setattr(upkeep.xfrm, "orphans", orphans)
    worker._looked(worker.turn())
    assert worker._orphans == 0
    worker._looked(worker.turn())
    assert worker._orphans > 0


def test_half_a_message_is_not_the_end_of_charon() -> None:
    here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    vici = Vici.__new__(Vici)
    vici._socket = here
    here.settimeout(0.05)  # as the agent's has
    there.sendall(b"\0\0\0\x20")
    vici.drain()
    there.close()
    with pytest.raises(ViciError):
        vici.drain()
    here.close()


def test_a_restore_that_was_killed_is_begun_again(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resident, "restore", lambda *_given: os.kill(os.getpid(), signal.SIGKILL))
    monkeypatch.setattr(resident, "_told_to_end", lambda: None)
    monkeypatch.setattr(resident._part, "RESIDENT", False)  # put back after the test
    with pytest.raises(SystemExit):
        resident.run(store)
    assert not store.at(resident.units.RESTORED).exists()
