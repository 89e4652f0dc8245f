# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An edge that says nonsense keeps a rotation waiting for it. It does not end the run of all."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.action.vpn_rotation import TOLD, _told, sound_numbers
from ansible_collections.intercloud.vpn.plugins.module_utils._pki.rotation import Order, Report, Rotation, waiting

CERTIFICATE = {"fits": True, "serial": "7", "key_sha256": "k", "authority_sha256": "a", "authorities": ["a"]}
SOUND = {"concerned": True, "certificate": CERTIFICATE, "drift": []}
WANTED = Order("a", ("a",), frozenset(), frozenset())


def kept_waiting(answer: dict[str, Any]) -> dict[str, str]:
    hostvars = SimpleNamespace(raw_get=lambda _host: {TOLD: answer})
    told = _told({"hostvars": hostvars}, "edge-east")
    report = Report(told["certificate"], told["drift"]) if told else None
    return waiting(Rotation((), ""), WANTED, {"edge-east": report})


def test_one_that_has_all_is_not_waited_for() -> None:
    assert kept_waiting(SOUND) == {}


@pytest.mark.parametrize("nonsense", [7, "a", None, {"a": 1}, [7], [["a"]]])
@pytest.mark.parametrize("place", ["certificate", "drift", "authorities"])
def test_one_that_says_nonsense_is_waited_for(place: str, nonsense: Any) -> None:
    answer = {**SOUND, place: nonsense}
    if place == "authorities":
        answer = {**SOUND, "certificate": {**CERTIFICATE, place: nonsense}}
    assert "edge-east" in kept_waiting(answer)


@pytest.mark.parametrize(
    "nonsense", [7, [], {"a": 1}, {"a": {}}, {"a": {"use": 1, "to_use": 1, "held": 1}},
                 {"a": {"use": "1", "to_use": 1, "held": [1]}}, {"a": {"use": 1, "to_use": 1, "held": ["x"]}}],
)  # fmt: skip
def test_so_is_one_whose_keys_have_no_numbers(nonsense: Any) -> None:
    assert "edge-east" in kept_waiting({**SOUND, "secrets": nonsense})
    assert sound_numbers({"a": {"use": 1, "to_use": 1, "held": [1, 2]}})
