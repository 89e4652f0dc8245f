# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What apply_clouds needs on a VCC node, taken from the controller's own Python: a lab has no package index."""

from __future__ import annotations

import subprocess
import tarfile
import tempfile
from importlib import metadata

from packaging.requirements import Requirement

from ansible_collections.intercloud.vpn.plugins.plugin_utils import _lab
from ansible_collections.intercloud.vpn.tests.testinfra import lab

HOME = "/opt/vcc"
RUNNER = f"{HOME}/bin/ansible-runner"
WANTED = ("ansible-core", "ansible-runner", "cryptography", "netaddr", "SQLAlchemy")
PROGRAMS = {
    "ansible-runner": "from ansible_runner.__main__ import main",
    "ansible-playbook": "from ansible.cli.playbook import main",
}


def distributions(names):
    """The distributions of these names, and what they need in turn."""
    found, left = {}, list(names)
    while left:
        name = left.pop()
        if name not in found:
            found[name] = metadata.distribution(name)
            needed = [Requirement(text) for text in found[name].requires or ()]
            left += [one.name for one in needed if one.marker is None or one.marker.evaluate({"extra": ""})]
    return list(found.values())


def install(nodes):
    """Have the programs on these VCC nodes, and the lab's key, by which they reach their clouds."""
    with tempfile.NamedTemporaryFile(suffix=".tar") as file:
        with tarfile.open(file.name, "w") as archive:
            for one in distributions(WANTED):
                for path in one.files or ():
                    if path.parts[0] != ".." and path.locate().is_file():
                        archive.add(path.locate(), f"lib/{path}")
        lab.at_once(lambda node: _install(node, file.name), nodes)


def _install(node, archive):
    lab.sh(node, f"rm -rf {HOME} && mkdir -p {HOME}/bin")
    with open(archive, "rb") as file:
        unpack = ["ssh", "-F", _lab.SSH_CONFIG, node, f"tar -xf - -C {HOME}"]
        subprocess.run(unpack, stdin=file, check=True, timeout=120)
    for name, source in PROGRAMS.items():
        text = f"#!/bin/sh\nPYTHONPATH={HOME}/lib exec python3 -c '{source}; main()' \"$@\"\n"
        _put(node, f"{HOME}/bin/{name}", text, "755")
    with open(f"{_lab.SSH_DIR}/id_ed25519", encoding="ascii") as file:
        _put(node, "/root/.ssh/id_ed25519", file.read(), "600")


def _put(node, path, text, mode):
    write = ["ssh", "-F", _lab.SSH_CONFIG, node, f"umask 077 && cat > {path} && chmod {mode} {path}"]
    subprocess.run(write, input=text, text=True, check=True, timeout=60)
