"""The running lab is what the landscape says. Skipped where there is none; changes nothing that lasts.

.venv/bin/pytest tests/lab
"""

from __future__ import annotations

import json
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ansible_collections.intercloud.vpn.plugins.plugin_utils import _lab

try:
    with open(_lab.STATE_FILE, encoding="utf-8") as _file:
        STATE = json.load(_file)
except FileNotFoundError:
    pytest.skip("there is no lab: make lab", allow_module_level=True)

MACHINES = _lab.machines_in(STATE)
VMS = [name for name, machine in MACHINES.items() if machine.kind == "member"]
EDGES = [name for name, machine in MACHINES.items() if machine.kind == "org_edge"]


ROOT = Path(__file__).resolve().parents[2]


def sh(machine, command):
    done = subprocess.run(["ssh", "-F", _lab.SSH_CONFIG, machine, command], capture_output=True, text=True, check=False)
    # What ssh itself has to say, of a socket that another one made first for example, is of interest in failure only.
    return done.returncode, done.stdout.strip() or done.stderr.strip()


def netns(namespace, *command, **options):
    return subprocess.run(
        ["ip", "netns", "exec", namespace, *command], capture_output=True, text=True, check=False, **options
    )


def edge_of(vm):
    """The org edge of a VM's organization in its cloud."""
    place = MACHINES[vm].cloud, MACHINES[vm].organization
    (edge,) = [MACHINES[name] for name in EDGES if (MACHINES[name].cloud, MACHINES[name].organization) == place]
    return edge


def test_every_machine_answers_by_its_own_name_and_has_booted_whole():
    with ThreadPoolExecutor(6) as pool:
        answers = dict(zip(MACHINES, pool.map(lambda m: sh(m, "hostname; systemctl is-system-running"), MACHINES)))
    assert answers == {name: (0, f"{name}\nrunning") for name in MACHINES}


def test_only_the_nodes_are_reached_directly():
    addresses = {
        address.partition("/")[0]
        for machine in MACHINES.values()
        if machine.kind != "vcc_node"
        for interface in machine.interfaces
        for address in interface.addresses
    }
    for address in sorted(addresses):
        route = subprocess.run(["ip", "route", "get", address], capture_output=True, text=True, check=False).stdout
        assert f"dev {_lab.CONTROLLER_BRIDGE}" not in route


def test_the_root_enables_no_service_that_a_role_shall_enable():
    wants = Path(STATE["root"], "etc/systemd/system").glob("*.wants/*")
    assert not {path.name for path in wants} & {"strongswan.service", "strongswan-starter.service", "nftables.service"}


@pytest.mark.parametrize("vm", VMS)
def test_a_vm_reaches_the_public_network_through_its_gateways(vm):
    gateway = edge_of(vm).gateways[0]
    assert sh(vm, f"ping -c1 -W3 {gateway}")[0] == 0


@pytest.mark.parametrize("vm", VMS)
def test_tcp_and_udp_pass_the_gateways_whole(vm):
    """Both directions, 200 kB: checksums left to a network card that is none would show here."""
    gateway = edge_of(vm).gateways[0]
    port = str(5300 + VMS.index(vm))
    tools = ["ip", "netns", "exec", _lab.INTERNET, "python3", "-c", ECHO, gateway, port]
    with subprocess.Popen(tools, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout.readline() == "ready\n"
            assert sh(vm, f"python3 -c '{TALK}' {gateway} {port}") == (0, "tcp 200000 udp 1400")
        finally:
            server.terminate()


def test_machines_of_a_cloud_do_not_reach_each_other_over_the_management_network():
    """Nor do organizations; the node reaches all."""
    ways = [(a, b) for a in MACHINES for b in MACHINES if a != b and MACHINES[a].cloud == MACHINES[b].cloud]
    ways = [(a, b) for a, b in ways if a.startswith(("node-", "vm1-")) and not b.startswith("node-")]
    with ThreadPoolExecutor(12) as pool:
        command = ["ping", "-c1", "-W1", "-I", "mgmt"]
        done = pool.map(lambda w: netns(w[0], *command, _lab.management_address(MACHINES[w[1]])).returncode, ways)
    assert {way: code == 0 for way, code in zip(ways, done)} == {way: way[0].startswith("node-") for way in ways}


def test_the_internet_knows_no_private_network():
    routes = netns(_lab.INTERNET, "ip", "-4", "route").stdout + netns(_lab.INTERNET, "ip", "-6", "route").stdout
    for private in ("10.", "172.", "192.168.", "100.", "fd", "default"):
        assert not any(line.startswith(private) for line in routes.splitlines()), routes


def test_the_clouds_edges_reach_each_others_public_addresses():
    for one in EDGES:
        for other in EDGES:
            for address in _common(one, other):
                assert sh(one, f"ping -c1 -W3 {address}")[0] == 0, (one, address)


def _common(one, other):
    """The other's public addresses that this edge can reach: behind the NAT, there is no IPv6."""
    six = any(":" in address for address in MACHINES[one].variables["vcc_public_address"])
    return [address for address in MACHINES[other].variables["vcc_public_address"] if six or ":" not in address]


# Says the same back, over TCP and UDP.
ECHO = """
import socket, sys, threading
at = (sys.argv[1], int(sys.argv[2]))
tcp = socket.create_server(at)
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.bind(at)
def datagrams():
    while True:
        udp.sendto(*udp.recvfrom(9000))
threading.Thread(target=datagrams, daemon=True).start()
print("ready", flush=True)
while True:
    client, _ = tcp.accept()
    while data := client.recv(65536):
        client.sendall(data)
"""
TALK = """
import socket, sys, threading
at = (sys.argv[1], int(sys.argv[2]))
tcp = socket.create_connection(at, 5)
threading.Thread(target=tcp.sendall, args=(bytes(200000),), daemon=True).start()
got = 0
while got < 200000: got += len(tcp.recv(65536))
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.settimeout(5)
udp.sendto(bytes(1400), at)
print("tcp", got, "udp", len(udp.recv(9000)))
"""


def test_lab_up_puts_back_what_a_machine_has_lost():
    """With a device that goes down go its IPv6 addresses and all ways over it."""
    machine, device = next((m, i) for m in map(MACHINES.get, EDGES) for i in m.interfaces if i.network == "public")

    def shown():
        words = (("address", "show", device.name), ("route", "show", "default"), ("-6", "route", "show", "default"))
        return [netns(machine.name, "ip", "-br", *some).stdout for some in words]

    before = shown()
    netns(machine.name, "sh", "-c", f"ip link set {device.name} down; ip link set {device.name} up")
    assert shown() != before
    words = ["ansible-playbook", "-i", "inventories/lab", "playbooks/lab_up.yml", "-v"]
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=ROOT, timeout=180)
    assert f"{machine.name}: network mended" in done.stdout, done.stdout + done.stderr
    assert shown() == before
