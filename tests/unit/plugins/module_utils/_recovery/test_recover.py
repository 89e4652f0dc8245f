# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A ledger that was restored or lost learns from the nodes what it does not know, and gives no address out twice."""

from __future__ import annotations

import copy
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._base.errors import LedgerError
from ansible_collections.intercloud.vpn.plugins.module_utils._node import identity as _identity
from ansible_collections.intercloud.vpn.plugins.module_utils._plan.compile import records
from ansible_collections.intercloud.vpn.plugins.module_utils._plan.origins import refuse_new_ledger, strangers
from ansible_collections.intercloud.vpn.plugins.module_utils._plan.outcome import Plan
from ansible_collections.intercloud.vpn.plugins.module_utils._recovery.recover import Recovery, recover
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils.landscapes import (
    PAYROLL,
    World,
    addresses,
    changed,
    lab,
)

AUDIT = {"name": "audit", "pool": "internal", "members": ["vm2-east", "vm2-west"]}
MORE = {f"vm{n}-east": {"kinds": ["members"], "clouds": ["east"], "vcc_address": [f"10.10.0.{n}"]} for n in (77, 78)}


def by_itself(record: dict[str, Any], **said: Any) -> dict[str, Any]:
    """A record as the host tells it whose document it is, or another one."""
    document = record["document"]
    host = {"host": document["node"], "kinds": [f"{document['role']}s"], "owner": document["organization"]}
    return {**record, **host, **said}


class Fleet:
    """What the nodes hold, and a ledger that can be set back."""

    def __init__(self, folder: Path, hosts: dict[str, Any] | None = None) -> None:
        self.folder, self.hosts = folder, changed(lab(), MORE) if hosts is None else hosts
        self.held: dict[str, dict[str, Any]] = {}

    @property
    def world(self) -> World:
        return World(self.hosts, f"sqlite:///{self.folder}/ledger.sqlite")

    def backup(self, name: str = "backup") -> None:
        shutil.copy(self.folder / "ledger.sqlite", self.folder / name)

    def restore(self, name: str = "backup") -> None:
        shutil.copy(self.folder / name, self.folder / "ledger.sqlite")

    def create(self, *vpns: Any, without: Iterable[str] = (), **options: Any) -> tuple[Plan, dict[str, str]]:
        """Plan, and apply to the nodes, of which some cannot be reached. What those say that refuse."""
        world = self.world
        plan = world.plan(*vpns, **options)
        known = world.ledger.run(lambda t: {name: t.lineage(name) for name in plan.generations})
        refused = {}
        for name, document in plan.documents.items():
            if document["node"] in without:
                continue
            lineage = known[document["organization"]][document["node"]]
            have = self.held.get(name)
            identity = have and _identity.identity_of(have["document"], have["file"])
            wrong = _identity.descends(document["generation"], lineage, identity or None)
            if wrong:
                refused[name] = wrong
                continue
            file = _identity.stored(lineage)[_identity.FILE]
            self.held[name] = {"document": document, "file": file, "ledger": lineage["ledger"], "hash": lineage["hash"]}
        return plan, refused

    def recover(self, without: Iterable[str] = (), dry_run: bool = False) -> Recovery:
        said = [by_itself(one) for name, one in self.held.items() if name not in without]
        return self.world.ledger.run(lambda t: recover(t, said), dry_run=dry_run, who="test")

    def used(self) -> dict[str, str]:
        """address -> member, as the members have it themselves."""
        found: dict[str, str] = {}
        for name, one in self.held.items():
            for entry in one["document"]["addresses"]:
                if one["document"]["role"] == "member":
                    assert entry["address"] not in found, f"{name} and {found[entry['address']]} have {entry}"
                    found[entry["address"]] = name
        return found


@pytest.fixture(name="fleet")
def _fleet(tmp_path: Path) -> Fleet:
    fleet = Fleet(tmp_path)
    fleet.create(PAYROLL)
    fleet.backup()
    return fleet


def member(*names: str) -> dict[str, Any]:
    return {**PAYROLL, "members": [*PAYROLL["members"], *names]}


def test_rules_between_members_are_recovered(fleet: Fleet) -> None:
    rules = [{"from": "vm1-east", "to": "all", "ports": ["icmp", "tcp/5432"]}]
    was, _refused = fleet.create({**PAYROLL, "allow": rules})
    fleet.restore()
    fleet.recover()
    plan, refused = fleet.create(AUDIT)
    assert not refused
    (payroll,) = (vpn for vpn in plan.vpns if vpn["name"] == "payroll")
    assert (
        payroll["allow"]
        == was.vpns[0]["allow"]
        == [{"from": ["vm1-east"], "to": ["all"], "ports": ["icmp", "tcp/5432"]}]
    )
    kept = [vpn for vpn in plan.documents["edge-west"]["vpns"] if vpn["name"] == "payroll"]
    assert kept == was.documents["edge-west"]["vpns"]


def test_an_old_backup_is_refused_recovers_and_goes_on(fleet: Fleet) -> None:
    was, _refused = fleet.create(member("vm77-east"))
    fleet.restore()
    # What the user did not notice: the same address for another one.
    plan, refused = fleet.create(member("vm78-east"))
    assert addresses(plan, "payroll")["vm78-east"] == addresses(was, "payroll")["vm77-east"]
    assert set(refused) == {"edge-east", "node-east", "node-west"}
    assert all("recover_ledger" in text for text in refused.values())
    with pytest.raises(AssertionError, match="have"):
        fleet.used()  # a new member refuses nothing, and none reaches it: its edge did

    found = fleet.recover()
    address = addresses(was, "payroll")["vm77-east"]
    assert f"+ lease vpn/payroll/site/edge-east/vm/vm77-east {address}/32" in found.lines
    assert any(line.startswith(f"- lease vpn/payroll/site/edge-east/vm/vm78-east {address}/32") for line in found.lines)
    assert any(line.startswith("~ edge-east: runs generation 2") for line in found.lines)
    assert not fleet.recover().lines
    newest = fleet.world.ledger.run(lambda t: t.generation("acme"))

    plan, refused = fleet.create(member("vm77-east", "vm78-east"))
    assert not refused
    assert plan.generations["acme"] == newest + 1 > 3
    assert addresses(plan, "payroll")["vm77-east"] == address
    assert len(set(addresses(plan, "payroll").values())) == 5
    fleet.used()
    again, refused = fleet.create(member("vm77-east", "vm78-east"))
    assert (again.changed, refused) == (False, {})


def test_before_anything_else_was_planned_nothing_changes_but_the_ledger(fleet: Fleet) -> None:
    was, _refused = fleet.create(member("vm77-east"))
    held = dict(fleet.held)
    fleet.restore()
    assert fleet.recover(dry_run=True).lines == fleet.recover().lines != []
    plan, refused = fleet.create(member("vm77-east"))
    assert (plan.changed, refused, plan.documents) == (False, {}, was.documents)
    assert fleet.held == held


def test_a_vpn_that_the_ledger_lacks_comes_back_with_its_number(fleet: Fleet) -> None:
    was, _refused = fleet.create(AUDIT)
    fleet.restore()
    found = fleet.recover()
    assert "+ vpn audit: number 2" in found.lines
    plan, refused = fleet.create()
    assert (refused, plan.documents) == ({}, was.documents)


def test_a_ledger_that_is_lost_is_made_from_what_the_nodes_hold(fleet: Fleet) -> None:
    fleet.create(AUDIT)
    was, _refused = fleet.create(member("vm77-east"))
    leases = fleet.world.leases()
    (fleet.folder / "ledger.sqlite").unlink()
    fleet.recover()
    assert fleet.world.leases() == leases
    plan, refused = fleet.create(member("vm77-east"))
    assert (plan.documents, refused) == (was.documents, {})
    plan, refused = fleet.create(member("vm77-east", "vm78-east"))
    assert not refused
    assert plan.generations["acme"] > was.generations["acme"]


def test_addresses_without_records_are_held_for_nobody_else(fleet: Fleet) -> None:
    """The VCC nodes were not reached when the edges were, or are of an earlier version."""
    nat = {"name": "vm78-east", "mode": "nat"}
    both = {**PAYROLL, "members": [*PAYROLL["members"], "vm77-east", nat, "vm3-east"]}
    was, _refused = fleet.create(both, AUDIT, without=["node-east", "node-west"])
    fleet.restore()
    found = fleet.recover()
    assert any("audit: edge-east has it, and no VCC node tells" in note for note in found.notes)
    used = {**addresses(was, "payroll"), **{f"audit/{k}": v for k, v in addresses(was, "audit").items()}}
    plan, refused = fleet.create(member("vm3-east", "vm2-east"), {**AUDIT, "members": ["vm2-west", "vm3-east"]})
    assert not refused
    now = {**addresses(plan, "payroll"), **{f"audit/{k}": v for k, v in addresses(plan, "audit").items()}}
    for name, address in now.items():
        assert used.get(name, address) == address
        assert used.get(name) or address not in used.values(), f"{name} got the address of another"


def test_what_the_nodes_never_had_gives_way(fleet: Fleet) -> None:
    """A VPN that was deleted after the backup, whose block and number another one has."""
    fleet.create(AUDIT)
    fleet.backup()
    fleet.create(absent=["audit"])
    fleet.world.settle(fleet.hosts)
    other = {"name": "other", "pool": "internal", "members": ["vm2-east", "vm2-west"]}
    was, _refused = fleet.create(other)
    fleet.restore()
    found = fleet.recover()
    assert any(line.startswith("- vpn audit: no node has it") for line in found.lines)
    assert "+ vpn other: number 2" in found.lines
    plan, refused = fleet.create(other)
    assert (refused, addresses(plan, "other")) == ({}, addresses(was, "other"))


@pytest.mark.parametrize("both_are_ahead", [True, False])
def test_nodes_that_contradict_each_other_are_named_and_nothing_is_written(fleet: Fleet, both_are_ahead: bool) -> None:
    """Half of a fleet took a restored ledger's plan, with vcc_allow_older, and the other half did not."""
    start = dict(fleet.held)
    fleet.create(member("vm77-east"))
    first = dict(fleet.held)
    fleet.restore()
    fleet.held = dict(start)
    fleet.create(member("vm78-east"))
    other = fleet.held["node-east"]
    fleet.held = {**first, "node-south": {**other, "document": {**other["document"], "node": "node-south"}}}
    if both_are_ahead:
        fleet.restore()
    else:
        # A second VCC node of the cloud, which is at the ledger's own generation.
        del fleet.held["node-south"]
        fleet.held["elsewhere"] = other
    before = fleet.world.dump()
    with pytest.raises(LedgerError, match=r"nothing was recovered: acme: 100\.64\.0\.\d+/32 is vpn/payroll/.*vm7"):
        fleet.recover()
    assert fleet.world.dump() == before


def test_who_does_not_answer_is_named(fleet: Fleet) -> None:
    fleet.create(member("vm77-east"))
    fleet.restore()
    found = fleet.recover(without=["edge-west", "vm1-west"])
    assert any("edge-west" in note and "vm1-west" in note and "did not answer" in note for note in found.notes)


def test_what_an_old_slice_still_has_is_not_brought_back(fleet: Fleet) -> None:
    """The ledger knows that generation, and what became of it."""
    fleet.create(AUDIT)
    fleet.create(absent=["audit"], without=["node-west"])
    fleet.world.settle(fleet.hosts, gone=["node-west"])
    assert not fleet.recover().lines


def test_a_node_of_an_earlier_version_is_ahead_by_its_number(fleet: Fleet) -> None:
    fleet.create(member("vm77-east"))
    fleet.restore()
    for name, one in fleet.held.items():
        fleet.held[name] = {**one, "file": "", "ledger": "", "hash": ""}
    assert fleet.recover().lines
    assert not fleet.recover().lines
    assert not fleet.create(member("vm77-east", "vm78-east"))[1]


# Hosts that are not what they were


def test_a_host_speaks_for_itself_only(fleet: Fleet) -> None:
    """Seen: a VM that returned a VCC node's document with a high generation became a member."""
    forged = copy.deepcopy(fleet.held["node-east"])
    forged.update(hash="f" * 64)
    forged["document"]["generation"] = 999
    forged["document"]["ledger"]["vpns"]["payroll"]["intent"]["members"]["vm2-east"] = "address"
    own = {**forged, "document": {**forged["document"], "node": "vm2-east"}}
    liars = {
        "it is the document of node-east": by_itself(forged, host="vm2-east", kinds=["members"]),
        "it is the document of a vcc_node, which the host is not": by_itself(own, kinds=["members"]),
        "it is the document of the organization acme, which is not": by_itself(forged, owner="umbra"),
        "it is the document of a org_edge": by_itself(
            {**own, "document": {**own["document"], "role": "org_edge"}}, kinds=["members"]
        ),
        "the host's": by_itself(fleet.held["edge-east"], owner=""),  # shared are VCC nodes only
        "not a document": {**by_itself(forged), "document": ["node-east"]},
        "generation": by_itself({**forged, "document": {**forged["document"], "generation": 1 << 40}}),
        "not taken: it is the document of node-east": forged,
    }
    before = fleet.world.dump()
    for why, said in liars.items():
        found = fleet.world.ledger.run(lambda t, said=said: recover(t, [said]), who="test")  # type: ignore[misc]
        assert found.lines == []
        assert [note for note in found.notes if "is not taken: " in note and why in note], (why, found.notes)
    assert fleet.world.dump() == before


def test_only_vcc_nodes_speak_for_the_ledger(fleet: Fleet) -> None:
    record = copy.deepcopy(fleet.held["vm1-east"])
    document, east = record["document"], fleet.held["node-east"]["document"]
    record.update(hash="f" * 64)
    document.update(generation=999, ledger=copy.deepcopy(east["ledger"]), tunnels=[{"name": "x", "peer": "edge-west"}])
    document["ledger"]["vpns"]["payroll"]["intent"]["members"]["vm2-east"] = "address"
    found = fleet.world.ledger.run(lambda t: recover(t, [by_itself(record)]), who="test")
    assert [line for line in found.lines if not line.startswith("~ vm1-east: runs generation 999")] == []
    assert "vm2-east" not in addresses(fleet.create()[0], "payroll")


def test_a_shared_vcc_node_holds_slices_of_all_organizations(fleet: Fleet) -> None:
    fleet.create(member("vm77-east"))
    fleet.restore()
    shared = by_itself(fleet.held["node-east"], owner="")
    other = {**shared, "document": {**shared["document"], "organization": "umbra"}}
    found = fleet.world.ledger.run(lambda t: recover(t, [shared, other], ["acme"]), who="test")
    assert any(line.startswith("+ lease vpn/payroll/site/edge-east/vm/vm77-east") for line in found.lines)
    assert not any("umbra" in text for text in (*found.lines, *found.notes))


def test_what_cannot_be_read_is_named_and_the_rest_recovers(fleet: Fleet) -> None:
    fleet.create(member("vm77-east"))
    fleet.restore()
    for role, broken in {"edge-west": {"vpns": [7]}, "node-west": {"ledger": {"leases": [1]}}}.items():
        fleet.held[role]["document"] = {**fleet.held[role]["document"], **broken}
    found = fleet.recover()
    assert any(line.startswith("+ lease vpn/payroll/site/edge-east/vm/vm77-east") for line in found.lines)
    for node in ("edge-west", "node-west"):
        assert any(note.startswith(f"{node}: what it holds is not taken: ") for note in found.notes)


# Before a ledger is made, or used


def test_no_ledger_is_made_where_there_was_one(tmp_path: Path) -> None:
    refuse_new_ledger("sqlite:///x", tmp_path)
    (tmp_path / "ca" / "acme").mkdir(parents=True)
    refuse_new_ledger("sqlite:///x", tmp_path)  # not made yet
    (tmp_path / "ca" / "acme" / "ca.pem").write_text("x")
    with pytest.raises(LedgerError) as refused:
        refuse_new_ledger("sqlite:///x", tmp_path, {"edge-east": {"generation": 4}, "vm1": {"generation": 0}})
    for words in ("authority of acme", "edge-east run", "restore_ledger", "recover_ledger", "vcc_new_ledger=true"):
        assert words in str(refused.value)
    with pytest.raises(LedgerError, match="edge-east run"):
        refuse_new_ledger("sqlite:///x", tmp_path / "other", {"edge-east": {"generation": 4}})


def test_a_vcc_node_that_holds_slices_says_that_there_was_a_ledger(tmp_path: Path) -> None:
    """Seen: where only VCC nodes answered, an empty ledger was made, which gave addresses out again."""
    observed = {"node-east": {"generation": 0, "slices": {"acme": 5, "gone": 0}}, "node-west": {"slices": {}}}
    for organizations in (None, ["acme"]):
        with pytest.raises(LedgerError, match="and node-east run a generation of one"):
            refuse_new_ledger("sqlite:///x", tmp_path, observed, organizations)
    # Those of others are no sign, as they may have a ledger of their own.
    refuse_new_ledger("sqlite:///x", tmp_path, observed, ["umbra", "gone"])


def test_nodes_that_will_refuse_are_known_before_they_are_asked(fleet: Fleet) -> None:
    def observed() -> dict[str, dict[str, Any]]:
        found = {}
        for name, one in fleet.held.items():
            identity = _identity.identity_of(one["document"], one["file"])
            found[name] = vars(identity)
        return found

    fleet.create(member("vm77-east"))
    known = fleet.world.ledger.run(lambda t: {"acme": t.lineages("acme")})
    assert strangers(observed(), known) == {}
    fleet.restore()
    known = fleet.world.ledger.run(lambda t: {"acme": t.lineages("acme")})
    found = strangers(observed(), known)
    assert list(found) == ["edge-east", "node-east", "node-west", "vm77-east"]
    assert "recover_ledger" in found["edge-east"]
    # plan_vpn says so, whatever number the ledger has come to meanwhile.
    fleet.world.plan(member("vm78-east"))
    notes = fleet.world.ask({"vpns": [member("vm78-east")]}, observed=observed(), dry_run=True).notes
    for name in ("edge-east", "vm77-east"):
        (note,) = [note for note in notes if note.startswith(f"{name} runs")]
        assert "this ledger does not know" in note and "recover_ledger" in note


def test_a_vpn_that_others_keep_whole_is_not_lost_while_they_are_silent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen: with those silent, the recovery took only leases. The next run gave the VPN's number to another one, and
    took it from its nodes without a word."""
    monkeypatch.setattr(records, "WHOLE", 1)
    fleet = Fleet(tmp_path, lab(4))
    everywhere = {**PAYROLL, "members": [f"vm1-{cloud}" for cloud in ("east", "west", "south", "north")]}
    fleet.create(everywhere)
    nodes = {name: one["document"]["ledger"] for name, one in fleet.held.items() if name.startswith("node-")}
    (keeping,) = (name for name, kept in nodes.items() if kept["vpns"])
    assert [kept.get("elsewhere") for name, kept in nodes.items() if name != keeping] == [{"payroll": 1}] * 3
    (tmp_path / "ledger.sqlite").unlink()
    with pytest.raises(LedgerError, match=r"payroll is kept in other clouds.*run this again when one of the others"):
        fleet.recover(without=[keeping])
    assert fleet.world.ledger.run(lambda t: (t.vpns("acme"), t.leases("acme"))) == ({}, {})
    fleet.recover()
    assert set(fleet.world.ledger.run(lambda t: t.vpns("acme"))) == {"payroll"}


def test_a_document_that_cannot_be_packed_is_kept_as_it_is(tmp_path: Path) -> None:
    fleet = Fleet(tmp_path)
    fleet.create(PAYROLL)
    document = fleet.held["edge-east"]["document"]
    (tunnel,) = document["tunnels"]
    odd = [{key: value for key, value in tunnel.items() if key != "links"}] * 8
    fleet.held["edge-east"]["document"] = {**document, "tunnels": odd}
    (tmp_path / "ledger.sqlite").unlink()
    fleet.recover()
    assert fleet.world.ledger.run(lambda t: t.documents("acme"))["edge-east"].document["tunnels"] == odd


@pytest.mark.parametrize("lost", [True, False])
def test_who_has_moved_is_where_it_is(fleet: Fleet, lost: bool) -> None:
    """The ledger is of before the move, or lost."""
    fleet.create(PAYROLL, AUDIT)
    fleet.backup()
    fleet.hosts = changed(fleet.hosts, "vm2-east: {clouds: [west], vcc_vapp: null, vcc_address: [10.10.0.44]}")
    fleet.hosts = changed(fleet.hosts, MORE)
    moved, _refused = fleet.create({**AUDIT, "members": [*AUDIT["members"], "vm77-east"]})
    if lost:
        (fleet.folder / "ledger.sqlite").unlink()
    else:
        fleet.restore()
    fleet.recover()
    plan, refused = fleet.create()
    assert refused == {} and addresses(plan, "audit") == addresses(moved, "audit")
    assert "+edge-west" in str(plan.documents["edge-west"]["tunnels"])


@pytest.mark.parametrize("silent", [(), ("node-east",), ("node-east", "edge-east", "vapp1-east", "vm1-east")])
def test_where_it_was_all_others_keep_their_leases(fleet: Fleet, silent: tuple[str, ...]) -> None:
    """The ledger is of before the move; the cloud that the VM left does not answer, as when it is lost."""
    fleet.create(AUDIT)
    fleet.backup()
    before = fleet.world.leases()
    fleet.hosts = changed(fleet.hosts, "vm2-east: {clouds: [west], vcc_vapp: vapp1-west, vcc_address: [192.168.1.44]}")
    fleet.create({**AUDIT, "members": [*AUDIT["members"], "vm77-east"]})
    moved = addresses(fleet.world.plan(dry_run=True), "audit")
    fleet.restore()
    fleet.recover(without=silent)
    after = fleet.world.leases()
    old = {key for key in before if key.endswith("/vm/vm2-east") and key.startswith("vpn/audit/")}
    assert {key: after.get(key) for key in before if key not in old} == {
        k: v for k, v in before.items() if k not in old
    }
    plan = fleet.world.plan()
    assert addresses(plan, "audit").items() <= moved.items()
    assert addresses(plan, "audit")["vm2-east"] == moved["vm2-east"]


def test_who_was_not_told_of_a_move_does_not_dispute_it(fleet: Fleet) -> None:
    fleet.create(AUDIT)
    fleet.backup()
    fleet.hosts = changed(fleet.hosts, "vm2-east: {clouds: [west], vcc_vapp: vapp1-west, vcc_address: [192.168.1.44]}")
    was = addresses(
        fleet.create({**AUDIT, "members": [*AUDIT["members"], "vm77-east"]}, without=["node-east"])[0], "audit"
    )
    fleet.restore()
    fleet.recover()
    assert addresses(fleet.world.plan(), "audit")["vm2-east"] == was["vm2-east"]


@pytest.mark.parametrize("without", [(), ("node-east", "node-west")], ids=["by VCC nodes", "by edges"])
def test_vapp_edges_keep_their_addresses_for_frames(tmp_path: Path, without: tuple[str, ...]) -> None:
    fleet = Fleet(tmp_path, changed(lab(), "vm1-west: {vcc_address: [192.168.1.21, 'fd10:1::21']}"))
    fleet.create(PAYROLL)
    fleet.backup()
    network = {"name": "app-tier", "stretch": ["vapp1-east", "vapp1-west"], "members": ["vm1-east", "vm1-west"]}
    was, _refused = fleet.create(networks=[network])
    fleet.restore()
    fleet.recover(without)
    plan, refused = fleet.create(networks=[network])
    assert {*refused} == {*without}
    for vapp in network["stretch"]:
        mine = [[vpn for vpn in one.documents[vapp]["vpns"] if vpn["name"] == "app-tier"] for one in (was, plan)]
        assert mine[0][0]["edge_address"] == mine[1][0]["edge_address"]
