# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A packed document is the same document, and is small."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.intercloud.vpn.plugins.module_utils._ledger.packing import FEWEST, pack, unpack
from ansible_collections.intercloud.vpn.plugins.module_utils._ledger.records import canonical_json
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils.landscapes import World, lab

GOLDEN = Path(__file__).resolve().parents[3] / "golden"
DOCUMENTS = {
    f"{path.parent.name}/{node}": document
    for path in sorted(GOLDEN.glob("*/plan.json"))
    for node, document in json.loads(path.read_text(encoding="utf-8"))["documents"].items()
}


def there_and_back(document: dict[str, Any]) -> Any:
    """As the ledger keeps it."""
    return unpack(json.loads(canonical_json(pack(document))))


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_document_comes_back(name: str) -> None:
    document = DOCUMENTS[name]
    many = {**document, "tunnels": document["tunnels"] * FEWEST, "routes": document["routes"] * FEWEST}
    for one in (document, many):
        assert there_and_back(one) == one
        assert json.dumps(there_and_back(one)) == json.dumps(json.loads(canonical_json(one)))  # the order of keys, too


PLAIN = st.recursive(st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=2), st.lists, max_leaves=4)
RECORD = st.dictionaries(st.sampled_from(["prefix", "via", "metric", "name", "peer", "a"]), PLAIN)
LINKS = st.lists(st.dictionaries(st.sampled_from(["remote_ts", "reqid", "vpn", "esp"]), PLAIN), max_size=3)


@given(st.lists(RECORD, max_size=20), st.lists(st.tuples(RECORD, LINKS), max_size=20))
def test_whatever_is_in_it_comes_back(routes: list[Any], tunnels: list[Any]) -> None:
    every = [{"remote_address": "", "remote_id": "", **record, "links": links} for record, links in tunnels]
    document = {"routes": routes, "tunnels": every}
    assert there_and_back(document) == document


def test_a_tunnel_more_is_a_short_row_more() -> None:
    """A whole tunnel with its link and its route has 1,000 octets."""

    def size(sites: int) -> float:
        world = World(lab(sites, vapps=0, vms=0, org_vms=1))
        members = [name for name in world.hosts if name.startswith("vm")]
        documents = world.plan({"name": "payroll", "pool": "internal", "members": members}).documents
        return sum(len(documents.record(node).text) for node in documents) / (sites * (sites - 1))

    assert size(40) < 320
