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


def own_clouds(hosts: Hosts, organization: str) -> set[str]:
    """The clouds that the organization has an edge or a vApp in. An external edge is in nobody's cloud."""
    own: set[str] = set()
    for facts in hosts.values():
        edge = not is_shared(facts) and any(kind in facts["kinds"] for kind in EDGES)
        if edge and organization_of(facts) == organization and not is_external(facts["vars"]):
            own.update(facts["clouds"])
    return own


def nodes_of(hosts: Hosts, organization: str, clouds: Sequence[str], problems: Problems) -> list[str]:
    """The VCC nodes that hold the organization's templates, sorted: in the clouds that are named, or in all its own."""
    own = own_clouds(hosts, organization)
    nodes: dict[str, list[str]] = {}
    for name, facts in hosts.items():
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


def stray_in(hosts: Hosts, organization: str, holders: Collection[str]) -> list[str]:
    """Of the VCC nodes that hold a template, those that may not any more, sorted. Nodes of no inventory are not known.

    They are another organization's by now, or are in a cloud that the organization left.
    """
    may = nodes_of(hosts, organization, (), Problems())
    return sorted(name for name in {*holders} - {*may} if _is_node(hosts, name))


def nodes_to_clear(
    hosts: Hosts, organization: str, clouds: Sequence[str], holders: Collection[str], problems: Problems
) -> list[str]:
    """The VCC nodes that a template is taken back from, sorted: those that may hold it, and those that do.

    Of all clouds, or of those that are named. There may be none: nodes that hold it can be in no inventory any more.
    """
    nodes = {*nodes_of(hosts, organization, (), Problems()), *(name for name in holders if _is_node(hosts, name))}
    there = own_clouds(hosts, organization).union(*(hosts[name]["clouds"] for name in nodes))
    for cloud in clouds:
        if cloud not in there:
            what = f"{organization} has no edge and no vApp in cloud {cloud}, and no template"
            problems.add(CLOUDS, f"{what}{did_you_mean(cloud, there)}")
    return sorted(name for name in nodes if not clouds or {*clouds} & {*hosts[name]["clouds"]})


def _is_node(hosts: Hosts, name: str) -> bool:
    return name in hosts and "vcc_nodes" in hosts[name]["kinds"]
