# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an edge of a pair tells keepalived: keepalived.conf(5) of the org network's gateway address.

Adverts go from edge to edge (unicast): networks of clouds may not carry multicast. All gateway addresses are those of
one instance, so IPv4 and IPv6 are never at different edges.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..document import Generation
from ..state import RUN, STATE

HOME = "/etc/intercloud-vpn-vrrp"
CONFIG = f"{HOME}/keepalived.conf"
UNIT = "intercloud-vpn-vrrp.service"
RUNTIME = "/run/intercloud-vpn-vrrp"
LOADED = f"{RUNTIME}/keepalived.conf"  # what keepalived has read: its unit copies CONFIG when it starts, and reloads
TUNNELS = f"{RUN}/vrrp.track"  # what the tunnels add to the priority
DRAINED = f"{STATE}/drained.track"  # what maintenance adds: it lasts through a reboot
DRAIN = -30  # less than what keeps the address at its master (lanes/process.py), and more than what an edge loses that
# hears no peer: an edge that is worked on has the address before one that reaches no peer
ADVERT = 0.1  # seconds between adverts: the twin takes over after three, and a part of one (RFC 5798, 6.1)
INSTANCE = "gateway"


def device(generation: Generation, held: Mapping[str, Sequence[str]]) -> str:
    """The device that has the edge's own address on the org network; empty if none has. ``held``: texts by device."""
    return _at([str(text) for text in generation.pair.get("own", ())], held)


def uplinks(generation: Generation, held: Mapping[str, Sequence[str]]) -> list[str]:
    """The devices that have the addresses by which the edge's tunnels go out."""
    wanted = {str(tunnel.get("local_address", "")) for tunnel in generation.listed("tunnels")}
    return sorted({_at([address], held) for address in wanted} - {""})


def _at(wanted: Sequence[str], held: Mapping[str, Sequence[str]]) -> str:
    for name, texts in sorted(held.items()):
        if name != "lo" and any(text.partition("/")[0] in wanted for text in texts):
            return name
    return ""


def config(generation: Generation, held: Mapping[str, Sequence[str]]) -> str:
    """What keepalived reads; empty for an edge that is alone, and while no device has the edge's own address.

    Every closing brace is on a line of its own: keepalived takes one behind an option for a part of it.
    """
    entry, at = generation.pair, device(generation, held)
    if not entry or not at:
        return ""
    own = next(str(text) for text in entry["own"] if _at([str(text)], held) == at)
    twin = next(str(text) for text in entry["twin_own"] if (":" in text) == (":" in own))
    gateway = [_with_length(str(text), held[at], entry["own"]) for text in entry["gateway"]]
    first, *others = sorted(gateway, key=lambda text: (":" in text) != (":" in own))
    outside = [name for name in uplinks(generation, held) if name != at]
    lines = [
        f"# Made by intercloud.vpn; changes are lost. The gateway address of the pair {entry['site']}.",
        "global_defs {",
        f" router_id {generation.document.get('node', '')}",
        " vrrp_version 3",
        "}",
        *_track_file("tunnels", TUNNELS),
        *_track_file("drained", DRAINED),
        f"vrrp_instance {INSTANCE} {{",
        " state BACKUP",
        f" interface {at}",
        f" virtual_router_id {entry['vrrp']['id']}",
        f" priority {entry['vrrp']['priority']}",
        f" advert_int {ADVERT}",
        f" unicast_src_ip {own}",
        " check_unicast_src",
        *_block("unicast_peer", [twin]),
        *(_block("track_interface", outside) if outside else []),  # without its uplink, an edge is of no use
        *_block("track_file", ["tunnels weight 1", "drained weight 1"]),
        *_block("virtual_ipaddress", [first]),
        *(_block("virtual_ipaddress_excluded", others) if others else []),
        "}",
    ]
    return "".join(f"{line}\n" for line in lines)


def _track_file(name: str, path: str) -> list[str]:
    return [f"track_file {name} {{", f' file "{path}"', "}"]


def _block(name: str, entries: Sequence[str]) -> list[str]:
    return [f" {name} {{", *(f"  {entry}" for entry in entries), " }"]


def _with_length(address: str, texts: Sequence[str], own: Sequence[str]) -> str:
    """An address with the length of the network's prefix, as the edge's own address of that family has it.

    The device may have other networks, too.
    """
    alike = [text.partition("/") for text in texts if (":" in text) == (":" in address) and not _local(text)]
    lengths = [length for held, _slash, length in sorted(alike, key=lambda one: one[0] not in own)]
    return f"{address}/{lengths[0] if lengths else (128 if ':' in address else 32)}"


def _local(text: str) -> bool:
    return text.lower().startswith("fe80:")
