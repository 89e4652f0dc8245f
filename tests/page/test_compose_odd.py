# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tab Compose, used oddly: what is taken back, said twice, or done by the keyboard alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import yaml
from selenium.webdriver.common.keys import Keys

from ansible_collections.intercloud.vpn.tests.page import any_vpn, fleet
from ansible_collections.intercloud.vpn.tests.page.conftest import Look
from ansible_collections.intercloud.vpn.tests.page.test_compose import (
    choose,
    everywhere,
    intent,
    members,
    option,
    planned,
    radio,
    todo,
)
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils.landscapes import changed

Opens = Callable[..., Look]


@pytest.fixture(scope="module")
def made() -> fleet.Fleet:
    return any_vpn.made()


@pytest.fixture(scope="module")
def document(made: fleet.Fleet) -> dict[str, Any]:
    return made.document()


@pytest.fixture
def page(look: Opens, document: dict[str, Any]) -> Look:
    return look(document, "compose")


def pairs(page: Look) -> set[str]:
    return {str(one.get_attribute("data-pair")).replace(" ", "--") for one in page.all("[data-pair]")}


def focused(page: Look) -> str:
    """What has the focus: its label, or its id."""
    script = "const it = document.activeElement; return it.getAttribute('aria-label') || it.id || it.tagName"
    return str(page.run(script))


def tab_to(page: Look, wanted: str) -> None:
    """Press Tab until something has the focus."""
    for _press in range(200):
        if focused(page) == wanted:
            return
        page.keys(Keys.TAB)
    raise AssertionError(f"Tab never came to {wanted}")


def test_a_network_that_is_taken_away_is_no_hub_and_no_root(page: Look) -> None:
    everywhere(page)
    choose(page, "edge-lyon")
    radio(page, "star")
    page.run("document.querySelector(\"[data-focus='hub edge-lyon']\").click()")
    assert intent(page)[0]["topology"] == {"kind": "star", "hub": "edge-lyon"} and todo(page) == {}
    choose(page, "edge-lyon")
    assert intent(page)[0]["topology"] == "star" and "edge-lyon" not in str(pairs(page))
    choose(page, "edge-lyon")
    radio(page, "tree")
    page.set("want-root", "edge-lyon")
    assert intent(page)[0]["topology"]["root"] == "edge-lyon"
    choose(page, "edge-lyon")
    assert "root" not in intent(page)[0]["topology"] and todo(page) == {}


def test_a_cidr_that_the_field_shows_is_the_one_that_is_meant(page: Look) -> None:
    everywhere(page)
    page.set("want-pool", "")
    page.set("want-cidr", "10.99.0.0/16")
    page.set("want-pool", "internal")
    assert intent(page)[0]["pool"] == "internal"
    page.set("want-pool", "")
    assert page.one("#want-cidr").get_property("value") == "10.99.0.0/16"
    assert intent(page)[0]["pool"] == "10.99.0.0/16" and todo(page) == {}


def test_what_is_in_the_vpn_already_comes_once(page: Look, made: fleet.Fleet) -> None:
    page.one("#want-member").send_keys("web1-fra jump-fra", Keys.ENTER, "shop-fra", Keys.ENTER)
    page.one("#want-member").send_keys("db1-fra SHOP-fra erp-osl erp-osl", Keys.ENTER)
    assert members(page) == ["jump-fra", "shop-fra", "erp-osl"]
    page.set("want-name", "crm")
    vpn = planned(made, intent(page))
    assert {one["name"] for one in vpn["members"]} == {"jump-fra", "web1-fra", "web2-fra", "db1-fra", "erp-osl"}


def test_a_vm_that_contradicts_the_inventory_is_named(page: Look) -> None:
    everywhere(page)
    page.one("#want-member").send_keys("stray-osl", Keys.ENTER)
    assert "stray-osl cannot be a member as the inventory describes it" in todo(page)["members"]
    page.click("[aria-label='Take stray-osl out']")
    page.one("#want-member").send_keys("twin-osl", Keys.ENTER)
    assert "10.10.0.31 of erp-osl, on the same network" in todo(page)["members"]
    page.click("[aria-label='Take twin-osl out']")
    assert todo(page) == {}


def test_a_change_that_is_taken_back_by_hand_is_none(page: Look) -> None:
    option(page, "members of build")
    before = members(page)
    page.click("[aria-label='Take files-fra out']")
    page.one("#want-member").send_keys("files-fra print-fra", Keys.ENTER)
    assert intent(page) == [{"name": "build", "add": ["print-fra"]}]
    page.click("[aria-label='Take print-fra out']")
    assert sorted(members(page)) == before and "nothing changes yet" in todo(page)["members"]
    option(page, "a new VPN")
    assert (members(page), intent(page)[0]["name"]) == ([], "")


@pytest.mark.parametrize(
    ("vpn", "out", "pairs_then"),
    [
        ("chain1", ["build1-mad"], {"edge-fra--edge-osl", "edge-fra--edge-lyon"}),  # its neighbours are joined
        ("star2", ["web1-fra"], {"edge-fra--edge-osl", "edge-fra--edge-mad", "edge-bern--edge-fra"}),  # the hub stays
        ("tree1", ["web1-fra"], {"edge-osl--edge-mad", "edge-lyon--edge-mad"}),
    ],
)
def test_tunnels_of_a_vpn_that_loses_a_site(
    page: Look, made: fleet.Fleet, vpn: str, out: list[str], pairs_then: set[str]
) -> None:
    option(page, f"members of {vpn}")
    for name in out:
        page.click(f"[aria-label='Take {name} out']")
    assert todo(page) == {}
    assert pairs(page) == {*planned(made, intent(page))["tunnels"]}
    assert len(pairs(page)) == len(pairs_then)


def test_a_vpn_shrinks_until_one_site_is_left(page: Look) -> None:
    option(page, "members of star1")
    page.click("[aria-label='Take erp-osl out']")
    assert todo(page) == {}
    page.click("[aria-label='Take vm0-lyon out']")
    assert "at least two members" in todo(page)["members"]
    page.one("#want-member").send_keys("build2-mad", Keys.ENTER)
    assert "All members are at the one site edge-mad" in todo(page)["members"]


def test_who_is_named_in_a_rule_or_serves_cannot_simply_leave(page: Look) -> None:
    option(page, "members of shop")
    page.click("[aria-label='Take web1-fra out']")
    assert "web1-fra is named in a rule of the VPN" in todo(page)["members"]
    option(page, "members of served")
    page.click("[aria-label='Take erp-osl out']")
    assert "db is a destination behind edge-osl" in todo(page)["members"]


def test_a_vpn_is_composed_by_the_keyboard_alone(page: Look, made: fleet.Fleet) -> None:
    page.run("document.querySelector('[data-site]').focus()")
    for site in ("edge-fra", "edge-osl", "edge-mad"):
        page.run("document.querySelector(`[data-site='${arguments[0]}']`).focus()", site)
        page.keys(Keys.SPACE)
    for name in ("Add jump-fra", "Add erp-osl", "Add vApp lab-mad, 3 VMs"):
        page.run("document.querySelector('[data-site]').focus()")
        tab_to(page, name)
        page.keys(Keys.ENTER)
    page.run("document.querySelector(`input[value='mesh']`).focus()")
    page.keys(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)  # mesh, star, chain
    tab_to(page, "edge-mad earlier")
    page.keys(Keys.ENTER)
    assert focused(page) == "edge-mad earlier"
    tab_to(page, "edge-osl earlier")
    page.keys(Keys.ENTER, Keys.ENTER, Keys.ENTER)  # the last one changes nothing: it is the first already
    assert focused(page) == "edge-osl earlier"
    tab_to(page, "want-name")
    page.keys("crm")
    assert todo(page) == {}
    assert planned(made, intent(page))["topology"] == "chain edge-osl -- edge-mad -- edge-fra"


def test_the_focus_stays_where_it_was(page: Look) -> None:
    everywhere(page)
    radio(page, "tree")
    page.one("#want-root").send_keys("edge-osl")
    assert (focused(page), intent(page)[0]["topology"]["root"]) == ("want-root", "edge-osl")


def test_organizations_may_have_any_name(look: Opens) -> None:
    hosts = changed(fleet.company(), {name: {"vcc_org": "constructor"} for name in fleet.company()})
    page = look(fleet.Fleet(hosts, []).document(), "compose")
    everywhere(page)
    assert todo(page) == {}


def test_what_is_handed_over_goes_into_a_file_with_other_vpns(page: Look, made: fleet.Fleet) -> None:
    """The entry of the page, pasted below another one."""
    everywhere(page)
    other = "---\nvcc_vpns:\n  - {name: more, pool: internal, members: [web1-fra, db2-osl]}\n"
    text = other + page.text("#yaml").split("vcc_vpns:\n")[1]
    vpns = yaml.safe_load(text)["vcc_vpns"]
    assert [vpn["name"] for vpn in vpns] == ["more", "crm"]
    plan = made.world.plan(*vpns, pools=made.pools, dry_run=True)
    assert {"more", "crm"} <= {vpn["name"] for vpn in plan.vpns}
