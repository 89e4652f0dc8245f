# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a scratch charon is given to try before the real one is told: what differs, and in doubt all of it."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._node.document import NOTHING, Generation, sha256
from ansible_collections.intercloud.vpn.plugins.module_utils._node.ipsec import (
    certificates,
    charon,
    connections,
    scratch,
    swanctl,
)
from ansible_collections.intercloud.vpn.plugins.module_utils._node.part import Context
from ansible_collections.intercloud.vpn.plugins.module_utils._node.state import Store

HEAD, TAIL = "connections {\n", "}\n"


def section(name: str) -> str:
    return f"  {name} {{\n    version = 2\n  }}\n"


def file(*names: str) -> str:
    return HEAD + "".join(map(section, names)) + TAIL


class Trial:
    """An edge that had some tunnels, and is told others."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, store: Store, document: dict[str, Any]) -> None:
        self.store, self.document = store, document
        self.tried: list[str] = []
        self.elsewhere: dict[str, Any] = {}
        self.noted: dict[str, Any] = {"config": sha256(file("a", "b")), "credentials": "certificates"}
        self.restart = ""
        path = store.at(charon.CONFIG)
        path.parent.mkdir(parents=True)
        path.write_text(file("a", "b"))
        monkeypatch.setattr(swanctl, "have", lambda _program: True)
        monkeypatch.setattr(certificates, "needed", lambda _generation: False)
        monkeypatch.setattr(charon, "marker", lambda _store: self.noted)
        monkeypatch.setattr(connections, "loaded", lambda: connections.shape(self.generation("a", "b")))
        monkeypatch.setattr(scratch, "load", self.load)
        monkeypatch.setattr(swanctl.Swanctl, "_restart", lambda _self: self.restart)

    def generation(self, *names: str) -> Generation:
        tunnel = self.document["tunnels"][0]
        self.document["tunnels"] = [{**copy.deepcopy(tunnel), "name": name} for name in names]
        return Generation(copy.deepcopy(self.document), {"swanctl.conf": file(*names)}, "xfrm")

    def load(self, changed: dict[str, str]) -> tuple[dict[str, Any], set[str]]:
        self.tried.append(changed[charon.CONFIG])
        shape = connections.shape(self.generation("a", "b", "c"))
        found = {name: children for name, children in shape.items() if f"  {name} {{" in self.tried[-1]}
        shown = {
            name: {
                "children": {child: {"local-ts": list(ts[0]), "remote-ts": list(ts[1])} for child, ts in one.items()}
            }
            for name, one in found.items()
        }
        return {**shown, **self.elsewhere}, set()

    def problems(self, *names: str) -> list[str]:
        part = swanctl.Swanctl(Context(self.generation(*names), NOTHING, self.store))
        part._renewed, part._credentials = False, "certificates"
        return part.problems()


@pytest.fixture
def trial(monkeypatch: pytest.MonkeyPatch, store: Store, document: dict[str, Any]) -> Trial:
    return Trial(monkeypatch, store, document)


def test_only_what_comes_is_tried(trial: Trial) -> None:
    assert trial.problems("a", "b", "c") == []
    assert trial.tried == [file("c")]


def test_of_one_that_goes_nothing_is(trial: Trial) -> None:
    assert trial.problems("a") == []
    assert trial.tried == [file()]


def test_where_another_file_changes_a_connection_of_ours_all_of_it_is(trial: Trial) -> None:
    """It would be loaded with the next file of ours, and nobody has seen it in the running charon yet."""
    trial.elsewhere = {"a": {"children": {"payroll": {"local-ts": ["0.0.0.0/0"], "remote-ts": ["0.0.0.0/0"]}}}}
    assert trial.problems("a", "b", "c") == [
        "swanctl.conf: connection a has other children or selectors than the document"
    ]
    assert trial.tried == [file("c"), file("a", "b", "c")]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("restart", "restart strongSwan"),
        ("noted", {}),
        ("noted", {"config": sha256(file("a", "b")), "credentials": "x"}),
    ],
)
def test_in_doubt_all_of_it_is(trial: Trial, name: str, value: Any) -> None:
    setattr(trial, name, value)
    assert trial.problems("a", "b", "c") == []
    assert trial.tried == [file("a", "b", "c")]
