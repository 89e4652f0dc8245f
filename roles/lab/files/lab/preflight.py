"""Whether this machine can run the lab; if not, what is missing and what mends it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from .shell import LabError

# command → Debian package
TOOLS = {
    "apt-config": "apt", "dpkg": "dpkg", "ip": "iproute2", "mmdebstrap": "mmdebstrap", "nft": "nftables",
    "setpriv": "util-linux", "ssh": "openssh-client", "ssh-keygen": "openssh-client",
    "systemd-nspawn": "systemd-container", "unshare": "util-linux",
}


def check(action):
    """LabError unless `action` can be done here."""
    if os.geteuid() != 0:
        raise LabError(f"`labctl {action}` makes namespaces and mounts: run it as root")
    if action == "down":
        return      # does what it can with what there is
    if not shutil.which("dpkg"):
        raise LabError("the lab's machines are Debian, made by this host's own apt: it needs Debian or a relative")
    missing = {package: tool for tool, package in TOOLS.items() if not shutil.which(tool)}
    if missing:
        raise LabError(f"missing: {', '.join(sorted(missing.values()))}. "
                       f"Run `make setup`, or: apt-get install {' '.join(sorted(missing))}")
    if not Path("/dev/net/tun").exists():
        raise LabError("/dev/net/tun is missing (in a container: pass the device in; else: modprobe tun)")
    if "\toverlay\n" not in Path("/proc/filesystems").read_text(encoding="ascii"):
        raise LabError("the kernel has no overlay file system (try: modprobe overlay)")
