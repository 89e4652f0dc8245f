# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a DHCP server reads: rendered from the document and what machines told, taken by dnsmasq."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._node.dhcp import server
from ansible_collections.intercloud.vpn.plugins.module_utils._node.document import Generation

ONE, TWO, NEW = "02:00:00:00:00:11", "02:00:00:00:00:12", "02:00:00:00:00:99"
ENTRY: dict[str, Any] = {
    "network": "192.168.1.0/24",
    "address": "192.168.1.1",
    "lease": 3600,
    "hosts": [
        {"name": "vm1-east", "address": "192.168.1.11", "mac": [ONE.upper()], "mtu": 1438},
        {"name": "vm2-east", "address": "192.168.1.12", "routes": ["100.64.0.0/24"], "mtu": 1438},
        {"name": "vm3-east", "address": "192.168.1.13", "mac": []},
    ],
}


def generation(told: dict[str, str] | None = None, **more: Any) -> Generation:
    files = {"neighbours.json": json.dumps(told)} if told else {}
    return Generation({"dhcp": {**ENTRY, **more}}, files)


def lines(told: dict[str, str] | None = None, **more: Any) -> list[str]:
    return server.config(generation(told, **more), "vapp").splitlines()


def test_reservations_go_by_what_the_inventory_and_the_machines_say() -> None:
    found = lines({"192.168.1.12": TWO})
    assert [line for line in found if line.startswith("dhcp-host")] == [
        f"dhcp-host={ONE},set:told1,192.168.1.11",
        f"dhcp-host={TWO},set:told2,192.168.1.12",
    ]
    unknown = [one for one in server.reservations(generation()) if not one.macs]
    assert [(one.name, one.why) for one in unknown] == [
        ("vm2-east", "its link-layer address is not known"),
        ("vm3-east", "its link-layer address is not known"),
    ]


def test_of_two_machines_that_say_the_same_neither_is_believed() -> None:
    hosts = [{"name": f"vm{number}", "address": f"192.168.1.1{number}"} for number in (1, 2)]
    found = server.reservations(generation({"192.168.1.11": ONE, "192.168.1.12": ONE}, hosts=hosts))
    why = f"another machine has its link-layer address {ONE} too"
    assert [(one.macs, one.why) for one in found] == [((), why), ((), why)]


def test_no_machine_takes_what_the_inventory_says_of_another() -> None:
    found = server.reservations(generation({"192.168.1.12": ONE}))
    assert [one.macs for one in found] == [(ONE,), (), ()]


def test_routes_come_with_the_default_route_and_for_windows_too() -> None:
    found = lines({"192.168.1.12": TWO})
    ways = "0.0.0.0/0,192.168.1.1,100.64.0.0/24,192.168.1.1"
    assert {f"dhcp-option=tag:told2,121,{ways}", f"dhcp-option=tag:told2,249,{ways}"} < set(found)
    assert "dhcp-option=tag:told1,option:mtu,1438" in found
    assert not [line for line in found if line.startswith("dhcp-option=tag:told1,121")]


def many(count: int) -> list[dict[str, Any]]:
    routes = [f"198.151.{number}.0/24" for number in range(100, 100 + count)]
    return [{**ENTRY["hosts"][1], "mac": [TWO], "routes": ["10.64.0.0/10", *routes]}]


def test_routes_that_fit_into_no_option_are_left_to_the_default_route() -> None:
    """dnsmasq would not start, and nobody would have an address."""
    all_fit, too_many = (server.reservations(generation(hosts=many(count)))[0] for count in (20, 60))
    assert (len(all_fit.routes), all_fit.untold) == (21, 0)
    assert len(too_many.routes) + too_many.untold == 61 and too_many.untold > 30
    assert too_many.routes[0] == "10.64.0.0/10" and list(too_many.routes) == sorted(too_many.routes)
    assert len(too_many.routes) > 25
    longest = max(server.config(generation(hosts=many(60)), "vapp").splitlines(), key=len)
    assert len(longest) < server.LINE


def test_without_a_range_strangers_are_not_talked_to() -> None:
    assert {"dhcp-range=192.168.1.0,static,255.255.255.0,3600", "dhcp-ignore=tag:!known"} < set(lines())
    found = lines(range=["192.168.1.100", "192.168.1.199"])
    assert "dhcp-range=192.168.1.100,192.168.1.199,255.255.255.0,3600" in found
    assert "dhcp-ignore=tag:!known" not in found


def test_it_serves_no_names_and_writes_no_neighbour_table() -> None:
    found = lines()
    assert {"port=0", "interface=vapp", "bind-dynamic", "dhcp-broadcast", "no-resolv", "no-hosts"} < set(found)
    assert not [line for line in found if "dns-server" in line]


@pytest.mark.parametrize(("lease", "expected"), [(3600, 300), (86400, 300), (600, 300), (120, 60)])
def test_clients_ask_again_soon_however_long_the_lease(lease: int, expected: int) -> None:
    assert f"dhcp-option=option:T1,{expected}" in lines(lease=lease)


def test_dns_and_mtu_for_all() -> None:
    found = lines(dns=["9.9.9.9", "1.1.1.1"], mtu=1350)
    assert {"dhcp-option=option:dns-server,9.9.9.9,1.1.1.1", "dhcp-option=option:mtu,1350"} < set(found)


def test_leases_that_contradict_a_reservation_are_forgotten() -> None:
    kept = f"1 {ONE} 192.168.1.11 vm1 *\n2 02:00:00:00:00:55 192.168.1.150 * *\nduid 00:01\n"
    stale = f"3 {NEW} 192.168.1.12 vm2 01:{NEW}\n4 {TWO} 192.168.1.77 vm2 *\n"
    found = generation({"192.168.1.12": TWO})
    assert server.without_strangers(kept + stale, found) == kept
    assert server.without_strangers(kept, found) == kept
    assert server.without_strangers("", found) == ""


@pytest.mark.skipif(not shutil.which("dnsmasq"), reason="needs dnsmasq")
@pytest.mark.parametrize(
    "more",
    [
        {},
        {"hosts": many(60)},
        {"range": ["192.168.1.100", "192.168.1.199"], "dns": ["203.0.113.113"] * 16, "mtu": 1350},
    ],
)
def test_dnsmasq_takes_it(more: dict[str, Any], tmp_path: Path) -> None:
    config = tmp_path / "conf"
    config.write_text(server.config(generation({"192.168.1.12": TWO}, **more), "vapp"), encoding="utf-8")
    subprocess.run(["dnsmasq", "--test", f"--conf-file={config}"], check=True)
