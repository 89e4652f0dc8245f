# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The public filters, called as Python and once through Ansible itself."""

from __future__ import annotations

import importlib
import inspect
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleFilterError
from hypothesis import given
from hypothesis import strategies as st
from jinja2.nativetypes import NativeEnvironment

from ansible_collections.intercloud.vpn.plugins.filter.carve import carve
from ansible_collections.intercloud.vpn.plugins.filter.overlaps import overlaps
from ansible_collections.intercloud.vpn.plugins.filter.summarize import summarize
from ansible_collections.intercloud.vpn.plugins.module_utils._base.prefix import Prefix

FILTERS = "ansible_collections.intercloud.vpn.plugins.filter"


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


def test_carve_gives_lists_for_lists_and_counts() -> None:
    requests = {"a": [26, 24], "b": {"hosts": 100, "count": 2}, "c": {"length": "27"}}
    plan = carve("10.0.0.0/16", requests)
    assert plan == {
        "a": ["10.0.2.0/26", "10.0.0.0/24"],
        "b": ["10.0.1.0/25", "10.0.1.128/25"],
        "c": "10.0.2.64/27",
    }
    more = {**requests, "a": [26, 24, 26]}
    assert carve("10.0.0.0/16", more, held=plan) == {**plan, "a": ["10.0.2.0/26", "10.0.0.0/24", "10.0.2.128/26"]}


def test_no_request_without_a_name_keeps_what_is_held_without_names() -> None:
    assert carve("10.0.0.0/16", [], held=["10.0.1.0/24"]) == ["10.0.1.0/24"]
    assert carve("10.0.0.0/16", [], held=[]) == []


def test_what_is_reserved_inside_a_held_block_does_not_keep_it_from_growing() -> None:
    """A site whose network was built since is in the list of networks that exist already."""
    for there in ("10.0.0.0/26", "10.0.0.1"):
        assert carve("10.0.0.0/24", {"a": 25}, {"a": "10.0.0.0/26"}, there, grow=True) == {"a": "10.0.0.0/25"}


@given(st.lists(st.integers(26, 32), max_size=9), st.integers(26, 32), st.integers(0, 1))
def test_a_request_at_the_end_moves_nothing_in_given_order(lengths: list[int], last: int, room: int) -> None:
    names = {f"n{len(lengths) - index}": length for index, length in enumerate(lengths)}  # not in the order of letters
    before = carve("10.0.0.0/20", names, order="given", room=room)
    assert before.items() <= carve("10.0.0.0/20", {**names, "last": last}, order="given", room=room).items()
    assert list(before.values()) == [before[name] for name in sorted(names)]
    if lengths:
        assert carve("10.0.0.0/20", lengths, room=room) == [before[name] for name in names]
        assert carve("10.0.0.0/20", [*lengths, last], room=room)[:-1] == carve("10.0.0.0/20", lengths, room=room)


@given(st.dictionaries(st.sampled_from("abcdef"), st.integers(26, 32)), st.integers(1, 3), st.data())
def test_with_room_every_block_can_double_so_often(lengths: dict[str, int], room: int, data: st.DataObject) -> None:
    plan = carve("10.0.0.0/18", lengths, room=room)
    larger = {name: length - data.draw(st.integers(0, room)) for name, length in lengths.items()}
    grown = carve("10.0.0.0/18", larger, held=plan, grow=True)
    assert overlaps(grown) == []
    for name, block in plan.items():
        assert Prefix.parse(grown[name]).contains(Prefix.parse(block))
        assert Prefix.parse(grown[name]).length == larger[name]


def test_carve_takes_from_several_pools_and_never_what_is_reserved() -> None:
    pools = ["10.2.0.0/25", "10.1.0.0/16"]
    requests = {"a": 26, "b": 26, "c": 26, "d": 17}
    assert carve(pools, requests, reserved=["10.2.0.7", "10.1.0.0/24", "fd00::/8", "192.168.0.0/16"]) == {
        "a": "10.2.0.64/26",
        "b": "10.1.1.0/26",
        "c": "10.1.1.64/26",
        "d": "10.1.128.0/17",
    }
    assert carve("fd00::/48", {"a": 64}, reserved={"old": ["fd00::/64", "fd00:0:0:1::1"]}) == {"a": "fd00:0:0:2::/64"}


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("10.0.0.0/24", {"a": 23}), "requests.a: no /23 is free: the largest free block is a /24 in 10.0.0.0/24"),
        (
            ("10.0.0.0/24", {"a": [26, 25, 25]}),
            "requests.a[0]: no /26 is free: nothing is free in 10.0.0.0/24",
        ),
        (
            (["10.0.0.0/25", "10.1.0.0/24"], [25, 25], None, None, "size", 1),
            "requests[1]: no /25 is free: the largest free block is a /26 in 10.0.0.0/25, 10.1.0.0/24, with room 1",
        ),
        (
            ("10.0.0.7/32", [32], None, None, "size", 1),
            "requests[0]: no /32 is free: nothing is free in 10.0.0.7/32, with room 1",
        ),
        (("10.0.0.1/24", {}), "pool: 10.0.0.1/24 has host bits set: did you mean 10.0.0.0/24?"),
        (([], {}), "pool: must have at least one pool"),
        ((["10.0.0.0/24", "fd00::/64"], {}), "pool: has IPv4 and IPv6 pools: carve each family on its own"),
        ((["10.0.0.0/16", "10.0.1.0/24"], {}), "pool[1]: 10.0.1.0/24 overlaps 10.0.0.0/16"),
        (("10.0.0.0/24", {"a": 33}), "requests.a: must be from 0 to 32, and is 33"),
        (("10.0.0.0/24", {"a": "wide"}), "requests.a: must be a whole number, and is 'wide'"),
        (("10.0.0.0/24", {"a": True}), "requests.a: must be a whole number, and is True"),
        (
            ("10.0.0.0/24", "a"),
            "requests: must be a mapping of names to prefix lengths, a list of mappings, or of prefix lengths",
        ),
        (("10.0.0.0/24", ["a"]), "requests[0]: must be a whole number, and is 'a'"),
        (
            ("10.0.0.0/24", [{"name": "a", "length": 30}, {"length": 30}]),
            "requests[1]: must be a mapping with a name, and either a length or hosts",
        ),
        (
            ("10.0.0.0/24", [{"name": "a", "length": 30}] * 2),
            "requests[1]: a is requested twice, also by requests[0]",
        ),
        (("10.0.0.0/24", [{"name": "a", "length": 30, "hosts": 1}]), "requests[0]: must have either a length or hosts"),
        (
            ("10.0.0.0/24", {"a": {"lenght": 30, "length": 30}}),
            "requests.a.lenght: is not known here; did you mean length?",
        ),
        (("10.0.0.0/24", {"a": {"length": 30, "count": 0}}), "requests.a.count: must be from 1 to 65536, and is 0"),
        (
            ("::/0", {"a": {"length": 64, "count": 10**9}}),
            "requests.a.count: must be from 1 to 65536, and is 1000000000",
        ),
        (
            ("10.0.0.0/24", {"a": "9" * 50}),
            f"requests.a: must be a whole number, and is {chr(39)}{chr(57) * 50}{chr(39)}",
        ),
        (("10.0.0.0/24", {1: 26, "1": 27}), "requests.1: 1 is requested twice, as a number and as a text"),
        (
            ("10.0.0.0/24", {"a": 26}, {1: "10.0.0.0/26", "1": "10.0.0.64/26"}),
            "held.1: is the name of two entries, 1 and '1'; remove one of them",
        ),
        (
            ("10.0.0.0/24", [{"name": "a", "hosts": 0}]),
            "requests[0].hosts: 0 is not a number of hosts that an IPv4 network can have",
        ),
        (("10.0.0.0/24", {}, ["a"]), "held: must be a mapping of names to CIDR blocks"),
        (("10.0.0.0/24", [26], {}), "held: must be a list of CIDR blocks, as the requests have no names"),
        (("10.0.0.0/24", {}, {"a": "10.1.0.0/30"}), "held.a: 10.1.0.0/30 is not in 10.0.0.0/24"),
        (
            ("10.0.0.0/24", {"a": 29}, {"a": "10.0.0.0/30"}),
            "held.a: is 10.0.0.0/30, which is smaller than the /29 asked for: request no more than is held, or set "
            "grow=true",
        ),
        (
            ("10.0.0.0/24", {"a": 25}, {"a": "10.0.0.0/26", "b": "10.0.0.64/26"}, None, "size", 0, True),
            "held.a: is 10.0.0.0/26 and cannot become 10.0.0.0/25: 10.0.0.64/26 (b) is in the way",
        ),
        (
            ("10.0.0.0/24", {"a": 25}, {"a": "10.0.0.0/26"}, "10.0.0.127", "size", 0, True),
            "held.a: is 10.0.0.0/26 and cannot become 10.0.0.0/25: 10.0.0.127/32 (reserved) is in the way",
        ),
        (
            ("10.0.0.0/24", {"a": 23}, {"a": "10.0.0.0/24"}, None, "size", 0, True),
            "held.a: is 10.0.0.0/24 and cannot become 10.0.0.0/23, which is not in the pool",
        ),
        (
            ("10.0.0.0/24", {}, {"a": "10.0.0.0/30", "b": "10.0.0.0/29"}),
            "held.b: 10.0.0.0/29 overlaps 10.0.0.0/30, which is held.a",
        ),
        (("10.0.0.0/24", {}, None, None, "name"), "order: must be size or given, and is 'name'"),
        (("10.0.0.0/24", {}, None, None, "size", 33), "room: must be from 0 to 32, and is 33"),
        (("10.0.0.0/24", {}, None, None, "size", 0, "maybe"), "grow: must be true or false, and is 'maybe'"),
        (
            ("10.0.0.0/24", {"a": "wide", "b": 40}, {"c": "east"}, [7]),
            "requests.a: must be a whole number, and is 'wide'\n"
            "requests.b: must be from 0 to 32, and is 40\n"
            "held.c: east is not an IP address\n"
            "reserved[0]: must be a CIDR block, and is 7",
        ),
    ],
)
def test_carve_says_what_is_wrong(arguments: tuple[Any, ...], complaint: str) -> None:
    with pytest.raises(AnsibleFilterError) as caught:
        carve(*arguments)
    assert str(caught.value) == f"intercloud.vpn.carve: {complaint}"


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


def test_overlaps_of_names() -> None:
    sites = {"berlin": "10.0.0.0/16", "oslo": ["10.0.7.0/24", "10.0.8.0/24"], "rome": ["10.9.0.0/16", "10.9.1.0/24"]}
    assert overlaps(sites) == [["berlin", "oslo"], ["rome", "rome"]]
    assert overlaps("10.0.0.0/8", sites) == ["berlin", "oslo", "rome"]
    assert overlaps({"new": "10.0.8.0/23"}, sites) == [["new", "berlin"], ["new", "oslo"]]


def test_overlaps_of_two_lists_are_pairs_across_only() -> None:
    mine, theirs = ["10.0.0.0/24", "10.0.0.0/25", "fd00::1"], ["10.0.0.128/25", "10.0.0.129", "fd00::/8"]
    assert overlaps(mine, theirs) == [
        ["10.0.0.0/24", "10.0.0.128/25"],
        ["10.0.0.0/24", "10.0.0.129"],
        ["fd00::1", "fd00::/8"],
    ]
    assert overlaps(mine, []) == []


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("10.0.0.0/8",), "others: a single block needs others to compare it with"),
        ((["east", 7],), "input[0]: east is not an IP address\ninput[1]: must be a CIDR block, and is 7"),
        (({"a": ["10.0.0.1/8"]},), "input.a[0]: 10.0.0.1/8 has host bits set: did you mean 10.0.0.0/8?"),
        (("10.0.0.0/8", ["west"]), "others[0]: west is not an IP address"),
        ((None,), "input: must be a CIDR block, a list of them, or a mapping of names to them"),
    ],
)
def test_overlaps_says_what_is_wrong(arguments: tuple[Any, ...], complaint: str) -> None:
    with pytest.raises(AnsibleFilterError) as caught:
        overlaps(*arguments)
    assert str(caught.value) == f"intercloud.vpn.overlaps: {complaint}"


def test_summarize() -> None:
    assert summarize(["fd00::1", "10.0.0.128/25", "10.0.0.0/25", "10.0.0.7"]) == ["10.0.0.0/24", "fd00::1/128"]
    assert summarize({"a": "10.0.0.0/25", "b": ["10.0.0.128/25"]}) == ["10.0.0.0/24"]


def test_summarize_a_part_and_what_is_free() -> None:
    used = ["10.0.0.0/8", "fd00::/16"]
    assert summarize(used, within=["10.1.0.0/16", "11.0.0.0/8"]) == ["10.1.0.0/16"]
    assert summarize(["10.0.0.0/30", "10.0.1.0/30"], within="10.0.0.0/24", exclude=["10.0.0.1"]) == [
        "10.0.0.0/32",
        "10.0.0.2/31",
    ]
    assert summarize({"a": "10.0.0.0/26"}, within="10.0.0.0/24", exclude="10.0.0.128/25", free=True) == ["10.0.0.64/26"]
    assert summarize([], within="fd00::/48", free="yes") == ["fd00::/48"]
    assert summarize(["10.0.0.0/8"], within="10.0.0.0/24", free=True) == []


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("10.0.0.0/8",), "input: must be a list of CIDR blocks and addresses, or a mapping of names to them"),
        ((None,), "input: must be a CIDR block, a list of them, or a mapping of names to them"),
        ((["10.0.0.0/8", "east"],), "input[1]: east is not an IP address"),
        (
            ([None], 7),
            "input[0]: must be a CIDR block, and is None\nwithin: must be a CIDR block, a list of them, or a "
            "mapping of names to them",
        ),
        (([], None, None, True), "within: free needs the blocks in which to look for free addresses"),
        (([], "10.0.0.0/8", None, "perhaps"), "free: must be true or false, and is 'perhaps'"),
    ],
)
def test_summarize_says_what_is_wrong(arguments: tuple[Any, ...], complaint: str) -> None:
    with pytest.raises(AnsibleFilterError) as caught:
        summarize(*arguments)
    assert str(caught.value) == f"intercloud.vpn.summarize: {complaint}"


# The documentation

MODULES = {name: importlib.import_module(f"{FILTERS}.{name}") for name in ("carve", "overlaps", "summarize")}
TEMPLATES = NativeEnvironment()
TEMPLATES.filters |= {f"intercloud.vpn.{name}": getattr(module, name) for name, module in MODULES.items()}
SHOWN = [
    pytest.param(task, id=f"{name}: {task['name']}")
    for name, module in MODULES.items()
    for task in yaml.safe_load(re.sub(r"^  # (.*)$", r"  expected: \1", module.EXAMPLES, flags=re.MULTILINE))
]


@pytest.mark.parametrize("task", SHOWN)
def test_the_examples_are_true(task: dict[str, Any]) -> None:
    variables = task.get("vars", {})
    if "ansible.builtin.assert" in task:
        assert TEMPLATES.compile_expression(task["ansible.builtin.assert"]["that"])(**variables) is True
    else:
        message = TEMPLATES.from_string(task["ansible.builtin.debug"]["msg"]).render(**variables)
        assert message == task["expected"]


@pytest.mark.parametrize("name", MODULES)
def test_every_argument_is_documented_with_its_default(name: str) -> None:
    options = yaml.safe_load(MODULES[name].DOCUMENTATION)["options"]
    _input, *parameters = inspect.signature(getattr(MODULES[name], name)).parameters.values()
    assert {one.name: None if one.default is one.empty else one.default for one in parameters} == {
        option: options[option].get("default") for option in options if option != "_input"
    }


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
