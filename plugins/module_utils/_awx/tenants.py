# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AWX: what its objects are made from: each organization's machines, and the VPNs that it has in the ledger."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._base.coerce import boolean
from .._intent.landscape.facts import is_shared, organization_of


@dataclass(frozen=True)
class Tenant:
    """An organization. All names are sorted. ``edges`` are those that are ours; ``vms`` can be members."""

    name: str
    clouds: tuple[str, ...] = ()
    edges: tuple[str, ...] = ()
    vapps: tuple[str, ...] = ()
    vms: tuple[str, ...] = ()
    vpns: tuple[str, ...] = ()


@dataclass(frozen=True)
class Intent:
    """What VPNs can name: pools, policies of the catalog and of the user, all sorted."""

    pools: tuple[str, ...] = ()
    policies: tuple[str, ...] = ()


def tenants(hosts: Mapping[str, Mapping[str, Any]], vpns: Mapping[str, Sequence[str]]) -> list[Tenant]:
    """The organizations of the inventory's hosts, sorted. ``vpns`` are the ledger's VPNs by organization.

    ``hosts`` are facts as the planner has them, ``{host: {"kinds", "clouds", "vars"}}``.
    """
    owned: dict[str, dict[str, Mapping[str, Any]]] = {}
    for host, facts in hosts.items():
        if not is_shared(facts):
            owned.setdefault(organization_of(facts), {})[host] = facts
    return [
        Tenant(
            name,
            tuple(sorted({cloud for facts in mine.values() for cloud in facts["clouds"]})),
            _of(mine, "org_edges", lambda facts: boolean(facts["vars"].get("vcc_external")) is not True),
            _of(mine, "vapp_edges"),
            _of(mine, "members"),
            tuple(sorted(vpns.get(name, ()))),
        )
        for name, mine in sorted(owned.items())
    ]


def _of(hosts: Mapping[str, Mapping[str, Any]], kind: str, fits: Any = None) -> tuple[str, ...]:
    found: Iterable[str] = (name for name, facts in hosts.items() if kind in facts["kinds"])
    return tuple(sorted(name for name in found if fits is None or fits(hosts[name])))
