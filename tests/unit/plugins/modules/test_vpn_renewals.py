# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the VCC server learns of edges that answered."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("cryptography")

from ansible_collections.intercloud.vpn.plugins.module_utils._pki import ca, crl
from ansible_collections.intercloud.vpn.plugins.modules import vpn_renewals
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils._pki.test_crl import EAST, WEST, request
from ansible_collections.intercloud.vpn.tests.unit.plugins.modules.test_cloud_part import Done, Module


def asked(state_dir: Path, **given: Any) -> dict[str, Any]:
    empty = {"organizations": [], "days": 30, "installed": None, "edges": {}, "lists": {}, "answered": {}}
    ledger = f"sqlite:///{state_dir}/ledger.sqlite"
    check = bool(given.pop("check", False))
    with pytest.raises(Done) as done:
        module = Module(check, **{**empty, "ledger": ledger, "state_dir": str(state_dir), "variable": "x", **given})
        vpn_renewals.run(module)  # type: ignore[arg-type]
    return dict(done.value.args[0])


def test_a_certificate_that_an_edge_has_has_arrived(tmp_path: Path) -> None:
    """The run that installed it was killed before it noted that. The edge would be judged by the one before."""
    owner = ca.ensure_authority(tmp_path, "acme")
    serials = {name: ca.sign(owner, request(name), name).serial for name in (EAST, WEST)}
    for serial in serials.values():
        crl.expect(owner, serial)
    told = {
        "edge-east": {"identity": EAST, "organization": "acme", "serial": serials[EAST]},
        "edge-odd": {"identity": "edge-odd.acme", "organization": "acme", "serial": f"../{serials[WEST]}"},
        "edge-lost": {"identity": "edge-lost.lost", "organization": "lost", "serial": "7"},
    }
    (tmp_path / "ca/lost").mkdir()
    (tmp_path / "ca/lost/rotation.json").write_text("{")
    asked(tmp_path, answered=told, check=True)
    assert crl.expected(owner) == {*serials.values()}
    asked(tmp_path, answered=told)
    assert crl.expected(owner) == {serials[WEST]}
