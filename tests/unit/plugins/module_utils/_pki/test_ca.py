# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates: an edge makes its key and a request, its organization's authority signs it."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import typing as t
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

pytest.importorskip("cryptography")

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import NameOID

from ansible_collections.intercloud.vpn.plugins.module_utils._base.errors import VccError
from ansible_collections.intercloud.vpn.plugins.module_utils._pki import authority, ca
from ansible_collections.intercloud.vpn.plugins.modules import edge_certificate, edge_key

IDENTITY = "edge-east.acme"


def request(key: t.Any = None, cn: str = IDENTITY, org: str | None = "acme", san: list[str] | None = None) -> str:
    """A certificate request, sound unless told otherwise."""
    key = key or ec.generate_private_key(ec.SECP384R1())
    names = [x509.NameAttribute(NameOID.COMMON_NAME, cn)]
    if org:
        names.insert(0, x509.NameAttribute(NameOID.ORGANIZATION_NAME, org))
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name(names))
    if san != []:
        alternatives = [x509.DNSName(name) for name in san or [cn]]
        builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
    algorithm = None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return builder.sign(key, algorithm).public_bytes(serialization.Encoding.PEM).decode()


def openssl(*arguments: str | Path) -> str:
    """What openssl prints."""
    done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def _ensure(state_dir: str) -> str:
    return ca.ensure_authority(state_dir, "acme").sha256


class TestAuthority:
    def test_twenty_runs_at_once_make_one(self, tmp_path: Path) -> None:
        # Forked, as the workers cannot import this file: pytest gave it a name of its own.
        with ProcessPoolExecutor(20, multiprocessing.get_context("fork")) as pool:
            seen = list(pool.map(_ensure, [str(tmp_path)] * 20, timeout=60))
        assert len(set(seen)) == 1
        assert seen[0] == authority.authority_sha256(tmp_path, "acme")

    def test_is_for_its_owner_only(self, tmp_path: Path) -> None:
        directory = ca.ensure_authority(tmp_path / "state", "acme").directory
        assert mode(directory / "ca.key") == 0o600
        for folder in (directory, directory.parent, directory.parent.parent, directory / "issued"):
            assert mode(folder) == 0o700

    def test_may_sign_edges_but_no_authorities(self, tmp_path: Path) -> None:
        text = openssl("x509", "-noout", "-text", "-in", ca.ensure_authority(tmp_path, "acme").directory / "ca.pem")
        for line in ("CA:TRUE, pathlen:0", "Certificate Sign, CRL Sign", "NIST CURVE: P-384", "ecdsa-with-SHA384"):
            assert line in text

    def test_does_not_exist_before_it_is_needed(self, tmp_path: Path) -> None:
        assert authority.authority_sha256(tmp_path, "acme") is None
        assert list(tmp_path.iterdir()) == []

    def test_organizations_do_not_share_one(self, tmp_path: Path) -> None:
        assert ca.ensure_authority(tmp_path, "acme").sha256 != ca.ensure_authority(tmp_path, "globex").sha256

    def test_killed_between_key_and_certificate_is_taken_up(self, tmp_path: Path) -> None:
        directory = ca.ensure_authority(tmp_path, "acme").directory
        key = (directory / "ca.key").read_bytes()
        (directory / "ca.pem").unlink()
        ca.sign(ca.ensure_authority(tmp_path, "acme"), request(), IDENTITY)
        assert (directory / "ca.key").read_bytes() == key

    @pytest.mark.parametrize("name", ["", ".", "..", "../acme", "a/b", "a b", "-acme", "acme\n", "é", "a" * 64])
    def test_refuses_names_that_do_not_do_for_a_path(self, tmp_path: Path, name: str) -> None:
        with pytest.raises(VccError, match="organization"):
            ca.ensure_authority(tmp_path, name)

    def test_key_of_another_authority_is_named(self, tmp_path: Path) -> None:
        mine, other = (ca.ensure_authority(tmp_path, name) for name in ("acme", "globex"))
        (mine.directory / "ca.key").write_bytes((other.directory / "ca.key").read_bytes())
        with pytest.raises(VccError, match="do not belong together"):
            ca.sign(mine, request(), IDENTITY)


class TestSign:
    @pytest.mark.parametrize(
        "key",
        [
            pytest.param(ec.generate_private_key(ec.SECP256R1()), id="P-256"),
            pytest.param(ec.generate_private_key(ec.SECP521R1()), id="P-521"),
            pytest.param(rsa.generate_private_key(65537, 3072), id="RSA 3072"),
            pytest.param(ed25519.Ed25519PrivateKey.generate(), id="Ed25519"),
        ],
    )
    def test_accepts_strong_keys(self, tmp_path: Path, key: t.Any) -> None:
        assert ca.sign(ca.ensure_authority(tmp_path, "acme"), request(key), IDENTITY).certificate

    @pytest.mark.parametrize(
        ("csr", "complaint"),
        [
            pytest.param(request(rsa.generate_private_key(65537, 2048)), "RSA 2048 is not accepted", id="short RSA"),
            pytest.param(request(ec.generate_private_key(ec.SECP224R1())), "not accepted", id="weak curve"),
            pytest.param(request(cn="edge-west.acme"), "only CN=edge-east.acme", id="other name"),
            pytest.param(request(org="globex"), "only CN=edge-east.acme and O=acme", id="other organization"),
            pytest.param(request(san=[IDENTITY, "*.acme"]), r"also asks for .*\*\.acme", id="second name"),
            pytest.param("nonsense", "cannot be read", id="not a request"),
        ],
    )
    def test_refuses(self, tmp_path: Path, csr: str, complaint: str) -> None:
        with pytest.raises(VccError, match=complaint):
            ca.sign(ca.ensure_authority(tmp_path, "acme"), csr, IDENTITY)
        assert list((tmp_path / "ca" / "acme" / "issued").iterdir()) == []

    def test_refuses_a_request_that_was_changed_on_its_way(self, tmp_path: Path) -> None:
        der = bytearray(x509.load_pem_x509_csr(request().encode()).public_bytes(serialization.Encoding.DER))
        der[-1] ^= 1
        csr = x509.load_der_x509_csr(bytes(der)).public_bytes(serialization.Encoding.PEM).decode()
        with pytest.raises(VccError, match="signature"):
            ca.sign(ca.ensure_authority(tmp_path, "acme"), csr, IDENTITY)

    @pytest.mark.parametrize("csr", [request(org=None), request(san=[])], ids=["no organization", "no SAN"])
    def test_what_is_missing_in_the_request_is_added(self, tmp_path: Path, csr: str) -> None:
        issued = ca.sign(ca.ensure_authority(tmp_path, "acme"), csr, IDENTITY)
        certificate = x509.load_pem_x509_certificate(issued.certificate.encode())
        assert certificate.subject.rfc4514_string() == "CN=edge-east.acme,O=acme"
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        assert names.get_values_for_type(x509.DNSName) == [IDENTITY]

    def test_never_outlives_the_authority(self, tmp_path: Path) -> None:
        owner = ca.ensure_authority(tmp_path, "acme")
        end = openssl("x509", "-noout", "-enddate", "-dateopt", "iso_8601", "-in", owner.directory / "ca.pem")
        assert ca.sign(owner, request(), IDENTITY, days=9999).not_after in end.replace(" ", "T", 1)

    def test_every_certificate_is_recorded(self, tmp_path: Path) -> None:
        owner = ca.ensure_authority(tmp_path, "acme")
        issued = [ca.sign(owner, request(), IDENTITY) for dummy in range(2)]
        recorded = {path.name: path.read_text() for path in (owner.directory / "issued").iterdir()}
        assert recorded == {f"{one.serial}.pem": one.certificate for one in issued}


class TestFromEdgeToAuthority:
    """edge_key and edge_certificate together, with the real openssl."""

    @pytest.fixture
    def key(self, tmp_path: Path) -> Path:
        return tmp_path / "private" / "edge.key"

    def test_openssl_trusts_the_result(self, tmp_path: Path, key: Path) -> None:
        made = edge_key.converge(str(key), IDENTITY, "acme", check=False)
        signed = edge_certificate.issue(str(tmp_path), "acme", IDENTITY, str(made["csr"]), 397, ["100.64.0.0/26"])
        (tmp_path / "edge.pem").write_text(signed["certificate"])
        (tmp_path / "ca.pem").write_text(signed["authority"])
        verify = ("verify", "-x509_strict", "-CAfile", tmp_path / "ca.pem")
        for purpose in ("sslserver", "sslclient"):
            openssl(*verify, "-purpose", purpose, "-verify_hostname", IDENTITY, tmp_path / "edge.pem")
        text = openssl("x509", "-noout", "-text", "-in", tmp_path / "edge.pem")
        assert "ipsec Internet Key Exchange" in text
        assert openssl("x509", "-noout", "-pubkey", "-in", tmp_path / "edge.pem") == openssl(
            "pkey", "-in", key, "-pubout"
        )

    def test_a_key_is_made_once(self, key: Path) -> None:
        first = edge_key.converge(str(key), IDENTITY, "acme", check=False)
        second = edge_key.converge(str(key), IDENTITY, "acme", check=False)
        assert (first["changed"], second["changed"]) == (True, False)
        assert first["public_key_sha256"] == second["public_key_sha256"]
        assert [path.name for path in key.parent.iterdir()] == ["edge.key"]

    def test_the_key_is_the_owners_whatever_the_umask(self, key: Path) -> None:
        before = os.umask(0)
        try:
            edge_key.converge(str(key), IDENTITY, "acme", check=False)
        finally:
            os.umask(before)
        assert (mode(key), mode(key.parent)) == (0o600, 0o700)

    def test_a_key_that_others_can_read_is_closed(self, key: Path) -> None:
        edge_key.converge(str(key), IDENTITY, "acme", check=False)
        key.chmod(0o644)
        assert edge_key.converge(str(key), IDENTITY, "acme", check=True)["changed"] is True
        assert mode(key) == 0o644
        assert edge_key.converge(str(key), IDENTITY, "acme", check=False)["changed"] is True
        assert mode(key) == 0o600

    def test_the_private_key_is_not_in_the_result(self, key: Path) -> None:
        result = edge_key.converge(str(key), IDENTITY, "acme", check=False)
        secret = "".join(key.read_text().splitlines()[1:-1])
        assert "PRIVATE" not in str(result) and secret[:40] not in str(result).replace("\\n", "")

    def test_check_mode_writes_nothing(self, tmp_path: Path, key: Path) -> None:
        predicted = edge_key.converge(str(key), IDENTITY, "acme", check=True)
        assert (predicted["changed"], predicted["csr"]) == (True, None)
        assert edge_certificate.predict(str(tmp_path), "acme", IDENTITY, None)["authority"] is None
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("identity", ["", "a b", "edge\nO = x", "$x", "*.acme", "a..b", "é.acme", "a" * 65])
    def test_refuses_identities_that_are_no_dns_names(self, key: Path, identity: str) -> None:
        with pytest.raises(edge_key.KeyFailure, match="identity"):
            edge_key.converge(str(key), identity, "acme", check=False)
        assert not key.exists()

    def test_a_file_that_is_no_key_is_not_replaced(self, key: Path) -> None:
        key.parent.mkdir()
        key.write_text("something else")
        with pytest.raises(edge_key.KeyFailure, match="openssl pkey"):
            edge_key.converge(str(key), IDENTITY, "acme", check=False)
        assert key.read_text() == "something else"
