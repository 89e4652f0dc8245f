# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever umask root has, on a node and on the VCC server: every file and directory has the mode it is to have."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._ledger import schema
from ansible_collections.intercloud.vpn.plugins.module_utils._node.document import NOTHING, Generation
from ansible_collections.intercloud.vpn.plugins.module_utils._node.generation import pending
from ansible_collections.intercloud.vpn.plugins.module_utils._node.ipsec import charon, secrets
from ansible_collections.intercloud.vpn.plugins.module_utils._node.part import Context
from ansible_collections.intercloud.vpn.plugins.module_utils._node.ssl import openvpn, processes, user
from ansible_collections.intercloud.vpn.plugins.module_utils._node.state import Store
from ansible_collections.intercloud.vpn.plugins.module_utils._node.system import (
    files as _files,
)
from ansible_collections.intercloud.vpn.plugins.module_utils._node.system import (
    install,
    systemd,
    units,
)
from ansible_collections.intercloud.vpn.plugins.module_utils._pki import ca, crl, keys
from ansible_collections.intercloud.vpn.plugins.modules import edge_key
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils._node.test_slices import keep, slice_of
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils._pki.test_crl import request
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils.landscapes import require_controller

UMASKS = (0o000, 0o022, 0o077)
CRL = "number: 7\nrevoked: edge-south.acme 1f 2026-11-27T00:00:00Z\n"


def listing(root: Path) -> dict[str, str]:
    return {
        str(path.relative_to(root)): f"{path.lstat().st_mode:o}"
        for path in sorted(root.rglob("*"))
        if not path.is_symlink()  # of those the mode is nobody's business
    }


def under(umask: int, root: Path, work: Callable[[Path], Any]) -> dict[str, str]:
    before = os.umask(umask)
    try:
        root.mkdir(0o755)
        root.chmod(0o755)
        work(root)
    finally:
        os.umask(before)
    return listing(root)


def node(root: Path, edge: Generation, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a commit leaves on a node, as far as it needs no systemd."""
    monkeypatch.setattr(systemd, "systemctl", lambda *_words: None)
    monkeypatch.setattr(user, "make", lambda _store: None)
    monkeypatch.setattr(systemd, "active", lambda _unit: False)
    monkeypatch.setattr(systemd, "alive", lambda _unit: False)
    tunnel = {**edge.document["tunnels"][0], "kind": "ssl", "initiator": False, "name": "one--ssl"}
    tunnel["ssl"] = {"device": "vcs0", "ports": {"udp": 1194}}
    files = {**edge.files, "openvpn.server-udp.conf": "x\n", "openvpn.peer.edge-west.acme": "y\n", "crl.pem": CRL}
    want = Generation({**edge.document, "tunnels": [tunnel]}, files, "libipsec")
    store = Store(str(root))
    with store.lock():
        store.save(want)
        store.point(want)
        pending.arm(store, want.name, "", 60)
        store.own("service", {})
        context = Context(want, NOTHING, store)
        for part in (install.Agent(context), units.Units(context), openvpn.Openvpn(context)):
            part.build()
        _files.write(store.at(secrets.PATH), "secret", 0o600)
        _files.write(store.at(charon.MARKER), "{}", 0o600)
    keep(Store(str(root / "vcc-node")), slice_of("acme", 1, edge={}))


def server(root: Path) -> None:
    """What a run leaves on the VCC server and on the controller."""
    require_controller()
    from ansible_collections.intercloud.vpn.plugins.action import vpn_report

    state = root / "state"
    keys.ensure_psks(state, "acme", ["one--two"])
    owner = ca.ensure_authority(state, "acme")
    ca.sign(owner, request("edge-east.acme"), "edge-east.acme")
    crl.revoke(owner, "edge-east.acme")
    for path in owner.directory.glob("issued/*.pem"):
        path.rename(path.with_name("serial.pem"))
    schema.make_file(root / "elsewhere/deep/ledger.sqlite")
    vpn_report.write(root / "results/deep/result.json", {})
    edge_key.make_key(str(root / "swanctl/private/edge.key"))


def test_a_node_has_the_same_modes_under_every_umask(
    tmp_path: Path, edge: Generation, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [under(umask, tmp_path / f"{umask:o}", lambda root: node(root, edge, monkeypatch)) for umask in UMASKS]
    assert found[0] == found[1] == found[2]
    assert found[0][processes.REVOKED.lstrip("/") + "/31"] == "100644"
    for place in (
        processes.HOME,
        processes.PEERS,
        processes.REVOKED,
        install.HOME,
    ):  # OpenVPN reads them as a user of its own
        assert found[0][place.lstrip("/")] == "40755"
    assert found[0]["var/lib/intercloud-vpn/generations"] == "40700"
    assert found[0][secrets.PATH.lstrip("/")] == "100600"


def test_the_vcc_server_has_the_same_modes_under_every_umask(tmp_path: Path) -> None:
    found = [under(umask, tmp_path / f"{umask:o}", server) for umask in UMASKS]
    assert found[0] == found[1] == found[2]
    assert {name for name, mode in found[0].items() if not mode.endswith(("700", "600"))} == {
        "state/ca/acme/ca.pem",
        "state/ca/acme/crl.pem",
        "state/ca/acme/issued/serial.pem",
    }


def test_a_mode_that_somebody_changed_is_put_back(
    tmp_path: Path, edge: Generation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """OpenVPN takes nothing for revoked in a directory that it may not read."""
    under(0o022, tmp_path / "node", lambda root: node(root, edge, monkeypatch))
    store = Store(str(tmp_path / "node"))
    want = store.current()
    assert want
    store.at(processes.REVOKED).chmod(0o700)
    store.at(f"{processes.REVOKED}/31").chmod(0o600)
    part = openvpn.Openvpn(Context(want, want, store))
    said = [change.action for change in part.changes() if "mode" in change.action]
    assert said == [f"set the mode of {processes.REVOKED}", f"set the mode of {processes.REVOKED}/31"]
    part.build()
    assert [change.action for change in part.changes() if "mode" in change.action] == []
