# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kernel settings. The value found when a setting was first wanted is noted, and comes back when it no longer is.

It is noted where it is as wanted, too, and never at boot: what is found then may be what the machine's own
configuration has yet to set, and a gateway that forwarded before we came has to forward when we are gone.
"""

from __future__ import annotations

from pathlib import Path

from ..document import Change
from ..part import Part
from ..system import files

GIVEN_BACK = "sysctls given back"  # what is noted of settings that the last generation to go had


class Sysctls(Part):
    """The document's `sysctls`."""

    name = "sysctls"

    def _path(self, key: str) -> Path:
        # As in sysctl(8): a name with slashes may hold dots, as in net/ipv4/conf/eth0.100/rp_filter.
        return self.store.at("/proc/sys") / (key if "/" in key else key.replace(".", "/"))

    def _value(self, key: str) -> str:
        try:
            return " ".join(self._path(key).read_text(encoding="utf-8").split())
        except OSError:
            return ""

    def _noted(self) -> dict[str, str]:
        return dict(self.store.owned("sysctls") or {})

    def differing(self) -> dict[str, str]:
        """The settings that are not as wanted, each with what it should be."""
        return self._wrong()

    def _given_back(self) -> dict[str, str]:
        return dict(self.store.owned(GIVEN_BACK) or {})

    def _wrong(self) -> dict[str, str]:
        return {key: value for key, value in self.want.sysctls.items() if self._value(key) != " ".join(value.split())}

    def _found(self) -> dict[str, str]:
        """What to note: every setting's value from before us."""
        source = self._given_back().get if self.boot else self._value
        now = {key: source(key) for key in self.want.sysctls}
        return {**{key: value for key, value in now.items() if value}, **self._noted()}

    def _over(self) -> dict[str, str]:
        return {key: value for key, value in self._noted().items() if key not in self.want.sysctls}

    def problems(self) -> list[str]:
        """Settings this kernel does not have."""
        return [f"{key}: this kernel has no such setting" for key in self.want.sysctls if not self._path(key).exists()]

    def changes(self) -> list[Change]:
        """Settings that differ, and settings to give back."""
        found = [
            Change(self.name, f"set {key} = {value}", f"{key} = {self._value(key)}", f"{key} = {value}")
            for key, value in sorted(self._wrong().items())
        ]
        for key, value in sorted(self._over().items()):
            if self._value(key) != value:  # else only the note of it is left
                found.append(
                    Change(self.name, f"restore {key} = {value}", f"{key} = {self._value(key)}", f"{key} = {value}")
                )
        return found

    def to_forget(self) -> list[Change]:
        """Notes of settings that were given back."""
        over = sorted(self._over().items())
        return [Change(self.name, f"forget {key}") for key, value in over if self._value(key) == value]

    def build(self) -> None:
        """Set what differs."""
        found = self._found()
        if found != self._noted():
            self.store.own("sysctls", found)
        again = {key: value for key, value in self._given_back().items() if key not in found}
        if again != self._given_back():
            self.store.own(GIVEN_BACK, again or None)
        for key, value in self._wrong().items():
            self._set(key, value)

    def _set(self, key: str, value: str) -> None:
        with files.named(self._path(key)):
            self._path(key).write_text(value, encoding="utf-8")

    def clear(self) -> None:
        """Give back what is no longer wanted."""
        for key, value in self._over().items():
            if self._path(key).exists():
                self._set(key, value)

    def forget(self) -> None:
        """Note no longer what was given back."""
        over = self._over()
        if over:
            # Who comes back to an earlier generation, perhaps at boot, has to know again what was before us.
            self.store.own(GIVEN_BACK, over)
            kept = {key: value for key, value in self._noted().items() if key not in over}
            self.store.own("sysctls", kept or None)
