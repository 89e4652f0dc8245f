# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rotations: what edges are to have in each phase, what keeps a rotation from the next one, and runs that are killed.

The edges here keep what they are given, as real ones do: a tunnel can authenticate when each end trusts the authority
that signed the other's certificate, and it was not revoked there.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ansible_collections.intercloud.vpn.plugins.module_utils._base.errors import VccError
from ansible_collections.intercloud.vpn.plugins.module_utils._base.whole_files import locked
from ansible_collections.intercloud.vpn.plugins.module_utils._pki import authority, ca, crl, renewals, rotation
from ansible_collections.intercloud.vpn.plugins.module_utils._pki.rotating import Rotating
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils._pki.test_crl import request as request_of

EAST, WEST = "edge-east", "edge-west"


class Edge:
    """An edge with a key, a certificate, and the authorities that it trusts."""

    def __init__(self, state_dir: Path, name: str, organization: str = "acme") -> None:
        self.state_dir, self.organization, self.identity = state_dir, organization, f"{name}.{organization}"
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.trusts: list[str] = []
        self.sign()
        self.trust()

    def request(self) -> str:
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, self.identity)])
        wanted = x509.CertificateSigningRequestBuilder().subject_name(name).sign(self.key, hashes.SHA256())
        return wanted.public_bytes(serialization.Encoding.PEM).decode()

    def sign(self) -> None:
        owner = ca.ensure_authority(self.state_dir, self.organization)
        self.serial = ca.sign(owner, self.request(), self.identity).serial
        self.signer = owner.sha256

    def trust(self) -> None:
        self.trusts = [one.sha256 for one in authority.trusted(self.state_dir, self.organization)]

    def has(self) -> dict[str, Any]:
        digest = crl.key_sha256(self.key.public_key())
        told = {"fits": True, "serial": self.serial, "key_sha256": digest, "authority_sha256": self.signer}
        return {**told, "authorities": self.trusts}

    def report(self) -> dict[str, Any]:
        return {"concerned": True, "certificate": self.has(), "drift": []}

    def follow(self) -> None:
        """As the playbook, and create_vpn, have it: one commit with all that is owed."""
        wanted = rotation.order_of(rotation.told(self.state_dir, self.organization))
        owed = wanted.owed(self.has())
        if owed["key"]:
            self.key = ec.generate_private_key(ec.SECP256R1())
        if owed["certificate"]:
            self.sign()
        self.trust()


def up(*edges: Edge) -> bool:
    """Whether all tunnels can authenticate."""
    return all(one.signer in other.trusts for one, other in itertools.permutations(edges, 2))


@pytest.fixture
def edges(tmp_path: Path) -> dict[str, Edge]:
    return {name: Edge(tmp_path, name) for name in (EAST, WEST)}


def run(state_dir: Path, there: dict[str, Edge], step: str, check: bool = False, **given: Any) -> Rotating:
    by_organization = given.pop("organizations", {"acme": there})
    ours = {
        organization: {name: edge.identity for name, edge in known.items()}
        for organization, known in by_organization.items()
    }
    empty: dict[str, Any] = {"kinds": [], "edges": [], "partners": [], "forget": [], "reports": {}}
    partners = given.pop("known_partners", {})
    parameters = {"state_dir": str(state_dir), "at_once": False, "finish": False, **empty, **given}
    done = Rotating(parameters, check, ours, dict.fromkeys(ours, partners))
    done.begin() if step == "begin" else done.advance()
    return done


def reports(edges: dict[str, Edge]) -> dict[str, Any]:
    return {name: edge.report() for name, edge in edges.items()}


def rotate(state_dir: Path, edges: dict[str, Edge], *kinds: str, **given: Any) -> Rotating:
    """The playbook, to its end."""
    done = run(state_dir, edges, "begin", kinds=[*kinds], **given)
    while done.orders:
        for edge in edges.values():
            edge.follow()
            assert up(*edges.values())
        done = run(state_dir, edges, "advance", reports=reports(edges), **given)
    return done


def test_certificates_are_replaced_and_keys_stay(tmp_path: Path, edges: dict[str, Edge]) -> None:
    before = {name: edge.has() for name, edge in edges.items()}
    assert rotate(tmp_path, edges, "certificates").summary == ["acme: rotation of certificates is finished"]
    for name, edge in edges.items():
        now = edge.has()
        assert now["serial"] != before[name]["serial"] and now["key_sha256"] == before[name]["key_sha256"]
    assert rotation.read(tmp_path, "acme") is None


def test_of_one_edge_only(tmp_path: Path, edges: dict[str, Edge]) -> None:
    before = {name: edge.has() for name, edge in edges.items()}
    begun = run(tmp_path, edges, "begin", kinds=["keys"], edges=[EAST])
    assert [*begun.orders] == [EAST]
    for edge in edges.values():
        edge.follow()
    assert edges[WEST].has() == before[WEST]
    assert edges[EAST].has()["key_sha256"] != before[EAST]["key_sha256"]
    assert run(tmp_path, edges, "advance", reports=reports(edges)).waiting == {}
    with pytest.raises(VccError, match=r"vcc_rotate_edges: edge-eastt: no org edge .* did you mean edge-east"):
        run(tmp_path, edges, "begin", kinds=["keys"], edges=["edge-eastt"])


def test_an_authority_is_replaced_and_only_the_new_one_is_left(tmp_path: Path, edges: dict[str, Edge]) -> None:
    old = ca.ensure_authority(tmp_path, "acme")
    before = authority.authority_key(old.directory).private_numbers()
    assert rotate(tmp_path, edges, "authority").waiting == {}
    new = ca.ensure_authority(tmp_path, "acme")
    assert new.sha256 != old.sha256 and new.directory == old.directory
    assert [edge.trusts for edge in edges.values()] == [[new.sha256]] * 2
    assert authority.authority_key(new.directory).private_numbers() != before
    assert (new.directory / "ca.key").stat().st_mode & 0o777 == 0o600
    kept = sorted(path.name for path in new.directory.iterdir())
    assert kept == ["ca.key", "ca.pem", "issued", "lock"]
    assert {path.stem for path in (new.directory / "issued").iterdir()} == {edge.serial for edge in edges.values()}


def test_keys_with_the_authority_get_one_certificate_each(tmp_path: Path, edges: dict[str, Edge]) -> None:
    before = {name: edge.has()["key_sha256"] for name, edge in edges.items()}
    rotate(tmp_path, edges, "keys", "authority")
    assert len([*(tmp_path / "ca/acme/issued").iterdir()]) == 2
    assert all(edge.has()["key_sha256"] != before[name] for name, edge in edges.items())


def test_an_edge_that_does_not_answer_stops_the_rotation_and_harms_nobody(
    tmp_path: Path, edges: dict[str, Edge]
) -> None:
    """In each phase; the others stay in a working mixed state, and the same command goes on."""
    done = run(tmp_path, edges, "begin", kinds=["authority"])
    for phase in (authority.BOTH, authority.ISSUE, authority.ONE):
        assert authority.phase(tmp_path / "ca/acme") == phase
        edges[EAST].follow()
        assert up(*edges.values())
        stopped = run(tmp_path, edges, "advance", reports={EAST: edges[EAST].report()})
        assert (stopped.waiting, stopped.orders) == ({WEST: "did not answer"}, {})
        again = run(tmp_path, edges, "begin", kinds=["authority"])
        assert again.orders == done.orders and "goes on (begun" in again.summary[0]
        edges[WEST].follow()
        assert up(*edges.values())
        done = run(tmp_path, edges, "advance", reports=reports(edges))
    assert rotation.read(tmp_path, "acme") is None


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ({"drift": ["edge-east--edge-west still uses certificate 4f"]}, "still uses certificate 4f"),
        ({"certificate": {}}, "has its old certificate; trusts other authorities"),
        ({"concerned": False}, "has no tunnel with a certificate yet: run create_vpn"),
    ],
)
def test_the_machine_is_believed(tmp_path: Path, edges: dict[str, Edge], told: dict[str, Any], why: str) -> None:
    run(tmp_path, edges, "begin", kinds=["authority"])
    for edge in edges.values():
        edge.follow()
    heard = reports(edges)
    heard[WEST].update(told)
    stopped = run(tmp_path, edges, "advance", reports=heard)
    assert why in stopped.waiting[WEST] and authority.phase(tmp_path / "ca/acme") == authority.BOTH


WRITES = ("write_whole", "make_authority", "_write", "_promote", "_outlive", "make_directory")


class Killed(BaseException):
    """As SIGKILL: nothing catches it."""


@pytest.mark.parametrize("revoked", [False, True])
def test_a_server_that_is_killed_at_any_step_goes_on(
    tmp_path: Path, edges: dict[str, Edge], monkeypatch: pytest.MonkeyPatch, revoked: bool
) -> None:
    """Before and after each write, in each phase: tunnels can authenticate, and the next run does the rest."""
    left = [0]
    if revoked:  # seen: killed between the list and the authority that signed it, no run could read the two
        Edge(tmp_path, "edge-south")
        crl.revoke_everywhere(tmp_path, "acme", "edge-south.acme")

    def killing(real: Callable[..., Any]) -> Callable[..., Any]:
        def work(*given: Any, **named: Any) -> Any:
            left[0] -= 1
            if left[0] == 0:
                raise Killed
            made = real(*given, **named)
            left[0] -= 1
            if left[0] == 0:
                raise Killed
            return made

        return work

    for name in WRITES:
        monkeypatch.setattr(rotation, name, killing(getattr(rotation, name)))
    monkeypatch.setattr(rotation.shutil, "rmtree", killing(rotation.shutil.rmtree))
    kills = 0
    for moment in itertools.count(1):
        old, left[0] = ca.ensure_authority(tmp_path, "acme").sha256, moment
        before = kills
        try:
            rotate(tmp_path, edges, "authority")
        except Killed:
            kills += 1
            left[0] = 0
            assert up(*edges.values())
            for edge in edges.values():  # a create_vpn in between
                edge.follow()
                assert up(*edges.values())
        left[0] = 0
        if rotation.read(tmp_path, "acme"):
            rotate(tmp_path, edges)
        now = ca.ensure_authority(tmp_path, "acme").sha256
        for edge in edges.values():
            edge.follow()
        assert [edge.trusts for edge in edges.values()] == [[now]] * 2 and up(*edges.values())
        if kills == before:  # it came to its end
            assert now != old
            break
    assert kills > 30


def test_a_finished_rotation_begins_again_when_it_is_asked_for_only(tmp_path: Path, edges: dict[str, Edge]) -> None:
    rotate(tmp_path, edges, "certificates")
    before = edges[EAST].serial
    with pytest.raises(VccError, match="vcc_rotate: no rotation is unfinished; name what to rotate"):
        run(tmp_path, edges, "begin")
    for edge in edges.values():
        edge.follow()
    assert edges[EAST].serial == before
    rotate(tmp_path, edges, "certificates")
    assert edges[EAST].serial != before


def test_one_rotation_at_a_time(tmp_path: Path, edges: dict[str, Edge]) -> None:
    run(tmp_path, edges, "begin", kinds=["keys"])
    with pytest.raises(VccError, match=r"the rotation of keys, begun .*, is not finished"):
        run(tmp_path, edges, "begin", kinds=["authority"])
    assert run(tmp_path, edges, "begin").orders.keys() == {EAST, WEST}  # without a name, what is unfinished goes on


def test_an_edge_that_the_unfinished_rotation_is_not_about_is_named(tmp_path: Path, edges: dict[str, Edge]) -> None:
    """It was left out in silence: whoever named it took its key for replaced."""
    run(tmp_path, edges, "begin", kinds=["keys"], edges=[WEST])
    with pytest.raises(VccError, match=r"the rotation of keys of edge-west, begun .*, is not finished.* edge-east"):
        run(tmp_path, edges, "begin", kinds=["keys"], edges=[EAST, WEST])
    assert run(tmp_path, edges, "begin", kinds=["keys"], edges=[WEST]).orders.keys() == {WEST}
    assert run(tmp_path, edges, "begin", kinds=["keys"]).orders.keys() == {WEST}


def test_one_organization_that_waits_has_the_others_not_begin_anew(tmp_path: Path, edges: dict[str, Edge]) -> None:
    """The same command goes on. In an organization that was done, it began another rotation each time."""
    other = {"edge-far": Edge(tmp_path, "edge-far", "umbra")}
    both = {"acme": edges, "umbra": other}

    def step(step: str, **given: Any) -> Rotating:
        return run(tmp_path, {**edges, **other}, step, organizations=both, **given)

    step("begin", kinds=["certificates"])
    for edge in (*edges.values(), *other.values()):
        edge.follow()
    stopped = step("advance", reports=reports({EAST: edges[EAST], **other}))
    assert stopped.waiting == {WEST: "did not answer"} and rotation.read(tmp_path, "umbra") is None
    before = other["edge-far"].serial
    again = step("begin", kinds=["certificates"])
    assert again.orders.keys() == {EAST, WEST} and rotation.read(tmp_path, "umbra") is None
    assert "umbra: nothing begins here" in again.summary[-1]
    other["edge-far"].follow()
    assert other["edge-far"].serial == before


def test_check_writes_nothing_and_tells_what_is_owed(tmp_path: Path, edges: dict[str, Edge]) -> None:
    def everything() -> dict[str, bytes]:
        return {str(path): path.read_bytes() for path in sorted((tmp_path / "ca").rglob("*")) if path.is_file()}

    before = everything()
    for kind, owed in (("certificates", "certificate"), ("keys", "key"), ("authority", "authority")):
        found = run(tmp_path, edges, "begin", check=True, kinds=[kind])
        assert found.changed and rotation.order_of(found.orders[EAST]).owed(edges[EAST].has())[owed]
    assert everything() == before


def test_a_renewal_meanwhile_is_by_the_authority_that_signs(tmp_path: Path, edges: dict[str, Edge]) -> None:
    """renew_certificates comes every day, whatever the rotation waits for. In each phase edges take what it signs."""
    done = run(tmp_path, edges, "begin", kinds=["authority"])
    while done.orders:
        for edge in edges.values():
            edge.follow()
        east = edges[EAST]
        asking = {EAST: renewals.Edge(east.identity, "acme", east.request())}
        signed = renewals.renew(tmp_path, asking, 397, None).signed[EAST].certificate
        owner = ca.ensure_authority(tmp_path, "acme")
        renewed, parent = (x509.load_pem_x509_certificate(pem.encode()) for pem in (signed, owner.pem))
        assert renewed.issuer == parent.subject
        assert owner.sha256 in edges[WEST].trusts
        done = run(tmp_path, edges, "advance", reports=reports(edges))


def test_a_restored_server_can_rotate_again(tmp_path: Path, edges: dict[str, Edge]) -> None:
    """Its backup is of before a rotation: edges trust an authority that it does not know, and keep that one."""
    for edge in edges.values():
        edge.trusts.append("of a rotation that was lost")
    begun = run(tmp_path, edges, "begin", kinds=["certificates"])
    for edge in edges.values():
        assert not rotation.order_of(begun.orders[EAST]).owed(edge.has())["authority"]
        edge.sign()
    assert run(tmp_path, edges, "advance", reports=reports(edges)).waiting == {}
    rotate(tmp_path, edges, "authority")
    assert len(edges[EAST].trusts) == 1


def test_a_server_that_was_restored_to_an_earlier_phase_goes_on(tmp_path: Path, edges: dict[str, Edge]) -> None:
    """Edges trust the new authority alone by then, and go on doing so: the next run has nothing to give them."""
    directory = tmp_path / "ca/acme"
    run(tmp_path, edges, "begin", kinds=["authority"])
    for _phase in range(2):
        shutil.copytree(directory, tmp_path / "backup", dirs_exist_ok=True)
        for edge in edges.values():
            edge.follow()
        run(tmp_path, edges, "advance", reports=reports(edges))
    for edge in edges.values():
        edge.follow()
    shutil.rmtree(directory)
    shutil.copytree(tmp_path / "backup", directory)
    assert authority.phase(directory) == authority.ISSUE
    wanted = rotation.order_of(rotation.told(tmp_path, "acme"))
    assert [{*wanted.owed(edge.has()).values()} for edge in edges.values()] == [{False}] * 2
    while rotation.read(tmp_path, "acme"):
        assert run(tmp_path, edges, "advance", reports=reports(edges)).waiting == {}


class TestPartners:
    KNOWN = {"known_partners": {"partner": "partner.example"}}

    def test_it_waits_until_they_trust_the_new_one_and_have_its_certificate(
        self, tmp_path: Path, edges: dict[str, Edge]
    ) -> None:
        run(tmp_path, edges, "begin", kinds=["authority"], **self.KNOWN)
        for edge in edges.values():
            edge.follow()
        there = {"reports": reports(edges), **self.KNOWN}
        assert "ca/acme/next/ca.pem, too" in run(tmp_path, edges, "advance", **there).waiting["partner"]
        assert run(tmp_path, edges, "advance", partners=["partner"], **there).orders
        for edge in edges.values():
            edge.follow()
        there = {"reports": reports(edges), **self.KNOWN}
        waiting = run(tmp_path, edges, "advance", partners=["partner"], **there).waiting
        assert "sign_certificate" in waiting["partner"]
        partner = Edge(tmp_path, "partner")
        partner.identity = "partner.example"
        partner.sign()
        assert run(tmp_path, edges, "advance", **there).orders


class TestRevocation:
    def test_while_both_are_trusted_both_revoke(self, tmp_path: Path, edges: dict[str, Edge]) -> None:
        run(tmp_path, edges, "begin", kinds=["authority"])
        for edge in edges.values():
            edge.follow()
        run(tmp_path, edges, "advance", reports=reports(edges))
        old = edges[WEST].serial
        edges[WEST].follow()
        text, new = crl.revoke_everywhere(tmp_path, "acme", "edge-west.acme")
        assert {entry.serial for entry in new} == {old, edges[WEST].serial}
        told = crl.published(tmp_path, "acme")
        assert (told["crl"], {*told["serials"]}) == (text, {old, edges[WEST].serial})
        assert text.count("-----BEGIN X509 CRL-----") == 2
        for edge in edges.values():
            with pytest.raises(VccError, match="was revoked") if edge is edges[WEST] else _fine():
                edge.sign()

    def test_a_revoked_key_stays_refused_and_the_new_list_is_the_newer_one(
        self, tmp_path: Path, edges: dict[str, Edge]
    ) -> None:
        text, _new = crl.revoke_everywhere(tmp_path, "acme", "edge-west.acme")
        stolen, edges[WEST].key = edges[WEST].key, ec.generate_private_key(ec.SECP256R1())
        edges[WEST].sign()
        rotate(tmp_path, edges, "authority")
        told = crl.published(tmp_path, "acme")
        assert told["refused_keys"] == [crl.key_sha256(stolen.public_key())] and told["serials"] == []
        assert _number(told["crl"]) > _number(text)
        edges[WEST].key = stolen
        with pytest.raises(VccError, match="was revoked"):
            edges[WEST].sign()


class TestWhoSignsMeanwhile:
    """A certificate that the authority has no copy of can never be revoked by the edge's name."""

    @pytest.fixture
    def last(self, tmp_path: Path, edges: dict[str, Edge]) -> rotation.Rotation:
        """A rotation in its last phase, which all edges have followed."""
        run(tmp_path, edges, "begin", kinds=["authority"], at_once=True)
        for edge in edges.values():
            edge.follow()
        there = rotation.read(tmp_path, "acme")
        assert there
        return there

    def test_by_an_authority_that_has_moved(
        self, tmp_path: Path, edges: dict[str, Edge], last: rotation.Rotation
    ) -> None:
        east, slow = edges[EAST], authority.signer(tmp_path, "acme")
        assert slow
        rotation.advance(tmp_path, "acme", last)
        with pytest.raises(VccError, match="another authority took its place meanwhile: run this again"):
            ca.sign(slow, east.request(), east.identity)
        assert not (tmp_path / "ca/acme/next").exists()
        east.sign()
        assert east.serial in crl.issued(ca.ensure_authority(tmp_path, "acme"))

    def test_the_move_waits_for_who_signs(self, tmp_path: Path, last: rotation.Rotation) -> None:
        moving = threading.Thread(target=rotation.advance, args=(tmp_path, "acme", last))
        with locked(tmp_path / "ca/acme/next/lock"):
            moving.start()
            moving.join(0.3)
            assert moving.is_alive() and rotation.read(tmp_path, "acme") == last
        moving.join(10)
        assert rotation.read(tmp_path, "acme") is None


def test_what_no_edge_has_confirmed_moves_along(tmp_path: Path, edges: dict[str, Edge]) -> None:
    """A renewal that is under way when the rotation ends; and nothing is left of those by the old authority."""
    issued = tmp_path / "ca/acme/issued"
    (issued / f"{edges[WEST].serial}.expected").touch()
    run(tmp_path, edges, "begin", kinds=["authority"], at_once=True)
    for edge in edges.values():
        edge.follow()
    asking = {EAST: renewals.Edge(edges[EAST].identity, "acme", edges[EAST].request())}
    assert renewals.renew(tmp_path, asking, 397, None).signed[EAST]
    run(tmp_path, edges, "advance", reports=reports(edges))
    (waiting,) = issued.glob("*.expected")
    assert waiting.with_suffix(".pem").exists() and waiting.stem not in {edge.serial for edge in edges.values()}


class TestAtOnce:
    def test_only_the_new_one_is_trusted_from_the_first_moment(self, tmp_path: Path, edges: dict[str, Edge]) -> None:
        old = ca.ensure_authority(tmp_path, "acme").sha256
        begun = run(tmp_path, edges, "begin", kinds=["authority"], at_once=True)
        assert old not in begun.orders[EAST]["authorities"]
        for edge in edges.values():
            edge.follow()
        assert up(*edges.values()) and old not in edges[EAST].trusts
        assert run(tmp_path, edges, "advance", reports=reports(edges)).waiting == {}
        assert ca.ensure_authority(tmp_path, "acme").sha256 == edges[EAST].signer

    def test_whoever_is_cut_off_is_named_before_and_after(self, tmp_path: Path, edges: dict[str, Edge]) -> None:
        known = {"kinds": ["authority"], "at_once": True, "known_partners": {"gw": "gw.example", "old": "old.example"}}
        before = ca.ensure_authority(tmp_path, "acme")
        ca.sign(before, request_of("gw.example"), "gw.example")
        for check in (True, False):
            ours, theirs = run(tmp_path, edges, "begin", check=check, **known).summary[1:]
            assert "one that it does not reach stays cut off: edge-east, edge-west" in ours
            assert theirs.startswith("acme: external edges are cut off") and theirs.endswith(": gw, old")
        edges[EAST].follow()
        new = authority.signer(tmp_path, "acme")
        assert new
        ca.sign(new, request_of("gw.example"), "gw.example")
        waits = run(tmp_path, edges, "advance", reports={EAST: edges[EAST].report()}, **known).summary[-1]
        assert "cut off now, without a certificate of the new authority: edge-west, old (" in waits
        edges[WEST].follow()
        *_rest, finished, left = run(tmp_path, edges, "advance", reports=reports(edges), **known).summary
        assert "is finished" in finished and "the new authority: old (" in left

    @pytest.mark.parametrize("phases", [0, 1])
    def test_a_rotation_that_is_under_way_is_at_once_from_now_on(
        self, tmp_path: Path, edges: dict[str, Edge], phases: int
    ) -> None:
        """The key was stolen meanwhile. The run waited for an edge that was down, and the thief was trusted."""
        old = ca.ensure_authority(tmp_path, "acme").sha256
        stolen = edges[WEST].identity
        run(tmp_path, edges, "begin", kinds=["authority"])
        for _phase in range(phases):
            for edge in edges.values():
                edge.follow()
            run(tmp_path, edges, "advance", reports=reports(edges))
        crl.revoke_everywhere(tmp_path, "acme", stolen)
        refused = crl.published(tmp_path, "acme")["refused_keys"]
        foretold = run(tmp_path, edges, "begin", check=True, kinds=["authority"], at_once=True)
        assert foretold.changed and authority.phase(tmp_path / "ca/acme") != authority.ONE
        begun = run(tmp_path, edges, "begin", kinds=["authority"], at_once=True)
        assert old not in begun.orders[EAST]["authorities"] and begun.changed
        assert "phase 3 of 3" in begun.summary[0]
        edges[EAST].follow()
        assert old not in edges[EAST].trusts and crl.published(tmp_path, "acme")["refused_keys"] == refused
        again = run(tmp_path, edges, "begin", kinds=["authority"], at_once=True)
        assert again.orders == begun.orders and not again.changed


def test_a_state_of_another_version_is_not_touched(tmp_path: Path, edges: dict[str, Edge]) -> None:
    run(tmp_path, edges, "begin", kinds=["keys"])
    path = tmp_path / "ca/acme/rotation.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "format": 2}))
    with pytest.raises(VccError, match=r"another version of intercloud\.vpn wrote it"):
        run(tmp_path, edges, "begin")


def test_what_is_written_is_read(tmp_path: Path, edges: dict[str, Edge]) -> None:
    new = rotation.planned(tmp_path, "acme", ["keys"], {"edge-east.acme"}, at_once=False)
    assert rotation.begin(tmp_path, "acme", new) == new == rotation.read(tmp_path, "acme")
    other = dataclasses.replace(new, kinds=("certificates",))
    assert rotation.begin(tmp_path, "acme", other) == new  # whoever was first


def _number(text: str) -> int:
    return int(text.partition("number: ")[2].split()[0])


class _fine:
    def __enter__(self) -> None: ...

    def __exit__(self, *_error: object) -> None: ...


def test_whoever_wants_addresses_of_an_authority_without_any_is_told_what_to_do(tmp_path: Path) -> None:
    ca.ensure_authority(tmp_path, "acme", certifying=False)
    ca.ensure_authority(tmp_path, "umbra", certifying=True)
    (said,) = rotation.without_addresses(tmp_path, ["umbra", "new", "acme"])
    assert said.startswith("acme: vcc_certified_addresses has no effect: ")
    assert said.endswith("rotate -e vcc_rotate=authority -e vcc_certified_addresses=true")
    new = rotation.planned(tmp_path, "acme", ["authority"], [], at_once=True)
    rotation.begin(tmp_path, "acme", new, addresses=True)
    assert rotation.without_addresses(tmp_path, ["acme"]) == []
