# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Slips of the pen in an intent: each is refused in few words, or taken as it was meant; none is swallowed."""

from __future__ import annotations

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._base.errors import IntentErrors
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils._intent.cases import Errors, assert_refused
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils.landscapes import PAYROLL, World, addresses, lab

CASES: list[tuple[str, str, Errors]] = [
    (
        "members that are only an exclusion",
        "vpn: {members: ['!vm1-east', vm1-west]}",
        [
            (
                "vcc_vpns[0].members[0]",
                "!vm1-east only excludes, and so stands for every other host: write what it is taken from and the "
                "exclusion as one entry, such as members:!vm1-east",
            )
        ],
    ),
    (
        "members that are several exclusions",
        "vpn: {members: [vm1-east, vm1-west, {name: '!vm2-east:!vm2-west'}]}",
        [("vcc_vpns[0].members[2]", "!vm2-east:!vm2-west only excludes")],
    ),
    (
        "a name that YAML takes for a truth",
        "vpn: {name: no}",
        [("vcc_vpns[0].name", "is a boolean: YAML reads a bare no, yes, on or off as one; put the name in quotes")],
    ),
    (
        "members that YAML takes for truths and numbers",
        "vpn: {members: [vm1-east, vm1-west, no, 12]}",
        [
            (
                "vcc_vpns[0].members[2]",
                "must be a name, or a mapping with name, mode and ports, not False: put it in quotes",
            ),
            (
                "vcc_vpns[0].members[3]",
                "must be a name, or a mapping with name, mode and ports, not 12: put it in quotes",
            ),
        ],
    ),
    (
        "an unknown key, and a mistake in what it was meant for",
        "vpn: {policy: {encryption: {espp: [], ike_rekey: 1}, retry: {}, logging: {refused: often}}}",
        [
            ("vcc_vpns[0].policy.retry", "is not known here"),
            ("vcc_vpns[0].policy.encryption.espp", "did you mean esp?"),
            ("vcc_vpns[0].policy.encryption.ike_rekey", "from 60 to 86400, not 1"),
            ("vcc_vpns[0].policy.logging.refused", "not 'often'"),
        ],
    ),
    (
        "a policy that extends one with an unknown key, and a mistake of its own",
        "{vpn: {policy: b}, policies: {a: {encryptoin: {}}, b: {extends: a, encryption: {esp_rekey: 1}}}}",
        [
            ("vcc_policies.a.encryptoin", "did you mean encryption?"),
            ("vcc_policies.b.encryption.esp_rekey", "from 60 to 28800, not 1"),
        ],
    ),
    (
        "policies that nobody uses",
        "policies: {a: {encryptoin: {}}, b: {extends: c}, d: [], e: {rate: {vpn: fast}}}",
        [
            ("vcc_policies.a.encryptoin", "did you mean encryption?"),
            ("vcc_policies.b.extends", "there is no policy 'c'"),
            ("vcc_policies.d", "must be the name of a policy, or a mapping that extends one"),
            ("vcc_policies.e.rate.vpn", "not 'fast'"),
        ],
    ),
    (
        "a policy that nobody uses, and that extends itself",
        "policies: {a: {extends: a}}",
        [("vcc_policies.a.extends", "policies extend each other in a circle: a -> a")],
    ),
    (
        "a topology with an unknown key and another mistake",
        "vpn: {topology: {kind: star, hbu: edge-east, hub: edge-nowhere}}",
        [("vcc_vpns[0].topology.hbu", "did you mean hub"), ("vcc_vpns[0].topology.hub", "is not an org edge")],
    ),
    (
        "an unknown key of a kind of tunnel, and a mistake beside it",
        "vpn: {tunnel: {kind: ssl, transprot: tcp, transport: sctp}}",
        [("vcc_vpns[0].tunnel.transprot", "did you mean transport?"), ("vcc_vpns[0].tunnel.transport", "'sctp'")],
    ),
]


@pytest.mark.parametrize(("text", "errors"), [pytest.param(text, errors, id=name) for name, text, errors in CASES])
def test_a_slip_is_refused_in_its_place(text: str, errors: Errors) -> None:
    assert_refused(text, errors)


def test_blanks_at_the_ends_of_names_mean_nothing() -> None:
    blank = {
        "name": " payroll ",
        "pool": "internal\t",
        "members": ["vm1-east ", {"name": " vm1-west"}],
        "policy": "own ",
    }
    world = World()
    plan = world.plan(blank, pools={"internal ": " 100.64.0.0/10 "}, policies={" own": {"extends": "standard "}})
    assert set(addresses(plan, "payroll")) == {"vm1-east", "vm1-west"}
    clean = {"name": "payroll", "pool": "internal", "members": ["vm1-east", "vm1-west"]}
    assert not world.plan(clean).changed


def test_a_pool_that_is_too_small_for_many_vpns_is_one_mistake() -> None:
    world = World()
    vpns = [{**PAYROLL, "name": f"vpn{number}"} for number in range(40)]
    with pytest.raises(IntentErrors) as caught:
        world.plan(*vpns, pools={"internal": "10.99.0.0/26"})
    (error,) = caught.value.errors
    assert error.path == "vcc_pools.internal"
    assert "10.99.0.0/26 has no room for 3" in error.message and " of 40 VPNs" in error.message
    assert "give it a larger range" in error.message and len(error.message) < 200


@pytest.mark.parametrize("pool", ["8.8.8.0/24", "2a00:1450::/48", "100.0.0.0/8"])
def test_a_public_pool_is_pointed_out(pool: str) -> None:
    (note,) = World().plan(PAYROLL, pools={"internal": pool}).notes
    assert note.startswith(f"vcc_pools.internal: {pool} is not private")
    assert "100.64.0.0/10 (RFC 6598)" in note and "fc00::/7 (RFC 4193)" in note and "10.0.0.0/8" in note


@pytest.mark.parametrize(
    "pool", ["10.1.0.0/16", "172.20.0.0/16", "192.168.128.0/17", "100.64.0.0/10", "fd00:1::/48", "198.18.0.0/16",
             "192.0.2.0/24", "2001:db8:5::/48"]
)  # fmt: skip
def test_a_private_pool_is_not(pool: str) -> None:
    assert World().plan(PAYROLL, pools={"internal": pool}).notes == []


def test_a_public_range_of_a_vpns_own_is_pointed_out_too() -> None:
    (note,) = World().plan({**PAYROLL, "pool": "8.8.8.0/24"}).notes
    assert note.startswith("vcc_vpns[0].pool: 8.8.8.0/24 is not private")


def test_a_pool_that_no_vpn_of_the_run_uses_is_not_pointed_out() -> None:
    assert World(lab()).plan(pools={"public": "8.8.8.0/24"}).notes == []


def test_the_same_mistake_in_many_vpns_is_one_line() -> None:
    vpns = [{**PAYROLL, "name": f"v{number}", "policy": "strcit"} for number in range(50)]
    with pytest.raises(IntentErrors) as caught:
        World().plan(*vpns, {**PAYROLL, "topology": "ring"})
    assert len(caught.value.errors) == 51
    head, *lines = caught.value.report().splitlines()
    assert head == "51 mistakes in the intent, no host was touched:"
    assert [line.partition(": ")[0] for line in lines] == ["vcc_vpns[0].policy", "vcc_vpns[50].topology"]
    assert lines[0].endswith("(and 49 more like this, the last of them vcc_vpns[49].policy)")
