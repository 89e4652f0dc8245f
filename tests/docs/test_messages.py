# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages that docs/troubleshooting.md names are those that the code has: who changes one changes the page."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from ansible_collections.intercloud.vpn.tests.docs.pages import FENCE, ROOT

PAGE = (ROOT / "docs/troubleshooting.md").read_text(encoding="utf-8")
REST = "\N{HORIZONTAL ELLIPSIS}"
SPAN = re.compile(r"`([^`\n]+)`")
# Messages have several words. Those of tables and headings that are something else:
NO_MESSAGES = re.compile(r"vcc_\w+: \w+$|/|ansible")
# Of the operating system, by its number: the code asks strerror.
FOREIGN = {"no space left on device"}


def told() -> list[str]:
    """What the page has between backticks in headings, tables and sentences, if it has several words."""
    text = FENCE.sub("", PAGE)
    found = [span for span in SPAN.findall(text) if " " in span.strip() and not NO_MESSAGES.match(span)]
    return [message for message in dict.fromkeys(found) if message not in FOREIGN]


@cache
def literals() -> tuple[str, ...]:
    """Every text in the code, with an ellipsis where a value is put in, and those of roles and playbooks."""
    found = []
    for folder in ("module_utils", "plugin_utils", "action", "modules", "callback"):
        for file in (ROOT / "plugins" / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                found.append(_text(node))
    for file in (*ROOT.glob("roles/*/tasks/*.yml"), *(ROOT / "playbooks").rglob("*.yml")):
        found.append(" ".join(file.read_text(encoding="utf-8").split()))
    return tuple(text for text in found if text)


def _text(node: ast.AST) -> str:
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part) or REST for part in node.values)
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return re.sub(r"\{\w+\}", REST, node.value)  # what format() fills in
    return ""


def test_there_are_messages() -> None:
    assert len(told()) > 40
    assert len(literals()) > 2000


@pytest.mark.parametrize("message", told())
def test_a_message_is_one_that_the_code_has(message: str) -> None:
    """Each part between the ellipses, in one text of the code; a number or a name may stand for a value."""
    parts = [part.strip(" .,:;") for part in message.split(REST) if len(part.strip(" .,:;()?")) > 2]
    assert parts, "nothing but ellipses"
    missing = [part for part in parts if not any(part in text for text in literals())]
    assert missing == []


def test_every_expectation_of_verify_is_on_the_page_or_speaks_for_itself() -> None:
    """What verify expects is what people search for. The few that are left out say what to do in their findings."""
    source = Path(ROOT / "plugins/module_utils/_verify/answers.py").read_text(encoding="utf-8")
    expected = {
        _text(node.args[2])
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Finding"
    } - {""}
    known = {text for text in expected if all(part.strip() in PAGE for part in text.split(REST))}
    assert expected - known <= {f"probes to {REST} can be sent", "no loss", f"the edge answers at {REST}"}
