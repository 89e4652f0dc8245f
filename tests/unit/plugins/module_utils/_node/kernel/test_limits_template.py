# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rates and quotas as rules: the kernel takes them, in an order in which nothing is counted that does not pass."""

from __future__ import annotations

import copy
import itertools
import subprocess
from typing import Any

import pytest

from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils._node.test_templates import NAMESPACE, render

VOLUME = {"octets": 10**9, "period": "day"}
RATES: list[dict[str, Any]] = [
    {},
    {"vpn": {"out": 6250000}},
    {"member": {"in": 62500}},
    {"vpn": {"in": 62500}, "member": {"out": 62500, "in": 62500}},
]
QUOTAS: list[dict[str, Any]] = [
    {},
    {"vpn": VOLUME, "when_used_up": "drop"},
    {"member": VOLUME, "when_used_up": "report"},
    {"vpn": VOLUME, "member": VOLUME, "when_used_up": "drop"},
]


def limited(document: dict[str, Any], rate: dict[str, Any], quota: dict[str, Any]) -> str:
    for vpn in document["vpns"]:
        vpn.update({key: value for key, value in (("rate", rate), ("quota", quota)) if value})
    return render("org_edge", "nftables.nft.j2", document, "libipsec")


def chain(text: str, name: str) -> list[str]:
    return [line.strip() for line in text.partition(f"chain {name} {{")[2].partition("}\n\n")[0].splitlines()[1:-1]]


@pytest.mark.skipif(not NAMESPACE, reason="needs root and nft")
@pytest.mark.parametrize("nobody", [False, True], ids=["members", "no members"])
def test_the_kernel_takes_every_limit(document: dict[str, Any], nobody: bool) -> None:
    if nobody:  # a hub that only passes on
        for vpn in document["vpns"]:
            vpn.update(local=[], nat=[])
    texts = [limited(copy.deepcopy(document), rate, quota) for rate, quota in itertools.product(RATES, QUOTAS)]
    for text in texts:
        loaded = ["unshare", "-n", "nft", "-f", "-"]
        assert subprocess.run(loaded, input=text, capture_output=True, text=True, check=False).stderr == ""


def test_what_passes_is_counted_last(document: dict[str, Any]) -> None:
    text = limited(document, RATES[3], QUOTAS[3])
    assert chain(text, "vpn1_out") == [
        "tcp flags syn tcp option maxseg size set 1360",
        "meta nfproto @vpn1_used_up drop",
        "ip saddr @vpn1_members_used_up drop",
        "ip saddr @vpn1_member_rate_out drop",
        "quota name ip saddr map @vpn1_member_quota add @vpn1_members_used_up { ip saddr } drop",
        'quota name "vpn1_quota" add @vpn1_used_up { meta nfproto } drop',
        "counter name vpn1_sent accept",
    ]
    assert 'limit name "vpn1_rate_in" drop' in chain(text, "vpn1_in")


def test_what_only_reports_drops_nothing(document: dict[str, Any]) -> None:
    rules = chain(limited(document, {}, QUOTAS[2]), "vpn1_out")
    assert "quota name ip saddr map @vpn1_member_quota" in rules
    assert not any("drop" in rule for rule in rules)


def test_a_translated_member_is_limited_by_its_inside_address(document: dict[str, Any]) -> None:
    text = limited(document, RATES[3], QUOTAS[3])
    assert "elements = { 100.64.0.17, 192.168.1.12 }" in text
    assert '192.168.1.12 : "vpn1_quota_100.64.0.18"' in text


@pytest.mark.parametrize(("octets", "burst"), [(62500, " burst 3036 bytes"), (65536, ""), (6250000, "")])
def test_a_large_segment_always_fits(document: dict[str, Any], octets: int, burst: str) -> None:
    text = limited(document, {"vpn": {"out": octets}}, {})
    assert f"rate over {octets} bytes/second{burst};" in text


def test_who_has_no_limit_has_no_rule(document: dict[str, Any]) -> None:
    text = limited(document, {}, {})
    assert not [word for word in ("limit name", "rate over", "quota", "used_up") if word in text]
