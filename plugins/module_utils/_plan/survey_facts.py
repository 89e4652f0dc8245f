# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PLAN: what a machine said (node_survey), read once: whoever uses it may rely on its shape (docs/documents.md).

Machines are not trusted to answer in order. One that does not is as good as silent, and stops no plan of others.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from typing import Any

Check = Callable[[Any], object]

UNREADABLE = "gave an answer that cannot be read"
_PYTHON = re.compile(r"\d{1,3}\.\d{1,3}(\.\d{1,3})?", re.ASCII)


def read_facts(said: Mapping[str, Any]) -> dict[str, Any]:
    """The facts among what a machine said; ``{"silent": why}`` where one of them cannot be read."""
    found = {key: said[key] for key in FACTS if said.get(key) is not None}
    for key, value in found.items():
        try:
            _CHECKS[key](value)
        except ValueError as error:
            return {"silent": f"{UNREADABLE} ({key}: {str(error)[:100]})"}
    return found


def _is(*kinds: type) -> Check:
    def check(value: Any) -> None:
        if not isinstance(value, kinds) or isinstance(value, bool):
            raise ValueError(f"{value!r} is out of place")

    return check


def _list(entry: Check) -> Check:
    def check(value: Any) -> None:
        _is(list, tuple)(value)
        for one in value:
            entry(one)

    return check


def _mapping(entry: Check) -> Check:
    def check(value: Any) -> None:
        _is(Mapping)(value)
        for key, one in value.items():
            _text(key)
            entry(one)

    return check


def _entries(known: Mapping[str, Check], needed: bool = False) -> Check:
    """A mapping of these entries, all ``needed`` or none."""

    def check(value: Any) -> None:
        _is(Mapping)(value)
        for key, entry in known.items():
            if needed or value.get(key) is not None:
                entry(value.get(key))

    return check


_text, _whole = _is(str), _is(int)


def _python(value: Any) -> None:
    _text(value)
    if not _PYTHON.fullmatch(value):
        raise ValueError(f"{value!r} is not a version of Python")


def _interface(value: Any) -> None:
    _text(value)
    ipaddress.ip_interface(value)


def _route(value: Any) -> None:
    _text(value)
    prefix, *words = value.split()
    ipaddress.ip_network(prefix)
    if words[-1:] == ["dev"]:
        raise ValueError(f"{value!r} names no device")


_CHECKS: Mapping[str, Check] = {
    "silent": _text,
    "node": _text,
    "organization": _text,
    "ledger": _text,
    "chain": _text,
    "generation": _whole,
    "unconfirmed": _whole,
    "runs": _entries({"blocks": _list(_text), "carries": _list(_text), "tunnels": _mapping(_is(str, type(None)))}),
    "slices": _mapping(_whole),
    "slice_digests": _mapping(_text),
    "python": _python,
    "devices": _mapping(_entries({"mac": _text, "addresses": _list(_interface)}, needed=True)),
    "own": _list(_interface),
    "routes": _list(_route),
    "boot": _text,
    "time": _whole,
    "userspace": _text,
}

FACTS = tuple(_CHECKS)
"""What is kept of the facts that node_survey returns."""
