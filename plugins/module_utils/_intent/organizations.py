# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""INTENT: which organizations a run is about. What is of others is not even read."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from .._base.problems import Problems, did_you_mean
from .landscape.facts import is_shared, organization_of
from .paths import CHANGES, ORGANIZATION, of_network, of_vpn

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
    *,
    answered: bool = False,
) -> tuple[Hosts, Mapping[str, Any]]:
    """The hosts and the intent of some organizations: their hosts and shared VCC nodes, their VPNs and networks.

    A VPN is another organization's if all hosts are that its members stand for, a network if all its edges are. Paths
    stay what they are: what is left out of a list leaves its place. No ``organizations`` at all stands for every one.
    ``answered``: the VPNs are a survey's, which asks one organization. Nothing of it is left out silently.
    """
    if not organizations:
        return hosts, intent
    known = organizations_of(hosts)
    for name in sorted(set(organizations) - set(known)):
        problems.add(ORGANIZATION, f"no host of the inventory is of organization {name}{did_you_mean(name, known)}")
    problems.raise_if_any()
    ours = {name: facts for name, facts in hosts.items() if is_concerned(facts, organizations)}
    whose = ", ".join(sorted(organizations))

    def own(key: str, named: Callable[[object], set[str]], mixed: Callable[[int], tuple[str, str]]) -> object:
        """A list of the intent without those of others. ``mixed``: what is wrong with one that is of several."""
        entries = intent.get(key)
        if not isinstance(entries, (list, tuple)):
            return entries
        left = list(entries)
        for index, entry in enumerate(entries):
            there = named(entry) & hosts.keys()
            if there and not there <= ours.keys():
                left[index] = OTHERS
                if there & ours.keys():
                    problems.add(*mixed(index))
                elif answered and key == "vpns":
                    problems.add(_list_of(entries, index), f"are of another organization, and this run is of {whose}")
        return left

    vpns = own(
        "vpns",
        lambda vpn: {host for text in _members(vpn) for host in matches.get(text, ())},
        lambda index: (_list_of(intent["vpns"], index), f"are not all of {whose}; a VPN is of one organization"),
    )
    networks = own(
        "networks",
        _edges,
        lambda index: (f"{of_network(index)}.stretch", f"is not all of {whose}; a network is of one organization"),
    )
    return ours, {**intent, "vpns": vpns, "networks": networks}


def organizations_named(entry: Mapping[str, Any], hosts: Hosts, matches: Mapping[str, Sequence[str]]) -> Sequence[str]:
    """The organizations of the hosts that a VPN's members stand for, or that a network names as its edges; sorted."""
    if "stretch" in entry:
        named = _edges(entry)
    else:
        named = {host for text in _members(entry) for host in matches.get(text, ())}
    return sorted({organization_of(hosts[host]) for host in named & hosts.keys()})


def _edges(network: object) -> set[str]:
    """What names the edges of a stretched network."""
    edges = network.get("stretch") if isinstance(network, Mapping) else None
    return {edge for edge in edges if isinstance(edge, str)} if isinstance(edges, (list, tuple)) else set()


def _list_of(vpns: Sequence[Mapping[str, Any]], index: int) -> str:
    """The path of the first list of members that a VPN has."""
    return f"{of_vpn(index)}.{next(key for key in ('members', *CHANGES) if key in vpns[index])}"


def _members(vpn: object) -> list[str]:
    """What names the members of a VPN, right or wrong."""
    lists = [vpn.get(key) for key in ("members", *CHANGES)] if isinstance(vpn, Mapping) else []
    entries = [entry for members in lists if isinstance(members, (list, tuple)) for entry in members]
    return [str(entry.get("name") if isinstance(entry, Mapping) else entry) for entry in entries]
