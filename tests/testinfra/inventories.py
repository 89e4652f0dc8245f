# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's inventory, in which machines have other names, or are gone: as files that ansible-playbook takes."""

from __future__ import annotations

import json
import subprocess
from functools import partial

from ansible_collections.intercloud.vpn.tests.testinfra import lab, playbooks


def renamed(path, old, new, **variables):
    """In which a host has another name, and variables of its own; what is behind it says so."""
    found = _shown()
    hosts = found["_meta"]["hostvars"]
    _in_groups(found, lambda host: new if host == old else host)
    hosts[new] = {**hosts.pop(old), **variables}
    for facts in hosts.values():
        if facts.get("vcc_vapp") in (old, {"__ansible_unsafe": old}):
            facts["vcc_vapp"] = new
    return _written(path, found)


def moved(path, places, without=()):
    """In which VMs, and vApp edges, are on other machines (VM → machine), which are hosts no more; ``without`` some."""
    found = _shown()
    hosts = found["_meta"]["hostvars"]
    _in_groups(found, lambda host: None if host in without or host in places else host)
    for name, machine in places.items():
        _in_groups(found, partial(_instead, machine, name))
        hosts[name] = hosts.pop(machine)
        for facts in hosts.values():
            if facts.get("vcc_vapp") in (machine, {"__ansible_unsafe": machine}):
                facts["vcc_vapp"] = name
    return _written(path, found)


def placed(path, addresses, clouds=None):
    """In which VMs have these addresses; and some are in another cloud, on the machine that they are on."""
    found = _shown()
    for name, own in addresses.items():
        found["_meta"]["hostvars"][name]["vcc_address"] = own
    for name, cloud in (clouds or {}).items():
        for group, content in found.items():
            if group.startswith("cloud_") and name in content.get("hosts", []):
                content["hosts"].remove(name)
        found[f"cloud_{cloud}"]["hosts"].append(name)
    return _written(path, found)


def told(path, **variables):
    """An inventory of these, in which hosts have further variables: by their names, with ``_`` for ``-``."""
    found = json.loads(path.read_text(encoding="utf-8").split("\n", 2)[2].rpartition("\nEOF")[0])
    for name, own in variables.items():
        found["_meta"]["hostvars"][name.replace("_", "-")].update(own)
    return _written(path, found)


def _instead(machine, name, host):
    return name if host == machine else host


def _shown():
    words = ["ansible-inventory", "-i", str(playbooks.INVENTORY), "--list"]
    shown = subprocess.run(words, env=playbooks.environment(), cwd=lab.ROOT, check=True, capture_output=True, text=True)
    return json.loads(shown.stdout)


def _in_groups(found, change):
    for group in (value for key, value in found.items() if key != "_meta"):
        group["hosts"] = [new for host in group.get("hosts", []) if (new := change(host)) is not None]


def _written(path, found):
    path.write_text(f"#!/bin/sh\ncat <<'EOF'\n{json.dumps(found)}\nEOF\n", encoding="utf-8")
    path.chmod(0o755)
    return path
