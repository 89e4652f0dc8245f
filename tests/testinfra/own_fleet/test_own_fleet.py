# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/own_fleet.md as it is printed, on the lab: from a tarball to a VPN that is proven, unchanged, and gone."""

from __future__ import annotations

import re
import shutil
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ansible_collections.intercloud.vpn.tests.testinfra import lab, ledger, ports, strongswan
from ansible_collections.intercloud.vpn.tests.testinfra.own_fleet import newcomer
from ansible_collections.intercloud.vpn.tests.testinfra.own_fleet.newcomer import MACHINES, Newcomer

EVERY = "ansible 'all:!cloud_partner' -i my_fleet -m "
PLAY = "ansible-playbook -i my_fleet intercloud.vpn."
MEMBERS = ("vm1-east", "vm1-west", "vm3-west")


@pytest.fixture(scope="module")
def user():
    """At home with the collection installed. The home's path is short: sockets have theirs in it."""
    newcomer.add_login()
    home = Path(tempfile.mkdtemp(prefix="home"))
    someone = Newcomer(home)
    someone.prepare()
    tarball = someone.build()
    someone.run(f"ansible-galaxy collection install {tarball}")
    yield someone
    shutil.rmtree(home)
    newcomer.remove_login()


@pytest.fixture(scope="module")
def fleet(user):
    """The example's files with the lab's names and addresses."""
    user.run("cp -r ~/.ansible/collections/ansible_collections/intercloud/vpn/inventories/example my_fleet")
    user.edit(user.home / "my_fleet")
    user.run("ansible-inventory -i my_fleet --graph")
    return user


@pytest.fixture(scope="module")
def known(fleet):
    """With every host's key learned as the page says."""
    fleet.run(EVERY + "ping -e host_keys=accept-new")
    return fleet


@pytest.fixture(scope="module")
def created(known):
    with ports.listening({"vm3-east": ["tcp/8443"], "vm3-west": ["tcp/5432"]}):
        known.run(PLAY + "create_vpn")
        yield known


def test_a_key_that_is_not_known_is_refused(fleet):
    """The command that learns the keys is needed: nothing in the example switches the check off."""
    refused = fleet.run(EVERY + "command -a hostname", succeeds=False).output
    assert set(re.findall(r"^(\S+) \| UNREACHABLE!", refused, re.MULTILINE)) == set(MACHINES)
    assert "Host key verification failed" in refused


def test_host_keys_are_known_by_inventory_names(known):
    for name in MACHINES:
        shown = known.run(f"ssh-keygen -lF {name}", printed=name == "edge-east").output
        key = lab.sh(name, "ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub")
        assert key.split()[1] in shown


def test_every_name_leads_to_its_own_machine(known):
    answers = known.run(EVERY + "command -a hostname").output
    found = dict(re.findall(r"^(\S+) \| \S+ \| rc=0 >>\n(\S+)$", answers, re.MULTILINE))
    assert found.pop("localhost") == Path("/proc/sys/kernel/hostname").read_text(encoding="ascii").strip()
    assert found == {name: name for name in MACHINES}


def test_it_logs_in_as_a_user_and_becomes_root(known):
    who = known.run(EVERY + "command -a 'sh -c \"id -un; echo $SUDO_USER\"'", printed=False).output
    assert len(re.findall(r"rc=0 >>\nroot\nadmin$", who, re.MULTILINE)) == len(MACHINES)


def test_two_names_in_two_inventories_have_two_connections(known):
    """Within a minute after a run on one fleet, a run on another one with the same names must not reach the first."""
    other = known.home / "other_fleet"
    shutil.copytree(known.home / "my_fleet", other)
    hosts = (other / "hosts.yml").read_text(encoding="utf-8")
    (other / "hosts.yml").write_text(hosts.replace("ansible_host: 198.18.0.10", "ansible_host: 198.18.0.99"), "utf-8")
    known.run("ansible node-east -i my_fleet -m command -a hostname", printed=False)
    known.run("ansible node-east -i other_fleet -m command -a hostname -T 2", printed=False, succeeds=False)


@pytest.mark.thorough("tests/integration: two names for one connection are refused")
def test_a_fleet_without_connections_of_its_own_is_refused(known):
    careless = known.home / "careless_fleet"
    shutil.copytree(known.home / "my_fleet", careless)
    settings = (careless / "group_vars/all.yml").read_text(encoding="utf-8")
    without = re.sub("^ansible_control_path: .*\n", "", settings, flags=re.MULTILINE)
    assert without != settings
    (careless / "group_vars/all.yml").write_text(without, encoding="utf-8")
    refused = known.run(
        "ansible-playbook -i careless_fleet intercloud.vpn.plan_vpn", printed=False, succeeds=False
    ).output
    for host, other in (("edge-west", "edge-east"), ("vapp1-west", "vapp1-east"), ("vm1-west", "vm1-east")):
        assert f"hosts.{host}.ansible_host: " in refused
        assert f"reached over the same connection as {other}" in refused
    assert "3 mistakes in the intent, no host was touched" in refused


@pytest.mark.parametrize(
    ("host", "silent", "device"),
    [
        ("edge-east", "node-east", "ctl"),
        pytest.param("edge-west", "edge-west", "mgmt", marks=pytest.mark.thorough("a silent jump does not either")),
    ],
)
def test_neither_a_silent_jump_nor_a_silent_host_holds_up_a_run(known, say, host, silent, device):
    """TCP alone would wait for a quarter of an hour."""
    with ThreadPoolExecutor(1) as pool:
        command = f"ansible {host} -i my_fleet -m command -a 'sleep 299'"
        run = pool.submit(known.run, command, printed=False, succeeds=False)
        lab.wait_for("the command runs", lambda: lab.sh(host, "pgrep -fx 'sleep 299'", check=False), 60)
        lab.netns(silent, "ip", "link", "set", device, "down")
        begun = time.monotonic()
        try:
            said = run.result(timeout=120).output
        finally:
            lab.netns(silent, "ip", "link", "set", device, "up")
    seconds = time.monotonic() - begun
    say(f"{silent} fell silent: the run ended after {seconds:.0f} s")
    assert f"{host} | UNREACHABLE!" in said
    lab.sh(host, "pkill -fx 'sleep 299'", check=False)


def test_the_plan_is_shown_and_nothing_is_written(known):
    plan = known.run(PLAY + "plan_vpn").output
    assert "+ member vm1-east 100.64." in plan
    assert not ledger.rows("vpns")


def test_the_vpn_is_created_and_proven(created):
    assert [sa.state for edge in ("edge-east", "edge-west") for sa in strongswan.ike_sas(edge)] == ["ESTABLISHED"] * 2
    addresses = {key.rpartition("/")[2]: value.partition("/")[0] for key, value in ledger.leases("payroll").items()}
    pings = lab.reach((one, addresses[other]) for one in MEMBERS[:2] for other in MEMBERS if one != other)
    assert {pair: found.lost for pair, found in pings.items()} == dict.fromkeys(pings, 0)


def test_creating_it_again_changes_nothing(created):
    again = created.run(PLAY + "create_vpn")
    assert again.changed == frozenset()
    assert again.hosts("changed") == set()


def test_verify_says_that_all_is_well(created):
    assert "Everything is as planned" in created.run(PLAY + "verify_vpn").output


def test_it_is_deleted(created):
    created.run(PLAY + "delete_vpn -e vcc_delete=payroll")
    assert ledger.rows("vpns") == []
    assert [lab.sh(edge, "ls /etc/swanctl/conf.d") for edge in ("edge-east", "edge-west")] == ["", ""]
