# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import copy
import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.intercloud.vpn.plugins.module_utils._page.model import Known, model
from ansible_collections.intercloud.vpn.plugins.module_utils._page.page import page
from ansible_collections.intercloud.vpn.plugins.module_utils._status.status import status
from ansible_collections.intercloud.vpn.plugins.plugin_utils._page_files import parts
from ansible_collections.intercloud.vpn.tests.page import fleet
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils.landscapes import (
    changed,
    lab,
    with_pair,
    with_second_edge,
)

GOLDEN = Path(__file__).resolve().parents[3] / "golden"


@pytest.fixture(scope="module")
def usual() -> dict[str, Any]:
    return fleet.usual().document()


def by_name(things: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in things}


def cell(document: dict[str, Any], vpn: str, src: str, dst: str) -> dict[str, Any]:
    matrix = next(one for one in document["reach"] if one["vpn"] == vpn)
    found: dict[str, Any] = matrix["cells"][matrix["names"].index(src)][matrix["names"].index(dst)]
    return found


def test_what_is_where(usual: dict[str, Any]) -> None:
    assert [cloud["name"] for cloud in usual["clouds"]] == ["frankfurt", "madrid", "oslo"]
    assert by_name(usual["sites"])["edge-fra"]["networks"] == ["10.10.0.0/24"]
    assert by_name(usual["vapps"])["shop-osl"]["site"] == "edge-osl"
    vms = by_name(usual["vms"])
    assert (vms["db1-fra"]["vapp"], vms["jump-fra"]["vapp"], vms["jump-fra"]["site"]) == ("shop-fra", None, "edge-fra")


def test_the_document_is_plain_data(usual: dict[str, Any]) -> None:
    assert json.loads(json.dumps(usual)) == usual


def test_tunnels_have_the_state_that_was_seen() -> None:
    made = fleet.usual()
    made.down("edge-fra--edge-mad")
    for edge in ("edge-fra", "edge-osl"):
        for sa in made.observed[edge]["sas"]:
            if sa["tunnel"] == "edge-fra--edge-osl":
                sa["children"] = sa["children"][:1]
    made.observed["edge-mad"] = {"unreachable": True, "msg": "timed out"}
    states = {tunnel["name"]: tunnel["state"] for tunnel in made.document()["tunnels"]}
    assert states == {"edge-fra--edge-mad": "unknown", "edge-fra--edge-osl": "part", "edge-mad--edge-osl": "unknown"}
    made = fleet.usual()
    made.down("edge-fra--edge-mad")
    assert {tunnel["state"] for tunnel in made.document()["tunnels"]} == {"down", "up"}


def test_nodes_that_differ_or_do_not_answer() -> None:
    made = fleet.usual()
    made.observed["edge-fra"]["drift"] = [{"subsystem": "routes", "action": "add"}]
    made.observed["edge-osl"]["generation"] -= 1
    made.observed["edge-mad"] = {"unreachable": True, "msg": "timed out"}
    states = {name: site["state"] for name, site in by_name(made.document()["sites"]).items()}
    assert states == {"edge-fra": "differs", "edge-osl": "differs", "edge-mad": "silent"}


def test_the_matrix_says_what_is_planned_and_what_was_measured() -> None:
    made = fleet.usual()
    assert cell(made.document(), "shop", "web1-fra", "db2-osl")["seen"] == "up"
    made.verified = None
    document = made.document()
    assert cell(document, "shop", "web1-fra", "db2-osl") == {"plan": "ports", "ports": ["icmp", "tcp/5432"]}
    assert cell(document, "shop", "web1-fra", "web2-fra") == {"plan": "refused"}
    assert cell(document, "office", "erp-osl", "mail-osl") == {"plan": "all"}
    assert document["refused"] == [] and document["measured"] is None


def test_what_is_lost_and_what_leaks() -> None:
    made = fleet.usual()
    made.verify(lost=[("backup-mad", "db1-fra")], leaks=[("web1-fra", "web2-fra"), ("jump-fra", "db1-fra")])
    document = made.document()
    assert cell(document, "shop", "backup-mad", "db1-fra")["seen"] == "down"
    assert cell(document, "shop", "web1-fra", "web2-fra")["seen"] == "leak"
    assert {one["src"] for one in document["refused"] if not one["ok"]} >= {"web1-fra"}
    assert not document["ok"] and {finding["from"] for finding in document["findings"]} == {"verify"}


def test_a_large_vpn_is_told_by_site() -> None:
    hosts = lab(3, vapps=6, vms=4, org_vms=0)
    members = [name for name, facts in hosts.items() if facts["kinds"] == ["members"]]
    made = fleet.Fleet(hosts, [{"name": "payroll", "pool": "internal", "members": members}])
    made.verify(lost=[(src, dst) for src in members if src.endswith("east") for dst in members if dst.endswith("west")])
    (matrix,) = made.document()["reach"]
    assert (matrix["by"], matrix["names"], matrix["counts"]) == (
        "site",
        ["edge-east", "edge-south", "edge-west"],
        [24] * 3,
    )
    assert matrix["cells"][0][2]["seen"] == "down" and matrix["cells"][2][0]["seen"] == "up"


def test_two_organizations_with_a_vpn_of_one_name() -> None:
    hosts = {**lab(2), **lab(2, org="beta", tag="-b")}
    for place, name in enumerate(hosts):
        if name.startswith("edge-b"):
            hosts[name]["vars"]["vcc_public_address"] = [f"198.51.100.{place}"]
    world = [{"name": "p", "pool": "internal", "members": [f"vm1{tag}-east", f"vm1{tag}-west"]} for tag in ("", "-b")]
    made = fleet.Fleet(hosts, world)
    made.verify(lost=[("vm1-b-east", "vm1-b-west")])
    document = made.document()
    seen = {one["organization"]: one["cells"][0][1]["seen"] for one in document["reach"]}
    assert seen == {"acme": "up", "beta": "down"}
    assert document["compose"]["taken"] == {"acme": ["p"], "beta": ["p"]}
    theirs = {**made.plan, "vpns": [vpn for vpn in made.plan["vpns"] if vpn["organization"] == "beta"]}
    only = model(dataclasses.replace(made.known, plan=theirs, organizations=("beta",)))
    assert {site["organization"] for site in only["sites"]} == {"beta"}


def test_a_vm_that_no_vpn_can_have_is_shown() -> None:
    made = fleet.Fleet(lab(), [{"name": "p", "pool": "internal", "members": ["vm1-east", "vm1-west"]}])
    wrong = {"vm2-east": {"vcc_vapp": "no-such-vapp"}, "vm3-east": {"vcc_address": None}}
    made.world.hosts = changed(made.world.hosts, wrong)
    vms = by_name(made.document()["vms"])
    assert vms["vm2-east"]["unusable"] and vms["vm2-east"]["site"] == "edge-east" and vms["vm3-east"]["unusable"]


def test_two_edges_in_a_cloud() -> None:
    made = fleet.Fleet(
        with_second_edge(lab()), [{"name": "p", "pool": "internal", "members": ["vm1-east", "vm1-west"]}]
    )
    vms = by_name(made.document()["vms"])
    assert (vms["vm1-east"]["site"], vms["vm3-east"]["site"]) == ("edge-east", "edge2-east")


def test_a_pair_of_edges_is_one_site() -> None:
    made = fleet.Fleet(
        with_pair(lab(2)), [{"name": "payroll", "pool": "internal", "members": ["vm3-east", "vm3-west"]}]
    )
    document = made.document()
    assert {site["name"]: site.get("home") for site in document["sites"]} == {
        "edge-east": None,
        "edge-east-2": "edge-east",
        "edge-west": None,
    }
    # A link for the edges themselves is told apart from that of the members.
    links = document["tunnels"][0]["links"]
    assert [(link["vpn"], link.get("link")) for link in links] == [("payroll", None), ("payroll", "payroll~hello")]


def test_hosts_that_this_inventory_does_not_hold_are_shown_by_the_plan() -> None:
    made = fleet.Fleet(lab(3), [{"name": "p", "pool": "internal", "members": ["vm1-east", "vm1-west"]}])
    known = made.known
    fewer = {name: facts for name, facts in known.hosts.items() if "west" not in name}
    document = model(dataclasses.replace(known, hosts=fewer))
    assert {"edge-west"} <= {*by_name(document["sites"])} and by_name(document["vms"])["vm1-west"]["cloud"] == "west"


@pytest.mark.parametrize("name", sorted(path.name for path in GOLDEN.iterdir()))
def test_whatever_is_planned_can_be_shown_before_any_node_was_asked(name: str) -> None:
    plan = json.loads((GOLDEN / name / "plan.json").read_text(encoding="utf-8"))
    hosts = yaml.safe_load((GOLDEN / name / "landscape.yml").read_text(encoding="utf-8"))["hosts"]
    found = status(plan, plan["documents"], {}, {}, fleet.NOW)
    document = model(Known(hosts, plan, plan["documents"], found))
    # One member, beside a network of a partner, has nobody to reach in a matrix.
    assert len(document["reach"]) == sum(len(vpn["members"]) > 1 for vpn in plan["vpns"])
    assert {name for vpn in plan["vpns"] for name in vpn["tunnels"]} == {one["name"] for one in document["tunnels"]}
    assert {one["state"] for one in document["tunnels"]} == {"unknown"}
    sites = {site["name"] for site in document["sites"]}
    assert all(vm["site"] in sites for vm in document["vms"] if "unusable" not in vm)


def test_a_stretched_network_has_members_without_addresses() -> None:
    hosts = changed(
        lab(), {"vm3-west": {"vcc_address": ["10.10.0.14"]}, "vapp1-west": {"vcc_org_address": ["10.10.0.12"]}}
    )
    world = fleet.World(changed(hosts, {"edge-west": {"vcc_org_address": ["10.10.0.2"]}}))
    network = {"name": "wide", "stretch": ["edge-east", "edge-west"], "members": ["vm3-east", "vm3-west"]}
    planned = world.plan(networks=[{**network, "pool": "internal"}])
    plan = {"vpns": planned.vpns, "members": planned.members}
    documents = {name: dict(one) for name, one in planned.documents.items()}
    document = model(Known(world.hosts, plan, documents, status(plan, documents, {}, {}, fleet.NOW)))
    assert [member["name"] for member in document["vpns"][0]["members"]] == ["vm3-east", "vm3-west"]


def test_policies_say_whether_they_require_a_ppk() -> None:
    made = fleet.usual()
    made.policies = {"own": {"extends": "postquantum"}, "broken": {"extends": "nothing"}}
    found = {one["name"]: one["ppk"] for one in made.document()["compose"]["policies"]}
    assert found == {"broken": False, "cnsa": False, "own": True, "postquantum": True, "standard": False}


def test_changes_say_which_generation_they_are() -> None:
    changes = fleet.usual().document()["changes"]
    assert [one["generation"] for one in changes if "generation" in one] == [1, 2, 3]
    assert any(one["text"] == "VPN build: created, number 3" for one in changes)


SECRETS = {
    "psk": "0sQ29ycmVjdEhvcnNlQmF0dGVyeVN0YXBsZQ==",
    "key": "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ8\n-----END PRIVATE KEY-----",
    "password": "hunter2-hunter2",
    "ledger": "postgresql://vcc:s3cr3tledger@db/vcc",
}


# Of these, every key is the name of something, and the page has it.
OF_LINKS = {"bytes", "packets", "spis", "installed_seconds", "encapsulated", "algorithms", "reasons"}
NAMED = {"generations", "sites", *OF_LINKS}


def planted(value: Any) -> Any:
    """The same, with the secrets in every mapping of it, under names that nobody knows."""
    if isinstance(value, dict):
        rest = {key: one if key in NAMED else planted(one) for key, one in value.items()}
        return {**rest, **{f"x_{key}": text for key, text in SECRETS.items()}}
    return [planted(one) for one in value] if isinstance(value, list) else value


def test_no_secret_comes_along_wherever_it_is() -> None:
    """Every part is picked by name: what is beside that, in whatever the page is made of, stays out."""
    made = fleet.usual()
    known = made.known
    hosts = copy.deepcopy(dict(known.hosts))
    for facts in hosts.values():
        facts["vars"].update(vcc_psk=SECRETS["psk"], ansible_password=SECRETS["password"], vcc_ledger=SECRETS["ledger"])
    documents = {name: planted(document) for name, document in known.documents.items()}
    status, plan, verified = planted(dict(known.status)), planted(known.plan), planted(known.verified)
    events = [{**event, "detail": {**event["detail"], **SECRETS}} for event in known.events]
    policies = {"own": {"extends": "standard", "rules": {"org_edges": [SECRETS["password"]]}, **SECRETS}}
    document = model(
        dataclasses.replace(
            known, hosts=hosts, documents=documents, status=status, plan=plan, verified=verified, events=events,
            policies=policies, run={**known.run, **SECRETS},
        )
    )  # fmt: skip
    text = page(document, parts()) + json.dumps(document)
    for secret in SECRETS.values():
        for line in secret.splitlines():
            assert line not in text, secret
    assert "PRIVATE KEY" not in text
