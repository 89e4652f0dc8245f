# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads inventories as a run does, on whatever ansible-core runs this file.

    python read.py COLLECTIONS < '{"case": {"inventory": [PATH, …], "replay": DIRECTORY}, …}'

writes ``{"core": VERSION, "case": ANSWER, …}``, where an answer has ``hosts``, ``problems``, ``intent`` and
``connections``, or ``failed``.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

os.environ.update(ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED="true", ANSIBLE_COLLECTIONS_PATH=sys.argv[1])
os.environ.pop("ANSIBLE_CONFIG", None)

from ansible import release
from ansible.errors import AnsibleError
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import init_plugin_loader
from ansible.vars.hostvars import HostVars
from ansible.vars.manager import VariableManager


def read(inventory: list[str]) -> dict[str, Any]:
    # Not before the loader is told where collections are.
    from ansible_collections.intercloud.vpn.plugins.module_utils._intent.landscape.connections import logged_in
    from ansible_collections.intercloud.vpn.plugins.plugin_utils._inventory import read_inventory
    from ansible_collections.intercloud.vpn.plugins.plugin_utils._reached import read_connections

    loader = DataLoader()
    manager = InventoryManager(loader=loader, sources=inventory)
    variables = VariableManager(loader=loader, inventory=manager)
    hostvars = HostVars(manager, variables, loader)
    task_vars = {"groups": manager.get_groups_dict(), "hostvars": hostvars}
    found = read_inventory(task_vars)
    local = hostvars["localhost"]
    return {
        "hosts": found.hosts,
        "problems": [str(error) for error in found.problems],
        "intent": {name: local[f"vcc_{name}"] for name in ("pools", "vpns")},
        "connections": {
            name: [one.host, one.after] for name, one in read_connections(logged_in(found.hosts), task_vars).items()
        },
    }


def main() -> None:
    init_plugin_loader([sys.argv[1]])
    answers: dict[str, Any] = {"core": release.__version__}
    for case, asked in json.load(sys.stdin).items():
        os.environ["REPLAY"] = asked["replay"]
        try:
            answers[case] = read(asked["inventory"])
        except AnsibleError as error:
            answers[case] = {"failed": str(error)}
    json.dump(answers, sys.stdout, default=list)


main()
