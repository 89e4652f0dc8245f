# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A VCC node keeps each organization's slice in a file of its own."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._node import slices as _slices
from ansible_collections.intercloud.vpn.plugins.module_utils._node import survey
from ansible_collections.intercloud.vpn.plugins.module_utils._node.state import Store


def slice_of(organization: str, number: int, **nodes: Any) -> dict[str, Any]:
    common = {"format": 1, "node": "node-east", "role": "vcc_node", "cloud": "east"}
    return {**common, "organization": organization, "generation": number, "slice": nodes}


def keep(store: Store, *slices: dict[str, Any], check: bool = False, older: bool = False) -> dict[str, Any]:
    return _slices.keep({"slices": list(slices), "allow_older": older, "require": []}, store, check)


def files(store: Store) -> dict[str, str]:
    return {path.parent.name: path.read_text() for path in store.state.glob("organizations/*/document.json")}


ACME, UMBRA = slice_of("acme", 3, edge={"vpns": ["payroll"]}), slice_of("umbra", 7, gate={"vpns": ["payroll"]})


def test_each_organization_has_a_file_for_root_only(store: Store) -> None:
    result = keep(store, ACME, UMBRA)
    assert result["changed"] is True
    assert result["subsystems"]["slice"]["actions"] == ["store 3 of acme", "store 7 of umbra"]
    assert "umbra" not in files(store)["acme"] and "acme" not in files(store)["umbra"]
    paths = [
        store.state / "organizations",
        *store.state.glob("organizations/*"),
        *store.state.glob("organizations/*/*"),
    ]
    assert [oct(path.stat().st_mode & 0o777) for path in paths] == ["0o700"] * 3 + ["0o600"] * 2
    assert keep(store, ACME, UMBRA)["changed"] is False


def test_a_run_for_one_touches_nothing_of_the_other(store: Store) -> None:
    keep(store, ACME, UMBRA)
    was = files(store)["acme"]
    keep(store, slice_of("umbra", 8, gate={}))
    assert files(store)["acme"] == was
    keep(store, slice_of("umbra", 9))
    assert files(store) == {"acme": was}


def test_the_last_slice_leaves_nothing_behind(store: Store) -> None:
    keep(store, ACME)
    result = keep(store, slice_of("acme", 4))
    assert result["subsystems"]["slice"]["actions"] == ["forget acme"]
    assert not store.state.exists()
    assert keep(store, slice_of("acme", 4))["changed"] is False
    assert not store.state.exists()


def test_check_predicts_and_writes_nothing(store: Store) -> None:
    predicted = keep(store, ACME, check=True)
    assert not store.state.exists()
    assert keep(store, ACME) == predicted


def test_an_older_plan_is_refused_whole_unless_it_is_allowed(store: Store) -> None:
    keep(store, UMBRA)
    older = slice_of("umbra", 6, gate={})
    result = keep(store, ACME, older)
    assert "umbra: this plan's generation is 6, and the node runs 7" in result["msg"]
    assert list(files(store)) == ["umbra"]
    assert keep(store, ACME, older, older=True)["changed"] is True


@pytest.mark.parametrize(
    "change", [{"organization": "../../etc"}, {"organization": ""}, {"role": "member"}, {"format": 2}]
)
def test_what_is_no_slice_is_refused(store: Store, change: dict[str, Any]) -> None:
    assert "msg" in keep(store, {**ACME, **change})
    assert not store.state.exists()


def test_a_file_that_cannot_be_read_is_written_anew(store: Store) -> None:
    keep(store, ACME)
    path = store.state / "organizations/acme/document.json"
    path.write_text("{half")
    assert keep(store, ACME)["changed"] is True
    assert keep(store, ACME)["changed"] is False


# Metrics

EXPORTER = "/var/lib/prometheus/node-exporter"
TOLD = f"{EXPORTER}/intercloud_vpn_slices.prom"


@pytest.fixture
def exporter(store: Store) -> Store:
    """A node with node_exporter's directory."""
    store.at(EXPORTER).mkdir(parents=True)
    return store


def test_node_exporter_is_told_of_every_slice(exporter: Store) -> None:
    assert keep(exporter, ACME, UMBRA)["subsystems"]["metrics"]["actions"] == [f"write {TOLD}"]
    keep(exporter, slice_of("umbra", 8, gate={}, door={}))
    told = exporter.at(TOLD).read_text()
    assert 'intercloud_vpn_slice_generation{node="node-east",organization="acme",cloud="east"} 3\n' in told
    assert 'intercloud_vpn_slice_generation{node="node-east",organization="umbra",cloud="east"} 8\n' in told
    assert 'intercloud_vpn_slice_nodes{node="node-east",organization="umbra",cloud="east"} 2\n' in told
    assert exporter.at(TOLD).stat().st_mode & 0o777 == 0o644
    assert keep(exporter, ACME)["changed"] is False


def test_without_node_exporter_nothing_is_written(store: Store) -> None:
    assert "metrics" not in keep(store, ACME)["subsystems"]
    assert not store.at(EXPORTER).exists()


def test_the_last_slice_takes_the_metrics_along(exporter: Store) -> None:
    keep(exporter, ACME)
    predicted = keep(exporter, slice_of("acme", 4), check=True)
    assert exporter.at(TOLD).exists()
    assert keep(exporter, slice_of("acme", 4)) == predicted
    assert list(exporter.at(EXPORTER).iterdir()) == []


def test_node_exporter_that_is_installed_later_is_told_by_the_next_run(store: Store) -> None:
    """A run asks a node whose survey does not show the slices that it is to have."""
    root = str(store.at("/"))
    keep(store, ACME)
    assert survey._told(root)
    store.at(EXPORTER).mkdir(parents=True)
    assert not survey._told(root)
    assert keep(store, ACME)["subsystems"]["metrics"]["changed"]
    assert survey._told(root)
