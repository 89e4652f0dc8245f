# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What AWX accepts, as its sources say it: of surveys, of their answers, of schedules and of credential types.

facts.json has what its modules and infra.aap_configuration take, with the commits that were read. The rules here are
those of JobTemplateSurveySpec (awx/api/views/__init__.py), SurveyJobTemplateMixin (awx/main/models/mixins.py),
SchedulePreviewSerializer (awx/api/serializers.py), and CredentialTypeInputField (awx/main/fields.py), at the same
commit.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

FACTS: dict[str, Any] = json.loads((Path(__file__).parent / "facts.json").read_text(encoding="utf-8"))
MODULES: dict[str, dict[str, dict[str, Any]]] = FACTS["awx"]["modules"]
VARIABLES: dict[str, dict[str, Any]] = FACTS["aap_configuration"]["variables"]
TEXTS, CHOICES = ("text", "textarea", "password"), ("multiplechoice", "multiselect")
DEFAULTS = {"integer": int, "float": (int, float)}
TYPES = {None: str, "str": str, "int": int, "bool": bool, "dict": dict, "list": list, "raw": object}


def wrong_survey(survey: Mapping[str, Any]) -> Iterator[str]:
    """Why AWX refuses a survey, or why nobody could answer it."""
    if [type(survey.get(key)) for key in ("name", "description", "spec")] != [str, str, list] or not survey["spec"]:
        yield "name, description or spec"
    variables = [element.get("variable") for element in survey["spec"]]
    if len({*variables}) < len(variables):
        yield "a variable twice"
    for element in survey["spec"]:
        yield from (f"{element['variable']}: {why}" for why in _wrong_element(element))


def _wrong_element(element: Mapping[str, Any]) -> Iterator[str]:
    kind, default = element["type"], element.get("default", "")
    if kind not in FACTS["awx"]["survey_types"]:
        yield "type"
    if not all(isinstance(element[key], str) for key in ("question_name", "variable", "question_description")):
        yield "texts"
    if not re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", element["variable"]) or not element["question_name"]:
        yield "names"
    if not isinstance(element["required"], bool):
        yield "required"
    if not all(type(element.get(key)) in (int, type(None)) for key in ("min", "max")):
        yield "limits"
    if default != "" and not isinstance(default, DEFAULTS.get(kind, str)):
        yield "type of the default"
    if str(default).startswith("$encrypted$"):
        yield "a reserved default"
    if kind in CHOICES:
        choices = element["choices"]
        if not choices or any(not isinstance(choice, str) or not choice.strip() for choice in choices):
            yield "choices"
        if len({*choices}) < len(choices) or any("\n" in choice for choice in choices):
            yield "choices that are one"
        chosen = default.splitlines()
        if not {*chosen} <= {*choices} or (kind == "multiplechoice" and len(chosen) > 1):
            yield "default"
    elif default != "":
        yield from wrong_answer(element, default)


def wrong_answer(element: Mapping[str, Any], answer: object) -> Iterator[str]:
    """Why AWX refuses an answer."""
    kind, least, most = element["type"], element.get("min"), element.get("max")
    if kind in TEXTS:
        size: float | None = len(answer) if isinstance(answer, str) else None
    elif kind == "integer":
        size = answer if isinstance(answer, int) and not isinstance(answer, bool) else None
    else:
        chosen = answer if kind == "multiselect" else [answer]
        if not isinstance(chosen, list) or any(one not in element["choices"] for one in chosen):
            yield "not among the choices"
        return
    if size is None:
        yield "type"
    elif (least is not None and size < least) or (most is not None and size > most):
        yield "size"


def wrong_arguments(module: str, given: Mapping[str, Any]) -> Iterator[str]:
    """What a module of awx.awx does not take."""
    spec = MODULES[module]
    yield from (
        f"{module}: {name} is missing" for name, rule in spec.items() if rule.get("required") and name not in given
    )
    for name, value in given.items():
        rule = spec.get(name)
        if rule is None:
            yield f"{module}: {name} is unknown"
        elif not isinstance(value, TYPES[rule.get("type")]) or (rule.get("type") == "int" and isinstance(value, bool)):
            yield f"{module}: {name}: {value!r} is no {rule.get('type')}"
        elif "choices" in rule and value not in rule["choices"]:
            yield f"{module}: {name}: {value!r} is none of the choices"


def wrong_rrule(rrule: str) -> Iterator[str]:
    """Why AWX refuses a schedule."""
    if len(re.findall(r"DTSTART(;[^:]+)?:\d{8}T\d{6}Z", rrule)) != 1:
        yield "DTSTART"
    rules = re.findall(r"RRULE:(\S*)", rrule)
    if len(rules) != 1 or "INTERVAL=" not in rules[0] or "SECONDLY" in rules[0]:
        yield "RRULE"
