# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the page: the ledger's part is read on the VCC server, the rest is put together on the controller."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ansible.utils.display import Display

from ansible_collections.intercloud.vpn.plugins.action.vpn_report import shortest
from ansible_collections.intercloud.vpn.plugins.module_utils._base.errors import VccError
from ansible_collections.intercloud.vpn.plugins.module_utils._base.whole_files import make_directory, write_whole
from ansible_collections.intercloud.vpn.plugins.module_utils._page.model import Known, model
from ansible_collections.intercloud.vpn.plugins.module_utils._page.page import page
from ansible_collections.intercloud.vpn.plugins.plugin_utils._inventory import read_inventory
from ansible_collections.intercloud.vpn.plugins.plugin_utils._looked import Looked, looked, mapping
from ansible_collections.intercloud.vpn.plugins.plugin_utils._page_files import parts
from ansible_collections.intercloud.vpn.plugins.plugin_utils._server_action import ServerAction


class ActionModule(ServerAction):
    """Action plugin of M(intercloud.vpn.vpn_page)."""

    def act(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        given = {key: value for key, value in self._task.args.items() if value is not None}
        for key in ("plan", "dest"):
            if key not in given:
                raise VccError(f"{key} is missing")
        pools, policies = (mapping(given.get(key)) for key in ("pools", "policies"))
        answer = self.ask({**given, "pools": pools, "policies": policies}, task_vars)
        if answer.get("failed"):
            return answer
        verified, note = _verified(given.get("result"))
        if answer.get("missing"):
            note = "There is no ledger yet: the first create_vpn makes it. The tab Compose makes the first intent."
        inventories = [shortest(str(path)) for path in task_vars.get("ansible_inventory_sources") or []]
        organizations = given.get("organizations") or ()
        hosts = read_inventory(task_vars, organizations).hosts

        def show(seen: Looked) -> str:
            known = Known(
                hosts,
                seen.plan,
                seen.documents,
                seen.found,
                verified,
                answer["events"],
                pools,
                policies,
                organizations,
                {"inventories": inventories, "awx_url": given.get("awx_url")},
                answer["held"],
            )
            return page(model(known), parts())

        _seen, text = looked(given, task_vars["hostvars"], answer["held"], show)
        dest = Path(str(given["dest"])).expanduser()
        if not self._task.check_mode:
            make_directory(dest.parent, 0o700)
            write_whole(dest, text.encode("utf-8"), 0o600)
            Display().display(f"The report is in {dest}. {note}")
        return {"changed": False, "dest": str(dest), "measured": (verified or {}).get("time")}


def _verified(path: Any) -> tuple[dict[str, Any] | None, str]:
    """What verify wrote, and a note of it. A file of another kind is left out, and the note says so."""
    if not path or not Path(str(path)).expanduser().is_file():
        return None, "It shows reachability as planned: verify_vpn measures it."
    try:
        found = json.loads(Path(str(path)).expanduser().read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        return None, f"It shows reachability as planned: {path} cannot be read: {error}"
    if not isinstance(found, dict) or not isinstance(found.get("totals"), list):
        return None, f"It shows reachability as planned: {path} holds no result of verify_vpn."
    return found, f"It shows what verify_vpn measured at {found.get('time')}."
