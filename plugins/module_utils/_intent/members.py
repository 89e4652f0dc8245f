# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""INTENT: what a VPN says about its members: VMs by name, by vApp, by group or by pattern."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .._base.problems import Problems, did_you_mean, unknown_keys
from .landscape.hosts import MODES, Vm
from .landscape.landscape import Landscape
from .ports import Ports, parse_ports
from .vpn import Member, member_of

_KEYS = ("name", "mode", "ports")


class Ambiguous(list[str]):
    """The hosts that a text stands for, whichever way it is read. ``names`` in it are both a host and a group."""

    def __init__(self, names: Sequence[str], hosts: Iterable[str]) -> None:
        super().__init__(sorted(hosts))
        self.names = names


def read_matches(raw: Mapping[str, Any]) -> dict[str, Sequence[str]]:
    """The hosts that each text stands for, as they came from the controller: JSON has no :class:`Ambiguous`."""
    return {
        text: Ambiguous(found["names"], found["hosts"]) if isinstance(found, Mapping) else found
        for text, found in raw.items()
    }


class MembersParser:
    """Reads one VPN's members. ``raw`` is all of the VPN at ``path``, as it may say how all of them are members."""

    def __init__(
        self,
        raw: Mapping[str, Any],
        path: str,
        matches: Mapping[str, Sequence[str]],
        landscape: Landscape,
        problems: Problems,
    ) -> None:
        self.raw, self.path = raw, path
        self.matches, self.landscape, self.problems = matches, landscape, problems
        self.has_unusable = False  # a VM that was named and cannot be read

    def parse(self, alone: bool = False) -> tuple[Member, ...]:
        """The members by name. With a problem, those that are left. ``alone``: one member is enough."""
        path, raw = f"{self.path}.members", self.raw.get("members")
        if not isinstance(raw, (list, tuple)):
            self.problems.add(
                path,
                "is missing: a list of VMs, vApps, groups or inventory patterns"
                if raw is None
                else "must be a list of VMs, vApps, groups or inventory patterns",
            )
            return ()
        before = len(self.problems)
        found = self.named(raw, path)
        if len(found) < (1 if alone else 2) and not self.has_unusable and len(self.problems) == before:
            self.problems.add(path, f"a VPN needs at least two members, and {len(found)} is named")
        return tuple(found[name] for name in sorted(found))

    def named(self, raw: Sequence[object], path: str) -> dict[str, Member]:
        """The members that a list at a path stands for, by VM. What is wrong with an entry is noted."""
        default_mode = self._mode(self.raw, self.path)
        places: dict[str, str] = {}
        found: dict[str, Member] = {}
        for index, entry in enumerate(raw):
            place = f"{path}[{index}]"
            text, mode, ports = self._entry(entry, place, default_mode)
            if text is None:
                continue
            if text in places:
                self.problems.add(place, f"{text} is already named by {places[text]}")
                continue
            places[text] = place
            for name in self.expand(text, place):
                vm = self.landscape.vm(name, place)
                # What is wrong with a VM may be noted already, for a VPN before this one.
                self.has_unusable |= vm is None
                # The more exact word wins: a VM named by itself keeps the mode given there.
                if vm is not None and (name not in found or name == text):
                    found[name] = member_of(vm, mode or vm.mode, ports)
                    self._check_external(vm, entry, place)
        return found

    def _check_external(self, vm: Vm, entry: object, place: str) -> None:
        if not vm.external or not isinstance(entry, Mapping):
            return
        if entry.get("ports") is not None:
            self.problems.add(
                f"{place}.ports",
                f"{vm.name} is behind {vm.site}, which is external: who reaches what there is its administrator's to "
                "say; leave it out",
            )
        if entry.get("mode") == "nat":
            self.problems.add(
                f"{place}.mode",
                f"nat: {vm.name} is behind {vm.site}, which is external: its administrator decides that; leave it out",
            )

    def _entry(
        self, entry: object, place: str, default_mode: str | None
    ) -> tuple[str | None, str | None, Ports | None]:
        ports = None
        if isinstance(entry, Mapping):
            unknown_keys(entry, _KEYS, place, self.problems)
            mode = self._mode(entry, place) or default_mode
            ports = parse_ports(entry.get("ports"), f"{place}.ports", self.problems)
            entry = entry.get("name")
        else:
            mode = default_mode
        if not isinstance(entry, str) or not entry:
            quote = f", not {entry!r}: put it in quotes" if isinstance(entry, (bool, int, float)) else ""
            self.problems.add(place, f"must be a name, or a mapping with name, mode and ports{quote}")
            return None, None, None
        return str(entry), mode, ports

    def _mode(self, raw: Mapping[str, Any], place: str) -> str | None:
        mode = raw.get("mode")
        if mode is not None and mode not in MODES:
            self.problems.add(f"{place}.mode", f"{mode!r} must be one of: {', '.join(MODES)}")
            return None
        return mode

    def expand(self, text: str, place: str) -> Sequence[str]:
        """The VMs that a name, a group or a pattern at a place stands for. What is wrong with it is noted."""
        if _only_excludes(text):
            self.problems.add(
                place,
                f"{text} only excludes, and so stands for every other host: write what it is taken from and the "
                f"exclusion as one entry, such as members:{text}",
            )
            return []
        hosts = self.matches.get(text, [])
        if isinstance(hosts, Ambiguous):
            names = " and ".join(hosts.names)
            self.problems.add(
                place, f"{names} is both a host and a group of the inventory; rename the host or the group"
            )
            return []
        if not hosts:
            known = [*self.landscape.of_kind("members"), *self.landscape.of_kind("vapp_edges")]
            successor = self.landscape.successor(text)
            hint = f"; it is {successor} now: write that" if successor else did_you_mean(text, known)
            self.problems.add(place, f"{text} is not a VM, vApp, group or pattern of the inventory{hint}")
            return []
        if self.landscape.is_a(text, "vapp_edges"):
            vms = self.landscape.vms_behind(text)
            if not vms:
                self.problems.add(place, f"no VM is behind the vApp {text}; set vcc_vapp: {text} for its VMs")
            return vms
        if text in hosts:
            return [text]
        vms = [host for host in hosts if self.landscape.is_a(host, "members")]
        if not vms:
            self.problems.add(place, f"{text} matches no host of the group members")
        return vms


def _only_excludes(text: str) -> bool:
    """Whether every part of an inventory pattern is an exclusion, which Ansible takes from all hosts there are."""
    return all(part.strip()[:1] == "!" and len(part.strip()) > 1 for part in re.split("[:,]", text))
