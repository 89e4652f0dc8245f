# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Of a large VPN as many pairs are probed as prove it: every link both ways, every member both ways."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._verify.probes import probe_targets
from ansible_collections.intercloud.vpn.plugins.module_utils._verify.ways import Ways
from ansible_collections.intercloud.vpn.plugins.module_utils._verify.which_pairs import (
    ALL,
    AUTO,
    SAMPLE,
    Choice,
    sample,
)

Document = dict[str, Any]


def address(site: int, host: int) -> str:
    return f"10.{site}.{host // 250}.{host % 250 + 2}"


class Fleet:
    """A VPN of so many members, spread over sites that are linked as ``links`` says (pairs of site numbers)."""

    def __init__(self, sites: int, members: int, links: list[tuple[int, int]], empty: tuple[int, ...] = ()) -> None:
        homes = [site for site in range(sites) if site not in empty]
        at = [homes[number % len(homes)] for number in range(members)]
        self.members: list[dict[str, Any]] = [
            {
                "name": f"vm{number}",
                "site": f"edge{site}",
                "vapp": None,
                "address": address(site, number),
                "mode": "address",
            }
            for number, site in enumerate(at)
        ]
        others = [
            {"name": f"other{site}", "site": f"edge{site}", "vapp": None, "addresses": [f"192.168.{site}.9"]}
            for site in range(sites)
        ]
        ends = sorted({*links, *((far, near) for near, far in links)})
        towards = {site: self._towards(site, sites, ends) for site in range(sites)}
        self.documents: dict[str, Document] = {
            f"edge{site}": {
                "vpns": [{"name": "big", "edge_address": f"10.{site}.255.1"}],
                "tunnels": [
                    {
                        "name": f"{min(site, peer)}--{max(site, peer)}",
                        "peer": f"edge{peer}",
                        "links": [{"vpn": "big", "remote_ts": behind, "mtu": 1400}],
                    }
                    for peer, behind in towards[site].items()
                ],
            }
            for site in range(sites)
        }
        names = {f"edge{site}": {"address": f"10.{site}.255.1", "blocks": []} for site in range(sites)}
        vpn = {"name": "big", "members": self.members, "sites": names}
        self.plan: dict[str, Any] = {"vpns": [vpn], "members": [*self.members, *others]}

    @staticmethod
    def _towards(site: int, sites: int, ends: list[tuple[int, int]]) -> dict[int, list[str]]:
        """By next hop, the networks behind it, on the shortest way."""
        found: dict[int, list[str]] = {peer: [] for near, peer in ends if near == site}
        first: dict[int, int] = {peer: peer for peer in found}
        queue = list(first)
        for here in queue:
            for near, far in ends:
                if near == here and far not in first and far != site:
                    first[far] = first[here]
                    queue.append(far)
        for far in range(sites):
            if far != site:
                found[first[far]].append(f"10.{far}.0.0/16")
        return found

    def crossed(self, verify: str = SAMPLE, turn: int = 0) -> set[tuple[str, str]]:
        """The links that some member's packets cross, by their ends in the order of the way."""
        found, members = set(), {member["name"]: member for member in self.members}
        ways = Ways(self.documents)
        for src, dst in self.pairs(verify, turn):
            nodes = ways.between("big", members[src], members[dst]).nodes
            found |= set(zip(nodes, nodes[1:]))
        return found

    def pairs(self, verify: str = SAMPLE, turn: int = 0) -> list[tuple[str, str]]:
        targets = probe_targets(self.plan, self.documents, Choice(verify, turn))
        return [(vm, str(t["dst"])) for vm, listed in targets.items() for t in listed if t["kind"] == "member"]

    def count(self, verify: str = SAMPLE) -> int:
        return sum(map(len, probe_targets(self.plan, self.documents, Choice(verify)).values()))


def mesh(sites: int) -> list[tuple[int, int]]:
    return list(itertools.combinations(range(sites), 2))


TOPOLOGIES = {
    "mesh": Fleet(6, 90, mesh(6)),
    "star": Fleet(6, 90, [(0, site) for site in range(1, 6)]),
    "star whose hub has no member": Fleet(6, 90, [(0, site) for site in range(1, 6)], empty=(0,)),
    "chain": Fleet(6, 90, [(site, site + 1) for site in range(5)]),
    "chain whose middle has no member": Fleet(6, 90, [(site, site + 1) for site in range(5)], empty=(2, 3)),
    "graph whose links are between sites without members": Fleet(
        6, 90, [(0, 1), (1, 2), (2, 3), (0, 4), (4, 5), (5, 3)], empty=(4, 5)
    ),
    "tree": Fleet(7, 90, [(0, 1), (0, 2), (1, 3), (1, 4), (2, 5), (2, 6)], empty=(0, 1, 2)),
}


@pytest.mark.parametrize("turn", [0, 1, 7, 20785])
@pytest.mark.parametrize("name", TOPOLOGIES)
def test_every_link_is_crossed_both_ways_and_every_member_asks_and_is_asked(name: str, turn: int) -> None:
    fleet = TOPOLOGIES[name]
    links = {(site, tunnel["peer"]) for site, document in fleet.documents.items() for tunnel in document["tunnels"]}
    assert fleet.crossed(turn=turn) >= links & fleet.crossed(ALL)
    everybody = {member["name"] for member in fleet.members}
    asking, asked = zip(*fleet.pairs(turn=turn))
    assert (set(asking), set(asked)) == (everybody, everybody)
    assert len(fleet.pairs(turn=turn)) <= len(fleet.members) + len(links) + 2 * len(fleet.documents)


@pytest.mark.parametrize("sizes", [(32, 32), (20, 10, 30), (50, 3, 7), (1, 1, 60), (5, 5, 5, 5, 40)])
def test_every_member_asks_another_site_and_is_asked_by_one_at_every_turn(sizes: tuple[int, ...]) -> None:
    """Seen: on some days, members of large VPNs asked only members of their own site."""
    members = [{"name": f"vm{site}-{n}", "site": f"edge{site}"} for site, size in enumerate(sizes) for n in range(size)]
    names = {member["name"] for member in members}
    for turn in [*range(200), 20785]:
        across = [(src["name"], dst["name"]) for src, dst in sample(members, [], turn) if src["site"] != dst["site"]]
        assert {src for src, _dst in across} == {dst for _src, dst in across} == names, turn


def test_in_the_end_nearly_everybody_meets_everybody_of_other_sites() -> None:
    members = [{"name": f"vm{n}", "site": f"edge{n % 3}"} for n in range(24)]
    pairs = ((src, dst) for turn in range(24 * 24) for src, dst in sample(members, [], turn))
    met = {(src["name"], dst["name"]) for src, dst in pairs if src["site"] != dst["site"]}
    assert len(met) > 0.95 * 24 * 16


def test_a_vpn_of_up_to_fifty_members_is_probed_in_whole() -> None:
    for members, verify, whole in ((50, AUTO, True), (51, AUTO, False), (51, ALL, True), (10, SAMPLE, False)):
        fleet = Fleet(3, members, mesh(3))
        assert (len(fleet.pairs(verify)) == members * (members - 1)) == whole, (members, verify)


def test_what_is_probed_grows_with_links_and_members() -> None:
    small, more, wide = Fleet(10, 100, mesh(10)), Fleet(10, 1000, mesh(10)), Fleet(20, 1000, mesh(20))
    assert more.count() - small.count() == 900, "one probe for each member more"
    links = 2 * (len(mesh(20)) - len(mesh(10)))
    assert wide.count() - more.count() < 4 * links
    star = Fleet(100, 300, [(0, site) for site in range(1, 100)])
    assert star.count() < 10 * (99 + 300)


@pytest.mark.parametrize("kind", ["stranger", "unleased", "reply"])
def test_what_must_not_pass_is_tried_at_every_site(kind: str) -> None:
    fleet = Fleet(4, 80, mesh(4))
    targets = probe_targets(fleet.plan, fleet.documents, Choice(SAMPLE))
    home = {vm["name"]: vm["site"] for vm in fleet.plan["members"]}
    trying = {home[vm] for vm, listed in targets.items() if any(target["kind"] == kind for target in listed)}
    assert trying == set(fleet.documents)
    if kind == "stranger":
        asked = {home[str(t["dst"])] for t in targets["other0"] if t["kind"] == kind}
        assert asked == set(fleet.documents)


def test_an_external_member_is_asked_and_asks_nothing() -> None:
    members = [{"name": f"vm{n}", "site": f"edge{n % 3}", "external": n % 3 == 2} for n in range(60)]
    pairs = sample(members, [("edge0", "edge2")], 5)
    assert not any(src.get("external") for src, _dst in pairs)
    assert {dst["name"] for _src, dst in pairs} == {member["name"] for member in members}
