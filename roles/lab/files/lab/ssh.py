"""The lab's keys, known hosts and SSH configuration: host keys are known before a machine's first boot."""

from __future__ import annotations

import os
from pathlib import Path

from .landscape import landscape
from .shell import run

DIRECTORY = Path(landscape.SSH_DIR)
KEY = DIRECTORY / "id_ed25519"
KNOWN_HOSTS = DIRECTORY / "known_hosts"

COMMON = """\
# Written by the lab. Try: ssh -F {config} vm1-east
Host *
    User root
    IdentityFile {key}
    IdentitiesOnly yes
    UserKnownHostsFile {known_hosts}
    GlobalKnownHostsFile /dev/null
    StrictHostKeyChecking yes
    LogLevel ERROR
    ControlMaster auto
    ControlPath {control}
    ControlPersist 120
    ConnectTimeout 10
    ServerAliveInterval 5
    ServerAliveCountMax 3
"""
HOST = """
Host {name}
    HostName {address}
    HostKeyAlias {name}
"""


def prepare():
    """The directory and the lab's own key."""
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    DIRECTORY.chmod(0o755)
    if not KEY.with_suffix(".pub").exists():
        KEY.unlink(missing_ok=True)
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "intercloud-vpn-lab", "-f", str(KEY))


def public_key():
    return KEY.with_suffix(".pub").read_text(encoding="ascii")


def make_host_key(directory, name):
    """Make a machine's host key in `directory` and put it among the known hosts."""
    new = directory.with_name("ssh.new")
    new.mkdir(exist_ok=True)
    key = new / "ssh_host_ed25519_key"
    key.unlink(missing_ok=True)
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(key))
    public = " ".join(key.with_suffix(".pub").read_text(encoding="ascii").split()[:2])
    _write_known({**_known(), name: public})
    new.rename(directory)


def forget(name):
    """Drop a machine from the known hosts."""
    known = _known()
    if known.pop(name, None):
        _write_known(known)


def hang_up(name):
    """End the connections that are kept open to a machine, or to all (`*`)."""
    for socket in DIRECTORY.glob(f"mux-{name}"):
        run("ssh", "-o", f"ControlPath={socket}", "-O", "exit", "any", check=False)


def host_blocks(machines, jump=None):
    """How every machine is reached: nodes directly, or through `jump`; the rest through its cloud's node."""
    blocks = []
    for machine in machines:
        is_node = machine.kind == "vcc_node"
        address = landscape.node_address(machine.cloud) if is_node else landscape.management_address(machine)
        through = jump if is_node else f"node-{machine.cloud}"
        blocks.append(
            HOST.format(name=machine.name, address=address) + (f"    ProxyJump {through}\n" if through else "")
        )
    return "".join(blocks)


def write_config(machines):
    """The configuration by which every machine is reached from here."""
    common = COMMON.format(
        config=landscape.SSH_CONFIG, key=KEY, known_hosts=KNOWN_HOSTS, control=landscape.SSH_CONTROL_PATH
    )
    # The first match wins, so what holds for all comes last.
    _replace(
        Path(landscape.SSH_CONFIG),
        common.partition("\n")[0] + "\n" + host_blocks(machines) + "\n" + common.partition("\n")[2],
    )


def _known():
    try:
        lines = KNOWN_HOSTS.read_text(encoding="ascii").splitlines()
    except OSError:
        return {}
    return dict(line.split(" ", 1) for line in lines)


def _write_known(known):
    _replace(KNOWN_HOSTS, "".join(f"{name} {key}\n" for name, key in sorted(known.items())))


def _replace(path, text):
    new = path.with_name(f"{path.name}.{os.getpid()}")
    new.write_text(text, encoding="ascii")
    new.chmod(0o644)
    new.replace(path)
