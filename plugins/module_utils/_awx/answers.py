# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AWX: what the answers of a survey ask for, in our variables. Nothing else reads answers.

AWX gives a text, a list of texts or a number for each question, an empty text or nothing where there is no answer. It
checks answers against the survey, which may be older than the inventory: what is gone since is refused here or by the
plan, in the survey's words (:func:`reworded`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from .._base.coerce import boolean, integer
from .._base.problems import Problems, did_you_mean
from .._intent.paths import CREATE_TUNNELS, DELETE, GENERATION, MOVE, NETWORKS, ONLY, REVOKE, TO, VPNS
from .._intent.run import CHECKS
from .._intent.vpn import parse_name
from . import questions as q
from .questions import PREFIX, QUESTIONS, Question

WHERE = "in the survey's answers, no host was touched"
"""What is said of mistakes."""
_BETWEEN = re.compile(r"[\s,]+")


def read_answers(given: Mapping[str, Any], problems: Problems) -> dict[str, Any]:
    """Our variables, of the answers by their variables; what has no answer is left out. Mistakes have the labels.

    A VPN that is described becomes an entry of ``vcc_vpns``, a change of members another one.
    """
    unknown = sorted(name for name in given if name.startswith(PREFIX) and name not in QUESTIONS)
    for name in unknown:
        problems.add(name, f"is not a question of a survey{did_you_mean(name, QUESTIONS)}")
    # AWX takes an empty list for an answer. Without it, delete_vpn would delete the intent's only VPN.
    for name, question in QUESTIONS.items():
        if question.required and name in given and _is_empty(given[name]):
            problems.add(question.label, "needs an answer")
    found: dict[str, Any] = {}
    answers = _Answers(given, problems)
    vpns = [vpn for vpn in (_described(answers), _changed(answers)) if vpn is not None]
    if vpns:
        found[VPNS] = vpns
        found[NETWORKS] = []  # what the inventory declares stays as the ledger has it: the survey is about one VPN
    deleted = [*answers.names(q.DELETE), *answers.names(q.AGREED)]
    lists = {DELETE: deleted, MOVE: answers.names(q.MOVE)}
    found.update({variable: names for variable, names in lists.items() if names})
    for variable, question in ONE_TO_ONE.items():
        value = answers.number(question) if question.kind == "integer" else answers.text(question)
        if value is not None:
            found[variable] = value
            wrong = CHECKS[variable](value)
            if wrong:
                problems.add(question.label, wrong)
    return found


def describes_vpn(given: Mapping[str, Any]) -> bool:
    """Whether the answers are a VPN, or a change of one. It takes the place of what the inventory declares."""
    return any(not _is_empty(given.get(question.variable)) for question in (*_DESCRIBING, *_CHANGING))


_DESCRIBING, _CHANGING = (q.NAME, q.POOL, q.MEMBERS), (q.VPN, q.ADD, q.REMOVE)
ONE_TO_ONE: Mapping[str, Question] = {
    CREATE_TUNNELS: q.NEW_TUNNELS,
    TO: q.TO,
    REVOKE: q.EDGE,
    GENERATION: q.GENERATION,
    ONLY: q.ONLY,
    "vcc_since": q.SINCE,
    "vcc_events": q.EVENTS,
    "vcc_verify": q.PROBES,
}
"""The variables that are one answer."""

VARIABLES = (VPNS, NETWORKS, DELETE, MOVE, *ONE_TO_ONE)
"""All that answers can set."""


def reworded(text: str, given: Mapping[str, Any]) -> str:
    """A report of mistakes, with the labels of those questions that have an answer instead of paths of the intent."""
    for variable, question in QUESTIONS.items():
        if not _is_empty(given.get(variable)):
            for path in question.paths:
                text = re.sub(rf"^{path}(?=: )", question.label, text, flags=re.MULTILINE)
    for question in (q.NAME, q.VPN):  # what is wrong with the VPN as a whole
        if not _is_empty(given.get(question.variable)):
            text = re.sub(rf"^{q.FIRST}[^: ]*(?=: )", question.label, text, flags=re.MULTILINE)
    return text


def _described(answers: _Answers) -> dict[str, Any] | None:
    """The VPN that the form `create` describes."""
    if not any(answers.has(question) for question in _DESCRIBING):
        return None
    for question in _DESCRIBING:
        if not answers.has(question):
            answers.problems.add(question.label, "needs an answer")
    name = answers.name(q.NAME)
    vpn: dict[str, Any] = {"name": name, "pool": answers.text(q.POOL), "members": answers.names(q.MEMBERS)}
    topology, hubs = answers.text(q.TOPOLOGY) or "mesh", answers.names(q.HUBS)
    if hubs and topology != "star":
        answers.problems.add(q.HUBS.label, f"a {topology} has no hubs: choose the topology star, or no hubs")
    vpn["topology"] = {"kind": "star", "hubs": hubs} if hubs else topology
    for key, question in (("tunnel", q.TUNNEL), ("policy", q.POLICY)):
        said = answers.text(question)
        if said is not None:
            vpn[key] = said
    named = answers.text(q.NAMES)
    if named is not None:
        vpn["names"] = boolean(named)
        if not isinstance(vpn["names"], bool):
            answers.problems.add(q.NAMES.label, f"must be yes or no, not {named!r}")
    return vpn


def _changed(answers: _Answers) -> dict[str, Any] | None:
    """The VPN whose members the forms `add` and `remove` change."""
    if not any(answers.has(question) for question in _CHANGING):
        return None
    if not answers.has(q.VPN):
        answers.problems.add(q.VPN.label, "needs an answer")
    vpn: dict[str, Any] = {"name": answers.name(q.VPN)}
    for key, question in (("add", q.ADD), ("remove", q.REMOVE)):
        if answers.has(question):
            vpn[key] = answers.names(question)
    if len(vpn) == 1:
        answers.problems.add(q.VPN.label, f"nothing is said of its members: answer {q.ADD.label} or {q.REMOVE.label}")
    return vpn


class _Answers:
    """Reads answers as texts, lists of names and numbers; what is none of these is noted."""

    def __init__(self, given: Mapping[str, Any], problems: Problems) -> None:
        self.given, self.problems = given, problems

    def has(self, question: Question) -> bool:
        """Whether there is an answer."""
        return not _is_empty(self.given.get(question.variable))

    def text(self, question: Question) -> str | None:
        """A line; None without an answer."""
        value = self.given.get(question.variable)
        if _is_empty(value):
            return None
        if not isinstance(value, str):
            self.problems.add(question.label, f"must be a text, not {value!r}")
            return None
        if len(value.splitlines()) > 1:
            self.problems.add(question.label, "must be one line")
            return None
        return value.strip()

    def name(self, question: Question) -> str | None:
        """The name of a VPN; None without an answer."""
        name = self.text(question)
        return None if name is None else parse_name(name, question.label, self.problems)

    def names(self, question: Question) -> list[str]:
        """Names, each once, in the order given: of a list, or of lines and words."""
        value = self.given.get(question.variable)
        if _is_empty(value):
            return []
        entries = _BETWEEN.split(value.strip()) if isinstance(value, str) else value
        if not isinstance(entries, (list, tuple)) or not all(isinstance(entry, str) for entry in entries):
            self.problems.add(question.label, f"must be names, not {value!r}")
            return []
        return list(dict.fromkeys(entry.strip() for entry in entries if entry.strip()))

    def number(self, question: Question) -> int | None:
        """A whole number; None without an answer."""
        value = self.given.get(question.variable)
        if _is_empty(value):
            return None
        number = integer(value)
        if not isinstance(number, int) or isinstance(number, bool):
            self.problems.add(question.label, f"must be a whole number, not {value!r}")
            return None
        return number


def _is_empty(value: object) -> bool:
    if isinstance(value, str):
        return not value.strip(" \t\r\n,")
    if isinstance(value, (list, tuple)):
        return all(_is_empty(entry) for entry in value)
    return value is None
