# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An edge is asked whether its certificate is due, and takes the next one only if that is for it, and for now."""

from __future__ import annotations

import datetime
import shutil
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("cryptography")

from ansible_collections.intercloud.vpn.plugins.module_utils._base import lifetime as _lifetime
from ansible_collections.intercloud.vpn.plugins.module_utils._node import renewal
from ansible_collections.intercloud.vpn.plugins.module_utils._node.document import Generation
from ansible_collections.intercloud.vpn.plugins.module_utils._node.generation import pending
from ansible_collections.intercloud.vpn.plugins.module_utils._node.ipsec import (
    certificates,
    charon,
    lifetime,
    request,
    x509,
)
from ansible_collections.intercloud.vpn.plugins.module_utils._node.state import REQUEST, Store
from ansible_collections.intercloud.vpn.plugins.module_utils._pki import authority, ca
from ansible_collections.intercloud.vpn.plugins.module_utils._pki.csr import check_request
from ansible_collections.intercloud.vpn.plugins.modules import edge_key

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")

EAST = "edge-east.acme"
GIVEN: dict[str, Any] = {
    "identity": EAST,
    "organization": "acme",
    "days": None,
    "certificate": None,
    "replaces": "",
}


class Edge:
    """edge-east with a certificate for so many days, of which so many are over."""

    def __init__(self, store: Store, generation: Generation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.store, self.patch = store, monkeypatch
        self.owner = ca.ensure_authority(tmp_path / "server", "acme")
        self.key = store.at(certificates.KEY)
        edge_key.make_key(str(self.key))
        store.save(generation)
        store.point(generation)
        for path in (certificates.CERTIFICATE, certificates.AUTHORITY):
            store.at(path).parent.mkdir(parents=True, exist_ok=True)
        store.at(certificates.AUTHORITY).write_text(self.owner.pem)

    def sign(self, days: int, over: float = 0, identity: str = EAST) -> str:
        """A certificate for the edge's key."""
        then = authority.now() - datetime.timedelta(days=over)
        csr = str(edge_key.converge(str(self.key), identity, "acme", check=False)["csr"])
        with self.patch.context() as patch:
            patch.setattr(ca, "now", lambda: then)
            return ca.sign(self.owner, csr, identity, days).certificate

    def have(self, days: int, over: float = 0, identity: str = EAST) -> None:
        """Install it."""
        self.store.at(certificates.CERTIFICATE).write_text(self.sign(days, over, identity))

    def ask(self, check: bool = False, **given: Any) -> dict[str, Any]:
        return renewal.renewal({**GIVEN, **given}, self.store, check)


@pytest.fixture
def east(store: Store, edge: Generation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Edge:
    return Edge(store, edge, tmp_path, monkeypatch)


def test_the_rule_is_the_same_for_who_never_sees_a_node() -> None:
    assert lifetime.SHARE == _lifetime.DUE


@pytest.mark.parametrize(
    ("days", "over", "due"), [(30, 19, False), (30, 21, True), (30, 31, True), (397, 260, False), (397, 270, True)]
)
def test_it_is_due_when_a_third_of_its_lifetime_is_left(east: Edge, days: int, over: int, due: bool) -> None:
    east.have(days, over)
    found = east.ask()
    assert (found["needed"], found["due"], bool(found["csr"]), found["problem"]) == (True, due, due, "")
    if due:
        assert check_request(found["csr"], EAST, "acme")
        assert east.ask()["csr"] == found["csr"], "asked again, it says the same"


def test_days_can_be_said_instead(east: Edge) -> None:
    east.have(30, 10)
    assert [east.ask(days=days)["due"] for days in (19, 21)] == [False, True]


def test_check_keeps_no_request(east: Edge) -> None:
    east.have(30, 25)
    assert check_request(east.ask(check=True)["csr"], EAST, "acme")
    assert not (east.store.state / REQUEST).exists()


def test_who_needs_none_is_asked_for_none(east: Edge, document: dict[str, Any]) -> None:
    east.have(30, 25)
    found = east.ask(organization="umbra")
    assert (found["needed"], found["due"]) == (False, False), "another organization's"
    document["tunnels"][0]["ike"]["auth"] = "psk"
    other = Generation({**document, "generation": 4}, {}, "libipsec")
    east.store.save(other)
    east.store.point(other)
    assert (east.ask()["needed"], east.ask()["due"]) == (False, False)


def test_an_edge_that_was_renamed_waits_for_create_vpn(east: Edge) -> None:
    """Nobody else's identity is renewed, whatever an edge says of itself."""
    east.have(30, 25)
    found = east.ask(identity="edge-west.acme")
    assert (found["due"], found["csr"]) == (True, None)
    assert found["problem"] == "it is edge-east.acme, and the inventory says edge-west.acme: run create_vpn"
    east.have(30, 25, identity="edge-west.acme")
    assert "it is edge-west.acme, and the inventory says edge-east.acme" in east.ask()["problem"]
    assert "it is edge-east.acme, and" in east.ask(identity="edge-west.acme")["problem"], "its tunnels say edge-east"


@pytest.mark.parametrize(
    ("path", "said", "matters"),
    [
        (certificates.KEY, "its private key is missing: run create_vpn", False),
        (certificates.CERTIFICATE, "its certificate is missing: run create_vpn", True),
        (certificates.AUTHORITY, "is signed by another authority than the installed one: run create_vpn", False),
    ],
)
def test_what_a_renewal_does_not_repair_is_said(east: Edge, path: str, said: str, matters: bool) -> None:
    """It fails the run when the certificate is due, or is missing: nothing else would tell before it ends."""
    for over, due in ((5, matters), (25, True)):
        east.have(30, over)
        east.store.at(path).unlink()
        found = east.ask()
        assert (found["due"], found["csr"]) == (due, None) and said in found["problem"]
        if path == certificates.KEY:
            edge_key.make_key(str(east.key))
        east.store.at(certificates.AUTHORITY).write_text(east.owner.pem)


def test_the_edge_tells_what_the_run_judges_it_by(east: Edge) -> None:
    east.have(30, 5)
    path = east.store.at(certificates.REVOCATIONS)
    path.parent.mkdir(parents=True)
    path.write_text("what was revoked\n")
    found = east.ask(days=10)
    left = lifetime.moment(found["not_after"]) - lifetime.moment(found["due_from"])
    assert left == datetime.timedelta(days=10) and found["crl"] == "what was revoked\n"
    assert abs(lifetime.moment(found["clock"]) - authority.now()) < datetime.timedelta(minutes=1)


def test_a_request_for_another_organization_is_made_anew(east: Edge) -> None:
    east.have(30, 25)
    made = request.asked(east.store, EAST, "acme2")
    assert request.kept(east.store, EAST, "acme2") == made
    assert request.kept(east.store, EAST, "acme") == ""


def test_a_certificate_that_comes_after_another_one_is_not_installed(east: Edge) -> None:
    """Of two runs at once, the second one finds that the first has renewed it."""
    east.have(30, 25)
    text, had = east.sign(30), x509.certificate(east.store)["serial"]
    found = east.ask(certificate=text, replaces="b0b")
    assert (found["changed"], found["confirm"]) == (False, False)
    assert found["serial"] == had, "what it has, and not what it was given"
    assert x509.certificate(east.store)["serial"] == had


def test_only_a_trusted_authority_s_certificate_is_installed(east: Edge, tmp_path: Path) -> None:
    east.have(30, 25)
    had = x509.certificate(east.store)["serial"]
    east.owner = ca.ensure_authority(tmp_path / "elsewhere", "acme")
    for text, said in (
        (east.sign(30), "the new certificate is not signed by an authority that the edge trusts: run create_vpn"),
        ("no certificate", "certificate: is not a certificate in PEM"),
    ):
        found = east.ask(certificate=text, replaces=had)
        assert found["msg"].startswith(f"not renewed, nothing was touched: {said}")
        assert x509.certificate(east.store)["serial"] == had


def test_a_certificate_that_is_not_in_use_yet_is_an_interrupted_renewal(
    east: Edge, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a run that was killed. Who is at work has an end of its own."""
    east.have(30, 5)
    assert not renewal._unfinished(east.store), "no strongSwan runs here"
    monkeypatch.setattr(charon, "marker", lambda store: {"credentials": certificates.on_disk(store)})
    assert not renewal._unfinished(east.store)
    monkeypatch.setattr(charon, "marker", lambda _store: {"credentials": "those before"})
    assert renewal._unfinished(east.store)
    pending.arm(east.store, east.store.named("current"), "", 60)
    assert not renewal._unfinished(east.store)
