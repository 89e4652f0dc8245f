# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a machine is, before anything is planned for it: its identity, addresses and routes. Changes nothing.

The controller sends this file as it is and has it run (plugins/action/node_survey.py): it imports nothing of this
package, and runs with Pythons that the rest does not know, so that the plan can say so.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Collection, Mapping
from typing import Any

STATE = "/var/lib/intercloud-vpn"
COPIES = "/etc/intercloud-vpn"
TEXTFILES = "/var/lib/prometheus/node-exporter"
PROTOCOL = "155"  # of our routes, see kernel/routes.py
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# Devices of ours: XFRM interfaces, OpenVPN's, strongSwan's in userspace.
OURS = re.compile(r"vcc\d+(?:b|p[0-9a-f]{4})?|vcs.*|vcl\d+|ipsec\d+")
# Of a route's types those that lead somewhere or refuse; `ip` prints a number or a name.
LEADING = {"": "", "1": "", "unicast": ""}
REFUSING = {"6": "blackhole", "7": "unreachable", "8": "prohibit"}
# A router that knows the whole internet would send the controller a hundred megabytes: there the commit looks alone.
MANY = 10000
MAIN = ("", "254", "main")


def survey(root: str = "/") -> dict[str, Any]:
    """All facts, as docs/documents.md describes them. `root` is for tests."""
    state = os.path.join(root, STATE.lstrip("/"))
    owned = [str(entry[0]) for entry in _noted(root, "owned.json").get("addresses") or []]
    found = routes(owned)
    organizations = os.path.join(state, "organizations")
    return {
        **identity(state),
        "slices": _slices(organizations),
        "slice_digests": _digests(organizations) if _told(root) else {},
        "python": ".".join(map(str, sys.version_info[:3])),
        "devices": devices(owned),
        "own": owned,
        "routes": found if len(found) <= MANY else [],
        "boot": _boot(),
        "time": int(time.time()),
        "userspace": userspace(state),
    }


def identity(state: str) -> dict[str, Any]:
    """Whose machine it is by its own records, and what it runs. All empty on a new machine."""
    known = _json(os.path.join(state, "identity.json"))
    current = os.path.join(state, "current")
    document = _json(os.path.join(current, "document.json"))
    routed = [route["prefix"] for route in document.get("routes") or []] if document.get("role") == "member" else []
    return {
        **{key: str(known.get(key) or document.get(key) or "") for key in ("node", "organization", "ledger")},
        "chain": str(known.get("chain") or known.get("hash") or ""),
        "generation": int(document.get("generation") or known.get("generation") or 0),
        "unconfirmed": int(os.path.exists(os.path.join(state, "unconfirmed"))),
        # None: there is a generation, and it cannot be read. The machine runs another one then.
        "runs": None
        if os.path.lexists(current) and not document
        else {
            "blocks": [block for vpn in document.get("vpns") or [] for block in vpn.get("blocks") or []] + routed,
            "carries": carries(document),
            "tunnels": {tunnel["name"]: tunnel.get("local_address") for tunnel in document.get("tunnels") or []},
        },
    }


def userspace(state: str) -> str:
    """The version of strongSwan on an edge whose ESP is in user space (kernel-libipsec); empty elsewhere."""
    try:
        with open(os.path.join(state, "current", "backend"), encoding="utf-8") as file:
            return strongswan() if file.read().strip() == "libipsec" else ""
    except OSError:
        return ""


def strongswan() -> str:
    """The version of strongSwan; empty where there is none."""
    said = re.search(r"\d+(\.\d+)+", _said("swanctl", "--version"))
    return said[0] if said else ""


def carries(document: Mapping[str, Any]) -> list[str]:
    """Of a vApp edge: the blocks of which it lets something pass, each with the org edge that it goes to."""
    if document.get("role") != "vapp_edge":
        return []
    passing = [vpn for vpn in document.get("vpns") or [] if vpn.get("local") or vpn.get("nat") or vpn.get("stretch")]
    blocks = {block for vpn in passing for block in vpn.get("blocks") or []}
    ways = [(route["prefix"], route.get("via")) for route in document.get("routes") or [] if route["prefix"] in blocks]
    return sorted(f"{prefix} {via}" for prefix, via in ways if via)


def devices(owned: Collection[str] = ()) -> dict[str, dict[str, Any]]:
    """Every device with its link-layer address and the addresses that are not ours."""
    found = {}
    for link in _ip("-j", "addr", "show"):
        if not link.get("ifname") or OURS.fullmatch(link["ifname"]):
            continue
        held = [f"{entry['local']}/{entry['prefixlen']}" for entry in link.get("addr_info", []) if "local" in entry]
        mac = link.get("address", "") if link.get("link_type") == "ether" else ""
        found[link["ifname"]] = {"mac": mac, "addresses": [text for text in held if text not in owned]}
    return found


def routes(owned: Collection[str] = ()) -> list[str]:
    """The routes of every table that are not ours, as `ip` writes them: the prefix, then how it is reached."""
    own = {text.partition("/")[0] for text in owned}
    found = []
    for family, everything, width in ((4, "0.0.0.0/0", "/32"), (6, "::/0", "/128")):
        for route in _routes(f"-{family}"):
            kind = str(route.get("type", ""))
            kind = LEADING.get(kind, REFUSING.get(kind, kind))
            # strongSwan's userspace backend makes routes of its own, into its device.
            ours = str(route.get("protocol", "")) == PROTOCOL or OURS.fullmatch(route.get("dev", ""))
            if kind not in ("", *REFUSING.values()) or ours or route.get("dst") in own:
                continue
            prefix = everything if route["dst"] == "default" else str(route["dst"])
            prefix += "" if "/" in prefix else width
            if not prefix.startswith(("fe80:", "ff00:")):
                found.append(_words(prefix, kind, route))
    return found


def _words(prefix: str, kind: str, route: Mapping[str, Any]) -> str:
    gateway = route.get("gateway") or (route.get("via") or {}).get("host", "")
    words = [prefix, kind, f"via {gateway}" if gateway else "", _device(route)]
    words.append("" if str(route.get("table", "")) in MAIN else f"table {route['table']}")
    return " ".join(word for word in words if word)


def _device(route: Mapping[str, Any]) -> str:
    hops = [route, *route.get("nexthops", [])]
    return " ".join(f"dev {hop['dev']}" for hop in hops if hop.get("dev"))


def _routes(family: str) -> list[dict[str, Any]]:
    """With numbers, as a node may have names of its own for them; iproute2 before 4.20 cannot."""
    words = ("-j", family, "route", "show", "table", "all")
    return _ip("-N", *words) or _ip(*words)


def _ip(*words: str) -> list[dict[str, Any]]:
    """What `ip` prints; empty without iproute2."""
    try:
        return [entry for entry in json.loads(_said("ip", *words) or "[]") if entry]
    except ValueError:
        return []


def _said(*words: str) -> str:
    """What a program prints; empty without it."""
    environment = dict(os.environ, PATH=PATH, LC_ALL="C")
    try:
        # pylint: disable-next=ansible-bad-function  # the agent has no AnsibleModule
        done = subprocess.run(
            words, stdin=subprocess.DEVNULL, capture_output=True, timeout=20, env=environment, check=True
        )
        return done.stdout.decode()
    except (OSError, ValueError, subprocess.SubprocessError):
        return ""


def _slices(place: str) -> dict[str, int]:
    """On a VCC node: the generation of the slice of each organization."""
    documents = {name: _json(os.path.join(place, name, "document.json")) for name in _names(place)}
    return {name: int(document.get("generation") or 0) for name, document in documents.items()}


def _digests(place: str) -> dict[str, str]:
    """On a VCC node: the SHA-256 of each organization's slice and of what it descends from, as the files have them."""
    import hashlib  # loads OpenSSL, 4 MB, for which the resident agent, which imports this file, has no use

    found = {}
    for name in _names(place):
        try:
            digest = hashlib.sha256()
            for file in ("document.json", "lineage.json"):
                with open(os.path.join(place, name, file), "rb") as content:
                    digest.update(content.read())
        except OSError:
            continue
        found[name] = digest.hexdigest()
    return found


def _told(root: str) -> bool:
    """Whether node_exporter, where it is installed, has what a VCC node tells: else a run writes that, and is asked."""
    place = os.path.join(root, TEXTFILES.lstrip("/"))
    return not os.path.isdir(place) or os.path.exists(os.path.join(place, "intercloud_vpn_slices.prom"))


def _names(place: str) -> list[str]:
    try:
        return sorted(os.listdir(place))
    except OSError:
        return []


def _boot() -> str:
    """Tells one run of a machine from others: no two that are up at the same time have it in common."""
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return ""


def _noted(root: str, name: str) -> dict[str, Any]:
    """A note that the node keeps in two places, with a checksum (system/memory.py)."""
    for place in (STATE, COPIES):
        found = _json(os.path.join(root, place.lstrip("/"), name))
        if found:
            content = found.get("content") if "sha256" in found else found
            return content if isinstance(content, dict) else {}
    return {}


def _json(path: str) -> dict[str, Any]:
    """The object in a file; empty when it cannot be read: what is wrong with it is the commit's to say."""
    try:
        with open(path, encoding="utf-8") as file:
            found = json.load(file)
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


if __name__ == "__main__":
    sys.stdout.write(json.dumps({"survey": survey()}) + "\n")
