# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AWX's objects of one organization are made by the settings of all of them."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.action import awx_objects
from ansible_collections.intercloud.vpn.plugins.module_utils._base.errors import VccError
from ansible_collections.intercloud.vpn.plugins.plugin_utils._inventory import Inventory
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils.landscapes import lab

GIVEN = {"image": "registry.example/vpn:1.0", "inventory_project": "https://git.example/fleet.git", "inventory": "h"}
HOSTS = {**lab(2), **lab(2, org="umbra", tag="u")}


@pytest.fixture(autouse=True)
def _apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(awx_objects, "read_inventory", lambda _vars, _organizations: Inventory(HOSTS))
    monkeypatch.setattr(awx_objects, "_has_awx", lambda: True)


def made(names: dict[str, str]) -> Any:
    action = object.__new__(awx_objects.ActionModule)
    given = {"vpns": {}, "pools": {}, "policies": {}, "organizations": ["acme"], "dest": None}
    return action.work({**given, "settings": {**GIVEN, "organizations": names}}, {})["objects"]


def test_the_settings_may_name_organizations_that_it_is_not_for() -> None:
    found = made({"acme": "Acme Corp", "umbra": "Umbra Corp"})
    assert [one["name"] for one in found["aap_organizations"]] == ["Acme Corp"]


def test_the_name_of_an_organization_that_it_is_not_for_is_refused() -> None:
    with pytest.raises(VccError, match=r"vcc_awx\.organizations\.umbra: umbra is the name of acme, too"):
        made({"acme": "umbra"})
