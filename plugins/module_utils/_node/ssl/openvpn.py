# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tunnels of kind ssl: OpenVPN's files and processes, compared with what runs."""

from __future__ import annotations

import re
import shutil

from ..document import Change, Document, sha256
from ..ipsec import certificates as _certificates
from ..ipsec import revocations, x509
from ..ipsec.certificates import Certificates
from ..part import Context, Part
from ..system import files, systemd
from ..system.run import CommandError, have
from . import key_change, processes, tls_crypt, trial, units, user
from . import sessions as _sessions
from .files import Files
from .processes import Process
from .sessions import Session

_INSTANCE = re.compile(r"intercloud-vpn-ssl@(.+)\.service")
_TRACKED = re.compile(r"^(?:# It also looks whether .*\n)?x509-track \+sbgp-ipAddrBlock\n", re.MULTILINE)
_IROUTE = re.compile(r"^iroute(?:-ipv6)? (\S+)(?: (\S+))?$", re.MULTILINE)


class Openvpn(Part):
    """The document's tunnels of kind ssl."""

    name = "openvpn"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._processes = processes.processes(self.want)
        certificates = Certificates(context)
        self._credentials = {
            path: certificates.text(path) for path in (_certificates.CERTIFICATE, _certificates.AUTHORITY)
        }
        self._revoked = certificates.revoked_serials() if self._processes else {}
        authorities = self._credentials[_certificates.AUTHORITY]
        self._files = Files(self.want, self.have, self._revoked, self.store, x509.certifies(authorities))
        self._texts = self._files.texts
        self._concerned = bool(self._processes or processes.tunnels(self.have) or self.have.empty)

    # --- compare -------------------------------------------------------------------------------------------------

    def _loaded(self, process: Process, config: str | None = None, other: str | None = None) -> str:
        """What a process notes as it starts: the digests of the files that it reads then. ``config`` and ``other`` (of
        its key): not as wanted."""
        (path, text), *key = self._files.digested(process).items()
        keys = key if other is None else [(process.key, other)]
        texts = dict([(path, text if config is None else config), *self._credentials.items(), *keys])
        return "".join(f"{sha256(text)}  {path}\n" for path, text in texts.items())

    def _restarts(self) -> dict[str, str]:
        """The processes that have to be started or restarted, and which of both."""
        found = {}
        for name, process in self._processes.items():
            if not systemd.alive(process.unit):
                found[name] = "start"
            elif not self._current(process):
                found[name] = "restart"
            elif not self._enabled(name):
                found[name] = "enable"
        return found

    def _current(self, process: Process) -> bool:
        """Whether a process reads nothing else when it starts anew, or only what is no reason to end all its sessions.

        A server from before peers' certificates named addresses learns to look at them at its next start: at the latest
        when there is an authority that names some.
        """
        noted = files.read(self.store.at(f"{processes.SOCKETS}/{process.name}.loaded"))
        before = _TRACKED.sub("", self._files.texts.get(process.config, ""))
        others = [self._loaded(process, other=text) for text in tls_crypt.others(process, self.want)]
        return noted in (self._loaded(process), self._loaded(process, before), *others)

    def _enabled(self, name: str) -> bool:
        return self.store.at(f"{units.WANTS}/intercloud-vpn-ssl@{name}.service").is_symlink()

    def _surplus(self) -> list[str]:
        """Processes that are enabled, or that the generation before had, and are not wanted."""
        enabled = self.store.at(units.WANTS).glob("intercloud-vpn-ssl@*.service")
        names = {match[1] for path in enabled if (match := _INSTANCE.fullmatch(path.name))}
        names |= {name for name, process in processes.processes(self.have).items() if systemd.alive(process.unit)}
        return sorted(names - set(self._processes))

    def _ended(self) -> list[tuple[Session, str]]:
        """Sessions to end, and why: nobody's, with other networks than planned, by a certificate that was revoked."""
        restarted = self._restarts()
        tunnels = {tunnel["name"]: tunnel for tunnel in processes.tunnels(self.want)}
        found = []
        for session in _sessions.sessions(self.want, self.store):
            if restarted.get(session.process, "enable") != "enable":
                continue
            tunnel = tunnels.get(session.tunnel)
            if not session.up:
                continue
            if tunnel is None:
                found.append((session, "no tunnel of this edge"))
            elif self._is_revoked(tunnel, session):
                found.append((session, "its certificate was revoked"))
            elif set(session.networks) != set(processes.networks(tunnel)):
                found.append((session, "other networks are behind it now"))
        return found

    def _is_revoked(self, tunnel: Document, session: Session) -> bool:
        """Whether a certificate of the peer was revoked since the session began; its next one is checked anyway."""
        peer = revocations.folded(tunnel["remote_id"])
        for serial in (serial for serial, identity in self._revoked.items() if revocations.folded(identity) == peer):
            path = self.store.at(f"{processes.REVOKED}/{serial}")
            if not path.exists() or int(path.stat().st_mtime) > session.since:
                return True
        return False

    # --- validate ------------------------------------------------------------------------------------------------

    def problems(self) -> list[str]:
        """Files that are missing, do not say what the document says, or that OpenVPN does not start with."""
        if not self._processes:
            return []
        if not have("openvpn"):
            return [] if self.check else ["openvpn is not installed"]
        if not systemd.here():
            return ["tunnels of kind ssl need systemd, which does not run this node"]
        found = []
        for process in self._processes.values():
            text = self._texts.get(process.config, "")
            missing = [line for line in _must_say(process) if f"\n{line}\n" not in f"\n{text}"]
            if missing:
                found.append(f"{process.config}: does not say {'; '.join(missing)}")
        for peer in (t for process in self._processes.values() if process.transport for t in process.tunnels):
            path = f"{processes.PEERS}/{peer['remote_id']}"
            said = {f"{a}/{m}" if m else a for a, m in _IROUTE.findall(self._texts.get(path, ""))}
            if said != set(processes.iroutes(peer)):
                found.append(f"{path}: has other networks than the document")
        found += [
            f"tunnel {process.tunnels[0]['name']}: no tls-crypt key was given, and this node has none"
            for path, process in self._files.keyed.items()
            if path not in self._files.keys and not {tunnel["name"] for tunnel in process.tunnels} & self.want.awaited
        ]
        return found or self._trial()

    def _trial(self) -> list[str]:
        given = {path: text for path, text in self._credentials.items() if _certificates.signed(text)}
        needed = {*self._credentials, _certificates.KEY} - given.keys()
        if not all(self.store.at(path).exists() for path in needed):
            return []  # reported as the missing certificate that it is
        found = []
        for process in self._processes.values():
            text, key = self._texts[process.config], self._files.keys.get(process.key, "")
            if process.tls_crypt and not key:
                continue  # it is only made in the real run
            if files.read(self.store.at(process.config)) != text:
                try:
                    trial.start(process, text, given, key)
                except CommandError as error:
                    found.append(f"{process.config}: {error}")
        return found

    # --- report --------------------------------------------------------------------------------------------------

    def changes(self) -> list[Change]:
        """Files to write and remove; processes to start, restart and stop; sessions to end."""
        if not self._concerned:
            return []
        found = [change for change in self._files.changes(self.name) if not self._comes_along(change)]
        if self._processes and user.missing(self.store):
            found.append(Change(self.name, f"make the system user {processes.USER}"))
        if not self._processes and user.ours(self.store):
            found.append(Change(self.name, f"remove the system user {processes.USER}"))
        found += [Change(self.name, f"{verb} {name}") for name, verb in self._restarts().items()]
        found += [Change(self.name, f"stop {name}") for name in self._surplus()]
        return found + [Change(self.name, f"end the session with {s.peer}: {why}") for s, why in self._ended()]

    def _comes_along(self, change: Change) -> bool:
        """Whether a change is about the file that follows an authority which changes itself. A check may not know that
        authority yet."""
        path = _certificates.AUTHORITY
        changing = files.read(self.store.at(path)) != self._credentials[path]
        return changing and change.action.endswith(f" {processes.ADDRESSED}")

    # --- converge ------------------------------------------------------------------------------------------------

    def build(self) -> None:
        """Write the files, and have the processes run that read them."""
        if not self._processes:
            return
        ended = [] if self.boot else self._ended()
        user.make(self.store)
        self._files.write()
        restarts = self._restarts()
        for name in restarts:
            if not self._enabled(name):
                systemd.systemctl("enable", self._processes[name].unit)
        for name, verb in restarts.items():
            process = self._processes[name]
            if self.boot:  # they are ordered after us, and we are not done yet
                systemd.systemctl("start", "--no-block", process.unit)
            elif verb != "enable":
                if process.transport:
                    key_change.halt(process, self.store)
                systemd.systemctl("restart", process.unit)
        self._end([session for session, _why in ended])

    def clear(self) -> None:
        """Stop what is no longer wanted, and remove its files."""
        if not self._concerned:
            return
        for name in self._surplus():
            unit = f"intercloud-vpn-ssl@{name}.service"
            systemd.systemctl("disable", unit)
            systemd.stop(unit, wait=not self.boot)
            for path in (f"{processes.SOCKETS}/{name}.socket", f"{processes.SOCKETS}/{name}.loaded"):
                self.store.at(path).unlink(missing_ok=True)
        self._files.remove()
        if not self._processes:
            for place in (processes.ARRIVALS, processes.NEWS):  # the user's; links in them are removed, not followed
                shutil.rmtree(self.store.at(place), ignore_errors=True)
            if not self.boot:  # its processes are only told to stop then
                user.remove(self.store)

    def _end(self, sessions: list[Session]) -> None:
        for name in {session.process: None for session in sessions}:
            process = self._processes[name]
            if process.transport:
                numbers = [session.number for session in sessions if session.process == name]
                _sessions.end(process, numbers, self.store)
            else:
                systemd.systemctl("restart", process.unit)


def _must_say(process: Process) -> list[str]:
    """What keeps a process apart from what it must not be, whatever else a template says."""
    found = [f"dev {process.device}", f"management {process.socket} unix", "tls-version-min 1.3"]
    found += [
        f"crl-verify {processes.REVOKED} dir",
        "allow-compression no",
        f"user {processes.USER}",
        f"group {processes.USER}",
    ]
    if process.tls_crypt:
        found.append(f"tls-crypt {process.key}")
    if process.transport:
        return [*found, "remote-cert-tls client", f"client-config-dir {processes.PEERS}", "ccd-exclusive"]
    return [*found, "remote-cert-tls server", f"verify-x509-name {process.tunnels[0]['remote_id']} name"]
