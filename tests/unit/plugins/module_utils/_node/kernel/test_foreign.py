# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which chains of other software may drop packets: real rulesets, in a network namespace."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._node.kernel import foreign

NAMESPACE = subprocess.run(["unshare", "-n", "nft", "--version"], capture_output=True, check=False).returncode == 0
LOADED = """
import json, sys
from ansible_collections.intercloud.vpn.plugins.module_utils._node.kernel import foreign

foreign.run("nft", "-f", "-", stdin=sys.stdin.read())
print(json.dumps(foreign.droppers()))
"""
HOOK = "type filter hook forward priority 0; policy {policy};"


def droppers(text: str) -> list[dict[str, Any]]:
    """What is found where a ruleset is loaded."""
    words = ["unshare", "-n", sys.executable, "-c", LOADED]
    env = {"PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run(words, input=text, capture_output=True, text=True, check=False, env=env)
    assert done.stderr == ""
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def forwarding(*rules: str, policy: str = "accept", beside: str = "") -> str:
    lines = "\n".join((HOOK.format(policy=policy), *rules))
    return f"table inet fw {{\n{beside}\nchain forward {{\n{lines}\n}}\n}}\n"


def chain(how: str, sure: bool, hook: str = "forward", name: str = "inet fw forward") -> list[dict[str, Any]]:
    return [{"hook": hook, "chain": name, "how": how, "sure": sure}]


ALL, SOME = chain("drops what no rule accepts", sure=True), chain("has rules that drop", sure=False)
OTHER = "chain other {\n ip daddr 10.0.0.9 drop\n}\nchain between {\n goto other\n}"
HARMLESS = "chain other {\n counter\n jump between\n}\nchain between {\n goto another\n}\nchain another {\n accept\n}"
NAMED = "map states {\n type ct_state : verdict\n elements = { %s }\n}"


@pytest.mark.skipif(not NAMESPACE, reason="needs root and nft")
@pytest.mark.parametrize(
    ("text", "found"),
    [
        (forwarding(policy="drop"), ALL),
        (forwarding("ct state established accept", 'log prefix "no " counter drop'), ALL),
        (forwarding("counter reject with icmpx type admin-prohibited"), ALL),  # firewalld's
        (forwarding("ct state invalid drop"), SOME),
        (forwarding("limit rate 10/second drop"), SOME),
        (forwarding("ip saddr 10.0.0.1 jump between", beside=OTHER), SOME),
        (forwarding("ct state vmap { established : accept, invalid : drop }"), SOME),
        (forwarding("ip daddr vmap { 10.0.0.9 : goto between }", beside=OTHER), SOME),
        (forwarding("ct state vmap @states", beside=NAMED % "invalid : drop"), SOME),
        (forwarding("ct state vmap @states", beside=f"{OTHER}\n{NAMED % 'invalid : jump between'}"), SOME),
        (forwarding("ip saddr 10.0.0.1 jump {\n tcp dport 25 drop\n}"), SOME),
        (forwarding("ct state vmap @states", beside=NAMED % "invalid : accept"), []),
        (forwarding("counter jump between", beside=HARMLESS), []),
        (forwarding('log prefix "drop "', "ip saddr { 10.0.0.1, 10.0.0.2 } accept"), []),
        (forwarding(beside=OTHER), []),
        ("table inet intercloud_vpn {\nchain f {\n" + HOOK.format(policy="drop") + "\n}\n}\n", []),
        (
            "table ip nat {\nchain pre {\n type nat hook prerouting priority 0; policy drop;\n}\n}\n",
            chain("drops what no rule accepts", sure=True, hook="prerouting", name="ip nat pre"),
        ),
        (
            "table netdev fw {\nchain in {\n type filter hook ingress device lo priority 0; policy drop;\n}\n}\n",
            chain("drops what no rule accepts", sure=False, hook="ingress", name="netdev fw in"),
        ),
    ],
)
def test_what_a_ruleset_drops(text: str, found: list[dict[str, Any]]) -> None:
    assert droppers(text) == found


@pytest.mark.parametrize(
    ("said", "text", "found"),
    [
        ({"xt": {"type": "target", "name": "REJECT"}}, 'xt target "REJECT"', SOME),
        ({"xt": None}, "reject with icmp-port-unreachable", SOME),  # nft 1.0.6
        ({"xt": None}, 'xt match "comment" accept', []),
    ],
)
def test_what_iptables_rejects(monkeypatch: pytest.MonkeyPatch, said: Any, text: str, found: list[Any]) -> None:
    place = {"family": "inet", "table": "fw"}
    match = {"match": {"op": "==", "left": {"meta": {"key": "iifname"}}, "right": "eth0"}}
    base = {**place, "name": "forward", "hook": "forward", "type": "filter", "policy": "accept"}
    rules = {"nftables": [{"chain": base}, {"rule": {**place, "chain": "forward", "expr": [match, said]}}]}
    monkeypatch.setattr(foreign, "have", lambda _name: True)
    monkeypatch.setattr(foreign, "run", lambda *words: json.dumps(rules) if "ruleset" in words else text)
    assert foreign.droppers() == found
