# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The names of a member's VPNs in /etc/hosts (hosts(5)), where no resolver of the machine is to ask the edge.

Every line of ours says so at its end. All others stay as they are, wherever they are.
"""

from __future__ import annotations

import errno
import os
import re
from functools import cached_property
from pathlib import Path

from ..document import Change
from ..part import Part
from ..system import files

PATH = "/etc/hosts"
MARK = "# intercloud.vpn"
# Ours begin with an address, and have no other comment. What others write about us is theirs.
_OURS = re.compile(rf"[ \t]*[0-9A-Fa-f.:]+[ \t][^#]*{re.escape(MARK)}\s*")


class Hosts(Part):
    """Of the document's `names`, of a member, those that it is given."""

    name = "hosts"

    @cached_property
    def _wanted(self) -> str:
        entries = [entry for entry in self.want.listed("names") if entry.get("hosts")]
        found = [(entry["domain"], name, to) for entry in entries for name, to in entry["hosts"].items()]
        return "".join(f"{to} {name}.{domain} {MARK}\n" for domain, name, to in sorted(found))

    @property
    def _path(self) -> Path:
        """The file itself, where the path is a link to it."""
        return self.store.at(PATH).resolve()

    def _found(self) -> tuple[str, str]:
        """The lines of others, and ours. Octets that are no UTF-8 stay what they are."""
        path = self._path
        if path.is_symlink():  # resolved as far as possible: Python 3.13 takes a link to itself for no file
            raise OSError(errno.ELOOP, "a link that leads nowhere")
        if not path.exists():
            return "", ""
        if not path.is_file():  # a pipe would be read for ever
            raise OSError(errno.EINVAL, "it is not a file")
        text = path.read_bytes().decode(errors="surrogateescape")
        lines = re.findall(r"[^\n]*\n|[^\n]+", text)  # not all that Python takes for the end of a line
        ours = [line for line in lines if _OURS.fullmatch(line)]
        return "".join(line for line in lines if not _OURS.fullmatch(line)), "".join(ours)

    def _unreadable(self) -> str:
        """Why there is nothing to be read of it; empty if there is, or could be."""
        try:
            self._found()
        except (OSError, RuntimeError) as error:  # a link to itself is a RuntimeError before Python 3.13
            return str(getattr(error, "strerror", None) or "a link that leads nowhere")
        return ""

    def problems(self) -> list[str]:
        """A file that cannot be replaced."""
        if not self._wanted:
            return []
        unreadable = self._unreadable()
        if unreadable:
            return [f"{PATH} cannot be read: {unreadable}; repair it, or set vcc_names: resolver for this host"]
        if files.mounted(self._path):
            return [f"{PATH} is mounted from elsewhere, as containers have it; set vcc_names: resolver for this host"]
        return []

    def changes(self) -> list[Change]:
        """Our lines to write, to change or to remove."""
        if not self._wanted and self._unreadable():  # whatever it is, no line of ours is in it
            return []
        own = self._found()[1]
        if own == self._wanted:
            return []
        verb = "remove" if not self._wanted else "change" if own else "write"
        return [Change(self.name, f"{verb} names in {PATH}", own, self._wanted)]

    def build(self) -> None:
        """Write."""
        if self._wanted:
            self._write()

    def clear(self) -> None:
        """Remove."""
        if not self._wanted and not self._unreadable():
            self._write()

    def _write(self) -> None:
        others, own = self._found()
        if own != self._wanted:
            path = self._path
            there = path.stat() if path.exists() else None
            mode = there.st_mode & 0o7777 if there else 0o644
            gap = "\n" if others and self._wanted and not others.endswith("\n") else ""
            files.write(path, f"{others}{gap}{self._wanted}", mode)
            if there and (there.st_uid, there.st_gid) != (os.geteuid(), os.getegid()):
                with files.named(path):
                    os.chown(path, there.st_uid, there.st_gid)
