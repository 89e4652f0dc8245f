"""A control group per machine: without, the machines' systemds would take each other's services for their own."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path

NAME = "intercloud-vpn-lab"


def hierarchies():
    """Where systemd keeps its groups: cgroup2, and on a mixed system its own version 1 tree."""
    found = []
    for line in Path("/proc/self/mountinfo").read_text(encoding="ascii").splitlines():
        before, _dash, after = line.partition(" - ")
        kind, _source, options = after.split(" ", 2)
        if kind == "cgroup2" or (kind == "cgroup" and "name=systemd" in options):
            found.append(Path(before.split()[4]))
    return found


def join(group, top=NAME):
    """Move this process into a group of the lab's."""
    for hierarchy in hierarchies():
        path = hierarchy / top / group
        path.mkdir(parents=True, exist_ok=True)
        (path / "cgroup.procs").write_text("0", encoding="ascii")


def processes(group="", top=NAME):
    """The ids of all processes in a group and below, this one excepted."""
    found = set()
    for hierarchy in hierarchies():
        # os.walk, unlike Path.rglob, passes over a group that goes away while it is being read.
        for directory, _below, _files in os.walk(hierarchy / top / group):
            try:
                found.update(int(pid) for pid in Path(directory, "cgroup.procs").read_text(encoding="ascii").split())
            except OSError:  # the group went away, or is one that lists threads only
                continue
    return found - {0, os.getpid()}


def kill(group="", timeout=20, top=NAME):
    """SIGKILL all processes of a group and wait until they are gone; returns those that are not."""
    deadline = time.monotonic() + timeout
    while left := processes(group, top):
        for pid in left:
            send(signal.SIGKILL, pid)
        if time.monotonic() > deadline:
            return left
        time.sleep(0.02)
    return set()


def remove(group="", top=NAME):
    """Remove a group and those below; it must be empty of processes."""
    for hierarchy in hierarchies():
        place = hierarchy / top / group
        if not place.is_dir():
            continue
        for directory in sorted((Path(d) for d, _dirs, _files in os.walk(place)), reverse=True):
            try:
                directory.rmdir()
            except OSError:
                continue  # still busy for a moment; harmless, and gone with the next `down`


def init_of(group):
    """The process that is number 1 inside the machine, or None."""
    for pid in processes(group):
        try:
            status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
        except OSError:
            continue
        ids = next(line.split()[1:] for line in status.splitlines() if line.startswith("NSpid:"))
        if len(ids) > 1 and ids[-1] == "1":
            return pid
    return None


def send(number, pid):
    """Send a signal to a process that may have ended since it was seen."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
