# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A device whose table goes is down before that: else its frames would get into the edge's own stack."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._node.document import Generation
from ansible_collections.intercloud.vpn.plugins.module_utils._node.part import Context
from ansible_collections.intercloud.vpn.plugins.module_utils._node.state import Store
from ansible_collections.intercloud.vpn.plugins.module_utils._node.stretch import tables
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils._node.stretch.test_frames import HERE, THERE


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is run, on an edge where the devices vcl1 and vcl2 are up."""
    commands: list[str] = []
    links = {name: {"ifname": name, "flags": ["UP"]} for name in ("vcl1", "vcl2", "vxlan9")}
    org = {"ifname": "org", "address": "02:00:5e:10:00:04", "flags": ["UP", "PROMISC"]}

    def run(*words: str, **_rest: Any) -> str:
        commands.append(" ".join(words))
        return "chain" if words[:2] == ("nft", "-t") else '{"nftables": [{"table": {}}]}'

    monkeypatch.setattr(tables, "run", run)
    monkeypatch.setattr(tables, "have", lambda _tool: True)
    monkeypatch.setattr(tables.ip, "links", lambda _kind: links)
    monkeypatch.setattr(tables.ip, "all_links", lambda: [*links.values(), org])
    monkeypatch.setattr(tables.ip, "addresses", lambda: {"org": ["10.10.0.1/24"]})
    return commands


@pytest.mark.parametrize(("wanted", "down"), [([1], ["vcl2"]), ([], ["vcl1", "vcl2"])])
def test_down_first(
    document: dict[str, Any], done: list[str], tmp_path: Path, wanted: list[int], down: list[str]
) -> None:
    stretch = {"beside": "10.10.0.1", "peers": [], "gateways": [], "here": [HERE], "there": [THERE]}
    vpn = {**document["vpns"][0], "stretch": {**stretch, "broadcast": 200, "port": 14789}}
    document["vpns"] = [{**vpn, "number": number} for number in wanted]
    want = Generation(document, {}, "xfrm")
    had = Generation({**document, "vpns": [vpn]}, {}, "xfrm")
    part = tables.Frames(Context(want, had, Store(tmp_path)))
    part.build()
    part.clear()
    table = next(place for place, one in enumerate(done) if one.startswith(("nft -f", "nft delete")))
    assert [one.split()[4] for one in done[:table] if one.endswith(" down")] == down
