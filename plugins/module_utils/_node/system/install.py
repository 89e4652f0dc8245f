# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent: this very package, installed on the node, so that it can restore and roll back by itself."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from .. import part
from ..document import Change, sha256, sha256_of
from ..part import Part
from ..ssl import processes
from ..state import Store
from . import files as _files

HOME = "/usr/local/lib/intercloud-vpn"
PACKAGE = "intercloud_vpn_node"
AGENT = f"{HOME}/agent"
HOOK = f"{HOME}/ssl-peer"
COMPILED = f"{HOME}/compiled.json"  # {file that Python compiled: its SHA-256}
# What the agent needs of this package. Each folder's own file comes with it.
MODULES = (
    "agent",
    "bgp.bird",
    "bgp.control",
    "bgp.inside",
    "bgp.observe",
    "bgp.sessions",
    "bgp.tend",
    "bgp.units",
    "calls",
    "catalog.contents",
    "catalog.leave",
    "catalog.module",
    "catalog.places",
    "catalog.receive",
    "catalog.versions",
    "collisions",
    "commit",
    "confirm",
    "dhcp.dnsmasq",
    "dhcp.server",
    "dhcp.tend",
    "dhcp.units",
    "daemon",
    "document",
    "facts",
    "generation.generations",
    "generation.guarded",
    "generation.pending",
    "generation.salvage",
    "generation.running",
    "held",
    "identity",
    "ipsec.blocks",
    "ipsec.bridge",
    "ipsec.certificates",
    "ipsec.charon",
    "ipsec.connections",
    "ipsec.credential_files",
    "ipsec.differing",
    "ipsec.duplicates",
    "ipsec.former",
    "ipsec.kind",
    "ipsec.leads",
    "ipsec.links",
    "ipsec.lifetime",
    "ipsec.lost",
    "ipsec.outdated",
    "ipsec.partner_keys",
    "ipsec.partners",
    "ipsec.reasons",
    "ipsec.reauthenticate",
    "ipsec.request",
    "ipsec.revocations",
    "ipsec.scratch",
    "ipsec.secrets",
    "ipsec.swanctl",
    "ipsec.vici",
    "ipsec.x509",
    "ipsec.xfrm",
    "kernel.addresses",
    "kernel.effective",
    "kernel.flows",
    "kernel.foreign",
    "kernel.ip",
    "kernel.neighbours",
    "kernel.netlink",
    "kernel.nftables",
    "kernel.outside",
    "kernel.routes",
    "kernel.senders",
    "kernel.sockets",
    "kernel.sysctl",
    "kernel.usage",
    "kinds",
    "lanes.choice",
    "lanes.hello",
    "lanes.noted",
    "lanes.process",
    "lanes.sites",
    "lanes.switch",
    "lanes.units",
    "lanes.wire",
    "machine",
    "metrics.counters",
    "metrics.exposition",
    "metrics.look",
    "metrics.metrics",
    "metrics.places",
    "metrics.repairs",
    "metrics.slices",
    "metrics.units",
    "module",
    "names.dnsmasq",
    "names.hosts",
    "names.networkd",
    "names.query",
    "names.resolved",
    "names.servers",
    "names.tend",
    "names.units",
    "names.zones",
    "notes",
    "observe",
    "part",
    "probe.application",
    "probe.name",
    "probe.ping",
    "probe.port",
    "renewal",
    "rotate",
    "resident.clock",
    "resident.convergence",
    "resident.counting",
    "resident.departure",
    "resident.certificate_expiry",
    "resident.held",
    "resident.journal",
    "resident.refusal",
    "resident.resident",
    "resident.setups",
    "resident.step",
    "resident.upkeep",
    "resident.worker",
    "slices",
    "ssl.admitted",
    "ssl.aes",
    "ssl.arrivals",
    "ssl.files",
    "ssl.key_change",
    "ssl.kind",
    "ssl.lost",
    "ssl.management",
    "ssl.openvpn",
    "ssl.processes",
    "ssl.reasons",
    "ssl.sessions",
    "ssl.tls_crypt",
    "ssl.trial",
    "ssl.tuns",
    "ssl.units",
    "ssl.user",
    "state",
    "stretch.astray",
    "stretch.devices",
    "stretch.frames",
    "stretch.tables",
    "stretch.told",
    "supplied",
    "survey",
    "system.dnsmasq",
    "system.files",
    "system.install",
    "system.leftovers",
    "system.memory",
    "system.packages",
    "system.room",
    "system.run",
    "system.systemd",
    "system.trial",
    "system.units",
    "tunnel_kind",
    "uninstall",
    "vrrp.config",
    "vrrp.drain",
    "vrrp.keepalived",
    "vrrp.units",
)

_OWN = str(__package__).rpartition(".")[0]

# Resident: without site packages, which it does not need, it takes less memory.
_LAUNCHER = f"""\
#!%s -IS
# Installed by intercloud.vpn; changes are lost. `agent --help` tells what it does.
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, "{HOME}")
if len(sys.argv) == 4 and sys.argv[1] == "call":  # imports what the call takes, which may be half of the rest
    from {PACKAGE}.calls import main
elif sys.argv[1:] == ["lanes"]:
    from {PACKAGE}.lanes.process import main
else:
    from {PACKAGE}.agent import main

sys.exit(main())
"""
# An OpenVPN server runs it, as its own user, for a peer that it has let in; $1 is the server's device.
_HOOK = f"""\
#!/bin/sh
# Installed by intercloud.vpn; changes are lost. Notes over which device a peer came: its routes follow.
# Where OpenVPN may not look, it takes nothing for revoked: then no peer is let in.
[ -r {processes.REVOKED} ] && [ -x {processes.REVOKED} ] || {{ echo "{processes.REVOKED} cannot be read" >&2; exit 1; }}
# Nor is one with more behind it than its certificate names. (126, 127: this user cannot run that Python.)
check={HOME}/{PACKAGE}/ssl/admitted.py
@PYTHON@ -IS $check
case $? in
0) ;;
126 | 127)
    if [ -e {processes.ADDRESSED} ] || [ -n "${{X509_0_sbgpipAddrBlock+x}}${{X509_1_sbgpipAddrBlock+x}}" ]; then
        python3 -IS $check || {{
            echo "$common_name is not let in: no Python to check the addresses in its certificate with (RFC 3779)" >&2
            exit 1
        }}
    else
        echo "not checked what the certificate of $common_name names" >&2
    fi ;;
*) exit 1 ;;
esac
cd {processes.ARRIVALS} && printf '%s\\n' "$1" >".$common_name" && mv ".$common_name" "$common_name" || exit
touch "{processes.NEWS}/$common_name" || :  # a timer looks, too: no reason to refuse the peer
"""


def _interpreter() -> str:
    """What runs the agent: the Python that runs this, in the system's own words if it is the system's own."""
    own = shutil.which("python3", path=os.defpath)
    if own is not None and os.path.samefile(own, sys.executable):
        return "/usr/bin/env -S python3"
    return sys.executable


_kept: dict[str, str] = {}


def keep_sources() -> None:
    """Note the files as they are now. Another run may replace them while this process runs."""
    _kept.update(sources())


def sources() -> dict[str, str]:
    """The files of the agent by path, read from wherever this package was loaded from (a module's zip file, too)."""
    if _kept:
        return _kept
    found = {AGENT: _LAUNCHER % _interpreter(), HOOK: _HOOK.replace("@PYTHON@", _interpreter())}
    for name in ("", *sorted({module.rpartition(".")[0] for module in MODULES} - {""}), *MODULES):
        module = f"{_OWN}.{name}".rstrip(".")
        spec = importlib.util.find_spec(module)
        if spec is None or spec.loader is None:
            raise RuntimeError(f"{module} was not shipped")
        text = spec.loader.get_source(module) or ""  # type: ignore[attr-defined]
        if isinstance(text, bytes):  # of Ansible's own loader, on the controller
            text = text.decode()
        parts = name.split(".") if name in MODULES else [*filter(None, [name]), "__init__"]
        found["/".join((HOME, PACKAGE, *parts)) + ".py"] = text
    return found


def digest(files: dict[str, str]) -> str:
    """Tells versions of the agent apart."""
    return sha256("".join(f"{path}\0{sha256(text)}\n" for path, text in sorted(files.items())))


def code_version(files: dict[str, str]) -> str:
    """The version of the agent's code, whatever Python it runs by: the same on the controller and on every node."""
    return digest({path: text for path, text in files.items() if path.startswith(f"{HOME}/{PACKAGE}/")})


def installed_version(store: Store) -> str:
    """The version of the code that is installed."""
    return code_version(_installed(store))


def version(store: Store) -> str:
    """The version of all that is installed, the launcher with its Python included."""
    return digest(_installed(store))


def _installed(store: Store) -> dict[str, str]:
    """The files that are installed, by path, without what Python compiled of them."""
    home = store.at(HOME)
    paths = [path for path in home.rglob("*") if path.is_file() and _source(path)]
    begun = _begun(store)
    there = [path for path in paths if not any(stage in path.parents for stage in begun)]
    return {f"/{path.relative_to(store.root)}": _files.read(path) for path in there}


def _begun(store: Store) -> list[Path]:
    """Packages that were to take the place of the one that is installed, when something stopped that."""
    return [*store.at(HOME).glob(f"{_files.TEMPORARY}*-{PACKAGE}")]


def _source(path: Path) -> bool:
    return path.suffix != ".pyc" and path.name != Path(COMPILED).name


def _compiled(store: Store, wanted: Iterable[str]) -> bool:
    """Whether each source has its compiled file, complete. Python does not start with half of one."""
    try:
        known = json.loads(_files.read(store.at(COMPILED)) or "{}")
    except ValueError:
        return False
    paths = [importlib.util.cache_from_source(path) for path in wanted if path.endswith(".py")]
    return set(known) == set(paths) and all(_digest_of(store.at(path)) == known[path] for path in paths)


def _digest_of(path: Path) -> str:
    try:
        return sha256_of(path.read_bytes())
    except OSError:
        return ""


class Agent(Part):
    """The agent's files. The agent itself, when it commits, finds itself as it is."""

    name = "agent"

    def changes(self) -> list[Change]:
        """Install, update or remove."""
        installed = _installed(self.store)
        if self.want.empty:
            there = installed or _files.removable(self.store.at(HOME))
            return [Change(self.name, f"remove {HOME}")] if there else []
        wanted = sources()
        if installed == wanted and _compiled(self.store, wanted) and not _begun(self.store):
            return []
        return [Change(self.name, f"{'update' if installed else 'install'} {HOME}")]

    def build(self) -> None:
        """Write the files that differ, the launcher last."""
        if self.want.empty or not self.changes():
            return
        wanted = sources()
        self._update(wanted)
        for path in sorted(wanted, key=lambda name: name == AGENT):
            if _files.read(self.store.at(path)) != wanted[path]:
                _files.write(self.store.at(path), wanted[path], 0o755 if path in (AGENT, HOOK) else 0o644)
        for path in set(_installed(self.store)) - set(wanted):
            _files.remove(Path(self.store.at(path)))
        import compileall  # not for the resident agent, which only compares: a megabyte
        import py_compile

        # Compiled once, here: what systemd calls the agent for takes a quarter of the time then.
        compileall.compile_dir(
            self.store.at(HOME), quiet=2, force=True, invalidation_mode=py_compile.PycInvalidationMode.CHECKED_HASH
        )
        self._note_compiled(wanted)
        # Nobody else is to write where root's programs are, whatever the umask is.
        for one in (self.store.at(HOME), *self.store.at(HOME).rglob("*")):
            one.chmod(0o755 if one.is_dir() or f"/{one.relative_to(self.store.root)}" in (AGENT, HOOK) else 0o644)

    def _update(self, wanted: Mapping[str, str]) -> None:
        """Replace a package that is in use by another version in one step, and not file by file.

        Modules of two versions may not go together. A machine that loses its power between two files would boot
        without its guard.
        """
        for stage in _begun(self.store):
            with _files.named(stage):
                shutil.rmtree(stage)
        place = self.store.at(f"{HOME}/{PACKAGE}")
        inside = f"{HOME}/{PACKAGE}/"
        had, new = (
            {path: text for path, text in files.items() if path.startswith(inside)}
            for files in (_installed(self.store), wanted)
        )
        differing = [path for path in {*had, *new} if had.get(path) != new.get(path)]
        if len(differing) < 2 or not self.store.at(AGENT).exists():
            return
        stage = _files.temporary(place)
        try:
            for path, text in sorted(new.items()):
                _files.write(stage / path[len(inside) :], text)
            _files.exchange(stage, place)
        finally:  # a disk that is full gets its room back
            shutil.rmtree(stage, ignore_errors=True)

    def _note_compiled(self, wanted: Iterable[str]) -> None:
        """What was compiled is on the disk before anything says so: a machine may lose its power now."""
        noted = {}
        for path in (importlib.util.cache_from_source(path) for path in wanted if path.endswith(".py")):
            with _files.named(self.store.at(path)), self.store.at(path).open("rb") as file:
                noted[path] = sha256_of(file.read())
                os.fsync(file.fileno())
        _files.write(self.store.at(COMPILED), json.dumps(noted, sort_keys=True), 0o644)

    def clear(self) -> None:
        """Remove the files. The resident agent needs its own until it leaves (resident/departure.py)."""
        if self.want.empty and not part.RESIDENT:
            with _files.named(self.store.at(HOME)):
                if self.store.at(HOME).exists():
                    shutil.rmtree(self.store.at(HOME))
