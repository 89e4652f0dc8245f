# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""OpenVPN's files on a node: what is missing, what is over, and whether OpenVPN, and nobody else, can read them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..document import Change, Generation
from ..state import Store
from ..system import files
from . import processes, tls_crypt
from .processes import Process

DIRECTORIES = (processes.HOME, processes.PEERS, processes.REVOKED)
OPEN, CLOSED = 0o755, 0o600
READABLE = 0o644
ADDRESSED = "# Made by intercloud.vpn: the certificate of a peer has to name the addresses behind it (RFC 3779).\n"


class Files:
    """The files of a generation. `texts` and `keys`: by path; a key is missing where check mode only foretells it.

    `certifying`: whether all authorities of the edge certify addresses.
    """

    def __init__(
        self, want: Generation, have: Generation, revoked: Iterable[str], store: Store, certifying: bool = False
    ) -> None:
        self.store = store
        self._processes = processes.processes(want)
        self.texts = processes.files(want)
        self.keys = tls_crypt.texts(self._processes, want, have, store)
        self._wanted: Mapping[str, str] = {**self.texts, **{f"{processes.REVOKED}/{serial}": "" for serial in revoked}}
        if certifying and any(process.transport for process in self._processes.values()):
            self._wanted = {**self._wanted, processes.ADDRESSED: ADDRESSED}

    @property
    def keyed(self) -> dict[str, Process]:
        """The processes that have a key, by its file."""
        return {process.key: process for process in self._processes.values() if process.tls_crypt}

    def digested(self, process: Process) -> dict[str, str]:
        """The files that a process reads when it starts, but for certificates."""
        found = {process.config: self.texts.get(process.config, "")}
        return {**found, process.key: self.keys.get(process.key, "")} if process.tls_crypt else found

    def _stale(self) -> list[str]:
        """Files to write."""
        return [p for p, text in self._wanted.items() if not self.store.at(p).exists() or self._read(p) != text]

    def _lost(self) -> list[str]:
        """Keys to write, because they are missing, others, or others' to read. In check mode also those to be made."""
        return [
            path
            for path in self.keyed
            if not self.keys.get(path) or self._read(path) != self.keys[path] or self._mode(path) != CLOSED
        ]

    def _shut(self) -> list[str]:
        """Directories and files whose mode is not ours. OpenVPN reads them as the user that it has become: where it may
        not, it lets no peer in, and takes nothing for revoked."""
        if not self._processes:
            return []
        wanted = {**dict.fromkeys(DIRECTORIES, OPEN), **dict.fromkeys(self._wanted, READABLE)}
        return [path for path, mode in wanted.items() if self.store.at(path).exists() and self._mode(path) != mode]

    def _over(self) -> list[str]:
        """Files to remove."""
        wanted = {*self._wanted, *self.keyed}
        every = sorted(self.store.at(processes.HOME).rglob("*"))
        found = [f"/{path.relative_to(self.store.root)}" for path in every if path.is_file()]
        return [path for path in found if path not in wanted]

    def _read(self, path: str) -> str:
        return files.read(self.store.at(path))

    def _mode(self, path: str) -> int:
        return self.store.at(path).stat().st_mode & 0o7777

    def changes(self, name: str) -> list[Change]:
        """What is written and removed, with its text; of keys, whose they are."""
        stale = self._stale()
        found = [Change(name, f"write {path}", self._read(path), self._wanted[path]) for path in stale]
        found += [Change(name, f"set the mode of {path}") for path in self._shut() if path not in stale]
        for path in self._over():
            found.append(Change(name, f"remove {path}", "" if path.endswith(".key") else self._read(path), ""))
        for path in self._lost():
            verb = "change" if self.store.at(path).exists() else "install"
            found.append(Change(name, f"{verb} the tls-crypt key of {self.keyed[path].name}"))
        return found

    def write(self) -> None:
        """Write what is missing, and set the modes."""
        for place in DIRECTORIES:
            files.directory(self.store.at(place), OPEN)
        for path in dict.fromkeys((*self._stale(), *self._shut())):
            files.write(self.store.at(path), self._wanted[path], READABLE)
        for path in self._lost():
            files.write(self.store.at(path), self.keys[path], CLOSED)

    def remove(self) -> None:
        """Remove what is over; with the last process, the directories."""
        for path in self._over():
            self.store.at(path).unlink()
        for place in () if self._processes else reversed(DIRECTORIES):
            if self.store.at(place).is_dir():
                self.store.at(place).rmdir()
