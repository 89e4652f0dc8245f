# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Machines ask for an address, and are members: a vApp edge serves reservations only, an org edge a range besides."""

from __future__ import annotations

import re

import pytest

from ansible_collections.intercloud.vpn.tests.testinfra import dhcp_clients, inventories, lab, playbooks, snapshot

PAYROLL = {
    "name": "payroll",
    "pool": "internal",
    "members": ["vm1-east", {"name": "vm2-east", "mode": "nat"}, "vm1-west", {"name": "vm3-west", "mode": "nat"}],
}
AUDIT = {
    "name": "audit",
    "pool": "10.99.0.0/16",
    "members": [{"name": "vm2-east", "mode": "nat"}, {"name": "vm2-west", "mode": "nat"}],
}
WEST = {"range": ["10.10.0.100", "10.10.0.120"], "dns": ["10.10.0.1"], "lease": "10m"}
SERVED = {"vapp1_east": {"vcc_dhcp": True}, "edge_west": {"vcc_dhcp": WEST}}
CLIENTS = ("vm2-east", "vm3-west")  # they ask; nothing of ours is on them
UNIT = "intercloud-vpn-dhcp"
LEASES = "/var/lib/intercloud-vpn-dhcp/leases"
STRANGER = "02:00:5e:10:00:99"


@pytest.fixture(scope="module")
def before():
    return snapshot.of_all(set(lab.machines()) - set(CLIENTS))


@pytest.fixture(scope="module")
def inventory(tmp_path_factory):
    """The lab's, in which two edges serve; called: in which hosts have more variables."""
    path = tmp_path_factory.mktemp("dhcp") / "inventory.sh"

    def write(**more):
        return inventories.told(inventories.moved(path, {}), **{**SERVED, **more})

    return write


@pytest.fixture(scope="module", autouse=True)
def created(before, inventory):
    yield playbooks.create(PAYROLL, inventory=inventory(), arguments=("-v",), verify=False)
    for client in CLIENTS:
        dhcp_clients.bare(client)


@pytest.fixture
def client():
    """A member that is translated, without an address."""
    dhcp_clients.bare("vm2-east")
    return "vm2-east"


@pytest.fixture
def stranger():
    """Called: a machine that has another link-layer address until the test ends."""
    was = {}

    def become(name):
        dhcp_clients.bare(name)
        was[name] = link_layer_address(name)
        _set_mac(name, STRANGER)
        return name

    yield become
    for name, mac in was.items():
        dhcp_clients.bare(name)
        _set_mac(name, mac)


def link_layer_address(name):
    return lab.host(name).file("/sys/class/net/eth0/address").content_string.strip()


def _set_mac(name, mac):
    lab.sh(name, f"ip link set eth0 down; ip link set eth0 address {mac}; ip link set eth0 up")


def bound(address="192.168.1.12"):
    return lab.netns("vapp1-east", "ip", "neigh", "show", address, "dev", "vapp")


def pid(edge="vapp1-east"):
    return lab.host(edge).service(UNIT).systemd_properties["MainPID"]


@pytest.mark.parametrize(
    "ask",
    [
        dhcp_clients.udhcpc,
        pytest.param(dhcp_clients.dhclient, marks=pytest.mark.thorough("two other clients")),
        dhcp_clients.networkd,
    ],
)
def test_an_untouched_vm_asks_and_is_a_member(client, addresses, ask):
    """Its private address, the default route, the route to its VPN, and an MTU that the tunnel takes."""
    assert not lab.answers(client, addresses["vm1-west"])
    assert ask(client)
    found = dhcp_clients.state(client)
    assert found["address"] == ["192.168.1.12/24"]
    assert found["routes"].items() >= {"default": "192.168.1.1", "100.64.0.0/24": "192.168.1.1"}.items()
    assert 1300 < found["mtu"] < 1500
    assert lab.answers(client, addresses["vm1-west"], size=1400)  # userspace ESP takes no more, whatever the path could
    assert lab.answers(client, addresses["vm3-west"])
    assert lab.answers("vm1-west", addresses["vm2-east"])
    assert "PERMANENT" in bound(), "its link-layer address is no longer bound"


def test_on_an_org_network_too(addresses):
    dhcp_clients.bare("vm3-west")
    assert dhcp_clients.udhcpc("vm3-west")
    found, told = dhcp_clients.state("vm3-west"), dhcp_clients.told("vm3-west")
    assert found["address"] == ["10.10.0.13/24"]
    assert found["routes"] == {"default": "10.10.0.1", "100.64.0.0/24": "10.10.0.1"}
    assert (told["dns"], told["lease"], int(told["opt58"], 16)) == ("10.10.0.1", "600", 300)
    assert lab.answers("vm3-west", addresses["vm1-east"])


def test_a_machine_that_nobody_knows_gets_nothing_without_a_range(stranger):
    assert not dhcp_clients.udhcpc(stranger("vm2-east"), tries=3)


def test_and_an_address_of_the_range_and_nothing_of_vpns_with_one(stranger, addresses):
    name = stranger("vm3-west")
    assert dhcp_clients.udhcpc(name)
    found, told = dhcp_clients.state(name), dhcp_clients.told(name)
    assert re.fullmatch(r"10\.10\.0\.1[012]\d/24", found["address"][0])
    assert found["routes"] == {"default": "10.10.0.1"} and found["mtu"] == 1500
    assert told["dns"] == "10.10.0.1"
    assert not lab.answers(name, addresses["vm1-east"]) and not lab.answers(name, addresses["vm1-west"])


def test_nothing_is_served_on_the_other_side():
    """vm3-east is where the vApp edge's uplink is."""
    was = lab.sh("vm3-east", "cat /run/udhcpc.told", check=False)
    lab.sh("vm3-east", "printf '#!/bin/sh\\n' >/run/udhcpc.sh; chmod +x /run/udhcpc.sh")
    try:
        said = lab.sh("vm3-east", f"{dhcp_clients.UDHCPC} -q -t 3 -T 1 2>&1", check=False)
        assert "no lease" in said and was == ""
    finally:
        lab.sh("vm3-east", "rm -f /run/udhcpc.*")
    for edge, device in (("vapp1-east", "vapp"), ("edge-west", "org")):
        assert lab.sh(edge, "ss -Hlnu 'sport = 67' | awk '{print $4}'") == f"0.0.0.0%{device}:67\n"


def test_the_server_is_a_user_of_its_own():
    uid, *rights = lab.sh("vapp1-east", f"grep -E '^(Uid|CapBnd):' /proc/{pid()}/status | tr -s '\t' ' '").splitlines()
    assert uid.split()[1] not in ("0", "65534")
    assert rights == ["CapBnd: 0000000000003400"]  # low ports, raw packets, the network


def test_again_changes_nothing_and_no_lease_is_lost(client, inventory):
    assert dhcp_clients.udhcpc(client)
    leases = lab.host("vapp1-east").file(LEASES)
    was = pid(), leases.content_string
    assert playbooks.create(PAYROLL, inventory=inventory(), verify=False).changed == frozenset()
    assert (pid(), leases.content_string) == was and "192.168.1.12" in was[1]


def test_a_further_vpn_is_learnt_when_the_client_asks_again(client, inventory):
    """And a check predicts what is done for it."""
    assert dhcp_clients.udhcpc(client)
    assert int(dhcp_clients.told(client)["opt58"], 16) == 300  # T1, for clients that heed it
    predicted = None
    if lab.thorough("the check scenario predicts what a further VPN does"):
        predicted = playbooks.create(AUDIT, inventory=inventory(), verify=False, arguments=("--check", "-v"))
    done = playbooks.create(AUDIT, inventory=inventory(), verify=False, arguments=("-v",))
    actions = [f"write /etc/{UNIT}/dnsmasq.conf", f"restart {UNIT}.service"]
    assert done.actions["vapp1-east"]["dhcp"] == actions
    assert predicted is None or predicted.actions["vapp1-east"]["dhcp"] == actions
    dhcp_clients.renew(client)
    assert dhcp_clients.state(client)["address"] == ["192.168.1.12/24"]
    routes = dhcp_clients.state(client)["routes"]
    assert [prefix for prefix in routes if prefix.startswith("10.99.")] and "100.64.0.0/24" in routes
    assert lab.answers(client, playbooks.addresses("audit")["vm2-west"])
    playbooks.delete("audit", verify=False, inventory=inventory())


def test_a_vm_that_was_built_anew_gets_its_address_at_once(client, stranger, inventory):
    """The lease of the old one is not over."""
    assert dhcp_clients.udhcpc(client)
    name = stranger(client)
    assert not dhcp_clients.udhcpc(name, tries=2)
    dhcp_clients.bare(name)
    playbooks.create(PAYROLL, inventory=inventory(vm2_east={"vcc_mac": STRANGER}), verify=False)
    assert dhcp_clients.udhcpc(name)
    assert dhcp_clients.state(name)["address"] == ["192.168.1.12/24"]
    assert STRANGER in bound() and "PERMANENT" in bound()


def test_the_old_one_again(client, inventory, addresses):
    mac = link_layer_address(client)
    done = playbooks.create(PAYROLL, inventory=inventory(vm2_east={"vcc_mac": mac}), verify=False)
    assert not done.hosts("failed")
    assert dhcp_clients.udhcpc(client) and lab.answers(client, addresses["vm1-west"])


@pytest.mark.thorough("a machine that nobody knows gets nothing; unit tests")
def test_a_machine_whose_link_layer_address_is_not_known_is_named(inventory):
    done = playbooks.create(PAYROLL, inventory=inventory(vm1_east={"vcc_mac": []}), verify=False, arguments=("-v",))
    assert "no reservation of 192.168.1.11 for vm1-east: its link-layer address is not known" in done.output
    playbooks.create(PAYROLL, inventory=inventory(), verify=False)


def test_another_server_on_the_node_is_named_and_refused(inventory):
    start = "busybox udhcpd /run/udhcpd.conf >/dev/null 2>&1 </dev/null"
    config = ["interface vapp", "start 192.168.1.50", "end 192.168.1.60", "pidfile /run/udhcpd.pid"]
    config.append("lease_file /run/udhcpd.leases")
    lab.sh("vapp1-west", f"printf '%s\\n' {' '.join(map(repr, config))} >/run/udhcpd.conf; {start}")
    try:
        more = inventory(vapp1_west={"vcc_dhcp": True})
        done = playbooks.create(PAYROLL, inventory=more, verify=False, succeeds=False)
        assert re.search(r"UDP 67 is held by busybox \(process \d+\)", done.output)
        assert not lab.host("vapp1-west").service(UNIT).is_running
    finally:
        stop = "pid=$(cat /run/udhcpd.pid); kill $pid; while kill -0 $pid; do sleep 0.1; done; rm -f /run/udhcpd.*"
        lab.sh("vapp1-west", stop, check=False)
    playbooks.create(PAYROLL, inventory=inventory(), verify=False)


def test_what_is_killed_stopped_or_changed_comes_back(client, say):
    was = pid()
    lab.sh("vapp1-east", f"systemctl kill --signal=KILL {UNIT}")
    _there, seconds = lab.wait_for("another server", lambda: pid() not in ("0", was), 10)
    say(f"a DHCP server was killed; another one runs after {seconds:.1f} s")
    assert dhcp_clients.udhcpc(client)
    file = lab.host("vapp1-east").file(f"/etc/{UNIT}/dnsmasq.conf")
    config = file.content_string
    lab.sh("vapp1-east", f"systemctl stop {UNIT}; sed -i s/1.12/1.77/ /etc/{UNIT}/dnsmasq.conf")
    dhcp_clients.bare(client)
    assert not dhcp_clients.udhcpc(client, tries=1)

    def serves():
        return dhcp_clients.udhcpc(client, tries=2)

    _there, seconds = lab.wait_for("a server that was stopped answers", serves, 60)
    say(f"a DHCP server was stopped; a client has its address after {seconds:.1f} s")
    assert file.content_string == config
    assert dhcp_clients.state(client)["address"] == ["192.168.1.12/24"]


def test_after_a_reboot_the_edge_serves(client, inventory):
    lab.labctl("reboot", "vapp1-east")
    lab.wait_for("an address", lambda: dhcp_clients.udhcpc(client, tries=2), 60)
    if lab.thorough("everything is as planned, right below"):
        assert playbooks.create(PAYROLL, inventory=inventory(), verify=False).changed == frozenset()


def test_everything_is_as_planned(client, inventory):
    dhcp_clients.bare("vm3-west")
    assert dhcp_clients.udhcpc(client) and dhcp_clients.udhcpc("vm3-west")
    playbooks.create(PAYROLL, inventory=inventory())
    assert playbooks.result()["findings"] == []


def test_without_vcc_dhcp_an_edge_serves_no_more(client, inventory):
    playbooks.create(PAYROLL, inventory=inventory(vapp1_east={"vcc_dhcp": False}), verify=False)
    assert not dhcp_clients.udhcpc(client, tries=2)
    assert (
        lab.sh("vapp1-east", f"ls -d /etc/{UNIT}* /var/lib/{UNIT} /var/lib/private/{UNIT} /run/{UNIT}", check=False)
        == ""
    )
    assert lab.host("edge-west").service(UNIT).is_running
    assert playbooks.create(PAYROLL, inventory=inventory(), verify=False).hosts("changed")
    assert dhcp_clients.udhcpc(client)


def test_deleted_no_trace_is_left(before, inventory):
    playbooks.delete("payroll", verify=False, inventory=inventory())
    rebooted = re.compile(r"(vapp1-east): ip -o link: [-+] \d+: \w+@")  # it has new wires
    after = snapshot.of_all(before)
    assert [line for line in snapshot.differences(before, after) if not rebooted.match(line)] == []
