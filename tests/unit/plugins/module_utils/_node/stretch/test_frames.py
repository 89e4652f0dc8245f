# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an edge makes of a stretched network: whose frames it knows, and a table that the kernel takes."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._node.document import Generation
from ansible_collections.intercloud.vpn.plugins.module_utils._node.stretch import frames, told

EAST, WEST, GATEWAY = "02:00:5e:10:00:01", "02:00:5e:10:00:02", "02:00:5e:10:00:03"
HERE = {"host": "vm3-east", "addresses": ["10.10.0.13"]}
THERE = {"host": "vm3-west", "addresses": ["10.10.0.23"], "behind": "100.64.0.65"}
FACTS = {
    "vm3-east": {"10.10.0.13": EAST, "fe80::1": EAST, "172.16.0.13": "02:00:5e:10:00:09"},
    "vm3-west": {"10.10.0.23": WEST, "fd10:10::23": WEST},
    "edge-west": {"10.10.0.1": GATEWAY},
}


@pytest.fixture
def document(document: dict[str, Any]) -> dict[str, Any]:
    document["vpns"][0]["stretch"] = {
        "beside": "10.10.0.1",
        "peers": ["100.64.0.65"],
        "gateways": [{"host": "edge-west", "addresses": ["10.10.0.1"]}],
        "here": [HERE],
        "there": [THERE],
        "broadcast": 200,
        "port": 14789,
    }
    return document


def only(document: dict[str, Any], facts: Any = None, backend: str = "xfrm") -> told.Stretch:
    files = {} if facts is None else {told.FILE: json.dumps(facts)}
    (found,) = told.stretches(Generation(document, files, backend))
    return found


def test_members_are_known_by_what_they_said(document: dict[str, Any]) -> None:
    """With link-local addresses, which nobody writes down. What else they say that they have is not believed."""
    one = only(document, FACTS)
    assert one.here == (told.Member("vm3-east", EAST, ("10.10.0.13", "fe80::1")),)
    assert one.there == (told.Member("vm3-west", WEST, ("10.10.0.23",), "100.64.0.65"),)
    assert (one.gateways, one.unknown, one.device) == ((GATEWAY,), [], "vcl1")


@pytest.mark.parametrize("address", ["10.10.0.1", "10.10.0.23", "10.10.0.99", "fd10:10::1", "fe80::9"])
def test_nobody_gets_an_address_by_saying_so(document: dict[str, Any], address: str) -> None:
    """That of the gateway, of another member, of nobody; a link-local one of another host's."""
    document["vpns"][0]["stretch"]["gateways"][0]["addresses"] += ["fd10:10::1"]
    edge = {**FACTS["edge-west"], "fe80::9": GATEWAY}
    facts = {**FACTS, "vm3-east": {**FACTS["vm3-east"], address: EAST}, "edge-west": edge}
    assert only(document, facts).here == (told.Member("vm3-east", EAST, ("10.10.0.13", "fe80::1")),)


def test_the_inventory_counts_before_that(document: dict[str, Any]) -> None:
    document["vpns"][0]["stretch"]["here"] = [{**HERE, "mac": ["02:00:5E:10:00:0A"]}]
    assert only(document, FACTS).here[0].mac == "02:00:5e:10:00:0a"


def test_who_did_not_say_is_not_carried(document: dict[str, Any]) -> None:
    one = only(document, {"vm3-east": FACTS["vm3-east"]})
    assert one.unknown == ["vm3-west"]
    assert WEST not in frames.table([one], {"10.10.0.1": "org"}, {})


def test_what_members_said_before_is_kept(document: dict[str, Any]) -> None:
    old = Generation(document, {told.FILE: json.dumps({**FACTS, "vm9": {"10.10.0.9": "02:00:5e:10:00:09"}})}, "xfrm")
    new = Generation(document, {told.FILE: json.dumps({"vm3-east": {"10.10.0.13": WEST}})}, "xfrm")
    kept = json.loads(told.completed(new, old).files[told.FILE])
    assert kept == {**FACTS, "vm3-east": {"10.10.0.13": WEST}}


@pytest.mark.parametrize(("backend", "segment"), [("xfrm", 1446 - 50 - 40), ("libipsec", 1400 - 50 - 40)])
def test_segments_fit_into_the_link(document: dict[str, Any], backend: str, segment: int) -> None:
    document["vpns"][0]["mtu"] = 1446
    assert only(document, FACTS, backend).segment == {4: segment, 6: segment - 20}


def test_the_kernel_takes_the_table(document: dict[str, Any]) -> None:
    text = frames.table([only(document, FACTS)], {"10.10.0.1": "org"}, {"org": "02:00:5e:10:00:04"})
    devices = "ip link add org type veth peer name other && ip link add vcl1 type veth peer name more"
    script = f"{devices} && nft -f - && nft list ruleset"
    shown = subprocess.run(
        ["unshare", "-n", "sh", "-c", script], input=text, capture_output=True, text=True, check=False
    )
    assert shown.returncode == 0, shown.stderr
    assert 'fwd to "vcl1"' in shown.stdout and 'device "org"' in shown.stdout
    assert "ether daddr @n1_gateways ether daddr set 02:00:5e:10:00:04" in shown.stdout


def test_a_document_without_one_has_no_table(document: dict[str, Any]) -> None:
    del document["vpns"][0]["stretch"]
    assert told.stretches(Generation(document, {}, "xfrm")) == []
    assert frames.table([], {}, {}) == ""
