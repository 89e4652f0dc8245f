# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A lab with a partner's gateway of each kind, and what its administrator is shown."""

from __future__ import annotations

import copy
import functools
import json
from typing import Any

from ansible_collections.intercloud.vpn.plugins.module_utils._partner.settings import settings, with_files
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils.landscapes import World, changed, lab

# What each gateway takes, the strongest first.
POLICY = {
    "encryption": {
        "ike": ["aes256gcm16-prfsha384-ecp384", "aes256-sha384-ecp384", "aes256-sha512-ecp384"],
        "esp": ["aes256gcm16-ecp384"],
    }
}
PARTNER = {"kinds": ["org_edges"], "clouds": ["partner"], "vcc_external": True, "vcc_public_address": ["198.51.100.20"]}
ORDERS = {"name": "orders", "pool": "internal", "members": ["vm3-east", "vm-partner"], "policy": POLICY}


TUNNEL = "edge-east--partner"


def world(gateway: str | None, **more: Any) -> World:
    """The lab and an edge ``partner`` with one VM."""
    said = {} if gateway is None else {"vcc_gateway": gateway}
    vm = {"kinds": ["members"], "clouds": ["partner"]}
    return World(changed(lab(1), {"partner": {**PARTNER, **said, **more}, "vm-partner": vm}))


def shown(gateway: str | None, psk: str | None = None, vpns: Any = (ORDERS,)) -> dict[str, Any]:
    """The settings; with the key, if there is one."""
    found = copy.deepcopy(_found(gateway, json.dumps(vpns)))
    return with_files(found, {} if psk is None else {TUNNEL: psk})


@functools.cache
def _found(gateway: str | None, vpns: str) -> dict[str, Any]:
    plan = world(gateway).plan(*json.loads(vpns))
    files = {TUNNEL: f"/state/psk/acme/{TUNNEL} on vcc"}
    return settings("partner", {"vpns": plan.vpns}, dict(plan.documents.items()), files, "")
