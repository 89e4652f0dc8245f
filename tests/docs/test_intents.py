# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every intent that the pages print is planned, by the planner, in a landscape with the hosts that it names.

An intent that has to be refused says so in the block: ``# refused: some of the message``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import yaml

from ansible_collections.intercloud.vpn.plugins.module_utils._base.errors import IntentErrors
from ansible_collections.intercloud.vpn.plugins.module_utils._intent.change import is_change
from ansible_collections.intercloud.vpn.plugins.module_utils._intent.variables import OF_HOSTS
from ansible_collections.intercloud.vpn.tests.docs.pages import PAGES, Block, blocks
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils.landscapes import (
    CLOUDS,
    POOLS,
    Hosts,
    World,
    changed,
    lab,
)

INTENT = {"vcc_pools": "pools", "vcc_vpns": "vpns", "vcc_networks": "networks", "vcc_policies": "policies"}
GROUPS = {"vcc_nodes", "org_edges", "vapp_edges", "members"}
REFUSED = re.compile(r"# refused: (.*)$", re.MULTILINE)
NAME = re.compile(r"[a-z]+[a-z0-9]*(?:-[a-z]+)*-(?P<cloud>[a-z]+)$")
# What a node is told and what verify writes look like an intent, and are none.
DOCUMENTS = {"documents.md", "verify.md"}
# docs/stretched.md, *vApp networks*: the org network of south is the vApps' network; no two members share an address.
ONE_NETWORK: dict[str, dict[str, Any] | None] = {
    **{f"{name}-{cloud}": None for name in ("vm2", "vm3") for cloud in ("east", "west")},
    **{f"{name}-south": None for name in ("vapp1", "vm1", "vm2")},
    "edge-south": {"vcc_org_network": ["192.168.1.0/24"], "vcc_org_address": ["192.168.1.1"]},
    "vm3-south": {"vcc_address": ["192.168.1.31"]},
    "vapp1-east": {"vcc_vapp_network": ["192.168.1.0/24"], "vcc_vapp_address": ["192.168.1.1"]},
    "vapp1-west": {"vcc_vapp_network": ["192.168.1.0/24"], "vcc_vapp_address": ["192.168.1.1"]},
    "vm1-east": {"vcc_address": ["192.168.1.11"]},
    "vm1-west": {"vcc_address": ["192.168.1.21"]},
}


def read(block: Block) -> Any:
    # `{partner: , orders: }` and `…` are for readers.
    return yaml.safe_load(block.text.replace("…", "").replace("[{name, number,", "[{name: 1, number: 1,"))


def intents() -> list[Any]:
    found = []
    for page in PAGES:
        for block in blocks(page):
            if block.language == "yaml" and page.name not in DOCUMENTS:
                content = read(block)
                if isinstance(content, dict) and set(content) & set(INTENT):
                    found.append(pytest.param(block, content, id=block.where))
    return found


def inventories() -> list[Any]:
    found = []
    for page in PAGES:
        for block in blocks(page):
            if block.language == "yaml" and page.name not in DOCUMENTS:
                content = read(block)
                if isinstance(content, dict) and any(key in GROUPS or key.startswith("cloud_") for key in content):
                    found.append(pytest.param(content, id=block.where))
    return found


def named(content: Any) -> Iterator[str]:
    """Every word of an intent that could be a host's name."""
    if isinstance(content, Mapping):
        for key, value in content.items():
            yield from named(key)
            yield from named(value)
    elif isinstance(content, list):
        for each in content:
            yield from named(each)
    elif isinstance(content, str):
        yield content


def landscape(content: Mapping[str, Any]) -> Hosts:
    """The lab, in as many clouds as the intent names, and further VMs on the org networks: those that it names."""
    words = set(named(content))
    clouds = 3 if any("south" in word for word in words) else 2
    hosts = lab(clouds)
    further: dict[str, dict[str, Any] | None] = {}
    for word in sorted(words - set(hosts)):
        match = NAME.match(word)
        if match and match["cloud"] in CLOUDS[:clouds] and not word.startswith("vpn"):
            address = {"vcc_address": [f"10.10.0.{100 + len(further)}"]}
            organization = {"vcc_org": "umbra"} if "umbra" in word else {}
            further[word] = {"kinds": ["members"], "clouds": [match["cloud"]], **address, **organization}
    if any("umbra" in word for word in further):
        hosts.update(lab(clouds, org="umbra", tag="-umbra", vms=0, org_vms=0, vapps=0))
    if "partner" in words:  # as docs/external.md has it
        edge = {"vcc_external": True, "vcc_public_address": ["192.0.2.99"]}
        further["partner"] = {"kinds": ["org_edges"], "clouds": ["partner"], **edge}
    if "vapp1-east" in words and any("stretch" in network for network in content.get("vcc_networks", ())):
        further.update(ONE_NETWORK)
    return changed(hosts, further)


def whole(content: Mapping[str, Any]) -> dict[str, Any]:
    """An intent, completed with what the page says elsewhere: a VPN with each policy, and the usual pool."""
    intent = {INTENT[key]: value for key, value in content.items() if key in INTENT}
    if not intent.get("vpns") and not intent.get("networks"):
        members = ["vm1-east", "vm1-west"]
        intent["vpns"] = [
            {"name": f"try-{policy}", "pool": "internal", "members": members, "policy": policy}
            for policy in intent.get("policies", {})
        ]
    return {"pools": POOLS, **intent}


def formerly(intent: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The VPNs that have to be there before, as a page about renaming, or about changing members, takes for granted."""
    return [
        {"name": vpn.get("formerly", vpn["name"]), "pool": "internal", "members": ["vm1-east", "vm1-west"]}
        for vpn in intent.get("vpns", [])
        if "formerly" in vpn or is_change(vpn)
    ]


def test_there_are_intents() -> None:
    assert len(intents()) > 15
    assert len(inventories()) > 4


@pytest.mark.parametrize(("block", "content"), intents())
def test_it_is_planned(block: Block, content: dict[str, Any]) -> None:
    world, intent = World(landscape(content)), whole(content)
    if before := formerly(intent):
        world.plan(*before)
        intent["vpns"] = [vpn if is_change(vpn) else {**before[0], **vpn} for vpn in intent["vpns"]]
    refused = REFUSED.search(block.text)
    if refused is None:
        plan = world.ask(intent)
        names = {vpn["name"] for vpn in (*intent.get("vpns", []), *intent.get("networks", []))}
        assert names and all(any(name in line for line in (*plan.diff, *plan.notes)) for name in names)
    else:
        with pytest.raises(IntentErrors) as caught:
            world.ask(intent)
        assert any(refused[1].strip() in str(error) for error in caught.value.errors), caught.value.errors


@pytest.mark.parametrize("content", inventories())
def test_an_inventory_says_what_is_known_of_hosts(content: dict[str, Any]) -> None:
    for group, said in content.items():
        for host, variables in ((said or {}).get("hosts") or {}).items():
            unknown = {name for name in variables or {} if not name.startswith("ansible_")} - set(OF_HOSTS)
            assert unknown == set(), f"{group}: {host}"
