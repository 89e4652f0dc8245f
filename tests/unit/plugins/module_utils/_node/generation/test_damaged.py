# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a node has to run when what it stored cannot be read. What comes of that, packets included: tests/faults."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._node import state
from ansible_collections.intercloud.vpn.plugins.module_utils._node.document import NOTHING, Generation
from ansible_collections.intercloud.vpn.plugins.module_utils._node.generation import guarded, pending, running, salvage
from ansible_collections.intercloud.vpn.plugins.module_utils._node.ipsec import certificates
from ansible_collections.intercloud.vpn.plugins.module_utils._node.state import Store
from ansible_collections.intercloud.vpn.plugins.module_utils._node.system import files
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils._node.test_templates import NAMESPACE


@pytest.fixture
def pair(store: Store, edge: Generation) -> tuple[Generation, Generation]:
    """Two generations, stored; the second one, current, has a VPN more."""
    more = {"name": "audit", "number": 3, "family": 4, "blocks": ["100.64.8.0/24"], "local": [], "nat": []}
    document = {**edge.document, "generation": 4, "vpns": [*edge.document["vpns"], more]}
    second = Generation(document, edge.files, edge.backend)
    for generation in (edge, second):
        store.guarded.write(guarded.grown(store.guarded.read() or {}, generation))
        store.save(generation)
        store.point(generation)
    return edge, second


def spoil(store: Store, generation: Generation) -> Path:
    path = store.state / "generations" / generation.name / "files" / "nftables.nft"
    path.write_text(path.read_text(encoding="utf-8")[:-1], encoding="utf-8")
    return path


def test_what_is_whole_is_run(store: Store, pair: tuple[Generation, Generation]) -> None:
    running = store.running()
    assert (running.generation, running.name, running.damaged, running.refusing) == (pair[1], pair[1].name, (), False)
    assert running.trouble() == ""


def test_a_new_node_has_nothing_to_run(store: Store) -> None:
    assert store.running() == running.Running(NOTHING)


def test_a_damaged_generation_is_replaced_by_the_one_before(store: Store, pair: tuple[Generation, Generation]) -> None:
    path = spoil(store, pair[1])
    running = store.running()
    assert running.damaged == (f"{path}: does not match its checksum",)
    assert (running.name, running.refusing) == (pair[0].name, False)
    refused = [route["prefix"] for route in running.generation.listed("routes") if route.get("type") == "blackhole"]
    assert refused == ["100.64.0.0/24", "100.64.8.0/24"]  # the document of these tests guards no IPv6 block by a route


@pytest.mark.parametrize("there", [True, False])
def test_the_one_before_does_not_bring_back_an_authority_that_is_gone(
    store: Store, pair: tuple[Generation, Generation], there: bool
) -> None:
    """Rotated between the two. Where the files of now are lost, too, those of before are better than none."""
    old, new = ({name: f"-----BEGIN {age} {name}\n" for name in certificates.FILES} for age in ("old", "new"))
    for number, (generation, texts) in enumerate(zip(pair, (old, new)), 5):
        made = Generation({**generation.document, "generation": number}, {**generation.files, **texts}, "libipsec")
        store.save(made)
        store.point(made)
    for name, path in certificates.FILES.items() if there else ():
        files.write(store.at(path), new[name])
    spoil(store, made)
    running = store.running()
    assert running.generation.document["generation"] == 5
    assert {name: running.generation.files[name] for name in old} == (new if there else old)


def test_of_an_unconfirmed_one_the_confirmed_one_takes_the_place(
    store: Store, pair: tuple[Generation, Generation], document: dict[str, Any]
) -> None:
    third = Generation({**document, "generation": 5}, {}, "libipsec")
    pending.arm(store, third.name, pair[0].name, 60)
    store.save(third)
    store.point(third)
    (store.state / "generations" / third.name / "document.json").unlink()
    assert store.running().name == pair[0].name


def test_with_none_that_can_be_read_every_block_is_refused(store: Store, pair: tuple[Generation, Generation]) -> None:
    for generation in pair:
        spoil(store, generation)
    running = store.running()
    assert running.refusing
    assert len(running.damaged) == 2
    assert guarded.blocks(running.generation) == ["100.64.0.0/24", "100.64.8.0/24", "fd00:1::/64"]
    assert (running.generation.document["node"], running.generation.document["role"]) == ("edge-east", "org_edge")


def test_what_waits_for_confirmation_and_cannot_be_read_is_told(
    store: Store, pair: tuple[Generation, Generation]
) -> None:
    pending.arm(store, pair[1].name, pair[0].name, 60)
    assert store.unread() == []
    path = store.state / "unconfirmed"
    path.write_text(path.read_text(encoding="ascii")[:20], encoding="ascii")
    assert store.unread() == [f"{path}: is damaged"]
    assert store.running().name == pair[1].name


def test_one_of_two_notes_is_enough(store: Store) -> None:
    store.own("sysctls", {"net.ipv4.ip_forward": "0"})
    first, second = store.owning.places
    for place, other in ((first, second), (second, first)):
        place.write_bytes(b"\xff\xfe")
        assert store.owned("sysctls") == {"net.ipv4.ip_forward": "0"}
        assert store.owning.stale() == [place]
        assert store.owning.damaged() == [f"{place}: is damaged"]
        store.own("sysctls", {"net.ipv4.ip_forward": "0"})
        assert place.read_bytes() == other.read_bytes()


def test_notes_of_older_versions_are_read(store: Store) -> None:
    store.state.mkdir(parents=True)
    (store.state / "owned.json").write_text('{"addresses": [["100.64.0.1/32", "lo"]]}', encoding="ascii")
    assert store.owned("addresses") == [["100.64.0.1/32", "lo"]]


def test_generations_of_older_versions_are_read(store: Store, edge: Generation) -> None:
    store.save(edge)
    directory = store.state / "generations" / edge.name
    (directory / "sha256sums").unlink()
    assert store.load(edge.name) == edge
    assert not store.whole(edge.name)
    (directory / "backend").write_text("xfrm", encoding="ascii")
    assert store.load(edge.name) is None


def test_checksums_can_be_checked_by_hand(store: Store, edge: Generation) -> None:
    store.save(edge)
    directory = store.state / "generations" / edge.name
    done = subprocess.run(["sha256sum", "-c", "sha256sums"], cwd=directory, capture_output=True, text=True, check=False)
    assert done.stdout == "backend: OK\ndocument.json: OK\nfiles/nftables.nft: OK\n"


def test_certificates_and_keys_are_taken_from_strongswans_files(store: Store, edge: Generation) -> None:
    pem = "-----BEGIN CERTIFICATE-----\n"
    for name in ("x509", "x509ca"):
        path = store.at(f"/etc/swanctl/{name}/intercloud-vpn.pem")
        path.parent.mkdir(parents=True)
        path.write_text(pem, encoding="ascii")
    known = salvage.known(running.Running(edge, damaged=("x",)), store)
    assert known.files == {"certificate.pem": pem, "authority.pem": pem}
    assert known.empty  # so that every subsystem looks at all that is loaded


@pytest.mark.skipif(not NAMESPACE, reason="needs root and nft")
def test_the_kernel_takes_the_refusing_firewall(edge: Generation) -> None:
    refusing = guarded.refusing(guarded.grown({}, edge))
    beside = guarded.beside(edge, {"blocks": ["100.64.0.0/22", "fd00:1::/64"]})
    for generation in (refusing, beside):
        argv, text = ["unshare", "-n", "nft", "-f", "-"], generation.files["nftables.nft"]
        done = subprocess.run(argv, input=text, capture_output=True, text=True, check=False)
        assert done.stderr == ""
    assert "elements = { 100.64.1.0/24, 100.64.2.0/23 };" in beside.files["nftables.nft"]


def test_nobody_takes_a_damaged_generation_for_nothing() -> None:
    """`current` is None for a damaged one, too: to know what to run, ask `running`."""
    asked = re.compile(r"\.current\(\) or\b")
    found = {path.name for path in Path(state.__file__).parent.rglob("*.py") if asked.search(path.read_text("utf-8"))}
    assert found == set()
