# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PLAN: a policy's section ``rules``: nft statements of the user's own, judged before what a VPN lets through.

Each is a line in a chain of its VPN that ours jump to. It can drop, count, log, limit or ``return`` (leave the rest of
the chain out), and no more: ``accept`` would end the judging of a packet that ours may refuse, and what changes a
packet would have ours judge another one than was sent. Whether the kernel takes a rule is found out on the node, which
loads it into a network namespace that nobody uses before it touches anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from ..._base.problems import Problems
from .section import Places, Section

LONGEST = 500  # characters; beyond, nobody reads it, and nft's messages quote the line
# All of nft's verdicts and statements but those that a rule may have; nft(8).
_FORBIDDEN = {
    **dict.fromkeys(
        ("accept",), "would let through what is refused without it; `return` leaves the rest of the rules out"
    ),
    **dict.fromkeys(("goto", "jump"), "leads out of the rules' own chain"),
    **dict.fromkeys(
        ("queue", "dup", "fwd", "flow", "synproxy", "tproxy", "xt"), "takes the packet out of the firewall's control"
    ),
    **dict.fromkeys(
        ("set", "dnat", "snat", "masquerade", "notrack", "add", "update", "delete", "reset"), "changes something"
    ),
    **dict.fromkeys(("reject",), "has the gateway answer, which speaks with members by ICMP only; drop it"),
    **dict.fromkeys(("vmap", "map", "meter"), "needs a map, which a rule cannot bring"),
}
_SIGNS = {
    **dict.fromkeys("{}", "braces would end the chain; write a range (1-4), a prefix, or a rule for each"),
    ";": "one rule an entry",
    "#": 'it would comment out what follows; say `comment "..."`',
    "\\": "it would join the next line",
    "$": "there are no variables",
}
_WORD = re.compile(r"@?[A-Za-z_][\w.-]*")


@dataclass(frozen=True)
class Rules(Section):
    """A list of rules for org edges and one for vApp edges. Without, a gateway has ours alone."""

    org_edges: tuple[str, ...]
    vapp_edges: tuple[str, ...]

    DEFAULTS: ClassVar[Mapping[str, Any]] = {"org_edges": [], "vapp_edges": []}

    @classmethod
    def check(cls, raw: Mapping[str, Any], places: Places, problems: Problems) -> None:
        """Note what is wrong with the section's values."""
        for key in cls.DEFAULTS:
            if not isinstance(raw[key], (list, tuple)):
                problems.add(places[key], f"must be a list of nft rules, one an entry, not {raw[key]!r}")
                continue
            for index, rule in enumerate(raw[key]):
                for message in _wrong(rule):
                    problems.add(f"{places[key]}[{index}]", message)

    @classmethod
    def read(cls, raw: Mapping[str, Any]) -> Rules:
        """The section, of values that were checked."""
        return cls(*(tuple(str(rule).strip() for rule in raw[key]) for key in ("org_edges", "vapp_edges")))

    def document(self, role: str) -> dict[str, Any]:
        """What a node of the role is told; nothing where there are no rules."""
        rules = self.org_edges if role == "org_edge" else self.vapp_edges
        return {"rules": list(rules)} if rules else {}


def _wrong(rule: object) -> Iterator[str]:
    if not isinstance(rule, str) or not rule.strip():
        yield f"must be an nft rule such as `tcp dport 25 counter drop`, not {rule!r}"
        return
    if not rule.strip().isprintable() or len(rule) > LONGEST:
        yield f"must be one line of at most {LONGEST} printable characters"
        return
    # nft knows no escapes: a quoted text ends at the next quote.
    plain, *quoted = rule.split('"')
    if len(quoted) % 2:
        yield "has a quote that is never closed"
        return
    outside = " ".join([plain, *quoted[1::2]])
    for sign, why in _SIGNS.items():
        # Nor inside quotes: whoever reads the file should not have to parse it to see where the chain ends.
        if sign in rule:
            yield f"{sign!r} is not allowed: {why}"
    for word in dict.fromkeys(_WORD.findall(outside)):
        if word in _FORBIDDEN:
            yield f"{word!r} is not allowed: it {_FORBIDDEN[word]}"
        elif word.startswith("@"):
            yield f"{word}: sets are internal, and their names may change; write the addresses"
