# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""VERIFY: what came of every probe, as the result keeps it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import access
from .allowed import Allowed
from .finding import Result
from .mtu import underlay_for
from .probes import Plan, Target
from .ways import Documents, Way, Ways, bare

Section = Mapping[str, Any]
NOT_PROBED = "external, not probed"


class Recorder:
    """Files what came of every probe in a result."""

    def __init__(self, plan: Plan, documents: Documents, result: Result) -> None:
        self._documents, self._result, self._ways = documents, result, Ways(documents)
        self._whole: set[tuple[str, str]] = set()
        # Two organizations may use the same name for a VPN, but a VM belongs to one of them.
        self.members: dict[str, dict[str, Section]] = {}
        self._peers: dict[tuple[str, str], dict[str, Section]] = {}
        self._sites: dict[tuple[str, str], dict[str, str]] = {}
        self._allowed: dict[tuple[str, str], Allowed] = {}
        for vpn in plan["vpns"]:
            sites, allowed = access.sites(vpn), Allowed(vpn)
            self._sites.update(((member["name"], vpn["name"]), sites) for member in vpn["members"])
            peers = {member["name"]: member for member in vpn["members"]}
            self._whole |= {(name, vpn["name"]) for name in peers} if result.choice.whole(vpn) else set()
            for name in peers:
                self.members.setdefault(name, {})[vpn["name"]] = peers[name]
                self._peers[name, vpn["name"]] = peers
                self._allowed[name, vpn["name"]] = allowed

    def add(self, vm: str, target: Target, answer: Section | None, silent: bool) -> None:
        """File one probe. `reachable` is False, and `probed` too, where it was never sent."""
        probed = answer is not None and not answer.get("error")
        answer = answer or {"error": "its host did not answer" if silent else "it was not sent"}
        record: dict[str, Any] = {
            "src": vm,
            "dst": target["dst"],
            "vpn": target["vpn"],
            "address": target["address"],
            "reachable": probed and answer.get("received", 0) > 0,
            "probed": probed,
            "silent": silent,
            "reason": answer.get("error") or answer.get("reason"),
        }
        if target.get("port"):
            record["port"] = target["port"]
        seen = {key: answer.get(key) for key in ("rtt_ms", "loss", "settled_after_ms", "mtu_ok", "mtu_reason")}
        if target["kind"] == "member":
            seen.update({key: answer.get(key) for key in ("mtu_fits", "application_ok", "application_reason")})
            src, dst, path = self._way(vm, target)
            seen["underlay_mtu"] = self._underlay(target["vpn"], path, seen["mtu_fits"])
            route = {"via": list(path.nodes), "tunnels": list(path.tunnels), "mtu": answer.get("mtu") or path.mtu}
            self._result.pairs.append({**record, **seen, **route, "sites": [src["site"], dst["site"]]})
        elif target["kind"] == "edge":
            path = self._way_to_edge(vm, target)
            self._result.edges.append({**record, **seen, "via": list(path.nodes), "tunnels": list(path.tunnels)})
        elif target["kind"] in ("port", "network"):
            sites = self._sites[vm, target["vpn"]]
            between = {"sites": [sites[vm], sites[target["dst"]]], "over": self._over(vm, target)}
            record["port"] = target.get("port")  # None: a ping
            self._result.ports.append({**record, "rtt_ms": seen["rtt_ms"], **between})
        elif target["kind"] == "name":
            edge = self._sites[vm, target["vpn"]][vm]
            self._result.names.append({**record, "query": target["query"], "edge": edge, "rtt_ms": seen["rtt_ms"]})
        else:
            ok = probed and not record["reachable"]
            self._result.negative.append({**record, "kind": target["kind"], "ok": ok})

    def _underlay(self, vpn: str, path: Way, fits: int | None) -> int | None:
        """The `vcc_underlay_mtu` with which a path carries no more than what passes."""
        if fits is None or not path.tunnels or fits > (path.mtu or fits):
            return None
        tunnels = [t for node in path.nodes for t in self._documents.get(node, {}).get("tunnels", [])]
        return underlay_for((tunnel for tunnel in tunnels if tunnel["name"] in path.tunnels), vpn, fits)

    def _over(self, vm: str, target: Target) -> list[str]:
        """The tunnels on the way to a member, or to a destination."""
        peers, name = self._peers[vm, target["vpn"]], target["dst"]
        if name in peers:
            return list(self._way(vm, target)[2].tunnels)
        there = {"site": self._sites[vm, target["vpn"]][name], "address": target["address"]}
        return list(self._ways.between(target["vpn"], peers[vm], there).tunnels)

    def _way_to_edge(self, vm: str, target: Target) -> Way:
        edge = {"site": target["dst"], "address": target["address"]}
        return self._ways.between(target["vpn"], self._peers[vm, target["vpn"]][vm], edge)

    def add_external(self) -> None:
        """File the pairs that begin at an external member: nobody can log in there to probe them."""
        for (name, vpn), peers in sorted(self._peers.items()):
            if peers[name].get("external") and (name, vpn) in self._whole:
                allowed = self._allowed[name, vpn]
                to = [dst for dst in peers.values() if dst["name"] != name and allowed.between(peers[name], dst).ping]
                self._result.pairs += [self._unprobed(name, vpn, dst) for dst in to]

    def _unprobed(self, vm: str, vpn: str, dst: Section) -> dict[str, Any]:
        src, dst, path = self._way(vm, {"vpn": vpn, "dst": dst["name"]})
        seen = dict.fromkeys(("reachable", "rtt_ms", "loss", "settled_after_ms", "mtu_ok", "mtu_reason"))
        seen.update(dict.fromkeys(("mtu_fits", "application_ok", "application_reason", "underlay_mtu")))
        route = {"via": list(path.nodes), "tunnels": list(path.tunnels), "mtu": path.mtu}
        record = {"src": vm, "dst": dst["name"], "vpn": vpn, "address": bare(dst["address"]), "probed": False}
        sites = [src["site"], dst["site"]]
        return {**record, **seen, **route, "reason": NOT_PROBED, "silent": True, "sites": sites}

    def _way(self, vm: str, target: Target) -> tuple[Section, Section, Way]:
        peers = self._peers[vm, target["vpn"]]
        src, dst = peers[vm], peers[target["dst"]]
        return src, dst, self._ways.between(target["vpn"], src, dst)
