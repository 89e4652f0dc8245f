# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An organization publishes a package: VCC nodes hold it, transfers go on where they ended, and nobody else sees it."""

from __future__ import annotations

import contextlib
import os
import random
import re
import signal
import subprocess
from pathlib import Path

import pytest

from ansible_collections.intercloud.vpn.plugins.plugin_utils import _lab
from ansible_collections.intercloud.vpn.tests.testinfra import lab, playbooks
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils._ovf.packages import (
    archive,
    envelope,
    vm,
    whole,
)

CATALOG = "/var/lib/intercloud-vpn/catalog"
INDEX = Path(_lab.STATE_DIR, "published")
NODES = ("node-east", "node-west")
MIB = 1 << 20
SIZE = 20 * MIB
# Who receives, on the node.
RECEIVER = "intercloud_vpn_[s]ent"
# Until a part of the disk is there, and not all of it.
WAIT = f"until [ -n \"$(find {CATALOG} -path '*/parts/*' -size +{MIB}c 2>/dev/null)\" ]; do sleep 0.02; done"


def package(path, seed):
    """An OVA with a disk that nothing compresses."""
    reference = '<File ovf:id="disk" ovf:href="disk.vmdk"/>'
    files = {
        "payroll.ovf": envelope(vm("web"), references=reference),
        "disk.vmdk": random.Random(seed).randbytes(SIZE),
    }
    return archive(path, whole(files, "payroll"))


@pytest.fixture(scope="module")
def ova(tmp_path_factory):
    if "edge-umbra-east" not in lab.machines():
        playbooks.run("lab_up", lab_tenants=["umbra"])
    return package(tmp_path_factory.mktemp("packages") / "payroll.ova", 1)


def run(*arguments, organization="acme", **options):
    return playbooks.run("publish_template", arguments, vcc_organization=organization, **options)


def publish(path, *arguments, **options):
    return run(*arguments, vcc_package=str(path), **options)


def held(node):
    """The files on a node, with their modes and digests. The number of a version's directory grows with repairs."""
    listed = f"cd {CATALOG} 2>/dev/null && find . -type f -printf '%m ' -exec sha256sum {{}} \\; | sort"
    return re.sub(r"\.\d+/", "/", lab.sh(node, listed, check=False))


def descendants(process):
    """A process and all that it started, by one look at all processes: a transfer does not wait."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parents[int(path.parent.name)] = int(path.read_text().rpartition(")")[2].split()[1])
    found = [process]
    for one in found:
        found += [child for child, parent in parents.items() if parent == one]
    return found


def killed(path):
    """A run whose processes are killed, all at once, while it sends to a node."""
    words = playbooks.command("publish_template", vcc_organization="acme", vcc_package=str(path))
    process = subprocess.Popen(
        words, env=playbooks.environment(), cwd=lab.ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )
    lab.sh("node-west", f"{WAIT}; pkill -STOP -f {RECEIVER}")  # however fast the connection is
    for one in descendants(process.pid):
        with contextlib.suppress(ProcessLookupError):  # one that waits for another ends with it
            os.kill(one, signal.SIGKILL)
    process.wait(30)
    lab.sh("node-west", f"pkill -KILL -f {RECEIVER}")


def changes(finished):
    return {host for host, _task in finished.changed}


def test_a_transfer_that_was_killed_goes_on_where_it_ended(ova):
    killed(ova)
    assert lab.sh("node-west", f"ls {CATALOG}/acme/payroll") == "parts\n"  # nothing is seen yet
    finished = publish(ova)
    said = re.search(
        r"node-west: acme/payroll: ([\d.]+) MiB sent in ([\d.]+) s .*, ([\d.]+) MiB were there", finished.output
    )
    sent, seconds, there = map(float, said.groups())
    print(f"measured: of 20 MiB, {there} were there after the kill, and {sent} were sent in {seconds} s")
    assert 1 <= there <= 20 and abs(sent + there - 20) < 0.2
    copies = {node: held(node) for node in NODES}
    assert copies["node-east"] == copies["node-west"]
    modes = {line.split()[0] for line in copies["node-east"].splitlines()}
    assert modes == {"600"}
    assert lab.sh("node-east", f"ls {CATALOG}/acme/payroll/current/package") == "disk.vmdk\npayroll.mf\npayroll.ovf\n"


@pytest.mark.thorough("in-process tests of _node/catalog predict, and damage copies")
def test_a_second_run_changes_nothing_check_mode_predicts_and_damage_is_repaired(ova, tmp_path):
    publish(ova)
    was = {node: held(node) for node in NODES}
    assert publish(ova).changed == frozenset()
    assert {node: held(node) for node in NODES} == was
    lab.sh("node-east", f"printf x | dd of={CATALOG}/acme/payroll/current/package/disk.vmdk conv=notrunc 2>&1")
    shown = run().output
    assert "node-east: damaged: disk.vmdk; publish it again" in shown and "node-west: whole" in shown
    was = {node: held(node) for node in NODES}
    would = publish(ova, "--check")
    assert {node: held(node) for node in NODES} == was
    did = publish(ova)
    assert would.changed == did.changed and changes(did) == {"node-east"}
    assert held("node-east") == held("node-west") == was["node-west"]
    other = package(tmp_path / "payroll.ova", 2)
    would, did = publish(other, "--check"), publish(other)
    assert would.changed == did.changed and changes(did) == {*NODES}
    assert publish(ova).changed == did.changed


@pytest.mark.thorough("in-process tests of _ovf/catalog and _node/catalog have two organizations")
def test_another_organization_does_not_see_it(ova):
    publish(ova)
    was = {node: held(node) for node in NODES}
    assert "acme" not in run(organization="umbra").output
    publish(ova, organization="umbra", vcc_clouds=["west"])
    assert "umbra" not in held("node-east")
    run(organization="umbra", vcc_template="all", vcc_template_state="absent")
    assert {node: held(node) for node in NODES} == was


@pytest.mark.thorough("in-process tests of _ovf/catalog note what a node lacks")
def test_a_node_that_is_down_gets_the_next_version_when_it_is_back(ova, tmp_path):
    publish(ova)
    other = package(tmp_path / "payroll.ova", 3)
    lab.labctl("stop", "node-west")
    try:
        finished = publish(other, succeeds=False)
    finally:
        lab.labctl("start", "node-west")
    assert "node-west does not have this version" in finished.output
    shown = run().output
    assert "node-west: has another version" in shown and "node-east: whole" in shown
    assert changes(publish(other)) == {"node-west", "node-east"}
    assert held("node-west") == held("node-east")


def test_taking_it_back_leaves_no_trace(ova):
    finished = run(vcc_template="payroll", vcc_template_state="absent")
    assert {*NODES} <= changes(finished)
    assert {node: held(node) for node in NODES} == dict.fromkeys(NODES, "")
    assert list(INDEX.glob("acme*")) == []
