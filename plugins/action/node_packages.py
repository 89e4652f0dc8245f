# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Has a node's package manager install packages, and asks the node to note that; see :class:`NodeAction`."""

from __future__ import annotations

import contextlib
from typing import Any, ClassVar

from ansible.errors import AnsibleError

from ansible_collections.intercloud.vpn.plugins.module_utils._node.arguments import PACKAGES
from ansible_collections.intercloud.vpn.plugins.plugin_utils._action import NodeAction, keep_what_ansible_found

DNF = "ansible.builtin.dnf"  # whose own action plugin knows which dnf a node has


class ActionModule(NodeAction):
    """Action plugin of M(intercloud.vpn.node_packages)."""

    ARGUMENTS: ClassVar = PACKAGES

    def act(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        """Packages are noted before they are installed: what is installed and not noted would stay for ever. Those that
        could not be installed are forgotten then.
        """
        _dummy, given = self.validate_argument_spec(argument_spec=PACKAGES)
        first = bool(given["packages"]) and given["state"] == "present" and not self._task.check_mode
        noting = {**self._task.args, "links": {}}  # what a link is in may come with a package
        noted = self.ask(noting, task_vars) if first else {}
        if noted.get("failed"):
            return noted
        done = self._managed(given, task_vars) if given["packages"] else {}
        keep_what_ansible_found(done)
        if done.get("failed"):
            if first:
                with contextlib.suppress(AnsibleError):  # why nothing was installed is what counts
                    self.ask({**noting, "state": "absent"}, task_vars)
            return done
        said = noted if first and not given["links"] else _both(noted, self.ask(self._task.args, task_vars))
        return {**said, "changed": bool(done.get("changed") or said.get("changed"))}

    def _managed(self, given: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """What the package manager's module returns."""
        wanted = {"name": given["packages"], "state": given["state"]}
        absent = given["state"] == "absent"
        if given["family"] == "Debian":
            wanted.update({"purge": True} if absent else {"update_cache": True, "cache_valid_time": 3600})
            done = self._apt(wanted, task_vars)
            # Lists that are new by their time may be empty, as in an image, or name packages that the mirror replaced.
            stale = done.get("failed") and not absent
            return self._apt({**wanted, "cache_valid_time": 0}, task_vars) if stale else done
        task = self._task.copy()
        task.args = {**wanted, **({"autoremove": False} if absent else {})}
        action = self._shared_loader_obj.action_loader.get(
            DNF, task=task, connection=self._connection, play_context=self._play_context, loader=self._loader,
            templar=self._templar, shared_loader_obj=self._shared_loader_obj,
        )  # fmt: skip
        return dict(action.run(task_vars=task_vars))

    def _apt(self, wanted: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        return dict(self._execute_module(module_name="ansible.builtin.apt", module_args=wanted, task_vars=task_vars))


def _both(first: dict[str, Any], then: dict[str, Any]) -> dict[str, Any]:
    """The node's answer after another one, with what that changed."""
    changed = bool(first.get("changed") or then.get("changed"))
    subsystems = {**first.get("subsystems", {}), **then.get("subsystems", {})}
    return {**then, "changed": changed, **({"subsystems": subsystems} if subsystems else {})}
