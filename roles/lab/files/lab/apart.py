"""A command with a lab of its own, beside another's: networks, state and control groups that nobody else sees.

All that the command starts is in one control group. When it ends, however it ends, what is left of it is killed, and
its namespaces and mounts go with the last process; files are removed. Should this process itself be killed, the next
`labctl down` does that. Caches are shared.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from . import cgroup, locks
from .landscape import landscape
from .shell import LabError

TOP = "intercloud-vpn-apart"
PLACES = Path(landscape.STATE_DIR).parent.with_name(TOP)
# Run in mount, network and cgroup namespaces of its own. $0: where labs have their state; $1: this one's place; then
# each hierarchy and the group to see as its root; "--"; the command.
ENTER = """
mkdir -p /run/netns /run/systemd "$0"
mount -t tmpfs tmpfs /run/netns
mount --make-shared /run/netns
mount -t tmpfs tmpfs /run/systemd
mount --bind "$1/state" "$0"
shift
while [ "$1" != -- ]; do
  mount --bind "$1/$2" "$1"
  shift 2
done
shift
ip link set lo up
exec "$@"
"""


def run(name, command):
    """Run a command with a lab of its own; returns its exit status."""
    if not name.isalnum():
        raise LabError(f"{name!r} is not a name of letters and digits")
    place = PLACES / name
    with locks.held(_lock_file(name), wait=False) as free:
        if not free:
            raise LabError(f"another command runs in {name}")
        _end(name)
        shutil.rmtree(place, ignore_errors=True)  # of a run that was killed
        for directory in ("state", "ssh"):
            (place / directory).mkdir(parents=True)
        PLACES.chmod(0o700)
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):  # the last is ignored in a shell's background
            signal.signal(number, lambda *_signal: sys.exit(1))
        try:
            return _start(name, place, command).wait()
        finally:
            _remove(name)


def clear():
    """Remove what killed runs left; returns whether there was anything. Of those that run, nothing is touched."""
    there = False
    for file in sorted(PLACES.glob("*.lock")):
        with locks.held(file, wait=False) as free:
            if free:
                there = True
                _remove(file.stem)
    return there


def _start(name, place, command):
    groups = []
    for hierarchy in cgroup.hierarchies():
        groups += [str(hierarchy), f"{TOP}/{name}"]
    words = ["unshare", "--cgroup", "--mount", "--net", "--propagation", "private", "sh", "-ec", ENTER]
    return subprocess.Popen(
        [*words, str(Path(landscape.STATE_DIR).parent), str(place), *groups, "--", *command],
        preexec_fn=lambda: cgroup.join(name, TOP),
        # The machines have the same addresses in every lab: a connection that is kept must be this one's.
        env={**os.environ, "ANSIBLE_SSH_CONTROL_PATH_DIR": f"{place}/ssh"},
    )


def _end(name):
    left = cgroup.kill(name, top=TOP)
    if left:
        raise LabError(f"these processes do not end: {sorted(left)}")
    cgroup.remove(name, TOP)


def _remove(name):
    _end(name)
    shutil.rmtree(PLACES / name, ignore_errors=True)
    _lock_file(name).unlink()


def _lock_file(name):
    return PLACES / f"{name}.lock"
