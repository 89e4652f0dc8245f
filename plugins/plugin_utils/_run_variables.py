# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""INTENT, on the controller: the variables of a run, and what of an intent cannot be found out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible import context
from ansible.errors import AnsibleActionFail, AnsibleError

from ansible_collections.intercloud.vpn.plugins.module_utils._base.errors import IntentErrors
from ansible_collections.intercloud.vpn.plugins.module_utils._base.problems import Problems
from ansible_collections.intercloud.vpn.plugins.module_utils._intent.paths import NETWORKS, POLICIES, POOLS, VPNS
from ansible_collections.intercloud.vpn.plugins.module_utils._intent.run import CHECKS, check_run
from ansible_collections.intercloud.vpn.plugins.plugin_utils._host_reader import is_plain
from ansible_collections.intercloud.vpn.plugins.plugin_utils._inventory import UNREADABLE, check_server, first_line

PARTS = ("start_at_task", "step")
"""Options of ansible-playbook that leave out tasks."""
INTENT = {
    "pools": POOLS,
    "vpns": VPNS,
    "networks": NETWORKS,
    "policies": POLICIES,
    "absent_of": VPNS,
    "expected_of": VPNS,
}
"""What the user calls the parts of an intent."""


def read_run(task_vars: Mapping[str, Any], templar: Any, problems: Problems) -> dict[str, Any]:
    """The variables of the run that are one value each; what is wrong with them goes to ``problems``."""
    found = {}
    for variable in sorted(CHECKS.keys() & task_vars.keys()):
        try:
            found[variable] = templar.template(task_vars[variable])
        except AnsibleError as error:
            problems.add(variable, f"{UNREADABLE}: {first_line(error)}")
    check_run(found, problems)
    return found


def require_sound_run(task_vars: Mapping[str, Any], templar: Any) -> None:
    """AnsibleActionFail with all that is wrong with the variables of a run that reads no intent."""
    problems = Problems()
    check_server(task_vars, read_run(task_vars, templar, problems), problems)
    if len(problems):
        raise AnsibleActionFail(IntentErrors(problems).report("in the variables of the run, nothing was changed"))


def refuse_parts() -> None:
    """AnsibleActionFail where Ansible leaves out tasks: as tasks/whole.yml with tags, which may be left out itself."""
    given = [f"--{name.replace('_', '-')}" for name in PARTS if context.CLIARGS.get(name)]
    if given:
        raise AnsibleActionFail(
            f"{' and '.join(given)} would leave out steps that others rely on: nothing was done. Run the playbook "
            "without it. To run it for some hosts only, use --limit; to run one stage, the playbooks plan_vpn, "
            "prepare_vpn, apply_vpn and verify_vpn."
        )


def find_unreadable(task_vars: Mapping[str, Any], templar: Any, problems: Problems) -> None:
    """Note every place of the intent that cannot be templated, most often for a variable that is not there."""
    for variable in dict.fromkeys(INTENT.values()):
        if variable in task_vars:
            _walk(task_vars[variable], variable, templar, problems)


def _walk(value: Any, path: str, templar: Any, problems: Problems) -> None:
    if isinstance(value, Mapping):
        for key, entry in value.items():
            _walk(entry, f"{path}.{key}", templar, problems)
    elif isinstance(value, (list, tuple)):
        for index, entry in enumerate(value):
            _walk(entry, f"{path}[{index}]", templar, problems)
    elif not is_plain(value):
        try:
            templar.template(value)
        except AnsibleError as error:
            problems.add(path, f"{UNREADABLE}: {first_line(error)}")
