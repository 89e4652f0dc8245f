"""What labctl does: the whole lab up or down, one machine on or off."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path

from . import cgroup, network, ssh
from . import machine as machines
from . import root as roots
from .landscape import landscape
from .shell import LabError, run

STATE = Path(landscape.STATE_DIR)
LABCTL = Path(__file__).resolve().parents[1] / "labctl.py"
LOCK = roots.CACHE / "lock"
BOOT_SECONDS = 180  # far more than needed: a machine with one slow core shall do too


def up(count, root, patience=1, at_once=0):
    """Converge on `count` clouds; returns what was done, [] when all was there.

    Where all is slow: `patience` times as long for a boot, and no more than `at_once` of them side by side.
    """
    clouds = landscape.cloud_names(count)
    with lock():
        done = []
        state = read_state()
        if state and state.get("root") != root:
            done.append("all: rebuilt, because the machines' root is another one")
            _clear()
        STATE.mkdir(parents=True, exist_ok=True)
        ssh.prepare()
        write_state(clouds=list(clouds), root=root, patience=patience)
        done += _remove_surplus(clouds)
        wanted = landscape.machines(clouds)
        ssh.write_config(wanted.values())
        made = network.make_base(clouds)
        done += [f"{name}: network made" for name in made]
        waiting = []
        for machine in wanted.values():
            if _is_cut_off(machine, made):
                cgroup.kill(machine.name)
                _wait({machine.name}, ("off", "failed"))
            state = machines.status(machine.name)["state"]
            if state == "stopping":
                _wait({machine.name}, ("off", "failed"))
            if state not in ("running", "starting"):
                done.append(f"{machine.name}: {'started' if machines.exists(machine.name) else 'made'}")
                machines.create(machine)
                _wait_for_some(waiting, at_once)
                _spawn(machine.name, root)
            if state != "running":
                waiting.append(machine.name)
        _wait(waiting, ("running",))
        return done


def down():
    """Leave nothing but the cache; returns whether there was anything."""
    _end_lock_holder()
    with lock():
        roots.discard_partial()
        return _clear()


def power(action, name):
    """start | stop | kill | reboot one machine, and wait until it is so; returns whether that changed anything."""
    state = read_state()
    if not state or name not in landscape.machines(state["clouds"]):
        raise LabError(f"the lab has no machine {name}" if state else "there is no lab: `make lab` makes one")
    before = machines.status(name)
    if action == "start":
        if before["state"] in ("off", "failed"):
            _spawn(name, state["root"])
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


def status():
    """{clouds, root, machines: {name: {state, boots, …}}}, or {} when there is no lab."""
    state = read_state()
    if state:
        state["machines"] = {name: machines.status(name) for name in landscape.machines(state["clouds"])}
    return state


def read_state():
    try:
        return json.loads(Path(landscape.STATE_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def last_root():
    """The root in use, else the newest one in the cache."""
    newest = [str(path) for path in roots.built()[:1]]
    path = read_state().get("root") or "".join(newest)
    if not path:
        raise LabError("no root has been built yet: run the playbook lab_up, or `labctl root PACKAGE …`")
    return path


def write_state(**state):
    new = Path(landscape.STATE_FILE + ".new")
    new.write_text(json.dumps(state) + "\n", encoding="utf-8")
    new.replace(landscape.STATE_FILE)


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
    machines.write_status(name, state="starting", boots=0, supervisor=process.pid)


def _wait(names, states, boots=0):
    """Wait until each of the machines is in one of the states (and has booted so often)."""
    deadline = time.monotonic() + BOOT_SECONDS * read_state().get("patience", 1)
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


def _remove_surplus(clouds):
    """Remove the clouds that are no longer wanted."""
    done = []
    for cloud in (c for c in landscape.CLOUDS if c not in clouds):
        members = landscape.machines_of(cloud)
        if not network.exists(landscape.namespace_of(cloud)) and not any(machines.exists(m.name) for m in members):
            continue
        for machine in members:
            _end_supervisor(machine.name)
            cgroup.kill(machine.name)
            cgroup.remove(machine.name)
            network.detach(machine)
            machines.delete(machine.name)
        network.delete_namespace(landscape.namespace_of(cloud))
        done.append(f"{cloud}: removed")
    return done


def _end_supervisor(name):
    record = machines.status(name)
    if record["state"] in ("starting", "running", "stopping"):
        cgroup.send(signal.SIGKILL, record["supervisor"])


def _clear():
    there = bool(STATE.exists() or network.namespaces() or cgroup.processes())
    for socket in STATE.glob("ssh/mux-*"):
        run("ssh", "-o", f"ControlPath={socket}", "-O", "exit", "any", check=False)
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
    for name in landscape.machines(landscape.CLOUDS):
        machines.delete(name)
    if STATE.exists():
        shutil.rmtree(STATE)
    return there


@contextmanager
def lock():
    """One change of the lab at a time. In the cache, which `down` leaves."""
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
