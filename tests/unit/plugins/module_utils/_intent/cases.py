# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A wrong intent as a text, and what is said of it.

A case is YAML. ``vpn`` changes the lab's payroll VPN (null leaves a key out); ``vpns``, ``pools`` and ``policies``
replace parts of the intent; ``hosts`` changes the lab's landscape of two clouds, ``groups`` adds inventory groups;
``delete`` and ``create_tunnels`` are the request's; ``before`` is an intent that was planned earlier, in the lab as it
is.
"""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from ansible_collections.intercloud.vpn.plugins.module_utils._base.errors import IntentErrors
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils.landscapes import (
    PAYROLL,
    World,
    changed,
    lab,
)

Errors = list[tuple[str, str]]


def read_case(text: str) -> dict[str, Any]:
    """A case with all its parts; ``*payroll`` stands for the lab's VPN."""
    text = text.replace("*payroll", "{name: payroll, pool: internal, members: [vm1-east, vm1-west, vm3-west]}")
    case: dict[str, Any] = yaml.safe_load(text)
    vpn = {key: value for key, value in {**PAYROLL, **case.pop("vpn", {})}.items() if value is not None}
    return {"vpns": [vpn], **case}


def refusal(text: str) -> Errors:
    """The errors of a case, (path, message) in order. Nothing is written then."""
    case = read_case(text)
    world = World(groups=case.pop("groups", {}))
    if "before" in case:
        world.ask(case.pop("before"))
    world.hosts = changed(lab(), case.pop("hosts", {}))
    before = world.dump()
    with pytest.raises(IntentErrors) as caught:
        world.ask(case, absent=case.pop("delete", ()), create_tunnels=case.pop("create_tunnels", True))
    assert world.dump() == before
    return [(error.path, error.message) for error in caught.value.errors]


def assert_refused(text: str, errors: Errors) -> None:
    """All that is reported of a case, in order: path, and a telling part of the message."""
    found = refusal(text)
    assert [path for path, _message in found] == [path for path, _part in errors], found
    for (path, message), (_path, part) in zip(found, errors):
        assert part in message, (path, message)
