# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way of members outside, as the roles' templates write it."""

from __future__ import annotations

import re
import subprocess
from typing import Any

import pytest

from .test_templates import NAMESPACE, render

ORG: dict[int, dict[str, Any]] = {
    4: {
        "at": "203.0.113.2",
        "members": ["10.10.0.13", "100.64.0.17"],
        "public": {"10.10.0.13": "203.0.113.7", "100.64.0.17": "203.0.113.8"},
        "published": [
            {
                "port": "tcp/443",
                "address": "203.0.113.2",
                "to": "100.64.0.17",
                "to_port": "tcp/8443",
                "from": ["0.0.0.0/0"],
            },
            {
                "port": "udp/53",
                "address": "203.0.113.7",
                "to": "10.10.0.13",
                "to_port": "udp/5353",
                "from": ["198.51.100.0/24", "192.0.2.7/32"],
                "rate": "10/second",
            },
        ],
        "addresses": ["203.0.113.7", "203.0.113.8"],
    },
    6: {
        "members": ["fd00:1::11"],
        "published": [{"port": "tcp/443", "to": "fd00:1::11", "to_port": "tcp/443", "from": ["::/0"]}],
    },
}
VAPP: dict[int, dict[str, Any]] = {
    4: {
        "members": [
            {"inside": "192.168.1.11", "outside": "100.64.0.17"},
            {"inside": "192.168.1.12", "outside": "100.64.0.18"},
        ],
        "published": [
            {"to": "192.168.1.12", "leased": "100.64.0.18", "to_port": "tcp/8443", "from": ["198.51.100.0/24"]},
            {"leased": "100.64.0.17", "to": "192.168.1.11", "to_port": "udp/53", "from": ["0.0.0.0/0"]},
        ],
    },
    6: {"members": [{"inside": "fd10:1::11", "outside": "fd00:1::11"}]},
}


def loaded(text: str) -> str:
    done = subprocess.run(["unshare", "-n", "nft", "-f", "-"], input=text, capture_output=True, text=True, check=False)
    return done.stderr


@pytest.mark.skipif(not NAMESPACE, reason="needs root and nft")
@pytest.mark.parametrize(("role", "outside"), [("org_edge", ORG), ("vapp_edge", VAPP)])
@pytest.mark.parametrize("backend", ["xfrm", "libipsec"])
@pytest.mark.parametrize("log", [{}, {"log": {"rate": "10/minute", "group": 5}}], ids=["silent", "logged"])
@pytest.mark.parametrize("families", [(4,), (6,), (4, 6)], ids=str)
def test_the_kernel_takes_it(
    document: dict[str, Any], role: str, outside: Any, backend: str, log: Any, families: tuple[int, ...]
) -> None:
    for vpn in document["vpns"]:
        vpn.update({"outside": outside[vpn["family"]], **log} if vpn["family"] in families else {})
    text = render(role, "nftables.nft.j2", {**document, "role": role}, backend)
    assert loaded(text) == ""


@pytest.mark.skipif(not NAMESPACE, reason="needs root and nft")
def test_each_part_of_it_is_taken_alone(document: dict[str, Any]) -> None:
    for key in ("public", "published", "addresses"):
        for role, outside in (("org_edge", ORG[4]), ("vapp_edge", VAPP[4])):
            vpn = document["vpns"][0]
            vpn["outside"] = {name: value for name, value in outside.items() if name != key}
            assert loaded(render(role, "nftables.nft.j2", {**document, "role": role}, "xfrm")) == ""
    document["vpns"][0]["outside"] = {"at": "203.0.113.2", "members": [], "published": ORG[4]["published"]}
    assert loaded(render("org_edge", "nftables.nft.j2", {**document, "role": "org_edge"}, "xfrm")) == ""


@pytest.mark.parametrize("role", ["org_edge", "vapp_edge"])
def test_without_it_nothing_is_said(document: dict[str, Any], role: str) -> None:
    text = render(role, "nftables.nft.j2", {**document, "role": role}, "libipsec")
    assert not any(
        word in text for word in ("outside4", "outside6", "uplink_frames", "_going", "masquerade\n", "set inside")
    )


@pytest.mark.parametrize(("role", "outside"), [("org_edge", ORG), ("vapp_edge", VAPP)])
def test_more_vpns_are_no_more_rules_for_a_packet(document: dict[str, Any], role: str, outside: Any) -> None:
    """Save those of published ports, which come first by their port."""

    def met(vpns: int) -> dict[str, int]:
        (first, *_others) = document["vpns"]
        going = {key: value for key, value in outside[4].items() if key != "published"}
        every = [{**first, "name": f"vpn{number}", "number": number, "outside": going} for number in range(1, vpns + 1)]
        text = render(role, "nftables.nft.j2", {**document, "role": role, "vpns": every}, "libipsec")
        chains = re.findall(r"^  chain (\S+) \{\n(.*?)^  \}", text, re.DOTALL | re.MULTILINE)
        # Those of a VPN alone, what the edge itself gets and sends, and what only a connection's first packet meets.
        rest = r"vpn\d|to_edge|from_edge|redirects|translate|input"
        return {name: body.count("\n") for name, body in chains if not re.match(rest, name)}

    assert met(2) == met(40)
