# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PLAN: the difference between two plans, in words a person reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .compile.documents import ANY_ADDRESS, Compiled, Document
from .tunnel.kinds import kind_of

AUTH = {"psk": "pre-shared key", "pubkey": "certificate"}
_CONTENT = ("sysctls", "addresses", "routes", "inside", "neighbours", "vpns", "tunnels", "retransmission")


def diff(old: Compiled, new: Compiled) -> list[str]:
    """What changes for people: one line per VPN, member, tunnel and link that comes (``+``) or goes (``-``)."""
    before, after = _statements(old), _statements(new)
    lines = [f"- {line}" for line in before if line not in after]
    lines += [f"+ {line}" for line in after if line not in before]
    return lines


def touched(lines: Iterable[str], old: Mapping[str, Document], new: Mapping[str, Document]) -> list[str]:
    """A line (``~``) for every node that is told something else, and of which ``lines`` say nothing: what is different.

    Nodes that come or go do so with their VPN, and VCC nodes only repeat what others are told.
    """
    named = {word.rstrip(",:") for line in lines for word in line.split()}
    found = []
    for node in changed_nodes(old, new):
        was, will = old.get(node, {}), new.get(node, {})
        keys = [key for key in _CONTENT if was.get(key) != will.get(key)]
        if node not in named and all(any(document.get(key) for key in _CONTENT) for document in (was, will)):
            found.append(f"~ {node}: {', '.join(keys)}")
    return found


def changed_nodes(old: Mapping[str, Document], new: Mapping[str, Document]) -> list[str]:
    """The nodes whose document differs, sorted. The generation is not part of what a document says."""
    return sorted(node for node in {*old, *new} if _body(old.get(node)) != _body(new.get(node)))


def _body(document: Document | None) -> Document | None:
    return None if document is None else {key: value for key, value in document.items() if key != "generation"}


def _address(end: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    """Where an end is for the other one."""
    behind = " behind NAT" if end["local_address"] == ANY_ADDRESS else ""
    return f"{other['remote_address']}{behind}"


def _statements(compiled: Compiled) -> dict[str, None]:
    """Every fact of a plan as one line; a dict because it is an ordered set."""
    lines: list[str] = []
    for name, tunnel in sorted(compiled.tunnels.items()):
        low, high = tunnel["edges"]
        end = compiled.ends.get((low, name)) or compiled.ends.get((high, name))
        if end is None:  # neither of its ends was compiled
            continue
        here, there = (low, high) if (low, name) in compiled.ends else (high, low)
        # Of an external edge there is no end: what it knows of ours has to do.
        other = compiled.ends.get((there, name)) or {
            "local_address": end["remote_address"],
            "remote_address": end["public_address"],
        }
        addresses = {here: _address(end, other), there: _address(end=other, other=end)}
        external = f", external, {AUTH[end['ike']['auth']]}" if end.get("external") else ""
        lines.append(
            f"tunnel {name} ({tunnel['kind']}{external}): {low} {addresses[low]} <-> {high} {addresses[high]}, "
            f"{kind_of(end).describe(end if end['initiator'] else other)}"
        )
    for vpn in compiled.vpns:
        lines.append(f"vpn {vpn['name']}: number {vpn['number']}, {vpn['topology']}, pool {vpn['pool']}")
        lines += [f"vpn {vpn['name']}: block {block}" for block in vpn["blocks"]]
        lines += [f"vpn {vpn['name']}: {limit}" for limit in vpn.get("limits", [])]
        for site, what in vpn["sites"].items():
            lines.append(f"vpn {vpn['name']}: site {site} {_joined(what['blocks'])}, edge address {what['address']}")
        lines += [
            f"vpn {vpn['name']}: member {member['name']} {member['address']} "
            f"({'external' if member.get('external') else member['mode']}){_ports(member)}"
            for member in vpn["members"]
        ]
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
    for (node, _name), tunnel in sorted(compiled.ends.items()):
        if tunnel["initiator"]:
            lines += [
                f"vpn {link['vpn']}: link {node} {_joined(link['local_ts'])} <-> {tunnel['peer']} "
                f"{_joined(link['remote_ts'])}, {kind_of(tunnel).describe_link(link)}, MTU {link['mtu']}"
                for link in tunnel["links"]
            ]
    return dict.fromkeys(lines)


def _ports(entry: Mapping[str, Any]) -> str:
    """What may be reached there, where that is not everything."""
    ports = entry.get("ports")
    return "" if ports is None else f", {_joined(ports) or 'no port'}"


def _joined(texts: Sequence[str]) -> str:
    return " ".join(texts)
