# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The previous release of the collection, from git: its own code, found by Ansible instead of this tree."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

from ansible_collections.intercloud.vpn.tests.testinfra import lab

RECORD = lab.ROOT / "extensions/molecule/upgrade/previous"
PLACE = Path("ansible_collections/intercloud/vpn")
NODE_CODE = "plugins/module_utils/_node"
INSTALLED = "/usr/local/lib/intercloud-vpn/intercloud_vpn_node"


def commit():
    """The commit, or tag, that is recorded as the previous release."""
    return RECORD.read_text(encoding="utf-8").strip()


def missing():
    """Why there is no previous release in this clone, or nothing."""
    found = subprocess.run(
        ["git", "cat-file", "-e", f"{commit()}^{{commit}}"], cwd=lab.ROOT, check=False, capture_output=True
    )
    return (
        "" if found.returncode == 0 else f"this clone has no commit {commit()} (extensions/molecule/upgrade/previous)"
    )


def unpacked():
    """The directory of collections that holds it."""
    where = lab.ROOT / "build/upgrade" / commit()
    if not (where / PLACE / "galaxy.yml").exists():
        (where / PLACE).mkdir(parents=True, exist_ok=True)
        packed = subprocess.run(["git", "archive", commit()], cwd=lab.ROOT, check=True, capture_output=True).stdout
        subprocess.run(["tar", "-x", "-C", str(where / PLACE)], input=packed, check=True)
    return where


def agent_differs(machine, tree):
    """Files of a machine's agent that are not those of a tree of the collection."""
    source = Path(tree, NODE_CODE)
    listed = lab.sh(machine, f"cd {INSTALLED} && find . -name '*.py' -exec sha256sum {{}} +").splitlines()
    assert len(listed) > 50
    found = {name.removeprefix("./"): digest for digest, name in (line.split() for line in listed)}
    return [name for name, digest in sorted(found.items()) if digest != _digest(source / name)]


def _digest(file):
    return hashlib.sha256(file.read_bytes()).hexdigest() if file.exists() else ""
