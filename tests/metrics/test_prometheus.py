# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Debian's Prometheus takes what an agent says, the alert rules and all that the dashboard asks."""

from __future__ import annotations

import copy
import json
import socket
import subprocess
import tempfile
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._node.document import Generation
from ansible_collections.intercloud.vpn.plugins.module_utils._node.metrics import slices
from ansible_collections.intercloud.vpn.plugins.module_utils._node.metrics.counters import Counter
from ansible_collections.intercloud.vpn.plugins.module_utils._node.metrics.metrics import Seen, metrics
from ansible_collections.intercloud.vpn.plugins.module_utils._node.metrics.places import DIRECTORY
from ansible_collections.intercloud.vpn.plugins.module_utils._node.state import Store
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils._node.conftest import EDGE

ROOT = Path(__file__).resolve().parents[2]
RULES = ROOT / "extensions/monitoring/prometheus/intercloud_vpn.rules.yml"
DASHBOARD = ROOT / "extensions/monitoring/grafana/intercloud_vpn.json"
LINK = {"vpn": "payroll", "tunnel": "edge-east--edge-west", "initiator": True}


def edge(**seen: Any) -> str:
    """What the agent of an edge says that has something of everything."""
    document = copy.deepcopy(EDGE)
    document["vpns"][0]["rate"] = {"member": {"in": 62500}}
    whole = {
        "links": [{**LINK, "state": "INSTALLED"}],
        "associations": {LINK["tunnel"]: 1},
        "counters": {"vpn1_sent": Counter(3, 300), "refused": Counter(7, 700), "spoofed": Counter(0, 0)},
        "usage": [{"vpn": "payroll", "member": "100.64.0.17", "octets": 5000, "used": 10, "period": "day"}],
        "certificate": {"not_after": "2099-12-31T00:00:00Z", "due": "2099-08-31T00:00:00Z"},
        "repairs": {"routes": 2},
    }
    return metrics(Seen(Generation(document), **{**whole, **seen}))


GOOD = edge()
NARROWED = {**LINK, "vpn": "six", "state": "NARROWED"}
BAD = edge(links=[{**LINK, "state": "DOWN"}, NARROWED], certificate={"not_after": ""}, damaged=1)


def vcc_node() -> str:
    """What a VCC node says that holds the slices of two organizations."""
    with tempfile.TemporaryDirectory() as root:
        store = Store(root)
        Path(root, DIRECTORY[1:]).mkdir(parents=True)
        common = {"node": "node-east", "cloud": "east", "slice": {"edge-east": {}}}
        return slices.wanted([{**common, "organization": name, "generation": 3} for name in ("acme", "umbra")], store)


NODE = vcc_node()
SAID = {"/good": GOOD, "/bad": BAD, "/node": NODE}


@pytest.fixture(scope="module")
def programs() -> Path:
    """Where prometheus and promtool are."""
    done = subprocess.run([ROOT / "scripts/prometheus.sh"], stdout=subprocess.PIPE, text=True, check=True)
    return Path(done.stdout.strip())


def promtool(programs: Path, *words: Any, text: str = "") -> tuple[int, str]:
    done = subprocess.run([programs / "promtool", *words], input=text, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("text", SAID.values(), ids=SAID)
def test_names_units_and_format_are_as_they_should_be(programs: Path, text: str) -> None:
    assert promtool(programs, "check", "metrics", text=text) == (0, "")


def test_the_rules_are_valid(programs: Path) -> None:
    status, said = promtool(programs, "check", "rules", RULES)
    assert status == 0, said


def test_each_alert_fires_when_it_should_and_for_nobody_else(programs: Path) -> None:
    status, said = promtool(programs, "test", "rules", ROOT / "tests/metrics/rules_test.yml")
    assert status == 0, said


class Prometheus:
    """A server that scrapes two edges and a VCC node."""

    def __init__(self, port: int, place: Path) -> None:
        self.place = place
        self.api = f"http://127.0.0.1:{port}/api/v1"

    def ask(self, path: str, **query: str) -> Any:
        with urllib.request.urlopen(f"{self.api}/{path}?{urllib.parse.urlencode(query)}", timeout=10) as answer:
            return json.load(answer)["data"]

    def query(self, expression: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.ask("query", query=expression)["result"]
        return found


class Edges(BaseHTTPRequestHandler):
    """In the place of their node_exporters."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.end_headers()
        self.wfile.write(SAID[self.path].encode())

    def log_message(self, *_said: Any) -> None:
        """Nothing."""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@pytest.fixture(scope="module")
def prometheus(programs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    place, port = tmp_path_factory.mktemp("prometheus"), free_port()
    edges = ThreadingHTTPServer(("127.0.0.1", 0), Edges)
    threading.Thread(target=edges.serve_forever, daemon=True).start()
    targets = [f"127.0.0.1:{edges.server_port}"]
    jobs = [
        {
            "job_name": name,
            "metrics_path": f"/{name}",
            "static_configs": [{"targets": targets, "labels": {"instance": instance}}],
        }
        for name, instance in (("good", "edge-good"), ("bad", "edge-bad"), ("node", "node-east"))
    ]
    pace = {"scrape_interval": "500ms", "evaluation_interval": "500ms"}
    config = place / "prometheus.yml"
    config.write_text(
        json.dumps({"global": pace, "rule_files": [str(RULES)], "scrape_configs": jobs}), encoding="utf-8"
    )
    words = [f"--config.file={config}", f"--storage.tsdb.path={place}/data", f"--web.listen-address=127.0.0.1:{port}"]
    with (place / "log").open("w") as log, subprocess.Popen([programs / "prometheus", *words], stderr=log) as process:
        server = Prometheus(port, place)
        try:
            # A rate needs two scrapes.
            wait(
                lambda: server.query('count_over_time(intercloud_vpn_generation{instance="edge-good"}[1m]) > 3'), place
            )
            yield server
        finally:
            process.terminate()
            edges.shutdown()


def wait(condition: Any, place: Path, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if condition():
                return
        except OSError:  # it does not listen yet
            pass
        time.sleep(0.2)
    raise AssertionError((place / "log").read_text(encoding="utf-8")[-3000:])


def test_all_that_is_asked_for_is_taken(prometheus: Prometheus) -> None:
    names = {line.split()[2] for line in (GOOD + NODE).splitlines() if line.startswith("# TYPE")}
    assert names <= set(prometheus.ask("label/__name__/values"))
    assert [one["health"] for one in prometheus.ask("targets")["activeTargets"]] == ["up", "up", "up"]


def test_alerts_begin_for_the_bad_edge_only(prometheus: Prometheus) -> None:
    begun = ("LinkDown", "LinkNarrowed", "StateDamaged", "CertificateEnds", "CertificateEndsSoon")
    wait(lambda: len(prometheus.ask("alerts")["alerts"]) >= len(begun), prometheus.place)
    found = [one["labels"] for one in prometheus.ask("alerts")["alerts"]]
    assert {(one["alertname"], one["instance"]) for one in found} == {
        (f"IntercloudVpn{name}", "edge-bad") for name in begun
    }
    assert {one["vpn"] for one in found if one["alertname"] == "IntercloudVpnLinkDown"} == {"payroll"}


PANELS = json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel["title"])
def test_each_panel_of_the_dashboard_shows_something(prometheus: Prometheus, panel: dict[str, Any]) -> None:
    for target in panel["targets"]:
        assert prometheus.query(target["expr"].replace("$instance", ".*")), target["expr"]


def test_the_panels_say_what_is_there(prometheus: Prometheus) -> None:
    def value(title: str) -> str:
        (panel,) = [one for one in PANELS if one["title"] == title]
        (found,) = prometheus.query(panel["targets"][0]["expr"].replace("$instance", ".*"))
        return str(found["value"][1])

    assert (value("Links down"), value("Links")) == ("2", "3")
    assert float(value("Certificates: least days left")) < 0
