# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a monitoring system is told of a node."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._node import agent
from ansible_collections.intercloud.vpn.plugins.module_utils._node.document import Generation
from ansible_collections.intercloud.vpn.plugins.module_utils._node.metrics import counters, look, repairs, units
from ansible_collections.intercloud.vpn.plugins.module_utils._node.metrics.counters import Counter
from ansible_collections.intercloud.vpn.plugins.module_utils._node.metrics.exposition import Family, Sample, text
from ansible_collections.intercloud.vpn.plugins.module_utils._node.metrics.metrics import Seen, metrics
from ansible_collections.intercloud.vpn.plugins.module_utils._node.state import Store

LINK = {"vpn": "payroll", "tunnel": "edge-east--edge-west", "initiator": True}
LABELS = '{vpn="payroll",tunnel="edge-east--edge-west",peer="edge-west"}'


@pytest.fixture
def seen(edge: Generation) -> Seen:
    return Seen(edge, links=[{**LINK, "state": "INSTALLED"}])


def values(seen: Seen) -> dict[str, str]:
    """name and labels -> value."""
    lines = [line for line in metrics(seen, 0.25, 1000.0).splitlines() if not line.startswith("#")]
    return dict(line.removeprefix("intercloud_vpn_").rsplit(" ", 1) for line in lines)


@pytest.mark.parametrize(
    ("state", "up"), [("INSTALLED", "1"), ("REKEYING", "1"), ("DOWN", "0"), ("NARROWED", "0"), ("UNKNOWN", "0")]
)
def test_a_link_that_is_down_stays_visible(seen: Seen, state: str, up: str) -> None:
    found = values(seen._replace(links=[{**LINK, "state": state}]))
    assert found[f"link_up{LABELS}"] == up
    assert (f"link_narrowed{LABELS}" in found) == (state == "NARROWED")
    assert (f"link_unknown{LABELS}" in found) == (state == "UNKNOWN")


def test_a_tunnel_without_associations_has_none(seen: Seen) -> None:
    name = 'security_associations{tunnel="edge-east--edge-west"}'
    assert values(seen)[name] == "0"
    assert values(seen._replace(associations={"edge-east--edge-west": 2}))[name] == "2"


def test_whose_it_is_and_what_it_runs(seen: Seen) -> None:
    found = values(seen._replace(unconfirmed=True, damaged=2))
    assert found['node_info{node="edge-east",organization="acme",role="org_edge",cloud="east"}'] == "1"
    assert (found["generation"], found["unconfirmed"], found["refusing"], found["damaged_files"]) == (
        "3",
        "1",
        "0",
        "2",
    )
    assert (found["look_timestamp_seconds"], found["look_duration_seconds"]) == ("1000.0", "0.25")


def test_traffic_has_the_names_of_vpns(seen: Seen) -> None:
    counted = {
        "vpn1_sent": Counter(3, 300),
        "vpn2_received": Counter(5, 500),
        "refused": Counter(7, 1),
        "x": Counter(1, 1),
    }
    found = values(seen._replace(counters=counted))
    assert found['packets_total{vpn="payroll",way="sent"}'] == "3"
    assert found['bytes_total{vpn="six",way="received"}'] == "500"
    assert found['refused_packets_total{reason="refused"}'] == "7"
    assert len([name for name in found if name.startswith(("packets", "bytes", "refused"))]) == 5


def test_rates_and_quotas(seen: Seen, document: dict[str, Any]) -> None:
    document["vpns"][0]["rate"] = {"member": {"in": 62500}}
    usage = {"vpn": "payroll", "member": None, "octets": 5000, "used": 10, "period": "day"}
    found = values(seen._replace(generation=Generation(document), usage=[usage]))
    assert found['rate_bytes_per_second{vpn="payroll",whose="member",way="in"}'] == "62500"
    assert found['quota_bytes{vpn="payroll",member="",period="day"}'] == "5000"
    assert found['quota_used_bytes{vpn="payroll",member="",period="day"}'] == "10"


@pytest.mark.parametrize(
    ("certificate", "ends"),
    [
        (None, None),
        ({"not_after": "", "due": ""}, "0"),
        ({"not_after": "2026-12-31T00:00:00Z", "due": "2026-12-31T00:00:00Z"}, "1798675200"),
    ],
    ids=["none needed", "missing", "there"],
)
def test_a_certificate_that_is_missing_ended_long_ago(seen: Seen, certificate: Any, ends: str | None) -> None:
    found = values(seen._replace(certificate=certificate))
    assert found.get("certificate_not_after_timestamp_seconds") == ends
    assert found.get("certificate_due_timestamp_seconds") == ends


def test_repairs_are_counted_by_subsystem(seen: Seen, store: Store) -> None:
    store.at(repairs.FILE).parent.mkdir(parents=True)
    for _time in range(2):
        repairs.note(store, "routes", "nftables")
    repairs.note(store, "routes")
    found = values(seen._replace(repairs=repairs.counted(store)))
    assert (found['repairs_total{subsystem="routes"}'], found['repairs_total{subsystem="nftables"}']) == ("3", "2")


def test_the_file_of_repairs_does_not_grow_for_ever(store: Store) -> None:
    store.at(repairs.FILE).parent.mkdir(parents=True)
    store.at(repairs.FILE).write_text("routes\n" * (repairs.FULL // 7 + 1))
    repairs.note(store, "units")
    assert repairs.counted(store) == {"units": 1}


def test_what_cannot_be_counted_stops_no_repair(store: Store) -> None:
    repairs.note(store, "routes")  # there is no such directory
    assert repairs.counted(store) == {}


def test_a_name_cannot_leave_its_label() -> None:
    said = text([Family("x", "gauge", "A test.", [Sample(1, {"name": 'a"b\\c\nd'})])])
    assert said.splitlines()[2] == r'intercloud_vpn_x{name="a\"b\\c\nd"} 1'


def test_a_family_without_samples_is_left_out() -> None:
    assert text([Family("x", "gauge", "A test.", [])]) == ""


def test_the_journal_has_failures_and_not_every_start() -> None:
    service = units.own("/agent")[f"{units.DIRECTORY}/{units.NAME}.service"].splitlines()
    assert {"LogLevelMax=notice", "SyslogLevel=warning"} <= {*service}


def test_a_node_that_has_nothing_says_so(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    assert agent.main(["metrics"]) == 0
    assert "intercloud_vpn_generation 0\n" in capsys.readouterr().out


def test_the_file_is_written_where_node_exporter_looks_and_nowhere_else(store: Store) -> None:
    assert not look.write(store)
    assert [*store.root.rglob("*.prom")] == []
    store.at(look.DIRECTORY).mkdir(parents=True)
    assert look.write(store)
    assert "intercloud_vpn_generation 0\n" in store.at(look.FILE).read_text(encoding="utf-8")
    assert [path.name for path in store.at(look.DIRECTORY).iterdir()] == [Path(look.FILE).name]


TABLE = "add table inet intercloud_vpn; add counter inet intercloud_vpn vpn1_sent { packets 3 bytes 300 }"


@pytest.mark.parametrize(("load", "found"), [(TABLE, {"vpn1_sent": Counter(3, 300)}), ("list ruleset", {})])
def test_the_kernels_counters_are_read(load: str, found: dict[str, Counter]) -> None:
    """In a network namespace of its own."""
    code = f"import {counters.__name__} as c; print(c.counters())"
    words = ["unshare", "-n", "sh", "-c", 'nft "$1" >/dev/null && exec "$2" -c "$3"', "sh", load, sys.executable, code]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[6] / ".collections")}
    done = subprocess.run(words, capture_output=True, text=True, check=False, env=environment)
    assert (done.stdout.strip(), done.stderr) == (repr(found), "")
