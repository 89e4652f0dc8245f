# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A certificate that is due is renewed, and no other; members notice nothing, and an edge that is silent is named."""

from __future__ import annotations

import datetime
import json
import os
import shlex
import threading
from pathlib import Path

import pytest
from cryptography import x509

from ansible_collections.intercloud.vpn.plugins.module_utils._node.ipsec import outdated
from ansible_collections.intercloud.vpn.plugins.module_utils._node.system import install
from ansible_collections.intercloud.vpn.plugins.module_utils._pki import ca
from ansible_collections.intercloud.vpn.plugins.plugin_utils import _lab
from ansible_collections.intercloud.vpn.tests.testinfra import lab, playbooks, strongswan
from ansible_collections.intercloud.vpn.tests.testinfra.playbooks import EDGES, PAYROLL
from ansible_collections.intercloud.vpn.tests.testinfra.rotation.test_rotation import killed

EAST, WEST = EDGES  # edge-east initiates
TUNNEL = "edge-east--edge-west"
RENEW = "renew_certificates"
AGENT = "/usr/local/lib/intercloud-vpn/agent"
CERTIFICATE = "/etc/swanctl/x509/intercloud-vpn.pem"
DAYS = {"vcc_certificate_days": 30}
RIPE = outdated.OLDER + 2  # seconds


@pytest.fixture(scope="module", autouse=True)
def there():
    if not one_of_each():
        playbooks.create(PAYROLL, verify=False)
    with strongswan.keeping_certificates(EAST):
        lab.wait_for("one of each SA", one_of_each, 30)
        yield


def asked(edge, **given):
    """What the module edge_renewal answers on an edge."""
    params = {"identity": f"{edge}.acme", "organization": "acme", "days": None, "certificate": None, "replaces": ""}
    words = json.dumps({"params": {**params, **given}, "check": False})
    version = install.code_version(install.sources())
    said = lab.sh(edge, f"echo {shlex.quote(words)} | {AGENT} call edge_renewal {version}")
    return json.loads(said.splitlines()[-1])["result"]


def age(edge, over=25, left=5):
    """The edge gets a certificate of which so many days are over, and so many are left."""
    days = asked(edge, days=10_000)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ca, "CLOCK_SKEW", datetime.timedelta(days=over))
        owner = ca.ensure_authority(_lab.STATE_DIR, "acme")
        text = ca.sign(owner, days["csr"], f"{edge}.acme", left).certificate
    for path in owner.directory.glob("issued/*.pem"):  # had it been signed then, it would be the newest
        one = x509.load_pem_x509_certificate(path.read_bytes())
        if f"CN={edge}.acme" in one.subject.rfc4514_string() and path.read_text() != text:
            path.unlink()
    # No run confirms this: the agent asks the peer at once, or minutes later where the peer would not understand yet.
    lab.wait_for("older SAs", lambda: all(sa["established_seconds"] > RIPE for sa in status(edge)["sas"]), 30)
    done = asked(edge, certificate=text, replaces=days["serial"])
    assert done["changed"], done
    lab.wait_for("one of each SA", one_of_each, 30)


def status(edge):
    return json.loads(lab.sh(edge, f"{AGENT} status"))


def serials():
    return {edge: status(edge)["certificate"]["serial"] for edge in EDGES}


def one_of_each():
    found = {edge: strongswan.ike_sas(edge) for edge in EDGES}
    return all([sa.name for sa in sas] == [TUNNEL] for sas in found.values()) and not any(
        status(edge)["drift"] for edge in EDGES
    )


def test_the_agent_asks_for_the_next_one_and_says_so():
    """Whoever signs needs nothing else of the edge."""
    age(WEST)
    lab.sh(WEST, "systemctl restart intercloud-vpn.service")  # it looks every hour, and when it begins
    lab.wait_for("the agent has asked", lambda: status(WEST)["certificate"]["requested"], 20)
    log = lab.sh(WEST, "journalctl -o cat -u intercloud-vpn --since -1min")
    assert "is due for renewal since" in log and "in 4 days: run renew_certificates" in log
    assert lab.sh(WEST, "cat /var/lib/intercloud-vpn/certificate-request.pem") == asked(WEST)["csr"]
    metrics = dict(line.rsplit(" ", 1) for line in lab.sh(WEST, f"{AGENT} metrics").splitlines() if line[0] != "#")
    left = float(metrics["intercloud_vpn_certificate_due_timestamp_seconds"]) - float(lab.sh(WEST, "date +%s"))
    assert -5.1 < left / 86400 < -4.9


def test_check_predicts_it():
    before = serials()
    run = playbooks.run(RENEW, ("--check", "-v"), **DAYS)
    assert run.hosts("changed") == {WEST}
    assert run.actions[WEST]["certificates"] == [f"install {CERTIFICATE}"]
    assert serials() == before


def test_what_is_due_is_renewed_and_nothing_else(addresses, say):
    before = serials()
    with (
        lab.pinging("vm1-east", addresses["vm1-west"], interval=0.01) as there,
        lab.pinging("vm1-west", addresses["vm1-east"], interval=0.01) as back,
    ):
        run = playbooks.run(RENEW, **DAYS)
    say(
        f"a renewal under 100 pings a second: {there.lost} and {back.lost} of {there.sent + back.sent} lost, "
        f"load {os.getloadavg()[0]:.0f}"
    )
    assert run.hosts("changed") == {WEST}
    now = serials()
    assert now[EAST] == before[EAST] and now[WEST] != before[WEST]
    # One gap can lose a ping of both directions (docs/certificates.md).
    assert there.lost <= 1 and back.lost <= 1, f"{there.text} {back.text}"
    facts = status(WEST)["certificate"]
    begin, end = (datetime.datetime.fromisoformat(facts[name][:-1]) for name in ("not_before", "not_after"))
    assert (end - begin).days == 30 and not facts["requested"]
    issued = Path(_lab.STATE_DIR, "ca/acme/issued")
    assert (issued / f"{facts['serial']}.pem").exists() and [*issued.glob("*.expected")] == []
    assert facts["serial"] in strongswan.shown(EAST, WEST)
    lab.wait_for("one of each SA", one_of_each, 15)


def test_a_second_run_changes_nothing():
    before = serials()
    assert playbooks.run(RENEW, **DAYS).changed == frozenset()
    assert serials() == before
    if lab.thorough("the generation is the same but for a file that create_vpn keeps"):
        assert playbooks.create(PAYROLL, verify=False).hosts("changed") & {*EDGES} == set()


@pytest.mark.thorough("tests/integration, where no edge can be reached")
def test_an_edge_that_cannot_be_reached_is_named_and_fails_the_run_if_it_is_due():
    """The others are renewed all the same."""
    silent = {"ansible_host": f"{{{{ 'nowhere' if inventory_hostname == '{WEST}' else inventory_hostname }}}}", **DAYS}
    run = playbooks.run(RENEW, **silent)
    assert "edge-west: could not be reached; its certificate is not due before" in " ".join(run.output.split())
    age(EAST)
    age(WEST)
    before = serials()
    run = playbooks.run(RENEW, succeeds=False, **silent)
    assert run.hosts("failed") == {WEST} and run.hosts("changed") == {EAST}
    assert "edge-west: could not be reached, and its certificate is due since" in " ".join(run.output.split())
    now = serials()
    assert now[EAST] != before[EAST] and now[WEST] == before[WEST]


@pytest.mark.thorough("tests of verify")
def test_verify_warns_of_who_was_not_renewed():
    playbooks.run("verify_vpn", vpns=[PAYROLL])
    (found,) = [one for one in playbooks.result()["findings"] if "certificate" in one["subject"]]
    assert (found["severity"], found["subject"]) == ("warning", f"certificate of {WEST}")
    assert "is due for renewal since" in found["seen"]


@pytest.mark.thorough("a guard on the node, in tests of units")
def test_two_runs_at_once_renew_once():
    age(EAST)
    before, runs = serials(), []
    threads = [threading.Thread(target=lambda: runs.append(playbooks.run(RENEW, **DAYS))) for dummy in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(runs) == 2, "both ended well"
    now = serials()
    assert all(now[edge] != before[edge] for edge in EDGES)
    changed = [edge for run in runs for edge in run.hosts("changed")]
    assert sorted(changed) == sorted(EDGES), "one of the runs installed it, and the other one left it alone"
    lab.wait_for("one of each SA", one_of_each, 30)


@pytest.mark.thorough("the scenario rotation, where create_vpn is killed")
def test_a_run_that_is_killed_loses_nothing_and_the_next_one_goes_on(addresses):
    """While the bridge carries the links. The agent or the next run does the rest."""
    age(EAST)
    before = serials()
    with lab.pinging("vm1-east", addresses["vm1-west"], interval=0.01) as pings:
        with killed(EAST, "CHILD_SA payroll.* established with SPIs"):
            playbooks.run(RENEW, succeeds=None, **DAYS)
        playbooks.run(RENEW, **DAYS)
        lab.wait_for("one of each SA", one_of_each, 30)
    assert pings.lost <= 2, pings.text
    now = serials()
    assert now[EAST] != before[EAST] and not asked(EAST)["due"]
    assert playbooks.run(RENEW, **DAYS).changed == frozenset()


@pytest.mark.thorough("tests of units")
def test_a_revoked_edge_is_not_renewed_and_fails_no_schedule():
    """Last: the edge has a new key after it."""
    age(WEST)
    before = serials()
    playbooks.run("revoke_certificate", vcc_revoke=WEST)
    run = playbooks.run(RENEW, **DAYS)
    assert "edge-west: its certificate was revoked: it gets no other" in " ".join(run.output.split())
    assert run.changed == frozenset() and serials() == before
    playbooks.create(PAYROLL, verify=False)
    lab.wait_for("one of each SA", one_of_each, 30)
    assert playbooks.run(RENEW, **DAYS).changed == frozenset()
