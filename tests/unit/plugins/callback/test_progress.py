# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a node says is shown, and does nothing else to a terminal."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from ansible_collections.intercloud.vpn.plugins.callback.progress import CallbackModule, _lines


def test_a_node_cannot_write_over_what_the_run_says() -> None:
    assert _lines("no route\x1b[2K\x1b[1A\x08\x9b1A\rdone\n\n") == [
        r"no route\x1b[2K\x1b[1A\x08\x9b1A",
        "done",
    ]
    assert _lines(["über …\tall", None]) == ["über …\tall"]


@pytest.mark.parametrize("form", ["texts", "mappings", "prepared"])
def test_nor_by_what_it_says_differs(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    evil, header = "new\x1b[2K\rold \u202e", "motd\x9b1A"
    diff = {
        "texts": {"before": "a\n", "after": f"{evil}\nb\n", "before_header": header, "after_header": header},
        "mappings": {"before": {}, "after": {evil: [header]}},
        "prepared": {"prepared": f"{header}\n{evil}\n"},
    }[form]
    told: list[str] = []
    callback = CallbackModule()
    monkeypatch.setattr(callback, "_say", told.append)
    result = SimpleNamespace(
        _host=SimpleNamespace(get_name=lambda: "vm"), _result={"diff": [diff], "changed": True}, _task=None
    )
    callback.v2_on_file_diff(result)
    assert len(told) == 2 and "new" in told[1] and "\\x9b1A" in told[1]
    assert {sign for sign in told[1] if not sign.isprintable()} == {"\n"}
