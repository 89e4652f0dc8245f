# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every site's edge knows the names of a VPN's members, and answers those behind it; nobody else gets an answer."""

from __future__ import annotations

import ipaddress
import re
import subprocess
from functools import partial

import pytest

from ansible_collections.intercloud.vpn.tests.testinfra import dns, inventories, lab, ledger, playbooks, snapshot
from ansible_collections.intercloud.vpn.tests.testinfra.playbooks import EDGES

POOLS = {"internal": "100.64.0.0/10", "six": "fd64:7663:6300::/48"}
SERVER = {"name": "erp", "behind": "edge-east", "address": "10.10.0.13"}  # vm3-east, which is not a member
PAYROLL = {
    "name": "payroll",
    "pool": "internal",
    "members": ["vm1-east", "vm1-west", {"name": "vm3-west", "mode": "nat"}],
    "destinations": {"servers": [SERVER]},
    "names": True,
}
AUDIT = {
    "name": "audit",
    "pool": "six",
    "members": ["vm2-east", {"name": "vm2-west", "mode": "nat"}],
    "names": {"domain": "Audit.Corp.example"},
}
DOMAINS = {"payroll": "payroll.vpn.internal", "audit": "audit.corp.example"}
SITE = {"vm1-east": "edge-east", "vm2-east": "edge-east", "vm1-west": "edge-west", "vm2-west": "edge-west"}
SITE["vm3-west"] = "edge-west"
MEMBERS = {"payroll": ["vm1-east", "vm1-west", "vm3-west"], "audit": ["vm2-east", "vm2-west"]}
RESOLVES = "vm1-west"
UNIT = "intercloud-vpn-names@{}.service"


@pytest.fixture(scope="module")
def resolved():
    """A member whose systemd-resolved runs, as on most machines that are no lab's."""
    lab.sh(RESOLVES, "rm /etc/systemd/system/systemd-resolved.service; systemctl daemon-reload")  # it was masked
    lab.sh(RESOLVES, "systemctl enable --now systemd-resolved")
    lab.sh(RESOLVES, "resolvectl dns eth0 192.0.2.53; resolvectl revert eth0")  # it makes a directory, which stays


@pytest.fixture(scope="module")
def before(resolved):
    return snapshot.of_all()


@pytest.fixture(scope="module", autouse=True)
def created(before):
    return playbooks.create(PAYROLL, AUDIT, vcc_pools=POOLS)


def edge_address(site, vpn="payroll"):
    return {key: address for key, address in ledger.leases(vpn).items() if key.endswith(f"{site}/edge")}.popitem()[1]


def addresses_of(vpn):
    found = playbooks.addresses(vpn)
    servers = [address for key, address in ledger.leases(vpn).items() if key.endswith("/server/erp")]
    return {**found, **({"erp": servers[0]} if servers else {})}


def pids(vpn="payroll"):
    return lab.at_once(lambda edge: lab.host(edge).service(UNIT.format(vpn)).systemd_properties["MainPID"], EDGES)


def asked_by_member(member, name, kind=dns.A, vpn="payroll", **options):
    return dns.ask(member, edge_address(SITE[member], vpn), f"{name}.{DOMAINS[vpn]}", kind, **options)


@pytest.mark.parametrize("transport", ["udp", "tcp"])
@pytest.mark.parametrize("vpn", ["payroll", "audit"])
def test_every_member_finds_every_name_and_every_address(vpn, transport):
    """Translated or not, in both clouds, and the server behind an edge."""
    addresses = addresses_of(vpn)
    assert len(addresses) == {"payroll": 4, "audit": 2}[vpn]
    kind = dns.A if vpn == "payroll" else dns.AAAA
    for member in MEMBERS[vpn]:
        server = edge_address(SITE[member], vpn)
        names = [(server, f"{name}.{DOMAINS[vpn]}", kind, transport) for name in addresses]
        reverse = [(server, ipaddress.ip_address(a).reverse_pointer, dns.PTR, transport) for a in addresses.values()]
        assert dns.ask_all(member, names) == [[0, [address]] for address in addresses.values()], member
        assert dns.ask_all(member, reverse) == [[0, [f"{name}.{DOMAINS[vpn]}"]] for name in addresses], member


def test_verify_has_asked_as_well():
    found = playbooks.result()
    asked = {(one["vpn"], one["src"], one["edge"]) for one in found["names"] if one["reachable"]}
    assert asked == {(vpn, member, SITE[member]) for vpn, members in MEMBERS.items() for member in members}
    nosy = {(one["vpn"], one["src"]) for one in found["negative"] if one["kind"] == "nosy"}
    assert {("payroll", "vm2-east"), ("payroll", "vm3-east"), ("audit", "vm1-west")} <= nosy


def test_case_does_not_count_and_a_name_of_the_other_family_is_empty():
    (address,) = asked_by_member("vm1-east", "VM1-West")[1]
    assert address == addresses_of("payroll")["vm1-west"]
    assert asked_by_member("vm1-east", "vm1-west", dns.AAAA) == [0, []]


def test_what_is_not_the_vpns_is_refused():
    server = edge_address("edge-east")
    refused = ["example.org", "vm2-east.audit.corp.example", "vpn.internal", "11.1.168.192.in-addr.arpa", "localhost"]
    found = dns.ask_all("vm1-east", [(server, name, dns.A, "udp") for name in refused])
    assert found == [[dns.REFUSED, []]] * len(refused)
    unknown = ["vm2-east.payroll.vpn.internal", "222.0.64.100.in-addr.arpa"]
    found = dns.ask_all("vm1-east", [(server, name, dns.A, "udp") for name in unknown])
    assert found == [[dns.NXDOMAIN, []]] * len(unknown)


@pytest.mark.parametrize(
    "transport", ["udp", pytest.param("tcp", marks=pytest.mark.thorough("the internet gets none"))]
)
@pytest.mark.parametrize(
    ("source", "site", "why"),
    [
        ("vm2-east", "edge-east", "a member of another VPN"),
        ("vm2-west", "edge-west", "the same, translated"),
        ("vm3-east", "edge-east", "no member"),
        ("vm1-east", "edge-west", "a member, of another site's edge"),
        ("vapp1-east", "edge-east", "the gateway of a member"),
        ("edge-west", "edge-east", "another edge"),
    ],
)
def test_others_get_no_answer(source, site, why, transport):
    assert dns.ask(source, edge_address(site), "vm1-east.payroll.vpn.internal", transport=transport) is None, why


def test_the_internet_gets_no_answer():
    own, public = edge_address("edge-east"), "203.0.113.2"
    lab.netns(lab.INTERNET, "ip", "route", "add", own, "via", public)
    try:
        questions = [
            (to, "vm1-east.payroll.vpn.internal", dns.A, how) for to in (own, public) for how in ("udp", "tcp")
        ]
        assert dns.ask_all(lab.INTERNET, questions) == [None] * 4
    finally:
        lab.netns(lab.INTERNET, "ip", "route", "del", own)


def test_a_server_has_one_address_no_rights_and_a_user_of_its_own():
    for edge, pid in zip(EDGES, pids()):
        listening = lab.sh(edge, f"ss -Hlntup | grep pid={pid}, | awk '{{print $1, $5}}' | sort -u").split("\n")
        assert [line for line in listening if line] == [f"{how} {edge_address(edge)}:53" for how in ("tcp", "udp")]
        uid, *rights = lab.sh(edge, f"grep -E '^(Uid|Cap(Eff|Bnd)):' /proc/{pid}/status | tr -s '\t' ' '").splitlines()
        assert uid.split()[1] not in ("0", "65534")
        assert {line.split()[1] for line in rights} == {"0000000000000400"}  # low ports, and nothing else


def resolve(*words):
    """What resolved says on its member."""
    return lab.sh(RESOLVES, f"resolvectl --no-pager {' '.join(words)} 2>&1", check=False)


def test_a_members_resolver_asks_the_edge_for_the_vpn_and_for_nothing_else():
    addresses = addresses_of("payroll")
    for name, address in addresses.items():
        assert f"{name}.payroll.vpn.internal: {address}" in resolve("query", f"{name}.payroll.vpn.internal")
        assert f"{address}: {name}.payroll.vpn.internal" in resolve("query", address)
    assert "not found" in resolve("query", "nobody.payroll.vpn.internal")
    resolve("flush-caches")
    words = ["timeout", "20", "tcpdump", "-n", "-l", "-i", "any", "port 53"]
    command = ["ip", "netns", "exec", RESOLVES, *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as sniffer:
        for line in sniffer.stderr:  # "listening on …": from here on, it does
            if "listening" in line:
                break
        for other in ("example.org", "vm2-east.audit.corp.example"):
            assert "No appropriate name servers" in resolve("query", other)
        assert "8.8.8.8: resolve call failed" in resolve("query", "8.8.8.8")
        assert resolves()
        lab.sh(RESOLVES, "sleep 0.5")
        sniffer.terminate()
        seen = sniffer.communicate(timeout=30)[0]
    assert "vm1-east.payroll.vpn.internal" in seen
    assert [
        line for line in seen.splitlines() if re.search(r" (A|AAAA|PTR)\? ", line) and "payroll.vpn" not in line
    ] == []


def test_again_changes_nothing():
    was = pids()
    assert playbooks.create(PAYROLL, AUDIT, vcc_pools=POOLS, verify=False).changed == frozenset()
    assert pids() == was


def test_a_member_that_joins_is_known_at_once_as_a_check_predicts():
    """And so is one that leaves no longer. No server is restarted for it."""
    was, other = pids(), pids("audit")
    more = {**PAYROLL, "members": [*PAYROLL["members"], "vm2-west"]}
    predicted = playbooks.create(more, vcc_pools=POOLS, verify=False, arguments=("--check", "-v"))
    assert asked_by_member("vm1-east", "vm2-west") == [dns.NXDOMAIN, []]
    done = playbooks.create(more, vcc_pools=POOLS, verify=False, arguments=("-v",))
    expected = {edge: ["write /etc/intercloud-vpn-names/payroll/hosts"] for edge in EDGES}
    assert {edge: done.actions[edge]["names"] for edge in EDGES} == expected
    assert {edge: predicted.actions[edge]["names"] for edge in EDGES} == expected
    address = addresses_of("payroll")["vm2-west"]
    assert [asked_by_member(one, "vm2-west") for one in ("vm1-east", "vm1-west")] == [[0, [address]]] * 2
    assert dns.ask("vm2-west", edge_address("edge-west"), "erp.payroll.vpn.internal")[1] == [
        addresses_of("payroll")["erp"]
    ]
    playbooks.create(PAYROLL, vcc_pools=POOLS, verify=False)
    assert [asked_by_member(one, "vm2-west") for one in ("vm1-east", "vm1-west")] == [[dns.NXDOMAIN, []]] * 2
    assert asked_by_member("vm1-east", "vm1-west")[0] == 0
    assert (pids(), pids("audit")) == (was, other)


def in_file(member, what):
    """What a member that asks no server finds."""
    return lab.sh(member, f"getent hosts {what}", check=False).split()


def test_a_member_can_have_them_in_its_hosts_file(before, tmp_path, say):
    """It knows who joins as soon as the run is over; lines of others stay, and what goes comes back."""
    member, file = "vm1-east", "/etc/hosts"
    given = inventories.told(inventories.placed(tmp_path / "given.sh", {}), vm1_east={"vcc_names": "hosts"})
    hosts, run = lab.host(member).file(file), partial(playbooks.run, "create_vpn", inventory=given, vcc_pools=POOLS)
    was = hosts.content_string
    assert in_file(member, "vm1-west.payroll.vpn.internal") == []
    predicted = None
    if lab.thorough("a check predicts another change of the same kind"):
        predicted = run(["--check", "-v"], vpns=[PAYROLL])
        assert predicted.actions[member]["hosts"] == ["write names in /etc/hosts"]
        assert hosts.content_string == was
    done = run(["-v"], vpns=[PAYROLL])
    assert done.hosts("changed") > {member}
    assert predicted is None or done.hosts("changed") == predicted.hosts("changed")
    assert done.actions[member]["hosts"] == ["write names in /etc/hosts"]
    for name, address in addresses_of("payroll").items():
        found = f"{name}.payroll.vpn.internal"
        assert in_file(member, found) == [address, found]
        assert in_file(member, address) == [address, found]
    if lab.thorough("a second run with names has nothing to do"):
        assert run([], vpns=[PAYROLL]).changed == frozenset()
    lab.sh(member, f"sed -i /vm1-west/d {file}; echo 192.0.2.9 mine >>{file}")
    _known, seconds = lab.wait_for("it is back", lambda: in_file(member, "vm1-west.payroll.vpn.internal"), 60)
    say(f"a line of ours was taken out of {file}; it is back after {seconds:.1f} s")
    run([], vpns=[{**PAYROLL, "members": [*PAYROLL["members"], "vm2-west"]}])
    found = "vm2-west.payroll.vpn.internal"
    assert in_file(member, found) == [addresses_of("payroll")["vm2-west"], found]
    playbooks.create(PAYROLL, vcc_pools=POOLS, verify=False)
    assert hosts.content_string == was + "192.0.2.9 mine\n"
    lab.sh(member, f"sed -i '$d' {file}")


def knows():
    """Whether a member finds another one."""
    return (asked_by_member("vm1-east", "vm1-west") or [9])[0] == 0


def resolves():
    """Whether a member's resolver does."""
    return "100.64." in resolve("query", "vm1-east.payroll.vpn.internal")


def test_what_is_killed_changed_stopped_or_reverted_comes_back(say):
    lab.sh("edge-east", f"systemctl kill --signal=KILL {UNIT.format('payroll')}")
    _known, seconds = lab.wait_for("a server that was killed answers", knows, 10)
    say(f"a name server was killed; names are known again after {seconds:.1f} s")
    lab.sh("edge-east", f"systemctl stop {UNIT.format('payroll')}; echo >/etc/intercloud-vpn-names/audit/hosts")
    resolve("revert", "eth0")
    assert not knows() and not resolves()
    _known, seconds = lab.wait_for("a server that was stopped answers", knows, 40)
    say(f"a name server was stopped; names are known again after {seconds:.1f} s")
    assert asked_by_member("vm2-east", "vm2-west", dns.AAAA, "audit")[0] == 0
    lab.wait_for("a resolver has its settings again", resolves, 40)


def settings():
    """What resolved knows of the device: servers, domains, and whether it asks there for all else."""
    return [resolve(what, "eth0").partition("):")[2].split() for what in ("dns", "domain", "default-route")]


@pytest.mark.thorough("what is taken away comes back, above; unit tests")
def test_a_device_that_is_given_dns_servers_later_asks_them_for_all_else():
    resolve("dns", "eth0", "192.0.2.53")
    lab.wait_for("ours is taken back", lambda: settings() == [["192.0.2.53"], [], ["yes"]], 40)
    assert playbooks.create(PAYROLL, vcc_pools=POOLS, verify=False).changed == frozenset()
    assert settings()[0] == ["192.0.2.53"]
    resolve("revert", "eth0")
    lab.wait_for("a resolver has its settings again", resolves, 40)


def test_after_a_reboot_an_edge_answers_and_a_member_asks_it():
    lab.at_once(lambda name: lab.labctl("reboot", name), ["edge-east", RESOLVES])
    lab.wait_for("edge-east answers", knows, 30)
    assert asked_by_member("vm2-east", "vm2-west", dns.AAAA, "audit")[0] == 0
    lab.wait_for("a resolver has its settings", resolves, 30)
    assert playbooks.create(PAYROLL, AUDIT, vcc_pools=POOLS, verify=False).changed == frozenset()


def test_without_names_nothing_of_them_is_left():
    playbooks.create({**PAYROLL, "names": False}, vcc_pools=POOLS, verify=False)
    assert asked_by_member("vm1-east", "vm1-west") is None
    assert resolve("dns", "eth0").strip() == "Link 2 (eth0):"
    assert asked_by_member("vm2-east", "vm2-west", dns.AAAA, "audit")[0] == 0
    for edge in EDGES:
        assert lab.sh(edge, "cd /etc/intercloud-vpn-names; ls") == "audit\naudit.conf\n"
        assert UNIT.format("payroll") not in lab.sh(
            edge, "systemctl list-units --all --no-legend --plain 'intercloud-vpn-*'"
        )


def test_deleted_with_names_no_trace_is_left(before):
    playbooks.delete("payroll", "audit", verify=False)
    rebooted = re.compile(rf"(edge-east|{RESOLVES}): ip -o link: [-+] \d+: \w+@")  # they have new wires
    assert [line for line in snapshot.differences(before, snapshot.of_all()) if not rebooted.match(line)] == []
