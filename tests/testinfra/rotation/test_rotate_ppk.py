# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook rotate, of PPKs: both ends have both keys before one of them uses the new one."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.intercloud.vpn.plugins.plugin_utils import _lab
from ansible_collections.intercloud.vpn.tests.testinfra import lab, playbooks, strongswan
from ansible_collections.intercloud.vpn.tests.testinfra.playbooks import EDGES
from ansible_collections.intercloud.vpn.tests.testinfra.rotation.test_rotation import VPN, killed, pinging

EAST, WEST = EDGES  # edge-east initiates
TUNNEL = "edge-east--edge-west"
KEY = Path(_lab.STATE_DIR, "ppk/acme", TUNNEL)
STATE = KEY.parent / "@rotation.json"
SECRETS = "/etc/swanctl/conf.d/intercloud-vpn-secrets.conf"
ONE = ("--limit", f"localhost,node-east,{EAST}")


@pytest.fixture(scope="module", autouse=True)
def there():
    KEY.unlink(missing_ok=True)
    STATE.unlink(missing_ok=True)
    playbooks.create(VPN, verify=False)
    lab.wait_for("one of each SA", one_of_each, 30)


def one_of_each():
    """Both edges have one IKE_SA with one link, and a PPK in its keys."""
    found = {edge: strongswan.ike_sas(edge) for edge in EDGES}
    return all(
        [sa.name for sa in sas] == [TUNNEL] and len(sas[0].children) == 1 and sas[0].ppk for sas in found.values()
    )


def names(edge):
    """The PPKs that an edge's charon has."""
    return sorted(name for name in strongswan.shared_keys(edge) if name.startswith("ppk-"))


def keys():
    """The keys that the VCC server has of the tunnel, the one in use first."""
    return [word for line in KEY.read_text().splitlines() for word in line.split() if len(word) == 64]


def number():
    """The number of the key in use."""
    return next((int(line.split()[1]) for line in KEY.read_text().splitlines() if line.startswith("generation ")), 1)


def finished(wanted, *before):
    """Both ends use the key of a number alone, and no other run has anything to do."""
    lab.wait_for("one of each SA", one_of_each, 20)
    assert not STATE.exists()
    assert len(keys()) == 1 and keys()[0] not in before
    assert KEY.stat().st_mode & 0o777 == 0o600
    assert number() == wanted
    name = TUNNEL if wanted == 1 else f"{TUNNEL}+{wanted}"
    for edge in EDGES:
        assert names(edge) == [f"ppk-{name}"]
        assert keys()[0].encode().hex() in lab.sh(edge, f"cat {SECRETS}")
        assert lab.host(edge).file(SECRETS).mode == 0o600
    again = playbooks.create(VPN)
    assert again.hosts("changed") == set(), again.output[-3000:]


def test_both_ends_use_a_new_ppk_and_members_notice_nothing(addresses, say):
    (old,), before = keys(), number()
    check = playbooks.run("rotate", vcc_rotate="ppk", arguments=("--check",))
    assert keys() == [old] and not STATE.exists()
    assert check.hosts("changed") >= {*EDGES}
    with pinging(addresses, say, "a PPK rotated"):
        run = playbooks.run("rotate", vcc_rotate="ppk", arguments=("-vvv", "--diff"))
    finished(before + 1, old)
    assert not [key for key in (old, *keys()) if key in run.output or key.encode().hex() in run.output]


def test_an_edge_that_is_away_stops_it_and_a_tunnel_from_nothing_comes_up(addresses, say):
    """edge-east is ahead; then create_vpn comes in between, and the tunnel is lost."""
    (old,), before = keys(), number()
    with pinging(addresses, say, "a PPK rotated, interrupted once", renewals=2):
        stopped = playbooks.run("rotate", vcc_rotate="ppk", arguments=ONE, succeeds=False)
        assert "edge-west: did not answer" in stopped.output
        assert len(names(EAST)) == 2 and len(names(WEST)) == 1 and keys()[0] == old
    lab.sh(EAST, f"swanctl --terminate --ike {TUNNEL} --force >/dev/null 2>&1", check=False)
    lab.wait_for("the tunnel is up again", one_of_each, 30)
    with pinging(addresses, say, "and continued"):
        run = playbooks.create(VPN)
        assert "the rotation of ppk" in run.output
        assert len(names(WEST)) == 2
        playbooks.run("rotate")
    finished(before + 1, old)


@pytest.mark.thorough("unit tests abandon it in each phase")
def test_abandoned_the_old_key_stays(addresses, say):
    (old,), before = keys(), number()
    with pinging(addresses, say, "a rotation of a PPK abandoned"):
        playbooks.run("rotate", vcc_rotate="ppk", arguments=ONE, succeeds=False)
        playbooks.run("rotate", vcc_rotate_abandon=True)
    finished(before)
    assert keys() == [old]


@pytest.mark.thorough("unit tests kill an edge between its files")
def test_an_edge_is_killed_while_it_uses_the_new_key(addresses, say):
    """Its bridge is up: the agent, or the same command, does the rest."""
    (old,), before = keys(), number()
    with pinging(addresses, say, f"a PPK rotated, {EAST} killed in between", renewals=4):
        with killed(EAST, "CHILD_SA payroll.* established with SPIs"):
            playbooks.run("rotate", vcc_rotate="ppk", succeeds=None)
        if STATE.exists():
            playbooks.run("rotate")
    finished(before + 1, old)
