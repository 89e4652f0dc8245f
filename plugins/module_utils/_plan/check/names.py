# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""INTENT: what only shows when the names of an organization's VPNs are seen together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..._base.names import folded
from ..._base.problems import Problems
from ..._intent.names import wrong_name
from ..._intent.vpn import Vpn


def check_names(vpns: Iterable[Vpn], problems: Problems) -> None:
    """Note domains that two VPNs have or that mix for a member, and names that are none or that two have."""
    domains: dict[str, Vpn] = {}
    for vpn in sorted((vpn for vpn in vpns if vpn.domain), key=lambda vpn: vpn.name):
        first = domains.setdefault(str(vpn.domain), vpn)
        if first is not vpn:
            problems.add(
                f"{vpn.path}.names",
                f"{vpn.domain} is already the domain of VPN {first.name}; give one of them a domain of its own: "
                "names: {domain: ...}",
            )
        _check_in(vpn, str(vpn.domain), problems)
    for vpn in domains.values():
        for parent in _above(str(vpn.domain)):
            if parent in domains:
                _check_below(vpn, domains[parent], problems)


def _above(domain: str) -> Iterator[str]:
    while "." in domain:
        domain = domain.partition(".")[2]
        yield domain


def _check_below(vpn: Vpn, other: Vpn, problems: Problems) -> None:
    """A member of both asks either edge for a name, as both are on one device: the other VPN's edge says that there is
    no such name, and it is believed."""
    both = [name for name, member in vpn.by_name.items() if member.mode == "address" and name in other.by_name]
    both = sorted(name for name in both if other.by_name[name].mode == "address")
    if both:
        asked = vpn if vpn.path.startswith("vcc_vpns") or not other.path.startswith("vcc_vpns") else other
        problems.add(
            f"{asked.path}.names",
            f"{vpn.domain} (VPN {vpn.name}) is below {other.domain} (VPN {other.name}), and {both[0]} is a member of "
            "both: its resolver could ask either edge for these names; choose a domain that is not below the other",
        )


def _check_in(vpn: Vpn, domain: str, problems: Problems) -> None:
    taken: dict[str, tuple[str, str]] = {}
    for place, what, name in _named(vpn):
        wrong = wrong_name(name, domain)
        if wrong:
            problems.add(
                place, f"{name} cannot have a name in {domain}: {wrong}; give it another name, or leave names out"
            )
            continue
        other, other_name = taken.setdefault(folded(name), (what, name))
        if (other, other_name) != (what, name):
            differ = "" if other_name == name else ", and DNS ignores case"
            problems.add(place, f"{what} {name} has the name of {other} {other_name}{differ}; rename one of them")


def _named(vpn: Vpn) -> Iterator[tuple[str, str, str]]:
    """All that have a name: the place in the intent, what it is, and its name."""
    for member in vpn.members:
        yield f"{vpn.path}.members", "member", member.vm.name
    for server in sorted(vpn.destinations.servers, key=lambda one: one.index):
        yield f"{vpn.path}.destinations.servers[{server.index}].name", "server", server.name
