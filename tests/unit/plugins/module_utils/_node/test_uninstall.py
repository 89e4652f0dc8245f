# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A node gives up what is left of us, unless another ledger may need it. The lab shows that nothing stays."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._node import commit as _commit
from ansible_collections.intercloud.vpn.plugins.module_utils._node import identity, slices
from ansible_collections.intercloud.vpn.plugins.module_utils._node import uninstall as _uninstall
from ansible_collections.intercloud.vpn.plugins.module_utils._node.document import Generation
from ansible_collections.intercloud.vpn.plugins.module_utils._node.state import Store
from ansible_collections.intercloud.vpn.plugins.module_utils._node.supplied import supplied
from ansible_collections.intercloud.vpn.plugins.module_utils._node.system import packages
from ansible_collections.intercloud.vpn.plugins.module_utils._node.system.run import CommandError
from ansible_collections.intercloud.vpn.plugins.module_utils._node.uninstall import uninstall

OURS = {"ledger": "L1", "hash": "h"}
SLICE = {
    "format": 1,
    "node": "node-east",
    "role": "vcc_node",
    "cloud": "east",
    "organization": "acme",
    "generation": 3,
    "slice": {"edge": {}},
}


@pytest.fixture(autouse=True)
def _no_subsystems(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_commit, "ORDER", ())


def run(store: Store, check: bool = False, **given: Any) -> dict[str, Any]:
    return uninstall({"ledger": "L1", "vpns": {}, "generations": None, "allow_older": False, **given}, store, check)


def holding(store: Store, document: dict[str, Any]) -> None:
    """As on a node that was declared lost, and is back."""
    generation = Generation(document, identity.stored(OURS))
    store.save(generation)
    store.point(generation)


def test_a_node_without_anything_of_ours_stays_as_it_is(store: Store) -> None:
    left = {"packages": [], "needed_packages": {}, "family": packages.family()}
    assert run(store) == {"changed": False, "subsystems": {}, "diff": [], **left}
    assert not store.state.exists()


def test_what_its_own_ledger_no_longer_knows_goes(store: Store, document: dict[str, Any]) -> None:
    holding(store, document)
    predicted = run(store, check=True)
    assert store.current() is not None
    done = run(store)
    assert (predicted["changed"], predicted["subsystems"]) == (True, done["subsystems"])
    assert done["subsystems"]["generation"]["actions"] == ["forget"]
    assert not store.state.exists()
    assert run(store)["changed"] is False


@pytest.mark.parametrize(("ledger", "words"), [("L2", "is L2"), ("", "is not there")])
def test_what_another_ledger_may_need_stays(store: Store, document: dict[str, Any], ledger: str, words: str) -> None:
    holding(store, document)
    message = run(store, ledger=ledger)["msg"]
    assert f"holds the VPN payroll, six, of L1, and the ledger of this run {words}" in message
    assert "-e vcc_allow_older=true" in message
    assert store.current() is not None
    assert run(store, ledger=ledger, allow_older=True)["changed"] is True


def test_so_it_is_with_slices(store: Store) -> None:
    given = {"slices": [SLICE], "allow_older": False, "require": [], "lineage": {"acme": OURS}}
    slices.keep(given, store, False)
    assert "holds the slice of acme, of L1" in run(store, ledger="L2")["msg"]
    assert run(store, check=True)["subsystems"]["slice"]["actions"] == ["forget acme"]
    assert run(store)["changed"] is True
    assert not store.state.exists()


def test_what_its_ledger_has_under_another_name_than_the_inventory_stays(
    store: Store, document: dict[str, Any]
) -> None:
    holding(store, document)
    vpns = {document["node"]: ["payroll"]}
    message = run(store, vpns=vpns, allow_older=True)["msg"]
    assert message.startswith(f"this node is {document['node']}, which is in payroll, and the inventory has another")
    assert store.current() is not None
    assert run(store, vpns={"another": ["payroll"]})["changed"] is True


def test_so_does_a_vcc_node(store: Store) -> None:
    given = {"slices": [SLICE], "allow_older": False, "require": [], "lineage": {"acme": OURS}}
    slices.keep(given, store, False)
    assert "this node is node-east, which is in payroll" in run(store, vpns={"node-east": ["payroll"]})["msg"]


def test_an_older_copy_of_its_ledger_does_not_know_what_it_is_in(store: Store, document: dict[str, Any]) -> None:
    holding(store, {**document, "generation": 9})
    organization = document["organization"]
    message = run(store, generations={organization: 8})["msg"]
    assert message.startswith(f"this node runs generation 9 of {organization}, and the newest one of the ledger is 8")
    assert store.current() is not None
    assert run(store, check=True, generations={organization: 8}, allow_older=True)["changed"] is True
    assert run(store, generations={organization: 9})["changed"] is True


def test_what_another_run_commits_meanwhile_stays(
    store: Store, document: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """This run waits for the lock as long as that run commits."""
    holding(store, document)
    lock = Store.lock

    @contextlib.contextmanager
    def waiting(one: Store) -> Iterator[None]:
        holding(one, {**document, "generation": 9})
        with lock(one):
            yield

    monkeypatch.setattr(Store, "lock", waiting)
    assert "runs generation 9" in run(store, generations={document["organization"]: 8})["msg"]
    assert store.current() is not None


def test_nor_what_the_slices_are_for(store: Store) -> None:
    given = {"slices": [SLICE], "allow_older": False, "require": [], "lineage": {"acme": OURS}}
    slices.keep(given, store, False)
    assert "generation 3 of acme, and the newest one of the ledger is 2" in run(store, generations={"acme": 2})["msg"]
    assert run(store, generations={"acme": 3})["changed"] is True


def test_a_ledger_on_the_same_machine_stays(store: Store, document: dict[str, Any]) -> None:
    holding(store, document)
    (store.state / "ledger.sqlite").write_text("")
    assert run(store)["changed"] is True
    assert [path.name for path in store.state.iterdir()] == ["ledger.sqlite"]


def test_which_generation_took_all_away_is_forgotten_too(store: Store) -> None:
    identity.note_left({"generation": 4}, OURS, store)
    assert run(store)["subsystems"]["generation"]["actions"] == [f"remove {store.at(identity.LEFT)}"]
    assert not store.at(identity.LEFT).exists()


def test_packages_are_known_until_they_are_removed(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    there = {"dnsmasq-base", "openvpn"}
    monkeypatch.setattr(packages, "installed", lambda names: {name: "" for name in names if name in there})
    monkeypatch.setattr(_uninstall, "run", lambda *_argv: "")
    store.state.mkdir(parents=True)
    (store.state / "packages").write_text("openvpn\ndnsmasq-base\nopenvpn\n")
    assert run(store)["packages"] == ["dnsmasq-base", "openvpn"]
    gone = {"packages": ["openvpn"], "state": "absent", "links": {}}
    assert supplied(gone, store, True)["subsystems"]["packages"]["actions"] == ["forget openvpn"]
    assert supplied(gone, store, False)["changed"] is False, "it is installed"
    there.clear()
    there.add("dnsmasq-base")
    assert supplied(gone, store, False)["changed"] is True
    assert run(store)["packages"] == ["dnsmasq-base"]
    there.clear()
    supplied({**gone, "packages": ["dnsmasq-base"]}, store, False)
    assert run(store)["packages"] == []
    assert not store.state.exists()


def test_packages_that_were_noted_and_never_installed_are_forgotten(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a connection that broke before the installation began."""
    monkeypatch.setattr(packages, "installed", lambda names: {name: "" for name in names if name == "openssl"})
    monkeypatch.setattr(_uninstall, "run", lambda *_argv: "")
    store.state.mkdir(parents=True)
    (store.state / "packages").write_text("openssl\nopenvpn\n")
    predicted = run(store, check=True)
    assert predicted["subsystems"]["packages"]["actions"] == ["forget openvpn"]
    assert run(store) == predicted and predicted["packages"] == ["openssl"]
    assert (store.state / "packages").read_text() == "openssl\n"
    monkeypatch.setattr(packages, "installed", lambda _names: {})
    assert run(store)["changed"] is True and not store.state.exists()


def test_what_a_vcc_node_told_node_exporter_goes_with_its_slices(store: Store) -> None:
    told = store.at("/var/lib/prometheus/node-exporter/intercloud_vpn_slices.prom")
    told.parent.mkdir(parents=True)
    slices.keep({"slices": [SLICE], "allow_older": False, "require": []}, store, False)
    assert told.exists()
    assert run(store, allow_older=True)["subsystems"]["metrics"]["actions"] == [
        "remove /var/lib/prometheus/node-exporter/intercloud_vpn_slices.prom"
    ]
    assert list(told.parent.iterdir()) == []


def test_links_go_as_far_as_they_are_ours(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """On RHEL, strongSwan's files are elsewhere."""
    monkeypatch.setattr(packages, "installed", list)
    given = {"packages": ["strongswan"], "state": "present", "links": {"/etc/swanctl": "/etc/strongswan/swanctl"}}
    place = store.at("/etc/swanctl")
    place.parent.mkdir(parents=True, exist_ok=True)
    assert supplied(given, store, True)["subsystems"]["links"]["actions"] == [
        "link /etc/swanctl to /etc/strongswan/swanctl"
    ]
    assert not place.is_symlink()
    assert supplied(given, store, False)["changed"] is True and str(place.readlink()) == "/etc/strongswan/swanctl"
    assert supplied(given, store, False)["changed"] is False
    assert run(store, check=True)["subsystems"]["links"]["actions"] == ["remove /etc/swanctl"]
    assert place.is_symlink()
    assert run(store)["changed"] is True and not place.is_symlink()
    assert run(store)["changed"] is False
    supplied(given, store, False)
    place.unlink()
    place.mkdir()  # by the administrator, meanwhile
    assert run(store)["subsystems"] == {} and place.is_dir()
    assert "is not a link to /etc/strongswan/swanctl; move it away" in supplied(given, store, False)["msg"]


def test_packages_that_others_need_by_now_stay(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    takes = {"openssl": ["ca-certificates", "openssl"], "openvpn": ["openvpn"]}

    def simulated(*argv: str) -> str:
        assert argv[:4] == ("apt-get", "--simulate", "purge", "--")
        return "".join(f"Purg {name} [1.0]\n" for asked in argv[4:] for name in takes[asked])

    monkeypatch.setattr(packages, "installed", list)
    monkeypatch.setattr(_uninstall, "have", lambda _program: True)
    monkeypatch.setattr(_uninstall, "run", simulated)
    store.state.mkdir(parents=True)
    (store.state / "packages").write_text("openssl\nopenvpn\npython3\n")
    done = run(store)
    assert (done["packages"], done["needed_packages"]) == (["openvpn"], {"openssl": ["ca-certificates"]})


def test_where_apt_does_not_say_what_would_go_packages_stay(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_argv: str) -> str:
        raise CommandError("apt-get failed")

    monkeypatch.setattr(packages, "installed", list)
    monkeypatch.setattr(_uninstall, "have", lambda _program: True)
    monkeypatch.setattr(_uninstall, "run", fails)
    store.state.mkdir(parents=True)
    (store.state / "packages").write_text("openvpn\n")
    assert run(store)["packages"] == []


def test_rpm_says_what_else_needs_a_package(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def erases(*argv: str) -> str:
        assert argv[:4] == ("rpm", "--erase", "--test", "--")
        if "openssl" in argv:
            raise CommandError("rpm: openssl is needed by (installed) certmonger")
        return ""

    monkeypatch.setattr(packages, "installed", list)
    monkeypatch.setattr(_uninstall, "have", lambda program: program == "rpm")
    monkeypatch.setattr(_uninstall, "run", erases)
    store.state.mkdir(parents=True)
    (store.state / "packages").write_text("openssl\nopenvpn\n")
    done = run(store)
    assert done["packages"] == ["openvpn"]
    assert done["needed_packages"] == {"openssl": ["rpm: openssl is needed by (installed) certmonger"]}
