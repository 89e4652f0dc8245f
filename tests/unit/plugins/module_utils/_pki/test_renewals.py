# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is due is signed for who the inventory says, and of an edge that is silent it is told whether that matters."""

from __future__ import annotations

import datetime
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("cryptography")

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from ansible_collections.intercloud.vpn.plugins.module_utils._pki import authority, ca, crl
from ansible_collections.intercloud.vpn.plugins.module_utils._pki.blocks import OID
from ansible_collections.intercloud.vpn.plugins.module_utils._pki.renewals import Edge, installed, renew
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils._pki.test_crl import EAST, WEST
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils._pki.test_crl import request as _request

Signing = Callable[[int, int], str]
SILENT = Edge(WEST, "acme")
KEYS = {name: ec.generate_private_key(ec.SECP256R1()) for name in (EAST, WEST)}


def request(name: str, key: ec.EllipticCurvePrivateKey | None = None) -> str:
    """An edge's request, for the key that it always has."""
    return _request(name, key or KEYS[name])


@pytest.fixture
def owner(tmp_path: Path) -> authority.Authority:
    return ca.ensure_authority(tmp_path, "acme", certifying=True)


@pytest.fixture
def had(owner: authority.Authority, monkeypatch: pytest.MonkeyPatch) -> Signing:
    """Signs a certificate of edge-west, some days ago."""

    def sign(days: int, over: int) -> str:
        then = authority.now() - datetime.timedelta(days=over)
        with monkeypatch.context() as patch:
            patch.setattr(ca, "now", lambda: then)
            return ca.sign(owner, request(WEST), WEST, days).serial

    return sign


def test_each_gets_a_certificate_by_its_name_in_the_inventory(owner: authority.Authority, tmp_path: Path) -> None:
    ca.sign(owner, request(EAST), EAST, addresses=["100.64.0.0/26"])
    asked = {
        "edge-east": Edge(EAST, "acme", request(EAST)),
        "edge-west": Edge(WEST, "acme", request(EAST)),  # an edge that was broken into, and asks for another's name
    }
    found = renew(tmp_path, asked, 30, None)
    assert set(found.signed) == {"edge-east"} and "only CN=edge-west.acme" in found.wrong["edge-west"]
    made = x509.load_pem_x509_certificate(found.signed["edge-east"].certificate.encode())
    left = authority.not_after(made) - authority.now()
    assert datetime.timedelta(days=29, hours=23) < left <= datetime.timedelta(days=30)


def test_it_names_the_addresses_of_the_one_before(owner: authority.Authority, tmp_path: Path) -> None:
    """Without these, peers would refuse all that is behind the edge."""
    asked = {"edge-east": Edge(EAST, "acme", request(EAST))}
    assert "for a key that has none yet" in renew(tmp_path, asked, 30, None).wrong["edge-east"]
    before = ca.sign(owner, request(EAST), EAST, addresses=["100.64.0.0/26"]).certificate
    after = renew(tmp_path, asked, 30, None).signed["edge-east"].certificate
    named = [
        [one.value for one in x509.load_pem_x509_certificate(pem.encode()).extensions if one.oid.dotted_string == OID]
        for pem in (before, after)
    ]
    assert named[0] == named[1] != []


def named(pem: str) -> str:
    """The addresses in a certificate, as openssl prints them."""
    words = ["openssl", "x509", "-noout", "-ext", "sbgp-ipAddrBlock"]
    return subprocess.run(words, input=pem, capture_output=True, text=True, check=True, timeout=30).stdout


def test_it_names_the_addresses_that_the_ledger_has_now(owner: authority.Authority, tmp_path: Path) -> None:
    """Those that went to another edge would stay in its certificates for ever."""
    ca.sign(owner, request(EAST), EAST, addresses=["100.64.0.0/26", "100.64.9.0/26"])
    asked = {"edge-east": Edge(EAST, "acme", request(EAST))}
    ledger = {"acme": {"edge-east": ["100.64.0.0/26", "100.64.1.0/26"]}, "umbra": {"edge-east": ["10.0.0.0/8"]}}
    after = named(renew(tmp_path, asked, 30, None, addresses=ledger).signed["edge-east"].certificate)
    assert "100.64.1.0/26" in after
    assert "100.64.9.0" not in after
    again = named(renew(tmp_path, asked, 30, None).signed["edge-east"].certificate)  # of a ledger that does not answer
    assert again == after


def test_a_server_without_its_newest_certificate_gives_an_edge_none_with_fewer_addresses(
    owner: authority.Authority, tmp_path: Path
) -> None:
    """As one that was restored from a backup of before the edge got a further block."""
    small = ca.sign(owner, request(EAST), EAST, addresses=["100.64.0.0/26"]).serial
    large = ca.sign(owner, request(EAST), EAST, addresses=["100.64.0.0/25"]).serial
    asked = {"edge-east": Edge(EAST, "acme", request(EAST), serial=large)}
    assert set(renew(tmp_path, asked, 30, None, check=True).signed) == {"edge-east"}
    (owner.directory / "issued" / f"{large}.pem").unlink()
    assert renew(tmp_path, asked, 30, None).wrong == {
        "edge-east": "the authority has no copy of its certificate, which names its addresses: run create_vpn"
    }
    asked = {"edge-east": Edge(EAST, "acme", request(EAST), serial=small)}
    assert set(renew(tmp_path, asked, 30, None).signed) == {"edge-east"}


def test_who_has_a_revoked_edge_does_not_get_in_by_another_key(owner: authority.Authority, tmp_path: Path) -> None:
    """Nobody looks at what a schedule renews."""
    ca.sign(owner, request(WEST), WEST, addresses=["100.64.0.0/26"])
    other = request(WEST, ec.generate_private_key(ec.SECP256R1()))
    for _revoked in (False, True):
        found = renew(tmp_path, {"edge-west": Edge(WEST, "acme", other)}, 30, None)
        assert found.signed == {} and "for a key that has none yet" in found.wrong["edge-west"]
        crl.revoke(owner, WEST)


def test_an_edge_in_no_vpn_gets_none(owner: authority.Authority, tmp_path: Path) -> None:
    ca.sign(owner, request(WEST), WEST, addresses=["100.64.0.0/26"])
    asked = {"edge-west": Edge(WEST, "acme", request(WEST))}
    found = renew(tmp_path, asked, 30, ["edge-east"])
    assert (found.signed, found.notes) == ({}, {"edge-west": "it is in no VPN: its certificate is not renewed"})
    assert renew(tmp_path, asked, 30, ["edge-west"]).signed


def test_check_signs_nothing(owner: authority.Authority, tmp_path: Path) -> None:
    before = ca.sign(owner, request(EAST), EAST, addresses=["100.64.0.0/26"]).serial
    found = renew(tmp_path, {"edge-east": Edge(EAST, "acme", request(EAST))}, 30, None, check=True)
    assert found.signed["edge-east"].certificate == ""
    assert [path.stem for path in (owner.directory / "issued").iterdir()] == [before]


def test_no_authority_is_made(tmp_path: Path) -> None:
    found = renew(tmp_path, {"edge-east": Edge(EAST, "acme", request(EAST))}, 30, None)
    assert "acme has no authority on the VCC server" in found.wrong["edge-east"]
    assert not (tmp_path / "ca").exists()


def test_a_revoked_edge_gets_no_certificate_and_fails_no_schedule(owner: authority.Authority, tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    ca.sign(owner, request(WEST, key), WEST)
    crl.revoke(owner, WEST)
    found = renew(tmp_path, {"edge-west": Edge(WEST, "acme", request(WEST, key))}, 30, None)
    assert (found.signed, found.wrong) == ({}, {}) and "was revoked" in found.notes["edge-west"]


def test_what_ends_with_its_authority_is_not_renewed_every_day(owner: authority.Authority, tmp_path: Path) -> None:
    ca.sign(owner, request(EAST), EAST)
    ends = authority.ends_at(owner).strftime(crl.DATE)
    found = renew(tmp_path, {"edge-east": Edge(EAST, "acme", request(EAST), ends)}, 30, None)
    assert found.signed == {} and "make a new authority" in found.wrong["edge-east"]


@pytest.mark.parametrize(("over", "due"), [(19, False), (21, True), (31, True)])
def test_a_silent_edge_fails_the_run_only_if_its_certificate_is_due(
    had: Signing, tmp_path: Path, over: int, due: bool
) -> None:
    had(397, 390)
    had(30, over)
    found = renew(tmp_path, {"edge-west": SILENT}, 30, None)
    said = (found.wrong if due else found.notes)["edge-west"]
    assert len(found.wrong) + len(found.notes) == 1
    assert ("run this again when the edge is up" in said) == due and said.startswith("could not be reached")


def test_of_a_silent_edge_nothing_counts_that_is_not_used(
    had: Signing, owner: authority.Authority, tmp_path: Path
) -> None:
    had(30, 25)
    assert "needs no certificate now" in renew(tmp_path, {"edge-west": SILENT}, 30, ["edge-east"]).notes["edge-west"]
    assert renew(tmp_path, {"edge-west": SILENT}, 30, ["edge-west"]).wrong
    crl.revoke(owner, WEST)
    assert "has no certificate" in renew(tmp_path, {"edge-west": SILENT}, 30, ["edge-west"]).notes["edge-west"]


def test_a_certificate_that_did_not_reach_its_edge_does_not_hide_that_the_one_before_ends(
    had: Signing, tmp_path: Path
) -> None:
    """The run was killed, or the edge fell silent, between the signature and the edge."""
    had(30, 25)
    made = renew(tmp_path, {"edge-west": Edge(WEST, "acme", request(WEST))}, 30, None).signed["edge-west"]
    assert "is due since" in renew(tmp_path, {"edge-west": SILENT}, 30, None).wrong["edge-west"]
    installed(tmp_path, {"edge-west": Edge(WEST, "acme", serial="../../ca.key")})
    assert renew(tmp_path, {"edge-west": SILENT}, 30, None).wrong
    installed(tmp_path, {"edge-west": Edge(WEST, "acme", serial=made.serial)})
    assert "is not due before" in renew(tmp_path, {"edge-west": SILENT}, 30, None).notes["edge-west"]


def test_a_server_that_was_restored_does_not_certify_again_what_edges_know_as_revoked(
    owner: authority.Authority, tmp_path: Path
) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    ca.sign(owner, request(WEST, key), WEST)
    ca.sign(owner, request(EAST), EAST)
    stolen = {"edge-west": Edge(WEST, "acme", request(WEST, key)), "edge-east": Edge(EAST, "acme", request(EAST))}
    listed, _new = crl.revoke(owner, WEST)
    assert listed
    assert renew(tmp_path, stolen, 30, None, lists={"acme": {"edge-east": listed.text}}).signed.keys() == {"edge-east"}
    (owner.directory / "crl.pem").unlink()  # as of the backup
    crl.revoke(owner, EAST)  # with a larger number
    other = ca.ensure_authority(tmp_path / "elsewhere", "acme")
    ca.sign(other, request(WEST), WEST)
    strange, _new = crl.revoke(other, WEST)
    assert strange
    # While one authority takes another's place, edges have a list of each.
    for text, signed in ((listed.text, set()), (strange.text + listed.text, set()), (strange.text, {"edge-west"})):
        found = renew(tmp_path, {"edge-west": stolen["edge-west"]}, 30, None, lists={"acme": {"edge-east": text}})
        assert {*found.signed} == signed
        assert bool(signed) or "edge-east knows of revocations that the VCC server does not" in found.wrong["edge-west"]
