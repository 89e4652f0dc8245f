# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The public filters, called as Python and once through Ansible itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.intercloud.vpn.plugins.filter.carve import carve
from ansible_collections.intercloud.vpn.plugins.filter.overlaps import overlaps
from ansible_collections.intercloud.vpn.plugins.filter.summarize import summarize
from ansible_collections.intercloud.vpn.plugins.module_utils._base.prefix import Prefix


def test_carve_takes_the_largest_first_whatever_the_order() -> None:
    expected = {"guests": "10.0.5.0/26", "research": "10.0.0.0/22", "sales": "10.0.4.0/24"}
    assert carve("10.0.0.0/16", {"sales": 24, "research": 22, "guests": 26}) == expected
    assert carve("10.0.0.0/16", {"guests": "26", "research": 22, "sales": 24}) == expected


def test_carve_by_number_of_hosts() -> None:
    requests = [{"name": "one", "hosts": 1}, {"name": "many", "hosts": 62}, {"name": "more", "hosts": 63}]
    assert carve("10.0.0.0/16", requests) == {"many": "10.0.0.128/26", "more": "10.0.0.0/25", "one": "10.0.0.192/30"}
    assert carve("fd00::/64", [{"name": "one", "hosts": 1}]) == {"one": "fd00::/127"}


@given(
    first=st.dictionaries(st.sampled_from("abcdef"), st.integers(26, 32)),
    second=st.dictionaries(st.sampled_from("abcdefgh"), st.integers(26, 32)),
)
def test_carve_never_moves_what_is_held(first: dict[str, int], second: dict[str, int]) -> None:
    held = carve("10.0.0.0/22", first)
    second = {name: max(length, first.get(name, 0)) for name, length in second.items()}
    both = carve("10.0.0.0/22", second, held)
    assert held.items() <= both.items()
    assert set(both) == {*first, *second}
    assert overlaps(list(both.values())) == []
    assert all(Prefix.parse("10.0.0.0/22").contains(Prefix.parse(cidr)) for cidr in both.values())


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("10.0.0.0/24", {"a": 23}), "pool 10.0.0.0/24 has no free /23 for a"),
        (("10.0.0.1/24", {}), "did you mean 10.0.0.0/24"),
        (("10.0.0.0/24", {"a": 33}), "prefix length 33"),
        (("10.0.0.0/24", {"a": "wide"}), "the prefix length of a must be a whole number"),
        (("10.0.0.0/24", {"a": True}), "must be a whole number"),
        (("10.0.0.0/24", "a"), "requests must be"),
        (("10.0.0.0/24", ["a"]), r"requests\[0\] must have a name"),
        (("10.0.0.0/24", [{"name": "a", "length": 30}] * 2), r"requests\[1\]: a is asked for twice"),
        (("10.0.0.0/24", [{"name": "a", "hosts": 0}]), "0 is no number of hosts"),
        (("10.0.0.0/24", {}, ["a"]), "held must be a mapping"),
        (("10.0.0.0/24", {}, {"a": "10.1.0.0/30"}), "a holds 10.1.0.0/30, which is not in"),
        (("10.0.0.0/24", {"a": 29}, {"a": "10.0.0.0/30"}), "which is smaller than the /29"),
        (("10.0.0.0/24", {}, {"a": "10.0.0.0/30", "b": "10.0.0.0/29"}), "these overlap"),
    ],
)
def test_carve_says_what_is_wrong(arguments: tuple[Any, ...], complaint: str) -> None:
    with pytest.raises(AnsibleFilterError, match=f"intercloud.vpn.carve: .*{complaint}"):
        carve(*arguments)


def test_overlaps_in_a_list_are_pairs() -> None:
    networks = ["10.0.0.0/8", "10.1.0.0/16", "10.1.2.3", "192.168.0.0/24", "::/0", "10.1.0.0/16"]
    assert overlaps(networks) == [
        ["10.0.0.0/8", "10.1.0.0/16"],
        ["10.0.0.0/8", "10.1.2.3"],
        ["10.0.0.0/8", "10.1.0.0/16"],
        ["10.1.0.0/16", "10.1.2.3"],
        ["10.1.0.0/16", "10.1.0.0/16"],
        ["10.1.2.3", "10.1.0.0/16"],
    ]
    assert overlaps([]) == []


def test_overlaps_of_one_with_a_list() -> None:
    assert overlaps("10.1.0.0/16", ["10.0.0.0/8", "10.2.0.0/16", "10.1.2.3"]) == ["10.0.0.0/8", "10.1.2.3"]


@pytest.mark.parametrize("arguments", [("10.0.0.0/8",), (["10.0.0.0/8"], []), ({},), (["east"],), (None,)])
def test_overlaps_says_what_is_wrong(arguments: tuple[Any, ...]) -> None:
    with pytest.raises(AnsibleFilterError, match=r"intercloud\.vpn\.overlaps: "):
        overlaps(*arguments)


def test_summarize() -> None:
    assert summarize(["fd00::1", "10.0.0.128/25", "10.0.0.0/25", "10.0.0.7"]) == ["10.0.0.0/24", "fd00::1/128"]


@pytest.mark.parametrize("value", ["10.0.0.0/8", None, ["10.0.0.0/8", "east"], [None]])
def test_summarize_says_what_is_wrong(value: Any) -> None:
    with pytest.raises(AnsibleFilterError, match=r"intercloud\.vpn\.summarize: "):
        summarize(value)


def test_ansible_finds_the_filters_and_they_take_its_own_types(tmp_path: Path) -> None:
    root = Path(__file__).resolve().parents[4]
    message = (
        "{{ {'carve': pool | intercloud.vpn.carve(sizes), 'overlaps': nets | intercloud.vpn.overlaps,"
        " 'summarize': nets | intercloud.vpn.summarize} }}"
    )
    variables = {"pool": "10.0.0.0/24", "sizes": [{"name": "a", "length": 26}], "nets": ["10.0.0.0/25", "10.0.0.1"]}
    command = [sys.executable, "-m", "ansible.cli.adhoc", "localhost", "-i", "localhost,", "-c", "local"]
    outcome = subprocess.run(
        [*command, "-m", "debug", "-a", json.dumps({"msg": message}), "-e", json.dumps(variables)],
        env={
            **os.environ,
            "ANSIBLE_COLLECTIONS_PATH": str(root / ".collections"),
            "ANSIBLE_HOME": str(tmp_path),
            "ANSIBLE_LOAD_CALLBACK_PLUGINS": "true",
            "ANSIBLE_STDOUT_CALLBACK": "ansible.builtin.minimal",
            "ANSIBLE_CALLBACK_RESULT_FORMAT": "json",
            "LC_ALL": "C.UTF-8",
        },
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    assert json.loads(outcome.stdout.partition("=> ")[2])["msg"] == {
        "carve": {"a": "10.0.0.0/26"},
        "overlaps": [["10.0.0.0/25", "10.0.0.1"]],
        "summarize": ["10.0.0.0/25"],
    }
