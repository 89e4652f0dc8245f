# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates and revocations on the edge: what is installed, what is never taken back, what still does."""

from __future__ import annotations

import base64
import dataclasses
import shutil
import subprocess
from collections.abc import Callable
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


def test_a_check_predicts_what_comes_with_an_authority_that_is_yet_to_be_made(edge: Generation, store: Store) -> None:
    told = dataclasses.replace(edge, files={"certificate.pem": "a certificate that is not signed yet"})
    predicted = actions(Certificates(Context(told, NOTHING, store, check=True)))
    assert predicted == actions(part(edge, store)) != []


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


def block(kind: str, text: str) -> str:
    return f"-----BEGIN {kind}-----\n{base64.b64encode(text.encode()).decode()}\n-----END {kind}-----\n"


OLD, NEW = block("CERTIFICATE", "old"), block("CERTIFICATE", "new")


def content(store: Store, path: str) -> str:
    return _files.read(store.at(path))


def test_two_authorities_are_in_the_files_that_strongswan_and_openvpn_read(edge: Generation, store: Store) -> None:
    """The connections name two files. With one authority both hold it, so that they need not change their words."""
    for text, first, last in ((OLD, OLD, OLD), (OLD + NEW, OLD + NEW, NEW), (NEW, NEW, NEW)):
        both = part(edge, store, authority=text)
        expected = both.proofs()
        assert f"install {certificates.AUTHORITY}" in actions(both)
        both.build()
        assert (content(store, certificates.AUTHORITY), content(store, certificates.LAST_AUTHORITY)) == (first, last)
        assert certificates.proofs_on_disk(store) == expected and actions(both) == []
    store.at(certificates.LAST_AUTHORITY).unlink()
    assert actions(both) == [f"install {certificates.LAST_AUTHORITY}"]
    gone = part(Generation({**edge.document, "tunnels": []}), store)
    gone.clear()
    assert not store.at(certificates.LAST_AUTHORITY).exists()


def test_a_slower_run_does_not_take_the_new_authority_back(edge: Generation, store: Store) -> None:
    """It was planned before the rotation began. The next phase relies on what the edge has said meanwhile."""
    part(edge, store, authority=OLD + NEW).build()
    slower = part(edge, store, authority=OLD)
    assert actions(slower) == []
    slower.build()
    assert content(store, certificates.AUTHORITY) == OLD + NEW
    other = part(edge, store, authority=block("CERTIFICATE", "another"))
    assert f"install {certificates.AUTHORITY}" in actions(other)  # of a server that was restored, say


def test_the_lists_of_two_authorities_are_two_files(edge: Generation, store: Store) -> None:
    both = FIRST + SECOND[SECOND.index("-----BEGIN") :]
    part(edge, store, crl=both).build()
    assert content(store, certificates.LAST_REVOCATIONS) == SECOND[SECOND.index("-----BEGIN") :]
    part(edge, store, crl=SECOND).build()
    assert content(store, REVOCATIONS) == SECOND and not store.at(certificates.LAST_REVOCATIONS).exists()


@pytest.mark.skipif(not shutil.which("openssl"), reason="needs openssl")
class TestNewKey:
    """A key beside the one in use takes its place with the certificate for it. Each moment has a pair that fits."""

    @pytest.fixture
    def pems(self, tmp_path: Path, store: Store) -> dict[str, str]:
        """Two keys, the second beside the first, and certificates for them."""
        curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=edge-west.acme")
        store.at(certificates.KEY).parent.mkdir(parents=True)
        for name, path in (("old", certificates.KEY), ("new", certificates.NEW_KEY)):
            openssl(tmp_path, "req", "-x509", *curve, "-keyout", f"{name}.key", "-out", f"{name}.pem")
            shutil.copy(tmp_path / f"{name}.key", store.at(path))
            store.at(path).chmod(0o600)
        return {name: (tmp_path / name).read_text() for name in ("old.pem", "new.pem", "old.key", "new.key")}

    def pairs(self, store: Store, pems: dict[str, str]) -> bool:
        """Whether the certificate on disk is for a key in the directory that charon reads."""
        which = next(name for name in ("old", "new") if pems[f"{name}.pem"] == content(store, certificates.CERTIFICATE))
        keys = [path.read_text() for path in store.at(certificates.KEY).parent.iterdir()]
        return pems[f"{which}.key"] in keys

    def test_it_comes_with_its_certificate(self, edge: Generation, store: Store, pems: dict[str, str]) -> None:
        part(edge, store, certificate=pems["old.pem"]).build()
        assert content(store, certificates.KEY) == pems["old.key"]
        new = part(edge, store, certificate=pems["new.pem"])
        assert new.problems() == []
        assert actions(new) == [f"install {certificates.CERTIFICATE}", f"use {certificates.NEW_KEY}"]
        new.build()
        assert content(store, certificates.KEY) == pems["new.key"]
        assert content(store, certificates.OLD_KEY) == pems["old.key"] and not store.at(certificates.NEW_KEY).exists()
        new.clear()  # nothing is unconfirmed
        assert [path.name for path in store.at(certificates.KEY).parent.iterdir()] == ["intercloud-vpn.key"]
        assert store.at(certificates.KEY).stat().st_mode & 0o777 == 0o600 and actions(new) == []

    def test_a_roll_back_has_the_old_key(self, edge: Generation, store: Store, pems: dict[str, str]) -> None:
        old = part(edge, store, certificate=pems["old.pem"])
        old.build()
        part(edge, store, certificate=pems["new.pem"]).build()
        old.build()
        assert (content(store, certificates.KEY), actions(old)) == (pems["old.key"], [])
        # The new one stays, for the next attempt.
        assert content(store, certificates.NEW_KEY) == pems["new.key"]

    @pytest.mark.parametrize("moment", range(1, 5))
    def test_a_kill_at_any_moment(
        self, edge: Generation, store: Store, pems: dict[str, str], moment: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        part(edge, store, certificate=pems["old.pem"]).build()
        left = [moment]
        for module, name in ((certificates.os, "link"), (certificates.os, "replace"), (_files, "write")):
            monkeypatch.setattr(module, name, killing(getattr(module, name), left))
        with pytest.raises(KeyboardInterrupt):
            part(edge, store, certificate=pems["new.pem"]).build()
            raise KeyboardInterrupt  # after the last of them
        monkeypatch.undo()
        assert self.pairs(store, pems)
        again = part(edge, store, certificate=pems["new.pem"])  # at boot, or in the next run
        assert again.problems() == []
        again.build()
        assert content(store, certificates.KEY) == pems["new.key"]
        assert content(store, certificates.CERTIFICATE) == pems["new.pem"]

    def test_a_certificate_for_neither_is_refused(self, edge: Generation, store: Store, pems: dict[str, str]) -> None:
        store.at(certificates.NEW_KEY).unlink()
        wanted = part(edge, store, certificate=pems["new.pem"])
        assert "the certificate given is not for this edge's private key" in wanted.problems()


def killing(real: Callable[..., Any], left: list[int]) -> Callable[..., Any]:
    """A step before or after which all ends."""

    def step(*given: Any, **named: Any) -> Any:
        left[0] -= 1
        if left[0] == 0:
            raise KeyboardInterrupt
        return real(*given, **named)

    return step


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

    def test_of_two_authorities_the_one_that_signed_it(self, made: Path, store: Store) -> None:
        digests = []
        for name in ("ours", "other"):
            shutil.copy(made / f"{name}.pem", store.at(certificates.AUTHORITY))
            digests.append(x509.certificate(store)["authority_sha256"])
        both = "".join((made / f"{name}.pem").read_text() for name in ("other", "ours"))
        store.at(certificates.AUTHORITY).write_text(both)
        facts = x509.certificate(store)
        assert (facts["signed"], facts["authority_sha256"], facts["authorities"]) == (True, digests[0], digests[::-1])
        self.sign(made, "other")
        assert x509.certificate(store)["authority_sha256"] == digests[1]

    def test_authorities_that_were_planned_earlier_are_not_trusted_again(
        self, made: Path, edge: Generation, store: Store
    ) -> None:
        """The edge has been through all phases meanwhile. What is gone, or counts for no peer, is not trusted again."""
        self.sign(made, "other")
        old, new = ((made / f"{name}.pem").read_text() for name in ("ours", "other"))
        certificate = _files.read(store.at(certificates.CERTIFICATE))
        part(edge, store, certificate=certificate, authority=new).build()
        for planned in (old + new, old):
            slower = part(edge, store, certificate=certificate, authority=planned)
            assert (actions(slower), slower.proofs()) == ([], certificates.proofs_on_disk(store))
            slower.build()
            assert content(store, certificates.AUTHORITY) == new == content(store, certificates.LAST_AUTHORITY)
        # One that is to replace it, of a server that was restored, comes with a certificate.
        self.sign(made, "ours")
        certificate = _files.read(store.at(certificates.CERTIFICATE))
        for planned in (old + new, old):
            part(edge, store, authority=new).build()
            restored = part(edge, store, certificate=certificate, authority=planned)
            assert f"install {certificates.AUTHORITY}" in actions(restored)
            restored.build()
            assert content(store, certificates.AUTHORITY) == planned

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
