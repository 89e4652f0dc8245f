# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a rotation knows of edges, out of the ledger."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from ansible_collections.intercloud.vpn.plugins.module_utils._plan.compile.certified import of_applied
from ansible_collections.intercloud.vpn.plugins.modules import vpn_rotation


def record(**tunnel: Any) -> SimpleNamespace:
    links = [{"local_ts": ["100.64.0.0/26"], "remote_ts": ["100.64.0.64/26"]}]
    one = {"peer": "edge-west", "local_id": "edge-east.acme", "remote_id": "edge-west.acme", "links": links, **tunnel}
    return SimpleNamespace(role="org_edge", document={"tunnels": [one]})


def test_a_new_certificate_names_what_the_plan_gives_the_edge() -> None:
    """A new authority has no earlier certificate of the edge whose addresses it could keep."""
    documents = {"edge-east": record(ike={"auth": "pubkey"}), "edge-psk": record(ike={"auth": "psk"})}
    transaction: Any = SimpleNamespace(documents=lambda _organization: documents)
    ours, _partners, named = vpn_rotation.edges_of(transaction, ["acme"])
    assert ours == {"acme": {"edge-east": "edge-east.acme"}}
    assert named == {"edge-east": ["100.64.0.0/26"]}


def test_a_renewal_takes_the_addresses_of_edges_that_run_what_the_ledger_has() -> None:
    """One whose last run failed still has members at the addresses of before: a timer does not cut them off."""
    documents = {
        name: SimpleNamespace(generation=7, **vars(record(ike={"auth": auth})))
        for name, auth in (("edge-east", "pubkey"), ("edge-late", "pubkey"), ("edge-psk", "psk"))
    }
    transaction: Any = SimpleNamespace(
        organizations=lambda: ["acme"],
        documents=lambda _organization: documents,
        applied=lambda _organization: {"edge-east": 7, "edge-late": 6, "edge-psk": 7},
    )
    assert of_applied(transaction) == {"acme": {"edge-east": ["100.64.0.0/26"]}}
