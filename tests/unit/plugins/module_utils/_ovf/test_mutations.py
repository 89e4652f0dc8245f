# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever is done to the octets of a package, it is read, or refused with its place: never anything else."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils._ovf.packages import (
    Signer,
    archive,
    folder,
    refusals,
    vendor,
    whole,
)

VENDORS = ("nested", "ovirt", "vcloud", "virtualbox", "vsphere")
NETWORKS = {"networks": {"VM Network": "org", "inner": "vapp", "Internal": "vapp", "tenants": "org"}}
# Places by share, pieces that mean something to one of the readers, and what is done with them.
CHANGES = st.lists(
    st.tuples(
        st.floats(0, 1, exclude_max=True),
        st.sampled_from(["replace", "insert", "remove", "repeat"]),
        st.one_of(
            st.binary(min_size=1, max_size=12),
            st.sampled_from(
                [b"<", b"</", b"/>", b'"', b"&a;", b"\xff", b"\0", b"-1", b"99999999999999999999", b"ovf:", b"10"]
            ),
        ),
    ),
    min_size=1,
    max_size=6,
)


def changed(content: bytes, changes: list[tuple[float, str, bytes]]) -> bytes:
    for share, how, piece in changes:
        at = int(share * len(content))
        if how == "replace":
            content = content[:at] + piece + content[at + len(piece) :]
        elif how == "insert":
            content = content[:at] + piece + content[at:]
        elif how == "remove":
            content = content[:at] + content[at + len(piece) :]
        else:
            content = content[:at] + content[max(at - 200, 0) :]
    return content


@given(st.sampled_from(VENDORS), CHANGES)
def test_descriptors(name: str, changes: list[tuple[float, str, bytes]]) -> None:
    descriptor = changed(vendor(name)[f"{name}.ovf"], changes)
    with tempfile.TemporaryDirectory() as directory:
        for said in refusals(folder(Path(directory), whole({"shop.ovf": descriptor}, "shop")), **NETWORKS):
            assert said.startswith((directory, "networks."))  # or what the options name is gone


@given(CHANGES)
def test_archives(changes: list[tuple[float, str, bytes]]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        path = archive(Path(directory) / "vcloud.ova", vendor("vcloud"))
        path.write_bytes(changed(path.read_bytes(), changes))
        for said in refusals(path):
            assert said.startswith(directory)


@given(st.sampled_from(["vcloud.mf", "vcloud.cert"]), CHANGES)
def test_manifests_and_certificates(name: str, changes: list[tuple[float, str, bytes]]) -> None:
    files = vendor("vcloud")
    files["vcloud.cert"] = SIGNER.sign("vcloud.mf", files["vcloud.mf"])
    files[name] = changed(files[name], changes)
    with tempfile.TemporaryDirectory() as directory:
        trusted = Path(directory) / "trusted.pem"
        trusted.write_bytes(SIGNER.pem)
        for said in refusals(folder(Path(directory), files), trusted=str(trusted)):
            assert said.startswith(directory)


@pytest.fixture(scope="module", autouse=True)
def _readable() -> None:
    """The packages as they are before they are changed: else nothing would be learned from the others."""
    with tempfile.TemporaryDirectory() as directory:
        assert refusals(archive(Path(directory) / "vcloud.ova", vendor("vcloud"))) == []


SIGNER = Signer("vendor")
