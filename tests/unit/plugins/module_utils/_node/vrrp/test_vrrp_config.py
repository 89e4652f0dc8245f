# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What keepalived is told on an edge of a pair, and that keepalived takes it."""

from __future__ import annotations

import shutil
import socket
from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._node.document import NOTHING, Generation
from ansible_collections.intercloud.vpn.plugins.module_utils._node.lanes import process
from ansible_collections.intercloud.vpn.plugins.module_utils._node.vrrp import config, keepalived

PAIR: dict[str, Any] = {
    "site": "edge-east",
    "lane": 0,
    "twin": "edge-east-2",
    "gateway": ["10.10.0.1", "fd10:10::1"],
    "own": ["10.10.0.2", "fd10:10::2"],
    "twin_own": ["10.10.0.3", "fd10:10::3"],
    "vrrp": {"id": 51, "priority": 150},
}
HELD = {
    "lo": ["127.0.0.1/8", "10.10.0.2/32"],
    "org": ["10.10.0.2/24", "fe80::2/64", "fd10:10::2/64"],
    "pub": ["203.0.113.2/28"],
}


def generation(**pair: Any) -> Generation:
    return Generation(
        {
            "node": "edge-east",
            "pair": {**PAIR, **pair},
            "tunnels": [{"local_address": "203.0.113.2", "peer": "edge-west"}],
        }
    )


def said(found: Generation, held: dict[str, list[str]] | None = None) -> dict[str, list[str]]:
    """{keyword: its lines} of the instance; blocks under their names."""
    lines = config.config(found, held or HELD).partition("vrrp_instance")[2].splitlines()[1:]
    blocks: dict[str, list[str]] = {}
    name = ""
    for line in lines:
        if line.startswith("  "):
            blocks[name].append(line.strip())
        else:
            name = line.split()[0]
            blocks[name] = line.split()[1:-1] if line.endswith("{") else line.split()[1:]
    return blocks


def test_the_gateway_addresses_of_both_families_move_together() -> None:
    found = said(generation())
    assert found["virtual_ipaddress"] == ["10.10.0.1/24"]
    assert found["virtual_ipaddress_excluded"] == ["fd10:10::1/64"]
    assert found["interface"] == ["org"]
    assert found["priority"] == ["150"]
    assert found["virtual_router_id"] == ["51"]


def test_the_gateway_address_has_the_length_of_the_edges_own() -> None:
    """Whatever other networks the device has, in whatever order."""
    found = said(generation(), {**HELD, "org": ["172.16.0.5/30", "2001:db8:9::5/127", *HELD["org"]]})
    assert (found["virtual_ipaddress"], found["virtual_ipaddress_excluded"]) == (["10.10.0.1/24"], ["fd10:10::1/64"])


def test_adverts_go_to_the_twin_only() -> None:
    found = said(generation())
    assert (found["unicast_src_ip"], found["unicast_peer"]) == (["10.10.0.2"], ["10.10.0.3"])
    assert found["check_unicast_src"] == []  # and come from it only


def test_an_edge_without_its_uplink_gives_the_address_up() -> None:
    assert said(generation())["track_interface"] == ["pub"]
    one_device = {"eth0": [*HELD["org"], *HELD["pub"]]}
    assert "track_interface" not in said(generation(), one_device)  # of its own device, keepalived knows


def test_a_network_of_ipv6_only() -> None:
    found = said(generation(gateway=["fd10:10::1"], own=["fd10:10::2"], twin_own=["fd10:10::3"]))
    assert (found["unicast_src_ip"], found["unicast_peer"]) == (["fd10:10::2"], ["fd10:10::3"])
    assert found["virtual_ipaddress"] == ["fd10:10::1/64"]
    assert "virtual_ipaddress_excluded" not in found


def test_nothing_is_said_where_nothing_can_be() -> None:
    assert config.config(NOTHING, HELD) == ""
    assert config.config(generation(), {"lo": ["10.10.0.2/32"]}) == ""


@pytest.mark.skipif(not shutil.which("keepalived"), reason="needs keepalived")
def test_keepalived_takes_it_and_says_what_it_does_not_take() -> None:
    device = next((name for _index, name in socket.if_nameindex() if name != "lo"), None)
    if device is None:
        pytest.skip("keepalived looks for the device, and there is none")
    text = config.config(generation(), {device: [*HELD["org"], *HELD["pub"]]})
    assert keepalived.refused(text) == ""
    assert "blah" in keepalived.refused(text.replace("advert_int", "blah"))


@pytest.mark.parametrize(("drained", "twin"), [(150, 149), (149, 150)])
def test_a_drained_edge_has_the_gateway_address_only_if_the_twin_reaches_nobody(drained: int, twin: int) -> None:
    """Priorities: the document's, and what tunnels and maintenance add."""

    def of_drained(master: bool, heard: int) -> int:
        return drained + process.priority(master, 1, heard) + config.DRAIN

    def of_twin(master: bool, heard: int) -> int:
        return twin + process.priority(master, 1, heard)

    assert of_drained(master=True, heard=1) < of_twin(master=False, heard=1)  # it gives the address away
    assert of_drained(master=False, heard=1) < of_twin(master=True, heard=1)
    assert of_drained(master=False, heard=1) > of_twin(master=True, heard=0)  # it helps out
    assert of_drained(master=True, heard=1) < of_twin(master=False, heard=1)  # until the twin hears a peer again
    assert of_drained(master=False, heard=0) < of_twin(master=True, heard=0)
