# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A restored authority learns from the edges what it revoked since: nobody trusts that again."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("cryptography")

from ansible_collections.intercloud.vpn.plugins.module_utils._pki import authority, ca, rotation
from ansible_collections.intercloud.vpn.plugins.module_utils._pki import crl as _crl
from ansible_collections.intercloud.vpn.plugins.module_utils._recovery.revocations import recover_revocations
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils._pki.test_crl import (
    EAST,
    WEST,
    request,
    revoked,
)


def held(crl: str, organization: str = "acme", edge: str = "edge-east") -> list[dict[str, Any]]:
    document = {"node": edge, "role": "org_edge", "organization": organization, "generation": 1}
    return [{"document": document, "crl": crl, "host": edge, "kinds": ["org_edges"], "owner": organization}]


@pytest.fixture(name="owner")
def _owner(tmp_path: Path) -> authority.Authority:
    """An authority that has revoked one certificate, and was backed up before it revoked another one."""
    owner = ca.ensure_authority(tmp_path, "acme")
    for name in (WEST, EAST):
        ca.sign(owner, request(name), name)
    _crl.revoke(owner, WEST)
    shutil.copytree(owner.directory, tmp_path / "backup")
    _crl.revoke(owner, EAST)
    return owner


def restore(owner: authority.Authority) -> str:
    """Set the authority back; what the edges have."""
    text = (owner.directory / "crl.pem").read_text()
    shutil.rmtree(owner.directory)
    shutil.copytree(owner.directory.parents[1] / "backup", owner.directory)
    return text


def test_what_the_edges_refuse_the_authority_learns(owner: authority.Authority, tmp_path: Path) -> None:
    everything = revoked(owner)
    text = restore(owner)
    assert len(revoked(owner)) == 1
    predicted = recover_revocations(str(tmp_path), held(text), check=True)
    assert len(revoked(owner)) == 1
    assert recover_revocations(str(tmp_path), held(text)) == predicted
    assert predicted == (["+ revocations of acme: 2 certificates, with what edge-east knew"], [])
    assert revoked(owner) == everything
    assert recover_revocations(str(tmp_path), held(text)) == ([], [])


def test_an_older_list_teaches_nothing(owner: authority.Authority, tmp_path: Path) -> None:
    old = (tmp_path / "backup" / "crl.pem").read_text()
    everything = revoked(owner)
    assert recover_revocations(str(tmp_path), held(old)) == ([], [])
    assert revoked(owner) == everything


def test_nobody_signs_the_head(owner: authority.Authority, tmp_path: Path) -> None:
    """Seen: an edge put a higher number over an old list, and what was revoked since was good again, its own too."""
    everything = revoked(owner)
    old = (tmp_path / "backup" / "crl.pem").read_text()
    forged = re.sub(r"number: \d+", "number: 9999999999", old)
    assert recover_revocations(str(tmp_path), held(forged)) == ([], [])
    assert revoked(owner) == everything
    # Nor do words over a list that is newer say whose certificates they are.
    text = restore(owner)
    forged = re.sub(r"number: \d+", "number: 9999999999", text.replace(EAST, "edge-south.acme"))
    assert recover_revocations(str(tmp_path), held(forged))[0]
    assert (owner.directory / "crl.pem").read_text() == text
    assert _crl.revoke(owner, EAST)[1] == []


def test_what_either_of_two_lists_has_stays_revoked(owner: authority.Authority, tmp_path: Path) -> None:
    """Seen: after a restore another edge was revoked, which made the authority's list the newest, and not the whole."""
    first = _crl.revocation_list(owner)
    assert first
    text = restore(owner)
    south = ca.sign(owner, request("edge-south.acme"), "edge-south.acme")
    second, _new = _crl.revoke(owner, "edge-south.acme")
    assert second
    predicted = recover_revocations(str(tmp_path), held(text), check=True)
    assert recover_revocations(str(tmp_path), held(text)) == predicted
    assert predicted == (["+ revocations of acme: 3 certificates, with what edge-east knew"], [])
    found = _crl.revocation_list(owner)
    assert found
    assert revoked(owner) == {entry.serial for entry in first.revoked} | {south.serial}
    assert found.number > max(first.number, second.number)
    assert {entry.identity for entry in found.revoked} == {WEST, EAST, "edge-south.acme"}
    assert recover_revocations(str(tmp_path), held(text)) == ([], [])


def test_lists_of_several_edges_are_one(owner: authority.Authority, tmp_path: Path) -> None:
    text = restore(owner)
    ca.sign(owner, request("edge-south.acme"), "edge-south.acme")
    other, _new = _crl.revoke(owner, "edge-south.acme")
    assert other
    restore(owner)
    said = held(text) + held(other.text, edge="edge-west")
    predicted = recover_revocations(str(tmp_path), said, check=True)
    assert recover_revocations(str(tmp_path), said) == predicted
    assert predicted == (["+ revocations of acme: 3 certificates, with what edge-east, edge-west knew"], [])
    found = _crl.revocation_list(owner)
    assert found
    # Of the one that was signed after the backup the authority has no copy.
    assert [entry.identity for entry in found.revoked].count(_crl.UNKNOWN) == 1
    assert recover_revocations(str(tmp_path), said) == ([], [])


def test_in_a_rotation_each_authority_learns_its_own_list(owner: authority.Authority, tmp_path: Path) -> None:
    """Edges have both lists in one text. Of the second, nothing was learned: what only the new one signed came back."""
    new = rotation.planned(tmp_path, "acme", ["authority"], {EAST}, at_once=False)
    begun = rotation.begin(tmp_path, "acme", new)
    rotation.advance(tmp_path, "acme", begun)
    following = authority.signer(tmp_path, "acme")
    assert following
    south, north = "edge-south.acme", "edge-north.acme"
    for name in (south, north):
        ca.sign(following, request(name), name)
    _crl.revoke_everywhere(tmp_path, "acme", south)
    shutil.rmtree(tmp_path / "backup")
    shutil.copytree(owner.directory, tmp_path / "backup")
    text, _new = _crl.revoke_everywhere(tmp_path, "acme", north)
    everything = _crl.published(tmp_path, "acme")["serials"]
    restore(owner)
    assert len(_crl.published(tmp_path, "acme")["serials"]) == len(everything) - 1
    predicted = recover_revocations(str(tmp_path), held(text), check=True)
    assert recover_revocations(str(tmp_path), held(text)) == predicted
    count = "2 certificates, with what edge-east knew"  # the old one's list got another number, too
    told = [f"+ revocations of acme: {count}", f"+ revocations of acme, by its new authority: {count}"]
    assert predicted == (told, [])
    assert _crl.published(tmp_path, "acme")["serials"] == everything
    assert recover_revocations(str(tmp_path), held(text)) == ([], [])
    # Where the backup is of before the rotation, the list of the old one is learned all the same.
    old = _crl.revocation_list(owner)
    assert old
    shutil.rmtree(owner.directory / "next")
    (owner.directory / "rotation.json").unlink()
    (owner.directory / "crl.pem").unlink()
    lines, notes = recover_revocations(str(tmp_path), held(text))
    assert len(lines) == len(notes) == 1
    assert revoked(owner) == {entry.serial for entry in old.revoked}


def test_a_list_of_another_authority_is_named_and_left(owner: authority.Authority, tmp_path: Path) -> None:
    other = ca.ensure_authority(tmp_path / "elsewhere", "acme")
    ca.sign(other, request(WEST), WEST)
    found, _new = _crl.revoke(other, WEST)
    assert found
    everything = revoked(owner)
    lines, notes = recover_revocations(str(tmp_path), held(found.text))
    assert lines == []
    assert "list of revocations of edge-east: not a revocation list of the authority" in notes[0]
    assert revoked(owner) == everything
    assert recover_revocations(str(tmp_path), held(found.text, "umbra")) == ([], [])


def test_only_the_organizations_that_are_recovered_learn(owner: authority.Authority, tmp_path: Path) -> None:
    """Their edges may be in the same inventory. Seen: a run for one organization brought back revocations of all."""
    everything = revoked(owner)
    text = restore(owner)
    assert recover_revocations(str(tmp_path), held(text), organizations=["umbra"]) == ([], [])
    assert len(revoked(owner)) == 1
    assert recover_revocations(str(tmp_path), held(text), organizations=["acme"])[0]
    assert revoked(owner) == everything
