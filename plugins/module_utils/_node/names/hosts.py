# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The names of a member's VPNs in /etc/hosts (hosts(5)), where no resolver of the machine is to ask the edge.

Every line of ours says so at its end. All others stay as they are, wherever they are.
"""

from __future__ import annotations

from functools import cached_property
from itertools import compress
from operator import not_
from pathlib import Path

from ..document import Change
from ..part import Part
from ..system import files

PATH = "/etc/hosts"
MARK = "# intercloud.vpn"


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
        try:
            text = self._path.read_bytes().decode(errors="surrogateescape")
        except FileNotFoundError:
            return "", ""
        lines = text.splitlines(keepends=True)
        own = [line.rstrip().endswith(MARK) for line in lines]
        others, ours = compress(lines, map(not_, own)), compress(lines, own)
        return "".join(others), "".join(ours)

    def problems(self) -> list[str]:
        """A file that cannot be replaced."""
        if self._wanted and files.mounted(self._path):
            return [f"{PATH} is mounted from elsewhere, as containers have it; set vcc_names: resolver for this host"]
        return []

    def changes(self) -> list[Change]:
        """Our lines to write, to change or to remove."""
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
        if not self._wanted:
            self._write()

    def _write(self) -> None:
        others, own = self._found()
        if own != self._wanted:
            path = self._path
            mode = path.stat().st_mode & 0o7777 if path.exists() else 0o644
            gap = "\n" if others and self._wanted and not others.endswith("\n") else ""
            files.write(path, f"{others}{gap}{self._wanted}", mode)
