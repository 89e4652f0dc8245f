# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""INTENT: one host's plain facts.

They are ``{"kinds": [...], "clouds": [...], "vars": {"vcc_org": ..., ...}, "management": {"ansible_host": [...]}}``:
the groups that the host is in, its ``vcc_*`` variables, and the addresses that Ansible reaches it by, by variable.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from ..._base.coerce import boolean
from ..._base.names import check_host, shown, wrong_clouds
from ..._base.prefix import Prefix, format_address, parse_address
from ..._base.problems import Problems
from ..paths import of_host
from .hosts import Addresses
from .neighbours import EVERY, Macs, parse_mac

DEFAULT_ORGANIZATION = "default"


class Facts:
    """Reads the facts of the host ``name``, and notes what is wrong with them."""

    def __init__(self, name: str, facts: Mapping[str, Any], problems: Problems) -> None:
        self.name, self.place = name, of_host(shown(name))
        self.kinds: Sequence[str] = facts["kinds"]
        self.clouds: Sequence[str] = facts["clouds"]
        self.variables: Mapping[str, Any] = facts["vars"]
        self.organization = organization_of(facts)
        self.problems = problems

    def check(self) -> None:
        """Note what no host may be."""
        if "org_edges" not in self.kinds and "vcc_external" in self.variables:
            self.wrong("vcc_external", "belongs to an org edge, and applies to the VMs behind it; remove it here")
        if "org_edges" not in self.kinds and "vcc_site" in self.variables:
            vapp = "; pairs of vApp edges are not there yet" if "vapp_edges" in self.kinds else ""
            self.wrong("vcc_site", f"belongs to an org edge{vapp}; remove it here")
        if "members" in self.kinds and boolean(self.variables.get("vcc_dhcp")) not in (None, False):
            self.wrong("vcc_dhcp", "belongs to the org edge or vApp edge that serves, not to VMs; remove it here")
        if len(self.kinds) > 1:
            self.problems.add(self.place, f"is in the groups {' and '.join(self.kinds)}; a host is in one of them")
        check_host(self.name, self.clouds, self.problems)

    def quiet(self) -> Facts:
        """The same, and what is wrong is not noted."""
        twin = copy.copy(self)
        twin.problems = Problems()
        return twin

    def wrong(self, key: str, message: str) -> None:
        """Note what is wrong with a variable."""
        self.problems.add(f"{self.place}.{key}", message)

    def cloud(self) -> str | None:
        """The cloud that a gateway is in."""
        wrong = wrong_clouds(self.clouds, "a gateway")
        if wrong:
            self.problems.add(self.place, wrong)
        return None if wrong else str(self.clouds[0])

    def check_vapp(self, vapp: Facts) -> None:
        """Note that a VM says that it is behind a vApp edge elsewhere."""
        if not {*vapp.clouds} & {*self.clouds}:
            there, here = ", ".join(vapp.clouds) or "none", ", ".join(self.clouds)
            self.wrong("vcc_vapp", f"{vapp.name} is in cloud {there}, {self.name} in cloud {here}")
        if vapp.organization != self.organization:
            self.wrong(
                "vcc_vapp", f"{vapp.name} is of organization {vapp.organization}, {self.name} of {self.organization}"
            )

    def addresses(self, key: str, meaning: str | None) -> Addresses:
        """One address per version. There must be one where ``meaning`` says what it is needed for."""
        found: dict[int, str] = {}
        if meaning is not None and not self.variables.get(key):
            self.wrong(key, f"is missing: {meaning}")
        for text in _listed(self.variables.get(key)):
            try:
                address = parse_address(text)
            except ValueError as error:
                self.wrong(key, str(error))
                continue
            if address.family in found:
                self.wrong(key, f"has two IPv{address.family} addresses; give one per version")
            found[address.family] = format_address(address.family, address.first)
        return found

    def networks(self, key: str) -> tuple[Prefix, ...]:
        """The networks of a variable."""
        found = []
        for text in _listed(self.variables.get(key)):
            try:
                found.append(Prefix.parse(text))
            except ValueError as error:
                self.wrong(key, str(error))
        return tuple(found)

    def macs(self, *addresses: Addresses) -> Macs | None:
        """The link-layer addresses that ``vcc_mac`` says, by address; None where it says nothing.

        ``addresses`` are all that the host has.
        """
        said = self.variables.get("vcc_mac")
        if said is None:
            return None
        if not isinstance(said, Mapping):
            return {EVERY: self._macs(said)}
        found: dict[str, tuple[str, ...]] = {}
        own = [address for some in addresses for address in some.values()]
        for text, macs in sorted(said.items()):
            try:
                address = parse_address(str(text)).address()
            except ValueError as error:
                self.wrong("vcc_mac", str(error))
                continue
            found[address] = self._macs(macs)
            if address not in own:
                has = ", ".join(own) or "none"
                self.wrong("vcc_mac", f"{address} is not an address of {self.name}, which has {has}")
        return found

    def _macs(self, said: object) -> tuple[str, ...]:
        found = []
        for text in _listed(said):
            try:
                found.append(parse_mac(text))
            except ValueError as error:
                self.wrong("vcc_mac", str(error))
        return tuple(dict.fromkeys(found))


def organization_of(facts: Mapping[str, Any]) -> str:
    """The organization that a host's facts name."""
    name = facts["vars"].get("vcc_org")
    return DEFAULT_ORGANIZATION if name is None else str(name)


def is_shared(facts: Mapping[str, Any]) -> bool:
    """Whether it is a VCC node that is not an organization's own: it serves all that have hosts in its cloud."""
    return facts["kinds"] == ["vcc_nodes"] and facts["vars"].get("vcc_org") is None


def _listed(value: object) -> Sequence[str]:
    if value is None:
        return []
    if isinstance(value, (list, tuple)):
        return [str(item) for item in value]
    return [str(value)]
