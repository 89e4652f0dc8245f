"""The virtual machine: on, off, what runs in it. Each start is a fresh one: what was written goes with the process."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

from .landscape import landscape
from .shell import LabError

STATE = Path(landscape.VM_STATE_DIR)
STATE_FILE = STATE / "vm.json"
CONSOLE = STATE / "console.log"
SSH_DIR = STATE / "ssh"
SSH_CONFIG = SSH_DIR / "config"
NAME = "lab-vm"
QEMU = "qemu-system-x86_64"
MEMORY, CPUS = "4096", "2"
START_SECONDS = 300

# No initrd: the kernel has NVMe and ext4 built in. Nobody attacks this machine from within.
KERNEL_ARGUMENTS = (
    "root=/dev/nvme0n1 rw noatime console=ttyS0 net.ifnames=0 quiet mitigations=off nokaslr audit=0 "
    "apparmor=0 selinux=0 nowatchdog random.trust_cpu=on systemd.show_status=0"
)
ACCELERATORS = {
    "kvm": ["-accel", "kvm", "-cpu", "host"],
    # la57: a fifth level of page tables, which emulation pays for and nobody needs.
    "tcg": ["-accel", "tcg,thread=multi,tb-size=1024", "-cpu", "max,la57=off"],
}


def start(image):
    """Switch it on unless it is; returns whether it was off."""
    if process():
        return False
    stop()
    (STATE / "ssh").mkdir(parents=True)
    STATE.chmod(0o755)
    port, kind = _free_port(), accelerator()
    command = [
        QEMU, "-name", NAME, "-machine", "q35", *ACCELERATORS[kind], "-smp", CPUS, "-m", MEMORY, "-nodefaults",
        "-display", "none", "-serial", f"file:{CONSOLE}", "-rtc", "base=utc",
        "-kernel", str(image / "kernel"), "-append", KERNEL_ARGUMENTS,
        # snapshot: written to a file that has no name, and so ends with the process.
        "-drive", f"file={image}/disk,format=raw,if=none,id=disk,snapshot=on,cache=unsafe",
        "-device", "nvme,drive=disk,serial=disk", "-device", "virtio-rng-pci",
        # Nothing in or out but this port.
        "-nic", f"user,model=virtio-net-pci,restrict=on,hostfwd=tcp:127.0.0.1:{port}-10.0.2.15:22",
    ]  # fmt: skip
    with (STATE / "qemu.log").open("ab") as log:
        try:
            qemu = subprocess.Popen(
                command,
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env={**os.environ, "TMPDIR": "/var/tmp"},
            )
        except FileNotFoundError as error:
            raise LabError(f"{QEMU} is not installed (`make lab-kernel` installs what it needs)") from error
    STATE_FILE.write_text(json.dumps({"port": port, "accelerator": kind, "image": str(image)}) + "\n", encoding="ascii")
    _write_ssh(image, port)
    _wait_for_ssh(qemu)
    return True


def stop():
    """Switch it off and leave nothing, whatever state it is in; returns whether there was anything."""
    there = STATE.exists()
    hang_up()
    while pid := process():
        there = True
        os.kill(pid, signal.SIGKILL)  # its disk is thrown away
        time.sleep(0.05)
    shutil.rmtree(STATE, ignore_errors=True)
    return there


def hang_up():
    """End the connections that are kept open, to it and to the machines in it."""
    for mux in SSH_DIR.glob("mux-*"):
        subprocess.run(["ssh", "-o", f"ControlPath={mux}", "-O", "exit", "any"], capture_output=True, check=False)


def run(*command, stdin=None, check=True, timeout=900):
    """Run a command in it, as root; its standard output."""
    done = subprocess.run(
        ["ssh", "-F", str(SSH_CONFIG), NAME, shlex.join(command)],
        input=stdin,
        timeout=timeout,
        capture_output=True,
        check=False,
    )
    if check and done.returncode:
        raise LabError(
            f"in the virtual machine, `{shlex.join(command)}` failed: "
            f"{(done.stderr or done.stdout).decode(errors='replace').strip()}"
        )
    return done.stdout


def process():
    """QEMU's process id, or None."""
    marks = {QEMU.encode(), b"-name", NAME.encode(), f"file:{CONSOLE}".encode()}
    for directory in Path("/proc").glob("[0-9]*"):
        try:
            words = set((directory / "cmdline").read_bytes().split(b"\0"))
            if words >= marks and b") Z " not in (directory / "stat").read_bytes():
                return int(directory.name)
        except OSError:
            continue
    return None


def read_state():
    try:
        return json.loads(STATE_FILE.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return {}


def accelerator():
    """kvm where the processor offers it, tcg (emulation) elsewhere. There are kernels with /dev/kvm that cannot."""
    flags = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace").split()
    usable = os.access("/dev/kvm", os.R_OK | os.W_OK) and ("vmx" in flags or "svm" in flags)
    return "kvm" if usable else "tcg"


def _write_ssh(image, port):
    """Who may log in where; the lab's own machines are added once they are there."""
    shutil.copy(image / "id_ed25519", SSH_DIR / "id_ed25519")
    shutil.copy(image / "id_ed25519.pub", SSH_DIR / "id_ed25519.pub")
    key = (image / "host_key.pub").read_text(encoding="ascii").split()[:2]
    (SSH_DIR / "known_hosts").write_text(f"{NAME} {' '.join(key)}\n", encoding="ascii")
    SSH_CONFIG.write_text(ssh_config(port), encoding="ascii")


def ssh_config(port):
    """The part of the SSH configuration that is about the virtual machine."""
    return f"""\
Host {NAME}
    HostName 127.0.0.1
    Port {port}
    HostKeyAlias {NAME}
Host *
    User root
    IdentityFile {SSH_DIR}/id_ed25519
    IdentitiesOnly yes
    UserKnownHostsFile {SSH_DIR}/known_hosts
    GlobalKnownHostsFile /dev/null
    StrictHostKeyChecking yes
    LogLevel ERROR
    ControlMaster auto
    ControlPath {SSH_DIR}/mux-%k
    ControlPersist 600
    ConnectTimeout 60
    ServerAliveInterval 20
    ServerAliveCountMax 6
"""


def _wait_for_ssh(qemu):
    """Until a login succeeds: a banner alone may come from a machine that is still booting."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            login = subprocess.run(
                ["ssh", "-F", str(SSH_CONFIG), NAME, "true"], capture_output=True, timeout=90, check=False
            )
            if login.returncode == 0:
                return
        except subprocess.TimeoutExpired:
            pass
        if qemu.poll() is not None or time.monotonic() > deadline:
            logs = [
                path.read_text(encoding="utf-8", errors="replace")[-1500:]
                for path in (STATE / "qemu.log", CONSOLE)
                if path.exists()
            ]
            raise LabError("the virtual machine does not come up; the ends of its logs:\n" + "\n".join(logs))
        time.sleep(0.5)


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
