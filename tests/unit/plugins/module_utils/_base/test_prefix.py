# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Text in, integers inside, text out."""

from __future__ import annotations

import ipaddress
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.intercloud.vpn.plugins.module_utils._base.prefix import (
    Prefix,
    collapse,
    parse_address,
    parse_any,
    without,
)

prefixes = st.one_of(
    st.builds(Prefix.around, st.just(4), st.integers(0, 2**32 - 1), st.integers(0, 32)),
    st.builds(Prefix.around, st.just(4), st.integers(0x0A000000, 0x0A0000FF), st.integers(24, 32)),
    st.builds(Prefix.around, st.just(6), st.integers(0, 2**128 - 1), st.integers(0, 128)),
)


@given(prefixes)
def test_text_and_back(prefix: Prefix) -> None:
    assert Prefix.parse(str(prefix)) == prefix
    assert ipaddress.ip_network(str(prefix)).num_addresses == prefix.size


@given(prefixes, prefixes)
def test_contains_and_overlaps_agree_with_the_standard_library(one: Prefix, other: Prefix) -> None:
    left, right = ipaddress.ip_network(str(one)), ipaddress.ip_network(str(other))
    assert one.overlaps(other) == (left.version == right.version and left.overlaps(right))
    assert one.contains(other) == (left.version == right.version and right.subnet_of(left))  # type: ignore[arg-type]


@given(st.lists(prefixes, max_size=12))
def test_collapse_agrees_with_the_standard_library(given_prefixes: list[Prefix]) -> None:
    expected = []
    for version in (4, 6):
        networks = [ipaddress.ip_network(str(p)) for p in given_prefixes if p.family == version]
        expected += [str(network) for network in ipaddress.collapse_addresses(networks)]  # type: ignore[type-var]
    assert [str(p) for p in collapse(given_prefixes)] == expected


@given(st.lists(prefixes, max_size=12), st.randoms())
def test_what_is_left_out_need_not_be_collapsed_again(given_prefixes: list[Prefix], random: Random) -> None:
    apart: list[Prefix] = []
    for prefix in given_prefixes:
        apart += [] if any(prefix.overlaps(other) for other in apart) else [prefix]
    some = random.sample(apart, random.randint(0, len(apart)))
    stay = [prefix for prefix in apart if prefix not in some]
    assert without(collapse(apart), some) == collapse(stay)


def test_only_what_is_there_can_be_left_out() -> None:
    with pytest.raises(ValueError, match=r"10.0.1.0/24 is not in 10.0.0.0/24"):
        without([Prefix.parse("10.0.0.0/24")], [Prefix.parse("10.0.1.0/24")])


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("10.0.0.1/24", "10.0.0.1/24 has host bits set: did you mean 10.0.0.0/24?"),
        ("10.0.0.1", "10.0.0.1 has no prefix length: write 10.0.0.1/32 for the one address"),
        ("10.0.0.0/33", "10.0.0.0/33: the prefix length must be a number from 0 to 32"),
        ("10.0.0.0/255.0.0.0", "10.0.0.0/255.0.0.0: the prefix length must be a number from 0 to 32"),
        ("10/8", "10 is not an IP address"),
        ("010.0.0.0/8", "010.0.0.0 is not an IP address"),
        ("fe80::1%eth0/64", "fe80::1%eth0 is not an IP address"),
        ("", " is not an IP address"),
        ("east", "east is not an IP address"),
    ],
)
def test_what_is_no_prefix_says_what_would_mend_it(text: str, complaint: str) -> None:
    with pytest.raises(ValueError) as caught:
        Prefix.parse(text)
    assert str(caught.value) == complaint


def test_bare_addresses_have_a_parser_of_their_own() -> None:
    assert str(parse_address("fd00::1")) == "fd00::1/128"
    assert parse_any("10.0.0.1") == parse_any("10.0.0.1/32")
    with pytest.raises(ValueError, match="is not an IP address"):
        parse_address("10.0.0.0/8")


def test_addresses_by_offset() -> None:
    assert Prefix.parse("100.64.0.0/26").address(63) == "100.64.0.63"
    with pytest.raises(IndexError, match="has no address 64"):
        Prefix.parse("100.64.0.0/26").address(64)


@pytest.mark.parametrize("numbers", [(5, 0, 0), (4, 1, 24), (4, 0, 33), (4, 2**32, 32), (6, 0, -1)])
def test_numbers_that_make_no_prefix_are_refused(numbers: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError):
        Prefix(*numbers)
