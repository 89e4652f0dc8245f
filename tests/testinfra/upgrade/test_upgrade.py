# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The previous release made the VPNs, over IPsec and OpenVPN. This release takes them over while members talk.

And the way back: what the previous release makes of the nodes and the ledger after that.
"""

from __future__ import annotations

import json
from contextlib import ExitStack, contextmanager

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._ledger import schema
from ansible_collections.intercloud.vpn.tests.testinfra import lab, ledger, openvpn, playbooks, previous, strongswan
from ansible_collections.intercloud.vpn.tests.testinfra.playbooks import AUDIT, EDGES, PAYROLL

VPNS = [PAYROLL, {**AUDIT, "tunnel": "ssl"}]
LARGER = {**PAYROLL, "members": [*PAYROLL["members"], "vm2-west"]}
# Both ways between the sites, in each VPN, and inside a site.
TALKING = [
    ("payroll", "vm1-east", "vm1-west"),
    ("payroll", "vm3-west", "vm1-east"),
    ("payroll", "vm1-west", "vm3-west"),
    ("audit", "vm2-east", "vm2-west"),
    ("audit", "vm3-west", "vm2-east"),
]
NODES = ("edge-east", "edge-west", "vapp1-east", "vm1-east", "vm3-west")

pytestmark = pytest.mark.skipif(bool(previous.missing()), reason=previous.missing())


@pytest.fixture(scope="module")
def old():
    """Where the previous release's code is."""
    return previous.unpacked()


@pytest.fixture(scope="module")
def backup(tmp_path_factory):
    where = tmp_path_factory.mktemp("backup")
    (where / "password").write_text("of the backup\n", encoding="utf-8")
    return {"arguments": ["--vault-password-file", str(where / "password")], "vcc_backup": str(where / "vpn.backup")}


@pytest.fixture(scope="module", autouse=True)
def made(old, backup):
    """What the previous release left: leases, documents, formats, security associations."""
    playbooks.create(*VPNS, code=old, verify=False)
    if lab.thorough("a backup by the previous release: who goes back needs one"):
        playbooks.run("backup_ledger", code=old, **backup)
    return state()


def state():
    told = {row["node"]: (row["generation"], row["digest"]) for row in ledger.rows("documents")}
    return {
        "leases": {vpn: ledger.leases(vpn) for vpn in ("payroll", "audit")},
        "documents": told,
        "format": ledger.version(),
        "spis": strongswan.spis(*EDGES),
        "sessions": {edge: [one["since"] for one in openvpn.sessions(edge)] for edge in EDGES},
        "processes": {edge: processes(edge) for edge in EDGES},
        "connections": {edge: connections(edge) for edge in EDGES},
    }


def kept(made):
    """Whether all have the addresses that the previous release gave them. A member that left keeps its lease, too."""
    return all(ledger.leases(vpn).items() >= leases.items() for vpn, leases in made["leases"].items())


def connections(edge):
    """What an edge's IKE_SAs are made by. With other words of a new release, they are made anew, behind bridges."""
    return lab.sh(edge, "sha256sum /etc/swanctl/conf.d/intercloud-vpn.conf").split()[0]


def processes(edge):
    """The daemons that carry packets: none of them may be another one after an upgrade."""
    return lab.sh(edge, "pgrep -x 'charon-systemd|openvpn' | sort").split()


@contextmanager
def nothing_lost(say, what, without="", but=0):
    """Members send 50 packets a second to each other while the block runs; each has its answer, `but` so many of each
    flow. `without` a member."""
    addresses = {vpn: playbooks.addresses(vpn) for vpn in ("payroll", "audit")}
    with ExitStack() as stack:
        flows = {
            (vpn, one, two): stack.enter_context(lab.pinging(one, addresses[vpn][two], own=addresses[vpn][one]))
            for vpn, one, two in TALKING
            if without not in (one, two)
        }
        yield
    lost, sent = sum(pings.lost for pings in flows.values()), sum(pings.sent for pings in flows.values())
    say(f"{what}: {lost} of {sent} packets lost")
    assert {flow: pings.text for flow, pings in flows.items() if pings.lost > but} == {}


def test_the_fleet_is_the_previous_release_s(old, made):
    """Its own code ran, and members reach each other."""
    tree = old / previous.PLACE
    assert {name: found for name in NODES if (found := previous.agent_differs(name, tree))} == {}
    assert {edge: len(names) for edge, names in made["sessions"].items()} == dict.fromkeys(EDGES, 1)
    lab.wait_for("members reach each other", all_answer, 20)


def all_answer():
    own = {vpn: playbooks.addresses(vpn) for vpn in ("payroll", "audit")}
    return all(lab.answers(one, own[vpn][two], own=own[vpn][one], count=1) for vpn, one, two in TALKING)


def test_no_packet_is_lost_and_no_tunnel_is_made_again(old, made, say):
    """With --check first, as the documentation says: it names the nodes that the run then changes.

    For a while, the edges are of two releases.
    """
    predicted = None
    with nothing_lost(say, "the upgrade"):
        if lab.thorough("the check scenario shows that predictions hold"):
            predicted = playbooks.run("create_vpn", ["--check"], vpns=VPNS)
            assert ledger.version() == made["format"]
            one = playbooks.create(*VPNS, arguments=["--limit", "edge-east"], verify=False)
            assert one.hosts("changed") == {"edge-east"}
            assert previous.agent_differs("edge-west", old / previous.PLACE) == []
        run = playbooks.create(*VPNS)
    assert predicted is None or run.hosts("changed") | {"edge-east"} == predicted.hosts("changed")
    assert playbooks.result()["findings"] == []
    now = state()
    assert now["leases"] == made["leases"]
    assert now["format"] == schema.VERSION
    assert {name: found for name in NODES if (found := previous.agent_differs(name, lab.ROOT))} == {}
    for edge in EDGES:
        if now["documents"][edge] == made["documents"][edge]:
            assert now["processes"][edge] == made["processes"][edge]
        if now["connections"][edge] == made["connections"][edge]:
            assert now["spis"][edge] == made["spis"][edge]
        assert now["sessions"][edge] == made["sessions"][edge]


def test_a_second_run_changes_nothing():
    before = strongswan.spis(*EDGES)
    assert playbooks.create(*VPNS, verify=False).changed == frozenset()
    assert strongswan.spis(*EDGES) == before


@pytest.mark.thorough("membership: a rollback; default: status and history")
def test_the_history_of_the_previous_release_goes_on(made, say, tmp_path):
    """status_vpn finds all as planned; history_vpn names the previous release's generation; rollback_vpn goes back."""
    last = max(generation for generation, _digest in made["documents"].values())
    playbooks.run("status_vpn", vcc_json=str(tmp_path / "status.json"))
    assert json.loads((tmp_path / "status.json").read_text())["findings"] == []
    playbooks.run("history_vpn", vcc_json=str(tmp_path / "history.json"))
    assert last in json.loads((tmp_path / "history.json").read_text())["rollbacks"]["acme"]
    with nothing_lost(say, "a member more, and back to the previous release's generation", without="vm2-west"):
        playbooks.create(LARGER, verify=False)
        added = playbooks.addresses()["vm2-west"]
        assert lab.answers("vm1-east", added)
        playbooks.run("rollback_vpn", vcc_generation=last, vcc_only="payroll")
    assert not lab.answers("vm1-east", added, count=2)
    assert kept(made)


def test_the_previous_release_refuses_a_ledger_that_it_does_not_know(old, made):
    """Where the formats are the same, it goes on; that is shown below."""
    if made["format"] == schema.VERSION:
        pytest.skip("both releases have the same format")
    before = (ledger.contents(), strongswan.spis(*EDGES))
    run = playbooks.create(*VPNS, code=old, succeeds=False, verify=False)
    assert (
        f"the ledger has format {schema.VERSION}, and this collection knows formats up to {made['format']}"
        in run.output
    )
    assert run.hosts("changed") == set()
    assert (ledger.contents(), strongswan.spis(*EDGES)) == before


@pytest.mark.thorough("takes half a minute; recovery has restored ledgers")
def test_the_way_back(old, made, backup, say):
    """The backup that the previous release made, restored by it, and create_vpn: again, no packet is lost."""
    # A release that has no bridges makes tunnels anew without them, where its connections have other words.
    bridges = (old / previous.PLACE / "plugins/module_utils/_node/ipsec/bridge.py").exists()
    anew = state()["connections"] != made["connections"] and not bridges
    with nothing_lost(say, "back to the previous release", but=100 if anew else 0):
        playbooks.run("restore_ledger", code=old, vcc_restore_force=True, **backup)
        playbooks.create(*VPNS, code=old, verify=False)
    assert {name: found for name in NODES if (found := previous.agent_differs(name, old / previous.PLACE))} == {}
    assert ledger.version() == made["format"] and kept(made)
    with nothing_lost(say, "and the upgrade again"):
        playbooks.create(*VPNS)
    assert playbooks.result()["findings"] == []
