# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a name server reads: rendered from the document, taken by dnsmasq."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._node.document import Generation
from ansible_collections.intercloud.vpn.plugins.module_utils._node.names import servers, zones

HOSTS = {"vm1-east": "100.64.0.17", "web_1.dmz": "100.64.0.18"}


@pytest.fixture
def named(document: dict[str, Any]) -> servers.Server:
    document["vpns"][0]["names"] = {"domain": "payroll.vpn.internal", "hosts": HOSTS}
    (server,) = servers.servers(Generation(document)).values()
    return server


@pytest.mark.parametrize(
    ("prefix", "expected"),
    [
        ("100.64.0.0/24", ["0.64.100.in-addr.arpa"]),
        ("10.0.0.0/8", ["10.in-addr.arpa"]),
        ("100.64.4.0/23", ["4.64.100.in-addr.arpa", "5.64.100.in-addr.arpa"]),
        ("100.64.0.6/31", ["6.0.64.100.in-addr.arpa", "7.0.64.100.in-addr.arpa"]),
        ("100.64.0.6/32", ["6.0.64.100.in-addr.arpa"]),
        ("fd00:1::/32", ["1.0.0.0.0.0.d.f.ip6.arpa"]),
        ("fd00::/31", ["0.0.0.0.0.0.d.f.ip6.arpa", "1.0.0.0.0.0.d.f.ip6.arpa"]),
    ],
)
def test_reverse_zones(prefix: str, expected: list[str]) -> None:
    assert zones.reverse([prefix]) == expected


def test_reverse_zones_are_few() -> None:
    assert len(zones.reverse(["100.64.0.0/17"])) == 128
    assert len(zones.reverse(["100.64.0.0/25"])) == 128
    assert len(zones.reverse(["fd00::/61"])) == 8


def test_it_listens_at_the_edges_address_and_serves_its_zones_only(named: servers.Server) -> None:
    lines = named.files["/etc/intercloud-vpn-names/payroll.conf"].splitlines()
    assert "listen-address=100.64.0.1" in lines and "no-resolv" in lines and "no-hosts" in lines
    served = ["local=/payroll.vpn.internal/", "local=/0.64.100.in-addr.arpa/"]
    assert [line for line in lines if line.startswith("local=")] == served
    assert not [line for line in lines if line.startswith(("server", "dhcp", "enable-tftp", "interface"))]


def test_hosts_are_in_a_file_of_their_own(named: servers.Server) -> None:
    text = named.files["/etc/intercloud-vpn-names/payroll/hosts"]
    assert "\n100.64.0.17 vm1-east.payroll.vpn.internal\n" in text
    assert "\n100.64.0.18 web_1.dmz.payroll.vpn.internal\n" in text


def test_a_change_of_hosts_changes_no_configuration(named: servers.Server) -> None:
    names = {**named.entry["names"], "hosts": {"vm1-east": "100.64.0.17"}}
    other = servers.Server({**named.entry, "names": names})
    assert other.files[other.config] == named.files[named.config]
    assert other.marks[other.config] == named.marks[named.config]
    assert other.marks[other.hosts] != named.marks[named.hosts]
    for path, mark in named.marks.items():
        assert mark in named.files[path]


@pytest.mark.skipif(not shutil.which("dnsmasq"), reason="needs dnsmasq")
def test_dnsmasq_takes_it(named: servers.Server, tmp_path: Path) -> None:
    config = tmp_path / "conf"
    config.write_text(named.files[named.config], encoding="utf-8")
    subprocess.run(["dnsmasq", "--test", f"--conf-file={config}"], check=True)
