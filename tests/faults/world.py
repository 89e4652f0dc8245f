# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An org edge without tunnels, in namespaces of its own: real firewall, routes, addresses and kernel settings.

Every step of the node's code runs in a process of its own, which may be killed. The namespaces go with the last one.

    member 100.64.0.17 ── orgx │ org   edge   pub │ pubx ── the internet
                               │       ipsec0     │           (a TUN device that nobody reads: the tunnel)
"""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import ipaddress
import json
import os
import pickle
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.intercloud.vpn.plugins.module_utils._node.identity import LEFT
from ansible_collections.intercloud.vpn.plugins.module_utils._node.kernel.nftables import canonical
from ansible_collections.intercloud.vpn.plugins.module_utils._node.state import LOCK, Store

LIBC = ctypes.CDLL(None, use_errno=True)
NEW_NAMESPACES = 0x00020000 | 0x40000000  # CLONE_NEWNS, CLONE_NEWNET
PRIVATE = 0x4000 | (1 << 18)  # MS_REC, MS_PRIVATE
BIND, REMOUNT, READ_ONLY = 0x1000, 0x20, 0x1
EVERYTHING = 3  # ETH_P_ALL
FAR = "02:00:00:00:00:99"  # of next hops that are not there
MEMBER, REMOTE, UNLEASED = "100.64.0.17", "100.64.0.65", "100.64.0.99"
LATER, LATER_REMOTE = "100.64.1.17", "100.64.1.65"  # of the VPN that only the second generation has
OUT = ((MEMBER, REMOTE), (MEMBER, UNLEASED), (LATER, LATER_REMOTE), ("192.168.1.12", REMOTE))
IN = ((REMOTE, MEMBER), (UNLEASED, MEMBER), (LATER_REMOTE, LATER))

SETUP = f"""
ip link set lo up
sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0 net.ipv4.ip_forward=0
sysctl -qw net.ipv6.conf.all.disable_ipv6=0 net.ipv6.conf.default.accept_dad=0
ip link add org address 02:00:00:00:00:01 type veth peer name orgx
ip link add pub address 02:00:00:00:00:02 type veth peer name pubx
ip addr add 192.168.1.1/24 dev org
ip addr add 203.0.113.2/28 dev pub
for device in org orgx pub pubx; do ip link set $device up; done
ip tuntap add dev ipsec0 mode tun
ip link set ipsec0 up
for last in 11 12 13; do ip neigh replace 192.168.1.$last lladdr {FAR} dev org nud permanent; done
ip neigh replace 203.0.113.1 lladdr {FAR} dev pub nud permanent
ip route add default via 203.0.113.1
"""


@dataclass
class Outcome:
    """What became of a step: what it returned, or the exception that it raised, or the signal that ended it."""

    value: Any = None
    error: str = ""
    trace: str = ""
    signal: int = 0
    steps: list[str] = field(default_factory=list)


def mount(source: str, target: str, kind: str | None, flags: int, data: str | None = None) -> None:
    """mount(2)."""
    words = [None if word is None else word.encode() for word in (source, target, kind)]
    if LIBC.mount(*words, ctypes.c_ulong(flags), None if data is None else data.encode()):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), target)


def in_a_process(function: Callable[[], Any]) -> Outcome:
    """Run a function in a process of its own; it hands over what it returns."""
    reader, writer = os.pipe()
    pid = os.fork()
    if not pid:
        os.close(reader)
        outcome = Outcome()
        try:
            outcome.value = function()
        except BaseException as error:  # whatever it is, the parent judges it
            outcome.error, outcome.trace = f"{type(error).__name__}: {error}", traceback.format_exc()
        with os.fdopen(writer, "wb") as stream:
            stream.write(pickle.dumps(outcome))
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as stream:
        content = stream.read()
    _pid, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status):
        return Outcome(signal=os.WTERMSIG(status))
    return pickle.loads(content) if content else Outcome(error="the process ended without a word")


def apart(test: Callable[[World], Any]) -> Any:
    """Run a test in a world of its own. Returns what it returns; its failure is the caller's."""

    def inside() -> Any:
        signal.alarm(3000)
        if LIBC.unshare(NEW_NAMESPACES):
            raise OSError(ctypes.get_errno(), "unshare")
        mount("none", "/", None, PRIVATE)
        mount("tmpfs", "/run", "tmpfs", 0)  # neither systemd nor a charon of this machine's
        mount("tmpfs", "/mnt", "tmpfs", 0)
        world = World(Path(tempfile.mkdtemp(dir="/mnt")))
        return test(world)

    outcome = in_a_process(inside)
    if outcome.error or outcome.signal:
        raise AssertionError(outcome.trace or f"signal {outcome.signal}")
    return outcome.value


class World:
    """The edge."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.store = Store(str(root))
        (root / "proc").mkdir()
        mount("/proc", str(root / "proc"), None, BIND)
        subprocess.run(["sh", "-ec", SETUP], check=True)
        self._lines = {name: self._listen(name) for name in ("orgx", "pubx")}

    # --- what happens to it ----------------------------------------------------------------------------------------

    def fresh(self) -> Store:
        """Its memory as a new process finds it."""
        return Store(str(self.root))

    def step(self, function: Callable[[Store], Any], before: Callable[[], list[str]] | None = None) -> Outcome:
        """Run the node's code in a process. `before` is called there first; it may arrange for the process's end."""
        sys.stdout.flush()

        def inside() -> Any:
            steps = before() if before else []
            value = function(self.fresh())
            return value, list(steps)

        outcome = in_a_process(inside)
        if outcome.value:
            outcome.value, outcome.steps = outcome.value
        return outcome

    def power_cycle(self, forwards: bool = True) -> None:
        """All that a reboot takes away; the machine may forward by itself when it comes back."""
        subprocess.run(["nft", "flush", "ruleset"], check=True)
        for family in ("-4", "-6"):
            subprocess.run(["ip", family, "route", "flush", "proto", "155"], check=False, capture_output=True)
        for address in _addresses("lo"):
            if not address.startswith(("127.", "::1/")):
                subprocess.run(["ip", "addr", "del", address, "dev", "lo"], check=True)
        shutil.rmtree(self.root / "run", ignore_errors=True)
        (self.root / "proc/sys/net/ipv4/ip_forward").write_text(str(int(forwards)))

    def disk(self, options: str, path: str = "/var/lib/intercloud-vpn") -> Disk:
        """Have a small disk there, with what is there now."""
        return Disk(self.root / path.lstrip("/"), options)

    # --- what is asked of it ---------------------------------------------------------------------------------------

    @staticmethod
    def _listen(device: str) -> socket.socket:
        line = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(EVERYTHING))
        line.bind((device, EVERYTHING))
        line.setblocking(False)
        return line

    def leaks(self, *blocks: str) -> list[str]:
        """The packets with an address in some blocks that pass the edge unencrypted, of some that are sent now."""
        watched = [ipaddress.ip_network(block) for block in blocks]
        for line in self._lines.values():
            _received(line)
        for source, destination in OUT:
            self._lines["orgx"].send(_packet("02:00:00:00:00:01", source, destination))
        for source, destination in IN:
            self._lines["pubx"].send(_packet("02:00:00:00:00:02", source, destination))
        time.sleep(0.004)
        return [
            f"{source} > {destination} at {name}"
            for name, line in self._lines.items()
            for source, destination in _received(line)
            if any(source in block or destination in block for block in watched)
        ]

    def digest(self, *without: str) -> dict[str, str]:
        """All that is stored and loaded, by what it is; paths that begin with one of `without` are left out."""
        found = {}
        for path in self._files():
            name = f"/{path.relative_to(self.root)}"
            if name.startswith((LOCK, LEFT, *without)) or (path.is_dir() and name.count("/") < 4):
                continue
            if path.is_symlink():
                found[name] = f"-> {os.readlink(path)}"
            else:
                content = hashlib.sha256(path.read_bytes()).hexdigest()[:12] if path.is_file() else ""
                found[name] = f"{path.stat().st_mode:o} {content}"
        for family in ("-4", "-6"):
            found[f"routes {family}"] = _said("ip", family, "route", "show", "table", "all", "proto", "155")
        found["addresses"] = " ".join(address for device in ("lo", "org") for address in _addresses(device))
        found["firewall"] = json.dumps(canonical(_said("nft", "-j", "-s", "list", "ruleset")))
        for key in ("net/ipv4/ip_forward", "net/ipv4/conf/org/send_redirects"):
            found[key] = (self.root / "proc/sys" / key).read_text(encoding="ascii").strip()
        return found

    def temporary_files(self) -> list[str]:
        """What is named like a temporary file of ours."""
        return [str(path) for path in self._files() if path.name.startswith(".intercloud-vpn-")]

    def _files(self) -> list[Path]:
        return [path for top in ("etc", "run", "usr", "var") for path in sorted((self.root / top).rglob("*"))]


class Disk:
    """A tmpfs of a size."""

    def __init__(self, place: Path, options: str) -> None:
        self.place = place
        place.mkdir(parents=True, exist_ok=True)
        kept = place.parent / f"{place.name}.kept"
        shutil.copytree(place, kept, symlinks=True)
        mount("tmpfs", str(place), "tmpfs", 0, f"mode=755,{options}")
        shutil.copytree(kept, place, symlinks=True, dirs_exist_ok=True)
        shutil.rmtree(kept)

    def fill(self) -> None:
        """Leave no octet free."""
        with (self.place / "filler").open("wb", buffering=0) as stream, contextlib.suppress(OSError):
            while True:
                stream.write(bytes(4096))

    def crowd(self) -> None:
        """Leave no inode free."""
        (self.place / "fillers").mkdir()
        with contextlib.suppress(OSError):
            for number in range(100000):
                (self.place / "fillers" / str(number)).touch()

    def read_only(self, yes: bool) -> None:
        """Remount it."""
        mount("none", str(self.place), None, REMOUNT | (READ_ONLY if yes else 0))

    def free(self) -> None:
        """Remove what filled it."""
        (self.place / "filler").unlink(missing_ok=True)
        shutil.rmtree(self.place / "fillers", ignore_errors=True)

    def remove(self) -> None:
        """What is on it stays, in the directory below."""
        kept = Path(f"{self.place}.kept")
        shutil.copytree(self.place, kept, symlinks=True)
        if LIBC.umount(str(self.place).encode()):
            raise OSError(ctypes.get_errno(), "umount")
        shutil.rmtree(self.place)
        kept.rename(self.place)


def differences(one: dict[str, str], other: dict[str, str]) -> list[str]:
    """Where two digests differ."""
    return [
        f"{key}: {one.get(key, 'absent')[:300]} | {other.get(key, 'absent')[:300]}"
        for key in sorted({*one, *other})
        if one.get(key) != other.get(key)
    ]


def _said(*argv: str) -> str:
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    return done.stdout


def _addresses(device: str) -> list[str]:
    (link,) = json.loads(_said("ip", "-j", "addr", "show", "dev", device))
    held = [f"{entry['local']}/{entry['prefixlen']}" for entry in link["addr_info"]]
    return [address for address in held if not address.startswith("fe80:")]


def _packet(hardware: str, source: str, destination: str) -> bytes:
    """An Ethernet frame with a UDP packet."""
    payload = struct.pack("!HHHH", 4000, 4000, 12, 0) + b"leak"
    addresses = socket.inet_aton(source) + socket.inet_aton(destination)
    header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), 0, 0, 64, 17, 0) + addresses
    total = sum(struct.unpack("!10H", header))
    total = (total & 0xFFFF) + (total >> 16)
    total = (total & 0xFFFF) + (total >> 16)
    header = header[:10] + struct.pack("!H", ~total & 0xFFFF) + header[12:]
    frame = bytes.fromhex(hardware.replace(":", "") + FAR.replace(":", ""))
    return frame + b"\x08\x00" + header + payload


def _received(line: socket.socket) -> list[tuple[Any, Any]]:
    """Sources and destinations of the packets that have come out of the edge at a far end since the last call."""
    found: list[tuple[Any, Any]] = []
    while True:
        try:
            frame, (_device, _protocol, kind, *_rest) = line.recvfrom(2048)
        except BlockingIOError:
            return found
        if kind == socket.PACKET_OUTGOING or frame[12:14] != b"\x08\x00":
            continue
        found.append((ipaddress.ip_address(frame[26:30]), ipaddress.ip_address(frame[30:34])))
