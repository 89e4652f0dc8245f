# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signatures: who signed a manifest has to be trusted, today, and for that."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import ExtendedKeyUsageOID

from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils._ovf.packages import (
    Signer,
    archive,
    envelope,
    folder,
    load,
    refusals,
    vm,
    whole,
)

ORG = {"networks": {"lan": "org"}}
FILES = whole({"shop.ovf": envelope(vm("web"))}, "shop")
ROOT = Signer("root", authority=True)
BETWEEN = Signer("between", ROOT, authority=True)
VENDOR = Signer("vendor", BETWEEN)
OTHER = Signer("other", authority=True)


def signed(path: Path, certificate: bytes) -> Path:
    return folder(path, {**FILES, "shop.cert": certificate})


def trusting(path: Path, *signers: Signer) -> dict[str, object]:
    """Options that trust these."""
    (path / "trusted.pem").write_bytes(b"".join(one.pem for one in signers))
    return {**ORG, "trusted": str(path / "trusted.pem"), "verify": "signed"}


def test_a_chain_that_ends_in_a_trusted_authority(tmp_path: Path) -> None:
    certificate = VENDOR.sign("shop.mf", FILES["shop.mf"], BETWEEN)
    package = signed(tmp_path, certificate)
    assert load(package, **trusting(tmp_path, ROOT, OTHER)).hosts
    assert load(package, **trusting(tmp_path, BETWEEN)).hosts
    assert load(package, **trusting(tmp_path, VENDOR)).hosts
    assert load(package, **ORG).hosts
    files = {"shop.ovf": FILES["shop.ovf"], "shop.mf": FILES["shop.mf"], "shop.cert": certificate}
    assert load(archive(tmp_path / "shop.ova", files), **trusting(tmp_path, ROOT)).hosts


def test_an_authority_that_was_renewed_is_trusted(tmp_path: Path) -> None:
    """An administrator adds the new certificate to the file, and the old one stays in it."""
    old, between = (
        Signer("root", authority=True, days=(-60, -1)),
        Signer("between", ROOT, authority=True, days=(-60, -1)),
    )
    package = signed(tmp_path, VENDOR.sign("shop.mf", FILES["shop.mf"], between, BETWEEN))
    assert load(package, **trusting(tmp_path, old, ROOT)).hosts
    assert "'CN=root' expired at 2026-02-28" in refusals(package, **trusting(tmp_path, old))[0]


def test_one_that_is_not_trusted(tmp_path: Path) -> None:
    package = signed(tmp_path, VENDOR.sign("shop.mf", FILES["shop.mf"], BETWEEN))
    (said,) = refusals(package, **trusting(tmp_path, OTHER))
    assert (
        "shop.cert: is signed by 'CN=vendor', which no trusted authority vouches for; add its issuer, 'CN=root'" in said
    )
    (said,) = refusals(signed(tmp_path, VENDOR.sign("shop.mf", FILES["shop.mf"])), **trusting(tmp_path, ROOT))
    assert "add its issuer, 'CN=between'" in said  # which the package does not have


def test_an_authority_of_the_same_name_is_not_the_authority(tmp_path: Path) -> None:
    impostor = Signer("impostor", authority=True)
    impostor.name = ROOT.name
    package = signed(tmp_path, Signer("vendor", impostor).sign("shop.mf", FILES["shop.mf"]))
    assert "no trusted authority vouches for" in refusals(package, **trusting(tmp_path, ROOT))[0]


@pytest.mark.parametrize(
    ("certificate", "message"),
    [
        (VENDOR.sign("shop.mf", b"another manifest", BETWEEN), "is not a signature of shop.mf"),
        (VENDOR.sign("other.mf", FILES["shop.mf"], BETWEEN), "signs other.mf, and not shop.mf"),
        (Signer("vendor", ROOT, days=(-30, -1)).sign("shop.mf", FILES["shop.mf"]), "'CN=vendor' expired at 2026-02-28"),
        (Signer("vendor", ROOT, days=(1, 30)).sign("shop.mf", FILES["shop.mf"]), "is not valid before 2026-03-02"),
        (
            Signer("vendor", ROOT, purpose=ExtendedKeyUsageOID.SERVER_AUTH).sign("shop.mf", FILES["shop.mf"]),
            "'CN=vendor' is not for signing packages (code signing)",
        ),
        (
            Signer("thief", VENDOR).sign("shop.mf", FILES["shop.mf"], VENDOR, BETWEEN),
            "'CN=vendor' is not an authority: it must not sign certificates",
        ),
        (
            Signer("late", Signer("old", ROOT, authority=True, days=(-30, -1))).sign(
                "shop.mf", FILES["shop.mf"], Signer("old", ROOT, authority=True, days=(-30, -1))
            ),
            "'CN=old' expired at 2026-02-28",
        ),
        (b"", "must have one line SHA256(shop.mf)= SIGNATURE"),
        (VENDOR.pem, "must have one line"),
        (b"SHA256(shop.mf)= 0\n" + VENDOR.pem, "has a signature with half an octet"),
        (b"SHA1(shop.mf)= 00\n" + VENDOR.pem, "is signed with SHA-1, which can be forged"),
        (b"MD5(shop.mf)= 00\n" + VENDOR.pem, "MD5 is not known"),
        (
            b"SHA256(shop.mf)= 00\n-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            "has a certificate that cannot be read",
        ),
    ],
)
def test_signatures_that_are_refused(certificate: bytes, message: str, tmp_path: Path) -> None:
    (said,) = refusals(signed(tmp_path, certificate), **trusting(tmp_path, ROOT))
    assert f"{tmp_path}/shop.cert: " in said and message in said


def test_a_signature_that_is_there_is_checked_whatever_is_asked_for(tmp_path: Path) -> None:
    package = signed(tmp_path, VENDOR.sign("shop.mf", b"another manifest"))
    for verify in ("required", "if_present"):
        assert "is not a signature of shop.mf" in refusals(package, **ORG, verify=verify)[0]


def test_a_package_that_is_not_signed(tmp_path: Path) -> None:
    (said,) = refusals(folder(tmp_path, FILES), **trusting(tmp_path, ROOT))
    assert "has no certificate shop.cert: it is not signed" in said
    assert refusals(folder(tmp_path, FILES), **ORG, verify="signed") == [
        "verify: signed needs trusted: a file with the authorities that you trust"
    ]


@pytest.mark.parametrize(
    ("octets", "instead", "message"),
    [
        # Two extensions of one kind: the OID of the extended key usage becomes that of the basic constraints.
        (b"\x55\x1d\x25", b"\x55\x1d\x13", "cannot be read"),
        # An algorithm that nobody knows signed the certificate.
        (b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b", b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x7f", "no trusted authority"),
    ],
)
def test_a_certificate_that_is_malformed_is_a_mistake_of_its_package(
    octets: bytes, instead: bytes, message: str, tmp_path: Path
) -> None:
    signature = VENDOR.sign("shop.mf", FILES["shop.mf"])
    der = VENDOR.certificate.public_bytes(serialization.Encoding.DER)
    assert octets in der
    pem = ssl.DER_cert_to_PEM_cert(der.replace(octets, instead)).encode()
    package = signed(tmp_path, signature.partition(b"\n")[0] + b"\n" + pem)
    (said,) = refusals(package, **trusting(tmp_path, BETWEEN))
    assert said.startswith(f"{tmp_path}/shop.cert: ") and message in said
