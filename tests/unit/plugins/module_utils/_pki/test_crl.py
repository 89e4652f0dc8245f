# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Revocation: whoever has the list refuses what is in it, and its keys never get a certificate again."""

from __future__ import annotations

import datetime
import multiprocessing
import subprocess
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

pytest.importorskip("cryptography")

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ansible_collections.intercloud.vpn.plugins.module_utils._base.errors import VccError
from ansible_collections.intercloud.vpn.plugins.module_utils._node.ipsec import revocations
from ansible_collections.intercloud.vpn.plugins.module_utils._pki import authority, ca
from ansible_collections.intercloud.vpn.plugins.module_utils._pki import crl as _crl
from ansible_collections.intercloud.vpn.plugins.modules import edge_key, edge_revocation

WEST = "edge-west.acme"
EAST = "edge-east.acme"


def request(identity: str, key: ec.EllipticCurvePrivateKey | None = None) -> str:
    names = [x509.NameAttribute(NameOID.COMMON_NAME, identity)]
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name(names))
    made = builder.sign(key or ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
    return made.public_bytes(serialization.Encoding.PEM).decode()


@pytest.fixture
def owner(tmp_path: Path) -> authority.Authority:
    return ca.ensure_authority(tmp_path, "acme")


def openssl_takes(owner: authority.Authority, certificate: str, crl: str) -> bool:
    """Whether openssl accepts a certificate that it looks up in a list."""
    files = {"edge.pem": certificate, "list.pem": crl}
    for name, text in files.items():
        (owner.directory / name).write_text(text)
    words = ["openssl", "verify", "-crl_check", "-CAfile", "ca.pem", "-CRLfile", "list.pem", "edge.pem"]
    done = subprocess.run(words, cwd=owner.directory, capture_output=True, text=True, check=False)
    assert done.returncode == 0 or "certificate revoked" in done.stderr, done.stderr
    return done.returncode == 0


def revoked(owner: authority.Authority) -> set[str]:
    found = _crl.revocation_list(owner)
    return {entry.serial for entry in found.revoked} if found else set()


class TestRevoke:
    def test_all_valid_certificates_of_the_identity_and_no_others(self, owner: authority.Authority) -> None:
        west = [ca.sign(owner, request(WEST), WEST) for dummy in range(2)]
        east = ca.sign(owner, request(EAST), EAST)
        found, new = _crl.revoke(owner, WEST)
        assert found
        assert {entry.serial for entry in new} == {one.serial for one in west} == revoked(owner)
        assert [openssl_takes(owner, one.certificate, found.text) for one in (*west, east)] == [False, False, True]

    @pytest.mark.parametrize("said", [WEST, "gate-west.acme"])
    def test_an_edge_with_another_name_has_its_key_by_both(self, owner: authority.Authority, said: str) -> None:
        """Whoever stole the key could be the edge by its old name, for a peer that does not know the new one yet."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = (WEST, "gate-west.acme")
        both = {ca.sign(owner, request(name, key), name).serial for name in names}
        ca.sign(owner, request(EAST), EAST)
        result = edge_revocation.revoke(str(owner.directory.parent.parent), said, check=False)
        assert result["identities"] == sorted(names), "who runs it is to know"
        assert revoked(owner) == both

    def test_another_edge_with_the_old_name_leaves_it_alone(
        self, owner: authority.Authority, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        key, start = ec.generate_private_key(ec.SECP256R1()), authority.now()
        made = []
        for day, (name, whose) in enumerate(((WEST, key), ("gate-west.acme", key), (WEST, None))):
            monkeypatch.setattr(ca, "now", lambda day=day: start + datetime.timedelta(days=day - 3))
            made.append(ca.sign(owner, request(name, whose), name).serial)
        _crl.revoke(owner, WEST)
        assert revoked(owner) == {made[0], made[2]}
        _crl.revoke(owner, "gate-west.acme")
        assert revoked(owner) == {*made}

    def test_again_changes_nothing(self, owner: authority.Authority) -> None:
        ca.sign(owner, request(WEST), WEST)
        _crl.revoke(owner, WEST)
        before = (owner.directory / "crl.pem").read_bytes()
        assert _crl.revoke(owner, WEST)[1] == []
        assert (owner.directory / "crl.pem").read_bytes() == before

    def test_check_mode_writes_nothing(self, owner: authority.Authority) -> None:
        ca.sign(owner, request(WEST), WEST)
        found, new = _crl.revoke(owner, WEST, check=True)
        assert found and len(new) == 1
        assert _crl.revocation_list(owner) is None

    def test_what_expired_need_not_be_revoked(
        self, owner: authority.Authority, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ca.sign(owner, request(WEST), WEST, days=1)
        later = authority.now() + datetime.timedelta(days=2)
        monkeypatch.setattr(_crl, "now", lambda: later)
        assert _crl.revoke(owner, WEST) == (None, [])

    def test_the_list_grows_and_so_does_its_number(self, owner: authority.Authority) -> None:
        numbers = []
        for identity in (WEST, EAST):
            ca.sign(owner, request(identity), identity)
            found, _new = _crl.revoke(owner, identity)
            assert found
            numbers.append(found.number)
            assert x509.load_pem_x509_crl(found.text.encode()).extensions.get_extension_for_class(
                x509.CRLNumber
            ).value == x509.CRLNumber(found.number)
        assert numbers[0] < numbers[1]
        assert len(revoked(owner)) == 2

    def test_many_at_once_lose_nothing(self, owner: authority.Authority, tmp_path: Path) -> None:
        names = [f"edge-{number}" for number in range(12)]
        for name in names:
            ca.sign(owner, request(f"{name}.acme"), f"{name}.acme")
        with ProcessPoolExecutor(12, multiprocessing.get_context("fork")) as pool:
            list(pool.map(_revoke, [(str(tmp_path), name) for name in names], timeout=60))
        assert len(revoked(owner)) == 12

    def test_a_list_that_grows_too_long_loses_what_expired(
        self, owner: authority.Authority, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        short = ca.sign(owner, request(WEST), WEST, days=1)
        first, _new = _crl.revoke(owner, WEST)
        assert first
        monkeypatch.setattr(_crl, "LIMIT", len(first.text) + 50)
        east = ca.sign(owner, request(EAST), EAST)
        with pytest.raises(VccError, match="more than an edge can load"):
            _crl.revoke(owner, EAST)
        assert revoked(owner) == {short.serial}
        later = authority.now() + datetime.timedelta(days=2)
        monkeypatch.setattr(_crl, "now", lambda: later)
        _crl.revoke(owner, EAST)
        assert revoked(owner) == {east.serial}

    def test_edges_learn_whose_certificates_they_are(self, owner: authority.Authority) -> None:
        ca.sign(owner, request(WEST), WEST)
        found, (entry,) = _crl.revoke(owner, WEST)
        assert found
        assert revocations.identities(found.text) == {WEST: entry.date}
        assert revocations.number(found.text) == found.number

    def test_a_number_that_is_not_signed_counts_nowhere(self, owner: authority.Authority) -> None:
        ca.sign(owner, request(WEST), WEST)
        found, _new = _crl.revoke(owner, WEST)
        assert found
        forged = found.text.replace(f"number: {found.number}", "number: 9999999999")
        assert revocations.number(forged) == found.number
        assert _crl.parse_list(owner, forged, "edge") == found
        (owner.directory / "crl.pem").write_text(forged)
        with pytest.raises(VccError, match="its head and its list differ"):
            _crl.revocation_list(owner)

    def test_what_is_no_list_has_no_number(self, owner: authority.Authority) -> None:
        ca.sign(owner, request(WEST), WEST)
        found, _new = _crl.revoke(owner, WEST)
        assert found
        begin, end = (f"-----{word} X509 CRL-----" for word in ("BEGIN", "END"))
        for text in ("", "number: 7", f"{begin}\n%%{end}", f"{begin}\n{end}", f"{begin}MA=={end}", f"{begin}MIA={end}"):
            assert revocations.number(text) == 0
        _head, body = found.text.split(begin)
        for length in range(0, len(body), 7):
            assert revocations.number(f"{begin}{body[:length]}{end}") in (0, found.number)

    def test_a_list_that_was_tampered_with_is_no_list(self, owner: authority.Authority, tmp_path: Path) -> None:
        ca.sign(owner, request(WEST), WEST)
        found, (entry,) = _crl.revoke(owner, WEST)
        assert found
        path = owner.directory / "crl.pem"
        path.write_text(found.text.replace(f"revoked: {WEST} {entry.serial} {entry.date}\n", ""))
        with pytest.raises(VccError, match="its head and its list differ"):
            _crl.revocation_list(owner)
        other = ca.ensure_authority(tmp_path / "other", "acme")
        ca.sign(other, request(WEST), WEST)
        theirs, _new = _crl.revoke(other, WEST)
        assert theirs
        path.write_text(theirs.text)
        with pytest.raises(VccError, match="not a revocation list of the authority"):
            _crl.revocation_list(owner)


def _revoke(given: tuple[str, str]) -> None:
    edge_revocation.revoke(*given, check=False)


class TestKeys:
    def test_a_revoked_key_gets_no_certificate_again(self, owner: authority.Authority) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        ca.sign(owner, request(WEST, key), WEST)
        ca.sign(owner, request(WEST, key), WEST)  # a renewal
        _crl.revoke(owner, WEST)
        before = sorted((owner.directory / "issued").iterdir())
        for identity in (WEST, EAST):
            with pytest.raises(VccError, match="a certificate for this key was revoked"):
                ca.sign(owner, request(identity, key), identity)
        assert sorted((owner.directory / "issued").iterdir()) == before
        fresh = ca.sign(owner, request(WEST), WEST)
        assert fresh.serial not in revoked(owner)

    def test_the_edge_replaces_a_refused_key_and_keeps_any_other(
        self, owner: authority.Authority, tmp_path: Path
    ) -> None:
        path = str(tmp_path / "private" / "edge.key")
        first = edge_key.converge(path, WEST, "acme", check=False)
        ca.sign(owner, str(first["csr"]), WEST)
        found, _new = _crl.revoke(owner, WEST)
        assert found
        refused = _crl.published(tmp_path, "acme")["refused_keys"]
        assert refused == [first["public_key_sha256"]]
        predicted = edge_key.converge(path, WEST, "acme", check=True, refused=refused)
        assert (predicted["changed"], predicted["csr"]) == (True, None)
        second = edge_key.converge(path, WEST, "acme", check=False, refused=refused)
        assert second["changed"] and second["public_key_sha256"] not in refused
        third = edge_key.converge(path, WEST, "acme", check=False, refused=refused)
        assert (third["changed"], third["public_key_sha256"]) == (False, second["public_key_sha256"])
        # The old one is in use until there is a certificate for the new one.
        assert sorted(entry.name for entry in Path(path).parent.iterdir()) == ["edge-new.key", "edge.key"]
        assert {entry.stat().st_mode & 0o777 for entry in Path(path).parent.iterdir()} == {0o600}
        assert edge_key.converge(path, WEST, "acme", check=False)["public_key_sha256"] == first["public_key_sha256"]


class TestName:
    @pytest.mark.parametrize("name", ["edge-west", WEST])
    def test_an_edge_or_an_identity(self, owner: authority.Authority, tmp_path: Path, name: str) -> None:
        issued = ca.sign(owner, request(WEST), WEST)
        result = edge_revocation.revoke(str(tmp_path), name, check=False)
        assert (result["identity"], result["organization"], result["revoked"]) == (WEST, "acme", [issued.serial])

    def test_of_several_organizations_has_to_be_said(self, owner: authority.Authority, tmp_path: Path) -> None:
        other = ca.ensure_authority(tmp_path, "globex")
        ca.sign(owner, request(WEST), WEST)
        ca.sign(other, request("edge-west.globex"), "edge-west.globex")
        with pytest.raises(VccError, match=r"say which: edge-west\.acme, edge-west\.globex"):
            edge_revocation.revoke(str(tmp_path), "edge-west", check=False)
        assert revoked(owner) == revoked(other) == set()
        edge_revocation.revoke(str(tmp_path), "edge-west.globex", check=False)
        assert (len(revoked(owner)), len(revoked(other))) == (0, 1)

    def test_that_nobody_has_is_an_error(self, owner: authority.Authority, tmp_path: Path) -> None:
        ca.sign(owner, request(WEST), WEST)
        with pytest.raises(VccError, match=r"^vcc_revoke: edge-wst: no certificate .* did you mean edge-west\?$"):
            edge_revocation.revoke(str(tmp_path), "edge-wst", check=False)


class TestCase:
    """Upper and lower case make no other identity: charon compares DNS names without."""

    def test_an_identity_in_another_case_gets_no_certificate_for_another_key(self, owner: authority.Authority) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        ca.sign(owner, request(WEST, key), WEST)
        other = "Edge-West.ACME"
        with pytest.raises(VccError, match=r"edge-west\.acme has a certificate for another key"):
            ca.sign(owner, request(other), other)
        assert ca.sign(owner, request(WEST), WEST).serial  # the edge itself, rebuilt
        _crl.revoke(owner, WEST)
        assert ca.sign(owner, request(other), other).serial

    def test_the_same_key_may_change_its_case(self, owner: authority.Authority) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        ca.sign(owner, request(WEST, key), WEST)
        assert ca.sign(owner, request("Edge-West.acme", key), "Edge-West.acme").serial

    @pytest.mark.parametrize("name", ["edge-west", "Edge-West", "EDGE-WEST.acme", "edge-west.ACME"])
    def test_it_is_revoked_by_its_name_in_any_case(self, owner: authority.Authority, name: str) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        serials = {ca.sign(owner, request(one, key), one).serial for one in (WEST, "Edge-West.acme")}
        found = edge_revocation.revoke(str(owner.directory.parent.parent), name, False)
        assert set(found["revoked"]) == serials == revoked(owner)
