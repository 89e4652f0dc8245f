"""The virtual machine's kernel and disk: built once per list of packages and set of machines' roots, kept in the cache.

A directory per image: `disk` (ext4, with the machines' roots in it), `kernel`, and the key that lets in.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import shutil
import signal
import subprocess
from pathlib import Path

from . import locks
from . import root as roots
from .shell import LabError, run

LOG = roots.CACHE / "vm.log"
LOCK = roots.CACHE / "vm.lock"
PARTIAL = roots.CACHE / "vm-partial"
KEEP = 2
FILES = Path(__file__).resolve().parents[1]
CUSTOMIZE = FILES / "vm_customize.sh"
BINDEP = FILES.parents[2] / "bindep.txt"

# Debian's stock kernel, built for virtual machines: it has all that the lab needs, a disk without an initrd included.
KERNEL = "linux-image-cloud-amd64"
PEER = ("libnss3-tools", "libreswan", "openssl")  # somebody else's IKE daemon, for tests; no service of it runs
PACKAGES = (KERNEL, "dbus", "kmod", "openssh-server", "procps", "python3", "systemd-sysv", "udev", *PEER)
DISK_SIZE = "6G"  # sparse
# mmdebstrap with processes and mounts of its own, which end with it.
CONTAINED = ("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")
OPTIONS = tuple(option for option in roots.OPTIONS if "--format" not in option)


def path_for(machines_roots):
    """Where the image with these machines' roots in it is kept."""
    identity = "\n".join(
        [
            roots.suite(),
            CUSTOMIZE.read_text(encoding="utf-8"),
            DISK_SIZE,
            *OPTIONS,
            *_include(),
            *sorted(Path(root).name for root in machines_roots),
        ]
    )
    return roots.CACHE / f"vm-{hashlib.sha256(identity.encode()).hexdigest()[:12]}"


def build(machines_roots):
    """Build the image unless it is there; returns (path, built)."""
    path = path_for(machines_roots)
    with locks.held(LOCK):
        if path.is_dir():
            path.touch()
            return path, False
        shutil.rmtree(PARTIAL, ignore_errors=True)
        tree, image = PARTIAL / "root", PARTIAL / "image"
        image.mkdir(parents=True)
        image.chmod(0o700)
        with LOG.open("w", encoding="utf-8") as log:
            packages = f"--include={','.join(_include())}"
            hook = f"--customize-hook={CUSTOMIZE}"
            bootstrap = [*CONTAINED, "mmdebstrap", *OPTIONS, "--format=directory", *roots.apt_options(), packages, hook]
            _logged(log, *bootstrap, roots.suite(), str(tree), *map(str, roots.sources(PARTIAL, roots.suite())))
            _add_login(tree, image)
            for root in machines_roots:
                inner = tree / root.lstrip("/")
                inner.parent.mkdir(parents=True, exist_ok=True)
                _logged(log, "cp", "-a", root, str(inner))
            (kernel,) = (tree / "boot").glob("vmlinuz-*")
            shutil.copy(kernel, image / "kernel")
            make = ["mke2fs", "-q", "-t", "ext4", "-O", "^has_journal", "-m", "0", "-d", str(tree)]
            _logged(log, *make, str(image / "disk"), DISK_SIZE)
        image.rename(path)
        shutil.rmtree(PARTIAL)
        for surplus in sorted(built(), key=lambda p: p.stat().st_mtime, reverse=True)[KEEP:]:
            shutil.rmtree(surplus)
        return path, True


def built():
    return [path for path in roots.CACHE.glob("vm-*") if (path / "disk").exists() and path != PARTIAL]


def _include():
    """Packages: those that make it a machine, and what bindep.txt says that the lab needs."""
    lines = BINDEP.read_text(encoding="utf-8").splitlines()
    lab = (line.split()[0] for line in lines if line.endswith("[platform:dpkg lab]"))
    return sorted({*PACKAGES, "openssh-client", *lab})


def _add_login(tree, image):
    """The key that lets in, and the machine's own as the controller will know it."""
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "intercloud-vpn-lab", "-f", str(image / "id_ed25519"))
    login = tree / "root/.ssh"
    login.mkdir(mode=0o700, parents=True, exist_ok=True)
    shutil.copy(image / "id_ed25519.pub", login / "authorized_keys")
    shutil.copy(tree / "etc/ssh/ssh_host_ed25519_key.pub", image / "host_key.pub")


def _logged(log, *command):
    try:
        # INITRD: Debian's kernel packages make none then.
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            check=False,
            preexec_fn=_die_too,
            env={**os.environ, "INITRD": "No"},
        )
    except FileNotFoundError as error:
        raise LabError(f"{command[0]} is not installed (`make lab-kernel` installs what it needs)") from error
    if done.returncode:
        tail = "\n".join(LOG.read_text(encoding="utf-8", errors="replace").splitlines()[-15:])
        raise LabError(f"{command[0]} failed with status {done.returncode}; the end of {LOG}:\n{tail}")


def _die_too():
    """A build does not outlive whoever wanted it."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
