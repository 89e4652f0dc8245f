# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Other people's firewall rules on the hooks that members' packets pass. Changes nothing."""

from __future__ import annotations

import json
from typing import Any

from ._run import CommandError, have, run

OURS = "intercloud_vpn"
HOOKS = ("prerouting", "input", "forward", "output", "postrouting")


def droppers() -> list[dict[str, str]]:
    """The base chains of others that drop packets: hook, `chain` (family table chain) and `how`, in words."""
    if not have("nft"):
        return []
    try:
        listed = json.loads(run("nft", "-j", "-t", "list", "ruleset"))["nftables"]
    except (CommandError, ValueError, KeyError):
        return []
    chains = {_place(e["chain"], "name"): e["chain"] for e in listed if e.get("chain", {}).get("hook") in HOOKS}
    dropping = {_place(e["rule"], "chain") for e in listed if "rule" in e and _drops(e["rule"].get("expr", []))}
    found = []
    for place, chain in sorted(chains.items()):
        if chain["table"].startswith(OURS) or chain.get("type") != "filter":
            continue
        how = "drops what no rule accepts" if chain.get("policy") == "drop" else ""
        how = how or ("has rules that drop" if place in dropping else "")
        if how:
            found.append({"hook": str(chain["hook"]), "chain": " ".join(place), "how": how})
    return found


def _place(entry: dict[str, Any], name: str) -> tuple[str, str, str]:
    return str(entry["family"]), str(entry["table"]), str(entry[name])


def _drops(expression: list[Any]) -> bool:
    return any(isinstance(one, dict) and ({"drop", "reject"} & set(one)) for one in expression)
