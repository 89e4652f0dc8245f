# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Ansible hands over is written as it is, and nothing of it is a template."""

from __future__ import annotations

from ansible_collections.intercloud.vpn.plugins.plugin_utils._unsafe_yaml import unsafe_yaml


class Text(str):
    """As ansible-core 2.19 and later have them, with where they come from."""


class Number(int):
    """Likewise."""


class Part(float):
    """Likewise."""


def test_texts_and_numbers_of_ansible_are_texts_and_numbers() -> None:
    given = {"slices": Number(3), "share": Part(0.5), "name": Text("a"), "whole": True, "nothing": None}
    assert unsafe_yaml(given) == "slices: 3\nshare: 0.5\nname: a\nwhole: true\nnothing: null\n"


def test_what_looks_like_a_template_is_none() -> None:
    assert unsafe_yaml([Text("{{ ledger }}"), "{% x %}"]) == "- !unsafe '{{ ledger }}'\n- !unsafe '{% x %}'\n"
