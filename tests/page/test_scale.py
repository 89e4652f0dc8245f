# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Large landscapes: the page opens, does not freeze, and VMs are folded into their vApps."""

from __future__ import annotations

from collections.abc import Callable

from ansible_collections.intercloud.vpn.tests.page import fleet
from ansible_collections.intercloud.vpn.tests.page.conftest import Look

Opens = Callable[..., Look]
SOON = 30000  # ms; alone on a machine, a twentieth of it


def test_ten_clouds_are_in_a_ring_and_no_two_overlap(look: Opens) -> None:
    seen = look(fleet.wide(10, 1, 2).document())
    boxes = seen.run(
        "return MAP.placed.boxes.filter(b => b.kind === 'cloud').map(b => [b.x, b.y, b.x + b.w, b.y + b.h])"
    )
    assert len(boxes) == 10
    for place, (a, b, c, d) in enumerate(boxes):
        for e, f, g, h in boxes[place + 1 :]:
            assert c <= e or g <= a or d <= f or h <= b
    assert int(seen.run("return document.getElementById('map').dataset.ms")) < SOON


def test_sixty_clouds_and_a_thousand_vms(look: Opens) -> None:
    document = fleet.wide(60, 4, 4, mesh=False).document()
    assert len(document["vms"]) > 1000
    seen = look(document)
    assert not [key for key in seen.things("vm") if "vm1-" in key], "VMs are folded into their vApps"
    assert len(seen.things("closed")) == 240
    assert int(seen.run("return document.getElementById('map').dataset.ms")) < SOON
    # The page goes on while the worker lays out: it is drawn again many times meanwhile.
    script = """
        const done = arguments[arguments.length - 1];
        let frames = 0, longest = 0, last = performance.now(), old = MAP.placed;
        const tick = (now) => {
          frames += 1;
          longest = Math.max(longest, now - last);
          last = now;
          if (MAP.placed !== old) done([frames, longest]); else requestAnimationFrame(tick);
        };
        requestAnimationFrame(tick);
        document.getElementById('open-vms').click();
    """
    frames, _longest = seen.driver.execute_async_script(script)
    assert frames > 5
    seen.until(lambda: len(seen.things("vm")) > 1000)
    seen.run("select('site:edge-c30')")
    assert "tunnel:edge-c30--edge-alpha" in seen.things("lit") or "tunnel:edge-alpha--edge-c30" in seen.things("lit")
