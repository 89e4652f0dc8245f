# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an edge sends to be signed or read may be anything: it is refused, and the other edges are served."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("cryptography")

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ansible_collections.intercloud.vpn.plugins.module_utils._base.errors import VccError
from ansible_collections.intercloud.vpn.plugins.module_utils._pki import authority, ca, crl
from ansible_collections.intercloud.vpn.plugins.module_utils._pki.csr import check_request
from ansible_collections.intercloud.vpn.plugins.module_utils._pki.renewals import Edge, renew
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils._pki.test_crl import EAST, WEST, request

KEY = ec.generate_private_key(ec.SECP256R1())
OTHER_EXTENSION, ONE_EXTENSION = bytes.fromhex("06032a0305"), bytes.fromhex("06032a0304")  # 1.2.3.5, 1.2.3.4


@pytest.fixture
def owner(tmp_path: Path) -> authority.Authority:
    return ca.ensure_authority(tmp_path, "acme")


def pem(kind: str, der: bytes) -> str:
    return f"-----BEGIN {kind}-----\n{base64.encodebytes(der).decode()}-----END {kind}-----\n"


def der() -> bytes:
    """A request with two extensions."""
    builder = x509.CertificateSigningRequestBuilder().subject_name(
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, WEST)])
    )
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(WEST)]), critical=False)
    for oid in ("1.2.3.4", "1.2.3.5"):
        builder = builder.add_extension(x509.UnrecognizedExtension(x509.ObjectIdentifier(oid), b"\5\0"), critical=False)
    return builder.sign(KEY, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def spoilt(sound: bytes) -> Iterator[bytes]:
    for place, octet in enumerate(sound):
        for wrong in {0, 0xFF, octet ^ 1, (octet + 1) % 256} - {octet}:
            yield sound[:place] + bytes([wrong]) + sound[place + 1 :]


def test_a_request_is_sound_or_refused() -> None:
    sound, refused = der(), 0
    signed = check_request(pem("CERTIFICATE REQUEST", sound), WEST, "acme").tbs_certrequest_bytes
    for wrong in spoilt(sound):
        try:  # a signature can be written in several ways
            assert check_request(pem("CERTIFICATE REQUEST", wrong), WEST, "acme").tbs_certrequest_bytes == signed
        except VccError as error:
            assert str(error).startswith(f"request for {WEST}: ")
            refused += 1
    assert refused > 3 * len(sound) - 30


def test_a_list_is_an_authoritys_or_refused(owner: authority.Authority) -> None:
    ca.sign(owner, request(WEST), WEST)
    (found, _revoked) = crl.revoke(owner, WEST)
    assert found
    sound = x509.load_pem_x509_crl(found.text.encode()).public_bytes(serialization.Encoding.DER)
    refused, same = 0, crl.parse_list(owner, pem("X509 CRL", sound), "it")
    assert same.number == found.number
    for wrong in spoilt(sound):
        try:
            read = crl.parse_list(owner, pem("X509 CRL", wrong), "it")
            assert (read.number, read.revoked) == (same.number, same.revoked)
        except VccError as error:
            assert str(error).startswith("it: not a revocation list")
            refused += 1
    assert refused > 3 * len(sound) - 30


@pytest.mark.parametrize("wrong", ["the request", "the list"])
def test_one_edge_does_not_keep_the_others_from_being_renewed(
    owner: authority.Authority, tmp_path: Path, wrong: str
) -> None:
    keys = {name: ec.generate_private_key(ec.SECP256R1()) for name in (EAST, WEST)}
    asked = {}
    for name in (EAST, WEST):
        ca.sign(owner, request(name, keys[name]), name)
        asked[name.partition(".")[0]] = Edge(name, "acme", request(name, keys[name]))
    lists: dict[str, dict[str, str]] = {}
    if wrong == "the request":
        twice = pem("CERTIFICATE REQUEST", der().replace(OTHER_EXTENSION, ONE_EXTENSION))
        asked["edge-west"] = Edge(WEST, "acme", twice)
    else:
        ca.sign(owner, request("edge-old.acme"), "edge-old.acme")
        found, _revoked = crl.revoke(owner, "edge-old.acme")
        assert found
        sound = x509.load_pem_x509_crl(found.text.encode()).public_bytes(serialization.Encoding.DER)
        algorithm = bytes.fromhex("06082a8648ce3d040303")  # ecdsa-with-SHA384
        strange = pem("X509 CRL", sound.replace(algorithm, algorithm[:-1] + b"\x63"))
        lists = {"acme": {"edge-west": strange}}
    signed = renew(tmp_path, asked, 30, None, lists=lists).signed
    assert "edge-east" in signed
    assert ("edge-west" in signed) == (wrong == "the list")
