# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the administrator of a gateway with BGP is shown: golden texts in tests/unit/settings/.

UPDATE_GOLDEN=1 renews them: compare each line with the documents of its profile.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._node.bgp import sessions
from ansible_collections.intercloud.vpn.plugins.module_utils._node.document import Generation
from ansible_collections.intercloud.vpn.plugins.module_utils._node.ipsec.secrets import FILE
from ansible_collections.intercloud.vpn.plugins.module_utils._partner.forms.known import files_of
from ansible_collections.intercloud.vpn.plugins.module_utils._partner.settings import settings, with_files
from ansible_collections.intercloud.vpn.plugins.module_utils._partner.settings_text import settings_text
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils._partner.forms.test_forms import HOSTILE
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils._plan.test_bgp import ORDERS, TWICE, world

SETTINGS = Path(__file__).parents[4] / "settings"
TUNNEL = "edge-east--partner"
KEY = "1" + 63 * "a"
GATEWAYS = ("aws", "azure", "gcp", None)


def shown(gateway: str | None, psk: str | None = None, bgp: Any = ...) -> dict[str, Any]:
    plan = world(bgp=bgp, **({"vcc_gateway": gateway} if gateway else {})).plan(ORDERS)
    files = {name: f"/state/psk/acme/{name} on vcc" for name in (TUNNEL, f"{TUNNEL}--2")}
    found = settings("partner", {"vpns": plan.vpns}, dict(plan.documents.items()), files, "")
    return with_files(found, {} if psk is None else {TUNNEL: psk, f"{TUNNEL}--2": psk[::-1]})


@pytest.mark.parametrize("gateway", GATEWAYS)
def test_the_administrator_is_shown_this(gateway: str | None) -> None:
    text = settings_text(shown(gateway))
    path = SETTINGS / f"bgp-{gateway or 'strongswan'}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("gateway", ["aws", "gcp", None])
def test_the_administrator_of_two_endpoints_is_shown_this(gateway: str | None) -> None:
    text = settings_text(shown(gateway, bgp=TWICE))
    path = SETTINGS / f"bgp-two-{gateway or 'strongswan'}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("gateway", ["aws", "gcp"])
def test_both_endpoints_are_in_one_file_each_with_its_key(gateway: str) -> None:
    hcl2 = pytest.importorskip("hcl2")
    (text,) = (file for one in shown(gateway, KEY, TWICE)["tunnels"] for file in one["configuration"].values())
    read = hcl2.loads(text)
    kinds = [kind.strip('"') for block in read["resource"] for kind in block]
    assert kinds.count({"aws": "aws_vpn_connection", "gcp": "google_compute_external_vpn_gateway"}[gateway]) == 1
    assert f'"{KEY}"' in text and f'"{KEY[::-1]}"' in text and "THE" not in text
    assert re.search(r'"169.254.21.[01]/30"', text) and re.search(r'"169.254.22.[01]/30"', text)


@pytest.mark.parametrize("gateway", ["aws", "azure", "gcp"])
def test_terraform_reads_what_is_meant(gateway: str) -> None:
    hcl2 = pytest.importorskip("hcl2")
    (text,) = shown(gateway, KEY)["tunnels"][0]["configuration"].values()
    read = hcl2.loads(text)
    resources = [kind.strip('"') for block in read["resource"] for kind in block]
    assert (
        resources
        == {
            "aws": ["aws_customer_gateway", "aws_vpn_connection"],
            "azure": ["azurerm_local_network_gateway", "azurerm_virtual_network_gateway_connection"],
            "gcp": [
                "google_compute_external_vpn_gateway",
                "google_compute_vpn_tunnel",
                "google_compute_router_interface",
                "google_compute_router_peer",
            ],
        }[gateway]
    )
    said = {"aws": "169.254.21.0/30", "azure": "169.254.21.1", "gcp": "169.254.21.1/30"}[gateway]
    assert f'"{said}"' in text and "THE" not in text


def test_both_sides_have_the_same_key_and_opposite_prefix_lists() -> None:
    """What our edge is given, and what the partner is told."""
    document = world().plan(ORDERS).documents["edge-east"]
    ours = sessions.config(Generation(document, {FILE: f'{{"{TUNNEL}": "{KEY}"}}'}, "xfrm"))
    theirs = shown(None, KEY)["tunnels"][0]["configuration"]["frr.conf"]
    (key,) = re.findall(r'password "(\w+)";', ours)
    assert f" neighbor 169.254.21.2 password {key}\n" in theirs
    assert KEY not in ours + theirs
    accept, announce = (re.search(rf"filter {way}_\S+ {{\n.*net ~ \[ (.*) \]", ours) for way in ("from", "to"))
    assert accept and announce
    assert re.findall(r"-out seq \d+ permit (\S+)", theirs) == accept[1].split(", ")
    assert re.findall(r"-in seq \d+ permit (\S+)", theirs) == announce[1].split(", ")


def test_the_key_is_only_shown_to_who_asks() -> None:
    hidden, told = ("\n".join(shown(None, key)["tunnels"][0]["configuration"].values()) for key in (None, KEY))
    assert "password THE-KEY-IS-SHOWN-WITH-vcc_show_secrets" in hidden and "THE KEY: /state/psk" in hidden
    assert KEY.encode().hex() in told and "THE" not in told


def test_hostile_values_add_no_line_and_no_section() -> None:
    plain = shown(None, KEY)
    (tunnel,) = shown(None, KEY)["tunnels"]
    tunnel["initiator"] = tunnel["edge"] = HOSTILE
    for end in ("local", "remote"):
        tunnel[end]["identity"] = tunnel[end]["address"] = HOSTILE
    tunnel["vpns"][0]["child"] = HOSTILE
    texts = files_of(tunnel, HOSTILE)
    for file, text in plain["tunnels"][0]["configuration"].items():
        assert len(texts[file].splitlines()) == len(text.splitlines())
        assert texts[file].count("{") == text.count("{")


@pytest.mark.parametrize("gateway", ["aws", "azure", "gcp"])
def test_hostile_values_add_no_line_to_terraforms_files(gateway: str) -> None:
    found = shown(gateway, KEY)
    (tunnel,) = found["tunnels"]
    (plain,) = tunnel["configuration"].values()
    tunnel["initiator"] = tunnel["edge"] = HOSTILE
    for end in ("local", "remote"):
        tunnel[end]["identity"] = tunnel[end]["address"] = HOSTILE
    (text,) = files_of(tunnel, HOSTILE).values()
    assert len(text.splitlines()) == len(plain.splitlines())
