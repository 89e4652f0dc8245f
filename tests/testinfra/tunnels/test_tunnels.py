# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""vcc_create_tunnels: what happens when a VPN needs a tunnel that is not there yet."""

from __future__ import annotations

import os
import pty
import select
import time

import pytest

from ansible_collections.intercloud.vpn.tests.testinfra import lab, ledger, playbooks, snapshot, strongswan
from ansible_collections.intercloud.vpn.tests.testinfra.playbooks import AUDIT, EDGES, PAYROLL


def refused(**variables):
    """Run create_vpn, which is to be refused, and see that no machine was changed; what it printed."""
    before = snapshot.of_all()
    run = playbooks.create(PAYROLL, succeeds=False, **variables)
    assert run.changed == frozenset()
    assert snapshot.differences(before, snapshot.of_all()) == []
    assert ledger.rows("vpns") == []
    return run.output


def answered(answer, words):
    """Run a command on a terminal of its own and answer its question; what it printed."""
    process, terminal = pty.fork()
    if process == 0:
        os.chdir(lab.ROOT)
        os.execvpe(words[0], words, playbooks.environment())
    output, asked = "", False
    try:
        while select.select([terminal], [], [], 120)[0]:
            output += os.read(terminal, 65536).decode(errors="replace")
            if not asked and "anything else" in output:
                time.sleep(1)  # what is typed before the prompt listens is thrown away
                os.write(terminal, f"{answer}\r".encode())
                asked = True
    except OSError:  # EIO: the other end is closed
        pass
    finally:
        os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 0, output[-3000:]
    return output


@pytest.mark.thorough("tests/integration: it is told, and no host is contacted")
def test_never_is_an_error_that_names_the_pair():
    output = refused(vcc_create_tunnels="never")
    assert "there is no tunnel edge-east -- edge-west yet, which payroll needs" in output


def test_ask_abandons_when_there_is_nobody_to_answer():
    output = refused(vcc_create_tunnels="ask")
    assert "Abandoned: the tunnels edge-east--edge-west are not there" in output


def test_ask_creates_it_when_the_answer_is_yes():
    output = answered("yes", playbooks.command("create_vpn", vpns=[PAYROLL], vcc_create_tunnels="ask"))
    assert "These tunnels do not exist yet: edge-east--edge-west" in output
    assert lab.answers("vm1-east", playbooks.addresses()["vm1-west"])


def test_a_tunnel_that_is_there_is_used_whatever_was_said():
    before = strongswan.spis(*EDGES)
    playbooks.create(AUDIT, vcc_create_tunnels="never")
    for edge in EDGES:
        (tunnel,) = strongswan.ike_sas(edge)
        assert sorted(link.name for link in tunnel.children) == ["audit", "payroll"]
        assert strongswan.link(edge, "payroll").spis == before[edge]["payroll"]
