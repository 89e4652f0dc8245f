"""What labctl does: the whole lab up or down, one machine on or off."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path

from . import cgroup, network, ssh, state, wanted
from . import machine as machines
from . import root as roots
from .landscape import landscape
from .shell import LabError

STATE = Path(landscape.STATE_DIR)
LABCTL = Path(__file__).resolve().parents[1] / "labctl.py"
LOCK = STATE.with_name("lab.lock")  # beside what `down` removes
BOOT_SECONDS = 180  # far more than needed: a machine with one slow core shall do too


def up(count, root, nat=None, releases=None, tenants=None, patience=1, at_once=0, anew=False, off=(), pairs=None):
    """Converge on `count` clouds; returns what was done, [] when all was there.

    `nat`: the edges behind the router's NAT. `releases`: machine → release, of those that are not of the host's.
    `tenants`: organizations beside acme. `pairs`: the clouds with two org edges. None: as it is. Where all is slow:
    `patience` times as long for a boot, and no more than `at_once` of them side by side. `anew`: without anything of
    what was there before. `off`: machines that are not started.
    """
    clouds = landscape.cloud_names(count)
    with lock():
        if anew:
            _clear()
        done = []
        before = state.read()
        tenants = wanted.tenants(before, tenants)
        pairs = wanted.pairs(before, clouds, pairs)
        releases = wanted.releases(before, clouds, releases, tenants, pairs)
        after = {
            "clouds": list(clouds),
            "root": root,
            "patience": patience,
            "nat": wanted.nat(before, clouds, nat, pairs),
            "pairs": pairs,
            "tenants": tenants,
            "releases": releases,
            "release_roots": wanted.release_roots(releases),
        }
        if before and before.get("root") != root:
            done.append("all: rebuilt, because the machines' root is another one")
            _clear()
        STATE.mkdir(parents=True, exist_ok=True)
        ssh.prepare()
        _take_apart(state.read(), after)
        state.write(**after)
        there = state.machines(after)
        wanted.known(off, there)
        done += _remove_surplus(there, clouds)
        ssh.write_config(there.values())
        made = network.make_base(clouds, tenants)
        done += [f"{name}: network made" for name in made]
        waiting = []
        for machine in there.values():
            if _is_cut_off(machine, made):
                _pull_plug(machine.name)
            status = machines.status(machine.name)["state"]
            if status == "stopping":
                _wait({machine.name}, ("off", "failed"))
            if status not in ("running", "starting"):
                if machine.name in off:
                    continue
                done.append(f"{machine.name}: {'started' if machines.exists(machine.name) else 'made'}")
                machines.create(machine)
                _wait_for_some(waiting, at_once)
                _spawn(machine.name, state.root_of(after, machine.name))
            if status != "running":
                waiting.append(machine.name)
            elif network.mend(machine):
                done.append(f"{machine.name}: network mended")
        _wait(waiting, ("running",))
        return done


def build_roots(packages, before, releases):
    """Build the host's root and one per release, unless they are there; returns (the host's, whether any was built).

    `before` is the state of the lab that is asked which releases it has, when `releases` is None.
    """
    releases = before.get("releases", {}) if releases is None else releases
    with lock():
        path, built = roots.build(packages, roots.suite())
        others = [roots.build(packages, release) for release in sorted({*releases.values()} - {roots.suite()})]
        roots.prune([state.read().get("root"), *state.read().get("release_roots", {}).values()])
    return path, built or any(new for _path, new in others)


def down():
    """Leave nothing but the cache; returns whether there was anything."""
    _end_lock_holder()
    with lock():
        roots.discard_partial()
        return _clear()


def power(action, name):
    """start | stop | kill | reboot one machine, and wait until it is so; returns whether that changed anything."""
    there = state.read()
    if not there or name not in state.machines(there):
        raise LabError(f"the lab has no machine {name}" if there else "there is no lab: `make lab` makes one")
    before = machines.status(name)
    if action == "start":
        if before["state"] in ("off", "failed"):
            _spawn(name, state.root_of(there, name))
        _wait({name}, ("running",))
        return before["state"] != "running"
    if before["state"] in ("off", "failed"):
        if action == "reboot":
            raise LabError(f"{name} is off")
        return False
    if action == "kill":
        cgroup.kill(name)
    elif action == "stop":
        os.kill(before["supervisor"], signal.SIGTERM)
    else:
        os.kill(cgroup.init_of(name), signal.SIGINT)  # what Ctrl-Alt-Del is on a console
        _wait({name}, ("running",), boots=before["boots"] + 1)
        return True
    _wait({name}, ("off", "failed"))
    return True


def wire(action, name, device):
    """cut | join a wire of a machine; returns whether that changed anything."""
    there = state.read()
    if not there or name not in state.machines(there):
        raise LabError(f"the lab has no machine {name}" if there else "there is no lab: `make lab` makes one")
    if machines.status(name)["state"] != "running":
        raise LabError(f"{name} is not running: its wires are made when it boots")
    return {"cut": network.cut, "join": network.join}[action](state.machines(there)[name], device)


def status():
    """{clouds, root, …, machines: {name: {state, boots, …}}}, or {} when there is no lab."""
    there = state.read()
    if there:
        there["machines"] = {name: machines.status(name) for name in state.machines(there)}
    return there


def last_root():
    """The root in use, else the newest one of the host's release in the cache."""
    path = state.read().get("root") or roots.newest(roots.suite())
    if not path:
        raise LabError("no root has been built yet: run the playbook lab_up, or `labctl root PACKAGE …`")
    return str(path)


def _spawn(name, root):
    """Start a machine's supervisor, which outlives this process."""
    with (machines.directory(name) / "log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, str(LABCTL), "supervise", name, "--root", root],
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    # A new program's arguments are to be seen a moment after it runs; without, it would be taken for somebody else.
    while process.poll() is None and not Path(f"/proc/{process.pid}/cmdline").read_bytes():
        time.sleep(0.005)
    machines.write_status(name, state="starting", boots=0, supervisor=process.pid)


def _wait(names, states, boots=0):
    """Wait until each of the machines is in one of the states (and has booted so often)."""
    deadline = time.monotonic() + BOOT_SECONDS * state.read().get("patience", 1)
    waiting = list(names)
    while waiting:
        name = waiting[0]
        record = machines.status(name)
        if record["state"] in states and record["boots"] >= boots:
            waiting.pop(0)
            continue
        trouble = record["state"] in ("off", "failed") or time.monotonic() > deadline
        if trouble:
            log = machines.directory(name) / "log"
            tail = log.read_text(encoding="utf-8", errors="replace")[-2000:] if log.exists() else ""
            raise LabError(
                f"{name} is {record['state']}, not {states[0]}: {record.get('detail', '')}\nthe end of {log}:\n{tail}"
            )
        time.sleep(0.05)


def _wait_for_some(starting, at_once):
    """Wait until less than `at_once` of the machines are on their way up (0: any number may be)."""
    while at_once and len(starting) >= at_once:
        for name in starting[:]:
            if machines.status(name)["state"] != "starting":
                _wait({name}, ("running",))
                starting.remove(name)
        time.sleep(0.05)


def _is_cut_off(machine, made):
    """Whether a network that was made anew has lost this machine's wires."""
    ends = {"controller": landscape.CONTROLLER_BRIDGE, "public": landscape.INTERNET}
    return any(ends.get(i.network, machine.cloud) in made for i in machine.interfaces)


def _take_apart(before, after):
    """Switch off what is to be wired otherwise, remove what is to run on another root.

    Before the new state is written down: whenever this is killed, what is left fits the state that is.
    """
    then, now = state.machines(before), state.machines(after)
    for name in then.keys() & now.keys():
        another = state.root_of(before, name) != state.root_of(after, name)
        if another or then[name] != now[name]:
            ssh.hang_up(name)
            _pull_plug(name)
        if another:
            cgroup.remove(name)
            machines.delete(name)


def _pull_plug(name):
    cgroup.kill(name)
    _wait({name}, ("off", "failed"))


def _remove_surplus(stay, clouds):
    """Remove the machines and clouds that are no longer wanted."""
    surplus = sorted({*machines.names(), *filter(landscape.machine_named, network.namespaces())} - set(stay))
    for name in surplus:
        _end_supervisor(name)
        cgroup.kill(name)
        cgroup.remove(name)
        network.detach(landscape.machine_named(name))
        machines.delete(name)
    gone = [cloud for cloud in landscape.CLOUDS if cloud not in clouds]
    gone = [cloud for cloud in gone if network.exists(landscape.namespace_of(cloud))]
    for cloud in gone:
        network.delete_namespace(landscape.namespace_of(cloud))
    left = [name for name in surplus if landscape.machine_named(name).cloud not in gone]
    return [f"{name}: removed" for name in (*gone, *left)]


def _end_supervisor(name):
    record = machines.status(name)
    if record["state"] in ("starting", "running", "stopping"):
        cgroup.send(signal.SIGKILL, record["supervisor"])


def _clear():
    there = bool(STATE.exists() or network.namespaces() or cgroup.processes())
    ssh.hang_up("*")
    # The supervisors first, or they would take the end of a machine for a reboot.
    left = cgroup.kill("supervisors") | cgroup.kill()
    if left:
        raise LabError(f"these processes do not end: {sorted(left)}")
    for namespace in network.namespaces():
        for pid in network.processes_in(namespace):
            cgroup.send(signal.SIGKILL, pid)
        network.delete_namespace(namespace)
    network.delete_host_side()
    cgroup.remove()
    for name in machines.names():
        machines.delete(name)
    if STATE.exists():
        shutil.rmtree(STATE)
    return there


@contextmanager
def lock():
    """One change of the lab at a time."""
    LOCK.parent.mkdir(parents=True, exist_ok=True)
    with LOCK.open("a+", encoding="ascii") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def _end_lock_holder():
    """`down` does not wait for an `up` under way (or one that lost the playbook it was started by): it ends it."""
    if not LOCK.exists():
        return
    with LOCK.open("r", encoding="ascii") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pid = int(file.read() or 0)
            with suppress(FileNotFoundError, ProcessLookupError):  # it has just ended
                if pid and b"labctl" in Path(f"/proc/{pid}/cmdline").read_bytes():
                    os.kill(pid, signal.SIGTERM)
