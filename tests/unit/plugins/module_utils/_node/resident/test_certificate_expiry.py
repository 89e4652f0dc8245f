# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An edge says by itself that its certificate ends."""

from __future__ import annotations

import shutil
import subprocess
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._node.document import Generation
from ansible_collections.intercloud.vpn.plugins.module_utils._node.ipsec import certificates, request, x509
from ansible_collections.intercloud.vpn.plugins.module_utils._node.resident import certificate_expiry
from ansible_collections.intercloud.vpn.plugins.module_utils._node.state import REQUEST, Store
from ansible_collections.intercloud.vpn.plugins.module_utils._pki.csr import check_request
from ansible_collections.intercloud.vpn.plugins.modules import edge_key

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")


@pytest.fixture(name="end")
def _end(store: Store, edge: Generation) -> datetime:
    """An edge whose certificate is valid for 90 days from now; when it ends."""
    key, path = store.at(certificates.KEY), store.at(certificates.CERTIFICATE)
    for file in (key, path):
        file.parent.mkdir(parents=True)
    subject = ("-subj", "/CN=edge-east.acme", "-addext", "subjectAltName=DNS:edge-east.acme")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "90",
         "-keyout", str(key), "-out", str(path), *subject],
        check=True, capture_output=True, timeout=60,
    )  # fmt: skip
    store.save(edge)
    store.point(edge)
    return datetime.strptime(x509.certificate(store)["not_after"], certificate_expiry.FORMAT).replace(
        tzinfo=timezone.utc
    )


@pytest.mark.parametrize(
    ("before", "said"),
    [
        (timedelta(days=30, minutes=1), []),
        (timedelta(days=29, hours=1), ["is due for renewal since", "in 29 days: run renew_certificates or create_vpn"]),
        (timedelta(hours=1), ["in 0 days"]),
        (timedelta(0), ["its tunnels cannot come up again; run renew_certificates"]),
        (timedelta(days=-40), ["its tunnels cannot come up again"]),
        (timedelta(days=92), ["is not valid before", "check the clock"]),
    ],
)
def test_the_edge_says_it_before_and_after(store: Store, end: datetime, before: timedelta, said: list[str]) -> None:
    found = certificate_expiry.warnings(store, now=end - before)
    assert len(found) == bool(said)
    for words in said:
        assert words in found[0]
        assert "edge-east.acme" in found[0]


def test_it_asks_for_the_next_one_once_and_forgets_that_when_it_has_it(store: Store, end: datetime) -> None:
    kept = store.state / REQUEST
    certificate_expiry.warnings(store, now=end - timedelta(days=40))
    assert not kept.exists()
    certificate_expiry.warnings(store, now=end - timedelta(days=20))
    first = kept.read_text()
    assert check_request(first, "edge-east.acme", "acme")
    assert x509.certificate(store)["requested"]
    certificate_expiry.warnings(store, now=end - timedelta(days=10))
    assert kept.read_text() == first, "whoever reads it meanwhile, reads the same"
    certificate_expiry.warnings(store, now=end - timedelta(days=40))  # it was renewed
    assert not kept.exists()


def test_the_key_is_told_the_request_that_the_agent_has_made(
    store: Store, end: datetime, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    certificate_expiry.warnings(store, now=end - timedelta(days=20))
    key = str(store.at(certificates.KEY))
    monkeypatch.setattr(certificates, "KEY", key)
    monkeypatch.setattr(edge_key, "Store", lambda: store)
    kept = (store.state / REQUEST).read_text()
    store.state.rename(tmp_path / "state")
    monkeypatch.setattr(Store, "state", tmp_path / "state")
    monkeypatch.setattr(store, "at", Path)
    assert edge_key.converge(key, "edge-east.acme", "acme", check=False)["csr"] == kept
    for identity, organization in (("edge-west.acme", "acme"), ("edge-east.acme", "umbra")):
        other = str(edge_key.converge(key, identity, organization, check=False)["csr"])
        assert check_request(other, identity, organization), "of another name, it is a new one"
    Path(key).unlink()
    fresh = str(edge_key.converge(key, "edge-east.acme", "acme", check=False)["csr"])
    assert fresh != kept and check_request(fresh, "edge-east.acme", "acme"), "of another key, it is a new one"


def test_a_request_that_cannot_be_made_is_told_and_stops_nobody(
    store: Store, end: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_given: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(request.files, "write", full)
    (said,) = certificate_expiry.warnings(store, now=end - timedelta(days=20))
    assert "cannot be made: no space left on device" in said


def test_who_needs_no_certificate_says_nothing(store: Store, edge: Generation, end: datetime, document: Any) -> None:
    document["tunnels"] = []
    other = Generation({**document, "generation": 4}, edge.files, edge.backend)
    store.save(other)
    store.point(other)
    assert certificate_expiry.warnings(store, now=end) == []
