# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pictures of docs/report.md: `pytest tests/page/pictures.py` takes them again. No test of a run: fonts differ."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ansible_collections.intercloud.vpn.tests.page import fleet
from ansible_collections.intercloud.vpn.tests.page.conftest import Look

IMAGES = Path(__file__).resolve().parents[2] / "docs" / "images"
MOST = 150_000  # octets


def take(seen: Look, name: str) -> None:
    seen.run("document.activeElement.blur(); window.scrollTo(0, 0)")
    seen.driver.execute_async_script("setTimeout(arguments[arguments.length - 1], 400)")  # what fades has faded
    assert seen.driver.save_screenshot(str(IMAGES / name))
    assert (IMAGES / name).stat().st_size < MOST


def test_the_map(look: Callable[..., Look]) -> None:
    made = fleet.usual()
    for edge in ("edge-fra", "edge-mad"):  # a link of one VPN is down
        for sa in made.observed[edge]["sas"]:
            if sa["tunnel"] == "edge-fra--edge-mad":
                sa["children"] = [child for child in sa["children"] if child["name"] != "build"]
    made.verify(lost=[(f"{one}-mad", "files-fra") for one in ("build1", "build2")])
    seen = look(made.document())
    seen.click("#show-refused")
    seen.click("[data-key='vm:db2-osl']")
    take(seen, "report-map.png")


def test_composing(look: Callable[..., Look]) -> None:
    made = fleet.Fleet(fleet.company(), [fleet.OFFICE], [fleet.BUILD])
    seen = look(made.document(), "compose")
    for site in ("edge-fra", "edge-mad", "edge-osl"):
        seen.click(f"[data-site='{site}']")
    seen.drag("#palette [data-name='shop-fra']", "#drop")
    seen.drag("#palette [data-name='shop-osl']", "#drop")
    seen.set("want-name", "shop")
    seen.drag("#palette [data-name='backup-mad']", "#drop")
    take(seen, "report-compose.png")
