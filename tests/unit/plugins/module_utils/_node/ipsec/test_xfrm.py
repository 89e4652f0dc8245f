# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What iproute2 prints of states and policies, as Debian 12's printed it on an edge of the kernel lab."""

from __future__ import annotations

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._node.ipsec import connections, xfrm
from ansible_collections.intercloud.vpn.plugins.module_utils._node.ipsec.xfrm import Policy, State

# iproute2 puts a backslash and a tabulator where -o joins lines.
TO_WEST, TO_EAST = "src 203.0.113.2 dst 203.0.113.18", "src 203.0.113.18 dst 203.0.113.2"
KEYS = "aead rfc4106(gcm(aes)) <<Keys hidden>> 128"


def line(*parts: str) -> str:
    return "".join(f"{part}\\\t" for part in parts[:-1]) + parts[-1] + "\\"


def state(way: str, spi: str, *more: str) -> str:
    return line(way, f"proto esp spi {spi} reqid 1 mode tunnel", "replay-window 0 flag af-unspec", *more)


OUT = state(TO_WEST, "0xc4310dcb", KEYS, "anti-replay context: seq 0x0, oseq 0x77c, bitmap 0x00000000", "if_id 0x1")
IN = state(TO_EAST, "0xc1638193", KEYS, "anti-replay esn context:", " seq-hi 0x0, seq 0x7aa, oseq-hi 0x0", "if_id 0x1")
# While charon negotiates: an SPI is taken, or a trap was sprung.
LARVAL = state(TO_EAST, "0xc9999999", "if_id 0x1")
ACQUIRE = state(TO_WEST, "0x00000000", "sel src 100.64.0.2/32 dst 100.64.0.66/32 proto icmp type 8 code 0")
FOREIGN = state(TO_WEST, "0xc7777777", KEYS, "if_id 0x7")
TEMPLATE = line("\tproto esp spi 0xc4310dcb reqid 1 mode tunnel", "if_id 0x1")
POLICIES = [
    line(
        "src 100.64.0.0/26 dst 100.64.0.64/26 ", "dir out priority 373375 ptype main ", "tmpl src 203.0.113.2", TEMPLATE
    ),
    line("src 0.0.0.0/0 dst 0.0.0.0/0 ", "socket in priority 0 ptype main "),
]


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    lines = [OUT, IN, LARVAL, ACQUIRE, FOREIGN]
    shown = {"state": lines, "policy": POLICIES}
    monkeypatch.setattr(xfrm, "_lines", lambda kind, *_words: shown[kind])
    return lines


def test_states_are_ours_and_have_keys(kernel: list[str]) -> None:
    assert xfrm.states({1, 2}) == [
        State("203.0.113.2", "203.0.113.18", 0xC4310DCB, 1),
        State("203.0.113.18", "203.0.113.2", 0xC1638193, 1),
    ]


def test_policies_are_ours(kernel: list[str]) -> None:
    assert xfrm.policies({1}) == [Policy("100.64.0.0/26", "100.64.0.64/26", "out", 1)]
    assert xfrm.policies({2}) == []


def test_an_orphan_is_what_charon_does_not_know(kernel: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "spis", lambda: {0xC1638193})
    assert [state.spi for state in xfrm.orphans({1})] == [0xC4310DCB]


def test_charon_is_not_asked_when_there_is_nothing(kernel: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    kernel.clear()
    monkeypatch.setattr(connections, "spis", lambda: pytest.fail("asked"))
    assert xfrm.orphans({1}) == []
