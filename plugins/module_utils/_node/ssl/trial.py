# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts an OpenVPN configuration where nobody sees it, to learn whether the real one would start with it.

OpenVPN has no option for that. The process gets a network namespace with a device and the address that it would have,
and says READY to a socket of ours (sd_notify(3)) once it has read everything, certificates included, and listens.
"""

from __future__ import annotations

import os
import select
import socket
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from ..ipsec import certificates as _certificates
from ..system import files
from ..system.install import HOOK
from ..system.run import CommandError, environment
from .processes import USER, Process

PATIENCE = 10.0
_NAMESPACE = """\
ip link set lo up && ip tuntap add dev "$1" mode tun && { [ "$2" = - ] || ip address add "$2" dev lo; } &&
shift 2 && exec "$@"
"""


def start(process: Process, text: str, certificates: dict[str, str], key: str = "") -> None:
    """Raises CommandError with what OpenVPN says of a configuration that it does not start with.

    ``certificates``: the content of those that are not in place yet, by path. ``key``: the tls-crypt key's file.
    """
    with tempfile.TemporaryDirectory(prefix="intercloud-vpn.") as name:
        base = Path(name)
        (base / "empty").mkdir()
        config = base / "openvpn.conf"
        # Neither the hook nor the user is there before the first commit.
        text = text.replace(HOOK, "/bin/true").replace(f"\nuser {USER}\ngroup {USER}\n", "\nuser nobody\n")
        if key:
            files.write(base / "key", key, 0o600)
            text = text.replace(f"\ntls-crypt {process.key}\n", f"\ntls-crypt {base / 'key'}\n")
        files.write(config, text, 0o600)
        words = ["openvpn", "--config", str(config), "--management", str(base / "socket"), "unix"]
        for option, path in (("--cert", _certificates.CERTIFICATE), ("--ca", _certificates.AUTHORITY)):
            if path in certificates:
                files.write(base / option.strip("-"), certificates[path])
                words += [option, str(base / option.strip("-"))]
        # What is not there before the first commit.
        words += ["--crl-verify", str(base / "empty"), "dir"]
        if process.transport:
            words += ["--client-config-dir", str(base / "empty")]
        address = str(process.tunnels[0]["local_address"])
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ready:
            ready.bind(str(base / "notify"))
            _run(["sh", "-c", _NAMESPACE, "sh", process.device, address if "%" not in address else "-", *words], ready)


def _run(words: list[str], ready: socket.socket) -> None:
    env = environment(NOTIFY_SOCKET=ready.getsockname())
    # pylint: disable-next=ansible-bad-function  # the agent has no AnsibleModule
    with subprocess.Popen(
        ["unshare", "-n", *words], env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL
    ) as running:
        if running.stdout is None:
            raise AssertionError("a pipe was asked for")
        said = b""
        watched: list[Any] = [ready, running.stdout]
        try:
            while True:
                found = select.select(watched, [], [], PATIENCE)[0]
                if ready in found and b"READY=1" in ready.recv(4096):
                    return
                chunk = os.read(running.stdout.fileno(), 4096) if running.stdout in found else b""
                said += chunk
                if not found or (running.stdout in found and not chunk):
                    lines = [line for line in said.decode("utf-8", "replace").splitlines() if "Use --help" not in line]
                    raise CommandError(f"openvpn does not start with it: {'; '.join(lines[-4:]) or 'it says nothing'}")
        finally:
            running.terminate()
            try:
                running.wait(5)
            except subprocess.TimeoutExpired:
                running.kill()
