# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two organizations with the same VPN, pool, networks, addresses, VCC nodes and VCC server. Nothing crosses."""

from __future__ import annotations

import json
import re
from contextlib import ExitStack
from itertools import permutations

import pytest

from ansible_collections.intercloud.vpn.tests.testinfra import capture, lab, ledger, playbooks, snapshot, strongswan

ACME = {"name": "payroll", "pool": "internal", "members": ["vm3-east", "vm3-west"]}
# One more in the west: an address that nobody of acme has.
UMBRA = {"name": "payroll", "pool": "internal", "members": ["vm1-umbra-east", "vm1-umbra-west", "vm2-umbra-west"]}
VPNS = {"acme": ACME, "umbra": UMBRA}
EDGES = {"acme": ("edge-east", "edge-west"), "umbra": ("edge-umbra-east", "edge-umbra-west")}
OTHER = {"acme": "umbra", "umbra": "acme"}
EITHER = ["acme", pytest.param("umbra", marks=pytest.mark.thorough("the same of the other organization"))]
# What only one organization's hosts, and its authority, are called. Nodes are everybody's.
NAMES = {
    "acme": re.compile(r"acme|(?<!-)\b(edge|vapp1|vm[123])-(east|west)"),
    "umbra": re.compile(r"umbra"),
}
SLICES = "/var/lib/intercloud-vpn/organizations"


def machines_of(organization):
    return [name for name, machine in lab.machines().items() if machine.organization == organization]


def inventory(organization):
    """An organization's own inventory: its hosts, the nodes, and its intent."""
    directory = playbooks.SCRATCH / "inventories" / organization
    (directory / "group_vars").mkdir(parents=True, exist_ok=True)
    text = f"plugin: intercloud.vpn.lab\norganizations: [{organization}]\n"
    (directory / "lab.yml").write_text(text, encoding="utf-8")
    common = (playbooks.INVENTORY / "group_vars/all.yml").read_text(encoding="utf-8").partition("vcc_vpns:")[0]
    text = f"{common}vcc_vpns: {json.dumps([VPNS[organization]])}\n"
    (directory / "group_vars/all.yml").write_text(text, encoding="utf-8")
    return directory


def result_of(organization):
    return playbooks.SCRATCH / f"{organization}.json"


def run(playbook, organization, arguments=(), **options):
    """A playbook, as who works for one organization starts it."""
    where = {"inventory": inventory(organization), "vcc_result": str(result_of(organization))}
    return playbooks.run(playbook, arguments, **where, **options)


def slices():
    """{(node, organization): its document as text}, of all nodes."""
    found = {}
    for node in lab.of_kind("vcc_node"):
        for organization in lab.sh(node, f"ls {SLICES} 2>/dev/null", check=False).split():
            found[node, organization] = lab.sh(node, f"cat {SLICES}/{organization}/document.json")
    return found


@pytest.fixture(scope="module")
def before():
    playbooks.run("lab_up", lab_tenants=["umbra"])
    return snapshot.of_all(machines_of("umbra"))


@pytest.fixture(scope="module", autouse=True)
def created(before):
    """At the same time."""
    return dict(zip(VPNS, lab.at_once(lambda organization: run("create_vpn", organization), VPNS)))


@pytest.fixture(scope="module")
def addresses(created):
    return {organization: playbooks.addresses("payroll", organization) for organization in VPNS}


def test_they_have_the_same_addresses_in_the_vpn_and_besides(addresses):
    both = [[addresses[org][vm] for vm in VPNS[org]["members"][:2]] for org in VPNS]
    assert both[0] == both[1]
    assert addresses["umbra"]["vm2-umbra-west"] not in addresses["acme"].values()
    private = [lab.machines()[vm].variables["vcc_address"] for vm in ("vm3-east", "vm1-umbra-east")]
    assert private[0] == private[1]


@pytest.mark.parametrize("organization", VPNS)
def test_each_ones_members_reach_each_other(addresses, organization):
    members = addresses[organization]
    pings = lab.reach((one, members[two]) for one, two in permutations(members, 2))
    assert {pair: found.lost for pair, found in pings.items()} == dict.fromkeys(pings, 0)
    assert json.loads(result_of(organization).read_text(encoding="utf-8"))["findings"] == []


def marked(organization):
    """Sixteen octets that every packet of a test carries."""
    return f"sent by {organization:>8}".encode()


def ping_marked(source, address, organization):
    words = ["ping", "-n", "-q", "-c2", "-i0.1", "-W1", "-p", marked(organization).hex(), address]
    lab.netns(source, *words, check=False)


@pytest.mark.parametrize("organization", VPNS)
def test_nothing_of_one_arrives_at_a_machine_of_the_other(addresses, organization, tmp_path):
    """From every machine, members and others, to all that the other has behind its edges. Where both have an address,
    the sender's own answers at most. What the other's own machines send is seen there.
    """
    other = OTHER[organization]
    inside = {"10.10.0.1", *(lab.machines()[name].variables["vcc_address"][0] for name in VPNS[other]["members"])}
    inside |= {f"fd10:10::{last}" for last in (1, 13, 14)}
    targets = inside | set(addresses[other].values()) | set(ledger.leases("payroll", other).values())
    with ExitStack() as stack:
        seen = {
            name: stack.enter_context(capture.capturing(tmp_path / f"{name}.pcap", name)) for name in machines_of(other)
        }
        lab.at_once(
            lambda way: ping_marked(*way, organization), [(a, b) for a in machines_of(organization) for b in targets]
        )
        one, two = VPNS[other]["members"][:2]
        ping_marked(one, addresses[other][two], other)
    assert [name for name, packets in seen.items() if packets.contains(marked(organization))] == []
    assert {one, two} <= {name for name, packets in seen.items() if packets.contains(marked(other))}


def test_what_comes_to_an_edge_in_clear_from_outside_goes_no_further(addresses, tmp_path):
    """Whoever got the internet to route there."""
    target = addresses["umbra"]["vm2-umbra-west"]
    (outside, *_six) = lab.machines()["edge-umbra-west"].variables["vcc_public_address"]
    lab.netns(lab.INTERNET, "ip", "route", "add", f"{target}/32", "via", outside)
    try:
        with (
            capture.capturing(tmp_path / "vm.pcap", "vm2-umbra-west") as vm,
            capture.capturing(tmp_path / "edge.pcap", "edge-umbra-west") as edge,
        ):
            ping_marked("edge-west", target, "acme")
            ping_marked(lab.INTERNET, target, "acme")
    finally:
        lab.netns(lab.INTERNET, "ip", "route", "del", f"{target}/32")
    assert edge.contains(marked("acme"))
    assert not vm.contains(marked("acme"))


INTRUDER = """
connections { intruder {
  version = 2
  local_addrs = 198.51.100.2
  remote_addrs = 203.0.113.18
  proposals = aes256gcm16-prfsha384-ecp384
  local { auth = pubkey
    certs = intercloud-vpn.pem
    id = edge-umbra-east.umbra }
  remote { auth = pubkey
    id = edge-west.acme }
  children { intruder { local_ts = 100.64.0.0/26
    remote_ts = 100.64.0.64/26
    esp_proposals = aes256gcm16-ecp384
    start_action = none } }
} }
"""
# As our own connection, but for any address and any name: so that nothing but the authority stands in the way.
OPEN = INTRUDER.replace("198.51.100.2", "203.0.113.18").replace("remote_addrs = 203.0.113.18", "remote_addrs = %any")
OPEN = OPEN.replace("edge-umbra-east.umbra", "edge-west.acme").replace(
    "remote { auth = pubkey\n    id = edge-west.acme",
    "remote { auth = pubkey\n    cacerts = intercloud-vpn.pem\n    id = %any",
)


@pytest.mark.parametrize(
    ("there", "reason"),
    [("", "no IKE config found for"), (OPEN, "no trusted ECDSA public key found for 'edge-umbra-east.umbra'")],
)
def test_an_edge_gets_no_tunnel_with_an_edge_of_another_organization(there, reason):
    """By hand, with its good certificate. It is of the other's authority, even if address and name are not asked."""
    spis = strongswan.spis(*EDGES["acme"])
    try:
        for edge, text in (("edge-west", there), ("edge-umbra-east", INTRUDER)):
            lab.sh(edge, f"cat > /etc/swanctl/conf.d/intruder.conf <<'end'\n{text}end\nswanctl --load-conns")
        since = lab.sh("edge-west", "date +%s.%N").strip()
        said = lab.sh("edge-umbra-east", "swanctl --initiate --child intruder --timeout 5 2>&1", check=False)
        log = lab.sh("edge-west", f"journalctl -u strongswan --since @{since} -o cat")
        found = [sa.name for edge in ("edge-west", "edge-umbra-east") for sa in strongswan.ike_sas(edge)]
    finally:
        for edge in ("edge-west", "edge-umbra-east"):
            lab.sh(edge, "rm /etc/swanctl/conf.d/intruder.conf; swanctl --load-conns")
    assert reason in log
    assert "initiate failed" in said
    assert "intruder" not in found
    assert strongswan.spis(*EDGES["acme"]) == spis


@pytest.mark.parametrize("organization", EITHER)
def test_what_one_organization_is_shown_names_nothing_of_the_other(created, organization):
    others = NAMES[OTHER[organization]]
    vpn = {**VPNS[organization], "members": VPNS[organization]["members"][:2], "policy": {"retries": {"dpd_delay": 9}}}
    shown = [
        created[organization].output,
        result_of(organization).read_text(encoding="utf-8"),
        run("plan_vpn", organization, ("-v", "--diff"), vpns=[vpn]).output,
        run("delete_vpn", organization, ("--check", "--diff", "-v"), vcc_delete=["payroll"]).output,
        run("recover_ledger", organization, ("--check", "--diff", "-v")).output,
        *(text for (_node, whose), text in slices().items() if whose == organization),
    ]
    assert len(shown) == 7
    for text in shown:
        assert NAMES[organization].search(text)
        assert others.findall(text) == []


@pytest.mark.parametrize("organization", EITHER)
def test_a_ledger_that_is_lost_is_taught_nothing_of_others(created, organization, tmp_path):
    """Shared VCC nodes hold the slices of both."""
    ledger = f"sqlite:///{tmp_path}/ledger.sqlite"
    said = run("recover_ledger", organization, ("--check", "--diff", "-v"), vcc_ledger=ledger).output
    assert "+ vpn payroll" in said
    assert NAMES[OTHER[organization]].findall(said) == []


def test_again_changes_nothing_whoever_runs_it_and_from_which_inventory():
    before = slices()
    assert sorted(before) == [(node, org) for node in ("node-east", "node-west") for org in VPNS]
    for organization in VPNS:
        assert run(playbooks.SHARED / "apply.yml", organization).hosts("changed") == set()
    if lab.thorough("the next run, for both, has nothing to do either"):
        assert playbooks.create(UMBRA, ACME, verify=False).hosts("changed") == set()
    assert playbooks.create(UMBRA, ACME, vcc_organization="umbra").hosts("changed") == set()
    assert NAMES["acme"].findall(playbooks.RESULT.read_text(encoding="utf-8")) == []
    assert slices() == before


def test_one_organization_can_change_nothing_of_the_other(addresses):
    """Not by a name that both have, nor by one that only the other has."""
    before = slices(), ledger.contents(), strongswan.spis(*EDGES["acme"])
    done = run("revoke_certificate", "umbra", succeeds=False, vcc_revoke="edge-east")
    assert "edge-east: no certificate was ever signed for it" in done.output
    done = run("delete_vpn", "umbra", succeeds=False, vcc_delete=["acme/payroll"])
    assert "there is no VPN acme/payroll" in done.output and "edge-east" not in done.output
    done = playbooks.delete("payroll", succeeds=False)
    assert "say which: acme/payroll, umbra/payroll" in done.output
    assert (slices(), ledger.contents(), strongswan.spis(*EDGES["acme"])) == before


def test_deleting_ones_vpn_leaves_the_others_untouched_and_no_trace(before, addresses):
    spis, kept = strongswan.spis(*EDGES["acme"]), {key: text for key, text in slices().items() if key[1] == "acme"}
    with lab.pinging("vm3-east", addresses["acme"]["vm3-west"]) as pings:
        run("delete_vpn", "umbra", vcc_delete=["payroll"])
    assert pings.lost == 0, pings.text
    assert strongswan.spis(*EDGES["acme"]) == spis
    assert slices() == kept
    assert snapshot.differences(before, snapshot.of_all(before)) == []
    assert ledger.leases("payroll", "umbra") == {}
    assert not lab.answers("vm1-umbra-east", addresses["umbra"]["vm1-umbra-west"])
    assert run(playbooks.SHARED / "apply.yml", "acme").hosts("changed") == set()
