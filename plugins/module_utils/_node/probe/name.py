# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask a name server for a member. Runs on a VM: the standard library, nothing else."""

from __future__ import annotations

import time
import typing as t
from collections.abc import Callable, Mapping

from ..names.query import AAAA, NOERROR, NXDOMAIN, REFUSED, A, Answer, ask

CODES = {NXDOMAIN: "it knows no such name", REFUSED: "it refuses the question"}
Ask = Callable[..., "Answer | None"]


def probe_name(target: Mapping[str, t.Any], timeout: float, settle: float, ask: Ask = ask) -> dict[str, t.Any]:
    """Ask the server at a target's address for the name `query`; one that shall answer gets `settle` seconds.

    The record is like that of a ping. A server that must not answer has answered whatever it says; one that must has
    answered with the address `found` only.
    """
    begun = time.monotonic()
    settled_after: int | None = None
    wanted = target["expect"] == "reachable"
    kind = AAAA if ":" in str(target["found"]) else A
    while True:
        sent = time.monotonic()
        answer = ask(str(target["address"]), str(target["query"]), kind, timeout, target.get("source"))
        done = time.monotonic()
        good = answer is not None and (not wanted or answer.records == [target["found"]])
        if good or not wanted or done - begun >= settle:
            break
        settled_after = round((done - begun) * 1000)
        time.sleep(0.1)  # a refusal comes at once
    return {
        **target,
        "sent": 1,
        "received": int(good),
        "loss": 0.0 if good else 100.0,
        "rtt_ms": round((done - sent) * 1000, 2) if good else None,
        "settled_after_ms": settled_after if good else None,
        "mtu_ok": None,
        "mtu_reason": None,
        "mtu_fits": None,
        "application_ok": None,
        "application_reason": None,
        "reason": None if answer is None or (good and wanted) else _said(answer),
        "error": None,
    }


def _said(answer: Answer) -> str:
    if answer.code != NOERROR:
        return CODES.get(answer.code, f"it answers with code {answer.code}")
    return f"it says {', '.join(answer.records)}" if answer.records else "it knows no address of that name"
