# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether an edge of a pair hears anything of its org network, between network namespaces."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._node.lanes.hello import Said, decode, encode

NAMESPACE = subprocess.run(["unshare", "-n", "-m", "ip", "-V"], capture_output=True, check=False).returncode == 0

SCRIPT = """
import json, subprocess, time
from ansible_collections.intercloud.vpn.plugins.module_utils._node.document import Generation
from ansible_collections.intercloud.vpn.plugins.module_utils._node.lanes.wire import Wire
from ansible_collections.intercloud.vpn.plugins.module_utils._node.state import Store


def sh(text):
    subprocess.run(text, shell=True, check=True)


sh("mount -t sysfs none /sys && mount -t tmpfs none /run && mkdir /run/netns && ip netns add beside")
sh("ip link add org type veth peer name wire netns beside && sysctl -qw net.ipv6.conf.org.disable_ipv6=1")
sh("ip netns exec beside sysctl -qw net.ipv6.conf.wire.disable_ipv6=1")
sh("ip link set org up && ip addr add 10.10.0.2/24 dev org && ip -n beside link set wire up")


def heard(twin, member):
    sh("ip -n beside addr flush dev wire")
    for address in twin, member:
        if address:
            sh(f"ip -n beside addr add {address}/24 dev wire")
    wire = Wire(Store("/"))
    pair = {"site": "east", "twin": "b", "own": ["10.10.0.2"], "twin_own": ["10.10.0.3"], "gateway": ["10.10.0.1"]}
    generation = Generation({"pair": pair, "neighbours": [{"address": "10.10.0.11", "host": "vm"}]})
    until, found = time.monotonic() + 2.0, []
    while time.monotonic() < until:
        found.append(wire.idle(generation, time.monotonic()))
        time.sleep(0.1)
    return not any(found[-5:])


print(json.dumps([heard("10.10.0.3", ""), heard("", "10.10.0.11"), heard("", "")]))
"""


@pytest.mark.skipif(not NAMESPACE, reason="needs root and ip")
def test_an_edge_knows_that_nobody_is_on_its_org_network() -> None:
    """Nobody speaks there unless asked, and the device is up all the time."""
    done = subprocess.run(
        ["unshare", "-n", "-m", sys.executable, "-c", SCRIPT],
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": ":".join(sys.path), "PATH": os.environ["PATH"]},
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    with_twin, with_member, alone = json.loads(done.stdout)
    assert (with_twin, with_member, alone) == (True, True, False)


def test_a_hello_says_it() -> None:
    for said in (Said(True), Said(False), Said(True, True), Said(False, True)):
        assert decode(encode(said)) == said
    assert decode(b"vccL") is None and decode(b"vccX\x01\x01\0\0") is None
