# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Packages by family of distributions: the node's own os-release and package manager say which and whether."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.intercloud.vpn.plugins.module_utils._node.system import packages
from ansible_collections.intercloud.vpn.plugins.module_utils._node.system.run import CommandError

ROLES = Path(__file__).resolve().parents[6] / "roles"
DEBIAN = 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\n'
UBUNTU = 'ID=ubuntu\nID_LIKE=debian\nVERSION_ID="24.04"\n'
ROCKY = 'NAME="Rocky Linux"\nID="rocky"\nID_LIKE="rhel centos fedora"\n'
ALPINE = 'NAME="Alpine Linux"\nID=alpine\n'
WANTED: list[Any] = ["python3", {"Debian": ["iproute2", "nftables"], "RedHat": ["iproute", "nftables"]}]


@pytest.fixture
def release(tmp_path: Path) -> Any:
    def write(text: str) -> Path:
        (tmp_path / "os-release").write_text(text)
        return tmp_path / "os-release"

    return write


@pytest.mark.parametrize(
    ("text", "family"),
    [
        (DEBIAN, "Debian"),
        (UBUNTU, "Debian"),
        ("ID=linuxmint\nID_LIKE='ubuntu debian'\n", "Debian"),
        (ROCKY, "RedHat"),
        ('ID="rhel"\nID_LIKE="fedora"\n', "RedHat"),
        ("ID=fedora\n", "RedHat"),
        (ALPINE, ""),
        ("", ""),
    ],
)
def test_the_family(release: Any, text: str, family: str) -> None:
    assert packages.family(release(text)) == family


def test_the_names_of_its_family(release: Any) -> None:
    assert packages.named(WANTED, release(UBUNTU)) == ["python3", "iproute2", "nftables"]
    assert packages.named(WANTED, release(ROCKY)) == ["python3", "iproute", "nftables"]


def test_an_unknown_family_is_refused_and_a_list_of_names_is_not(release: Any) -> None:
    with pytest.raises(packages.UnknownFamily) as caught:
        packages.named(WANTED, release(ALPINE))
    assert str(caught.value) == (
        "the node's distribution (alpine) is of no family that packages are known for (Debian, RedHat): "
        "set the role's packages to a list of this distribution's names, or to [] if all of them are installed"
    )
    assert packages.named(["iproute2", "nftables"], release(ALPINE)) == ["iproute2", "nftables"]


def test_what_the_roles_cannot_install_is_named(monkeypatch: pytest.MonkeyPatch, release: Any) -> None:
    """Before, a run went on without it, and noted it as installed."""
    machine(monkeypatch, {"rpm"}, {"rpm": "iproute2\t6.4\tinstalled\n"})
    suse = release('ID="opensuse-leap"\nID_LIKE="suse opensuse"\n')
    assert packages.missing(["iproute2"], suse) == []
    with pytest.raises(packages.UnknownFamily) as caught:
        packages.missing(["strongswan", "iproute2", "nftables"], suse)
    assert str(caught.value) == (
        "the node's distribution (opensuse-leap suse opensuse) is of no family that packages can be installed for: "
        "install nftables, strongswan by hand"
    )


def machine(monkeypatch: pytest.MonkeyPatch, programs: set[str], answers: dict[str, Any]) -> None:
    def run(*argv: str) -> str:
        answer = answers[argv[0]]
        if isinstance(answer, Exception):
            raise answer
        return str(answer)

    monkeypatch.setattr(packages, "have", programs.__contains__)
    monkeypatch.setattr(packages, "run", run)


def test_a_package_that_is_only_configured_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    machine(monkeypatch, {"dpkg-query"}, {"dpkg-query": "a\t1.0\tinstalled\nb\t2.0\tconfig-files\n"})
    assert packages.installed(["a", "b", "c"]) == {"a": "1.0"}
    assert packages.missing(["c", "a", "b"]) == ["b", "c"]


def test_rpm_is_asked_where_there_is_no_dpkg(monkeypatch: pytest.MonkeyPatch) -> None:
    machine(monkeypatch, {"rpm"}, {"rpm": "strongswan\t5.9.14\tinstalled\nstrongswan-libipsec\t5.9.14\tinstalled\n"})
    assert packages.installed(["strongswan", "nftables"]) == {"strongswan": "5.9.14"}


def test_rpm_is_asked_on_its_own_distributions_where_dpkg_is_a_tool(monkeypatch: pytest.MonkeyPatch) -> None:
    machine(monkeypatch, {"dpkg-query", "rpm"}, {"rpm": "nftables\t1.0\tinstalled\n", "dpkg-query": ""})
    monkeypatch.setattr(packages, "family", lambda *_release: "RedHat")
    assert packages.missing(["nftables"]) == []
    monkeypatch.setattr(packages, "family", lambda *_release: "Debian")
    assert packages.missing(["nftables"]) == ["nftables"]


def test_where_neither_tells_none_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    machine(monkeypatch, set(), {})
    assert packages.missing(["strongswan", "nftables"]) == []


def test_dpkg_that_fails_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    machine(monkeypatch, {"dpkg-query"}, {"dpkg-query": CommandError("dpkg-query: it is locked")})
    assert packages.missing(["nftables"]) == ["nftables"]


@pytest.mark.parametrize("role", ["member", "org_edge", "vapp_edge", "vcc_node"])
def test_each_role_knows_packages_of_every_family(role: str) -> None:
    variables = yaml.safe_load((ROLES / role / "vars/main.yml").read_text(encoding="utf-8"))
    named = {name: value for name, value in variables.items() if name.endswith("_packages")}
    assert f"__{role}_packages" in named
    for value in named.values():
        assert set(value) == set(packages.FAMILIES.values())
        assert all(names and all(isinstance(name, str) for name in names) for names in value.values())
