# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PLAN: an external edge's settings as text for the people who configure it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from ipaddress import ip_address, ip_network
from typing import Any

from .._intent.profiles.known import profile_of

Section = Mapping[str, Any]
_WIDTH = 18  # of the first column

_PLACES = {
    "swanctl.conf": "put into /etc/swanctl/conf.d/{name}.conf",
    "device.sh": "run at each boot",
    "frr.conf": "add to /etc/frr/frr.conf; bgpd and bfdd run",
}


def settings_text(settings: Section) -> str:
    """What `settings` and `with_files` found out, to read and to copy from."""
    head = f"What the administrator of {settings['edge']} configures (organization {settings['organization']})"
    lines = [head, "=" * len(head)]
    for tunnel in settings["tunnels"]:
        lines += ["", *_tunnel(settings["edge"], tunnel)]
    if settings["members"]:
        lines += ["", "Addresses that VMs get, and a route to the other side's selectors for each:", ""]
        lines += [_row(member["name"], f"{member['address']} ({member['vpn']})") for member in settings["members"]]
    if settings["networks"]:
        lines += [
            "",
            "Networks that the other side opens connections to. Their hosts need a route to its selectors:",
            "",
        ]
        lines += [_row(one["network"], f"{_ports(one['ports'])} ({one['vpn']})") for one in settings["networks"]]
    for tunnel in settings["tunnels"]:
        for file, text in tunnel["configuration"].items():
            lines += ["", f"{_title(tunnel)}, {file}: {_place(tunnel, file)}", "", text.rstrip()]
    return "\n".join(lines) + "\n"


def _title(tunnel: Section) -> str:
    profile = profile_of(tunnel["gateway"])
    if tunnel.get("bgp") and not profile:
        return "strongSwan and FRR"
    return profile.title if profile else "libreswan"


def _place(tunnel: Section, file: str) -> str:
    if file.startswith("ipsec."):
        return f"put into /etc/ipsec.d/{tunnel['name']}.{file.partition('.')[2]}"
    if file in _PLACES:
        return _PLACES[file].format(name=tunnel["name"])
    if file.endswith(".tf"):
        return "put into a directory of Terraform's"
    return "fill in the pages" if file.startswith("pfsense") else "paste into the command line"


def _tunnel(edge: str, tunnel: Section) -> Iterator[str]:
    local, remote, ike = tunnel["local"], tunnel["remote"], tunnel["ike"]
    yield f"Tunnel {tunnel['name']}"
    behind = " (its NAT's, which forwards UDP 500 and 4500)" if local["behind_nat"] else ""
    behind += (
        " (a name: keep it up to date; a TTL of a minute lets the other side follow in time)"
        if local["by_name"]
        else ""
    )
    yield _row("this side", f"{local['address']}{behind}, identity {local['identity']} ({edge})")
    yield _row("other side", f"{remote['address']}, identity {remote['identity']} ({remote['edge']})")
    yield _row("who initiates", _initiates(tunnel))
    if tunnel["authentication"] == "psk":
        yield _row("authentication", f"pre-shared key: {tunnel['psk']}")
    else:
        yield _row("authentication", f"certificates; authority: {tunnel['authority']}")
        yield _row("", f"a certificate for this side: sign_certificate -e vcc_external_edge={edge} -e vcc_csr=FILE")
    yield _row("IKE", f"version {ike['version']}, {' or '.join(ike['proposals'])}")
    yield _row("", f"rekeyed after {ike['rekey_time']} s; dead peer detection after {ike['dpd_delay']} s of silence")
    yield _row("firewall", "UDP 500 and 4500 and ESP between both addresses, in both directions")
    if tunnel.get("bgp"):
        yield from _bgp(tunnel["bgp"])
    for vpn in tunnel["vpns"]:
        esp = vpn["esp"]
        yield f"  VPN {vpn['name']}: one CHILD_SA, tunnel mode"
        yield _row("  this side", f"{' '.join(vpn['local_ts'])}{_reserved(vpn)}")
        yield _row("  other side", " ".join(vpn["remote_ts"]))
        yield _row("  ESP", f"{' or '.join(esp['proposals'])} (perfect forward secrecy: {' or '.join(esp['pfs'])})")
        yield _row("", f"rekeyed after {esp['rekey_time']} s; replay window {esp['replay_window']} packets")
        yield _row("  packets", f"at most {vpn['mtu']} octets inside the tunnel: TCP MSS {vpn['mss']}")


def _bgp(bgp: Section) -> Iterator[str]:
    yield _row(
        "route-based", f"this side is {bgp['local']}/{bgp['length']} inside the tunnel, the other {bgp['remote']}"
    )
    yield _row(
        "BGP", f"this side is AS {bgp['local_asn']}, the other AS {bgp['remote_asn']}; hold time {bgp['hold']} s"
    )
    guards = [*(["MD5 (TCP)"] if bgp["md5"] else []), *(["BFD every 100 ms, three times"] if bgp["bfd"] else [])]
    yield _row("", ", ".join(guards) or "neither MD5 nor BFD")
    yield _row("announces", f"{' '.join(bgp['announce'])}, and nothing else: the rest is refused")
    yield _row("is told", " ".join(bgp["accept"]))


def _ports(ports: Sequence[str] | None) -> str:
    """What the other side lets its members open."""
    return "all ports" if ports is None else ", ".join(ports) or "pings only"


def _initiates(tunnel: Section) -> str:
    profile = profile_of(tunnel["gateway"])
    if profile is None or profile.responds_only:
        return f"{tunnel['initiator']}, and only that side; it rekeys, too"
    return f"{tunnel['initiator']}; it rekeys, too. {profile.title} may initiate as well"


def _reserved(vpn: Section) -> str:
    """Of several pairs of selectors, one has the gateway's address."""
    if "0.0.0.0/0" in vpn["local_ts"]:
        return ""
    gateway = ip_address(vpn["gateway"])
    held = any(gateway in ip_network(prefix) for prefix in vpn["local_ts"])
    return f" (of these, {vpn['gateway']} is the gateway's own)" if held else ""


def _row(label: str, text: str) -> str:
    return f"  {label.ljust(_WIDTH)}{text}"
