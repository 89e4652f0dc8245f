# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""OVF: a vApp of the inventory, and what the VPNs say of it: what ``write.py`` makes a descriptor of."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from .._base.problems import did_you_mean
from .._intent.landscape.facts import organization_of
from .errors import PackageError
from .facts import LISTS, MEMBERS, OF_MEMBERS, OF_VAPP_EDGES, VAPP_EDGES, is_reserved
from .hardware import mac_of

HostsFacts = Mapping[str, Mapping[str, Any]]


@dataclass
class Machine:
    """A VM of the vApp, or its edge. ``said``: the properties by our names; ``mac``: empty where it is not known."""

    name: str
    kind: str
    said: dict[str, str] = field(default_factory=dict)
    mac: str = ""


class Hardware(NamedTuple):
    """What every VM of the vApp gets. ``memory``: MiB."""

    cpus: int
    memory: int


@dataclass
class Vapp:
    """A vApp: its edge first, then its VMs by name, and the VPNs that they are in."""

    name: str
    machines: list[Machine]
    vpns: list[dict[str, str]]
    hardware: Hardware


def find_vapp(
    name: str,
    hosts: HostsFacts,
    vpns: Iterable[Mapping[str, Any]],
    groups: Mapping[str, Collection[str]],
    hardware: Hardware,
) -> Vapp:
    """The vApp of the edge ``name``. ``hosts``: as the planner reads them; ``vpns``: as plan.json has them.

    PackageError where there is no such vApp edge, or no VM behind it.
    """
    edges = [host for host, facts in hosts.items() if VAPP_EDGES in facts["kinds"]]
    if name not in edges:
        raise PackageError("vapps", f"{name} is in no group {VAPP_EDGES}{did_you_mean(name, edges)}")
    inside = sorted(
        host
        for host, facts in hosts.items()
        if MEMBERS in facts["kinds"] and str(facts["vars"].get("vcc_vapp") or "") == name
    )
    if not inside:
        raise PackageError("vapps", f"{name} has no VMs: no host in {MEMBERS} has vcc_vapp: {name}")
    organization = organization_of(hosts[name])
    machines = [_machine(host, hosts[host], VAPP_EDGES if host == name else MEMBERS) for host in (name, *inside)]
    its = {machine.name: machine for machine in machines[1:]}
    found = []
    for vpn in sorted(vpns, key=lambda one: str(one["name"])):
        addresses = {member["name"]: str(member.get("address") or "") for member in vpn["members"]}
        if str(vpn["organization"]) != organization or not set(its) & set(addresses):
            continue
        for host in set(its) & set(addresses):
            its[host].said[f"vpn-{vpn['name']}"] = addresses[host].partition("/")[0]
        found.append(
            {key: _text(vpn[key]) for key in ("name", "organization", "pool", "topology", "blocks") if vpn.get(key)}
        )
    for machine in machines:
        own = sorted(group for group, names in groups.items() if machine.name in names and not is_reserved(group))
        if own:
            machine.said["groups"] = ", ".join(own)
    return Vapp(name, machines, found, hardware)


def _machine(name: str, facts: Mapping[str, Any], kind: str) -> Machine:
    variables = facts["vars"]
    said = {"kind": kind}
    for key in OF_VAPP_EDGES if kind == VAPP_EDGES else OF_MEMBERS:
        value = variables.get(key)
        if value is not None:
            said[key] = _text(value) if key in LISTS else value if isinstance(value, str) else json.dumps(value)
    macs = variables.get("vcc_mac")
    one = macs[0] if isinstance(macs, (list, tuple)) and len(macs) == 1 else macs
    mac = mac_of(one) if isinstance(one, str) else ""
    if macs is not None and (kind == VAPP_EDGES or not mac):  # more than the address of its one adapter
        said["vcc_mac"] = json.dumps(macs, sort_keys=True)
    return Machine(name, kind, said, mac)


def _text(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, Sequence) and not isinstance(value, str) else str(value)
