# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts of packages: what could become part of a template is marked, so that Ansible never evaluates it."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.inventory import ovf
from ansible_collections.intercloud.vpn.plugins.module_utils._base.errors import IntentError


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("{{ 1 }}", ["{{ 1 }}"]),
        (["{", "{ 1 }}", "{ {", "plain", 7, None], ["{", "{ 1 }}", "{ {"]),
        (["#jinja2:variable_start_string:'[['", "#jin"], ["#jinja2:variable_start_string:'[['", "#jin"]),
        ({"motd": "{% if", "owner": "acme"}, ["{% if"]),
        ({"{{ 1 }}": "acme"}, ["{{ 1 }}", "acme"]),
    ],
)
def test_parts_of_templates_are_marked(value: Any, expected: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Cores before 2.19 evaluate what is not marked, and `compose` can make a template of two texts that are none."""
    marked: list[str] = []

    def mark(text: str) -> str:
        marked.append(text)
        return text

    monkeypatch.setattr(ovf, "wrap_var", mark)
    assert ovf.inert(value) == value
    assert marked == expected


def test_a_name_makes_no_line_of_a_message() -> None:
    shown = ovf.printable(IntentError("shop.ovf, VirtualSystem[web\nmail]", "the name '\x9b2Jà' is none"))
    assert str(shown) == r"shop.ovf, VirtualSystem[web\nmail]: the name '\x9b2Jà' is none"
