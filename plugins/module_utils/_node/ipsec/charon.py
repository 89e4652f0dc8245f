# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The IKE daemon: its settings, its process, and the note of what it has loaded."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Collection
from pathlib import Path
from typing import Any

from ..document import Generation, sha256
from ..kernel import sockets
from ..state import RUN, Store
from ..system import files, systemd
from ..system.run import CommandError
from .vici import Vici, ViciError

UNIT = "strongswan.service"
SETTINGS = "/etc/strongswan.d/intercloud-vpn.conf"
CONFIG = "/etc/swanctl/conf.d/intercloud-vpn.conf"
MARKER = f"{RUN}/loaded.json"

_COMMON = """\
# Made by intercloud.vpn; changes are lost.
charon {
  # Routes are ours to make: they are there before the tunnels are, and stay when one goes.
  install_routes = no
  install_virtual_ip = no
  make_before_break = yes
@CERTIFIED@@LAST@@RETRANSMISSION@
  # Of half-open IKE_SAs. From the first two numbers on (of all peers; of one address) a peer has to return a cookie,
  # which takes it a round trip, and which a false sender address never gets. From the third on, what comes from an
  # address is dropped. Many tunnels may come from one address (a hub's peers behind one NAT), which the defaults for an
  # address, 3 and 5, starve. charon raises the third above the second where it is not.
  cookie_threshold = 1000
  cookie_threshold_ip = 200
  block_threshold = 1000
}
charon-systemd {
  # What is needed, and nothing else: others listen (dhcp on UDP 68), or speak protocols that no tunnel here uses (EAP,
  # XAuth, TNC). To load more, name all of them in a file that is read after this one.
  load_modular = no
  load = @PLUGINS@
@LIBIPSEC@}
"""
# Distributions that bring it have it switched off, which counts for a plugin that is named, too.
_SWITCHED_ON = "  plugins {\n    kernel-libipsec {\n      load = yes\n    }\n  }\n"
# Peers get no selectors beyond the addresses in their certificates (plugin addrblock). With its cache, charon would
# verify an earlier certificate of the peer's key in place of the one that the peer shows, which may be revoked, or name
# no addresses.
_CERTIFIED = """\
  # A certificate that a peer showed before stands for no other: RFC 3779.
  cert_cache = no
"""
ADDRBLOCK = "addrblock"
# It makes routes all the same, in a table of charon's that is asked before all others otherwise.
_ASKED_LAST = (
    "  # What kernel-libipsec routes comes after our routes, which know who has moved.\n  routing_table_prio = 32768\n"
)
# In the order that charon has them in, which decides whose implementation is used. `ml` (ML-KEM) and `aesni` are not
# everywhere; charon says so in a line of its log, and goes on.
_PLUGINS = (
    *(
        "aesni",
        "aes",
        "sha2",
        "sha1",
        "mgf1",
        "random",
        "nonce",
        "x509",
        "revocation",
        "constraints",
        ADDRBLOCK,
        "pubkey",
    ),
    *("pkcs1", "pem", "openssl", "pkcs8", "ml", "hmac", "kdf", "gcm", "drbg"),
    *("kernel-libipsec", "kernel-netlink", "socket-default", "vici", "counters"),
)
# ESP in userspace. With it charon leaves the kernel's alone, so that it is loaded only where it is meant.
LIBIPSEC = "kernel-libipsec"


# What an edge has that was told nothing else (docs/policies.md): a dead peer is given up after 11 s, not after 165.
RETRANSMISSION = {"timeout": 1.0, "base": 1.4, "tries": 4}
# The lines that charon need not be restarted for. It reads them again when it is told to, and new IKE_SAs have them.
_PORT = re.compile(r"^\s*(port|port_nat_t)\s*=\s*(\d+)\s*$", re.MULTILINE)
_RELOADED = re.compile(r"^  (?:# A dead peer|retransmit_).*\n", re.MULTILINE)


def retransmission(generation: Generation) -> dict[str, float]:
    """How charon retransmits in a generation: seconds `timeout`, `base`, and `tries`."""
    return {**RETRANSMISSION, **generation.document.get("retransmission", {})}


def plugins(backend: str) -> tuple[str, ...]:
    """The plugins that charon loads, in order."""
    return tuple(name for name in _PLUGINS if name != LIBIPSEC or backend == "libipsec")


def settings(generation: Generation) -> str:
    """The daemon's settings for a generation; empty when it has no tunnels of kind ipsec."""
    if not generation.tunnels("ipsec"):
        return ""
    pace = retransmission(generation)
    waits = [pace["timeout"] * pace["base"] ** number for number in range(int(pace["tries"]) + 1)]
    lines = [f"  # A dead peer is given up after {' + '.join(f'{wait:.3g}' for wait in waits)} = {sum(waits):.3g} s."]
    lines += [f"  retransmit_{key} = {value}" for key, value in pace.items()]
    text = _COMMON.replace("@RETRANSMISSION@", "\n".join(lines))
    names = plugins(generation.backend)
    text = text.replace("@LIBIPSEC@", _SWITCHED_ON if LIBIPSEC in names else "")
    text = text.replace("@CERTIFIED@", _CERTIFIED)
    text = text.replace("@LAST@", _ASKED_LAST if LIBIPSEC in names else "")
    return text.replace("@PLUGINS@", " ".join(names))


def lasting(text: str) -> str:
    """Of settings those that only a restart of the daemon changes."""
    return _RELOADED.sub("", text)


def before_certified(text: str) -> str:
    """Settings as they were before peers were held to the addresses in their certificates.

    A charon that was started with these is not restarted, which would end all tunnels: it learns that at its next start
    (docs/certificates.md).
    """
    return text.replace(_CERTIFIED, "").replace(f" {ADDRBLOCK} ", " ")


def checks_addresses() -> bool | None:
    """Whether the running daemon holds peers to the addresses in their certificates; None if it does not run."""
    try:
        with Vici(timeout=5) as vici:
            return ADDRBLOCK in vici.request("stats").get("plugins", [])
    except ViciError:
        return None


def reload_settings() -> None:
    """Have the daemon read its settings again. ViciError if it does not run."""
    with Vici() as vici:
        vici.request("reload-settings")


def identity() -> tuple[int, str]:
    """The running daemon's process id and start time; (0, "") if there is none. Together they are never used again."""
    try:
        with Vici(timeout=5) as vici:
            pid = vici.peer
        start = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[19]
    except (ViciError, OSError, IndexError):
        return 0, ""
    return pid, start


def ports() -> tuple[int, ...]:
    """The UDP ports that charon is to hold, as far as strongswan.conf says something else than 500 and 4500."""
    found = {"port": 500, "port_nat_t": 4500}
    for path in (Path("/etc/strongswan.conf"), *sorted(Path("/etc/strongswan.d").glob("*.conf"))):
        found.update((key, int(port)) for key, port in _PORT.findall(files.read(path)))
    return tuple(port for port in found.values() if port)  # 0: any


def strangers() -> list[sockets.Holder]:
    """Programs that hold a port of charon's."""
    return sockets.holders(sockets.sockets("udp", ports()), [UNIT], identity()[0])


def deaf(pid: int, families: Collection[int]) -> list[int]:
    """The ports that a running charon does not hold. It asks for them once, when it starts."""
    wanted = ports()
    inodes = sockets.held_by(pid)
    bound = {(one.port, one.family) for one in sockets.sockets("udp", wanted) if one.inode in inodes}
    return [port for port in wanted if any((port, family) not in bound for family in families)]


def mark(
    store: Store,
    *,
    daemon: str | None = None,
    config: str | None = None,
    credentials: str | None = None,
    proofs: str | None = None,
    revoked: dict[str, str] | None = None,
    secrets: dict[str, str] | None = None,
    made: dict[str, dict[str, str]] | None = None,
    outdated: dict[str, Any] | None = None,
    authorities: list[str] | None = None,
) -> None:
    """Note what the running daemon was started with and has loaded; None keeps what is noted.

    `daemon`: its settings. `credentials`: a digest of certificates and revocations; `proofs`: of those alone that
    connections have. `revoked`: the identities, and when
    their certificates were revoked, that no SA is left of. `secrets`: digests of the pre-shared keys, by tunnel.
    `made`: what tunnels' IKE_SAs were made with (reauthenticate.py). `outdated`: see outdated.py.
    `authorities`: of ours, SHA-256 of each (DER, hexadecimal).
    """
    pid, start = identity()
    old = marker(store)
    noted = {
        "pid": pid,
        "start": start,
        "daemon": old.get("daemon", "") if daemon is None else sha256(lasting(daemon)),
        "settings": old.get("settings", "") if daemon is None else sha256(daemon),
        "config": old.get("config", "") if config is None else sha256(config),
        "credentials": old.get("credentials", "") if credentials is None else credentials,
        "proofs": old.get("proofs", "") if proofs is None else proofs,
        "revoked": old.get("revoked", {}) if revoked is None else revoked,
        "secrets": old.get("secrets", {}) if secrets is None else secrets,
        "made": old.get("made", {}) if made is None else made,
        "outdated": old.get("outdated", {}) if outdated is None else outdated,
        "authorities": old.get("authorities", []) if authorities is None else authorities,
    }
    store.put(lambda: files.write(store.at(MARKER), json.dumps(noted, sort_keys=True), 0o600))


def marker(store: Store) -> dict[str, Any]:
    """What is noted of the running daemon; empty if nothing is, or if it is of an earlier one."""
    try:
        noted: dict[str, Any] = json.loads(files.read(store.at(MARKER)) or "{}")
    except ValueError:
        return {}
    return noted if (noted.get("pid"), noted.get("start")) == identity() else {}


def wait_until_ready(patience: float = 15) -> None:
    """Wait until the daemon answers. Raises CommandError when it does not."""
    deadline = time.monotonic() + patience
    while not identity()[0]:
        if time.monotonic() > deadline:
            raise CommandError(f"{UNIT}: charon does not answer {patience:g} s after its start")
        time.sleep(0.05)


def note_service(store: Store) -> None:
    """Note, once, how we found the service."""
    if store.owned("service") is None:
        store.own("service", {"enabled": systemd.enabled(UNIT), "active": systemd.active(UNIT)})


def restart() -> None:
    """(Re)start the daemon and have it start at boot."""
    if not systemd.enabled(UNIT):
        systemd.systemctl("enable", UNIT)
    systemd.systemctl("restart", UNIT)
    wait_until_ready()


def give_back(store: Store, wait: bool) -> None:
    """Leave the service as we found it."""
    found = store.owned("service")
    if found is None:
        return
    if systemd.here():
        if not found["enabled"]:
            systemd.systemctl("disable", UNIT)
        systemd.systemctl(*([] if wait else ["--no-block"]), "restart" if found["active"] else "stop", UNIT)
        if wait and not found["active"]:
            # charon leaves the sockets of its plugins behind when it ends (charon.vici and others).
            for path in store.at("/run").glob("charon.*"):
                if path.is_socket():
                    path.unlink()
    store.own("service", None)
