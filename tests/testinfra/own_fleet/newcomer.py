# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An administrator who never saw a checkout: a home directory, the collection from a tarball, the example's files.

Commands are those that docs/own_fleet.md prints. The example's files are taken as they are, save names and addresses.
"""

from __future__ import annotations

import os
import pwd
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.intercloud.vpn.plugins.plugin_utils import _lab
from ansible_collections.intercloud.vpn.tests.testinfra import lab, playbooks

LOGIN = "admin"  # the example's ansible_user
# The example's names and addresses → the lab's, in this order. Management addresses and private networks are the same.
NAMES = (
    *(("shop-berlin", "vapp1-east"), ("web-berlin", "vm1-east"), ("berlin", "east")),
    *(("shop-oslo", "vapp1-west"), ("web-oslo", "vm1-west"), ("db-oslo", "vm3-west"), ("oslo", "west")),
    *(("192.0.2.10", "198.18.0.10"), ("198.51.100.10", "198.18.0.11")),
    *(("192.0.2.20", "203.0.113.2"), ("198.51.100.20", "203.0.113.18")),
    ("10.10.0.80", "10.10.0.13"),
    ("/var/lib/intercloud-vpn", _lab.STATE_DIR),
)
MACHINES = (
    *("node-east", "edge-east", "vapp1-east", "vm1-east"),
    *("node-west", "edge-west", "vapp1-west", "vm1-west", "vm3-west"),
)
# ssh looks for its files where the user's record says, not in $HOME; so they are put there, for this process only.
ENTER = 'mkdir -p "$1"; mount --bind "$0" "$1"; shift; exec "$@"'


def ours(text: str) -> str:
    """A text with the lab's names and addresses in place of the example's."""
    for example, here in NAMES:
        text = text.replace(example, here)
    return text


PRINTED = re.findall(r"^\$ (.*)$", ours((lab.ROOT / "docs/own_fleet.md").read_text(encoding="utf-8")), re.MULTILINE)


@dataclass(frozen=True)
class Newcomer:
    """Somebody at home, with a key of the machines and nothing else."""

    home: Path

    def prepare(self) -> None:
        """The key, as the provider's console would have put it on the machines."""
        (self.home / ".ssh").mkdir(mode=0o700)
        shutil.copy(f"{_lab.SSH_DIR}/id_ed25519", self.home / ".ssh")

    def run(self, command: str, printed: bool = True, succeeds: bool = True, seconds: int = 300) -> playbooks.Run:
        """Run a command line in a shell at home; it is one that the page prints."""
        assert not printed or command in PRINTED, f"docs/own_fleet.md does not print: {command}"
        begun = time.monotonic()
        done = subprocess.run(
            ["unshare", "--mount", "sh", "-ec", ENTER, self.home / ".ssh", f"{_own_home()}/.ssh", "sh", "-c", command],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
            cwd=self.home, timeout=seconds, env=self._environment(),
        )  # fmt: skip
        finished = playbooks.read(done.returncode, done.stdout)
        playbooks.log(command, (), finished, time.monotonic() - begun)
        assert (done.returncode == 0) == succeeds, f"{command}: {done.returncode}\n{done.stdout[-4000:]}"
        return finished

    def _environment(self) -> dict[str, str]:
        """Nothing of what Molecule, or who runs the tests, has set."""
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        return {"PATH": path, "HOME": str(self.home), "LANG": "C.UTF-8", "ANSIBLE_NOCOLOR": "1"}

    def build(self) -> str:
        """The collection as a tarball; its name."""
        self.run(f"ansible-galaxy collection build --output-path . {lab.ROOT}", printed=False)
        (tarball,) = self.home.glob("intercloud-vpn-*.tar.gz")
        return tarball.name

    def edit(self, fleet: Path) -> None:
        """Give the example's files the lab's names and addresses, and nothing else."""
        for file in fleet.rglob("*.yml"):
            file.write_text(ours(file.read_text(encoding="utf-8")), encoding="utf-8")


def add_login() -> None:
    """A user with sudo on every machine, as images of cloud providers have it."""
    lab.at_once(lambda name: lab.sh(name, f"""
        useradd -m -s /bin/bash {LOGIN} && cp -r /root/.ssh /home/{LOGIN}/ && chown -R {LOGIN}: /home/{LOGIN}/.ssh
        echo '{LOGIN} ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/{LOGIN} && chmod 440 /etc/sudoers.d/{LOGIN}
        """), MACHINES)  # fmt: skip


def remove_login() -> None:
    """The machines as they were."""
    command = f"pkill -KILL -u {LOGIN}; userdel -r {LOGIN}; rm -f /etc/sudoers.d/{LOGIN}"
    lab.at_once(lambda name: lab.sh(name, command, check=False), MACHINES)


def _own_home() -> str:
    return pwd.getpwuid(os.geteuid()).pw_dir
