# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates and revocations on the edge: what is installed, what is never taken back, what still does."""

from __future__ import annotations

import base64
import dataclasses
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._node.document import NOTHING, Generation
from ansible_collections.intercloud.vpn.plugins.module_utils._node.ipsec import certificates, x509
from ansible_collections.intercloud.vpn.plugins.module_utils._node.ipsec.certificates import REVOCATIONS, Certificates
from ansible_collections.intercloud.vpn.plugins.module_utils._node.part import Context
from ansible_collections.intercloud.vpn.plugins.module_utils._node.state import Store
from ansible_collections.intercloud.vpn.plugins.module_utils._node.system import files as _files


def der(tag: int, *parts: bytes) -> bytes:
    return bytes((tag, sum(map(len, parts)))) + b"".join(parts)


def listing(number: int, revoked: str) -> str:
    """A list with no more of X.509 in it than its number."""
    extension = der(0x30, der(0x06, bytes((0x55, 0x1D, 0x14))), der(0x04, der(0x02, bytes((number,)))))
    signed = der(0x30, der(0x30, der(0xA0, der(0x30, extension))))
    pem = f"-----BEGIN X509 CRL-----\n{base64.b64encode(signed).decode()}\n-----END X509 CRL-----\n"
    return f"number: {number}\nrevoked: {revoked}\n{pem}"


FIRST = listing(17, "edge-west.acme a1 2026-01-01T00:00:00Z")
SECOND = listing(18, "edge-west.acme b2 2026-02-01T00:00:00Z")


def part(generation: Generation, store: Store, **files: str) -> Certificates:
    kept = {"certificate.pem": "certificate\n", "authority.pem": "authority\n"}
    want = dataclasses.replace(generation, files={**kept, **{f"{name}.pem": text for name, text in files.items()}})
    return Certificates(Context(want, NOTHING, store))


def actions(part: Certificates) -> list[str]:
    return [change.action for change in part.changes()]


def test_what_was_revoked_is_installed_and_then_as_wanted(edge: Generation, store: Store) -> None:
    part(edge, store).build()
    assert actions(part(edge, store)) == []  # none is needed before something was revoked
    newer = part(edge, store, crl=FIRST)
    assert actions(newer) == [f"install {REVOCATIONS}"]
    assert newer.revoked() == {"edge-west.acme": "2026-01-01T00:00:00Z"}
    expected = newer.loaded()
    assert expected != certificates.on_disk(store)
    newer.build()
    assert (actions(newer), certificates.on_disk(store)) == ([], expected)


def test_a_roll_back_does_not_trust_again(edge: Generation, store: Store) -> None:
    part(edge, store, crl=SECOND).build()
    for earlier in (part(edge, store, crl=FIRST.replace("17", "99")), part(edge, store, crl=FIRST), part(edge, store)):
        assert actions(earlier) == []
        earlier.build()
        earlier.clear()
        assert _files.read(store.at(REVOCATIONS)) == SECOND
        assert earlier.loaded() == certificates.on_disk(store)


def test_a_list_that_was_taken_away_is_put_back(edge: Generation, store: Store) -> None:
    part(edge, store, crl=FIRST).build()
    store.at(REVOCATIONS).unlink()
    assert actions(part(edge, store, crl=FIRST)) == [f"install {REVOCATIONS}"]


def test_it_goes_with_the_last_tunnel(edge: Generation, store: Store, document: dict[str, Any]) -> None:
    part(edge, store, crl=FIRST).build()
    last = part(Generation({**document, "tunnels": []}), store)
    assert f"remove {REVOCATIONS}" in actions(last)
    last.clear()
    assert not store.at(REVOCATIONS).exists()


def test_what_is_told_of_them_is_so_when_the_last_tunnel_with_a_certificate_has_a_key(
    edge: Generation, store: Store, document: dict[str, Any]
) -> None:
    """charon is told once. Else it is never as wanted: seen when an edge kept only its tunnel to a partner."""
    part(edge, store, crl=FIRST).build()
    for tunnel in document["tunnels"]:
        tunnel["ike"]["auth"] = "psk"
    rest = Certificates(Context(dataclasses.replace(edge, document=document, files={}), NOTHING, store))
    told, revoked = rest.loaded(), rest.revoked()
    rest.build()
    rest.clear()
    assert (told, revoked) == (certificates.on_disk(store), {})
    assert (rest.loaded(), actions(rest)) == (told, [])


@pytest.mark.skipif(not shutil.which("openssl"), reason="needs openssl")
class TestFacts:
    """What _x509 tells, of certificates that openssl makes."""

    @pytest.fixture
    def made(self, tmp_path: Path, store: Store) -> Path:
        """Two authorities, a key, and a certificate for it by the first."""
        for directory in ("private", "x509", "x509ca"):
            (tmp_path / "etc/swanctl" / directory).mkdir(parents=True)
        curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
        for name in ("ours", "other"):
            openssl(
                tmp_path, "req", "-x509", *curve, "-keyout", f"{name}.key", "-out", f"{name}.pem", "-subj", "/CN=ca"
            )
        request = ("-subj", "/CN=edge-west.acme", "-addext", "subjectAltName=DNS:edge-west.acme")
        openssl(tmp_path, "req", *curve, "-keyout", "edge.key", "-out", "edge.csr", *request)
        self.sign(tmp_path, "ours")
        for source, path in (("edge.key", certificates.KEY), ("ours.pem", certificates.AUTHORITY)):
            shutil.copy(tmp_path / source, store.at(path))
        return tmp_path

    def sign(self, directory: Path, authority: str, days: int = 100) -> None:
        ca = ("-CA", f"{authority}.pem", "-CAkey", f"{authority}.key", "-set_serial", "0x0badcafe", "-days", str(days))
        extensions = ("-copy_extensions", "copy")
        openssl(
            directory,
            "x509",
            "-req",
            "-in",
            "edge.csr",
            *ca,
            *extensions,
            "-out",
            "etc/swanctl/x509/intercloud-vpn.pem",
        )

    def test_a_good_one(self, made: Path, store: Store) -> None:
        facts = x509.certificate(store)
        assert (facts["present"], facts["key"], facts["fits"], facts["signed"]) == (True,) * 4
        assert (facts["identity"], facts["serial"]) == ("edge-west.acme", "badcafe")
        assert facts["not_before"] < facts["not_after"]
        assert [x509.valid_for(facts, days) for days in (None, 30, 101)] == [True, True, False]

    def test_of_another_authority(self, made: Path, store: Store) -> None:
        self.sign(made, "other")
        facts = x509.certificate(store)
        assert (facts["fits"], facts["signed"], x509.valid_for(facts, 0)) == (True, False, False)

    def test_for_another_key(self, made: Path, store: Store) -> None:
        shutil.copy(made / "other.key", store.at(certificates.KEY))
        facts = x509.certificate(store)
        assert (facts["fits"], facts["signed"], x509.valid_for(facts, 0)) == (False, True, False)

    def test_an_expired_one_is_still_signed(self, made: Path, store: Store) -> None:
        self.sign(made, "ours", days=-1)
        facts = x509.certificate(store)
        assert (facts["signed"], x509.valid_for(facts, 0)) == (True, False)

    def test_of_none(self, store: Store) -> None:
        facts = x509.certificate(store)
        assert (facts["present"], facts["key"], x509.valid_for(facts, 0)) == (False, False, False)


def openssl(directory: Path, *words: str) -> None:
    done = subprocess.run(["openssl", *words], cwd=directory, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
