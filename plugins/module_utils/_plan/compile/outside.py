# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PLAN: members and the internet, as gateways are told it. Keys are in docs/documents.md.

A vApp edge gives its members their addresses in the VPN on their way to the org edge, which gives all members of its
site public ones. So each member has a source of its own there, whatever networks vApps have.

In the other direction, a published port leads to the member's own address in the end, also if the member has an address
in the VPN: it answers by its default route, and a UDP service that is bound to no address answers from its own one.

Nothing here adds anything to the document of a VPN that asks for none of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..._base.prefix import Prefix, format_address, parse_address
from ..._intent.landscape.hosts import OrgEdge
from ..._intent.outside import Outside, Source
from ..._intent.outside_publish import ANY, Published
from ..._intent.vpn import Member
from .leased_vpn import LeasedVpn

Entry = dict[str, Any]
EVERYBODY = {4: "0.0.0.0/0", 6: "::/0"}


def of_org_edge(leased: LeasedVpn, edge: OrgEdge, members: Iterable[Member]) -> Entry:
    """What a site's edge is told."""
    outside = leased.vpn.outside
    here = {member.vm.name: member for member in members}
    if outside is None or not _concerned(outside, here):
        return {}
    own, source = edge.public[leased.family], outside.source_of(edge.name)
    going = [member for member in here.values() if outside.goes(member.vm.name)] if source else []
    seen = {text: member for member in going for text in _seen(leased, member)}
    public = {text: public_of(leased, source, member) for text, member in seen.items()} if source else {}
    published = [
        {
            "port": one.port,
            # Behind a NAT that forwards, packets have another address when they come, which the edge has itself.
            **({} if edge.behind_nat else {"address": one.address or own}),
            "to": leased.address(here[one.member]) if here[one.member].vm.vapp else _own(leased, here[one.member]),
            "to_port": one.to,
            "from": _from(leased, one),
            **({} if one.rate is None else {"rate": one.rate}),
        }
        for one in outside.published
        if one.member in here
    ]
    taken = {*filter(None, public.values()), *(one["address"] for one in published if "address" in one)} - {own}
    return {
        "outside": {
            # Whose device leads outside; behind a NAT, the default route says so.
            **({} if edge.behind_nat else {"at": own}),
            "members": sorted(seen),
            **({"public": {text: public[text] for text in sorted(seen)}} if any(public.values()) else {}),
            **({"published": published} if published else {}),
            **({"addresses": sorted(taken)} if taken else {}),
        }
    }


def addresses(entry: Entry, edge: OrgEdge, leased: LeasedVpn) -> list[Entry]:
    """The public addresses that an edge has to have beside its own, for its neighbours to find it by them."""
    beside = edge.public.get(leased.family)
    return [
        {"address": leased.host(address), "beside": beside} for address in entry.get("outside", {}).get("addresses", ())
    ]


def of_vapp_edge(leased: LeasedVpn, members: Iterable[Member]) -> Entry:
    """What a vApp edge is told: whose packets to the outside get their address in the VPN, and which may come in."""
    outside = leased.vpn.outside
    here = {member.vm.name: member for member in members}
    if outside is None or not _concerned(outside, here):
        return {}
    going = [
        {"inside": _own(leased, member), "outside": leased.address(member)}
        for member in here.values()
        if outside.goes(member.vm.name)
    ]
    published = [
        {
            "leased": leased.address(here[one.member]),
            "to": _own(leased, here[one.member]),
            "to_port": one.to,
            "from": _from(leased, one),
        }
        for one in outside.published
        if one.member in here
    ]
    return {
        "outside": {
            "members": sorted(going, key=lambda entry: entry["outside"]),
            **({"published": published} if published else {}),
        }
    }


def summary(leased: LeasedVpn) -> Entry:
    """What people and verify want to know of it."""
    vpn, outside = leased.vpn, leased.vpn.outside
    if outside is None:
        return {}
    going = [
        {"name": member.vm.name, "site": member.vm.site, "as": _said(leased, member)}
        for member in vpn.members
        if not member.vm.external and outside.goes(member.vm.name)
    ]
    published = [
        {
            "member": one.member,
            "site": vpn.by_name[one.member].vm.site,
            "address": one.address or public_address(leased.edges[vpn.by_name[one.member].vm.site], leased.family),
            "port": one.port,
            "to": one.to,
            "from": [str(prefix) for prefix in one.sources] or [ANY],
        }
        for one in outside.published
        if one.member in vpn.by_name  # of what was recovered, some may have no lease yet
    ]
    known = {site: edge for site, edge in leased.edges.items() if leased.family in edge.public and not edge.host}
    public = {site: [edge.public[leased.family]] for site, edge in known.items()}
    return {"outside": {"members": going, "published": published, "public": public}}


def public_address(edge: OrgEdge, family: int) -> str:
    """An edge's own public address; empty if it has none of that family."""
    return edge.public.get(family, "")


def public_of(leased: LeasedVpn, source: Source, member: Member) -> str:
    """What a member is seen with outside; empty where it is masqueraded.

    Of several addresses each member has one that stays, whoever joins or leaves, and whatever gets another name: the
    lease says which, as it stays, too.
    """
    lease = parse_address(leased.address(member))
    if source.prefix is not None:
        return with_prefix(source.prefix, lease)
    return source.address(lease.first % source.count) if source.count else ""


def with_prefix(prefix: Prefix, address: Prefix) -> str:
    """An address with another prefix: what is left of it is as it was (RFC 6296, without its checksum-neutral part:
    connections are tracked, so checksums are mended)."""
    return format_address(prefix.family, prefix.first | (address.first & (prefix.size - 1)))


def _concerned(outside: Outside, here: Iterable[str]) -> bool:
    published = {one.member for one in outside.published}
    return any(outside.goes(name) or name in published for name in here)


def _seen(leased: LeasedVpn, member: Member) -> list[str]:
    """A member's addresses as the org edge gets its packets: its own on the org network, else that in the VPN. Who has
    an address in the VPN itself may also send with it."""
    if member.vm.vapp is not None:
        return [leased.address(member)]
    own = [_own(leased, member)]
    return own if member.mode == "nat" else [*own, leased.address(member)]


def _own(leased: LeasedVpn, member: Member) -> str:
    """A member's own address, where it is."""
    return member.vm.addresses[leased.family]


def _from(leased: LeasedVpn, one: Published) -> list[str]:
    return [str(prefix) for prefix in one.sources] or [EVERYBODY[leased.family]]


def _said(leased: LeasedVpn, member: Member) -> str:
    edge = leased.edges[member.vm.site]
    source = leased.vpn.outside.source_of(member.vm.site) if leased.vpn.outside else None
    return (public_of(leased, source, member) if source else "") or public_address(edge, leased.family)
