# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""INTENT: which organizations a run is about. What is of others is not even read."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from .._base.problems import Problems, did_you_mean
from .landscape.facts import is_shared, organization_of
from .paths import ORGANIZATION, of_network, of_vpn

Hosts = Mapping[str, Mapping[str, Any]]
OTHERS: Mapping[str, Any] = MappingProxyType({})
"""Stands in a list of VPNs for one of an organization that the run is not about."""


def organizations_of(hosts: Hosts) -> list[str]:
    """The organizations that have hosts, sorted. A VCC node that is nobody's own says nothing of them."""
    return sorted({organization_of(facts) for facts in hosts.values() if not is_shared(facts)})


def is_concerned(facts: Mapping[str, Any], organizations: Collection[str]) -> bool:
    """Whether a run about some organizations is about a host. No ``organizations`` at all stands for every one."""
    return not organizations or is_shared(facts) or organization_of(facts) in organizations


def restrict(
    hosts: Hosts,
    matches: Mapping[str, Sequence[str]],
    intent: Mapping[str, Any],
    organizations: Collection[str],
    problems: Problems,
) -> tuple[Hosts, Mapping[str, Any]]:
    """The hosts and the intent of some organizations: their hosts and shared VCC nodes, their VPNs.

    A VPN is another organization's if all hosts are that its members stand for. Paths stay what they are: what is left
    out of the list of VPNs leaves its place. No ``organizations`` at all stands for every one.
    """
    if not organizations:
        return hosts, intent
    known = organizations_of(hosts)
    for name in sorted(set(organizations) - set(known)):
        problems.add(ORGANIZATION, f"no host of the inventory is of organization {name}{did_you_mean(name, known)}")
    problems.raise_if_any()
    ours = {name: facts for name, facts in hosts.items() if is_concerned(facts, organizations)}
    intent = {**intent, "networks": _own_networks(intent.get("networks"), hosts, ours, organizations, problems)}
    vpns = intent.get("vpns")
    if not isinstance(vpns, (list, tuple)):
        return ours, intent
    left = list(vpns)
    for index, vpn in enumerate(vpns):
        named = {host for text in _members(vpn) for host in matches.get(text, ()) if host in hosts}
        if not named or named <= set(ours):
            continue
        left[index] = OTHERS
        if named & set(ours):
            problems.add(
                f"{of_vpn(index)}.members",
                f"are not all of {', '.join(sorted(organizations))}; a VPN is of one organization",
            )
    return ours, {**intent, "vpns": left}


def _own_networks(
    networks: object, hosts: Hosts, ours: Hosts, organizations: Collection[str], problems: Problems
) -> object:
    """The same of stretched networks, which are of the organization of their edges."""
    if not isinstance(networks, (list, tuple)):
        return networks
    left = list(networks)
    for index, network in enumerate(networks):
        edges = network.get("stretch") if isinstance(network, Mapping) else None
        named = (
            {str(edge) for edge in edges if isinstance(edge, str) and edge in hosts}
            if isinstance(edges, (list, tuple))
            else set()
        )
        if not named or named <= set(ours):
            continue
        left[index] = OTHERS
        if named & set(ours):
            problems.add(
                f"{of_network(index)}.stretch",
                f"is not all of {', '.join(sorted(organizations))}; a network is of one organization",
            )
    return left


def _members(vpn: object) -> list[str]:
    """What names the members of a VPN, right or wrong."""
    members = vpn.get("members") if isinstance(vpn, Mapping) else None
    entries = members if isinstance(members, (list, tuple)) else []
    return [str(entry.get("name") if isinstance(entry, Mapping) else entry) for entry in entries]
