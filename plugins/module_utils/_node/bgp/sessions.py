# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The BGP sessions of an edge, and what BIRD reads of them.

The routes that BGP learns are in a table of their own, which is looked at before the main one. So another BIRD or FRR
on the machine, each of which clears up in the tables that it has, has nothing to do with them. In the main table the
guards stay: what BGP withdraws is refused.

Both prefix lists are the plan's, and so is the firewall: a partner that announces more reaches no more.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import Any, NamedTuple

from ..document import Generation, sha256
from ..ipsec import secrets

HOME = "/etc/intercloud-vpn-bgp"
CONFIG = f"{HOME}/bird.conf"
UNIT = "intercloud-vpn-bgp.service"
RUNTIME = "/run/intercloud-vpn-bgp"
LOADED = f"{RUNTIME}/bird.conf"  # what the daemon that runs has read: its unit copies CONFIG
SOCKET = f"{RUNTIME}/bird.ctl"
TABLE = 14790
PRIORITY = 32700  # of the rule: before the main table (32766), after what most people have
PORT = 179
BFD_INTERVAL, BFD_MULTIPLIER = 100, 3  # milliseconds: a path that fails is noticed after 300
AWAITED = "awaited"  # in check mode, where the real run would make a key
_PASSWORD = re.compile(r'(?m)^(\s*password ").*(";)$')


class Session(NamedTuple):
    """One session. ``accept`` and ``announce`` are what either side may say, and no other prefix."""

    tunnel: str
    vpn: str
    device: str
    if_id: int
    mtu: int
    local: str
    peer: str
    length: int
    local_asn: int
    peer_asn: int
    bfd: bool
    md5: bool
    maximum: int
    hold: int
    source: str
    accept: tuple[str, ...]
    announce: tuple[str, ...]


def sessions(generation: Generation) -> list[Session]:
    """Those of a document, by tunnel."""
    found = []
    for tunnel in generation.tunnels("ipsec"):
        said = tunnel.get("bgp")
        if said:
            (link,) = tunnel["links"]
            own: dict[str, Any] = {key: said[key] for key in Session._fields if key in said}
            own.update(tunnel=tunnel["name"], vpn=link["vpn"], mtu=int(link["mtu"]))
            own.update(accept=tuple(link["remote_ts"]), announce=tuple(link["local_ts"]))
            found.append(Session(**own))
    return sorted(found)


def md5(psk: str) -> str:
    """The key of a session's segments (RFC 2385). It follows from the tunnel's: there is no second secret to keep.

    ``_partner/forms/common.py`` says the same to the other side.
    """
    return sha256(f"intercloud.vpn BGP\0{psk}")[:32]


def _keys(generation: Generation, preferred: secrets.Preferred) -> dict[str, str]:
    """The pre-shared key that this end authenticates with, by tunnel: of two keys, the one in use."""
    entries = secrets.entries(generation, preferred).values()
    return {entry.tunnel["name"]: entry.key for entry in entries if entry.used}


def config(generation: Generation, preferred: secrets.Preferred = MappingProxyType({})) -> str:
    """What BIRD reads; empty without sessions. It has keys in it.

    ``preferred``: of tunnels that have two keys, which one is in use (``secrets.preferred``).
    """
    found = sessions(generation)
    if not found:
        return ""
    known = _keys(generation, preferred)
    announced = sorted({prefix for one in found for prefix in one.announce})
    lines = [
        "# Made by intercloud.vpn; changes are lost.",
        "log stderr { info, remote, warning, error, auth, fatal, bug };",
        "router id 0.0.0.1;",
        "protocol device { scan time 10; }",
        "protocol kernel {",
        f"  kernel table {TABLE};",
        "  scan time 10;",
        "  ipv4 { import none; export where source = RTS_BGP; };",
        "}",
        "protocol static {",
        # Where two partners have tunnels to this edge, one is told what the other tells us: what was heard is routed.
        "  ipv4 { preference 1; };",
        *(f"  route {prefix} unreachable;" for prefix in announced),
        "}",
    ]
    devices = [one.device for one in found if one.bfd]
    if devices:
        timers = f"min rx interval {BFD_INTERVAL} ms; min tx interval {BFD_INTERVAL} ms; multiplier {BFD_MULTIPLIER};"
        lines += ["protocol bfd {", "  strict bind on;"]
        lines += [f'  interface "{device}" {{ {timers} }};' for device in devices]
        lines += ["}"]
    for one in found:
        lines += _session(one, md5(known[one.tunnel]) if one.tunnel in known else AWAITED)
    return "\n".join(lines) + "\n"


def _session(one: Session, key: str) -> list[str]:
    return [
        f"filter from_{one.device} {{",
        # The partner may name any gateway beside us (RFC 4271, 5.1.3): packets go through its tunnel, or nowhere.
        f"  if gw = {one.peer} && net ~ [ {', '.join(one.accept)} ] then {{ krt_prefsrc = {one.source}; accept; }}",
        "  reject;",
        "}",
        f"filter to_{one.device} {{",
        f"  if ! (net ~ [ {', '.join(one.announce)} ]) then reject;",
        # What one partner says of a prefix is not the other's business, and both may have the same AS number.
        "  if source = RTS_BGP then { bgp_path.empty; bgp_community.empty; bgp_ext_community.empty; "
        "bgp_large_community.empty; unset(bgp_med); }",
        "  accept;",
        "}",
        f"protocol bgp {one.device} {{",
        f"  local {one.local} as {one.local_asn};",
        f"  neighbor {one.peer} as {one.peer_asn};",
        f"  router id {one.local};",
        f'  interface "{one.device}";',
        "  direct;",
        "  strict bind on;",
        *([f'  password "{key}";'] if one.md5 else []),
        *(["  bfd on;"] if one.bfd else []),
        f"  hold time {one.hold};",
        "  connect delay time 1;",
        "  connect retry time 5;",
        "  error wait time 1, 30;",
        "  enforce first as on;",
        # A path that is gone is to be left at once, and not when a restart would have ended.
        "  graceful restart off;",
        "  long lived graceful restart off;",
        "  ipv4 {",
        "    import keep filtered on;",
        f"    import filter from_{one.device};",
        f"    receive limit {one.maximum} action restart;",
        f"    export filter to_{one.device};",
        "  };",
        "}",
    ]


def shown(text: str) -> str:
    """A configuration without its keys."""
    return _PASSWORD.sub(r"\1(hidden)\2", text)
