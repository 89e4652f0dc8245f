# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PLAN: the difference between two plans, in words a person reads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

from .._intent.landscape.hosts import OrgEdge
from .._ledger.packing import LISTS
from .._ledger.records import DocumentRecord
from .compile.reach import Links
from .compile.recompile import Recompiled

_CONTENT = (
    *("sysctls", "addresses", "routes", "inside", "neighbours", "vpns", "tunnels", "retransmission", "names"),
    *("dhcp", "pair"),
)
_ALLOW = "allow"
MOST = 400  # tunnels or links that come or go of which each has a line; more are counted


@dataclass
class Difference:
    """``lines`` as people read them, and all hosts, tunnels and VPNs that they are about."""

    lines: list[str]
    named: set[str]


def diff(done: Recompiled) -> Difference:
    """What changes for people: one line per VPN, member, tunnel and link that comes (``+``) or goes (``-``)."""
    tunnels = _without_common(_tunnels(done.old, done.stale), _tunnels(done.new, done.stale))
    vpns = _without_common(_vpns(done.vpns_before), _vpns(done.vpns))
    links = _without_common(_links(done.old, done.stale), _links(done.new, done.stale))
    lines, named = [], set()
    for sign, which in (("-", 0), ("+", 1)):
        texts = [*_said(tunnels[which], _tunnel), *vpns[which], *_said(links[which], _link)]
        lines += [f"{sign} {text}" for text in texts]
        named |= {end for one in (*tunnels[which], *links[which]) for end in (one.low, one.high)}
    # A rule names members whose own documents do not change with it.
    about = (line for line in lines if f": {_ALLOW} " not in line)
    return Difference(lines, named | {word.rstrip(",:") for line in about for word in line.split()})


def touched(
    named: Collection[str], old: Mapping[str, DocumentRecord], changed: Mapping[str, DocumentRecord]
) -> list[str]:
    """A line (``~``) for every node that is told something else, and of which the difference, with all that is
    ``named`` there, says nothing: what is different.

    Nodes that come or go do so with their VPN, and VCC nodes only repeat what others are told.
    """
    found = []
    for node in sorted(node for node in changed if node in old and node not in named):
        if changed[node].role == "vcc_node":
            continue
        was, will = old[node].packed, changed[node].packed
        if not all(any(document.get(key) for key in _CONTENT) for document in (was, will)):
            continue
        if any(isinstance(document[key], dict) for document in (was, will) for key in LISTS):
            was, will = old[node].document, changed[node].document
        keys = [key for key in _CONTENT if was.get(key) != will.get(key)]
        keys += ["name"] if was["node"] != will["node"] else []
        found.append(f"~ {node}: {', '.join(keys)}")
    return found


class _Tunnel(NamedTuple):
    """A tunnel as people are told of it. ``at_low``, ``at_high``: where its ends are for each other."""

    name: str
    low: str
    high: str
    at_low: str
    at_high: str
    kind: str
    settings: str


class _Link(NamedTuple):
    """A link, likewise; ``low`` is the end that initiates, whatever its name."""

    vpn: str
    low: str
    high: str
    tunnel: str
    local: tuple[str, ...]
    remote: tuple[str, ...]
    settings: str


T = TypeVar("T", _Tunnel, _Link)


def _tunnels(every: Iterable[Links], sites: Collection[str]) -> dict[_Tunnel, None]:
    """The tunnels of some sites, by name. What VPNs share is the first one's: they agree on it."""
    found: dict[str, _Tunnel] = {}
    for links in every:
        for link in links.touching(sites):
            if link.tunnel not in found:
                one, other = link.ends
                kind, settings = links.described(link)[:2]
                at = _at(one, link.outer), _at(other, link.outer)
                found[link.tunnel] = _Tunnel(link.tunnel, one.name, other.name, *at, kind, settings)
    return dict.fromkeys(found[name] for name in sorted(found))


def _at(edge: OrgEdge, outer: int) -> str:
    """Where an edge is for the other end."""
    return f"{edge.public[outer]}{' behind NAT' if edge.behind_nat and not edge.external else ''}"


def _tunnel(one: _Tunnel) -> str:
    return f"tunnel {one.name} ({one.kind}): {one.low} {one.at_low} <-> {one.high} {one.at_high}, {one.settings}"


def _links(every: Iterable[Links], sites: Collection[str]) -> dict[_Link, None]:
    """The links of some sites, by the end that initiates, the tunnel and the VPN."""
    found = []
    for links in every:
        for link in links.touching(sites):
            starts = 0 if link.starts == link.ends[0].name else 1
            low, high = link.ends[starts].name, link.ends[1 - starts].name
            settings = f"{links.described(link)[2]}, MTU {link.mtu}"
            whole = (links.vpn.name, (link.behind[0].texts, link.behind[1].texts))
            for name, ts in (whole, *link.for_moved(links.vpn.name)):
                local, remote = tuple(ts[starts]), tuple(ts[1 - starts])
                found.append(_Link(name, low, high, link.tunnel, local, remote, settings))
    return dict.fromkeys(sorted(found, key=lambda one: (one.low, one.tunnel, one.vpn)))


def _link(one: _Link) -> str:
    return f"vpn {one.vpn}: link {one.low} {_joined(one.local)} <-> {one.high} {_joined(one.remote)}, {one.settings}"


def _without_common(old: dict[Any, None], new: dict[Any, None]) -> tuple[list[Any], list[Any]]:
    """What is in one of two only."""
    return [one for one in old if one not in new], [one for one in new if one not in old]


def _said(some: Sequence[T], say: Callable[[T], str]) -> Iterable[str]:
    """A line each; of very many, one for all that differ in nothing but who and where they are."""
    if len(some) <= MOST:
        yield from map(say, some)
        return
    alike = Counter(
        (f"vpn {one.vpn}: ", "links", one.settings)
        if isinstance(one, _Link)
        else ("", f"{one.kind} tunnels", one.settings)
        for one in some
    )
    for (whose, what, settings), count in sorted(alike.items()):
        yield f"{whose}{count} {what}, {settings}"


def _vpns(vpns: Iterable[Mapping[str, Any]]) -> dict[str, None]:
    """Every fact of VPNs as one line, but for their links."""
    lines: list[str] = []
    for vpn in vpns:
        lines.append(f"vpn {vpn['name']}: number {vpn['number']}, {vpn['topology']}, pool {vpn['pool']}")
        lines += [f"vpn {vpn['name']}: block {block}" for block in vpn["blocks"]]
        lines += [f"vpn {vpn['name']}: {limit}" for limit in vpn.get("limits", [])]
        for site, what in vpn["sites"].items():
            own = "".join(f", {edge} {address}" for edge, address in what.get("edges", {}).items())
            lines.append(
                f"vpn {vpn['name']}: site {site} {_joined(what['blocks'])}, edge address {what['address']}{own}"
            )
        lines += [
            f"vpn {vpn['name']}: network of {vapp}, frames at {address}"
            for vapp, address in vpn.get("vapp_networks", {}).items()
        ]
        lines += [
            f"vpn {vpn['name']}: member {member['name']} {member['address']} ({_how(member)}){_ports(member)}"
            for member in vpn["members"]
        ]
        lines += [f"vpn {vpn['name']}: names in {vpn['domain']}"] if vpn.get("domain") else []
        destinations = vpn.get("destinations", {})
        lines += [
            f"vpn {vpn['name']}: server {server['name']} {server['address']}, {server['inside']} behind "
            f"{server['behind']}{_ports(server)}"
            for server in destinations.get("servers", [])
        ]
        lines += [
            f"vpn {vpn['name']}: network {network['network']} behind {network['behind']}{_ports(network)}"
            for network in destinations.get("networks", [])
        ]
        lines += [f"vpn {vpn['name']}: {rule}" for rule in _allowed(vpn)]
        lines += [f"vpn {vpn['name']}: {line}" for line in _outside(vpn)]
    return dict.fromkeys(lines)


def _allowed(vpn: Mapping[str, Any]) -> Iterable[str]:
    """What members may open to each other, where that is said."""
    rules = vpn.get("allow")
    if rules is None:
        return
    yield f"{_ALLOW} no connection between members{' that no rule names' if rules else ''}"
    for rule in rules:
        ports = "everything" if rule.get("ports") is None else _joined(rule["ports"])
        yield f"{_ALLOW} {_joined(rule['from'])} -> {_joined(rule['to'])}, {ports}"


def _how(member: Mapping[str, Any]) -> str:
    """How it is a member. In a stretched network, where it is: its address does not say so."""
    if "over" in member:
        return f"{member['mode']}, at {member['vapp'] or member['site']}"
    return "external" if member.get("external") else str(member["mode"])


def _outside(vpn: Mapping[str, Any]) -> Iterable[str]:
    """What its members have to do with the internet."""
    outside = vpn.get("outside", {})
    for one in outside.get("members", ()):
        yield f"outside: {one['name']} as {one['as']} of {one['site']}"
    for one in outside.get("published", ()):
        yield (
            f"outside: {_joined(one['from'])} -> {one['address']} {one['port']} of {one['site']} -> "
            f"{one['member']} {one['to']}"
        )


def _ports(entry: Mapping[str, Any]) -> str:
    """What may be reached there, where that is not everything."""
    ports = entry.get("ports")
    return "" if ports is None else f", {_joined(ports) or 'no port'}"


def _joined(texts: Sequence[str]) -> str:
    return " ".join(texts)
