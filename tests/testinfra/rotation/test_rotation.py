# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The peer sees a renewed certificate in the same run, and members notice nothing; whatever comes in between."""

from __future__ import annotations

import json
import os
import secrets
import shlex
import subprocess
from contextlib import contextmanager
from pathlib import Path

import pytest

from ansible_collections.intercloud.vpn.plugins.plugin_utils import _lab
from ansible_collections.intercloud.vpn.tests.testinfra import lab, playbooks, strongswan
from ansible_collections.intercloud.vpn.tests.testinfra.playbooks import EDGES, PAYROLL

EAST, WEST = EDGES  # edge-east initiates
TUNNEL = "edge-east--edge-west"
BRIDGE = f"{TUNNEL}.bridge"
KEY = Path(_lab.STATE_DIR, "ppk/acme", TUNNEL)
VPN = {**PAYROLL, "policy": {"encryption": {"ppk": "required"}}}
# What the responder sends while the initiator computes the keys may be lost (docs/certificates.md): a packet for each
# of two IKE_SAs, whose ping is missing in both directions at worst. Without a bridge it was 16 and more in each.
FEW = 4


@pytest.fixture(scope="module", autouse=True)
def there():
    """The VPN, with a PPK of this time."""
    KEY.unlink(missing_ok=True)
    playbooks.create(VPN, verify=False)
    with strongswan.keeping_certificates(*EDGES):
        lab.wait_for("one of each SA", one_of_each, 30)
        yield


@contextmanager
def pinging(addresses, say=lambda _text: None, what="", renewals=1):
    """100 pings a second in both directions; few are lost. `renewals`: how often the IKE_SA is made again, at most."""
    with (
        lab.pinging("vm1-east", addresses["vm1-west"], interval=0.01) as there,
        lab.pinging("vm1-west", addresses["vm1-east"], interval=0.01) as back,
    ):
        yield
    lost, sent = there.lost + back.lost, there.sent + back.sent
    say(f"{what or 'a renewal'} under 100 pings a second: {lost} of {sent} lost, load {os.getloadavg()[0]:.0f}")
    assert lost <= FEW * renewals, f"{there.text} {back.text}"


def status(edge):
    return json.loads(lab.sh(edge, "/usr/local/lib/intercloud-vpn/agent status"))


def renew(*edges, arguments=(), **how):
    """Have new certificates made for edges in a run."""
    wanted = " or ".join(f"inventory_hostname == '{edge}'" for edge in edges)
    days = f"{{{{ 1000 if {wanted} else 30 }}}}"
    return playbooks.create(VPN, verify=False, org_edge_certificate_days=days, arguments=arguments, **how)


def serial(edge):
    return status(edge)["certificate"]["serial"]


def tunnels(edge):
    return [sa.name for sa in strongswan.ike_sas(edge)]


def one_of_each():
    """Both edges have one IKE_SA with one link, and nothing else to do."""
    found = {edge: strongswan.ike_sas(edge) for edge in EDGES}
    return all(
        [sa.name for sa in sas] == [TUNNEL] and [child.name for child in sas[0].children] == ["payroll"]
        for sas in found.values()
    ) and not any(status(edge)["drift"] for edge in EDGES)


@pytest.mark.parametrize(
    "edge", [pytest.param(EAST, marks=pytest.mark.thorough("edge-east's, when a run is killed, below")), WEST]
)
def test_a_new_certificate_is_in_use_when_the_run_ends(edge, addresses, say):
    """Of the end that initiates, and of the other one."""
    strongswan.forget_certificates(*EDGES)
    old = serial(edge)
    other = WEST if edge == EAST else EAST
    with pinging(addresses, say, f"the certificate of {edge} renewed"):
        renew(edge)
        # What the other edge was shown in this run, before anything comes later.
        assert strongswan.shown(other, edge) >= {serial(edge)} and serial(edge) != old
        assert status(edge)["drift"] == []
    lab.wait_for("one of each SA", one_of_each, 15)
    sas = status(EAST)["sas"]
    assert [sa["initiator"] for sa in sas] == [True]  # as planned


@pytest.mark.thorough("each end alone, above")
def test_both_ends_at_once(addresses, say):
    strongswan.forget_certificates(*EDGES)
    with pinging(addresses, say, "both certificates renewed"):
        renew(*EDGES)
        assert strongswan.shown(WEST, EAST) >= {serial(EAST)} and strongswan.shown(EAST, WEST) >= {serial(WEST)}
    lab.wait_for("one of each SA", one_of_each, 15)


@pytest.mark.thorough("the scenario policies")
def test_a_new_ppk_is_in_use_and_hardly_anything_is_lost(addresses, say):
    before = strongswan.spis(*EDGES)
    KEY.write_text(f"{secrets.token_hex(32)}\n", encoding="utf-8")
    with pinging(addresses, say, "a new PPK"):
        playbooks.create(VPN, verify=False)
    lab.wait_for("one of each SA", one_of_each, 15)
    assert all(strongswan.spis(edge)[edge][TUNNEL] != before[edge][TUNNEL] for edge in EDGES)
    assert [sa.ppk for edge in EDGES for sa in strongswan.ike_sas(edge)] == [True, True]


KILL = """
import glob, os, re, signal, subprocess, sys
signal.alarm(90)
log = subprocess.Popen(["journalctl", "-f", "-n0", "-ocat", "-u", "strongswan"], stdout=subprocess.PIPE, text=True)
next(line for line in log.stdout if re.search(sys.argv[1], line))
for path in glob.glob("/proc/[0-9]*/fd/*"):
    try:
        if os.readlink(path).startswith("/run/intercloud-vpn.lock"):
            os.kill(int(path.split("/")[2]), signal.SIGKILL)
            print("killed", flush=True)
    except OSError:
        pass
log.kill()
"""


@contextmanager
def killed(edge, pattern):
    """Who holds the edge's lock is killed when charon logs a line."""
    words = ["ssh", "-F", _lab.SSH_CONFIG, edge, f"python3 -c {shlex.quote(KILL)} {shlex.quote(pattern)}"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as watching:
        yield
        assert watching.communicate(timeout=100)[0].startswith("killed")


@pytest.mark.parametrize(
    "moment",
    [
        "CHILD_SA payroll.* established with SPIs",  # of the bridge
        pytest.param(rf"replaced vici connection: {TUNNEL}", marks=pytest.mark.thorough("the bridge is up")),
        pytest.param(rf"added vici connection: {BRIDGE}", marks=pytest.mark.thorough("the bridge is up")),
    ],
)
def test_a_run_that_is_killed_loses_nothing_and_the_next_one_goes_on(addresses, moment):
    strongswan.forget_certificates(*EDGES)
    with pinging(addresses, renewals=2):  # by the agent, what was begun; by the next run
        with killed(EAST, moment):
            renew(EAST, succeeds=None)
        playbooks.create(VPN, verify=False)
        assert strongswan.shown(WEST, EAST) >= {serial(EAST)}
    lab.wait_for("one of each SA", one_of_each, 30)


@pytest.mark.thorough("a peer that is there, above")
def test_a_peer_whose_agent_is_away_does_it_when_it_is_back(addresses):
    """The edge says until then which certificate is still in use."""
    strongswan.forget_certificates(*EDGES)
    old = serial(WEST)
    lab.sh(EAST, "systemctl stop intercloud-vpn.service")
    try:
        with pinging(addresses):
            renew(WEST, arguments=("--limit", "localhost,node-west,edge-west"))
        (drift,) = status(WEST)["drift"]
        assert drift["action"] == f"have {TUNNEL} authenticate anew: it still uses certificate {old}"
        assert strongswan.shown(EAST, WEST) <= {old}
    finally:
        lab.sh(EAST, "systemctl start intercloud-vpn.service")
    with pinging(addresses):
        lab.wait_for("edge-east has seen the new one", lambda: serial(WEST) in strongswan.shown(EAST, WEST), 30)
    lab.wait_for("one of each SA", one_of_each, 15)
