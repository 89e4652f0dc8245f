# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Loads a swanctl configuration into a charon that nobody uses, to learn what the real one would make of it.

`swanctl --load-all` on a file with a syntax error unloads every connection and exits with 0, so that nothing may
reach the real daemon unseen. The scratch daemon has a network namespace, settings and a socket of its own.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from ..document import Document
from ..system import files
from ..system.run import UNCONFINED, CommandError, environment, run
from . import charon
from .vici import Vici, ViciError

SWANCTL = "/etc/swanctl"
PATIENCE = 10.0
# Keys; old connections that carry on for a moment (former.py).
NOT_TRIED = ("intercloud-vpn-secrets.conf", "intercloud-vpn.former.conf")

_SETTINGS = """\
charon-systemd {{
  load_modular = no
  load = {plugins}
  journal {{
    default = -1
  }}
  plugins {{
    include /etc/strongswan.d/charon/*.conf
    vici {{
      socket = unix://{socket}
    }}
  }}
}}
"""


def _daemon() -> str:
    for path in ("/usr/sbin/charon-systemd", "/usr/libexec/strongswan/charon-systemd"):
        if Path(path).exists():
            return path
    return shutil.which("charon-systemd") or "charon-systemd"


def _tree(base: Path, changed: dict[str, str]) -> None:
    """A copy of /etc/swanctl, without private keys, in which some files (by absolute path) have another content."""
    real = Path(SWANCTL)
    base.mkdir()
    for entry in ("conf.d", "x509", "x509ca", "pubkey"):
        if (real / entry).is_dir():
            shutil.copytree(real / entry, base / entry, ignore=shutil.ignore_patterns(*NOT_TRIED))
    main = files.read(real / "swanctl.conf") or "include conf.d/*.conf\n"
    files.write(base / "swanctl.conf", main)
    for path, text in changed.items():
        files.write(base / os.path.relpath(path, SWANCTL), text)


def load(changed: dict[str, str]) -> tuple[dict[str, Document], set[str]]:
    """What charon would have after /etc/swanctl was `changed`: its connections, as `list-conns` shows them, and what it
    can do: key exchanges, of which it loads proposals with others, too, and the names of plugins.

    Raises CommandError with what swanctl says about a configuration that does not load.
    """
    with tempfile.TemporaryDirectory(prefix="intercloud-vpn.") as name:
        base = Path(name)
        _tree(base / "swanctl", changed)
        socket, settings = base / "vici", base / "strongswan.conf"
        files.write(settings, _SETTINGS.format(socket=socket, plugins=" ".join(charon.plugins("none"))))
        env = {"STRONGSWAN_CONF": str(settings), "SWANCTL_DIR": str(base / "swanctl")}
        started = environment(**env)
        started.pop("NOTIFY_SOCKET", None)
        # pylint: disable-next=ansible-bad-function  # the agent has no AnsibleModule
        with subprocess.Popen(
            ["unshare", "-n", *UNCONFINED, _daemon()], env=started, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as daemon:
            try:
                deadline = time.monotonic() + PATIENCE
                while not socket.exists():
                    if daemon.poll() is not None or time.monotonic() > deadline:
                        raise CommandError(f"{_daemon()}: does not start to try the configuration")
                    time.sleep(0.02)
                words = ("swanctl", "--load-conns", "--uri", f"unix://{socket}")
                run(*words, timeout=PATIENCE, env=env, unconfined=True)
                with Vici(str(socket), PATIENCE) as vici:
                    found = {k: v for event in vici.stream("list-conns", "list-conn") for k, v in event.items()}
                    algorithms = vici.request("get-algorithms")
                    able = {*algorithms.get("ke", {}), *algorithms.get("dh", {})}
                    return found, {*able, *vici.request("stats").get("plugins", [])}
            except ViciError as error:
                raise CommandError(str(error)) from error
            finally:
                daemon.terminate()
                try:
                    daemon.wait(5)
                except subprocess.TimeoutExpired:
                    daemon.kill()
