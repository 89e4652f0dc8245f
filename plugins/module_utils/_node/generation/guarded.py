# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The blocks that a node has ever guarded, and the generation that refuses them all.

A node that can read none of its generations knows no tunnel, no member and no rule any more. It still knows the blocks,
and drops all their traffic until create_vpn comes.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import Any

from ..document import Document, Generation

Noted = dict[str, Any]
"""{"blocks": ["100.64.0.0/24"], "node": "edge-east", "role": "org_edge", "organization": "acme"}"""

METRIC = 9999  # as documents have it: any other route is preferred, and comes to the firewall
TABLE = "inet intercloud_vpn"


def blocks(generation: Generation) -> list[str]:
    """What a generation guards: its VPNs' blocks, and all that its blackhole routes refuse."""
    every = [block for vpn in generation.listed("vpns") for block in vpn.get("blocks", [])]
    every += [route["prefix"] for route in generation.listed("routes") if route.get("type") == "blackhole"]
    return collapsed(every)


def collapsed(prefixes: Iterable[str]) -> list[str]:
    """The same addresses in as few prefixes as possible, sorted."""
    every = [ipaddress.ip_network(text) for text in prefixes]
    four = ipaddress.collapse_addresses(n for n in every if isinstance(n, ipaddress.IPv4Network))
    six = ipaddress.collapse_addresses(n for n in every if isinstance(n, ipaddress.IPv6Network))
    return [*map(str, four), *map(str, six)]


def grown(noted: Noted, generation: Generation) -> Noted:
    """What has to be noted before a generation is brought to the node. Blocks are only ever added."""
    guarded = blocks(generation)
    if not guarded and not noted:
        return {}
    whose = {key: generation.document.get(key, "") for key in ("node", "role", "organization")}
    return {**whose, "blocks": collapsed([*noted.get("blocks", []), *guarded])}


def beside(generation: Generation, noted: Noted) -> Generation:
    """An earlier generation in place of one that cannot be read: what only the later one guarded is refused, too."""
    missing = _without(noted.get("blocks", []), blocks(generation))
    if not missing:
        return generation
    document = dict(generation.document)
    document["routes"] = [*generation.listed("routes"), *_blackholes(missing)]
    document["vpns"] = generation.listed("vpns") or _refused(missing)
    text = generation.files.get("nftables.nft", "") + firewall(missing, "lost_")
    return Generation(document, {**generation.files, "nftables.nft": text}, generation.backend)


def _without(prefixes: Iterable[str], others: Iterable[str]) -> list[str]:
    """The addresses of some prefixes that are in none of the others."""
    left = [ipaddress.ip_network(text) for text in prefixes]
    for other in (ipaddress.ip_network(text) for text in others):
        kept: list[Any] = []
        for network in left:
            if network.version != other.version or not network.overlaps(other):
                kept.append(network)
            elif network != other and other.subnet_of(network):  # type: ignore[arg-type]
                kept += network.address_exclude(other)  # type: ignore[arg-type]
        left = kept
    return collapsed(map(str, left))


def _blackholes(guarded: Iterable[str]) -> list[Document]:
    return [{"prefix": block, "type": "blackhole", "metric": METRIC} for block in guarded]


def _refused(guarded: list[str]) -> list[Document]:
    return [{"name": "refused", "number": 0, "blocks": guarded}]


def refusing(noted: Noted) -> Generation:
    """The generation of a node that can read none of its own: firewall and blackhole routes, for all blocks."""
    guarded = list(noted.get("blocks", []))
    document: Document = {
        "format": 1,
        "node": noted.get("node", ""),
        "role": noted.get("role", ""),
        "organization": noted.get("organization", ""),
        "routes": _blackholes(guarded),
        "vpns": _refused(guarded) if guarded else [],
    }
    return Generation(document, {"nftables.nft": firewall(guarded)} if guarded else {})


def firewall(guarded: list[str], prefix: str = "") -> str:
    """The table that drops all traffic of some blocks, and nothing else. `prefix`: of its names."""
    sets, rules, judged = [], [], []
    for word, kind, version in (("ip", "ipv4_addr", 4), ("ip6", "ipv6_addr", 6)):
        mine = [block for block in guarded if ipaddress.ip_network(block).version == version]
        name = f"{prefix}blocks{version}"
        holds = f" elements = {{ {', '.join(mine)} }};" if mine else ""
        sets.append(f"  set {name} {{ type {kind}; flags interval; auto-merge;{holds} }}\n")
        rules += [f"    {word} {end} @{name} counter name {prefix}refused drop\n" for end in ("saddr", "daddr")]
        # A connection that was translated before: its packets have the member's own address.
        judged += [
            f"    ct original {word} {end} @{name} counter name {prefix}refused drop\n" for end in ("saddr", "daddr")
        ]
    base = "type filter hook {} priority filter - 5; policy accept;"
    chains = {"forward": [*rules, *judged], "input": ['    iifname "lo" accept\n', *rules]}
    chains["output"] = ['    oifname "lo" accept\n', *rules]
    text = "".join(
        f"\n  chain {prefix}{hook} {{\n    {base.format(hook)}\n{''.join(lines)}  }}\n"
        for hook, lines in chains.items()
    )
    head = "# Made by intercloud.vpn: the generation that had these blocks cannot be read. create_vpn repairs it.\n"
    counter = f'  counter {prefix}refused {{ comment "of a VPN whose generation cannot be read" }}\n'
    return f"{head}table {TABLE} {{\n{''.join(sets)}\n{counter}{text}}}\n"
