# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make AWX's objects from inventory, ledger and settings, on the controller."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any, ClassVar

from ansible_collections.intercloud.vpn.plugins.module_utils._awx.objects import objects
from ansible_collections.intercloud.vpn.plugins.module_utils._awx.settings import read_settings
from ansible_collections.intercloud.vpn.plugins.module_utils._awx.tenants import Intent, tenants
from ansible_collections.intercloud.vpn.plugins.module_utils._base.coerce import tidy
from ansible_collections.intercloud.vpn.plugins.module_utils._base.errors import IntentErrors, VccError
from ansible_collections.intercloud.vpn.plugins.module_utils._base.whole_files import write_whole
from ansible_collections.intercloud.vpn.plugins.module_utils._intent.policy.catalog import CATALOG
from ansible_collections.intercloud.vpn.plugins.plugin_utils._action import LocalAction
from ansible_collections.intercloud.vpn.plugins.plugin_utils._inventory import read_inventory
from ansible_collections.intercloud.vpn.plugins.plugin_utils._unsafe_yaml import unsafe_yaml

WHERE = "in the settings for AWX, nothing was changed there"
HEAD = (
    "---\n# For infra.aap_configuration, by awx_setup: run that again instead of editing this. It holds no secrets.\n"
)
MISSING = (
    "The collection awx.awx is not installed. Install it with: ansible-galaxy collection install awx.awx. Or have the "
    "objects written for infra.aap_configuration: -e vcc_awx_write=FILE"
)


class ActionModule(LocalAction):
    """Action plugin of M(intercloud.vpn.awx_objects)."""

    ARGUMENTS: ClassVar = {
        "settings": {"type": "raw", "required": True},
        "vpns": {"type": "dict", "default": {}},
        "pools": {"type": "raw"},
        "policies": {"type": "raw"},
        "organizations": {"type": "list", "elements": "str", "default": []},
        "dest": {"type": "path"},
    }

    def work(self, given: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """The objects; in a file of ours, or for awx.awx. One that is there already, as it would be, is not changed."""
        inventory = read_inventory(task_vars, given["organizations"])
        every = tenants(inventory.hosts, given["vpns"])
        owners = [one for one in every if not given["organizations"] or one.name in given["organizations"]]
        problems = inventory.problems
        # Of all: the names of two must not be one in AWX, whichever of them this is for.
        settings = read_settings(tidy(given["settings"]), every, problems)
        if not owners:
            raise VccError("no host of the inventory is of an organization that this is for")
        if settings is None or len(problems):
            raise VccError(IntentErrors(problems).report(WHERE))
        pools = sorted(str(name) for name in given["pools"] or {})
        policies = sorted({*CATALOG, *map(str, given["policies"] or {})})
        made = objects(owners, Intent(tuple(pools), tuple(policies)), settings)
        if not given["dest"]:
            if not _has_awx():
                raise VccError(MISSING)
            return {"objects": made, "dest": None}
        path = Path(given["dest"]).expanduser()
        text = HEAD + unsafe_yaml(made)
        changed = not path.exists() or path.read_text(encoding="utf-8") != text
        if changed and not self._task.check_mode:
            write_whole(path, text.encode(), 0o600)
        return {"changed": changed, "objects": made, "dest": str(path)}


def _has_awx() -> bool:
    """Whether Ansible finds the collection awx.awx."""
    try:
        return importlib.util.find_spec("ansible_collections.awx.awx") is not None
    except ModuleNotFoundError:
        return False
