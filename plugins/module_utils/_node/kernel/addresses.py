# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses. Linux does not tell whose an address is, so the ones we gave are noted."""

from __future__ import annotations

import time

from ..document import Change
from ..part import Part
from ..system.run import have
from . import ip

Given = tuple[str, str]  # address with prefix length, device


class Addresses(Part):
    """The document's `addresses`."""

    name = "addresses"

    def _wanted(self, held: dict[str, list[str]]) -> tuple[list[Given], list[str]]:
        """The addresses with their devices, and those whose device is not there."""
        holder = {text.split("/")[0]: device for device, texts in held.items() for text in texts}
        given: list[Given] = []
        lost: list[str] = []
        for entry in self._entries():
            device = entry.get("device") or holder.get(str(entry.get("beside")), "")
            if device in held:
                given.append((entry["address"], device))
            else:
                place = entry.get("device") or f"the device that holds {entry.get('beside')}"
                lost.append(f"{entry['address']}: {place} is not there")
        return given, lost

    def _entries(self) -> list[dict[str, str]]:
        """The document's, without those that another backend needs."""
        return [e for e in self.want.listed("addresses") if e.get("backend", self.want.backend) == self.want.backend]

    def _noted(self) -> list[Given]:
        return [(str(address), str(device)) for address, device in self.store.owned("addresses") or []]

    def _missing(self) -> list[Given]:
        if not have("ip"):  # check mode, before iproute2 is there
            entries = self._entries()
            return [(e["address"], e.get("device") or f"the device that holds {e.get('beside')}") for e in entries]
        held = ip.addresses()
        return [(address, device) for address, device in self._wanted(held)[0] if address not in held[device]]

    def _over(self) -> list[Given]:
        held = ip.addresses()
        wanted = self._wanted(held)[0]
        return [(a, d) for a, d in self._noted() if (a, d) not in wanted and a in held.get(d, [])]

    def _forgotten(self) -> list[Given]:
        """What is noted as ours and is not wanted: an entry that stays would take away somebody's address one day."""
        if not self._noted() or self.want.empty:  # with the last VPN all notes go
            return []
        wanted = self._wanted(ip.addresses())[0]
        return [given for given in self._noted() if given not in wanted]

    def problems(self) -> list[str]:
        """Addresses that have no device to go to."""
        if not have("ip"):
            return [] if self.check or not self.want.listed("addresses") else ["ip is not installed"]
        return self._wanted(ip.addresses())[1]

    def wait(self, patience: float) -> None:
        """Wait until every device is there: at boot, networks come up when they like."""
        deadline = time.monotonic() + patience
        while self.problems() and time.monotonic() < deadline:
            time.sleep(0.2)

    def changes(self) -> list[Change]:
        """Addresses to add and to remove."""
        found = [Change(self.name, f"add {a} to {d}", "", f"{a} dev {d}") for a, d in self._missing()]
        return found + [Change(self.name, f"remove {a} from {d}", f"{a} dev {d}") for a, d in self._over()]

    def to_forget(self) -> list[Change]:
        """Notes of addresses that are gone."""
        over = self._over()
        return [Change(self.name, f"forget {a} on {d}") for a, d in self._forgotten() if (a, d) not in over]

    def build(self) -> None:
        """Add what is missing."""
        missing = self._missing()
        if missing:
            self.store.own("addresses", sorted({*self._noted(), *missing}))
        for family in (4, 6):
            ours = [(a, d) for a, d in missing if ip.family(a) == family]
            ip.batch(family, [f"addr add {a} dev {d}{_extra(family, d)}" for a, d in ours])

    def clear(self) -> None:
        """Remove what is no longer wanted."""
        over = self._over()
        for family in (4, 6):
            ip.batch(family, [f"addr del {a} dev {d}" for a, d in over if ip.family(a) == family])

    def forget(self) -> None:
        """Note no longer what was removed."""
        forgotten = self._forgotten()
        if forgotten:
            self.store.own("addresses", [given for given in self._noted() if given not in forgotten] or None)


def _extra(family: int, device: str) -> str:
    if family == 4:
        return ""
    if device == "lo":
        # Any other device's address is chosen before one on lo (RFC 6724, rule 5). A deprecated one would not be
        # seen by strongSwan's userspace backend, which looks for a local address inside the local selectors.
        return " nodad"
    # Nothing but our own routes, which name their source, may choose a member's address.
    return " nodad preferred_lft 0"
