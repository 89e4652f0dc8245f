# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why links are down: the telling lines of a tunnel's last attempt, out of a journal full of others."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._node.ipsec import reasons
from ansible_collections.intercloud.vpn.plugins.module_utils._node.ipsec.reasons import last_failure

NAME = "edge-east--edge-west"
PEER = "203.0.113.18"
COUNT = iter(range(1, 10_000))


def attempt(unique: int, name: str, *messages: str, pid: str = "77") -> list[dict[str, Any]]:
    """Journal entries of one IKE_SA. charon knows the connection from its second line on."""
    return [
        {
            "MESSAGE": text,
            "IKE_SA_UNIQUE_ID": str(unique),
            "IKE_SA_NAME": name if number else "",
            "_PID": pid,
            "__REALTIME_TIMESTAMP": str(1_770_000_000_000_000 + next(COUNT) * 1_000_000),
        }
        for number, text in enumerate(messages)
    ]


def texts(*attempts: list[dict[str, Any]], peer: str = PEER) -> list[str]:
    return [line["text"] for line in last_failure([entry for one in attempts for entry in one], NAME, peer)]


def refused(unique: int, why: str, name: str = NAME, pid: str = "77") -> list[dict[str, Any]]:
    lines = (
        f"{PEER} is initiating an IKE_SA",
        f"selected peer config '{name}'",
        '  using certificate "O=acme, CN=edge-west.acme"',
        why,
        "no trusted ECDSA public key found for 'edge-west.acme'",
    )
    return attempt(unique, name, *lines, pid=pid)


UNTRUSTED = "no trusted ECDSA public key found for 'edge-west.acme'"


def test_the_last_attempt_counts() -> None:
    found = texts(refused(1, "certificate was revoked on Nov 23"), refused(2, "subject certificate invalid (valid …)"))
    assert found == ["subject certificate invalid (valid …)", UNTRUSTED]


def test_one_that_has_not_ended_yet_hides_nothing() -> None:
    found = texts(
        refused(1, "certificate was revoked on Nov 23"), attempt(2, NAME, f"initiating IKE_SA to {PEER}", "sent")
    )
    assert found == ["certificate was revoked on Nov 23", UNTRUSTED]


def test_other_tunnels_are_not_read() -> None:
    assert texts(refused(1, "certificate was revoked on Nov 23", name="edge-east--edge-south")) == []


def test_an_attempt_that_never_got_a_name_is_known_by_its_address() -> None:
    lines = (f"received packet: from {PEER}[500] to 203.0.113.2[500] (296 bytes)", "received proposals unacceptable")
    nameless = [{**entry, "IKE_SA_NAME": ""} for entry in attempt(3, "", *lines)]
    assert texts(nameless) == ["received proposals unacceptable"]
    assert texts(nameless, peer="203.0.113.1") == []
    said = attempt(4, "", "no IKE config found for 203.0.113.2...203.0.113.18, sending NO_PROPOSAL_CHOSEN")
    assert len(texts(said)) == 1
    assert texts(said, peer="3.0.113.18") == []


def test_numbers_begin_again_with_a_new_charon() -> None:
    found = texts(
        refused(1, "certificate was revoked on Nov 23", pid="1"), refused(1, "no issuer certificate found", pid="2")
    )
    assert found == ["no issuer certificate found", UNTRUSTED]


def test_an_attempt_that_succeeded_is_no_reason() -> None:
    good = attempt(1, NAME, "initiating", 'received end entity cert "O=acme, CN=edge-west.acme"', "IKE_SA established")
    assert texts(good) == []


def test_the_list_is_short() -> None:
    many = attempt(1, NAME, "initiating", *(f"giving up after {number} retransmits" for number in range(50)))
    assert texts(many) == [f"giving up after {number} retransmits" for number in range(44, 50)]


def test_of_a_long_journal_the_last_entries_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """journalctl gives the first ones of a period, unless it goes backwards."""
    asked: list[str] = []

    def journalctl(*words: str) -> str:
        asked.extend(words)
        return "".join(f"{json.dumps({'MESSAGE': text})}\n" for text in ("third", "second", "first"))

    monkeypatch.setattr(reasons, "have", lambda _program: True)
    monkeypatch.setattr(reasons, "run", journalctl)
    assert [entry["MESSAGE"] for entry in reasons.entries(["a.service"], "MESSAGE")] == ["first", "second", "third"]
    assert {"--reverse", "--unit=a.service", f"--lines={reasons.ENTRIES}"} <= set(asked)
