# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A link that is gone comes back with the first packets that need it; a link that is rekeyed loses none."""

from __future__ import annotations

import time

import pytest

from ansible_collections.intercloud.vpn.tests.kernel import vm
from ansible_collections.intercloud.vpn.tests.testinfra import lab, playbooks, strongswan
from ansible_collections.intercloud.vpn.tests.testinfra.playbooks import EDGES

INTO = {"edge-east": ("vm1-east", "vm1-west"), "edge-west": ("vm1-west", "vm1-east")}
# Shorter than a policy may ask for (a minute), and no less in order: the initiator's, and those of who waits.
SHORT = {
    "rekey_time = 3600s": "rekey_time = 6s\n        rand_time = 1s\n        life_time = 20s",
    "rekey_time = 14400s": "rekey_time = 10s\n    rand_time = 1s",
    "rekey_time = 3780s": "rekey_time = 8s\n        life_time = 20s",
    "rekey_time = 15120s": "rekey_time = 12s",
}
CONFIG = "/etc/swanctl/conf.d/intercloud-vpn.conf"


def rekeyed_in():
    """Seconds until the tunnel's IKE_SA is rekeyed; of the last one, if there are two for a moment."""
    return max((sa.rekey for sa in strongswan.ike_sas(EDGES[0]) if sa.name == vm.TUNNEL), default=0)


def quiet():
    """No agent may do the trap's work."""
    for edge in EDGES:
        lab.sh(edge, "systemctl stop intercloud-vpn.service", check=False)


@pytest.fixture
def no_agents(addresses):
    quiet()
    yield
    for edge in EDGES:
        if lab.sh(edge, "systemctl is-enabled intercloud-vpn.service", check=False).strip() == "enabled":
            lab.sh(edge, "systemctl start intercloud-vpn.service")


@pytest.mark.parametrize("edge", EDGES)
@pytest.mark.parametrize("what", ["--child payroll", f"--ike {vm.TUNNEL}"])
def test_the_first_packets_bring_a_lost_link_back(addresses, no_agents, edge, what, say):
    """From either side, and the side that terminates is not the one that sends."""
    before = strongswan.spis(*EDGES)
    lab.sh(EDGES[1 - EDGES.index(edge)], f"swanctl --terminate {what} 2>/dev/null")
    source, destination = INTO[edge]
    answered, seconds = lab.wait_for(
        "an answer", lambda: lab.answers(source, addresses[destination], count=5, interval=0.2), 60
    )
    assert answered
    say(f"{seconds:.1f} s")
    # Each link has a trap of its own.
    for vpn in vm.vpns()[1:]:
        name, other = vpn["members"][:2]
        lab.answers(name, playbooks.addresses(vpn["name"])[other], count=5, interval=0.2)
    lab.wait_for("one tunnel, one link", vm.one_of_each, 150)
    assert strongswan.spis(*EDGES) != before


@pytest.mark.parametrize("what", ["--child payroll", f"--ike {vm.TUNNEL}"], ids=["child", "ike"])
def test_rekeying_loses_no_packet(addresses, no_agents, what):
    """(The initiator's agent takes a rekeying of the other end for what asks for another IKE_SA: ipsec/outdated.py.)"""
    pings = renewed(what, EDGES * 2, addresses)
    assert pings.sent > 100
    assert pings.lost == 0


def test_authenticating_again_makes_before_it_breaks(addresses, say):
    """To authenticate again is the initiator's part. The responder sends with the new keys while the initiator is still
    computing them (RFC 7296 lets it): what arrives within these milliseconds, emulated some tens of them, is lost."""
    times = 3
    pings = renewed(f"--reauth --ike {vm.TUNNEL}", EDGES[:1] * times, addresses)
    say(f"{pings.lost} of {pings.sent} pings lost in {times} times")
    assert pings.sent > 100
    assert pings.lost <= 3 * times
    begin, end = pings.longest_gap()
    assert end - begin < 0.5


def renewed(what, edges, addresses):
    """Have these edges, one after the other, make something new, under 50 pings a second."""
    spis = [strongswan.spis(*EDGES)]
    with vm.pinging("vm1-east", addresses["vm1-west"], interval=0.02) as pings:
        for edge in edges:
            lab.sh(edge, f"swanctl --rekey {what} 2>/dev/null")
            lab.wait_for("new keys", lambda: strongswan.spis(*EDGES) not in spis and vm.one_of_each(), 60)
            spis.append(strongswan.spis(*EDGES))
    return pings


def test_nor_do_lifetimes_of_seconds(addresses, say):
    """CHILD_SAs and the IKE_SA are rekeyed by themselves, each at its own time; the end that waits stays behind."""
    short = "".join(f"s/{old}/{new}/;".replace("\n", "\\n") for old, new in SHORT.items())
    spis = set()
    try:
        for edge in EDGES:
            lab.sh(edge, f"cp {CONFIG} /run/config && sed -i '{short}' {CONFIG} && swanctl --load-conns")
        # What is up keeps its old lifetime: from here on the new one counts.
        lab.sh(EDGES[0], f"swanctl --rekey --reauth --ike {vm.TUNNEL} 2>/dev/null")
        lab.wait_for("a short life", lambda: 0 < rekeyed_in() <= 10, 30)
        with vm.pinging("vm1-east", addresses["vm1-west"], interval=0.02) as pings:
            begin = time.monotonic()
            while time.monotonic() - begin < 40:
                spis |= {spi for sa in strongswan.ike_sas(EDGES[0]) for child in sa.children for spi in child.spis}
                time.sleep(1)
    finally:
        # Restarted: what is up keeps the lifetime it has.
        lab.at_once(lambda edge: lab.sh(edge, f"mv /run/config {CONFIG} && systemctl restart strongswan"), EDGES)
        lab.wait_for("a long life", lambda: vm.one_of_each() and rekeyed_in() > 100, 90)
    say(f"{len(spis)} SPIs in 40 s, {pings.sent} pings, missing: {pings.missing}")
    assert len(spis) >= 8
    assert pings.sent > 500
    assert pings.missing == []
