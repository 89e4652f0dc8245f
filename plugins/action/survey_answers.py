# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the answers of an AWX survey, on the controller."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.utils.vars import load_extra_vars

from ansible_collections.intercloud.vpn.plugins.module_utils._awx.answers import VARIABLES, WHERE, read_answers
from ansible_collections.intercloud.vpn.plugins.module_utils._awx.questions import PREFIX
from ansible_collections.intercloud.vpn.plugins.module_utils._base.coerce import tidy
from ansible_collections.intercloud.vpn.plugins.module_utils._base.errors import IntentErrors
from ansible_collections.intercloud.vpn.plugins.module_utils._base.problems import Problems
from ansible_collections.intercloud.vpn.plugins.plugin_utils._action import LocalAction


class ActionModule(LocalAction):
    """Action plugin of M(intercloud.vpn.survey_answers)."""

    def work(self, given: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """The variables that the answers are. AnsibleActionFail with all that is wrong with them."""
        problems = Problems()
        variables = read_answers(answers_of(task_vars), problems)
        extra = load_extra_vars(self._loader)
        for variable in VARIABLES:
            if variable in variables and variable in extra:
                problems.add(
                    variable, "is said by the survey and by an extra variable; leave it out of the template's variables"
                )
        if len(problems):
            raise AnsibleActionFail(IntentErrors(problems).report(WHERE))
        return {"variables": variables}


def answers_of(task_vars: Mapping[str, Any]) -> dict[str, Any]:
    """The answers among the variables of a task, as plain data. They are not templated: anybody may have typed them."""
    return {name: tidy(value) for name, value in task_vars.items() if name.startswith(PREFIX)}
