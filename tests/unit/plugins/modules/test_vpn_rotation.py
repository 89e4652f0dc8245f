# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a rotation knows of edges, out of the ledger."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._base.errors import VccError
from ansible_collections.intercloud.vpn.plugins.module_utils._pki.rotating_secrets import Ends
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


def test_a_key_has_the_ends_of_its_tunnels() -> None:
    """A PPK both edges, a pre-shared key ours and the partner, a tls-crypt key a server and all its clients."""
    ppk, psk = {"auth": "pubkey", "ppk": True}, {"auth": "psk", "proposals": ["x"]}
    east = record(name="e--w", ike=ppk)
    east.document["tunnels"] += [
        {"name": "e--p", "peer": "partner", "ike": psk},
        {"name": "e--w--ssl", "peer": "edge-west", "ssl": {"tls_crypt": "edge-west", "device": "x"}},
    ]
    west = record(name="e--w", ike=ppk)
    west.document["tunnels"] += [
        {"name": f"{one}--w--ssl", "peer": one, "ssl": {"tls_crypt": "edge-west"}} for one in ("e", "s")
    ]
    transaction: Any = SimpleNamespace(documents=lambda _organization: {"edge-east": east, "edge-west": west})
    found = vpn_rotation.keys_of(transaction, ["acme"])["acme"]
    mine = {"name": "e--w", "peer": "edge-west", "ike": ppk}
    assert found["ppk"] == {"e--w": Ends({"edge-east": [mine], "edge-west": [mine]})}
    assert found["psk"] == {
        "e--p": Ends({"edge-east": [{"name": "e--p", "peer": "partner", "ike": {"auth": "psk"}}]}, "partner")
    }
    of_clients = {edge: [one["name"] for one in some] for edge, some in found["tls-crypt"]["edge-west"].edges.items()}
    assert of_clients == {"edge-east": ["e--w--ssl"], "edge-west": ["e--w--ssl", "s--w--ssl"]}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"kinds": ["keys", "ppk"]}, "vcc_rotate: rotate keys and ppk one after the other"),
        ({"kinds": ["keys"], "abandon": True}, "vcc_rotate_abandon: is for ppk, psk, tls_crypt"),
        ({"kinds": ["psk"], "at_once": True}, "vcc_rotate_at_once, vcc_rotate_finish: are for -e vcc_rotate=authority"),
    ],
)
def test_what_does_not_go_together_is_refused(tmp_path: Path, given: dict[str, Any], said: str) -> None:
    nothing = {"kinds": [], "abandon": False, "at_once": False, "finish": False, "state_dir": str(tmp_path)}
    with pytest.raises(VccError, match=said):
        vpn_rotation._of_secrets({**nothing, **given}, {"acme": {}}, False)


def test_without_a_kind_certificates_come_first(tmp_path: Path) -> None:
    nothing = {"kinds": [], "abandon": False, "at_once": False, "finish": False, "state_dir": str(tmp_path)}
    assert vpn_rotation._of_secrets(nothing, {"acme": {}}, False) is None
    state = tmp_path / "ppk/acme/@rotation.json"
    state.parent.mkdir(parents=True)
    state.write_text('{"format": 1, "begun": "now", "keys": {}, "abandoned": false}', encoding="utf-8")
    assert vpn_rotation._of_secrets(nothing, {"acme": {}}, False) is not None


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
