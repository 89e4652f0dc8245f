# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which OpenVPN processes are restarted, which ends their sessions: those that read something else as they started."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._node.document import NOTHING, Generation
from ansible_collections.intercloud.vpn.plugins.module_utils._node.ipsec import certificates
from ansible_collections.intercloud.vpn.plugins.module_utils._node.part import Context
from ansible_collections.intercloud.vpn.plugins.module_utils._node.ssl import openvpn, processes
from ansible_collections.intercloud.vpn.plugins.module_utils._node.state import Store
from ansible_collections.intercloud.vpn.plugins.module_utils._node.system import systemd
from ansible_collections.intercloud.vpn.plugins.module_utils._pki import ca
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils._node.ssl.test_processes import (
    SSL,
    rendered,
    waiting,
)

# The lines that servers have since certificates name addresses; the release before had what is around them.
SINCE = """\
# It also looks whether the peer's certificate names what lives behind it (RFC 3779).
x509-track +sbgp-ipAddrBlock
"""
SERVER = f"{processes.HOME}/server-udp.conf"


@pytest.fixture
def want(document: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Generation:
    """An edge that another one comes to."""
    (tunnel,) = document["tunnels"]
    del tunnel["ike"], tunnel["links"][0]["esp"]
    tunnel.update(kind="ssl", ssl=SSL)
    waiting(document, "edge-west")
    monkeypatch.setattr(systemd, "alive", lambda _unit: True)
    monkeypatch.setattr(openvpn.Openvpn, "_enabled", lambda *_args: True)
    return Generation(document, rendered(document), "none")


def restarts(want: Generation, store: Store, started_with: str, authority: str = "") -> dict[str, str]:
    """Of the server, when it read this; its authority is the node's unless another is given."""
    texts = {SERVER: started_with, certificates.CERTIFICATE: "", certificates.AUTHORITY: authority}
    loaded = "".join(f"{hashlib.sha256(text.encode()).hexdigest()}  {path}\n" for path, text in texts.items())
    for name in processes.processes(want):
        path = store.at(f"{processes.SOCKETS}/{name}.loaded")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(loaded, encoding="utf-8")
    found = openvpn.Openvpn(Context(want, NOTHING, store))._restarts()
    return {name: verb for name, verb in found.items() if name == "server-udp"}


def test_an_upgrade_ends_no_session(want: Generation, store: Store) -> None:
    now = processes.files(want)[SERVER]
    assert SINCE in now
    assert restarts(want, store, now) == {}
    assert restarts(want, store, now.replace(SINCE, "")) == {}


def test_another_configuration_or_authority_does(want: Generation, store: Store) -> None:
    now = processes.files(want)[SERVER]
    assert restarts(want, store, now.replace("script-security 2\n", "")) == {"server-udp": "restart"}
    # With an authority that names addresses, servers begin to look at them.
    assert restarts(want, store, now.replace(SINCE, ""), "another one") == {"server-udp": "restart"}


def test_servers_know_of_authorities_that_certify_addresses(want: Generation, store: Store, tmp_path: Path) -> None:
    def files(certifying: bool) -> tuple[set[str], set[str]]:

        owner = ca.ensure_authority(tmp_path / str(certifying), "acme", certifying)
        path = store.at(certificates.AUTHORITY)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(owner.pem, encoding="utf-8")
        part = openvpn.Openvpn(Context(want, NOTHING, store))
        foretold = {change.action for change in part.changes() if processes.ADDRESSED in change.action}
        part._files.remove()
        part._files.write()
        assert not [change for change in part.changes() if processes.ADDRESSED in change.action]
        return foretold, {path.name for path in store.at(processes.HOME).iterdir() if path.is_file()}

    name = processes.ADDRESSED.rpartition("/")[2]
    foretold, there = files(certifying=True)
    assert foretold == {f"write {processes.ADDRESSED}"}
    assert name in there
    assert store.at(processes.ADDRESSED).stat().st_mode & 0o444 == 0o444  # OpenVPN's user looks for it
    foretold, there = files(certifying=False)
    assert foretold == {f"remove {processes.ADDRESSED}"}
    assert name not in there
