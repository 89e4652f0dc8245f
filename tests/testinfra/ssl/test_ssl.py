# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A VPN over OpenVPN: the same members, addresses and walls as over IPsec, and TCP 443 where UDP is closed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import permutations
from pathlib import Path

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._node.ssl import processes
from ansible_collections.intercloud.vpn.plugins.module_utils._pki import ca
from ansible_collections.intercloud.vpn.plugins.plugin_utils import _lab
from ansible_collections.intercloud.vpn.tests.testinfra import (
    capture,
    flood,
    lab,
    ledger,
    openvpn,
    playbooks,
    snapshot,
    strongswan,
)
from ansible_collections.intercloud.vpn.tests.testinfra.playbooks import AUDIT, EDGES, PAYROLL

SSL = {**PAYROLL, "tunnel": "ssl"}
SECOND = {**AUDIT, "tunnel": "ssl"}
TUNNEL = "edge-east--edge-west--ssl"
STARTS, WAITS = "edge-east", "edge-west"
ADDRESS = "203.0.113.18"  # of the edge that waits
OTHERS = ["vm2-east", "vm3-east", "vm2-west"]
OPENVPN = "(udp port 1194 or tcp port 443)"
INNER = "net 100.64.0.0/10 or net 10.99.0.0/16 or net 10.10.0.0/24 or net 192.168.1.0/24"
ONE_SESSION = {edge: [(TUNNEL, "TLS_AES_256_GCM_SHA384", "secp384r1", "AES-256-GCM")] for edge in EDGES}


@pytest.fixture(scope="module")
def before():
    return snapshot.of_all()


@pytest.fixture(scope="module")
def created(before, tmp_path_factory):
    """What the internet saw while the VPN was created and used."""
    with capture.capturing(tmp_path_factory.mktemp("ssl") / "created.pcap") as seen:
        playbooks.create(SSL)
        found = playbooks.addresses()
        assert lab.transfer("vm1-east", "vm3-west", found["vm3-west"], octets=1_000_000)
    return seen


@pytest.fixture(scope="module")
def addresses(created):
    return playbooks.addresses()


def all_answer(addresses, members=None):
    pairs = permutations(members or SSL["members"], 2)
    return all(found.received for found in lab.reach(((one, addresses[two]) for one, two in pairs), count=1).values())


def session_of_each():
    return {
        edge: [(one["tunnel"], one["suite"], one["group"], one["cipher"]) for one in found]
        for edge, found in zip(EDGES, lab.at_once(openvpn.sessions, EDGES))
    }


def transports():
    return [[one["transport"] for one in found] for found in lab.at_once(openvpn.sessions, EDGES)]


def test_members_reach_each_other_without_loss_and_full_size(addresses):
    pings = lab.reach(((one, addresses[two]) for one, two in permutations(SSL["members"], 2)), count=10)
    assert {pair: found.lost for pair, found in pings.items()} == dict.fromkeys(pings, 0)
    assert lab.answers("vm1-east", addresses["vm1-west"], size=1418)
    assert lab.transfer("vm3-west", "vm1-east", addresses["vm1-east"], octets=1_000_000)


def test_who_is_no_member_reaches_no_member(addresses):
    pings = lab.reach((other, address) for other in OTHERS for address in addresses.values())
    assert [pair for pair, found in pings.items() if found.received] == []


def test_the_internet_sees_tls_and_nothing_of_what_is_inside(created):
    assert len(created.packets("udp port 1194")) > 500
    # Until the server is there, its edge says so.
    refused = "icmp[icmptype] == icmp-unreach"
    strange = f"not {OPENVPN} and not {refused} and not host 127.0.0.1 and not ({capture.HOUSEKEEPING})"
    assert created.packets(strange) == []
    assert created.packets(INNER) == []
    assert not created.contains(b"vpn!vpn!")


def test_there_is_one_strong_session_and_no_ipsec(addresses):
    assert session_of_each() == ONE_SESSION
    assert openvpn.processes(STARTS) == [TUNNEL]
    assert openvpn.processes(WAITS) == ["server-tcp", "server-udp"]
    assert [lab.sh(edge, "pidof charon-systemd", check=False) for edge in EDGES] == ["", ""]


def test_openvpn_runs_as_a_user_of_its_own_and_may_not_change_networks(addresses):
    for edge in EDGES:
        rights = lab.sh(
            edge, "for p in $(pidof openvpn); do ps -o user:32= -p $p; grep -h ^CapEff /proc/$p/status; done"
        )
        assert set(rights.replace("CapEff:\t", "").split()) == {processes.USER, "0000000000000000"}


def test_verify_agrees(addresses):
    result = playbooks.result()
    assert result["findings"] == []
    (link,) = result["links"]
    assert (link["state"], link["up"], link["tunnel"]) == ("INSTALLED", True, TUNNEL)
    assert link["algorithms"] == {"ike": "TLS_AES_256_GCM_SHA384/secp384r1", "esp": "AES-256-GCM"}


def test_creating_again_changes_nothing(addresses):
    since = {edge: [one["since"] for one in openvpn.sessions(edge)] for edge in EDGES}
    assert playbooks.create(SSL, verify=False).changed == frozenset()
    assert {edge: [one["since"] for one in openvpn.sessions(edge)] for edge in EDGES} == since


def test_a_second_vpn_shares_the_session_as_a_check_predicts(addresses, say):
    predicted = None
    if lab.thorough("the check scenario predicts what a further VPN does"):
        predicted = playbooks.create(SECOND, arguments=("--check", "-v"), verify=False)
        assert session_of_each() == ONE_SESSION
    with lab.pinging("vm1-east", addresses["vm1-west"], interval=0.05) as pings:
        done = playbooks.create(SECOND, arguments=("-v",), verify=False)
    say(f"a second VPN joined the session; pings of the first went without answer for {pings.lost * 0.05:.2f} s")
    assert pings.lost * 0.05 < 5
    assert predicted is None or all(predicted.actions[host] == done.actions[host] for host in EDGES)
    assert done.actions[WAITS]["openvpn"][-1].startswith("end the session with edge-east.")
    assert session_of_each() == ONE_SESSION
    others = playbooks.addresses("audit")
    assert lab.answers("vm2-east", others["vm2-west"])
    assert not lab.answers("vm2-east", addresses["vm1-west"])
    assert not lab.answers("vm1-east", others["vm2-west"])


def test_and_leaves_it_again(addresses):
    playbooks.delete("audit", verify=False)
    lab.wait_for("all members answer", lambda: all_answer(addresses), 20)
    assert lab.sh(WAITS, "grep -c ^iroute /etc/openvpn/intercloud-vpn/peers/*") == "1\n"


def test_where_udp_is_closed_it_takes_tcp_443(addresses, tmp_path, say):
    lab.wait_for("over UDP", lambda: transports() == [["udp"], ["udp"]], 150)
    with openvpn.closed("udp dport 1194"), capture.capturing(tmp_path / "tcp.pcap") as seen:
        _tcp, seconds = lab.wait_for("over TCP", lambda: transports() == [["tcp"], ["tcp"]], 60)
        say(f"UDP was closed; {seconds:.1f} s later the session is up over TCP 443")
        lab.wait_for("all members answer", lambda: all_answer(addresses), 10)
        assert lab.transfer("vm1-east", "vm3-west", addresses["vm3-west"], octets=1_000_000)
        playbooks.run("verify_vpn")
        assert playbooks.result()["links"][0]["transport"] == "tcp"
        assert session_of_each() == ONE_SESSION
    assert len(seen.packets("tcp port 443")) > 500
    assert seen.packets(INNER) == []


def test_a_stranger_with_3000_idle_connections_keeps_nobody_out_over_tcp(addresses, say):
    with openvpn.closed("udp dport 1194"), flood.going_on("hold", ADDRESS, 443, 3000, 80):
        lab.sh(STARTS, f"systemctl restart intercloud-vpn-ssl@{TUNNEL}")
        _tcp, seconds = lab.wait_for("over TCP", lambda: transports() == [["tcp"], ["tcp"]], 40)
        lab.wait_for("all members answer", lambda: all_answer(addresses), 10)
        held = lab.sh(WAITS, "ss -Htn state established '( sport = :443 )' | wc -l")
        say(f"beside {int(held) - 1} idle connections of 3,000 the session is up over TCP after {seconds:.1f} s")
    assert int(held) <= 33  # the peer's, 16 at once, and 16 in a minute


@pytest.mark.thorough("3,000 idle connections do not either")
def test_a_stranger_with_syns_of_false_addresses_keeps_nobody_out_over_tcp(addresses, say):
    """Neither a planned peer nor one whose address nobody planned, as behind a NAT: here, any connection.

    The server may hold some of the 3,000 of before, whose last packets it only lets in now; these ended long ago.
    """
    established = ("ss", "-Htn", "state", "established")
    with openvpn.closed("udp dport 1194"), flood.going_on("syn", ADDRESS, 443, 100, 60):
        lab.sh(STARTS, f"systemctl restart intercloud-vpn-ssl@{TUNNEL}")
        _tcp, seconds = lab.wait_for("over TCP", lambda: transports() == [["tcp"], ["tcp"]], 30)
        say(f"under 100 spoofed SYNs per second the session is up over TCP after {seconds:.1f} s")
        with flood.going_on("hold", ADDRESS, 443, 1, 20):
            (strangers,) = lab.netns(lab.INTERNET, *established, "dport = :443").splitlines()
            port = strangers.split()[2].rpartition(":")[2]
            held = lab.netns(WAITS, *established, "sport = :443").splitlines()
            assert port in [line.split()[3].rpartition(":")[2] for line in held]


@pytest.mark.thorough("it waits for over a minute; the next test finds UDP open again, too")
def test_and_goes_back_when_udp_is_open(addresses, say):
    _udp, seconds = lab.wait_for("over UDP", lambda: transports() == [["udp"], ["udp"]], 150)
    say(f"UDP was opened again; {seconds:.0f} s later the session is back on it")
    lab.wait_for("all members answer", lambda: all_answer(addresses), 10)


def test_a_stranger_with_40_kbit_of_false_packets_keeps_nobody_out_over_udp(addresses, say):
    """OpenVPN allows itself 100 answers to first packets in 10 s; these had used them up."""
    with flood.going_on("spoof", ADDRESS, 1194, 40, 60):
        lab.sh(STARTS, f"systemctl restart intercloud-vpn-ssl@{TUNNEL}")
        _udp, seconds = lab.wait_for("over UDP", lambda: transports() == [["udp"], ["udp"]], 20)
        lab.wait_for("all members answer", lambda: all_answer(addresses), 10)
        say(f"under 40 kbit/s of spoofed packets the session is up over UDP after {seconds:.1f} s")


@pytest.mark.parametrize("edge", [pytest.param(STARTS, marks=pytest.mark.thorough("the other edge's daemon")), WAITS])
def test_a_daemon_that_is_killed_comes_back(addresses, edge, say):
    """Over TCP perhaps: it is back on UDP a minute later, while the next tests run."""
    lab.sh(edge, "kill -KILL $(pidof openvpn)")
    _answered, seconds = lab.wait_for("all members answer", lambda: all_answer(addresses), 60)
    say(f"OpenVPN of {edge} was killed; {seconds:.1f} s later all members answer")
    lab.wait_for("one session", lambda: session_of_each() == ONE_SESSION, 30)


def test_keys_are_for_root_only_and_in_no_argument(addresses):
    for edge in EDGES:
        found = lab.sh(edge, "find /etc/openvpn/intercloud-vpn -name '*.key' -printf '%m %u %s\\n'").splitlines()
        assert set(found) == {"600 root 602"}
    key = lab.sh(WAITS, "sed -n 2p /etc/openvpn/intercloud-vpn/server-udp.key").strip()
    pattern = f"[{key[0]}]{key[1:16]}"  # which does not find itself
    for edge in EDGES:
        for where in ("cat /proc/[0-9]*/cmdline", "journalctl -b -o cat"):
            assert lab.sh(edge, f"{where} | grep -ac '{pattern}' || :").strip() == "0"


def test_without_the_key_there_is_no_answer_at_all(addresses):
    words = "openvpn --client --dev null --nobind --ca /etc/swanctl/x509ca/intercloud-vpn.pem"
    words += " --cert /etc/swanctl/x509/intercloud-vpn.pem --key /etc/swanctl/private/intercloud-vpn.key --verb 3"
    said = lab.sh(STARTS, f"timeout -s KILL 6 {words} --remote {ADDRESS} 1194 udp4 2>&1", check=False)
    assert "UDPv4 link remote" in said
    assert "VERIFY" not in said and "TLS: Initial packet" not in said


def test_a_new_key_takes_the_place_of_the_old_one(addresses):
    key = lab.host(WAITS).file("/etc/openvpn/intercloud-vpn/server-udp.key")
    before = key.content
    (path,) = Path(_lab.STATE_DIR, "tls-crypt").glob(f"*/{WAITS}")
    path.unlink()
    done = playbooks.create(SSL, arguments=("-v",))
    assert playbooks.result()["findings"] == []
    assert {edge: [a for a in done.actions[edge]["openvpn"] if "key" in a] for edge in EDGES} == {
        STARTS: [f"change the tls-crypt key of {TUNNEL}"],
        WAITS: ["change the tls-crypt key of server-udp", "change the tls-crypt key of server-tcp"],
    }
    assert key.content != before
    if lab.thorough("a second run after another change has nothing to do"):
        assert playbooks.create(SSL, verify=False).changed == frozenset()


KEY = Path(_lab.STATE_DIR, "tls-crypt/acme", WAITS)
ROTATED_BY = "unit tests: what a server and a client do with two keys, in each order"


def rotating():
    """The server's keys on the VCC server, the one in use first."""
    lines = KEY.read_text(encoding="utf-8").splitlines()
    return [lines[0], *(line.split(" ", 2)[2] for line in lines[1:] if line.startswith("also "))]


def loaded(edge):
    """The keys on an edge's disk."""
    texts = lab.sh(edge, "cat /etc/openvpn/intercloud-vpn/*.key | grep -v -e -----")
    digits = texts.replace("\n", "")
    return {digits[at : at + 512] for at in range(0, len(digits), 512)}


@pytest.mark.thorough(ROTATED_BY)
def test_a_key_is_rotated_and_sessions_wait_for_one_restart(addresses, say):
    (old,) = rotating()
    check = playbooks.run("rotate", vcc_rotate="tls_crypt", arguments=("--check",))
    assert check.hosts("changed") >= {*EDGES} and rotating() == [old]
    with lab.pinging("vm1-east", addresses["vm1-west"], interval=0.01) as pings:
        run = playbooks.run("rotate", vcc_rotate="tls_crypt", arguments=("-vvv", "--diff"))
    say(f"a tls-crypt key rotated: pings went without answer for {pings.lost * 0.01:.2f} s")
    (new,) = rotating()
    assert new != old and not [key for key in (old, new) if key[:64] in run.output]
    assert [loaded(edge) for edge in EDGES] == [{new}, {new}]
    assert pings.lost * 0.01 < 8
    lab.wait_for("all members answer", lambda: all_answer(addresses), 20)
    assert session_of_each() == ONE_SESSION
    assert playbooks.create(SSL).changed == frozenset()


@pytest.mark.thorough(ROTATED_BY)
@pytest.mark.parametrize("first", EDGES)
def test_one_edge_is_ahead_when_a_key_is_rotated(addresses, say, first):
    """Whichever end has changed keys: who starts anew then comes in. Then it is abandoned, or goes on."""
    (old,) = rotating()
    cloud = first.partition("-")[2]
    one = ("--limit", f"localhost,node-{cloud},{first}")
    playbooks.run("rotate", vcc_rotate="tls_crypt", arguments=one, succeeds=False)
    playbooks.create(SSL, verify=False)  # both have both keys
    playbooks.run("rotate", arguments=one, succeeds=False)  # nobody takes it further: one did not answer
    lines = KEY.read_text(encoding="utf-8").splitlines()
    also = next(line for line in lines[1:] if line.startswith("also "))
    number = next((line.split()[1] for line in lines[1:] if line.startswith("generation ")), "1")
    swapped = [also.split(" ", 2)[2], f"generation {also.split()[1]}", f"also {number} {old}"]
    KEY.write_text("\n".join(swapped) + "\n", encoding="utf-8")  # as the run does when all have answered
    playbooks.run("rotate", arguments=one, succeeds=False)
    for edge in (STARTS, WAITS):
        lab.sh(edge, "systemctl restart 'intercloud-vpn-ssl@*'")
        _answer, took = lab.wait_for(
            "members answer", lambda: lab.answers("vm1-east", addresses["vm1-west"], count=1), 60
        )
        say(f"{first} ahead, OpenVPN of {edge} restarted: back after {took:.1f} s")
    playbooks.run("rotate", **({"vcc_rotate_abandon": True} if first == STARTS else {}))
    assert (rotating() == [old]) == (first == STARTS)
    assert [loaded(edge) for edge in EDGES] == [{*rotating()}] * 2
    lab.wait_for("all members answer", lambda: all_answer(addresses), 20)
    assert playbooks.create(SSL).changed == frozenset()


def test_what_openvpns_user_leaves_behind_stops_nothing(addresses):
    left = "mkfifo edge-x.acme && mkdir edge-y.acme && ln -s /etc/shadow edge-z.acme"
    lab.sh(WAITS, f"runuser -u {processes.USER} -- sh -c 'cd {processes.ARRIVALS} && {left}'")
    try:
        lab.sh(WAITS, f"timeout 20 {openvpn.AGENT} peers")
        assert playbooks.create(SSL, verify=False).changed == frozenset()
    finally:
        lab.sh(WAITS, f"rm -rf {processes.ARRIVALS}/edge-[xyz].acme")


def test_roots_directories_stay_roots(addresses):
    lab.sh(WAITS, "mkdir -p /srv/roots")
    news = processes.NEWS
    tried = f"cd {news}/.. && rmdir ssl-news; ln -s /srv/roots {news}; ln -s /srv/roots {news}/x"
    lab.sh(WAITS, f"runuser -u {processes.USER} -- sh -c '{tried}'", check=False)
    lab.sh(WAITS, "systemctl restart intercloud-vpn-ssl@server-udp")
    assert lab.sh(WAITS, "stat -c %U /srv/roots; rmdir /srv/roots") == "root\n"
    lab.wait_for("over UDP", lambda: transports() == [["udp"], ["udp"]], 150)
    lab.wait_for("the link is gone", lambda: lab.sh(WAITS, f"ls -A {processes.NEWS}") == "", 20)


def test_when_nothing_passes_nothing_leaves_in_clear(addresses, tmp_path):
    with openvpn.closed("meta l4proto { tcp, udp }"), capture.capturing(tmp_path / "shut.pcap") as seen:
        lab.wait_for("no session", lambda: transports()[0] == [], 60)
        assert not all_answer(addresses)
        assert not lab.answers("vm1-east", addresses["vm3-west"], count=20)
        found = playbooks.run("verify_vpn", succeeds=False).output
    assert seen.packets(INNER) == []
    assert f"tunnel {TUNNEL}" in found
    assert "gets no answer from edge-west." in " ".join(found.split())
    lab.wait_for("all members answer", lambda: all_answer(addresses), 90)


NAMES = "names others' addresses"
UNIT = pytest.mark.thorough("tests/unit, ssl/test_admitted.py: what a server makes of a certificate's addresses")


@pytest.mark.parametrize("case", ["another authority", "no tunnel here", pytest.param(NAMES, marks=UNIT)])
def test_a_certificate_that_is_not_a_peers_gets_in_nowhere(addresses, case):
    """A client with the server's address and port, and everything right but who it is."""
    if case == NAMES:
        playbooks.run("rotate", vcc_rotate="authority", vcc_certified_addresses=True)
    (authority,) = Path(_lab.STATE_DIR, "ca").iterdir()
    new = "openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-384 -nodes -keyout /tmp/key.pem -subj"
    name = f"{STARTS if case == NAMES else 'edge-strange'}.{authority.name}"
    if case == "another authority":
        lab.sh(STARTS, f"{new} /CN=edge-east.{authority.name} -x509 -out /tmp/cert.pem 2>/dev/null")
    else:
        csr = lab.sh(STARTS, f"{new} /CN={name} -addext subjectAltName=DNS:{name} 2>/dev/null")
        owner = ca.ensure_authority(_lab.STATE_DIR, authority.name)
        issued = ca.sign(owner, csr, name, addresses=["192.0.2.0/24", "fd64::/64"])
        lab.sh(STARTS, f"cat > /tmp/cert.pem <<'END'\n{issued.certificate}END")
    words = "openvpn --client --dev null --nobind --ca /etc/swanctl/x509ca/intercloud-vpn.pem --cert /tmp/cert.pem"
    words += f" --tls-crypt /etc/openvpn/intercloud-vpn/{TUNNEL}.key"  # and even has the key that gets an answer
    words += " --key /tmp/key.pem --remote-cert-tls server --ifconfig-noexec --route-noexec --verb 3"
    ways = (f"{ADDRESS} 1194 udp4", f"{ADDRESS} 443 tcp4-client")
    for said in lab.at_once(
        lambda way: lab.sh(STARTS, f"timeout -s KILL 6 {words} --remote {way} 2>&1", check=False), ways
    ):
        assert "VERIFY OK: depth=0" in said, "it reached the server"
        assert "Initialization Sequence Completed" not in said
    lab.sh(STARTS, "rm -f /tmp/key.pem /tmp/cert.pem")
    if name.startswith(STARTS):  # whoever comes by a peer's name takes its place first
        log = "journalctl -u 'intercloud-vpn-ssl@server-*' --since=-30s -o cat | grep -c 'certificate does not name'"
        assert int(lab.sh(WAITS, log, check=False) or 0) >= len(ways)
        lab.wait_for("the session of before", lambda: session_of_each() == ONE_SESSION, 60)
    assert session_of_each() == ONE_SESSION


def test_a_revoked_certificate_loses_its_session_and_a_new_key_gets_one(addresses):
    playbooks.run("revoke_certificate", vcc_revoke=STARTS)
    lab.wait_for("no session", lambda: transports() == [[], []], 20)
    assert not all_answer(addresses)
    # It tries again and again, and is refused each time.
    refused = "journalctl -u 'intercloud-vpn-ssl@server-*' --since=-60s -o cat | grep -c 'VERIFY CRL'"
    lab.wait_for("refused", lambda: int(lab.sh(WAITS, refused, check=False) or 0) > 1, 40)
    assert transports() == [[], []]
    found = " ".join(playbooks.run("verify_vpn", succeeds=False).output.split())
    assert "edge-west refuses edge-east." in found, playbooks.result()["findings"]
    assert "its certificate was revoked" in found
    playbooks.create(SSL)
    assert session_of_each() == ONE_SESSION


def test_it_moves_to_ipsec_and_keeps_its_addresses(addresses, tmp_path):
    with capture.capturing(tmp_path / "moved.pcap") as seen:
        playbooks.create(PAYROLL)
    assert seen.packets(INNER) == []
    assert playbooks.addresses() == addresses
    assert all_answer(addresses)
    assert [[sa.name for sa in strongswan.ike_sas(edge)] for edge in EDGES] == [["edge-east--edge-west"]] * 2
    assert [openvpn.processes(edge) for edge in EDGES] == [[], []]
    assert [row["name"] for row in ledger.rows("tunnels")] == ["edge-east--edge-west"]


def test_and_back(addresses, tmp_path):
    with capture.capturing(tmp_path / "back.pcap") as seen:
        playbooks.create(SSL)
    assert seen.packets(INNER) == []
    assert playbooks.addresses() == addresses
    assert all_answer(addresses)
    assert session_of_each() == ONE_SESSION
    assert [lab.sh(edge, "pidof charon-systemd", check=False) for edge in EDGES] == ["", ""]


def test_the_last_one_is_deleted_and_leaves_no_trace_on_any_machine(before, addresses):
    """The authority stays, on the VCC server. The agents look and repair all the time: a device keeps changing."""
    change = "ip link set lo alias $n; sleep 0.05; n=$((n+1))"
    changing = f"n=0; while [ -e /etc/systemd/system/intercloud-vpn.service ]; do {change}; done; echo $n"
    with ThreadPoolExecutor(len(EDGES)) as beside:
        times = beside.map(lambda edge: lab.sh(edge, f"{changing}; ip link set lo alias ''"), EDGES)
        playbooks.delete("payroll", verify=False)
    assert min(map(int, times)) > 5
    assert snapshot.differences(before, snapshot.of_all()) == []


@pytest.mark.thorough("what limits and stretched show over IPsec; killed daemons are tried above")
def test_both_edges_reboot_and_all_comes_back(say):
    playbooks.create(SSL, verify=False)
    addresses = playbooks.addresses()
    lab.wait_for("all members answer", lambda: all_answer(addresses), 10)
    lab.at_once(lambda edge: lab.labctl("reboot", edge), EDGES)
    _answered, seconds = lab.wait_for("all members answer", lambda: all_answer(addresses), 90)
    say(f"both edges rebooted; {seconds:.1f} s after they are up all members answer")
    assert playbooks.create(SSL, verify=False).changed == frozenset()
