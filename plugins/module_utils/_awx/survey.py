# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AWX: survey specifications, with the choices that inventory and ledger give at this moment.

AWX checks a specification in JobTemplateSurveySpec (awx/api/views/__init__.py), and answers in SurveyJobTemplateMixin
(awx/main/models/mixins.py).
"""

from __future__ import annotations

from typing import Any

from .questions import FORMS, MOST_CHOICES, Question
from .tenants import Intent, Tenant

LINE, TEXT = 1024, 65_536
"""So many characters are taken of a line and of a text, where nothing less is said."""
_ONE, _SEVERAL = "multiplechoice", "multiselect"


def survey(form: str, title: str, tenant: Tenant, intent: Intent) -> dict[str, Any]:
    """The specification of a form's survey, as AWX takes it."""
    spec = [_element(question, tenant, intent) for question in FORMS[form]]
    return {"name": title, "description": "", "spec": spec}


def _element(question: Question, tenant: Tenant, intent: Intent) -> dict[str, Any]:
    choices = [] if question.choices is None else list(question.choices(tenant, intent))
    kind, said = question.kind, question.help
    if question.choices is not None and not 0 < len(choices) <= MOST_CHOICES:
        kind, said = _as_text(question, said, bool(choices))
        choices = []
    default: Any = "" if question.default is None else question.default
    if choices and default not in choices:
        default = choices[0] if kind == _ONE and len(choices) == 1 and question.required else ""
    least, most = question.least, question.most
    if kind in ("text", "textarea"):
        least, most = (1 if question.required else 0) if least is None else least, most or (LINE, TEXT)[kind != "text"]
    return {
        "question_name": question.label,
        "question_description": said,
        "variable": question.variable,
        "type": kind,
        "required": question.required,
        "choices": choices,
        "default": default,
        "min": least,
        "max": most,
    }


def _as_text(question: Question, said: str, many: bool) -> tuple[str, str]:
    """A question whose choices are too many, or none as yet: it asks for names."""
    why = "" if many else " There was none when this survey was made: run awx_setup again to be given choices."
    if question.kind == _SEVERAL:
        return "textarea", f"{said} One name, group or pattern per line.{why}"
    return "text", f"{said} Write the name.{why}"
