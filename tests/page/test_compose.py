# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tab Compose. What it hands over is given to the real planner; what it refuses, the planner refuses, too."""

from __future__ import annotations

import copy
import shlex
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from selenium.webdriver.common.keys import Keys

from ansible_collections.intercloud.vpn.tests.page import fleet
from ansible_collections.intercloud.vpn.tests.page.conftest import Look
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils.landscapes import changed

Opens = Callable[..., Look]
NETWORKS = ("edge-fra", "edge-osl", "edge-mad")


@pytest.fixture(scope="module")
def made() -> fleet.Fleet:
    """Frankfurt has tunnels to both others; Oslo and Madrid have none to each other."""
    made = fleet.Fleet(fleet.company(), [fleet.OFFICE], [fleet.BUILD])
    made.policies = {"tight": {"extends": "postquantum"}}
    made.run = {"inventories": ["my inventory.yml"], "awx_url": "https://awx.example/#/templates/job_template/7"}
    return made


@pytest.fixture(scope="module")
def document(made: fleet.Fleet) -> dict[str, Any]:
    return made.document()


@pytest.fixture
def page(look: Opens, document: dict[str, Any]) -> Look:
    return look(document, "compose")


def choose(page: Look, *sites: str) -> None:
    for site in sites:
        page.click(f"[data-site='{site}']")


def radio(page: Look, value: str) -> None:
    page.run("document.querySelector(`input[type=radio][value='${arguments[0]}']`).click()", value)


def members(page: Look) -> list[str]:
    return [str(chip.get_attribute("data-member")) for chip in page.all("#drop [data-member]")]


def todo(page: Look) -> dict[str, str]:
    """The mistakes, by step."""
    return {str(one.get_attribute("data-step")): one.text for one in page.all("#mistakes [data-step]")}


def intent(page: Look) -> list[dict[str, Any]]:
    """What the page hands over, as YAML is read."""
    vpns: list[dict[str, Any]] = yaml.safe_load(page.text("#yaml"))["vcc_vpns"]
    return vpns


def planned(made: fleet.Fleet, vpns: list[dict[str, Any]]) -> dict[str, Any]:
    """The VPN, as the planner summarizes it."""
    plan = made.world.plan(*vpns, pools=made.pools, policies=made.policies, dry_run=True)
    return next(vpn for vpn in plan.vpns if vpn["name"] == vpns[0]["name"])


def refused(made: fleet.Fleet, vpns: list[dict[str, Any]], **more: Any) -> list[str]:
    return made.world.refused(*vpns, pools=made.pools, policies=made.policies, **more)


def test_a_vpn_is_composed_with_the_pointer_and_planned(page: Look, made: fleet.Fleet) -> None:
    assert set(todo(page)) == {"networks", "members", "name"}
    choose(page, "edge-fra", "edge-osl")
    page.drag("#palette [data-name='jump-fra']", "#drop")
    page.drag("#palette [data-name='shop-osl']", "#drop")
    assert members(page) == ["jump-fra", "shop-osl"]
    assert page.one("#palette [data-name='db2-osl']").get_property("disabled")
    page.set("want-name", "crm")
    assert todo(page) == {} and "Ready" in page.text("#mistakes")
    vpn = planned(made, intent(page))
    assert {member["name"] for member in vpn["members"]} == {"jump-fra", "web3-osl", "db2-osl"}
    assert (vpn["topology"], vpn["pool"]) == ("mesh", "internal")
    words = shlex.split(page.text("#command"))
    assert words == ["ansible-playbook", "-i", "my inventory.yml", "intercloud.vpn.create_vpn", "-e", "@crm.yml"]
    assert page.one("#awx").get_attribute("href") == "https://awx.example/#/templates/job_template/7"


def test_what_is_dropped_elsewhere_is_not_added(page: Look) -> None:
    choose(page, "edge-fra", "edge-osl")
    page.drag("#palette [data-name='jump-fra']", "#palette")
    assert members(page) == [] and page.all(".ghost") == []


def test_members_come_and_go_with_the_keyboard(page: Look, made: fleet.Fleet) -> None:
    page.one("#want-member").send_keys("ERP-osl", Keys.ENTER, "web1-fra, web2-fra", Keys.ENTER)
    assert members(page) == ["erp-osl", "web1-fra", "web2-fra"]
    assert {one.get_attribute("data-site") for one in page.all("[data-site]:checked")} == {"edge-fra", "edge-osl"}
    page.one("[aria-label='Take web1-fra out']").send_keys(Keys.ENTER)
    page.one("#palette [data-name='db1-fra']").send_keys(Keys.ENTER)
    assert members(page) == ["erp-osl", "web2-fra", "db1-fra"]
    page.one("#want-name").send_keys("crm")
    assert {member["name"] for member in planned(made, intent(page))["members"]} == {*members(page)}


def test_names_are_completed(page: Look) -> None:
    choose(page, "edge-fra")
    known = {str(one.get_attribute("value")) for one in page.all("#known-members option")}
    assert {"web1-fra", "shop-osl", "backup-mad"} <= known


def test_tunnels_that_exist_are_told_from_those_to_be_created(page: Look, made: fleet.Fleet) -> None:
    choose(page, *NETWORKS)
    pairs = {str(one.get_attribute("data-pair")): one.text for one in page.all("[data-pair]")}
    assert "exists, up" in pairs["edge-fra edge-osl"] and "will be created" in pairs["edge-mad edge-osl"]
    page.one("#want-member").send_keys("erp-osl test1-mad", Keys.ENTER)
    choose(page, "edge-fra")
    page.set("want-name", "crm")
    assert todo(page) == {}
    radio(page, "abandon")
    assert "edge-mad — edge-osl" in todo(page)["tunnels"]
    assert page.text("#command").endswith("-e vcc_create_tunnels=never")
    assert "edge-mad -- edge-osl" in " ".join(refused(made, intent(page), create_tunnels=False))


def everywhere(page: Look) -> None:
    page.one("#want-member").send_keys("jump-fra erp-osl test1-mad", Keys.ENTER)
    page.set("want-name", "crm")


def test_topologies(page: Look, made: fleet.Fleet) -> None:
    everywhere(page)
    seen = {}
    for kind in ("mesh", "star", "chain", "tree", "graph"):
        radio(page, kind)
        if kind == "star":
            page.run("document.querySelector(\"[data-focus='hub edge-osl']\").click()")
        if kind == "chain":
            page.run("document.querySelector(\"[aria-label='edge-osl earlier']\").click()")
        if kind == "graph":
            page.run("document.querySelectorAll('#topology-more input')[0].click()")
            assert "does not reach" in todo(page)["topology"] and refused(made, intent(page))
            page.run("document.querySelectorAll('#topology-more input')[1].click()")
        assert todo(page) == {}
        vpn = planned(made, intent(page))
        shown = {str(one.get_attribute("data-pair")).replace(" ", "--") for one in page.all("[data-pair]")}
        assert shown == {*vpn["tunnels"]}, kind
        seen[kind] = str(vpn["topology"])
    assert seen["star"] == "star around edge-osl" and seen["chain"] == "chain edge-fra -- edge-osl -- edge-mad"


def test_kinds_policies_and_pools(page: Look, made: fleet.Fleet) -> None:
    everywhere(page)
    page.set("want-tunnel", "ssl")
    page.set("want-transport", "tcp")
    assert intent(page)[0]["tunnel"] == {"kind": "ssl", "transport": "tcp"}
    assert planned(made, intent(page))["tunnels"][0].endswith("--ssl")
    page.set("want-tunnel", "ipsec")
    page.click("#want-own")
    for name, value in (("want-rate", "100mbit"), ("want-total", "500GB/month"), ("want-then", "report")):
        page.set(name, value)
    page.set("want-pool", "")
    page.set("want-cidr", "10.99.0.0/16")
    assert todo(page) == {}
    vpn = planned(made, intent(page))
    assert vpn["blocks"][0].startswith("10.99.") and "100mbit" in " ".join(vpn["limits"])
    assert intent(page)[0]["policy"]["quota"] == {"vpn": "500GB/month", "when_used_up": "report"}


@pytest.mark.parametrize(
    ("fields", "step", "said"),
    [
        ({"want-name": "office"}, "name", "already"),
        ({"want-name": "a b"}, "name", "begins with a letter"),
        ({"want-name": "9lives"}, "name", "begins with a letter"),
        ({"want-pool": "", "want-cidr": "10.10.0.0/16"}, "pool", "overlaps 10.10.0.0/24"),
        ({"want-pool": "", "want-cidr": "192.168.0.0/16"}, "pool", "overlaps 192.168.1.0/24"),
        ({"want-pool": "", "want-cidr": "100.64.0.0/16"}, "pool", "100.64.0.0/16 overlaps"),
        ({"want-pool": "", "want-cidr": "10.99.0.1/16"}, "pool", "host bits"),
        ({"want-pool": "", "want-cidr": "10.99.0.0"}, "pool", "no prefix length"),
        ({"want-pool": "", "want-cidr": "169.254.0.0/16"}, "pool", "link-local"),
        ({"want-pool": "", "want-cidr": "fd99::/48"}, "pool", "IPv6"),
        ({"want-tunnel": "ssl", "want-policy": "tight"}, "kind", "PPK"),
        ({"want-rate": "10 MB"}, "kind", "must be a rate"),
        ({"want-quota": "10GB"}, "kind", "must be a volume"),
    ],
    ids=lambda value: ",".join(value.values()) if isinstance(value, dict) else None,
)
def test_mistakes_are_shown_at_once_and_are_the_planners(
    composing: Look, made: fleet.Fleet, fields: dict[str, str], step: str, said: str
) -> None:
    composing.run("document.getElementById('want-own').checked || document.getElementById('want-own').click()")
    usual = {"want-name": "crm", "want-pool": "internal", "want-tunnel": "ipsec", "want-policy": "standard"}
    for field, value in {**usual, "want-rate": "", "want-quota": "", **fields}.items():
        composing.set(field, value)
    assert said in todo(composing).get(step, "")
    assert set(todo(composing)) == {step}
    if "already" not in said:  # that would be a change of it, which is not what this tab is for
        assert refused(made, intent(composing))


@pytest.fixture(scope="module")
def composing(browser: Any, document: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Look:
    """A page for all mistakes."""
    seen = Look(browser, document, tmp_path_factory.mktemp("page") / "report.html", "compose")
    everywhere(seen)
    return seen


def option(page: Look, text: str) -> None:
    page.run(
        "const it = document.getElementById('want-vpn'); const text = arguments[0];"
        "it.value = [...it.options].find((one) => one.textContent === text).value;"
        "it.dispatchEvent(new Event('change'))",
        text,
    )


def hidden(page: Look) -> set[str]:
    return {str(one.get_attribute("id")) for one in page.all(".step") if not one.is_displayed()}


def test_members_of_a_vpn_that_exists_come_and_go(page: Look, made: fleet.Fleet) -> None:
    option(page, "members of build")
    assert (members(page), hidden(page)) == (
        ["build1-mad", "build2-mad", "files-fra"],
        {"step-topology", "step-kind", "step-pool", "step-name"},
    )
    assert "nothing changes yet" in todo(page)["members"]
    page.one("[aria-label='Take build2-mad out']").send_keys(Keys.ENTER)
    choose(page, "edge-osl")
    page.drag("#palette [data-name='mail-osl']", "#drop")
    page.drag("#palette [data-name='print-fra']", "#drop")
    assert todo(page) == {} and "Ready" in page.text("#mistakes")
    assert intent(page) == [{"name": "build", "add": ["mail-osl", "print-fra"], "remove": ["build2-mad"]}]
    assert "will be created" in page.text("[data-pair='edge-mad edge-osl']")
    vpn = planned(made, intent(page))
    assert {member["name"] for member in vpn["members"]} == {"build1-mad", "files-fra", "mail-osl", "print-fra"}
    assert page.text("#command").endswith("-e @build.yml")
    option(page, "a new VPN")
    assert (members(page), hidden(page)) == ([], set())


def test_what_a_change_of_members_may_not_be(page: Look, made: fleet.Fleet) -> None:
    option(page, "members of build")
    choose(page, "edge-mad")  # a network that is taken away takes its members along
    page.one("#want-member").send_keys("print-fra", Keys.ENTER)
    assert "All members are at the one site edge-fra" in todo(page)["members"]
    assert intent(page) == [{"name": "build", "add": ["print-fra"], "remove": ["build1-mad", "build2-mad"]}]
    assert refused(made, intent(page))


def test_what_is_behind_a_partners_edge_is_shown_and_is_enough_beside_one_site(
    look: Opens, document: dict[str, Any]
) -> None:
    known = copy.deepcopy(document)
    build = next(vpn for vpn in known["vpns"] if vpn["name"] == "build")
    build["destinations"] = [{"name": "172.20.0.0/16", "behind": "edge-osl", "ports": ["tcp/443"]}]
    next(site for site in known["sites"] if site["name"] == "edge-osl")["external"] = True
    page = look({**known})
    page.run("select('vpn:acme/build')")
    assert "172.20.0.0/16 (tcp/443) behind edge-osl" in page.text("#panel")
    page.run("select('site:edge-osl')")
    assert "172.20.0.0/16 (tcp/443) in build" in page.text("#panel")
    page.run("select('vpn:acme/build')")
    page.click("#change-members")
    assert "172.20.0.0/16 (tcp/443) in build" in page.text("#step-networks")
    choose(page, "edge-mad")  # what is left is at one site
    assert todo(page) == {}


def test_the_report_leads_to_a_change_of_members(look: Opens, document: dict[str, Any]) -> None:
    page = look({**document})  # opened anew: on the report
    page.run("select('vpn:acme/build')")
    page.click("#change-members")
    assert page.one("#compose").is_displayed()
    assert members(page) == ["build1-mad", "build2-mad", "files-fra"]


def test_members_that_cannot_be(page: Look, made: fleet.Fleet) -> None:
    page.one("#want-member").send_keys("web1-fra db1-fra", Keys.ENTER)
    assert "All members are at the one site" in todo(page)["members"]
    page.one("#want-member").send_keys("nobody-here", Keys.ENTER)
    said = " ".join(one.text for one in page.all("#mistakes [data-step='members']"))
    assert "nobody-here is not a VM or vApp" in said
    assert "nobody-here" in " ".join(refused(made, intent(page)))
    choose(page, "edge-fra")
    assert members(page) == ["nobody-here"]


def test_two_edges_behind_nats_have_no_tunnel(look: Opens) -> None:
    hosts = changed(fleet.company(), {"edge-osl": {"vcc_behind_nat": True}, "edge-mad": {"vcc_behind_nat": True}})
    made = fleet.Fleet(hosts, [fleet.OFFICE])
    page = look(made.document(), "compose")
    page.one("#want-member").send_keys("erp-osl test1-mad", Keys.ENTER)
    page.set("want-name", "crm")
    assert "behind a NAT" in todo(page)["tunnels"]
    assert "behind a NAT" in " ".join(refused(made, intent(page)))


def test_names_that_yaml_reads_otherwise_are_quoted(look: Opens, document: dict[str, Any]) -> None:
    odd = ["on", "1e3", "a: b", "- x", "null", "ä\u2028", "#c", "{x}", "'", '"', "!tag", "0x1F", "~"]
    site = document["sites"][0]
    vms = [
        {
            "name": name,
            "organization": "acme",
            "cloud": site["cloud"],
            "site": site["name"],
            "vapp": None,
            "addresses": [],
        }
        for name in odd
    ]
    page = look({**document, "vms": [*document["vms"], *vms]}, "compose")
    page.run("arguments[0].forEach(join)", odd)
    assert intent(page)[0]["members"] == odd
    assert page.all("#drop .out")[0].get_attribute("aria-label") == "Take on out"
