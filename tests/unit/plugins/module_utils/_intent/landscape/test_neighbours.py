# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is beside whom, and what each may send; and the link-layer addresses that the inventory or the machines say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._intent.landscape.neighbours import parse_mac
from ansible_collections.intercloud.vpn.plugins.plugin_utils._neighbours import OBSERVED, beside, macs_of
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils.landscapes import PAYROLL, World, changed, lab

MAC = "02:00:5e:10:00:01"
VPN = {**PAYROLL, "members": ["vm1-east", {"name": "vm2-east", "mode": "nat"}, "vm1-west", "vm3-west"]}


def documents(hosts: Any = None, *vpns: Any) -> dict[str, Any]:
    plan = World(hosts or lab()).plan(*(vpns or (VPN,)))
    return dict(plan.documents)


def neighbours(node: str, **options: Any) -> dict[str, Any]:
    return {entry["address"]: entry for entry in documents(**options)[node]["neighbours"]}


def test_a_vapp_edge_is_beside_its_members_and_the_org_edge() -> None:
    found = neighbours("vapp1-east")
    assert found["192.168.1.11"] == {"address": "192.168.1.11", "host": "vm1-east", "sends": ["100.64.0.17/32"]}
    assert found["192.168.1.12"] == {"address": "192.168.1.12", "host": "vm2-east"}  # translated: its own address only
    uplink = found["10.10.0.1"]
    assert (uplink["host"], uplink["uplink"], uplink["sends"]) == ("edge-east", True, ["100.64.0.0/24"])


def test_an_org_edge_is_beside_vapp_edges_and_members_on_its_network() -> None:
    found = neighbours("edge-west")
    assert {entry["host"]: list(entry.get("sends", [])) for entry in found.values()} == {
        "vapp1-west": ["100.64.0.80/28"],
        "vm3-west": ["100.64.0.66/32"],
    }


def test_a_member_is_beside_its_gateway_and_a_translated_one_is_told_nothing() -> None:
    found = documents()
    assert [entry["host"] for entry in found["vm1-east"]["neighbours"]] == ["vapp1-east"]
    assert "vm2-east" not in found


def test_two_vpns_make_one_neighbour_that_sends_for_both() -> None:
    other = {"name": "audit", "pool": "10.99.0.0/16", "members": ["vm1-east", "vm3-west"]}
    plan = World(lab()).plan(VPN, other)
    found = {entry["host"]: entry for entry in plan.documents["vapp1-east"]["neighbours"]}
    assert len(found["vm1-east"]["sends"]) == 2
    assert len(found["edge-east"]["sends"]) == 2


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (MAC.upper(), {"10.10.0.11": [MAC], "192.168.1.1": [MAC]}),
        (
            [MAC, "0200.5e10.0002"],
            {"10.10.0.11": [MAC, "02:00:5e:10:00:02"], "192.168.1.1": [MAC, "02:00:5e:10:00:02"]},
        ),
        ([], {"10.10.0.11": [], "192.168.1.1": []}),
        ({"10.10.0.11": MAC}, {"10.10.0.11": [MAC], "192.168.1.1": None}),
        (None, {"10.10.0.11": None, "192.168.1.1": None}),
    ],
)
def test_what_the_inventory_says(said: Any, expected: dict[str, Any]) -> None:
    found = documents(changed(lab(), {"vapp1-east": {"vcc_mac": said}} if said is not None else {}))
    (outside,) = [entry for entry in found["edge-east"]["neighbours"] if entry["host"] == "vapp1-east"]
    (inside,) = found["vm1-east"]["neighbours"]
    assert {"10.10.0.11": outside.get("mac"), "192.168.1.1": inside.get("mac")} == expected


@pytest.mark.parametrize("text", [MAC, "02-00-5E-10-00-01", "0200.5e10.0001", "02005e100001", f" {MAC} "])
def test_ways_to_write_a_link_layer_address(text: str) -> None:
    assert parse_mac(text) == MAC


@pytest.mark.parametrize("text", ["", "02:00:5e:10:00", "ff:ff:ff:ff:ff:ff", "00:00:00:00:00:00", "02:00:5e:10:00:0g"])
def test_what_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="link-layer"):
        parse_mac(text)


def device(mac: str, *addresses: str) -> dict[str, Any]:
    return {"mac": mac, "addresses": list(addresses)}


def test_a_machine_is_believed_about_its_own_addresses_only(tmp_path: Path) -> None:
    """The file is found by host: that vm2 claims vm1's address changes nothing."""
    document = {"neighbours": [{"address": "192.168.1.11", "host": "vm1"}, {"address": "192.168.1.12", "host": "vm2"}]}
    facts = {
        "vm1": {"devices": {"eth0": device(MAC, "192.168.1.11/24"), "lo": device("", "127.0.0.1/8")}},
        "vm2": {"devices": {"eth0": device("02:00:5e:10:00:02", "192.168.1.11/24")}},
        "vm3": {"silent": "timed out"},
    }
    (tmp_path / OBSERVED).write_text(json.dumps(macs_of(facts)))
    texts = list(beside(document, tmp_path / "documents").values())
    assert len(texts) == 1
    assert json.loads(texts[0]) == {"192.168.1.11": MAC}


def test_whom_an_edge_serves_dhcp_is_asked_too(tmp_path: Path) -> None:
    hosts = [{"name": "vm1", "address": "192.168.1.11"}, {"name": "vm2", "address": "192.168.1.12", "mac": [MAC]}]
    (tmp_path / OBSERVED).write_text(json.dumps({"vm1": {"192.168.1.11": MAC}, "vm2": {"192.168.1.12": MAC}}))
    texts = list(beside({"dhcp": {"hosts": hosts}}, tmp_path / "documents").values())
    assert [json.loads(text) for text in texts] == [{"192.168.1.11": MAC}]


@pytest.mark.parametrize(
    ("known", "sent"),
    [
        ({"edge": {"10.10.0.2": MAC, "10.10.0.1": MAC}, "twin": {"10.10.0.3": "02:00:5e:10:00:02"}}, True),
        ({"edge": {"10.10.0.2": MAC, "10.10.0.1": MAC}}, False),  # the other edge may be there next
        ({"twin": {"10.10.0.1": MAC}}, False),
    ],
)
def test_of_a_pair_both_machines_link_layer_addresses_are_sent_or_none(
    tmp_path: Path, known: dict[str, dict[str, str]], sent: bool
) -> None:
    machines = {"edge": "10.10.0.2", "twin": "10.10.0.3"}
    document = {"neighbours": [{"address": "10.10.0.1", "host": "edge", "machines": machines, "uplink": True}]}
    (tmp_path / OBSERVED).write_text(json.dumps(known))
    texts = list(beside(document, tmp_path / "documents").values())
    assert [json.loads(text) for text in texts] == ([{"10.10.0.1": [MAC, "02:00:5e:10:00:02"]}] if sent else [])


def test_where_nothing_is_known_nothing_is_sent(tmp_path: Path) -> None:
    document = {"neighbours": [{"address": "192.168.1.11", "host": "vm1", "mac": [MAC]}]}
    assert beside(document, tmp_path / "documents") == {}
