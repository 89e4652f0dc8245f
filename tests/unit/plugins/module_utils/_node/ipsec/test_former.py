# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A link that only has another name now: the old one stays loaded until the new one is up."""

from __future__ import annotations

import copy
import os
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._node.document import Generation
from ansible_collections.intercloud.vpn.plugins.module_utils._node.generation import pending
from ansible_collections.intercloud.vpn.plugins.module_utils._node.ipsec import charon, connections, former
from ansible_collections.intercloud.vpn.plugins.module_utils._node.state import Store
from ansible_collections.intercloud.vpn.plugins.module_utils._node.system import files

OLD, NEW = "edge-east--edge-west", "edge-east--gate-west"
DOWN = {"tunnel": NEW, "vpn": "payroll", "state": "DOWN"}


def generation(
    document: dict[str, Any], tunnel: str = OLD, link: str = "payroll", certificate: str = "A"
) -> Generation:
    """The node with one tunnel and one link of these names."""
    document = copy.deepcopy(document)
    document["tunnels"][0]["name"] = tunnel
    document["tunnels"][0]["links"][0]["vpn"] = link
    text = (
        f"connections {{\n  {tunnel} {{\n    local {{\n      certs = intercloud-vpn.pem\n    }}\n    children {{\n"
        f"      {link} {{\n        mode = tunnel\n      }}\n    }}\n  }}\n}}\n"
    )
    return Generation(document, {"swanctl.conf": text, "certificate.pem": certificate}, "libipsec")


def kept(want: Generation, have: Generation, store: Store) -> former.Former:
    found = former.Former(want, have, store)
    found.build()
    return found


def certificates(store: Store) -> list[Path]:
    """The old ones."""
    return sorted(store.at(former.CERTIFICATES).glob("intercloud-vpn.former*"))


@pytest.fixture
def charon_has(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """What is run and ended; nothing is noted of the daemon."""
    done: list[tuple[str, ...]] = []
    monkeypatch.setattr(former, "run", lambda *words, **_more: done.append(words))
    monkeypatch.setattr(charon, "marker", lambda _store: {"config": "another"})
    monkeypatch.setattr(charon, "mark", lambda _store, **_noted: done.append(("mark",)))
    there = [(OLD, ""), (OLD, "payroll")]
    monkeypatch.setattr(connections, "active", lambda names: [one for one in there if one[0] in {*names}])
    monkeypatch.setattr(connections, "terminate", lambda gone: done.extend(("end", *one) for one in gone))
    vici = MagicMock()
    vici.return_value.__enter__.return_value.ask = lambda verb, words: done.append((verb, words["child"]))
    vici.return_value.__exit__.return_value = None
    monkeypatch.setattr(former, "Vici", vici)
    return done


def test_the_old_connection_stays_whole(document: dict[str, Any], store: Store) -> None:
    found = kept(generation(document, NEW), generation(document), store)
    text = files.read(store.at(former.CONFIG))
    assert former.read(store) == {(OLD, "payroll"): (NEW, "payroll")}
    assert f"  {OLD} {{" in text and "certs = intercloud-vpn.pem" in text
    assert found.keeps(OLD) and found.keeps(OLD, "payroll") and not found.keeps(NEW)
    assert not found.stale()


def test_with_the_certificate_that_it_was_loaded_with(document: dict[str, Any], store: Store) -> None:
    """charon ends a connection that is loaded with another one."""
    kept(generation(document, NEW, certificate="B"), generation(document), store)
    (path,) = certificates(store)
    assert f"certs = {path.name}\n" in files.read(store.at(former.CONFIG))
    assert files.read(path) == "A"


def test_of_a_tunnel_that_keeps_its_name_the_old_link_stays(document: dict[str, Any], store: Store) -> None:
    found = kept(generation(document, link="wages"), generation(document), store)
    assert former.read(store) == {(OLD, "payroll"): (OLD, "wages")}
    assert found.keeps(OLD, "payroll") and not found.keeps(OLD, "wages")
    assert OLD not in files.read(store.at(former.CONFIG)).split("\n", 1)[1], "charon keeps the SA by itself"


def test_other_selectors_make_another_link(document: dict[str, Any], store: Store) -> None:
    want = generation(document, NEW)
    want.document["tunnels"][0]["links"][0]["remote_ts"] = ["100.64.0.128/26"]
    assert not kept(want, generation(document), store).links
    assert not store.at(former.CONFIG).exists()


def test_a_file_that_is_laid_out_otherwise_keeps_nothing(document: dict[str, Any], store: Store) -> None:
    have = generation(document)
    have.files["swanctl.conf"] = "include elsewhere.conf\n"
    assert not kept(generation(document, NEW), have, store).links


def test_what_is_kept_stays_until_the_new_link_is_up(
    document: dict[str, Any], store: Store, charon_has: list[tuple[str, ...]]
) -> None:
    want = generation(document, NEW)
    kept(want, generation(document), store)
    assert former.Former(want, want, store).keeps(OLD), "a second run"
    assert former.proceed(want, store, [DOWN]) == [] and charon_has == []
    done = former.proceed(want, store, [{**DOWN, "state": "INSTALLED"}])
    assert done == [f"{NEW}/payroll took over from {OLD}/payroll"]
    assert charon_has == [("swanctl", "--load-conns"), ("end", OLD, "")]
    assert not store.at(former.CONFIG).exists()
    assert former.proceed(want, store, [{**DOWN, "state": "INSTALLED"}]) == []


def test_on_the_way_back_the_new_name_is_the_old_one(document: dict[str, Any], store: Store) -> None:
    old, new = generation(document), generation(document, NEW)
    kept(new, old, store)
    kept(old, new, store)
    assert former.read(store) == {(NEW, "payroll"): (OLD, "payroll")}


def test_what_has_no_successor_any_more_goes(document: dict[str, Any], store: Store) -> None:
    new = generation(document, NEW)
    kept(new, generation(document), store)
    other = generation(document, NEW)
    other.document["tunnels"][0]["links"] = []
    kept(other, new, store)
    assert former.read(store) == {}


@pytest.mark.parametrize(("initiator", "waits"), [(True, True), (False, False)])
def test_of_two_links_in_one_tunnel_the_end_that_initiates_waits_for_the_other(
    document: dict[str, Any], store: Store, charon_has: list[tuple[str, ...]], initiator: bool, waits: bool
) -> None:
    """A peer that does not know the new name takes the new link for the old one. charon makes no two that are alike."""
    document["tunnels"][0]["initiator"] = initiator
    want = generation(document, link="wages")
    assert kept(want, generation(document), store).waits("text") is waits
    former.load(want, store)
    swapped = [("uninstall", "payroll"), ("end", OLD, "payroll"), ("initiate", "wages")]
    assert charon_has == ([("swanctl", "--load-conns"), ("mark",), *swapped] if waits else [])
    charon_has.clear()
    assert former.proceed(want, store, [{**DOWN, "tunnel": OLD, "vpn": "wages", "state": "INSTALLED"}])
    assert former.read(store) == {} and charon_has == [("end", OLD, "payroll")]


def test_nothing_is_loaded_or_ended_before_the_node_is_confirmed(
    document: dict[str, Any], store: Store, charon_has: list[tuple[str, ...]]
) -> None:
    """The agent looks every few seconds, and peers may not have their generation yet."""
    want = generation(document, link="wages")
    kept(want, generation(document), store)
    pending.arm(store, "4-x", "3-x", 60)
    former.load(want, store)
    assert former.proceed(want, store, [{**DOWN, "tunnel": OLD, "vpn": "wages", "state": "INSTALLED"}]) == []
    assert charon_has == [] and former.read(store)


def test_a_link_that_the_peer_made_before_has_the_old_name_and_is_made_again(
    document: dict[str, Any], store: Store, charon_has: list[tuple[str, ...]]
) -> None:
    document["tunnels"][0]["initiator"] = False
    want = generation(document, link="wages")
    kept(want, generation(document), store)
    assert former.proceed(want, store, [{**DOWN, "tunnel": OLD, "vpn": "wages"}]) == []
    long_ago = store.at(former.CONFIG).stat().st_mtime - 2 * former.GRACE
    os.utime(store.at(former.CONFIG), (long_ago, long_ago))
    assert former.proceed(want, store, [{**DOWN, "tunnel": OLD, "vpn": "wages"}])
    assert charon_has == [("end", OLD, "payroll")]


def test_a_peer_that_is_away_does_not_keep_the_others(
    document: dict[str, Any], store: Store, charon_has: list[tuple[str, ...]]
) -> None:
    second = copy.deepcopy(document["tunnels"][0])
    second.update(name="edge-east--edge-south", remote_address="203.0.113.34")
    second["links"][0].update(vpn="audit", number=2)
    document["tunnels"].append(second)
    have, want = generation(document), generation(document, NEW, certificate="B")
    want.document["tunnels"][1]["name"] = "edge-east--gate-south"
    part = (
        have.files["swanctl.conf"].split("\n", 1)[1].replace(OLD, "edge-east--edge-south").replace("payroll", "audit")
    )
    have.files["swanctl.conf"] = have.files["swanctl.conf"].removesuffix("}\n") + part
    kept(want, have, store)
    assert former.proceed(want, store, [{**DOWN, "state": "INSTALLED"}])
    assert former.read(store) == {("edge-east--edge-south", "audit"): ("edge-east--gate-south", "audit")}
    text = files.read(store.at(former.CONFIG))
    assert "  edge-east--edge-south {" in text and f"  {OLD} {{" not in text
    assert certificates(store)
    assert charon_has == [("swanctl", "--load-conns"), ("end", OLD, "")]


def test_a_link_with_a_trap_gets_it_again(
    document: dict[str, Any], store: Store, charon_has: list[tuple[str, ...]]
) -> None:
    want = generation(document, link="wages")
    want.files["swanctl.conf"] = want.files["swanctl.conf"].replace("mode = tunnel", "start_action = trap|start")
    kept(want, generation(document), store)
    former.load(want, store)
    assert charon_has[-2:] == [("initiate", "wages"), ("install", "wages")]


def test_another_connection_waits_for_nobody(document: dict[str, Any], store: Store) -> None:
    """The peer tells them apart by the identities."""
    assert not kept(generation(document, NEW), generation(document), store).waits("text")


THIRD = "edge-east--portal-west"


def with_second(made: Generation, document: dict[str, Any], name: str) -> Generation:
    """The same with another tunnel, to another edge, in another VPN."""
    second = copy.deepcopy(document["tunnels"][0])
    second.update(name=name, remote_address="203.0.113.34")
    second["links"][0].update(vpn="audit", number=2)
    made.document["tunnels"].append(second)
    text = made.files["swanctl.conf"]
    tunnel = made.document["tunnels"][0]["name"]
    part = text.split("\n", 1)[1].replace(tunnel, name).replace("payroll", "audit")
    made.files["swanctl.conf"] = text.removesuffix("}\n") + part
    return made


def test_of_two_names_in_a_row_the_first_carries_on(document: dict[str, Any], store: Store) -> None:
    """The peer was not reached in between, and knows the first one only."""
    first, second, third = (
        generation(document, name, certificate=text) for name, text in ((OLD, "A"), (NEW, "B"), (THIRD, "C"))
    )
    kept(second, first, store)
    found = kept(third, second, store)
    assert former.read(store) == {(OLD, "payroll"): (THIRD, "payroll"), (NEW, "payroll"): (THIRD, "payroll")}
    assert {files.read(path) for path in certificates(store)} == {"A", "B"}, "each was loaded with its own"
    text = files.read(store.at(former.CONFIG))
    assert all(path.name in text for path in certificates(store))
    assert found.keeps(OLD) and not former.Former(third, third, store).stale(), "a second run"
    kept(generation(document, "edge-east--edge-south"), third, store)
    assert (OLD, "payroll") in former.read(store)


def test_another_peers_name_does_not_end_what_is_kept(document: dict[str, Any], store: Store) -> None:
    first, second, third = (
        with_second(generation(document, name, certificate="B"), document, other)
        for name, other in ((OLD, "edge-east--edge-south"), (NEW, "edge-east--edge-south"), (NEW, "edge-east--gate"))
    )
    first.files["certificate.pem"] = "A"
    kept(second, first, store)
    kept(third, second, store)
    assert former.read(store) == {
        ("edge-east--edge-south", "audit"): ("edge-east--gate", "audit"),
        (OLD, "payroll"): (NEW, "payroll"),
    }
    assert [files.read(path) for path in certificates(store)] == ["A"]


def test_nor_does_another_certificate(document: dict[str, Any], store: Store) -> None:
    """The peer's connection is kept with the certificate that it was loaded with, which is renewed later."""
    second = generation(document, NEW)
    kept(second, generation(document), store)
    found = kept(generation(document, NEW, certificate="B"), second, store)
    assert found.keeps(OLD)
    assert [files.read(path) for path in certificates(store)] == ["A"]


def test_a_vpn_that_is_deleted_goes_and_the_others_stay(
    document: dict[str, Any], store: Store, charon_has: list[tuple[str, ...]]
) -> None:
    def both(tunnel: str) -> Generation:
        made = generation(document, tunnel)
        link = {**copy.deepcopy(document["tunnels"][0]["links"][0]), "vpn": "audit", "number": 2}
        made.document["tunnels"][0]["links"].append(link)
        child = "      audit {\n        mode = tunnel\n      }\n"
        made.files["swanctl.conf"] = made.files["swanctl.conf"].replace("    children {\n", f"    children {{\n{child}")
        return made

    second = both(NEW)
    kept(second, both(OLD), store)
    assert len(former.read(store)) == 2
    found = kept(generation(document, NEW), second, store)
    assert former.read(store) == {(OLD, "payroll"): (NEW, "payroll")}
    assert "audit" not in files.read(store.at(former.CONFIG)) and not found.keeps(OLD, "audit")


def test_a_tunnel_whose_name_another_one_has_is_no_old_one(document: dict[str, Any], store: Store) -> None:
    """The former edge-west is gate-west, and another machine is edge-west now."""
    second = generation(document, NEW)
    kept(second, generation(document), store)
    third = with_second(generation(document, NEW), document, OLD)
    kept(third, second, store)
    assert former.read(store) == {}


def test_a_vpn_with_a_third_name_is_made_once(
    document: dict[str, Any], store: Store, charon_has: list[tuple[str, ...]]
) -> None:
    document["tunnels"][0]["initiator"] = True
    first, second, third = (generation(document, link=name) for name in ("payroll", "wages", "salary"))
    kept(second, first, store)
    kept(third, second, store)
    former.load(third, store)
    assert [one for one in charon_has if one[0] == "initiate"] == [("initiate", "salary")]
    assert ("end", OLD, "payroll") in charon_has
