# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PLAN: what the administrator of an external edge has to configure, as plain data.

All is said from the other side's point of view: *local* is the external edge, *remote* is ours.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .._base.errors import VccError
from .._base.problems import did_you_mean
from .forms.known import files_of

Documents = Mapping[str, Mapping[str, Any]]
EVERYTHING = ["0.0.0.0/0"]
AUTH = {"psk": "psk", "pubkey": "certificate"}


def external_tunnels(documents: Documents) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Our end of every tunnel to an external edge, with the edge of ours that it is on; sorted."""
    found = [
        (tunnel["name"], node, tunnel)
        for node, document in documents.items()
        for tunnel in document.get("tunnels", [])
        if tunnel.get("external")
    ]
    return ((node, tunnel) for _name, node, tunnel in sorted(found, key=lambda entry: entry[:2]))


def pointers(documents: Documents) -> list[str]:
    """Where to find what the external edges need to know, a line per tunnel."""
    return [pointer(tunnel["name"], tunnel["peer"]) for _node, tunnel in external_tunnels(documents)]


def pointer(tunnel: str, edge: str) -> str:
    """Where to find what the other end of a tunnel needs to know."""
    return f"{tunnel}: {edge} configures what external_settings -e vcc_external_edge={edge} shows"


def tunnels_to(edge: str, documents: Documents) -> list[tuple[str, Mapping[str, Any]]]:
    """Our ends of the tunnels to an external edge. VccError if there is none."""
    found = [(node, tunnel) for node, tunnel in external_tunnels(documents) if tunnel["peer"] == edge]
    if not found:
        known = sorted({tunnel["peer"] for _node, tunnel in external_tunnels(documents)})
        raise VccError(
            f"vcc_external_edge: {edge}: no tunnel of the ledger leads to an external edge of this name"
            + (did_you_mean(edge, known) if known else "; run create_vpn first")
        )
    return found


def settings(
    edge: str, plan: Mapping[str, Any], documents: Documents, psk_files: Mapping[str, str], authorities: str
) -> dict[str, Any]:
    """What an external edge has to configure; one entry per tunnel. VccError if it is in no VPN.

    ``psk_files`` says where the pre-shared key of a tunnel is to be found, ``authorities`` where the certificates
    of our authorities are, with ``{organization}`` in it.
    """
    tunnels = tunnels_to(edge, documents)
    organization = documents[tunnels[0][0]]["organization"]
    authority = authorities.format(organization=organization)
    vpns = {vpn["name"]: vpn for vpn in plan["vpns"] if vpn["organization"] == organization}
    return {
        "edge": edge,
        "organization": organization,
        "members": [
            {"name": member["name"], "vpn": name, "address": member["address"]}
            for name, vpn in sorted(vpns.items())
            for member in vpn["members"]
            if member["site"] == edge
        ],
        "networks": [
            {"network": network["network"], "vpn": name, "ports": network.get("ports")}
            for name, vpn in sorted(vpns.items())
            for network in vpn.get("destinations", {}).get("networks", ())
            if network["behind"] == edge
        ],
        "tunnels": [_tunnel(node, tunnel, vpns, psk_files, authority) for node, tunnel in tunnels],
    }


def with_files(found: Mapping[str, Any], secrets: Mapping[str, str]) -> dict[str, Any]:
    """The same in the gateway's own form: ``configuration``, texts by file name.

    Without a tunnel's key in ``secrets``, it says where the key is. ``libreswan``: its files, of a gateway that is not
    known as well.
    """
    tunnels = []
    by_name = {tunnel["name"]: tunnel for tunnel in found["tunnels"]}
    for tunnel in found["tunnels"]:
        twin = by_name.get(tunnel.get("bgp", {}).get("twin", ""))
        files = files_of(tunnel, secrets.get(tunnel["name"]), twin, secrets.get(twin["name"]) if twin else None)
        libreswan = {"libreswan": files} if "ipsec.conf" in files else {}
        tunnels.append({**tunnel, "configuration": files, **libreswan})
    return {**found, "tunnels": tunnels}


def _tunnel(
    node: str, tunnel: Mapping[str, Any], vpns: Mapping[str, Any], psk_files: Mapping[str, str], authority: str
) -> dict[str, Any]:
    ike, bgp = tunnel["ike"], tunnel.get("bgp")
    auth = AUTH[ike["auth"]]
    return {
        "name": tunnel["name"],
        "edge": tunnel["peer"],
        "gateway": tunnel.get("gateway"),
        "initiator": node,
        "local": {
            "address": tunnel["remote_address"],
            "behind_nat": tunnel.get("peer_forwarded", False),
            "by_name": tunnel.get("by_name", False),
            "identity": tunnel["remote_id"],
        },
        "remote": {"edge": node, "address": tunnel["public_address"], "identity": tunnel["local_id"]},
        "authentication": auth,
        "psk": psk_files.get(tunnel["name"]) if auth == "psk" else None,
        "authority": authority if auth == "certificate" else None,
        "ike": {
            "version": 2,
            "proposals": list(ike["proposals"]),
            "rekey_time": ike["rekey_time"],
            "dpd_delay": ike["dpd_delay"],
        },
        "vpns": [_vpn(tunnel["peer"], link, vpns[link["vpn"]], bool(bgp)) for link in tunnel["links"]],
        **({"bgp": _bgp(bgp, tunnel["links"][0])} if bgp else {}),
    }


def _bgp(bgp: Mapping[str, Any], link: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "local": bgp["peer"],
        "remote": bgp["local"],
        "length": bgp["length"],
        "local_asn": bgp["peer_asn"],
        "remote_asn": bgp["local_asn"],
        "bfd": bgp["bfd"],
        "md5": bgp["md5"],
        "hold": bgp["hold"],
        **({"twin": bgp["twin"]} if "twin" in bgp else {}),
        "maximum": bgp["maximum"],
        "announce": list(link["remote_ts"]),
        "accept": list(link["local_ts"]),
    }


def _vpn(edge: str, link: Mapping[str, Any], vpn: Mapping[str, Any], route_based: bool) -> dict[str, Any]:
    return {
        "name": link["vpn"],
        # Of its own where the VPN has several CHILD_SAs: for pairs of selectors, or for members that moved.
        "child": str(link.get("name", link["vpn"])).replace("+", "-"),
        "local_ts": EVERYTHING if route_based else list(link["remote_ts"]),
        "remote_ts": EVERYTHING if route_based else list(link["local_ts"]),
        "gateway": vpn["sites"][edge]["address"],
        "esp": {
            "proposals": list(link["esp"]["proposals"]),
            "pfs": [proposal.rpartition("-")[2] for proposal in link["esp"]["proposals"]],
            "rekey_time": link["esp"]["rekey_time"],
            "replay_window": link["esp"]["replay_window"],
        },
        "mtu": link["mtu"],
        "mss": link["mss"],
    }
