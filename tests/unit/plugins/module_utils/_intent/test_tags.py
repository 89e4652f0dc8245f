# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an inventory made of tags: names are words of Ansible's SSH command lines, roles are groups."""

from __future__ import annotations

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._base.problems import Problems
from ansible_collections.intercloud.vpn.plugins.module_utils._intent.tags import check_tags


def told(name: str, role: str = "member", groups: tuple[str, ...] = ("members",)) -> list[str]:
    problems = Problems()
    tags = {"vcc-name": name, "vcc-role": role, "vcc-cloud": "oslo"}
    check_tags(name, {"vcc_tags": tags}, groups, set(), problems)
    return [error.message for error in problems]


@pytest.mark.parametrize("name", ["x -o ProxyCommand=reboot", "x;reboot", "-oProxyCommand=reboot", "$(reboot)", "a\nb"])
def test_a_tag_cannot_give_ssh_an_option_or_a_command(name: str) -> None:
    """Also of hosts in no VPN: a run without a ledger asks them, too."""
    (message,) = told(name)
    assert message.startswith(f"the name {name!r} must be letters, digits, '.', '_' and '-', starting with")


@pytest.mark.parametrize("name", ["web-oslo", "web_1.oslo", "0"])
def test_usual_names_are_in_order(name: str) -> None:
    assert told(name) == []


def test_a_role_that_no_group_came_of_is_told() -> None:
    """The inventory compares the tag as it is. The host would be left out without a word."""
    assert told("web-oslo", "member ", ()) == [
        "tag vcc-role is member, but the host is not in group members: remove spaces from the tag"
    ]
