"""One machine's files: an overlay over the shared root, and how it is booted."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path

from . import ssh
from .landscape import landscape

DIRECTORY = Path(landscape.STATE_DIR) / "machines"
NSPAWN_LEFTOVERS = Path("/run/systemd/nspawn")  # systemd-nspawn leaves an empty directory per machine in it

# Booted in a mount namespace of its own: whatever becomes of the machine, no mount stays behind.
BOOT = """
mount -t overlay overlay -o lowerdir="$1",upperdir="$2/upper",workdir="$2/work" "$2/root"
shift 2
exec "$@"
"""
# A gateway forwards from the moment it has networks, and it has none before network-pre.target. Here networks are there
# before it boots; so that is when it begins.
FORWARDING = """\
[Unit]
Description=Forward, as a gateway does
DefaultDependencies=no
After=network-pre.target
Before=network.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh -c 'echo 1 > /proc/sys/net/ipv4/ip_forward; echo 1 > /proc/sys/net/ipv6/conf/all/forwarding'
"""


def directory(name):
    return DIRECTORY / name


def exists(name):
    return directory(name).is_dir()


def names():
    """Machines that have files, or have left something, whatever the lab is now."""
    left = {path.name for path in (*DIRECTORY.glob("*"), *NSPAWN_LEFTOVERS.glob("*/*"))}
    return sorted(filter(landscape.machine_named, left))


def create(machine):
    """Make the machine's own files: name, keys and who may log in. What it has already stays."""
    place = directory(machine.name)
    upper = place / "upper"
    for path in ("upper", "work", "root"):
        (place / path).mkdir(parents=True, exist_ok=True)
    if (upper / "etc/ssh").is_dir():
        return
    upper.chmod(0o755)
    etc = upper / "etc"
    etc.mkdir(exist_ok=True)
    (etc / "hostname").write_text(machine.name + "\n", encoding="ascii")
    (etc / "hosts").write_text(f"127.0.0.1 localhost\n::1 localhost\n127.0.1.1 {machine.name}\n", encoding="ascii")
    # Known beforehand, so that no machine takes its boot for a first one and enables every service it has.
    (etc / "machine-id").write_text(hashlib.md5(machine.name.encode()).hexdigest() + "\n", encoding="ascii")
    units = etc / "systemd/system"
    if machine.forwards:
        wants = units / "multi-user.target.wants"
        wants.mkdir(parents=True, exist_ok=True)
        (units / "lab-forwarding.service").write_text(FORWARDING, encoding="ascii")
        (wants / "lab-forwarding.service").unlink(missing_ok=True)
        (wants / "lab-forwarding.service").symlink_to("../lab-forwarding.service")
    login = upper / "root/.ssh"
    login.mkdir(parents=True, exist_ok=True)
    (upper / "root").chmod(0o700)
    login.chmod(0o700)
    (login / "authorized_keys").write_text(ssh.public_key(), encoding="ascii")
    ssh.make_host_key(etc / "ssh", machine.name)  # last: its presence says that the rest is there


def delete(name):
    """Remove all that a machine has; it must be off."""
    shutil.rmtree(directory(name), ignore_errors=True)
    for leftover in NSPAWN_LEFTOVERS.glob(f"*/{name}"):
        shutil.rmtree(leftover, ignore_errors=True)
    ssh.forget(name)


def boot_command(name, root):
    """The command that boots a machine, to be run in its control group."""
    place = directory(name)
    return [
        "unshare",
        "--mount",
        "--propagation",
        "slave",
        "sh",
        "-ec",
        BOOT,
        "sh",
        root,
        str(place),
        "systemd-nspawn",
        "--quiet",
        f"--directory={place}/root",
        f"--machine={name}",
        f"--hostname={name}",
        "--register=no",
        "--keep-unit",
        "--private-users=no",
        "--notify-ready=yes",
        "--console=pipe",
        "--link-journal=no",
        "--resolv-conf=off",
        "--timezone=off",
        f"--network-namespace-path=/run/netns/{name}",
        "--capability=CAP_NET_ADMIN,CAP_NET_RAW,CAP_SYS_ADMIN",
        "--bind=/dev/net/tun",
        "--system-call-filter=@keyring",
        "--boot",
    ]


def boot_environment():
    return {**os.environ, "SYSTEMD_NSPAWN_API_VFS_WRITABLE": "network", "SYSTEMD_NSPAWN_LOCK": "0"}


def status(name):
    """{state, boots, supervisor, detail}; state: off | starting | running | stopping | failed."""
    try:
        record = json.loads((directory(name) / "status.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        record = {"state": "off", "boots": 0}
    if record["state"] not in ("off", "failed") and not _supervised(name, record.get("supervisor")):
        record["state"] = "off"  # its supervisor was killed
    return record


def write_status(name, **record):
    path = directory(name) / "status.json"
    new = path.with_suffix(".new")
    new.write_text(json.dumps(record), encoding="utf-8")
    new.replace(path)


def _supervised(name, pid):
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return b"supervise" in words and name.encode() in words
