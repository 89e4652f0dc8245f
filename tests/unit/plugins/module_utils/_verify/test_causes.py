# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Verify sees what applications see, names the cause where a node can know it, and blames nobody else."""

from __future__ import annotations

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._plan.compile.mtu import link_mtu
from ansible_collections.intercloud.vpn.plugins.module_utils._verify.blame import blamed, runnable
from ansible_collections.intercloud.vpn.plugins.module_utils._verify.finding import ERROR, WARNING, Finding, Result
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils._verify.world import TUNNEL, World

RUN = ("edge-east", "edge-west", "vapp1-east", "vapp1-west", "vm1-east", "vm1-west", "vm3-west")


def errors(result: Result) -> dict[str, Finding]:
    return {finding.subject: finding for finding in result.findings if finding.severity == ERROR}


@pytest.fixture
def world() -> World:
    return World()


def test_what_answers_probes_and_no_application_is_an_error(world: World) -> None:
    reason = "packets leave from 192.168.1.11, not from 100.64.0.17"
    for dst in ("vm1-west", "vm3-west"):
        world.probe("vm1-east", dst).update(application_ok=False, application_reason=reason)
    found = errors(world.judge())
    assert list(found) == ["payroll: vm1-east"]
    assert found["payroll: vm1-east"].seen == f"to vm1-west, vm3-west: {reason}"
    assert "ip rule" in found["payroll: vm1-east"].look


def test_a_route_that_the_kernel_does_not_take_is_the_nodes_finding(world: World) -> None:
    world.observed["vapp1-east"]["diverted"] = [
        {
            "prefix": "100.64.0.0/24",
            "expected": "100.64.0.0/24 via 10.10.0.1",
            "seen": "via 10.10.0.99 dev org table 52",
        }
    ]
    found = errors(world.judge())
    assert found["vapp1-east"].seen == "100.64.0.0/24: via 10.10.0.99 dev org table 52"


def test_a_chain_of_others_on_the_way_is_named(world: World) -> None:
    chain = {"hook": "forward", "chain": "inet filter forward", "how": "drops what no rule accepts", "sure": True}
    world.observed["edge-west"]["droppers"] = [chain]
    world.observed["vm1-east"]["droppers"] = [chain]  # a member forwards nothing
    assert world.judge().ok
    world.silence("vm1-east", "vm1-west")
    (finding,) = errors(world.judge()).values()
    assert "on edge-west, chain inet filter forward (forward) drops what no rule accepts" in finding.seen
    assert "vm1-east, chain" not in finding.seen
    world.silence("vm1-west", "edge-east", "edge")
    found = errors(world.judge())
    assert "on edge-west, chain inet filter forward" in found["payroll: vm1-west -> edge-east"].seen
    assert list(blamed(found.values(), RUN)) == ["edge-west"]


FORWARD = {"hook": "forward", "chain": "inet filter forward", "how": "drops what no rule accepts", "sure": True}
SOME = {**FORWARD, "how": "has rules that drop", "sure": False}  # such as `ct state invalid drop`


@pytest.mark.parametrize(
    ("family", "address", "sees"),
    [
        ("ip", "fd64::1", False),  # Docker's, of an IPv6 member
        ("ip6", "fd64::1", True),
        ("inet", "fd64::1", True),
        ("bridge", "fd64::1", True),
        ("ip6", "100.64.0.81", False),
        ("ip", "100.64.0.81", True),
    ],
)
def test_a_chain_of_another_family_is_not_blamed(world: World, family: str, address: str, sees: bool) -> None:
    for where in (world.plan["vpns"][0]["members"][1], world.probe("vm1-east", "vm1-west")):
        where["address"] = address
    world.observed["edge-east"]["droppers"] = [{**FORWARD, "chain": f"{family} filter FORWARD"}]
    world.silence("vm1-east", "vm1-west")
    found = errors(world.judge())["payroll: edge-east to edge-west"]
    assert ("on edge-east, chain" in found.seen) == sees
    assert found.hosts == (("edge-east",) if sees else ())


@pytest.mark.parametrize("chain", [FORWARD, SOME])
def test_no_chain_is_blamed_for_a_member_that_is_dead(world: World, chain: dict[str, object]) -> None:
    world.observed["edge-east"]["droppers"] = [chain]
    del world.probes["vm3-west"], world.observed["vm3-west"]
    for vm in ("vm1-east", "vm1-west"):
        world.silence(vm, "vm3-west")
    found = errors(world.judge())
    assert "on edge-east, chain" in found["payroll: edge-east to edge-west"].seen
    assert list(blamed(found.values(), RUN)) == ["vm3-west"]


def test_what_drops_for_sure_is_blamed_before_what_may(world: World) -> None:
    world.observed["edge-east"]["droppers"] = [SOME]
    world.silence("vm1-east", "vm1-west")
    assert list(blamed(errors(world.judge()).values(), RUN)) == ["edge-east"]
    world.observed["edge-west"]["droppers"] = [FORWARD]
    assert list(blamed(errors(world.judge()).values(), RUN)) == ["edge-west"]


def test_a_device_of_the_way_may_drop_too(world: World) -> None:
    world.observed["edge-west"]["droppers"] = [{**SOME, "hook": "ingress", "chain": "netdev fw in"}]
    world.silence("vm1-east", "vm1-west")
    (finding,) = errors(world.judge()).values()
    assert "on edge-west, chain netdev fw in (ingress) has rules that drop" in finding.seen


def test_nobody_is_blamed_for_a_member_that_is_dead(world: World) -> None:
    """Seen on the lab: both edges were counted as failed."""
    del world.probes["vm3-west"], world.observed["vm3-west"]
    for vm in ("vm1-east", "vm1-west"):
        world.silence(vm, "vm3-west")
    assert list(blamed(errors(world.judge()).values(), RUN)) == ["vm3-west"]
    # Ansible counts it already, and leaves it out of the play.
    found = [*errors(world.judge()).values(), Finding(ERROR, "vapp1-west", "generation 2", "failed: disk full", "")]
    assert set(blamed(found, RUN[:2], ["vm3-west", "vapp1-west"])) == {"vm3-west", "vapp1-west"}
    # What Ansible has not counted makes the run fail at another host.
    assert "edge-east" in blamed(found, RUN[:2], ["vm3-west"])
    # Who does not answer either, without a reason, is another matter.
    world.silence("vm1-east", "vm1-west")
    assert "edge-east" in blamed(errors(world.judge()).values(), RUN)


def test_the_setting_that_repairs_an_mtu_is_named(world: World) -> None:
    world.probe("vm1-east", "vm1-west").update(mtu_ok=False, mtu_fits=1200)
    (finding,) = errors(world.judge()).values()
    esp = tuple(world.documents["edge-east"]["tunnels"][0]["links"][0]["esp"]["proposals"])
    underlay = int(finding.look.split("vcc_underlay_mtu: ")[1].split()[0])
    assert link_mtu(underlay, 4, esp) <= 1200 < link_mtu(underlay + 4, 4, esp)
    assert "edge-east or edge-west" in finding.look
    assert "packets of 1200 octets pass" in finding.seen


def test_a_link_whose_packets_another_one_carries(world: World) -> None:
    """Seen with kernel-libipsec: two links with one reqid."""
    world.child("edge-west").update(packets_in=0, installed_seconds=600)
    assert errors(world.judge())[f"link payroll in {TUNNEL}"].seen == "edge-west: 0 in, 60 out packets"
    world.child("edge-west").update(installed_seconds=5)  # rekeyed a moment ago
    assert world.judge().ok


@pytest.mark.parametrize(
    ("refusing", "does"),
    [(True, "the node refuses all traffic of its VPNs"), (False, "the node runs an older generation")],
)
def test_a_node_that_cannot_read_its_state_says_so(world: World, refusing: bool, does: str) -> None:
    world.observed["edge-west"]["state"] = {"damaged": ["document.json: is not as it was stored"], "refusing": refusing}
    assert errors(world.judge())["edge-west"].seen == f"document.json: is not as it was stored: {does}"
    world.observed["edge-west"]["state"] = {"damaged": [], "refusing": False}
    assert world.judge().ok


@pytest.mark.parametrize(
    ("subject", "seen", "hosts"),
    [
        ("edge-west", "generation 3", ["edge-west"]),
        (f"tunnel {TUNNEL}", "none", ["edge-east", "edge-west"]),
        ("payroll: vm1-east", "no answer", ["vm1-east"]),
        ("payroll: over the hub", "no answer: vm1-east -> vm3-west", ["vm1-east", "vm3-west"]),
        ("payroll: elsewhere", "nothing", ["edge-east"]),  # of none of this run: but the run fails
    ],
)
def test_whom_a_finding_is_about(subject: str, seen: str, hosts: list[str]) -> None:
    run = ["edge-east", "edge-west", "vm1-east", "vm1", "vm3-west"]
    assert list(blamed([Finding(ERROR, subject, "x", seen, "")], run)) == hosts
    assert blamed([Finding(WARNING, subject, "x", seen, "")], run) == {}


def test_commands_run_as_they_are_printed() -> None:
    finding = Finding(ERROR, "a", "b", "c", "ansible a -m ping; ansible-playbook intercloud.vpn.create_vpn repairs it")
    assert runnable(finding, ["inventories/lab", "my hosts"]).look == (
        "ansible -i inventories/lab -i 'my hosts' a -m ping; "
        "ansible-playbook -i inventories/lab -i 'my hosts' intercloud.vpn.create_vpn repairs it"
    )
    assert runnable(finding, []) == finding


def test_a_host_that_failed_says_with_what(world: World) -> None:
    world.observed["edge-west"] = {"failed": True, "msg": "activation failed: nft: no space"}
    finding = errors(world.judge())["edge-west"]
    assert finding.seen == "failed: activation failed: nft: no space"
    assert "ping" not in finding.look
