# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hands what all nodes hold to the VCC server, in one pass over the hosts."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from ansible_collections.intercloud.vpn.plugins.module_utils._intent.landscape.facts import is_shared, organization_of
from ansible_collections.intercloud.vpn.plugins.plugin_utils._action import RunAction
from ansible_collections.intercloud.vpn.plugins.plugin_utils._inventory import read_hosts, who_runs


class ActionModule(RunAction):
    """Action plugin of M(intercloud.vpn.ledger_recover)."""

    def act(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        # A shared VCC node holds slices of organizations that this ledger may have nothing to do with.
        inventory = read_hosts(task_vars)
        organizations = self._task.args.get("organizations") or sorted(
            {organization_of(facts) for facts in inventory.values() if not is_shared(facts)}
        )
        name = str(self._task.args.get("recalled_var", "vcc_recalled"))
        held, wrong = [], []
        for host, facts in sorted(inventory.items()):
            # Not templated: it is data that came from hosts.
            found = task_vars["hostvars"].raw_get(host).get(name)
            if isinstance(found, Mapping):
                held += [said_by(host, facts, one) for one in _listed(found, "held", Mapping)]
                paths = _listed(found, "unreadable", str)
                unreadable = [path for path in paths if _concerns(path, organizations)]
                wrong += [f"{host}: {path} cannot be read" for path in unreadable]
        result = self.ask(
            {**self._task.args, "organizations": organizations, "held": held, "who": who_runs(task_vars)}, task_vars
        )
        if "notes" in result:
            result["notes"] = wrong + result["notes"]
        return result


def said_by(host: str, facts: Mapping[str, Any], record: Mapping[str, Any]) -> dict[str, Any]:
    """A record of a host's with what the inventory says of the host, whatever the record says."""
    owner = "" if is_shared(facts) else organization_of(facts)
    return {**record, "host": host, "kinds": facts["kinds"], "owner": owner}


def _listed(found: Mapping[str, Any], key: str, kind: type) -> list[Any]:
    """What a host listed, as far as it is of a kind."""
    listed = found.get(key)
    return [one for one in listed if isinstance(one, kind)] if isinstance(listed, list) else []


def _concerns(path: str, organizations: Collection[str]) -> bool:
    """Whether a file on a node is the node's own, or the slice of one of the organizations."""
    _document, slice_of, *above = reversed(path.split("/"))
    return "organizations" not in above[:1] or slice_of in organizations
