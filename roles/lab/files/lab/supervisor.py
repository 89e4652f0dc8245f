"""The process that is a machine's hardware: it wires, boots, reboots and switches off one machine.

    SIGTERM   the power button: the machine shuts down in order
    SIGKILL of the machine's processes (`labctl kill`): the plug is pulled

A reboot from inside ends systemd-nspawn with status 133. Namespace, devices, routes and firewall are then made
anew; only the files stay.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys

from . import cgroup, network, state
from . import machine as machines
from .shell import LabError

REBOOT = 133  # systemd-nspawn(1): a reboot was asked for under --keep-unit
POWER_OFF_SECONDS = 30


def supervise(name, root):
    """Run a machine until it is off."""
    machine = state.machines(state.read())[name]
    cgroup.join("supervisors")
    boots = 0
    cgroup.kill(name)  # should a supervisor before this one have been killed
    try:
        while True:
            boots += 1
            _say(name, "starting", boots)
            network.attach(machine)
            code = _Boot(name, root, boots).run()
            cgroup.kill(name)
            cgroup.remove(name)
            network.detach(machine)
            if code != REBOOT:
                break
    except (LabError, OSError) as error:
        print(f"labctl: {error}", file=sys.stderr, flush=True)
        _say(name, "failed", boots, detail=str(error))
        return 1
    # Off by its own or the plug pulled: the same to whoever wants it up. A machine that never came up says why.
    _say(name, "off" if code in (0, -signal.SIGKILL, 128 + signal.SIGKILL) else "failed", boots, detail=f"exit {code}")
    return 0


class _Boot:
    """From power on to power off, once."""

    def __init__(self, name, root, boots):
        self.name, self.root, self.boots = name, root, boots
        self.path = str(machines.directory(name) / "notify")

    def run(self):
        """Boot, say when the machine is up, wait for its end; returns systemd-nspawn's exit status."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ready:
            if os.path.exists(self.path):
                os.unlink(self.path)
            ready.bind(self.path)
            process = subprocess.Popen(
                machines.boot_command(self.name, self.root),
                preexec_fn=lambda: cgroup.join(self.name),
                env={**machines.boot_environment(), "NOTIFY_SOCKET": self.path},
                stdin=subprocess.DEVNULL,
            )
            signal.signal(signal.SIGTERM, lambda *_signal: self._power_off(process))
            ready.settimeout(0.5)
            running = False
            # To the end: systemd in the machine goes on telling (at every daemon-reload), and waits until it is heard.
            while process.poll() is None:
                try:
                    message = ready.recv(4096)
                except TimeoutError:
                    continue
                if b"READY=1" in message.split(b"\n") and not running:
                    running = True
                    _say(self.name, "running", self.boots)
            signal.alarm(0)
            return process.returncode

    def _power_off(self, process):
        _say(self.name, "stopping", self.boots)
        # systemd-nspawn passes it on as SIGRTMIN+3, which is an orderly power off.
        process.send_signal(signal.SIGTERM)
        signal.signal(signal.SIGALRM, lambda *_signal: cgroup.kill(self.name))
        signal.alarm(POWER_OFF_SECONDS)


def _say(name, state, boots, detail=""):
    machines.write_status(name, state=state, boots=boots, supervisor=os.getpid(), detail=detail)
