# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A lab apart: it has the same names and addresses as the lab beside it, and neither notices the other."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

from ansible_collections.intercloud.vpn.plugins.plugin_utils import _lab
from ansible_collections.intercloud.vpn.tests.testinfra import lab

PLACES = Path("/var/lib/intercloud-vpn-apart")


def labctl(*words):
    done = subprocess.run([lab.LABCTL, *words], capture_output=True, text=True, check=False, timeout=180)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def root():
    return json.loads(labctl("--json", "status"))["root"]


def boots():
    return {name: machine["boots"] for name, machine in json.loads(labctl("--json", "status"))["machines"].items()}


def left():
    """Control groups and files of labs apart."""
    groups = Path("/sys/fs/cgroup").rglob("intercloud-vpn-apart/*/cgroup.procs")
    return [str(path) for path in (*groups, *PLACES.glob("*/"))]


def test_it_begins_with_nothing_and_is_gone_with_its_command():
    before = boots()
    words = "set -e; ip netns list; cd {}; ./labctl status; ./labctl up --clouds 1 --root {}; ./labctl status; "
    words += "ssh -F {} vm1-east hostname; ip netns exec vm1-east ping -c1 -W2 203.0.113.1"
    command = words.format(lab.LABCTL.parent, root(), _lab.SSH_CONFIG)
    said = labctl("apart", "trial", "sh", "-c", command).splitlines()
    assert said[0] == "there is no lab"
    assert "vm1-east: made" in said
    assert "vm1-east" in said
    assert "1 packets transmitted, 1 received, 0% packet loss, time 0ms" in said
    assert boots() == before
    assert left() == []


def test_it_ends_with_the_status_of_its_command():
    done = subprocess.run([lab.LABCTL, "apart", "trial", "sh", "-c", "exit 7"], check=False, timeout=60)
    assert done.returncode == 7


def test_what_a_killed_one_left_is_in_nobodys_way():
    words = [lab.LABCTL, "apart", "trial", "sh", "-c", "echo ready; sleep 600"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as apart:
        assert apart.stdout.readline() == "ready\n"
        apart.kill()
        apart.stdout.close()
    assert left() != []
    assert labctl("apart", "trial", "echo", "again") == "again\n"
    assert left() == []


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_when_it_is_told_to(how):
    words = [lab.LABCTL, "apart", "trial", "sh", "-c", "(sleep 600 &) ; echo ready; sleep 600"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as apart:
        assert apart.stdout.readline() == "ready\n"
        busy = subprocess.run([lab.LABCTL, "apart", "trial", "true"], capture_output=True, text=True, check=False)
        assert (busy.returncode, "another command runs in trial" in busy.stderr) == (1, True)
        os.kill(apart.pid, how)
        assert apart.wait(30) != 0
    assert left() == []
