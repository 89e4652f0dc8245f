# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""INTENT: a public address is one edge's, whosever that is.

Private addresses of two organizations may be the same, and public ones may not: two edges that answer for one address
take each other's packets. So ``outside.source`` is held against every other organization's, and every edge's own.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from ..._base.prefix import Prefix, parse_address
from ..._base.problems import Problems
from ..._intent.landscape.facts import Facts
from ..._intent.outside import Source, outside_from_record
from ..._intent.vpn import Vpn
from ..._ledger.records import DELETING
from .outside import sources_of

if TYPE_CHECKING:
    from ..._ledger.ledger import Transaction


class _Claim(NamedTuple):
    organization: str
    vpn: str
    place: str
    edges: Collection[str]  # of the VPN
    source: Source

    @property
    def asked(self) -> bool:
        """Whether this run asks for it: that is where it is said to be wrong."""
        return self.place.startswith("vcc_")


def check_public(
    vpns: Iterable[Vpn],
    organizations: Collection[str],
    hosts: Mapping[str, Mapping[str, Any]],
    transaction: Transaction,
    problems: Problems,
) -> None:
    """Note public addresses that are another's already. ``vpns``: all of ``organizations``, which the run is about;
    ``hosts``: the inventory."""
    claims = sorted((claim for vpn in vpns for claim in _claims(vpn)), key=lambda one: not one.asked)
    if not claims:
        return
    edges = list(_edges(hosts))
    others = [*claims, *_elsewhere(organizations, transaction)]
    for number, claim in enumerate(claims):
        for other in others[number + 1 :]:
            if claim.organization != other.organization and claim.source.overlaps(other.source):
                problems.add(
                    claim.place,
                    f"{claim.source}: VPN {other.vpn} of organization {other.organization} already has these "
                    "addresses; take others",
                )
        own = {address for edge, _path, address in edges if edge in claim.edges}
        for edge, path, address in edges if claim.source.prefix is None else ():  # that may be the network outside
            # Of the VPN's own edges, that is said already. One that takes the place of such an edge has its address.
            if address not in own and claim.source.meets(address):
                problems.add(claim.place, f"{address.address()} is taken: it is an address of {edge} ({path})")


def _claims(vpn: Vpn) -> Iterator[_Claim]:
    for _site, place, source in sources_of(vpn, vpn.outside) if vpn.outside else ():
        if source.count or source.prefix:
            yield _Claim(vpn.organization, vpn.name, place, vpn.sites, source)


def _elsewhere(organizations: Collection[str], transaction: Transaction) -> Iterator[_Claim]:
    """What the ledger has of organizations that the run is not about."""
    for organization in transaction.organizations():
        for name, record in transaction.vpns(organization).items() if organization not in organizations else ():
            outside = outside_from_record(record.intent.get("outside"), "") if record.state != DELETING else None
            sources = outside.sources if outside else None
            for source in sources.values() if isinstance(sources, Mapping) else [sources]:
                if source is not None and (source.count or source.prefix):
                    yield _Claim(organization, name, "", (), source)


def _edges(hosts: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, str, Prefix]]:
    """The public addresses of the inventory's org edges. What is wrong with one that is in no VPN stops nobody."""
    for name, facts in sorted(hosts.items()):
        if "org_edges" in facts["kinds"]:
            edge = Facts(name, facts, Problems())
            for address in edge.addresses("vcc_public_address", None).values():
                yield name, f"{edge.place}.vcc_public_address", parse_address(address)
