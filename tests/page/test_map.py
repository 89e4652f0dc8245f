# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tab Report: the map, search, selection, the matrix and lists, as people use them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from selenium.webdriver.common.keys import Keys

from ansible_collections.intercloud.vpn.tests.page import fleet
from ansible_collections.intercloud.vpn.tests.page.conftest import Look

Opens = Callable[..., Look]


@pytest.fixture(scope="module")
def usual() -> dict[str, Any]:
    return fleet.usual().document()


@pytest.fixture(scope="module")
def broken() -> dict[str, Any]:
    """A tunnel is down, a node silent, a member out of reach, and something leaks."""
    made = fleet.usual()
    made.down("edge-fra--edge-mad")
    made.observed["edge-osl"]["drift"] = [{"subsystem": "routes", "action": "add 100.64.0.64/26 dev vcc0"}]
    made.verify(lost=[("backup-mad", "db1-fra")], leaks=[("web1-fra", "web2-fra")])
    return made.document()


def test_everything_is_on_the_map(look: Opens, usual: dict[str, Any]) -> None:
    seen = look(usual)
    keys = seen.things("thing")
    assert {f"vm:{vm['name']}" for vm in usual["vms"]} <= keys
    assert {f"site:{site['name']}" for site in usual["sites"]} <= keys
    assert {f"tunnel:{tunnel['name']}" for tunnel in usual["tunnels"]} <= keys
    assert "VM db1-fra, member of shop 100.64" in str(seen.one("[data-key='vm:db1-fra']").get_attribute("aria-label"))


def test_boxes_are_inside_of_what_they_belong_to_and_beside_each_other(look: Opens, usual: dict[str, Any]) -> None:
    seen = look(usual)
    boxes: dict[str, tuple[float, ...]] = {}
    for box in seen.run("return MAP.placed.boxes.map(b => [b.id, b.x, b.y, b.x + b.w, b.y + b.h])"):
        boxes[box[0]] = tuple(box[1:])

    def inside(one: str, other: str) -> bool:
        (a, b, c, d), (e, f, g, h) = boxes[one], boxes[other]
        return e <= a and f <= b and c <= g and d <= h

    for vm in usual["vms"]:
        assert inside(f"vm:{vm['name']}", f"vapp:{vm['vapp']}" if vm["vapp"] else f"net:{vm['site']}")
    for site in usual["sites"]:
        assert inside(f"net:{site['name']}", f"cloud:{site['cloud']}")
        assert inside(f"site:{site['name']}", f"cloud:{site['cloud']}")
    same = [name for name in boxes if name.startswith(("vm:", "site:"))]
    for place, one in enumerate(same):
        for other in same[place + 1 :]:
            (a, b, c, d), (e, f, g, h) = boxes[one], boxes[other]
            assert c <= e or g <= a or d <= f or h <= b, f"{one} lies over {other}"


def test_what_is_selected_fades_the_rest(look: Opens, usual: dict[str, Any]) -> None:
    seen = look(usual)
    seen.click("[data-key='vm:build1-mad']")
    assert {"vm:build1-mad", "vm:files-fra", "tunnel:edge-fra--edge-mad", "site:edge-mad"} <= seen.things("lit")
    assert {"vm:web3-osl", "site:edge-osl", "tunnel:edge-fra--edge-osl", "vm:test1-mad"} <= seen.things("faded")
    assert "100.64." in seen.text("#panel")
    seen.until(lambda: float(seen.one("[data-key='vm:web3-osl']").value_of_css_property("opacity")) < 0.3)
    seen.click("#panel [data-select='vpn:acme/build']")
    assert seen.things("selected") == set() and "Pool" in seen.text("#panel")
    seen.click("#panel .close")
    assert seen.things("faded") == set()


def test_a_tunnel_is_selected_on_its_line(look: Opens, usual: dict[str, Any]) -> None:
    seen = look(usual)
    seen.click("[data-key='tunnel:edge-mad--edge-osl'] .tunnel-label rect")
    assert {"site:edge-mad", "site:edge-osl"} <= seen.things("lit") and "site:edge-fra" in seen.things("faded")
    assert "AES_GCM_16_256" in seen.text("#panel")


def test_states_are_told_in_words_and_patterns_not_by_colour_alone(look: Opens, broken: dict[str, Any]) -> None:
    seen = look(broken)
    down, up = (seen.one(f"[data-key='tunnel:edge-fra--edge-{end}']") for end in ("mad", "osl"))
    assert "down" in down.text and "✕" in down.text and "up" in up.text
    dashes = [seen.one(f"[data-key='tunnel:edge-fra--edge-{end}'] .tunnel-line") for end in ("mad", "osl")]
    assert dashes[0].value_of_css_property("stroke-dasharray") != dashes[1].value_of_css_property("stroke-dasharray")
    assert "1 of 3" not in seen.text(".tiles") and "2 of 3" in seen.text(".tiles")
    assert "tunnel edge-fra--edge-mad" in seen.text("#findings")
    seen.click("[data-key='site:edge-osl']")
    assert "routes" in seen.text("#panel")


def test_search_with_the_keyboard_finds_names_and_addresses(look: Opens, usual: dict[str, Any]) -> None:
    seen = look(usual)
    seen.keys("/")
    seen.keys("db2")
    assert seen.one("#search").get_attribute("aria-expanded") == "true"
    seen.keys(Keys.ENTER)
    assert seen.things("selected") == {"vm:db2-osl"}
    seen.keys(Keys.ESCAPE)
    assert seen.things("selected") == set()
    address = next(m["address"] for vpn in usual["vpns"] for m in vpn["members"] if m["name"] == "erp-osl")
    seen.keys(address, Keys.ARROW_DOWN, Keys.ENTER)
    assert seen.things("selected") == {"vm:erp-osl"}
    seen.keys(Keys.ESCAPE, "no such thing")
    assert "Nothing has that name" in seen.text("#found")


def test_the_map_is_walked_with_arrows(look: Opens, usual: dict[str, Any]) -> None:
    seen = look(usual)
    seen.run("document.getElementById('map').focus()")
    seen.keys(Keys.ARROW_RIGHT)
    first = seen.run("return document.activeElement.dataset.key")
    seen.keys(Keys.ARROW_DOWN)
    second = seen.run("return document.activeElement.dataset.key")
    assert first and second and first != second
    seen.keys(Keys.ENTER)
    assert seen.run("return MAP.selected") == second
    seen.keys(Keys.ESCAPE)
    assert seen.run("return MAP.selected") is None


def test_the_whole_page_is_reached_with_the_tab_key(look: Opens, usual: dict[str, Any]) -> None:
    seen = look(usual)
    met = set()
    for _step in range(60):
        seen.keys(Keys.TAB)
        met.add(
            seen.run("const e = document.activeElement; return e.id || e.getAttribute('aria-label') || e.className")
        )
    assert {"tab-report", "search", "filter-vpn", "show-refused", "map", "matrix-vpn", "Fit the whole map"} <= met


def test_refused_traffic_is_shown_on_demand(look: Opens, usual: dict[str, Any]) -> None:
    seen = look(usual)
    seen.click("[data-key='vm:web1-fra']")
    kinds = "return [...document.querySelectorAll('#map .flow')].map(n => n.getAttribute('class'))"
    assert set(seen.run(kinds)) == {"flow allowed"}
    quiet = seen.text("#matrix")
    seen.click("#show-refused")
    assert "flow refused" in seen.run(kinds)
    assert "⊘" in seen.text("#matrix") and "⊘" not in quiet
    assert "Is refused" in seen.text("#panel")


def test_what_leaks_is_shown_without_asking(look: Opens, broken: dict[str, Any]) -> None:
    seen = look(broken)
    seen.click("[data-key='vm:web1-fra']")
    assert "Passes and must not" in seen.text("#panel")
    assert seen.all("#matrix .cell.leak") and seen.all("#matrix .cell.down")


def test_filters_take_things_off_the_map(look: Opens, broken: dict[str, Any]) -> None:
    seen = look({**broken})
    seen.set("filter-vpn", "vpn:acme/office")
    seen.until(lambda: "vm:db1-fra" not in seen.things("thing"))
    assert {"vm:erp-osl", "vm:files-fra"} <= seen.things("thing") and "site:edge-mad" not in seen.things("thing")
    seen.set("filter-vpn", "")
    seen.click("#filter-trouble")
    seen.until(lambda: "site:edge-mad" in seen.things("thing"))


def test_one_zooms_and_moves_the_map(look: Opens, usual: dict[str, Any]) -> None:
    seen = look(usual)
    before = seen.run("return {...MAP.look}")
    seen.click("[aria-label='Zoom in']")
    assert seen.run("return MAP.look.k") > before["k"]
    seen.drag(".cloud-box", ".panel")
    after = seen.run("return {...MAP.look}")
    assert after["x"] > before["x"] and seen.run("return MAP.selected") is None
    seen.click("[aria-label='Fit the whole map']")
    assert seen.run("return {...MAP.look}") == before


def test_lists_say_what_is_not_on_the_map(look: Opens, usual: dict[str, Any]) -> None:
    seen = look(usual)
    assert "21 days left" in seen.text("#certificates")
    assert "100.64.0.0/10" in seen.text("#pools")
    assert "7.3 GB of 10 GB per day" in seen.text("#limits")
    assert "VPN build: created" in seen.text("#changes") and "VPN shop: created" not in seen.text("#changes")
    seen.set("since", "0")
    assert "VPN shop: created" in seen.text("#changes")
    assert "31 of 31" in seen.text(".tiles")
    assert "100mbit" in seen.text("#matrix-limits")


def test_without_a_measurement_the_matrix_is_as_planned(look: Opens) -> None:
    made = fleet.Fleet(fleet.company(), [fleet.OFFICE])
    seen = look(made.document())
    assert (
        "As planned" in seen.text("#matrix-note") and seen.all("#matrix .cell.planned") and not seen.all(".cell.up td")
    )


def test_an_empty_landscape_is_a_page_too(look: Opens) -> None:
    seen = look(fleet.Fleet({}, []).document())
    assert "no org edges" in seen.text("#map-wait") and "There are no VPNs yet" in seen.text("#panel")


def test_where_the_map_cannot_be_drawn_the_lists_are_there(look: Opens, usual: dict[str, Any]) -> None:
    seen = look({**usual})
    seen.run("ELK.worker = null; document.getElementById('layout').textContent = '?'; redraw()")
    seen.until(lambda: "cannot be drawn" in seen.text("#map-wait"))
    assert seen.one("#map-wait").is_displayed() and seen.one("#tunnels").is_displayed()


def test_light_and_dark(look: Opens, usual: dict[str, Any]) -> None:
    seen = look(usual)
    paper = [seen.one("body").value_of_css_property("background-color")]
    dark = [{"name": "prefers-color-scheme", "value": "dark"}]
    seen.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": dark})
    try:
        paper.append(seen.one("body").value_of_css_property("background-color"))
    finally:
        seen.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    light, night = (sum(int(part) for part in text[text.index("(") + 1 : -1].split(",")[:3]) for text in paper)
    assert light > 600 > 150 > night


def test_on_paper_there_are_no_controls(look: Opens, usual: dict[str, Any]) -> None:
    seen = look(usual)
    seen.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        assert not seen.one(".bar").is_displayed() and not seen.one(".tabs").is_displayed()
        assert seen.one("#map").is_displayed() and seen.one("#tunnels").is_displayed()
    finally:
        seen.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


HOSTILE = (
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<!--<script>",
    "a\u2028b\u2029c",
    "'\"` &amp; ${1} {{ script }}",
    "__proto__",
)


def test_hostile_names_are_text(look: Opens, usual: dict[str, Any]) -> None:
    """No VPN can have such names; a host that no VPN concerns can, and so can what nodes say."""
    site = usual["sites"][0]
    vms = [
        {**usual["vms"][0], "name": name, "site": site["name"], "vapp": None, "cloud": site["cloud"]}
        for name in HOSTILE
    ]
    findings = [
        {"severity": "error", "subject": name, "expected": name, "seen": name, "look": name} for name in HOSTILE
    ]
    seen = look({**usual, "vms": [*usual["vms"], *vms], "findings": findings})
    for name in HOSTILE:
        assert f"vm:{name}" in seen.things("thing")
        assert name in seen.text("#findings")
    seen.run("select('vm:' + arguments[0])", HOSTILE[1])
    assert seen.text("#panel h2") == HOSTILE[1]
    assert seen.all("#report img") == [] and len(seen.all("script")) == 3


def test_nothing_else_runs_and_nothing_is_fetched(look: Opens, usual: dict[str, Any]) -> None:
    """What the page's policy refuses, even if it were in the page."""
    seen = look({**usual})
    script = """
        const done = arguments[arguments.length - 1];
        const found = [];
        document.addEventListener('securitypolicyviolation', (event) => found.push(event.effectiveDirective));
        const script = document.createElement('script');
        script.textContent = 'window.ran = true';
        document.body.append(script);
        fetch('https://example.org/').catch(() => {});
        new Image().src = 'https://example.org/x.png';
        setTimeout(() => done([found.sort(), Boolean(window.ran)]), 200);
    """
    refused, ran = seen.driver.execute_async_script(script)
    assert not ran and refused == ["connect-src", "img-src", "script-src-elem"]
    assert [said for said in seen.complaints() if said.startswith("fetched")] == []
