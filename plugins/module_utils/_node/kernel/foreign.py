# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Other people's firewall rules on the hooks that members' packets pass. Changes nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from ..system.run import CommandError, have, run

OURS = ("intercloud_vpn", "intercloud_vpn_starting")
HOOKS = ("ingress", "prerouting", "input", "forward", "output", "postrouting", "egress")
DROPS, JUMPS, UNCONDITIONAL = {"drop", "reject"}, {"jump", "goto"}, {"drop", "reject", "counter", "log"}
DROP = re.compile(r"\b(?:drop|reject)\b", re.IGNORECASE)
_Place = tuple[str, str, str]  # family, table, name


def droppers() -> list[dict[str, Any]]:
    """The base chains of others that drop packets.

    Each has its `hook`, `chain` (family table chain), `how`, in words, and `sure`: whether it drops all that no rule
    accepts. Others drop some packets, and nobody knows whether members' are among them.
    """
    if not have("nft"):
        return []
    try:
        rules = _Rules(json.loads(run("nft", "-j", "-t", "list", "ruleset"))["nftables"])
        return [found for place in sorted(rules.chains) for found in _judge(rules, place)]
    except (CommandError, ValueError, KeyError):
        return []


def _judge(rules: _Rules, place: _Place) -> Iterator[dict[str, Any]]:
    chain = rules.chains[place]
    if chain.get("hook") not in HOOKS or chain["table"] in OURS:
        return
    every = chain.get("policy") == "drop" or rules.drop_the_rest(place)
    if every or rules.may_drop(place):
        how = "drops what no rule accepts" if every else "has rules that drop"
        # A chain of a device (ingress, egress) sees that device's packets only, one of a bridge what that passes on.
        sure = every and place[0] in ("inet", "ip", "ip6") and chain["hook"] not in ("ingress", "egress")
        yield {"hook": str(chain["hook"]), "chain": " ".join(place), "how": how, "sure": sure}


class _Rules:
    """A ruleset as nft lists it."""

    def __init__(self, listed: list[dict[str, Any]]) -> None:
        self.chains = {_place(e["chain"], "name"): e["chain"] for e in listed if "chain" in e}
        self._rules: dict[_Place, list[list[Any]]] = {}
        for rule in (entry["rule"] for entry in listed if "rule" in entry):
            self._rules.setdefault(_place(rule, "chain"), []).append(rule.get("expr", []))

    def drop_the_rest(self, place: _Place) -> bool:
        """Whether a rule without a condition drops what comes to it."""
        for rule in self._rules.get(place, ()):
            keys = {key for one in rule for key in (one if isinstance(one, dict) else (str(one),))}
            if keys & DROPS and keys <= UNCONDITIONAL:
                return True
        return False

    def may_drop(self, place: _Place) -> bool:
        """Whether a rule drops: of the chain, or of those that it jumps to, verdict maps included."""
        todo, seen = [place], {place}
        while todo:
            here = todo.pop()
            for key, value in self._said(here):
                if key in DROPS:
                    return True
                if key in JUMPS and (there := (*here[:2], str(value["target"]))) not in seen:
                    seen.add(there)
                    todo.append(there)
        return False

    def _said(self, place: _Place) -> Iterator[tuple[str, Any]]:
        """All that a chain's rules say."""
        said, told = self._rules.get(place, []), False
        for key, value in _inside(said):
            yield key, value
            told = told or key == "xt"
            if key == "vmap" and isinstance(value["data"], str):
                yield from _inside(_elements(place, value["data"].lstrip("@")))
        # iptables' own (REJECT), and rules in braces: older nft says them as text, or not at all.
        if told or any(isinstance(one, str) for rule in said for one in rule):
            yield from ((word.lower(), None) for word in DROP.findall(run("nft", "list", "chain", *place)))


def _elements(place: _Place, name: str) -> list[Any]:
    """The elements of a named verdict map, which the list of all rules leaves out, for sets may be long."""
    listed = json.loads(run("nft", "-j", "list", "map", *place[:2], name))["nftables"]
    return [entry["map"].get("elem") for entry in listed if "map" in entry]


def _inside(found: Any) -> Iterator[tuple[str, Any]]:
    """Every key and value, at any depth."""
    if isinstance(found, dict):
        yield from found.items()
    for one in found.values() if isinstance(found, dict) else found if isinstance(found, list) else ():
        yield from _inside(one)


def _place(entry: dict[str, Any], name: str) -> _Place:
    return str(entry["family"]), str(entry["table"]), str(entry[name])
