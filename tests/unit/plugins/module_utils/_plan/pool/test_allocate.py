# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses are leased by key, never by position; blocks nest, leave room, and never overlap."""

from __future__ import annotations

import time
from itertools import combinations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ansible_collections.intercloud.vpn.plugins.module_utils._base.errors import PoolExhausted, VccError
from ansible_collections.intercloud.vpn.plugins.module_utils._base.lease import Lease
from ansible_collections.intercloud.vpn.plugins.module_utils._base.prefix import Prefix
from ansible_collections.intercloud.vpn.plugins.module_utils._plan.pool.allocate import (
    SiteDemand,
    address_of,
    blocks_of,
    carve_vpn,
    edge_key,
    site_key,
    vapp_key,
    vm_key,
    vpn_key,
)

Held = dict[str, Lease]
# What a test wants, without order: the names of (site, vApp or "", VM).
Members = frozenset[tuple[str, str, str]]

PAYROLL = [
    SiteDemand("edge-east", (), {"vapp1-east": ("vm1-east",)}),
    SiteDemand("edge-west", ("vm3-west",), {"vapp1-west": ("vm1-west",)}),
]

members = st.frozensets(
    st.tuples(st.sampled_from("ABC"), st.sampled_from(["", "x", "y"]), st.sampled_from([f"vm{n}" for n in range(9)])),
    min_size=1,
    max_size=24,
)
pools = st.sampled_from(["100.64.0.0/10", "10.0.0.0/24", "10.0.0.128/25", "10.0.0.0/26", "fd00:1::/64", "fd00::/121"])


def sites_of(wanted: Members) -> list[SiteDemand]:
    demands = []
    for site in {site for site, _vapp, _vm in wanted}:
        vapps: dict[str, tuple[str, ...]] = {}
        for _site, vapp, vm in [member for member in wanted if member[0] == site]:
            vapps[vapp] = (*vapps.get(vapp, ()), vm)
        demands.append(SiteDemand(site, vapps.pop("", ()), vapps))
    return demands


def carve(held: Held, vpn: str, pool: str, sites: list[SiteDemand], reserved: tuple[str, ...] = ()) -> Held:
    new = carve_vpn(vpn, "internal", Prefix.parse(pool), sites, held, [Prefix.parse(text) for text in reserved])
    assert not {lease.key for lease in new} & set(held)
    return {**held, **{lease.key: lease for lease in new}}


def assert_sound(leases: Held) -> None:
    """No overlap but of parent and child, and every child within a block of its parent."""
    addresses = [lease.prefix.first for lease in leases.values() if lease.kind == "address"]
    assert len(addresses) == len(set(addresses))
    for one, other in combinations([lease for lease in leases.values() if lease.kind == "block"], 2):
        nested = plain(other.key).startswith(plain(one.key) + "/") or plain(one.key).startswith(plain(other.key) + "/")
        assert nested or not one.prefix.overlaps(other.prefix), f"{one} {other}"
    for lease in leases.values():
        parent = parent_of(plain(lease.key))
        if parent:
            assert any(block.contains(lease.prefix) for block in blocks_of(leases, parent)), lease
        if lease.kind == "address":
            holders = {plain(k) for k, le in leases.items() if le.kind == "block" and le.prefix.contains(lease.prefix)}
            assert all(lease.key.startswith(holder + "/") for holder in holders), f"{lease} lies in {holders}"


def plain(key: str) -> str:
    return key.partition("#")[0]


def parent_of(key: str) -> str:
    if key.endswith("/edge") and key.count("/") == 4:
        return key[: -len("/edge")]
    return key.rsplit("/", 2)[0] if key.count("/") > 1 else ""


def test_the_example_of_the_design() -> None:
    leases = carve({}, "payroll", "100.64.0.0/10", PAYROLL)
    assert {key: str(lease.prefix) for key, lease in leases.items()} == {
        "vpn/payroll": "100.64.0.0/24",
        "vpn/payroll/site/edge-east": "100.64.0.0/26",
        "vpn/payroll/site/edge-east/edge": "100.64.0.1/32",
        "vpn/payroll/site/edge-east/vapp/vapp1-east": "100.64.0.16/28",
        "vpn/payroll/site/edge-east/vapp/vapp1-east/vm/vm1-east": "100.64.0.17/32",
        "vpn/payroll/site/edge-west": "100.64.0.64/26",
        "vpn/payroll/site/edge-west/edge": "100.64.0.65/32",
        "vpn/payroll/site/edge-west/vapp/vapp1-west": "100.64.0.80/28",
        "vpn/payroll/site/edge-west/vapp/vapp1-west/vm/vm1-west": "100.64.0.81/32",
        "vpn/payroll/site/edge-west/vm/vm3-west": "100.64.0.66/32",
    }


def test_keys_can_be_made_and_looked_up() -> None:
    leases = carve({}, "payroll", "fd00:1::/64", PAYROLL)
    assert blocks_of(leases, vpn_key("payroll")) == [Prefix.parse("fd00:1::/96")]
    assert blocks_of(leases, site_key("payroll", "edge-west")) == [Prefix.parse("fd00:1::100:0/104")]
    assert blocks_of(leases, vapp_key("payroll", "edge-west", "vapp1-west")) == [Prefix.parse("fd00:1::101:0/112")]
    assert address_of(leases, edge_key("payroll", "edge-west")) == "fd00:1::100:1"
    assert address_of(leases, vm_key("payroll", "edge-west", "vm3-west")) == "fd00:1::100:2"
    assert address_of(leases, vm_key("payroll", "edge-west", "vm1-west", "vapp1-west")) == "fd00:1::101:1"
    assert blocks_of(leases, vpn_key("other")) == []


@given(pool=pools, wanted=members, more=members)
def test_growth_never_renumbers_and_removal_frees_nothing_by_itself(pool: str, wanted: Members, more: Members) -> None:
    try:
        first = carve({}, "v", pool, sites_of(wanted))
        second = carve(first, "v", pool, sites_of(more))
    except PoolExhausted:
        assume(False)
    assert_sound(first)
    assert_sound(second)
    assert first.items() <= second.items()
    assert carve(second, "v", pool, sites_of(wanted | more)) == second


@given(pool=pools, steps=st.lists(st.tuples(st.sampled_from("uvw"), members, st.booleans()), max_size=6))
def test_any_order_of_additions_and_releases_is_sound(pool: str, steps: list[tuple[str, Members, bool]]) -> None:
    held: Held = {}
    for vpn, wanted, release in steps:
        before = dict(held)
        if release:
            gone = {vm_key(vpn, site, vm, vapp or None) for site, vapp, vm in wanted}
            held = {key: lease for key, lease in held.items() if key not in gone}
        else:
            try:
                held = carve(held, vpn, pool, sites_of(wanted))
            except PoolExhausted:
                assert held == before
        assert all(before[key] == lease for key, lease in held.items() if key in before)
        assert_sound(held)


@given(pool=pools, wanted=members, seed=st.randoms(use_true_random=False))
def test_the_order_of_the_input_does_not_matter(pool: str, wanted: Members, seed: object) -> None:
    def shuffled() -> list[SiteDemand]:
        order = sorted(wanted)
        seed.shuffle(order)  # type: ignore[attr-defined]
        names = list(dict.fromkeys(site for site, _vapp, _vm in order))
        demands = {demand.site: demand for demand in sites_of(frozenset(order))}
        return [demands[name] for name in names]

    try:
        expected = carve_vpn("v", "internal", Prefix.parse(pool), sites_of(wanted), {})
    except PoolExhausted:
        with pytest.raises(PoolExhausted):
            carve({}, "v", pool, shuffled())
    else:
        assert carve_vpn("v", "internal", Prefix.parse(pool), shuffled(), {}) == expected


@given(pool=pools, wanted=members, reserved=st.lists(st.integers(0, 15), max_size=3))
def test_reserved_prefixes_and_other_vpns_are_kept_clear_of(pool: str, wanted: Members, reserved: list[int]) -> None:
    whole = Prefix.parse(pool)
    sixteenth = whole.size // 16
    taken = [Prefix(whole.family, whole.first + n * sixteenth, whole.length + 4) for n in reserved]
    held = {"vpn/other": Lease("vpn/other", taken.pop(), "block", "another")} if taken else {}
    try:
        leases = carve(held, "v", pool, sites_of(wanted), tuple(str(prefix) for prefix in taken))
    except PoolExhausted:
        return
    assert_sound(leases)
    for lease in leases.values():
        assert lease.key == "vpn/other" or not any(lease.prefix.overlaps(prefix) for prefix in taken)


@pytest.mark.parametrize("pool", ["10.99.0.0/28", "10.99.0.0/29", "fd00::/125"])
def test_a_small_cidr_of_its_own_carries_a_few_members(pool: str) -> None:
    new = carve_vpn("payroll", pool, Prefix.parse(pool), PAYROLL, {})
    leases = {lease.key: lease for lease in new}
    assert_sound(leases)
    assert blocks_of(leases, "vpn/payroll") == [Prefix.parse(pool)]


def test_a_small_cidr_keeps_room_for_another_site() -> None:
    for name in ("10.99.0.0/28", "internal"):  # its own, and one that is shared
        one = {le.key: le for le in carve_vpn("payroll", name, Prefix.parse("10.99.0.0/28"), PAYROLL[:1], {})}
        both = carve_vpn("payroll", name, Prefix.parse("10.99.0.0/28"), PAYROLL, one)
        assert_sound({**one, **{le.key: le for le in both}})


def test_a_small_shared_pool_has_room_for_several_vpns() -> None:
    held: Held = {}
    for vpn in ("a", "b", "c", "d"):
        held = carve(held, vpn, "10.0.0.0/24", PAYROLL)
    assert_sound(held)


def test_an_exhausted_pool_names_pool_key_and_length() -> None:
    with pytest.raises(PoolExhausted) as caught:
        carve({}, "payroll", "10.99.0.0/30", PAYROLL)
    assert (caught.value.key, caught.value.length) == ("vpn/payroll", 29)
    assert str(caught.value).startswith("pool internal (10.99.0.0/30) has no free /29 for vpn/payroll: ")


def test_a_full_block_gets_a_second_one_and_stays() -> None:
    held: Held = {}
    for count in (1, 15, 40, 200, 1000):
        demand = SiteDemand("s", (), {"a": tuple(f"vm{n}" for n in range(count))})
        grown = carve(held, "v", "10.0.0.0/8", [demand])
        assert held.items() <= grown.items()
        held = grown
    assert_sound(held)
    assert 1 < len(blocks_of(held, "vpn/v/site/s/vapp/a")) <= 5
    assert "vpn/v#2" in held


def test_members_joining_one_by_one_need_few_blocks() -> None:
    held: Held = {}
    for count in range(1, 200):
        held = carve(held, "v", "10.0.0.0/8", [SiteDemand("s", tuple(f"vm{n}" for n in range(count)))])
    assert len([lease for lease in held.values() if lease.kind == "block"]) <= 8


def test_the_first_address_of_a_block_goes_to_nobody_while_there_is_room() -> None:
    leases = carve({}, "v", "10.0.0.0/8", [SiteDemand("s", tuple(f"vm{n}" for n in range(500)), {"a": ("x",) * 1})])
    firsts = {lease.prefix.first for lease in leases.values() if lease.kind == "block"}
    assert not firsts & {lease.prefix.first for lease in leases.values() if lease.kind == "address"}


def test_what_cannot_be_a_key_is_refused() -> None:
    for bad in ("a/b", "a#2", ""):
        with pytest.raises(ValueError, match="cannot be part"):
            carve({}, "v", "10.0.0.0/8", [SiteDemand("s", (bad,))])
    with pytest.raises(ValueError, match="comes twice"):
        carve({}, "v", "10.0.0.0/8", [SiteDemand("s"), SiteDemand("s")])


def test_a_vpn_does_not_change_its_ip_family() -> None:
    held = carve({}, "v", "10.0.0.0/8", PAYROLL)
    with pytest.raises(VccError, match="other IP family"):
        carve(held, "v", "fd00::/64", PAYROLL)


def test_ten_thousand_members_in_no_time() -> None:
    sites = [
        SiteDemand(
            f"edge{s}",
            tuple(f"vm{n}" for n in range(500)),
            {f"a{a}": tuple(f"vm{n}" for n in range(10)) for a in range(50)},
        )
        for s in range(10)
    ]
    started = time.monotonic()
    held = carve({}, "v", "10.0.0.0/8", sites)
    assert carve(held, "v", "10.0.0.0/8", sites) == held
    assert time.monotonic() - started < 2
    assert len([lease for lease in held.values() if lease.kind == "address"]) == 10_010
