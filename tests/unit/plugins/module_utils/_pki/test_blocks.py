# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certified addresses: what is written is what openssl and the nodes read, and nothing that only looks like it."""

from __future__ import annotations

import ipaddress
import re
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("cryptography")
pytest.importorskip("hypothesis")

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.intercloud.vpn.plugins.module_utils._base import address_blocks
from ansible_collections.intercloud.vpn.plugins.module_utils._base.errors import VccError
from ansible_collections.intercloud.vpn.plugins.module_utils._node.ipsec.blocks import OID, certified
from ansible_collections.intercloud.vpn.plugins.module_utils._pki import blocks, ca
from ansible_collections.intercloud.vpn.plugins.modules import edge_certificate
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils._pki.test_ca import IDENTITY, openssl, request


def networks(family: int) -> st.SearchStrategy[str]:
    """Prefixes that often lie in or beside each other."""
    of, bits = (ipaddress.IPv4Network, 32) if family == 4 else (ipaddress.IPv6Network, 128)
    top = 0x64400000 if family == 4 else 0xFD64 << 112
    return st.builds(
        lambda offset, length: str(of((top + (offset << 5), length), strict=False)),
        st.integers(0, 64),
        st.integers(bits - 8, bits),
    ) | st.builds(lambda length: str(of((0, length), strict=False)), st.integers(0, bits))


ANY = st.lists(networks(4) | networks(6), max_size=12)


def read(addresses: list[str]) -> list[str] | None:
    """What a node reads of them."""
    der = blocks.der(addresses)
    size = bytes([len(der)]) if len(der) < 128 else bytes([0x82, *len(der).to_bytes(2, "big")])
    return certified(OID + b"\x04" + size + der)


def each(addresses: list[str]) -> set[tuple[int, int, int]]:
    return {tuple(one) for one in address_blocks.canonical(addresses)}


@given(ANY)
def test_a_node_reads_what_is_written(addresses: list[str]) -> None:
    assert each(read(addresses) or []) == each(addresses)


@given(ANY, ANY)
def test_the_order_and_what_is_said_twice_make_no_difference(some: list[str], others: list[str]) -> None:
    assert blocks.der([*some, *others]) == blocks.der([*others, *some, *some])


@given(ANY)
def test_no_two_ranges_touch(addresses: list[str]) -> None:
    found = address_blocks.canonical(addresses)
    assert all(a.family < b.family or a.last + 1 < b.first for a, b in zip(found, found[1:]))


@given(ANY, ANY)
def test_whatever_is_beyond_has_an_address_that_is_not_certified(wanted: list[str], given_: list[str]) -> None:
    beyond = address_blocks.beyond(wanted, given_)
    for text in wanted:
        one = address_blocks.parse(text)
        within = address_blocks.shared([text], given_) == [str(one)]
        assert within != (str(one) in beyond)


@pytest.mark.parametrize(
    ("addresses", "der"),
    [
        # RFC 3779, appendix B: the first example (10.0.32.0/20, 10.0.64.0/24, 10.1.0.0/16, 10.2.48.0/20, 10.2.64.0/24,
        # 10.3.0.0/16), without its family that is inherited, and without the SAFI.
        (
            ["10.3.0.0/16", "10.0.32.0/20", "10.0.64.0/24", "10.1.0.0/16", "10.2.48.0/20", "10.2.64.0/24"],
            "302c302a0402000130240304040a00200304000a00400303000a01300c0304040a02300304000a02400303000a03",
        ),
        (["10.0.0.0/24", "10.0.1.0/25"], "3015301304020001300d300b0302010a0305070a000100"),
        (["0.0.0.0/0", "::/0"], "301630090402000130030301003009040200023003030100"),
        ([], "3000"),
    ],
    ids=["of the RFC", "two that touch", "everything", "nothing"],
)
def test_is_written_as(addresses: list[str], der: str) -> None:
    assert blocks.der(addresses).hex() == der


def certificate(state: Path, addresses: list[str]) -> Path:
    """One signed for an edge."""
    owner = ca.ensure_authority(state, "acme", certifying=True)
    path = state / "edge.pem"
    path.write_text(ca.sign(owner, request(), IDENTITY, addresses=addresses).certificate)
    return path


@settings(max_examples=25, deadline=None)
@given(ANY)
def test_openssl_reads_the_same_and_takes_the_chain_for_good(
    tmp_path_factory: pytest.TempPathFactory, addresses: list[str]
) -> None:
    state = tmp_path_factory.mktemp("state")
    path = certificate(state, addresses)
    text = openssl("x509", "-noout", "-ext", "sbgp-ipAddrBlock", "-in", path)
    assert each(re.findall(r"^ +([0-9a-f:.]+[/-][0-9a-f:./]+)$", text, re.MULTILINE)) == each(addresses)
    openssl("verify", "-CAfile", state / "ca/acme/ca.pem", path)


def test_the_extension_is_not_critical(tmp_path: Path) -> None:
    """Partners' gateways refuse a critical one that they do not know."""
    for path in (certificate(tmp_path, ["100.64.0.0/26"]), tmp_path / "ca/acme/ca.pem"):
        assert "critical" not in openssl("x509", "-noout", "-ext", "sbgp-ipAddrBlock", "-in", path)


def test_an_authority_of_before_certifies_none(tmp_path: Path) -> None:
    """openssl refuses a certificate with addresses under an authority without."""
    owner = ca.ensure_authority(tmp_path, "acme", certifying=True)
    old = x509.load_pem_x509_certificate(owner.pem.encode())
    key = serialization.load_pem_private_key((owner.directory / "ca.key").read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    builder = x509.CertificateBuilder(old.issuer, old.subject, old.public_key(), old.serial_number)
    builder = builder.not_valid_before(old.not_valid_before_utc).not_valid_after(old.not_valid_after_utc)
    for one in old.extensions:
        if one.oid.dotted_string != blocks.OID:
            builder = builder.add_extension(one.value, one.critical)
    before = builder.sign(key, old.signature_hash_algorithm)  # type: ignore[arg-type]
    (owner.directory / "ca.pem").write_bytes(before.public_bytes(serialization.Encoding.PEM))
    path = certificate(tmp_path, ["100.64.0.0/26"])
    assert "sbgp" not in openssl("x509", "-noout", "-text", "-in", path)
    openssl("verify", "-CAfile", owner.directory / "ca.pem", path)


def test_the_request_decides_nothing(tmp_path: Path) -> None:
    """An edge may ask for what it likes: the authority's caller says what it gets."""
    (tmp_path / "c.cnf").write_text(
        f"[req]\nprompt=no\ndistinguished_name=n\nreq_extensions=e\n[n]\nCN={IDENTITY}\n"
        "[e]\nsbgp-ipAddrBlock=IPv4:0.0.0.0/0\n"
    )
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384", "-nodes", "-keyout", tmp_path / "key.pem")
    csr = openssl("req", "-new", *key, "-config", tmp_path / "c.cnf")
    owner = ca.ensure_authority(tmp_path, "acme", certifying=True)
    signed = ca.sign(owner, csr, IDENTITY, addresses=["100.64.0.64/26"]).certificate
    der = subprocess.run(["openssl", "x509", "-outform", "DER"], input=signed.encode(), capture_output=True, check=True)
    assert certified(der.stdout) == ["100.64.0.64/26"]


def test_a_renewal_that_says_nothing_of_addresses_keeps_them(tmp_path: Path) -> None:
    owner = ca.ensure_authority(tmp_path, "acme", certifying=True)
    first = ca.sign(owner, request(), IDENTITY, addresses=["100.64.0.64/26", "fd64::/64"])
    ca.sign(owner, request(cn="edge-west.acme"), "edge-west.acme", addresses=["100.64.0.128/26"])
    second = ca.sign(owner, request(), IDENTITY)
    both = [
        openssl("x509", "-noout", "-ext", "sbgp-ipAddrBlock", "-in", owner.directory / "issued" / f"{one.serial}.pem")
        for one in (first, second)
    ]
    assert both[0] == both[1]
    assert "100.64.0.64/26" in both[1]


def test_the_first_certificate_needs_them(tmp_path: Path) -> None:
    with pytest.raises(VccError, match=r"addresses: edge-east[.]acme had no certificate"):
        edge_certificate.issue(str(tmp_path), "acme", IDENTITY, request(), 30, certified_addresses=True)
    assert edge_certificate.issue(str(tmp_path), "acme", IDENTITY, request(), 30, ["100.64.0.0/26"])["serial"]
    assert edge_certificate.issue(str(tmp_path), "acme", IDENTITY, request(), 30)["serial"]


def test_an_authority_that_takes_anothers_place_keeps_them(tmp_path: Path) -> None:
    """It is made in the other one's directory."""
    owner = ca.ensure_authority(tmp_path, "acme", certifying=True)
    first = ca.sign(owner, request(), IDENTITY, addresses=["100.64.0.64/26"])
    made = ca.ensure_authority(tmp_path / "elsewhere", "acme", certifying=True)
    (made.directory).rename(owner.directory / "next")
    successor = replace(made, directory=owner.directory / "next")
    assert not ca.lacks_addresses(successor, IDENTITY)
    assert ca.lacks_addresses(successor, "edge-west.acme")
    second = ca.sign(successor, request(), IDENTITY)
    both = [
        place / "issued" / f"{one.serial}.pem"
        for place, one in ((owner.directory, first), (successor.directory, second))
    ]
    texts = [openssl("x509", "-noout", "-ext", "sbgp-ipAddrBlock", "-in", path) for path in both]
    assert texts[0] == texts[1]
