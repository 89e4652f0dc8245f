# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An edge says by itself that its certificate ends."""

from __future__ import annotations

import shutil
import subprocess
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._node.document import Generation
from ansible_collections.intercloud.vpn.plugins.module_utils._node.ipsec import certificates, x509
from ansible_collections.intercloud.vpn.plugins.module_utils._node.resident import certificate_expiry
from ansible_collections.intercloud.vpn.plugins.module_utils._node.state import Store

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
        (timedelta(days=31), []),
        (timedelta(days=29, hours=1), ["in 29 days: run create_vpn before that"]),
        (timedelta(hours=1), ["in 0 days"]),
        (timedelta(0), ["its tunnels cannot come up again; run create_vpn"]),
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


def test_how_many_days_before_can_be_said(store: Store, end: datetime) -> None:
    assert not certificate_expiry.warnings(store, days=7, now=end - timedelta(days=20))


def test_who_needs_no_certificate_says_nothing(store: Store, edge: Generation, end: datetime, document: Any) -> None:
    document["tunnels"] = []
    other = Generation({**document, "generation": 4}, edge.files, edge.backend)
    store.save(other)
    store.point(other)
    assert certificate_expiry.warnings(store, now=end) == []
