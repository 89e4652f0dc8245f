# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names that become part of a path, a template or a certificate: one rule, and identities are compared without case."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._base.errors import IntentErrors, VccError
from ansible_collections.intercloud.vpn.plugins.module_utils._base.names import IDENTITY, NAME, ORGANIZATION
from ansible_collections.intercloud.vpn.plugins.module_utils._pki.keys import psk_path
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils.landscapes import PAYROLL, World, changed, lab

GOOD = ["edge-east", "web-1.example.com", "VM_7", "a", "1", "ip-10-0-0-1.eu-central-1.compute.internal", "a" * 128]
BAD = ["", ".", "..", ".hidden", "-x", "a/b", "../x", "a..b", "a#b", "a b", " a", "a ", "a\n", "a\x00", "ä", "a" * 129]
BAD += ["x.", "a'b", 'a"b', "a;b", "$(x)", "a\\b", "{{ x }}", "\N{ARABIC-INDIC DIGIT ONE}"]


@pytest.mark.parametrize("name", GOOD)
def test_what_a_name_may_be(name: str) -> None:
    assert NAME.fullmatch(name)


@pytest.mark.parametrize("name", BAD)
def test_what_no_name_may_be(name: str, tmp_path: Path) -> None:
    assert not NAME.fullmatch(name)
    assert not ORGANIZATION.fullmatch(name)
    assert not IDENTITY.fullmatch(name)
    with pytest.raises(VccError):
        psk_path(tmp_path, name, "a--b")
    if len(name) < 128:  # a tunnel's name holds two
        with pytest.raises(VccError):
            psk_path(tmp_path, "acme", name)


def refused(hosts: dict[str, Any], *vpns: Any) -> list[tuple[str, str]]:
    world = World(hosts)
    before = world.dump()
    with pytest.raises(IntentErrors) as caught:
        world.plan(*(vpns or (PAYROLL,)))
    assert world.dump() == before
    return [(error.path, error.message) for error in caught.value.errors]


def test_a_vcc_nodes_name_is_checked_whatever_vpn_is_planned() -> None:
    """`plan_vpn` wrote a file outside its directory for it."""
    node = {"kinds": ["vcc_nodes"], "clouds": ["east"], "vars": {}}
    ((path, message),) = refused({**lab(), "../../../tmp/node": node})
    assert path == "hosts.../../../tmp/node"
    assert message.startswith("'../../../tmp/node' is part of file names and templates: it must be letters, digits")
    ((path, _message),) = refused({**lab(), "node\n\x1b[31m": node})
    assert path == "hosts.'node\\n\\x1b[31m'"  # nothing of it reaches a terminal as it is


@pytest.mark.parametrize(("host", "change", "path"), [
    ("node-east", {"clouds": ["../east"]}, "hosts.node-east"),
    ("node-east", {"vcc_org": "../acme"}, "hosts.node-east.vcc_org"),
    ("vm2-east", {"vcc_org": "a" * 33}, "hosts.vm2-east.vcc_org"),  # no VPN's member
    ("vm2-east", {"vcc_org": "Acme"}, "hosts.vm2-east.vcc_org"),  # beside acme
])  # fmt: skip
def test_clouds_and_organizations_are_checked_too(host: str, change: dict[str, Any], path: str) -> None:
    assert path in [found for found, _message in refused(changed(lab(), {host: change}))]


def test_edges_whose_identities_differ_in_case_only_are_refused() -> None:
    hosts = changed(lab(3), "{}")
    hosts["Edge-East"] = {**hosts.pop("edge-south"), "clouds": ["south"]}
    hosts["vm1-south"]["vars"]["vcc_edge"] = "Edge-East"
    found = refused(hosts, {**PAYROLL, "members": ["vm1-east", "vm1-west", "vm1-south"]})
    assert ("hosts.edge-east", "edge-east.acme is the identity of Edge-East too: identities are compared without case; "
            "rename one of them") in found  # fmt: skip


def test_no_external_edge_passes_for_another_in_upper_case() -> None:
    partner = {"kinds": ["org_edges"], "clouds": ["p"], "vars": {"vcc_org": "acme", "vcc_external": True}}
    partner["vars"].update(vcc_public_address=["198.51.100.20"], vcc_identity="Edge-A.ACME")  # type: ignore[attr-defined]
    hosts = {**lab(), "partner": partner}
    hosts["edge-a"] = {**hosts["edge-west"], "clouds": ["elsewhere"]}
    hosts["vm-p"] = {"kinds": ["members"], "clouds": ["p"], "vars": {"vcc_org": "acme"}}
    found = refused(hosts, {**PAYROLL, "members": ["vm1-east", "vm-p"]})
    assert ("hosts.partner.vcc_identity", "Edge-A.ACME is the identity of another edge of this organization") in found
