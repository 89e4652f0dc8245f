# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PARTNER: strongSwan and FRR, for a route-based tunnel to a gateway without a profile."""

from __future__ import annotations

from ipaddress import ip_address

from .common import Section, bgp_key, one_line


def files(tunnel: Section, psk: str | None) -> dict[str, str]:
    """Files of strongSwan and FRR, and the device that is between them."""
    return {
        "swanctl.conf": _swanctl(tunnel, psk),
        "device.sh": _device(tunnel),
        "frr.conf": _frr(tunnel, bgp_key(psk)),
    }


def _number(tunnel: Section) -> int:
    """What ties the CHILD_SA to the device: it follows from the address inside, so several tunnels have several."""
    return int(ip_address(tunnel["bgp"]["local"])) & 0xFFFF


def _name(tunnel: Section) -> str:
    return f"vpn{_number(tunnel)}"


def _swanctl(tunnel: Section, psk: str | None) -> str:
    (vpn,) = tunnel["vpns"]
    local, remote, ike, esp = tunnel["local"], tunnel["remote"], tunnel["ike"], vpn["esp"]
    anywhere = local["behind_nat"] or local["by_name"]
    secret = f'"THE KEY: {_word(tunnel["psk"])}"' if psk is None else f"0x{psk.encode().hex()}"
    lines = [
        f"# {_word(tunnel['initiator'])} initiates and rekeys; this side answers.",
        "connections {",
        f"  {_word(tunnel['name'])} {{",
        "    version = 2",
        "    mobike = no",
        f"    local_addrs = {'%any' if anywhere else _word(local['address'])}",
        f"    remote_addrs = {_word(remote['address'])}",
        f"    proposals = {', '.join(ike['proposals'])}",
        f"    rekey_time = {ike['rekey_time'] + ike['rekey_time'] // 10}s",
        f"    dpd_delay = {ike['dpd_delay']}s",
        "    unique = replace",
        "    local {",
        "      auth = psk",
        f"      id = {_word(local['identity'])}",
        "    }",
        "    remote {",
        "      auth = psk",
        f"      id = {_word(remote['identity'])}",
        "    }",
        "    children {",
        f"      {_word(vpn['child'])} {{",
        "        local_ts = 0.0.0.0/0",
        "        remote_ts = 0.0.0.0/0",
        f"        esp_proposals = {', '.join(esp['proposals'])}",
        f"        rekey_time = {esp['rekey_time'] + esp['rekey_time'] // 10}s",
        f"        replay_window = {esp['replay_window']}",
        f"        if_id_in = {_number(tunnel)}",
        f"        if_id_out = {_number(tunnel)}",
        "        start_action = none",
        "        dpd_action = clear",
        "      }",
        "    }",
        "  }",
        "}",
        "secrets {",
        f"  ike-{_word(tunnel['name'])} {{",
        f"    id-1 = {_word(local['identity'])}",
        f"    id-2 = {_word(remote['identity'])}",
        f"    secret = {secret}",
        "  }",
        "}",
    ]
    return "\n".join(lines) + "\n"


def _device(tunnel: Section) -> str:
    (vpn,) = tunnel["vpns"]
    name, bgp = _name(tunnel), tunnel["bgp"]
    lines = [
        f"ip link add {name} type xfrm dev lo if_id {_number(tunnel)}",
        f"ip link set {name} mtu {vpn['mtu']} up",
        f"ip address add {bgp['local']}/{bgp['length']} dev {name}",
        "sysctl -w net.ipv4.ip_forward=1",
    ]
    return "\n".join(lines) + "\n"


def _frr(tunnel: Section, key: str) -> str:
    bgp, name = tunnel["bgp"], _name(tunnel)
    peer = f" neighbor {bgp['remote']}"
    lines = [
        *(f"ip prefix-list {name}-in seq {5 * at} permit {one}" for at, one in enumerate(bgp["accept"], 1)),
        *(f"ip prefix-list {name}-out seq {5 * at} permit {one}" for at, one in enumerate(bgp["announce"], 1)),
        f"router bgp {bgp['local_asn']}",
        f" bgp router-id {bgp['local']}",
        " no bgp network import-check",
        f"{peer} remote-as {bgp['remote_asn']}",
        *([f"{peer} password {key}"] if bgp["md5"] else []),
        *([f"{peer} bfd 3 100 100"] if bgp["bfd"] else []),
        f"{peer} timers 10 {bgp['hold']}",
        f"{peer} timers connect 5",
        " address-family ipv4 unicast",
        *(f"  network {prefix}" for prefix in bgp["announce"]),
        f" {peer} prefix-list {name}-in in",
        f" {peer} prefix-list {name}-out out",
        f" {peer} maximum-prefix {max(10, 2 * len(bgp['accept']))}",
        " exit-address-family",
    ]
    return "\n".join(lines) + "\n"


def _word(text: object) -> str:
    """Nothing in it ends a line, a string or a section, or begins a comment."""
    return "".join("?" if char in '"#{}=\\' else char for char in one_line(text))
