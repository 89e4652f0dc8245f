# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules between members are read, or refused in their place with what mends them. docs/access.md."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._base.problems import Problems
from ansible_collections.intercloud.vpn.plugins.module_utils._intent.allow import (
    Allow,
    Permissions,
    Permitted,
    allow_from_record,
    parse_allow,
)
from ansible_collections.intercloud.vpn.plugins.module_utils._intent.ports import common, without
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils._intent.cases import assert_refused

WEB = ["web1", "web2", "web3"]
NAMES = {"web*": WEB, "db": ["db"], "old": ["old"], "webs": WEB}
MEMBERS = {"web1": None, "web2": None, "db": None}


def read(*rules: Any) -> Allow:
    problems = Problems()
    found = parse_allow(list(rules), "allow", MEMBERS, lambda text, _place: NAMES[text], problems)
    assert list(problems) == []
    assert found is not None
    return found


def test_a_name_is_cut_down_to_the_members_of_the_vpn() -> None:
    (rule,) = read({"from": "web*", "to": ["db"], "ports": ["tcp/5432"]})
    assert rule.record() == {"from": ["web1", "web2"], "to": ["db"], "ports": ["tcp/5432"]}


def test_a_group_that_has_one_member_at_the_moment_may_be_both_ends() -> None:
    """It has been larger, and may be again."""
    problems = Problems()
    one = {"from": "web*", "to": ["web*"]}
    found = parse_allow([one], "allow", {"web1": None, "db": None}, lambda text, _place: NAMES[text], problems)
    assert list(problems) == []
    assert found is not None and found[0].record() == {"from": ["web1"], "to": ["web1"]}


def test_all_stays_all_whatever_is_beside_it() -> None:
    (rule,) = read({"from": ["db", "all"], "to": "all"})
    assert rule.record() == {"from": ["all"], "to": ["all"]}


def test_order_and_repetition_have_no_meaning() -> None:
    one, other = {"from": "web*", "to": "db"}, {"from": "db", "to": ["web*"], "ports": ["tcp/2-3", "icmp", "tcp/1"]}
    assert read(one, other, one) == read(other, one)
    assert read(other)[0].ports == ["icmp", "tcp/1-3"]
    assert read(one, {"from": ["webs", "web*"], "to": ["db"]}) == read(one)


def test_the_ledgers_record_says_the_same() -> None:
    rules = read({"from": "web*", "to": "all"}, {"from": "db", "to": "web*", "ports": ["icmp"]})
    assert allow_from_record([rule.record() for rule in rules]) == rules
    assert allow_from_record(None) is None
    assert allow_from_record([]) == ()


def test_what_members_may_is_what_all_rules_say_together() -> None:
    found = Permissions(
        read(
            {"from": "web*", "to": "db", "ports": ["tcp/80-90", "icmp"]},
            {"from": "all", "to": "db", "ports": ["tcp/85-99"]},
            {"from": "db", "to": "web*"},
        )
    )
    assert found.between("web1", "db") == Permitted(False, True, ("tcp/80-99",))
    assert found.between("db", "web2") == Permitted(everything=True)
    assert not found.between("web1", "web2")
    assert found.between("web1", "db").of(("tcp/99-100", "udp/80")) == ("tcp/99",)
    assert found.between("db", "web1").of(None) is None
    assert found.senders("db") == (frozenset({"all", "web1", "web2"}), frozenset())
    assert found.senders("web1") == (frozenset({"db"}), frozenset({"db"}))
    assert found.receivers("web1") == frozenset({"db"})


@pytest.mark.parametrize(
    ("one", "other", "both", "left"),
    [
        (("tcp/1-9",), ("tcp/5",), ("tcp/5",), ("tcp/1-4", "tcp/6-9")),
        (("tcp/1-9", "udp/1"), ("udp/1",), ("udp/1",), ("tcp/1-9",)),
        (("tcp/5",), ("tcp/1-9",), ("tcp/5",), ()),
        (("tcp/1-9",), (), (), ("tcp/1-9",)),
        (("tcp/1-9",), ("tcp/1-3", "tcp/8-20"), ("tcp/1-3", "tcp/8-9"), ("tcp/4-7",)),
    ],
)
def test_ports_of_both_and_of_one_only(one: Any, other: Any, both: Any, left: Any) -> None:
    assert (common(one, other), without(one, other)) == (both, left)


@pytest.mark.parametrize(
    ("allow", "errors"),
    [
        ("vm1-east", [("", "must be a list of rules such as")]),
        ("null", [("", "says nothing: list rules, or write []")]),
        ("[vm1-east]", [("[0]", "must be a mapping with from, to and ports")]),
        ("[{to: vm1-east}]", [("[0].from", "is missing: who opens the connection")]),
        ("[{from: vm1-east}]", [("[0].to", "is missing: who is reached")]),
        ("[{from: [], to: vm1-east}]", [("[0].from", "is empty")]),
        ("[{from: all, to: vm1-east, ports: []}]", [("[0].ports", "is empty")]),
        ("[{from: all, to: vm1-east, ports: }]", [("[0].ports", "says nothing")]),
        ("[{from: all, to: vm1-east, ports: tcp/1}]", [("[0].ports", "must be a list such as [icmp, tcp/443")]),
        ("[{from: all, to: vm1-east, ports: [icmp, tcp/0]}]", [("[0].ports[1]", "from 1 to 65535")]),
        ("[{from: all, to: vm1-east, ports: [ICMP]}]", [("[0].ports[0]", "write icmp for pings")]),
        ("[{from: all, to: vm1-east, ports: [443]}]", [("[0].ports[0]", "443 is not a port")]),
        ("[{from: all, to: vm1-east, port: [tcp/1]}]", [("[0].port", "did you mean ports?")]),
        ("[{from: all, to: vm1-east}, {from: all, to: [vm2-east]}]", [("[1].to[0]", "vm2-east is not a member of")]),
        ("[{from: 'vm2-*', to: all}]", [("[0].from", "vm2-* names no member of this VPN")]),
        ("[{from: vm1-eats, to: all}]", [("[0].from", "did you mean vm1-east?")]),
        ("[{from: '!vm1-east', to: all}]", [("[0].from", "only excludes")]),
        ("[{from: 5, to: all}]", [("[0].from", "put it in quotes")]),
        ("[{from: vm1-east, to: [vm1-east]}]", [("[0]", "is about vm1-east only")]),
    ],
)
def test_a_rule_that_cannot_be_is_refused_in_its_place(allow: str, errors: list[tuple[str, str]]) -> None:
    assert_refused(f"vpn: {{}}\nvpns: [{{name: p, pool: internal, members: [vm1-east, vm1-west], allow: {allow}}}]",
                   [(f"vcc_vpns[0].allow{path}", part) for path, part in errors])  # fmt: skip


def test_a_name_that_a_host_had_before_is_answered_with_the_new_one() -> None:
    """Among the members, too; and not with one that only looks like it."""
    assert_refused(
        """
vpns: [{name: p, pool: internal, members: [vm1-east, db-west, vm2-west], allow: [{from: vm2-west, to: vm1-east}]}]
hosts: {db-west: {kinds: [members], clouds: [west], vcc_address: [10.10.0.20], vcc_formerly: [vm9-west, vm8-west]},
        vm2-west: null, web-west: {kinds: [members], clouds: [west], vcc_address: [10.10.0.21], vcc_formerly: vm2-west}}
""",
        [
            (
                "vcc_vpns[0].members[2]",
                "vm2-west is not a VM, vApp, group or pattern of the inventory; it is web-west now",
            ),
            ("vcc_vpns[0].allow[0].from", "it is web-west now: write that"),
        ],
    )


def test_nobody_of_ours_is_between_two_members_behind_one_external_edge() -> None:
    partner = "kinds: [org_edges], vcc_external: true, vcc_public_address: [198.51.100.20]"
    assert_refused(
        f"""
vpns: [{{name: p, pool: internal, members: [vm1-east, x, y],
         allow: [{{from: x, to: vm1-east}}, {{from: x, to: y}}, {{from: all, to: y}}]}}]
hosts:
  partner: {{clouds: [partner], {partner}}}
  x: {{kinds: [members], clouds: [partner]}}
  y: {{kinds: [members], clouds: [partner]}}
""",
        [("vcc_vpns[0].allow[1]", "x and y are both behind partner, which is external")],
    )


def test_members_that_are_wrong_are_not_said_once_more() -> None:
    assert_refused(
        "vpns: [{name: p, pool: internal, members: [vm1-east, vm1-wets], allow: [{from: vm1-west, to: vm1-east}]}]",
        [("vcc_vpns[0].members[1]", "did you mean")],
    )
