"""Whether this machine can run the lab; if not, what is missing and what mends it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from .shell import LabError

# command → Debian package
TOOLS = {
    "apt-config": "apt",
    "dpkg": "dpkg",
    "ip": "iproute2",
    "mmdebstrap": "mmdebstrap",
    "nft": "nftables",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
    "systemd-nspawn": "systemd-container",
    "unshare": "util-linux",
}


# Every systemd takes half a dozen inotify instances, all machines out of root's one account; the kernel's 128 are
# enough for three clouds. The limit costs nothing, so it stays raised.
INOTIFY_INSTANCES = 4096


def check(action):
    """LabError unless `action` can be done here."""
    if os.geteuid() != 0:
        raise LabError(f"`labctl {action}` makes namespaces and mounts: run it as root")
    os.environ["PATH"] += ":/usr/sbin:/sbin"  # not in everybody's, be they root
    if action == "down":
        return  # does what it can with what there is
    if not shutil.which("dpkg"):
        raise LabError("the lab's machines are Debian, made by this host's own apt: it needs Debian or a relative")
    missing = {package: tool for tool, package in TOOLS.items() if not shutil.which(tool)}
    if missing:
        raise LabError(
            f"missing: {', '.join(sorted(missing.values()))}. "
            f"Run `make setup`, or: apt-get install {' '.join(sorted(missing))}"
        )
    if not Path("/dev/net/tun").exists():
        raise LabError("/dev/net/tun is missing (in a container: pass the device in; else: modprobe tun)")
    if "\toverlay\n" not in Path("/proc/filesystems").read_text(encoding="ascii"):
        raise LabError("the kernel has no overlay file system (try: modprobe overlay)")
    _raise_inotify_limit()


def _raise_inotify_limit():
    limit = Path("/proc/sys/fs/inotify/max_user_instances")
    if int(limit.read_text(encoding="ascii")) < INOTIFY_INSTANCES:
        limit.write_text(str(INOTIFY_INSTANCES), encoding="ascii")
