# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Verify: who pings whom, and what of what was seen is not as planned."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._verify import algorithms, verify
from ansible_collections.intercloud.vpn.plugins.module_utils._verify.probes import probe_targets
from ansible_collections.intercloud.vpn.plugins.module_utils._verify.ways import Ways
from ansible_collections.intercloud.vpn.plugins.module_utils._verify.which_pairs import Choice
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils._verify.world import TUNNEL, World


@pytest.fixture
def world() -> World:
    return World()


def kinds(world: World, vm: str, kind: str) -> list[tuple[Any, ...]]:
    return [
        (t["dst"], t["address"], t["source"], t["expect"]) for t in world.targets().get(vm, []) if t["kind"] == kind
    ]


class TestTargets:
    def test_every_ordered_pair_of_members_is_probed(self, world: World) -> None:
        pairs = {(vm, t["dst"]) for vm, targets in world.targets().items() for t in targets if t["kind"] == "member"}
        names = ["vm1-east", "vm1-west", "vm3-west"]
        assert pairs == {(src, dst) for src in names for dst in names if src != dst}

    def test_a_member_sends_from_its_vpn_address_unless_it_is_translated(self, world: World) -> None:
        assert kinds(world, "vm3-west", "member")[0] == ("vm1-east", "100.64.0.17", "100.64.0.66", "reachable")
        assert kinds(world, "vm1-west", "member")[0] == ("vm1-east", "100.64.0.17", None, "reachable")

    def test_packets_of_full_size_go_between_sites_only(self, world: World) -> None:
        sizes = {t["dst"]: t["mtu"] for t in world.targets()["vm3-west"] if t["kind"] == "member"}
        assert sizes == {"vm1-east": 1400, "vm1-west": None}

    def test_the_other_sites_edges_are_probed(self, world: World) -> None:
        assert kinds(world, "vm1-east", "edge") == [("edge-west", "100.64.0.65", "100.64.0.17", "reachable")]

    def test_one_non_member_of_each_network_tries_to_get_in(self, world: World) -> None:
        trying = {vm for vm, targets in world.targets().items() if any(t["kind"] == "stranger" for t in targets)}
        assert trying == {"vm2-east", "vm3-east", "vm2-west"}
        assert [row[:2] for row in kinds(world, "vm2-east", "stranger")] == [
            ("vm1-east", "100.64.0.17"),
            ("vm1-west", "100.64.0.81"),
            ("vm3-west", "100.64.0.66"),
        ]
        assert {row[2:] for row in kinds(world, "vm2-east", "stranger")} == {(None, "unreachable")}

    def test_more_non_members_on_request(self, world: World) -> None:
        assert "vm4-west" in probe_targets(world.plan, world.documents, Choice(nonmembers=2))
        assert "vm2-east" not in probe_targets(world.plan, world.documents, Choice(nonmembers=0))

    def test_an_address_that_nobody_holds_is_probed_at_another_site(self, world: World) -> None:
        assert kinds(world, "vm1-east", "unleased") == [(None, "100.64.0.127", "100.64.0.17", "unreachable")]

    def test_a_held_address_is_not_taken_for_a_free_one(self, world: World) -> None:
        world.plan["vpns"][0]["members"][1]["address"] = "100.64.0.127"
        assert kinds(world, "vm1-east", "unleased")[0][1] == "100.64.0.126"

    def test_non_members_beside_a_member_must_not_reply_to_its_vpn_address(self, world: World) -> None:
        assert kinds(world, "vm1-east", "reply") == [
            ("vm2-east", "192.168.1.12", "100.64.0.17", "unreachable"),
            ("vm3-east", "10.10.0.13", "100.64.0.17", "unreachable"),
        ]
        assert kinds(world, "vm1-west", "reply") == []  # translated: it has no VPN address to send from


class TestWay:
    @pytest.mark.parametrize(
        ("src", "dst", "nodes", "tunnels", "mtu"),
        [
            (0, 1, ("vapp1-east", "edge-east", "edge-west", "vapp1-west"), (TUNNEL,), 1400),
            (0, 2, ("vapp1-east", "edge-east", "edge-west"), (TUNNEL,), 1400),
            (1, 2, ("vapp1-west", "edge-west"), (), None),
        ],
    )
    def test_goes_through_the_gateways(
        self, world: World, src: int, dst: int, nodes: tuple[str, ...], tunnels: tuple[str, ...], mtu: int | None
    ) -> None:
        members = world.plan["vpns"][0]["members"]
        found = Ways(world.documents).between("payroll", members[src], members[dst])
        assert (found.nodes, found.tunnels, found.mtu) == (nodes, tunnels, mtu)

    def test_through_a_hub_the_smallest_mtu_counts(self, world: World) -> None:
        def end(peer: str, remote: str, mtu: int) -> dict[str, Any]:
            link = {"vpn": "payroll", "remote_ts": [remote], "mtu": mtu}
            return {"name": f"to-{peer}", "peer": peer, "links": [link]}

        documents = {
            "edge-east": {"tunnels": [end("edge-hub", "100.64.0.64/26", 1400)]},
            "edge-hub": {
                "tunnels": [end("edge-east", "100.64.0.0/26", 1400), end("edge-west", "100.64.0.64/26", 1300)]
            },
        }
        members = world.plan["vpns"][0]["members"]
        found = Ways(documents).between("payroll", members[0], members[2])
        assert found.nodes == ("vapp1-east", "edge-east", "edge-hub", "edge-west")
        assert found.mtu == 1300

    def test_ends_where_the_links_end(self, world: World) -> None:
        world.documents["edge-east"]["tunnels"] = []
        members = world.plan["vpns"][0]["members"]
        assert Ways(world.documents).between("payroll", members[0], members[2]).nodes == ("vapp1-east", "edge-east")


GCM = {"encryption": "AES_GCM_16", "encryption_keysize": "256"}


class TestAlgorithms:
    @pytest.mark.parametrize(
        ("proposal", "ike", "names"),
        [
            ("aes256gcm16-prfsha384-ecp384", True, "AES_GCM_16_256/PRF_HMAC_SHA2_384/ECP_384"),
            ("aes128-sha256-modp3072", True, "AES_CBC_128/HMAC_SHA2_256_128/PRF_HMAC_SHA2_256/MODP_3072"),
            ("aes256-sha512-prfsha384-x25519", True, "AES_CBC_256/HMAC_SHA2_512_256/PRF_HMAC_SHA2_384/CURVE_25519"),
            ("chacha20poly1305-prfsha512-ecp521", True, "CHACHA20_POLY1305/PRF_HMAC_SHA2_512/ECP_521"),
            ("aes256gcm16-ecp384", False, "AES_GCM_16_256/ECP_384"),
            ("aes256gcm128-ecp384-esn", False, "AES_GCM_16_256/ECP_384"),
            ("aes192-sha384-modp4096", False, "AES_CBC_192/HMAC_SHA2_384_192/MODP_4096"),
            ("aes256gcm16-ecp384-ke1_mlkem768", False, "AES_GCM_16_256/ECP_384/ML_KEM_768"),
        ],
    )
    def test_swanctls_words_in_charons(self, proposal: str, ike: bool, names: str) -> None:
        assert str(algorithms.wanted(proposal, ike=ike)) == names

    @pytest.mark.parametrize(
        ("child", "agree"),
        [
            pytest.param(GCM, True, id="first, made with its IKE_SA"),
            pytest.param({**GCM, "dh_group": "ECP_384", "integrity": ""}, True, id="rekeyed"),
            pytest.param({**GCM, "dh_group": "ECP_256"}, False, id="weaker group"),
            pytest.param({**GCM, "encryption_keysize": "128"}, False, id="shorter key"),
            pytest.param({**GCM, "encryption": "AES_CBC", "integrity": "HMAC_SHA2_256_128"}, False, id="other cipher"),
            pytest.param({}, False, id="nothing"),
        ],
    )
    def test_of_a_child_sa(self, child: dict[str, str], agree: bool) -> None:
        assert algorithms.agree(["aes256gcm16-ecp384"], child, ike=False) is agree

    @pytest.mark.parametrize("ike", [True, False])
    @pytest.mark.parametrize("used", ["ML_KEM_1024", "ML_KEM_768", ""])
    @pytest.mark.parametrize("wanted", ["-ke1_mlkem1024", ""])
    def test_ml_kem_is_there_if_and_only_if_it_is_wanted(self, wanted: str, used: str, ike: bool) -> None:
        sa = {**GCM, "prf": "PRF_HMAC_SHA2_384" if ike else "", "dh_group": "ECP_384", "additional_ke": used}
        proposal = f"aes256gcm16{'-prfsha384' if ike else ''}-ecp384{wanted}"
        assert algorithms.agree([proposal], sa, ike=ike) is (used == ("ML_KEM_1024" if wanted else ""))


def test_all_is_as_planned(world: World) -> None:
    result = world.judge()
    assert result.findings == []
    assert (len(result.pairs), len(result.edges), len(result.negative)) == (6, 3, 9 + 3 + 3)
    assert [(link["state"], link["up"]) for link in result.links] == [("INSTALLED", True)]


def test_nothing_that_is_handed_in_is_changed(world: World) -> None:
    before = copy.deepcopy(vars(world))
    world.judge()
    assert vars(world) == before


def both(change: Callable[[World, str], None]) -> Callable[[World], None]:
    def apply(world: World) -> None:
        for node in ("edge-east", "edge-west"):
            change(world, node)

    return apply


def add_leftovers(world: World, node: str) -> None:
    old = copy.deepcopy(world.sa(node))
    old.update(state="DELETING", spi_initiator="0", children=[])
    world.observed[node]["sas"].insert(0, old)
    child = {**world.observed[node]["sas"][1]["children"][0], "state": "REKEYED", "spi_in": "0", "spi_out": "0"}
    world.observed[node]["sas"][1]["children"].insert(0, child)


def reload_with_selectors_cut_in_two(world: World, node: str) -> None:
    child = world.child(node)
    if node == "edge-east":
        child["local_ts"] = ["100.64.0.32/27", "100.64.0.0/27"]
    else:
        child["remote_ts"] = ["100.64.0.32/27", "100.64.0.0/27"]


def require_ppk(world: World, *having: str) -> None:
    """Both ends are to use a PPK; those in `having` do."""
    for node in ("edge-east", "edge-west"):
        world.documents[node]["tunnels"][0]["ike"]["ppk"] = True
        world.sa(node)["ppk"] = node in having


FINE: dict[str, Callable[[World], None]] = {
    "what a rekeying leaves": both(add_leftovers),
    "a link that is being rekeyed": both(lambda w, n: w.child(n).update(state="REKEYING")),
    "a tunnel that is being rekeyed": both(lambda w, n: w.sa(n).update(state="REKEYING")),
    "the same selectors, cut differently": both(reload_with_selectors_cut_in_two),
    "a PPK that is used": lambda w: require_ppk(w, "edge-east", "edge-west"),
    "somebody else's connection": lambda w: w.observed["edge-east"]["sas"].append({"tunnel": "office", "state": "X"}),
    "a node that nothing concerns is dead": lambda w: w.documents.update(
        {"vm1-west": {"role": "member", "generation": 4, "routes": []}}
    ),
}


@pytest.mark.parametrize("case", FINE, ids=str)
def test_no_fault(world: World, case: str) -> None:
    FINE[case](world)
    assert world.judge().findings == []


FAULTS: dict[str, tuple[Callable[[World], Any], str, str, str]] = {
    "no IKE_SA": (
        both(lambda w, n: w.observed[n].update(sas=[])),
        f"tunnel {TUNNEL}",
        "one ESTABLISHED IKE_SA",
        "edge-east: none, edge-west: none",
    ),
    "one end only": (
        lambda w: w.observed["edge-west"].update(sas=[]),
        f"tunnel {TUNNEL}",
        "one ESTABLISHED IKE_SA",
        "edge-west: none",
    ),
    "still connecting": (
        lambda w: w.sa("edge-east").update(state="CONNECTING"),
        f"tunnel {TUNNEL}",
        "one ESTABLISHED IKE_SA",
        "edge-east: CONNECTING",
    ),
    "both ends initiated": (
        both(lambda w, n: w.observed[n]["sas"].append(copy.deepcopy(w.sa(n)))),
        f"tunnel {TUNNEL}",
        "one ESTABLISHED IKE_SA",
        "edge-east: ESTABLISHED + ESTABLISHED, edge-west: ESTABLISHED + ESTABLISHED",
    ),
    "weak IKE": (
        lambda w: w.sa("edge-east").update(dh_group="MODP_2048"),
        f"tunnel {TUNNEL}",
        "IKE aes256gcm16-prfsha384-ecp384",
        "edge-east: AES_GCM_16_256/PRF_HMAC_SHA2_384/MODP_2048",
    ),
    "no PPK where one is required": (
        lambda w: require_ppk(w, "edge-east"),
        f"tunnel {TUNNEL}",
        "a PPK in its keys (RFC 8784)",
        "edge-west: none",
    ),
    "somebody else at the other end": (
        lambda w: w.sa("edge-east").update(remote_id="mallory.acme"),
        f"tunnel {TUNNEL}",
        "remote_id edge-west.acme",
        "edge-east: mallory.acme",
    ),
    "two IKE_SAs, one on each end": (
        lambda w: w.sa("edge-east").update(spi_initiator="1"),
        f"tunnel {TUNNEL}",
        "the same IKE_SA on both ends",
        "different SPIs",
    ),
    "no CHILD_SA": (
        lambda w: w.sa("edge-west").update(children=[]),
        f"link payroll in {TUNNEL}",
        "one INSTALLED CHILD_SA",
        "edge-west: none",
    ),
    "CHILD_SA twice": (
        lambda w: w.sa("edge-west")["children"].append(dict(w.child("edge-west"))),
        f"link payroll in {TUNNEL}",
        "one INSTALLED CHILD_SA",
        "edge-west: INSTALLED + INSTALLED",
    ),
    "weak ESP": (
        lambda w: w.child("edge-west").update(encryption_keysize="128"),
        f"link payroll in {TUNNEL}",
        "ESP aes256gcm16-ecp384",
        "edge-west: AES_GCM_16_128",
    ),
    "wide selectors": (
        lambda w: w.child("edge-west").update(remote_ts=["0.0.0.0/0"]),
        f"link payroll in {TUNNEL}",
        "remote_ts 100.64.0.0/26",
        "edge-west: 0.0.0.0/0",
    ),
    "SPIs do not match": (
        lambda w: w.child("edge-west").update(spi_out="c0ffee00"),
        f"link payroll in {TUNNEL}",
        "the same CHILD_SA on both ends",
        "different SPIs",
    ),
    "a stale link": (
        lambda w: w.sa("edge-east")["children"].append({"name": "old", "state": "INSTALLED"}),
        f"tunnel {TUNNEL}",
        "no such link",
        "edge-east: old",
    ),
    "a stale tunnel": (
        lambda w: w.observed["edge-east"]["sas"].append({"tunnel": "edge-east--edge-south", "state": "ESTABLISHED"}),
        "tunnel edge-east--edge-south",
        "no such tunnel",
        "edge-east: ESTABLISHED",
    ),
    "an old generation": (
        lambda w: w.observed["vapp1-east"].update(generation=2),
        "vapp1-east",
        "generation 3",
        "generation 2",
    ),
    "no generation": (
        lambda w: w.observed["vapp1-east"].update(generation=0),
        "vapp1-east",
        "generation 3",
        "generation none",
    ),
    "drift": (
        lambda w: w.observed["vm1-east"].update(drift=[{"subsystem": "routes", "action": "add 100.64.0.0/24"}]),
        "vm1-east",
        "the loaded state is the same as in its document",
        "routes: add 100.64.0.0/24",
    ),
    "nobody confirmed": (
        lambda w: w.observed["edge-east"].update(unconfirmed=True, rollback_armed=True),
        "edge-east",
        "the node's generation is confirmed",
        "the node will roll back soon",
    ),
    "an edge is dead": (
        lambda w: w.observed.update({"vapp1-west": {"unreachable": True, "msg": "timed out\nmore"}}),
        "vapp1-west",
        "generation 3",
        "unreachable: timed out",
    ),
    "an observation failed": (
        lambda w: w.observed.update({"vapp1-west": {"failed": True, "msg": "no charon"}}),
        "vapp1-west",
        "generation 3",
        "failed: no charon",
    ),
    "a node was not asked": (
        lambda w: w.observed.pop("vm3-west"),
        "vm3-west",
        "generation 3",
        "unreachable: no answer",
    ),
    "a translated member is dead": (
        lambda w: w.probes.pop("vm1-west"),
        "vm1-west",
        "probes from it",
        "unreachable: no answer",
    ),
    "a pair is down": (
        lambda w: w.silence("vm1-east", "vm3-west"),
        "payroll: edge-east to edge-west",
        "every member answers",
        "no answer in 1 of 2: vm1-east -> vm3-west",
    ),
    "the network says why": (
        lambda w: (
            w.silence("vm1-east", "vm3-west"),
            w.probe("vm1-east", "vm3-west").update(reason="No route to host"),
        ),
        "payroll: edge-east to edge-west",
        "every member answers",
        "no answer in 1 of 2: vm1-east -> vm3-west (No route to host)",
    ),
    "full packets get lost": (
        lambda w: w.probe("vm1-east", "vm3-west").update(mtu_ok=False, mtu_reason="message too long, mtu=1280"),
        "payroll: edge-east to edge-west",
        "packets of 1400 octets pass, or a gateway reports the largest size that does",
        "lost in 1 of 2: vm1-east -> vm3-west (message too long, mtu=1280)",
    ),
    "the source address is missing": (
        lambda w: w.probe("vm1-east", "vm3-west").update(sent=0, received=0, error="Cannot assign"),
        "payroll: vm1-east",
        "probes to vm3-west can be sent",
        "Cannot assign",
    ),
    "a probe was not sent": (
        lambda w: w.probes["vm1-east"]["probes"].remove(w.probe("vm1-east", "vm2-east", "reply")),
        "payroll: vm1-east",
        "probes to vm2-east can be sent",
        "it was not sent",
    ),
    "an edge does not answer": (
        lambda w: w.silence("vm1-east", "edge-west", "edge"),
        "payroll: vm1-east -> edge-west",
        "the edge answers at 100.64.0.65",
        "no answer",
    ),
    "a non-member gets in": (
        lambda w: w.probe("vm2-east", "vm1-west", "stranger").update(received=3),
        "payroll: vm2-east -> vm1-west",
        "no answer: the sender is not a member",
        "100.64.0.81 answered",
    ),
    "an address that nobody holds answers": (
        lambda w: w.probe("vm1-east", None, "unleased").update(received=1),
        "payroll: vm1-east -> 100.64.0.127",
        "no answer: the address is not leased",
        "100.64.0.127 answered",
    ),
    "a non-member replies": (
        lambda w: w.probe("vm1-east", "vm2-east", "reply").update(received=1),
        "payroll: vm1-east -> vm2-east",
        "no reply of a non-member to a VPN address",
        "192.168.1.12 answered",
    ),
    "a negative probe that could not be made proves nothing": (
        lambda w: w.probe("vm1-east", "vm2-east", "reply").update(sent=0, error="ping is not installed"),
        "payroll: vm1-east",
        "probes to vm2-east can be sent",
        "ping is not installed",
    ),
}


@pytest.mark.parametrize("case", FAULTS, ids=str)
def test_one_fault_is_one_finding(world: World, case: str) -> None:
    spoil, subject, expected, seen = FAULTS[case]
    spoil(world)
    result = world.judge()
    assert [(f.subject, f.expected, f.seen) for f in result.findings] == [(subject, expected, seen)]
    assert result.findings[0].look
    assert not result.ok


@pytest.mark.parametrize(("having", "used"), [(("edge-east", "edge-west"), True), (("edge-east",), False)])
def test_the_result_says_whether_the_ppk_is_used(world: World, having: tuple[str, ...], used: bool) -> None:
    assert "ppk" not in world.judge().links[0]
    require_ppk(world, *having)
    assert world.judge().links[0]["ppk"] is used


def test_loss_is_a_warning(world: World) -> None:
    world.probe("vm1-east", "vm3-west").update(received=2, loss=33.3)
    result = world.judge()
    assert [(f.severity, f.seen) for f in result.findings] == [("warning", "33.3 % lost: vm1-east -> vm3-west")]
    assert result.ok


def test_a_dead_non_member_is_a_warning(world: World) -> None:
    world.probes["vm2-east"] = {"unreachable": True, "msg": "timed out"}
    result = world.judge()
    assert [(f.severity, f.subject) for f in result.findings] == [("warning", "vm2-east")]
    assert not any(probe["ok"] for probe in result.negative if probe["src"] == "vm2-east")


def test_what_a_run_is_not_about_is_a_warning(world: World) -> None:
    del world.observed["vm3-west"], world.probes["vm3-west"], world.probes["vm2-west"]
    asked = set(world.observed) | set(world.probes)
    result = verify.judge(world.plan, world.documents, world.observed, world.probes, asked=asked)
    assert [(f.severity, f.subject, f.seen) for f in result.findings] == [
        ("warning", "vm3-west", "not in this run"),
        ("warning", "vm2-west", "not in this run"),
    ]


def test_a_dead_member_is_named_once(world: World) -> None:
    del world.observed["vm3-west"], world.probes["vm3-west"]
    for vm in ("vm1-east", "vm1-west"):
        world.silence(vm, "vm3-west")
    result = world.judge()
    assert [f.subject for f in result.findings] == [
        "vm3-west",
        "payroll: edge-east to edge-west",
        "payroll: edge-west to edge-west",
    ]
    assert not any(pair["reachable"] for pair in result.pairs if "vm3-west" in (pair["src"], pair["dst"]))


def test_up_means_that_packets_came_back(world: World) -> None:
    for pair in world.judge().pairs:
        if pair["tunnels"]:
            world.silence(pair["src"], pair["dst"])
    link = world.judge().links[0]
    assert (link["state"], link["up"]) == ("INSTALLED", False)


def test_a_finding_points_at_the_broken_tunnel_first(world: World) -> None:
    world.observed["edge-east"]["sas"] = []
    world.silence("vm1-east", "vm3-west")
    pair = next(f for f in world.judge().findings if f.subject.startswith("payroll"))
    assert pair.look == f"tunnel {TUNNEL} first"


def test_two_organizations_may_use_the_same_names(world: World) -> None:
    other = copy.deepcopy(world.plan["vpns"][0])
    other["organization"] = "globex"
    for number, member in enumerate(other["members"]):
        member.update(name=f"globex{number}", site=f"gate{number}", vapp=None)
    world.plan["vpns"].append(other)
    for vm, targets in world.targets().items():
        world.probes.setdefault(vm, {"probes": [{**t, "received": 3, "sent": 3, "loss": 0.0} for t in targets]})
    result = world.judge()
    assert {pair["via"][0] for pair in result.pairs if pair["src"] == "globex0"} == {"gate0"}


class TestExternal:
    """edge-west is a partner's: it and the members behind it are told nothing and asked nothing."""

    @pytest.fixture
    def world(self) -> World:
        world = World()
        for member in world.plan["vpns"][0]["members"]:
            if member["site"] == "edge-west":
                member.update(external=True, mode="address", vapp=None)
        world.plan["vpns"][0]["sites"] = {"edge-west": {"blocks": ["100.64.0.64/26"], "address": "100.64.0.127"}}
        world.plan["members"] = [vm for vm in world.plan["members"] if vm["cloud"] != "west"]
        world.documents["edge-east"]["tunnels"][0].update(external=True, public_address="203.0.113.2")
        for node in ("edge-west", "vapp1-west", "vm3-west"):
            del world.documents[node], world.observed[node]
        targets = world.targets()
        world.probes = {vm: state for vm, state in world.probes.items() if vm in targets}
        world.probes["vm1-east"]["probes"] = [
            probe for probe in world.probes["vm1-east"]["probes"] if probe["kind"] != "unleased"
        ] + [{**t, "sent": 3, "received": 0} for t in targets["vm1-east"] if t["kind"] == "unleased"]
        return world

    def test_pairs_that_begin_there_are_listed_and_not_probed(self, world: World) -> None:
        result = world.judge()
        assert result.findings == []
        assert set(world.targets()) == {"vm1-east", "vm2-east", "vm3-east"}
        pairs = {(pair["src"], pair["dst"]): pair for pair in result.pairs}
        assert len(pairs) == 6
        back = pairs["vm3-west", "vm1-east"]
        assert (back["reachable"], back["probed"], back["reason"]) == (None, False, "external, not probed")
        assert (back["via"], back["tunnels"], back["mtu"]) == (["edge-west", "edge-east", "vapp1-east"], [TUNNEL], 1400)
        assert pairs["vm1-west", "vm3-west"]["reachable"] is None

    def test_an_external_member_that_does_not_answer_is_a_fault(self, world: World) -> None:
        world.silence("vm1-east", "vm3-west")
        assert [finding.subject for finding in world.judge().findings] == ["payroll: edge-east to edge-west"]

    def test_an_address_that_the_other_gateway_holds_is_not_taken_for_free(self, world: World) -> None:
        (unleased,) = kinds(world, "vm1-east", "unleased")
        assert unleased[1] == "100.64.0.126"

    def test_only_our_end_of_the_tunnel_is_looked_at(self, world: World) -> None:
        (link,) = world.judge().links
        assert (link["state"], link["up"], link["external"]) == ("INSTALLED", True, "edge-west")
        world.observed["edge-east"]["sas"] = []
        (finding,) = world.judge().findings
        assert (finding.subject, finding.seen) == (f"tunnel {TUNNEL}", "edge-east: none")
        assert "external_settings -e vcc_external_edge=edge-west" in finding.look


def test_an_idle_link_is_judged_where_somebody_looked_after_packets_had_passed(world: World) -> None:
    """In a cloud's own run, gateways are looked at after the probes of that cloud, and perhaps before others'."""
    for state in world.observed.values():
        for sa in state.get("sas") or []:
            for child in sa["children"]:
                child.update(packets_in=0, packets_out=0, installed_seconds=1800)
    words = (world.plan, world.documents, world.observed)
    idle = [finding for finding in verify.judge(*words, world.probes).findings if "0 in, 0 out" in finding.seen]
    assert len(idle) == 1 and "edge-east" in idle[0].seen and "edge-west" in idle[0].seen
    (there,) = [one for one in verify.judge(*words, world.probes, in_turn=False).findings if "0 in, 0 out" in one.seen]
    assert there.seen == idle[0].seen, "both sites have members that probed"
    east = {name: state for name, state in world.probes.items() if name.endswith("-east")}
    (there,) = [one for one in verify.judge(*words, east, in_turn=False).findings if "0 in, 0 out" in one.seen]
    assert "edge-east" in there.seen and "edge-west" not in there.seen
