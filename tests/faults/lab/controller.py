# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A controller that is watched, or killed with all of its process group at a place in its run."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass

from ansible_collections.intercloud.vpn.tests.testinfra import lab, playbooks

BANNER = re.compile(r"^TASK \[(?:.* : )?(.*?)\] \*")
LONG = 0.8  # seconds; a task that takes longer is also interrupted half-way


@dataclass(frozen=True)
class Place:
    """So long into the n-th task of a run."""

    number: int
    task: str
    into: float

    def __str__(self):
        return f"{self.into:.1f} s into task {self.number}, {self.task}"


class Controller:
    """A run that has been started."""

    def __init__(self, words):
        self.begun = time.monotonic()
        # Banners when tasks begin: without this they are written with the first answer.
        environment = {**playbooks.environment(), "ANSIBLE_DISPLAY_SKIPPED_HOSTS": "1"}
        self.process = subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            env=environment, cwd=lab.ROOT, start_new_session=True,
        )  # fmt: skip
        self.lines = []  # (when, line)

    def until(self, number):
        """Read on until the n-th task begins; False when the run ends before. Returns its name."""
        count = 0
        for line in self.process.stdout:
            self.lines.append((time.monotonic(), line))
            if banner := BANNER.match(line):
                count += 1
                if count == number:
                    return banner[1]
        return None

    def until_task(self, task):
        """Read on until a task of this name begins; whether one did."""
        for line in self.process.stdout:
            self.lines.append((time.monotonic(), line))
            if (banner := BANNER.match(line)) and banner[1] == task:
                return True
        return False

    def kill(self):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(10)

    def end(self, seconds=240):
        """Read to the end; (exit status, output)."""
        guard = threading.Timer(seconds, self.kill)
        guard.start()
        try:
            self.lines += [(time.monotonic(), line) for line in self.process.stdout]
            return self.process.wait(10), self.output
        finally:
            guard.cancel()

    @property
    def output(self):
        return "".join(line for _when, line in self.lines)


@contextmanager
def started(words):
    """A controller that is running, and that is gone at the end of the block."""
    controller = Controller(words)
    try:
        yield controller
    finally:
        if controller.process.poll() is None:
            controller.kill()
        controller.process.stdout.close()
        finished = playbooks.read(controller.process.returncode, controller.output)
        playbooks.log("disturbed", [], finished, time.monotonic() - controller.begun)


def places(words):
    """Run to the end; (the places to be killed at, the exit status). Tasks that were skipped on all hosts are none."""
    with started(words) as controller:
        status, _output = controller.end()
    found, begun = [], []
    for when, line in controller.lines:
        if banner := BANNER.match(line):
            begun.append([banner[1], when, when, False])
        elif begun:
            begun[-1][2] = when
            begun[-1][3] |= line.startswith(("ok:", "changed:"))
    for number, (task, began, ended, ran) in enumerate(begun, 1):
        if ran:
            found.append(Place(number, task, 0.05))
            if ended - began > LONG:
                found.append(Place(number, task, (ended - began) / 2))
    return found, status


def killed(words, place):
    """Run, and be killed at a place; whether it came so far."""
    with started(words) as controller:
        name = controller.until(place.number)
        if name is None:
            return False
        assert name == place.task, f"{place}: it was {name}"
        time.sleep(place.into)
        controller.kill()
    return True
