# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs: runs that ansible-runner started, for AWX, Automation Controller or ansible-navigator. Nobody can answer a
question there, and most of them run in a container that is deleted after the job, with the files in it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail

# ansible-runner sets it: PRIVATE_DATA_DIR/artifacts/IDENT.
ARTIFACTS = "AWX_ISOLATED_DATA_DIR"
# podman and CRI-O, Docker. systemd-nspawn and LXC run machines, which stay.
MARKERS = ("/run/.containerenv", "/.dockerenv")
KUBERNETES = "KUBERNETES_SERVICE_HOST"
LOCAL = ("local", "ansible.builtin.local")

# A virtual machine that was made from a container's image has the marker, and a disk of its own.
DISKS = ("ext4", "xfs")
OVERLAYS = ("overlay", "aufs", "fuse-overlayfs", "fuse.fuse-overlayfs")
MEMORY = ("tmpfs", "ramfs")
EMPTY_DIR = "/volumes/kubernetes.io~empty-dir/"
UNNAMED = re.compile(r"/volumes/[0-9a-f]{64}/_data(/|$)")  # both engines delete it with a container that ran with --rm
ESCAPED = re.compile(r"\\([0-7]{3})")

WHAT_TO_DO = (
    "Do one of these, and run the job again:",
    "- Make a host that stays the VCC server: put it into the inventory's group vcc_server.",
    "- Mount a directory that stays at vcc_state_dir. AWX: Settings > Jobs > Paths to expose to isolated jobs, for "
    "example /srv/intercloud-vpn:/var/lib/intercloud-vpn:rw. Container groups: a persistent volume in the pod's "
    "specification.",
)


@dataclass(frozen=True)
class Mount:
    """A line of /proc/self/mountinfo: the mount point, which part of the file system is there, its kind."""

    point: str
    root: str
    kind: str


def is_job(environment: Mapping[str, str]) -> bool:
    """Whether ansible-runner started this run. It gives every job a terminal, but nobody sits at it."""
    return bool(environment.get(ARTIFACTS))


def in_container(mounts: Iterable[Mount], environment: Mapping[str, str]) -> bool:
    """Whether this is a container for one program, and no machine."""
    if KUBERNETES in environment:
        return True
    disk = any(mount.point == mount.root == "/" and mount.kind in DISKS for mount in mounts)
    return not disk and any(os.path.exists(marker) for marker in MARKERS)


def read_mounts(text: str) -> list[Mount]:
    """The mounts in a text of the format of /proc/self/mountinfo, see proc_pid_mountinfo(5)."""
    mounts = []
    for line in text.splitlines():
        fields = line.split(" ")
        mounts.append(Mount(_plain(fields[4]), _plain(fields[3]), fields[fields.index("-", 6) + 1]))
    return mounts


def why_lost(path: str, mounts: Iterable[Mount], private: str) -> str | None:
    """Where a file of a container is, if that is deleted after the job; None if it stays.

    ``path`` is absolute and has no symbolic links. ``private`` is ansible-runner's private data directory.
    """
    held = Mount("/", "/", "")
    for mount in mounts:
        if _is_in(path, mount.point) and len(mount.point) >= len(held.point):
            held = mount  # of several at one place, the last is seen
    if held.point == "/":
        return "the container's own file system"
    if held.kind in OVERLAYS:
        return f"the overlay at {held.point} (is it mounted with :O?)"
    if held.kind in MEMORY:
        return f"the memory file system at {held.point}"
    if EMPTY_DIR in held.root:
        return f"the emptyDir volume at {held.point}"
    if UNNAMED.search(held.root):
        return f"the unnamed volume at {held.point}"
    if _is_in(path, private):
        return f"the job's private data directory {private}"
    return None


def require_lasting(
    arguments: Mapping[str, Any], transport: str, environment: Mapping[str, str], part: bool = False
) -> None:
    """AnsibleActionFail where the ledger or the authorities would be lost with the job's container.

    ``arguments`` are those of a task on the VCC server: ``ledger``, ``state_dir``. ``transport`` is how the VCC server
    is reached. ``part``: the run has a copy of a part of the ledger, which it needs no longer than it runs.
    """
    if part or transport not in LOCAL or not is_job(environment):
        return
    mounts = read_mounts(Path("/proc/self/mountinfo").read_text(encoding="utf-8"))
    if not in_container(mounts, environment):
        return
    private = os.path.realpath(Path(environment[ARTIFACTS]).parent.parent)
    lost = []
    for name, path, follows in _kept(arguments):
        where = why_lost(os.path.realpath(os.path.expanduser(path)), mounts, private)
        if where:
            lost.append(f"{name}: {path} is on {where}. {follows}")
    if lost:
        head = "The VCC server is this job's container, and is deleted after the job. No host was touched."
        raise AnsibleActionFail("\n".join([head, *lost, *WHAT_TO_DO]))


def _kept(arguments: Mapping[str, Any]) -> Iterable[tuple[str, str, str]]:
    """What has to outlive the job: the variable, the path, and what follows when it does not."""
    if arguments.get("state_dir"):
        follows = "The next job would make new certification authorities, and all tunnels would fail."
        yield "vcc_state_dir", str(arguments["state_dir"]), follows
    scheme, _colon, rest = str(arguments.get("ledger") or "").partition("://")
    if scheme.partition("+")[0] == "sqlite":
        path = rest.partition("?")[0][1:]
        yield "vcc_ledger", path, "The next job would know no VPN, and lease the same addresses again."


def _is_in(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def _plain(field: str) -> str:
    """Blanks and the like are written as octal numbers."""
    return ESCAPED.sub(lambda found: chr(int(found[1], 8)), field)
