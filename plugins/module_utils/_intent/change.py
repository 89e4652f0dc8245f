# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""INTENT: a VPN that is there, whose members change: ``{name: payroll, add: [vm9-east], remove: [vm1-west]}``.

All else of it stays as the ledger has it. So whoever adds a VM need not know the rest of the VPN.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from .._base.problems import Problems, did_you_mean, unknown_keys
from .landscape.landscape import Landscape
from .members import MembersParser
from .paths import CHANGES, ORGANIZATION
from .topology.kinds import Graph, Mesh, Star, Topology
from .topology.parser import TopologyParser
from .vpn import Member, Vpn, parse_name, vpn_from_record


def is_change(raw: Mapping[str, Any]) -> bool:
    """Whether an entry changes the members of a VPN that is there, and does not describe a whole one."""
    return any(key in raw for key in CHANGES)


class ChangeParser:
    """Reads one change at ``path``. ``kept`` are the records of the VPNs that are there, by organization and name."""

    def __init__(
        self,
        raw: Mapping[str, Any],
        path: str,
        matches: Mapping[str, Sequence[str]],
        landscape: Landscape,
        problems: Problems,
        kept: Mapping[tuple[str, str], Mapping[str, Any]],
    ) -> None:
        self.raw, self.path, self.kept = raw, path, kept
        self.landscape, self.problems = landscape, problems
        self.reader = MembersParser(raw, path, matches, landscape, problems)
        self.places: set[tuple[str, str]] = set()  # the clouds that its new members are in, each with the organization

    def vpn(self) -> Vpn | None:
        """The whole VPN with its new members; None and a problem where there is none."""
        before = len(self.problems)
        unknown_keys(self.raw, ("name", *CHANGES), self.path, self.problems)
        name = parse_name(self.raw.get("name"), f"{self.path}.name", self.problems)
        organization = None if name is None else self._owner(name)
        if name is None or organization is None:
            return None
        record = self.kept[organization, name]
        if record.get("stretch"):
            self.problems.add(f"{self.path}.name", f"{name} is a stretched network: change it in vcc_networks")
            return None
        leaving, joining = self._leaving(record), self._joining(organization)
        self._check_named(record, leaving)
        if self.reader.has_unusable or len(self.problems) > before:
            return None
        left = {**record, "members": {vm: mode for vm, mode in record["members"].items() if vm not in leaving}}
        rest = vpn_from_record(name, organization, left, self.landscape, self.problems, self.path)
        return None if rest is None else self._changed(rest, joining, record, before)

    def _changed(self, rest: Vpn, joining: Mapping[str, Member], record: Mapping[str, Any], before: int) -> Vpn | None:
        """What is left of the VPN, with those that join. A member that is added again stays as it is."""
        self._check_again(rest, joining)
        members = {**joining, **rest.by_name}
        if len(members) < (1 if rest.partners else 2):
            self.problems.add(f"{self.path}.remove", f"a VPN needs at least two members, and {len(members)} is left")
        sites = {*rest.partners, *(member.vm.site for member in members.values())}
        topology = self._topology(rest, sites, record)
        if topology is None or len(self.problems) > before:
            return None
        return replace(rest, members=tuple(members[name] for name in sorted(members)), topology=topology)

    def _check_again(self, rest: Vpn, joining: Mapping[str, Member]) -> None:
        """What an entry says of a member beside its name, and is otherwise, would be said in vain."""
        for index, entry in enumerate(self._entries("add")):
            name = str(entry.get("name")) if isinstance(entry, Mapping) and len(entry) > 1 else ""
            if name in rest.by_name and joining[name] != rest.by_name[name]:
                self.problems.add(
                    f"{self.path}.add[{index}]",
                    f"{name} is a member already: to change its mode or ports, name it in remove as well",
                )

    def _owner(self, name: str) -> str | None:
        """The organization that has the VPN."""
        place, owners = f"{self.path}.name", [owner for owner, known in self.kept if known == name]
        if not owners:
            known = {other for _owner, other in self.kept}
            self.problems.add(
                place, f"there is no VPN {name} in the ledger whose members could change{did_you_mean(name, known)}"
            )
        elif len(owners) > 1:
            self.problems.add(place, f"{', '.join(sorted(owners))} have a VPN {name}; say whose with {ORGANIZATION}")
        return owners[0] if len(owners) == 1 else None

    def _entries(self, key: str) -> Sequence[object]:
        raw = self.raw.get(key, ())
        if isinstance(raw, (list, tuple)):
            return raw
        self.problems.add(f"{self.path}.{key}", "must be a list of VMs, vApps, groups or inventory patterns")
        return ()

    def _joining(self, organization: str) -> dict[str, Member]:
        joining = self.reader.named(self._entries("add"), f"{self.path}.add")
        for name, member in sorted(joining.items()):
            if member.vm.organization != organization:
                theirs = f"{name} is of {member.vm.organization}, the VPN of {organization}"
                self.problems.add(f"{self.path}.add", theirs)
        self.places = {(organization, member.vm.cloud) for member in joining.values()}
        return joining

    def _leaving(self, record: Mapping[str, Any]) -> set[str]:
        """The VMs that leave. One that the inventory no longer has can leave, too."""
        leaving: set[str] = set()
        for index, text in enumerate(self._entries("remove")):
            place = f"{self.path}.remove[{index}]"
            if not isinstance(text, str) or not text:
                self.problems.add(place, f"must be a name, not {text!r}")
            else:
                leaving |= {text} if text in record["members"] else {*self.reader.expand(text, place)}
        return leaving

    def _check_named(self, record: Mapping[str, Any], leaving: set[str]) -> None:
        """Rules that name a VM would be left without a subject, or with none at all, which means another thing."""
        for key in ("allow", "outside"):
            for name in sorted(leaving & {*_texts(record.get(key))}):
                self.problems.add(
                    f"{self.path}.remove",
                    f"{name} is named in the VPN's {key}: describe the whole VPN, with its members and {key}",
                )

    def _topology(self, rest: Vpn, sites: set[str], record: Mapping[str, Any]) -> Topology | None:
        """The topology with the sites that come and go, as if the intent had said its kind only."""
        now = rest.topology
        if isinstance(now, (Mesh, Star)):
            return now
        if isinstance(now, Graph):
            for site in sorted(sites - {*now.named}):
                self.problems.add(
                    f"{self.path}.add", f"{site} is in no link of the VPN's topology: describe the whole VPN, with it"
                )
            return now
        place = f"{self.path}.topology"
        known = [vm for vm in record["members"] if self.landscape.is_a(vm, "members")]
        homes = {vm.site for vm in (self.landscape.vm(name, place) for name in known) if vm is not None}
        every = sorted(sites | ({*now.named} - homes))  # those that had no members forward for others
        known_before, landscape = record["topology"], self.landscape
        return TopologyParser(place, every, rest.organization, known_before, landscape, self.problems).parse(now.kind)


def _texts(value: object) -> Sequence[str]:
    """Every text in plain data."""
    if isinstance(value, Mapping):
        return [text for entry in value.values() for text in _texts(entry)]
    if isinstance(value, (list, tuple)):
        return [text for entry in value for text in _texts(entry)]
    return [value] if isinstance(value, str) else []
