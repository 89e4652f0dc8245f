# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Variables of a run, and of hosts, are read as they were meant, or refused under the names that users know."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._base.coerce import host_variables
from ansible_collections.intercloud.vpn.plugins.module_utils._base.errors import LedgerError
from ansible_collections.intercloud.vpn.plugins.module_utils._base.problems import Problems
from ansible_collections.intercloud.vpn.plugins.module_utils._intent.run import CHECKS, check_run, create_tunnels
from ansible_collections.intercloud.vpn.plugins.module_utils._intent.variables import KNOWN, OF_RUNS, check_known
from ansible_collections.intercloud.vpn.plugins.module_utils._ledger.schema import parse_url

ROOT = Path(__file__).resolve().parents[5]


def wrong(variable: str, value: Any) -> str:
    problems = Problems()
    check_run({variable: value}, problems)
    (error,) = problems
    assert error.path == variable
    return error.message


@pytest.mark.parametrize(
    ("variable", "value", "part"),
    [
        ("vcc_ledger", "sqlite:///ledger.sqlite", "ledger.sqlite is relative"),
        (
            "vcc_ledger",
            "sqlite:///state/l.sqlite?timeout=3",
            "write the whole path after sqlite:///, such as sqlite:////",
        ),
        ("vcc_ledger", "sqlite://", "would be gone after the run"),
        ("vcc_ledger", "sqlite:///:memory:", "would be gone after the run"),
        ("vcc_ledger", "sqlite://var/lib/l.sqlite", "has a host in it"),
        ("vcc_ledger", "/var/lib/l.sqlite", "must be a URL: write sqlite:////"),
        ("vcc_ledger", None, "must be a URL"),
        ("vcc_ledger", "mysql://u@h/d", "must begin with sqlite: or postgresql:, the ledgers there are"),
        ("vcc_ledger", "SQLITE:////var/lib/l.sqlite", "must begin with sqlite: or postgresql:"),
        ("vcc_state_dir", "state", "state is relative, and depends on the directory that a run is started in"),
        ("vcc_state_dir", "./state", "is relative"),
        ("vcc_state_dir", "", "must be a directory on the VCC server, not ''"),
        ("vcc_state_dir", None, "must be a directory on the VCC server"),
        ("vcc_confirm_timeout", "1m", "must be a whole number of seconds from 0 to 86400, not '1m': write 60"),
        ("vcc_confirm_timeout", "2 hours", "not '2 hours': write 7200"),
        ("vcc_confirm_timeout", -1, "not -1"),
        ("vcc_confirm_timeout", True, "not True"),
        ("vcc_confirm_timeout", 1.5, "not 1.5"),
        ("vcc_link_timeout", "soon", "not 'soon'"),
        ("vcc_verify_nonmembers", "1m", "must be a whole number of VMs from 0 to 1000, not '1m'"),
        ("vcc_create_tunnels", "nevr", "must be one of always, never, ask, not 'nevr'"),
        ("vcc_create_tunnels", [], "must be one of always, never, ask, not []"),
        ("vcc_backend", "xfmr", "must be one of auto, xfrm, libipsec, not 'xfmr'"),
        ("vcc_allow_older", "maybe", "must be true or false, not 'maybe'"),
        ("vcc_delete", {"a": 1}, "must be a name, or a list of names"),
        ("vcc_delete", [], "names nothing; leave it out"),
        ("vcc_delete", "", "must be a name, or a list of names, not ''"),
        ("vcc_forget", [1], "must be a name, or a list of names, not [1]"),
        ("vcc_organization", 7, "must be a name, or a list of names, not 7"),
        ("vcc_result", 5, "must be a text, not 5"),
    ],
)
def test_a_wrong_variable_of_a_run(variable: str, value: Any, part: str) -> None:
    assert part in wrong(variable, value)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("vcc_ledger", "sqlite:////var/lib/l.sqlite"),
        ("vcc_ledger", "sqlite:///~/l.sqlite"),
        ("vcc_ledger", "sqlite:///$HOME/l.sqlite"),
        ("vcc_ledger", "postgres://u:p@h/d"),
        ("vcc_ledger", "postgresql+psycopg://u@h/d"),
        ("vcc_state_dir", "~/state"),
        ("vcc_state_dir", "/var/lib/x "),
        ("vcc_confirm_timeout", "300"),
        ("vcc_confirm_timeout", 0),
        *(
            ("vcc_create_tunnels", value)
            for value in ("always", "never", "ask", "Never", True, False, "no", "yes", "True")
        ),
        ("vcc_allow_older", "yes"),
        ("vcc_delete", ["payroll", "acme/audit"]),
    ],
)
def test_a_right_variable_of_a_run(variable: str, value: Any) -> None:
    problems = Problems()
    check_run({variable: value}, problems)
    assert list(problems) == []


def test_a_password_in_the_ledgers_url_is_never_repeated() -> None:
    assert "secret" not in wrong("vcc_ledger", "user:secret@host/database")
    with pytest.raises(LedgerError) as caught:
        parse_url("postgresql://u:secret@h:port/d")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("value", "meaning"),
    [(True, "always"), (False, "never"), ("no", "never"), ("yes", "always"), ("Ask", "ask"), ("false", "never")],
)
def test_what_creating_tunnels_means(value: Any, meaning: str) -> None:
    assert create_tunnels(value) == meaning


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgres+psycopg", "postgresql+psycopg"])
def test_both_names_of_postgresql_are_read(scheme: str) -> None:
    url = parse_url(f"{scheme}://u@h/d")
    assert url.get_backend_name() == "postgresql"
    assert url.get_driver_name() == "psycopg", "the driver that is installed"


@pytest.mark.parametrize("url", ["sqlite:///ledger.sqlite", "sqlite:///../l.sqlite"])
def test_a_relative_ledger_is_refused_by_whoever_opens_it(url: str) -> None:
    with pytest.raises(LedgerError, match="is relative"):
        parse_url(url)


def test_a_hosts_texts_become_what_they_were_meant_to_be() -> None:
    said = {
        "vcc_external": "true",
        "vcc_mlkem": "Yes",
        "vcc_behind_nat": " forwarded",
        "vcc_underlay_mtu": "1450",
        "vcc_address": "[10.10.0.1]",
        "vcc_org_address": "10.10.0.1, fd10::1",
        "vcc_public_address": "['203.0.113.2', \"2001:db8::2\"]",
        "vcc_org_network": "10.10.0.0/24 fd10::/64",
        "vcc_vapp_network": ["192.168.1.0/24 "],
        "vcc_vapp_address": "192.168.1.1",
        "vcc_org": "acme ",
        "vcc_psk": "a key with a blank at its end ",
    }
    assert host_variables(said) == {
        "vcc_external": True,
        "vcc_mlkem": True,
        "vcc_behind_nat": "forwarded",
        "vcc_underlay_mtu": 1450,
        "vcc_address": ["10.10.0.1"],
        "vcc_org_address": ["10.10.0.1", "fd10::1"],
        "vcc_public_address": ["203.0.113.2", "2001:db8::2"],
        "vcc_org_network": ["10.10.0.0/24", "fd10::/64"],
        "vcc_vapp_network": ["192.168.1.0/24"],
        "vcc_vapp_address": ["192.168.1.1"],
        "vcc_org": "acme",
        "vcc_psk": "a key with a blank at its end ",
    }
    assert host_variables({"vcc_behind_nat": "Forwarded"}) == {"vcc_behind_nat": "forwarded"}
    for text in ("no", "False", "0", "off"):
        assert host_variables({"vcc_external": text, "vcc_behind_nat": text}) == {
            "vcc_external": False,
            "vcc_behind_nat": False,
        }
    for kept in ("maybe", 2, None, ["true"]):
        assert host_variables({"vcc_external": kept}) == {"vcc_external": kept}
    assert host_variables({"vcc_underlay_mtu": "1450 octets"}) == {"vcc_underlay_mtu": "1450 octets"}


def unknown(found: dict[str, list[str]], hosts: int = 5) -> dict[str, str]:
    problems = Problems()
    check_known(found, hosts, problems)
    return {error.path: error.message for error in problems}


def test_an_unknown_variable_is_refused_once() -> None:
    assert unknown({"vcc_externl": ["edge-b", "edge-a"], "vcc_org": ["edge-a"]}) == {
        "hosts.edge-a.vcc_externl": "is not known, nor on 1 more hosts; did you mean vcc_external?"
    }
    assert unknown({"vcc_vpn": ["a", "b", "c", "d", "e"]}) == {"vcc_vpn": "is not known; did you mean vcc_vpns?"}
    assert unknown({"vcc_favourite_colour": ["a"]}) == {
        "hosts.a.vcc_favourite_colour": "is not known; name a variable of your own without vcc_ in front"
    }


def test_every_variable_that_something_reads_is_known() -> None:
    """Whoever adds a variable adds it to the list, or its users are told that it is unknown."""
    words = re.compile(r"(?<![\w.])vcc_[a-z_]+\b(?!\.)")
    # Groups of the inventory, roles, what answers of surveys begin with, and what only one playbook says in its plays.
    others = {"vcc_server", "vcc_nodes", "vcc_node", "vcc_", "vcc_survey_"}
    found: dict[str, str] = {}
    for place in (
        "roles/*/defaults/*.yml",
        "roles/*/tasks/*.yml",
        "playbooks/*.yml",
        "playbooks/stages/*.yml",
        "docs/*.md",
    ):
        for file in sorted(ROOT.glob(place)):
            for word in words.findall(file.read_text(encoding="utf-8")):
                found.setdefault(word, str(file.relative_to(ROOT)))
    assert len(found) > 50
    assert {word: file for word, file in found.items() if word not in KNOWN | others} == {}


def test_every_variable_of_a_run_that_is_one_value_is_checked() -> None:
    structures = {"vcc_awx", "vcc_from_node", "vcc_pools", "vcc_vpns", "vcc_networks", "vcc_policies"}
    internal = {"vcc_plan_documents"}
    assert set(OF_RUNS) == set(CHECKS) | structures | internal


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("keys", None),
        ("keys,authority", None),
        (["certificates", "keys"], None),
        ("ppk,psk", None),
        (["psk", "tls_crypt"], None),
        ("key", "must name what to rotate, of certificates, keys, authority, ppk, psk, tls_crypt, not 'key'"),
        ([], "must name what to rotate, of certificates, keys, authority, ppk, psk, tls_crypt, not []"),
    ],
)
def test_what_can_be_rotated(value: object, said: str | None) -> None:
    assert CHECKS["vcc_rotate"](value) == said
