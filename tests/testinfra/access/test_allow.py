# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`allow`: members open to each other what a rule names, and nothing else. docs/access.md."""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from itertools import permutations

import pytest

from ansible_collections.intercloud.vpn.tests.testinfra import lab, ledger, playbooks, ports, strongswan

EDGES = ("edge-east", "edge-west")
MEMBERS = ("vm1-east", "vm2-east", "vm3-east", "vm1-west", "vm2-west", "vm3-west")
# In both clouds: one with its own address and one that is translated in the vApp, and either on the org network.
SHOP = {
    "name": "shop",
    "pool": "internal",
    "members": [
        "vm1-east",
        {"name": "vm2-east", "mode": "nat"},
        "vm3-east",
        {"name": "vm1-west", "ports": ["tcp/5432", "tcp/5433"]},
        {"name": "vm2-west", "mode": "nat"},
        {"name": "vm3-west", "mode": "nat"},
    ],
    "allow": [
        {"from": "*-east", "to": "vm1-west", "ports": ["tcp/5432", "tcp/9100"]},
        {"from": "all", "to": ["vm3-west", "vm2-east"], "ports": ["icmp", "tcp/9100", "udp/53"]},
        {"from": ["vm1-west"], "to": ["vapp1-east", "vm3-east"]},
        {"from": "vm2-west", "to": ["vm1-west"], "ports": ["tcp/5433", "icmp"]},
        {"from": "vm3-east", "to": ["vm1-east"], "ports": ["tcp/5432"]},
    ],
}
SIX = {**SHOP, "name": "six", "pool": "fd64::/48"}
LISTEN = {member: ["tcp/5432", "tcp/5433", "tcp/9100", "udp/53", "udp/99"] for member in MEMBERS}
TO_ALL = {"icmp", "tcp/9100", "udp/53"}
EVERYTHING = {"icmp", *LISTEN["vm1-east"]}


def opens(source, target):
    """What a member may open to another one, by hand."""
    if (source, target) == ("vm1-west", "vm2-east") or (source == "vm1-west" and target in ("vm1-east", "vm3-east")):
        return EVERYTHING
    if target in ("vm3-west", "vm2-east"):
        return TO_ALL
    if target == "vm1-west" and source.endswith("-east"):
        return {"tcp/5432"}  # 9100 is none of the ports of the member
    return {("vm2-west", "vm1-west"): {"tcp/5433", "icmp"}, ("vm3-east", "vm1-east"): {"tcp/5432"}}.get(
        (source, target), set()
    )


ALLOWED = {(source, target, what) for source, target in permutations(MEMBERS, 2) for what in opens(source, target)}


def shop(vpn=None, **changes):
    return {**(vpn or SHOP), **changes}


@pytest.fixture(scope="module", autouse=True)
def created():
    with ports.listening(LISTEN):
        playbooks.create(SHOP, SIX)
        yield


def number_of(vpn):
    return next(row["number"] for row in ledger.rows("vpns") if row["name"] == vpn)


def passing(vpn):
    """(source, target, port or icmp) of all that passes between members."""
    at = playbooks.addresses(vpn)
    names = {address: name for name, address in at.items()}
    asking = {
        source: [(at[target], port) for target in MEMBERS if target != source for port in LISTEN[target]]
        for source in MEMBERS
    }
    found = {(source, names[address], port) for source, address, port in ports.answered(asking)}
    pings = lab.reach((source, at[target]) for source, target in permutations(MEMBERS, 2))
    return found | {(source, names[address], "icmp") for (source, address), ping in pings.items() if ping.received}


@pytest.mark.parametrize("vpn", ["shop", "six"])
def test_what_passes_is_what_the_rules_name(vpn):
    found = passing(vpn)
    assert found - ALLOWED == set()
    assert ALLOWED - found == set()


def test_translated_members_are_seen_at_their_addresses_in_the_vpn():
    at = playbooks.addresses("shop")
    for source in ("vm1-east", "vm2-east", "vm2-west"):
        assert set(ports.ask(source, [(at["vm3-west"], "tcp/9100")]).values()) == {at[source]}


def test_verify_asked_what_the_rules_allow_and_tried_what_they_do_not():
    result = playbooks.result()
    assert result["ok"] and result["findings"] == []
    pinged = {(pair["src"], pair["dst"], "icmp") for pair in result["pairs"] if pair["vpn"] == "shop"}
    assert pinged == {entry for entry in ALLOWED if entry[2] == "icmp"}
    ports_of_shop = [probe for probe in result["ports"] if probe["vpn"] == "shop"]
    asked = {(probe["src"], probe["dst"], f"tcp/{probe['port']}") for probe in ports_of_shop}
    assert asked <= ALLOWED
    assert {pair[:2] for pair in pinged | asked} == {entry[:2] for entry in ALLOWED}
    tried = [probe for probe in result["negative"] if (probe["vpn"], probe["kind"]) == ("shop", "forbidden")]
    assert all(probe["ok"] for probe in tried)
    assert {probe["dst"] for probe in tried} == {*MEMBERS}
    assert len(tried) <= 4 * len(MEMBERS)
    assert all(link["up"] for link in result["links"])


@pytest.mark.thorough("test_access.py: again changes nothing")
def test_again_changes_nothing():
    assert playbooks.create(SHOP, SIX, verify=False).hosts("changed") == set()


PUNCH = """
import select, socket, sys, time
port, address = int(sys.argv[1]), sys.argv[2]
line = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
line.bind(("::" if ":" in address else "0.0.0.0", port))
end, got = time.time() + 4, 0
while time.time() < end:
    line.sendto(b"punch", (address, port))
    while select.select([line], [], [], 0.05)[0]:
        got += len(line.recv(100))
print(got)
"""


def punched(vpn, one, other):
    """How much each of two members gets while both send to each other."""
    at = playbooks.addresses(vpn)
    both = [
        lab.process(source, sys.executable, "-c", PUNCH, "7777", at[target])
        for source, target in ((one, other), (other, one))
    ]
    return [int(process.communicate(timeout=20)[0]) for process in both]


@pytest.mark.parametrize("vpn", ["shop", pytest.param("six", marks=pytest.mark.thorough("the same over IPv4"))])
@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("vm1-east", "vm2-west"),
        ("vm1-east", "vm3-east"),
        pytest.param("vm1-west", "vm2-west", marks=pytest.mark.thorough("two other members at one site")),
        pytest.param("vm2-west", "vm1-east", marks=pytest.mark.thorough("the other way round")),
    ],
)
def test_two_members_that_both_send_make_no_connection_of_it(vpn, one, other):
    """Each packet could be taken for the answer to the other's."""
    assert punched(vpn, one, other) == [0, 0]


def test_where_one_may_open_a_connection_both_get_what_is_sent():
    assert min(punched("shop", "vm1-west", "vm1-east")) > 0


LARGE = """
import errno, socket, sys, time
line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
line.setsockopt(socket.IPPROTO_IP, 10, 2)  # IP_MTU_DISCOVER, IP_PMTUDISC_DO
line.connect((sys.argv[1], 53))
for _try in range(20):
    try:
        line.send(bytes(1460))
    except OSError as error:
        if error.errno == errno.EMSGSIZE:
            print(line.getsockopt(socket.IPPROTO_IP, 14))  # IP_MTU
            break
    time.sleep(0.1)
"""


@pytest.mark.parametrize(
    "source",
    ["vm1-east", pytest.param("vm2-east", marks=pytest.mark.thorough("the same of one that is not translated"))],
)
def test_a_gateway_may_say_what_is_too_large(source):
    """From where only a port is allowed, too: path MTU discovery is not a connection."""
    learned = lab.netns(source, sys.executable, "-c", LARGE, playbooks.addresses("shop")["vm3-west"])
    assert 1280 <= int(learned) < 1488


ECHO = """
import socket, threading
server = socket.create_server(("::", 5599), family=socket.AF_INET6, dualstack_ipv6=True)
print("ready", flush=True)
def serve(client):
    while data := client.recv(100):
        client.sendall(data)
while True:
    threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()
"""
TALK = """
import socket, sys
client = socket.create_connection((sys.argv[1], 5599), timeout=5)
client.settimeout(3)
print("open", flush=True)
for line in sys.stdin:
    try:
        client.sendall(line.encode())
        print(client.recv(100).decode().strip(), flush=True)
    except OSError as error:
        print(type(error).__name__, flush=True)
"""


@contextmanager
def connection(source, target, address):
    """A connection that stays open; what it gives says a word, and returns what comes back."""
    with lab.process(target, sys.executable, "-c", ECHO) as server:
        assert server.stdout.readline() == "ready\n"
        with lab.process(source, sys.executable, "-c", TALK, address) as client:
            assert client.stdout.readline() == "open\n"

            def say(word):
                client.stdin.write(f"{word}\n")
                client.stdin.flush()
                return client.stdout.readline().strip()

            try:
                yield say
            finally:
                client.kill()
                server.kill()


def test_a_rule_changes_where_it_counts_and_keeps_what_is_allowed():
    before = strongswan.spis(*EDGES)
    address = playbooks.addresses("shop")["vm3-east"]
    more = [*SHOP["allow"], {"from": "vm2-west", "to": "vm2-east", "ports": ["tcp/5432"]}]
    less = [rule for rule in SHOP["allow"] if "vm1-west" not in rule["from"]]
    with connection("vm1-west", "vm3-east", address) as say:
        assert say("one") == "one"
        run = playbooks.create(shop(allow=more), verify=False)
        changed = run.hosts("changed") - {"localhost", "node-east", "node-west"}
        assert changed == {"edge-east", "edge-west", "vapp1-east"}
        assert say("two") == "two"
        assert ("vm2-west", "vm2-east", "tcp/5432") in passing("shop") - ALLOWED
        playbooks.create(shop(allow=less), verify=False)
        assert say("three") != "three"
        playbooks.create(SHOP, verify=False)
        # What was held back arrives, when TCP tries again.
        lab.wait_for("the connection goes on", lambda: "three" in say("four"), 60)
    assert strongswan.spis(*EDGES) == before
    assert passing("shop") == ALLOWED


@pytest.mark.thorough("tests of the plan without machines")
def test_the_plan_says_what_changes():
    less = [rule for rule in SHOP["allow"] if rule["from"] != "vm2-west"]
    run = playbooks.run("plan_vpn", vpns=[shop(allow=less)])
    text = " ".join(run.output.split())
    assert "- allow vm2-west -> vm1-west, icmp tcp/5433" in text


def test_a_vpn_that_is_not_named_keeps_its_rules():
    kept = json.loads(next(row["intent"] for row in ledger.rows("vpns") if row["name"] == "shop"))
    assert len(kept["allow"]) == len(SHOP["allow"])
    assert playbooks.create(SIX, verify=False).hosts("changed") == set()


@pytest.mark.thorough("verify notices a port that is open in test_access.py, by the same probes")
def test_verify_finds_a_hole():
    """The agent would close it."""
    number = number_of("shop")
    for gateway in ("edge-east", "vapp1-east", "edge-west", "vapp1-west"):
        lab.sh(
            gateway, f"systemctl stop intercloud-vpn && nft insert rule inet intercloud_vpn vpn{number}_allow return"
        )
    playbooks.run("verify_vpn", vpns=[SHOP, SIX], succeeds=False)
    findings = playbooks.result()["findings"]
    holes = [one for one in findings if one["expected"] == "no answer: no rule in allow permits the connection"]
    assert holes and all(one["subject"].startswith("shop: ") for one in holes)
    playbooks.create(SHOP, SIX, verify=False)
    assert passing("shop") == ALLOWED


@pytest.mark.thorough("verify finds a hole, and a port that is open, by the same probes")
def test_verify_finds_a_rule_that_does_not_work():
    number = number_of("shop")
    sets = lab.sh(
        "vapp1-west", f"nft list table inet intercloud_vpn | grep -o 'vpn{number}_allow[0-9]*_from ' | sort -u"
    )
    flush = "; ".join(f"nft flush set inet intercloud_vpn {name}" for name in sets.split())
    lab.sh("vapp1-west", f"systemctl stop intercloud-vpn; {flush}")
    playbooks.run("verify_vpn", vpns=[SHOP, SIX], succeeds=False)
    findings = playbooks.result()["findings"]
    assert any("TCP port 5432 answers" in one["expected"] for one in findings), findings
    assert any(one["subject"] == "vapp1-west" for one in findings)  # it is not as its document says
    playbooks.create(SHOP, SIX)


def test_no_rule_at_all_lets_nothing_pass():
    playbooks.create(shop(allow=[]))
    assert passing("shop") == set()
    result = playbooks.result()
    assert result["ok"] and all(link["up"] for link in result["links"])
    assert [pair for pair in result["pairs"] if pair["vpn"] == "shop"] == []


def test_without_the_key_all_is_open_again():
    open_vpn = {key: value for key, value in SHOP.items() if key != "allow"}
    playbooks.create(open_vpn, verify=False)
    assert ("vm2-west", "vm1-east", "udp/99") in passing("shop")
    assert (
        lab.sh("edge-east", f"nft list table inet intercloud_vpn | grep -c vpn{number_of('shop')}_allow", False)
        == "0\n"
    )


def test_a_rule_counts_for_what_the_other_member_opened_before():
    """Between the same two ports, packets would be taken for replies to an opening that is allowed no more."""
    lab.netns("vm2-west", sys.executable, "-c", PUNCH, "7777", playbooks.addresses("shop")["vm1-east"])
    assert min(punched("shop", "vm2-west", "vm1-east")) > 0
    playbooks.create(shop(allow=[{"from": "vm1-east", "to": "vm2-west", "ports": ["udp/7777"]}]), verify=False)
    assert min(punched("shop", "vm1-east", "vm2-west")) > 0


TILL = {
    "name": "till",
    "pool": "internal",
    "members": ["vm1-east", {"name": "vm2-east", "mode": "nat"}, "vm1-west"],
    "allow": [],
    "destinations": {
        "servers": [{"name": "erp", "behind": "edge-west", "address": "10.10.0.13", "ports": ["tcp/9100"]}]
    },
}


def refused(gateway):
    text = lab.sh(gateway, "nft -j list counter inet intercloud_vpn refused")
    return next(entry["counter"]["packets"] for entry in json.loads(text)["nftables"] if "counter" in entry)


@pytest.mark.thorough("test_access.py has destinations; unit tests have both together")
def test_destinations_keep_rules_of_their_own():
    playbooks.create(TILL)
    assert playbooks.result()["ok"]
    at = playbooks.addresses("till")
    server = ledger.leases("till")["vpn/till/site/edge-west/server/erp"].partition("/")[0]
    before = refused("edge-west")
    asking = {source: [(server, "tcp/9100"), (server, "tcp/5432")] for source in at}
    asking["vm1-west"] += [(at["vm1-east"], "tcp/9100"), (at["vm2-east"], "udp/99")]
    assert ports.answered(asking) == {(source, server, "tcp/9100") for source in at}
    assert refused("edge-west") > before
    asking = {"vm3-west": [(at["vm1-west"], "tcp/5432"), (at["vm1-east"], "tcp/5432")]}
    assert ports.answered(asking) == set()


@pytest.mark.thorough("test_access.py, with rules by member instead of by port")
def test_a_deleted_vpn_leaves_nothing():
    playbooks.create(SHOP, verify=False)
    playbooks.delete("shop", "six", "till", verify=False)
    gateways = lab.of_kind("org_edge", "vapp_edge")
    found = lab.at_once(lambda name: lab.sh(name, "nft list tables inet; ip route show proto 155"), gateways)
    assert set(found) == {""}
    assert ledger.leases("shop") == {}
