# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""OVF: which VCC nodes hold an organization's templates: those of the clouds that it has an edge or a vApp in."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from .._base.problems import Problems, did_you_mean
from .._intent.landscape.external import is_external
from .._intent.landscape.facts import is_shared, organization_of
from .._intent.organizations import is_concerned, organizations_of
from .._intent.paths import ORGANIZATION

Hosts = Mapping[str, Mapping[str, Any]]
CLOUDS = "vcc_clouds"
EDGES = ("org_edges", "vapp_edges")


def one_organization(hosts: Hosts, named: Collection[str], problems: Problems) -> str:
    """The organization that a run publishes for: the one that is named, or the only one. Empty, noted, otherwise."""
    known = organizations_of(hosts)
    if len(named) > 1:
        problems.add(ORGANIZATION, f"a template is of one organization, not of {', '.join(sorted(named))}")
    elif not named and len(known) != 1:
        which = ", ".join(known) or "none"
        problems.add(ORGANIZATION, f"must say whose the template is; the inventory has {which}")
    elif named and not set(named) <= set(known):
        name = next(iter(named))
        problems.add(ORGANIZATION, f"no host of the inventory is of organization {name}{did_you_mean(name, known)}")
    else:
        return next(iter(named or known))
    return ""


def nodes_of(hosts: Hosts, organization: str, clouds: Sequence[str], problems: Problems) -> list[str]:
    """The VCC nodes that hold the organization's templates, sorted: in the clouds that are named, else in all its own.

    An external edge is in nobody's cloud.
    """
    own: set[str] = set()
    nodes: dict[str, list[str]] = {}
    for name, facts in hosts.items():
        edge = not is_shared(facts) and any(kind in facts["kinds"] for kind in EDGES)
        if edge and organization_of(facts) == organization and not is_external(facts["vars"]):
            own.update(facts["clouds"])
        if "vcc_nodes" in facts["kinds"] and is_concerned(facts, [organization]):
            for cloud in facts["clouds"]:
                nodes.setdefault(cloud, []).append(name)
    for cloud in clouds:
        if cloud not in own:
            problems.add(CLOUDS, f"{organization} has no edge and no vApp in cloud {cloud}{did_you_mean(cloud, own)}")
        elif cloud not in nodes:
            problems.add(CLOUDS, f"cloud {cloud} has no VCC node in the inventory that could hold the template")
    found = sorted(name for cloud in (clouds or own) for name in nodes.get(cloud, ()) if cloud in own)
    if not found and not len(problems):
        problems.add(CLOUDS, f"no cloud of {organization} has a VCC node in the inventory")
    return found
