# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What playbooks pass to the filters carve, overlaps and summarize, read at the border; each mistake with its place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.intercloud.vpn.plugins.module_utils._base.errors import IntentErrors
from ansible_collections.intercloud.vpn.plugins.module_utils._base.prefix import Prefix, parse_any
from ansible_collections.intercloud.vpn.plugins.module_utils._base.problems import Problems


@contextmanager
def problems_of(name: str) -> Iterator[Problems]:
    """All mistakes that are found inside fail the filter ``name`` at once, a line each."""
    found = Problems()
    try:
        yield found
        found.raise_if_any()
    except IntentErrors as errors:
        raise AnsibleFilterError(f"intercloud.vpn.{name}: {errors}") from errors


def block(value: Any, place: str, found: Problems, bare: bool = True) -> Prefix | None:
    """A CIDR block, and with ``bare`` also an address as a block of one. None when it is neither, which is noted."""
    try:
        if not isinstance(value, str):
            raise ValueError(f"must be a CIDR block, and is {value!r}")
        return parse_any(value) if bare else Prefix.parse(value)
    except ValueError as error:
        found.add(place, str(error))
        return None


def listed(value: Any, place: str, found: Problems, bare: bool = True) -> list[Prefix]:
    """A block, a list of blocks, or a mapping of names to either (what `carve` returns)."""
    return [prefix for _at, _text, prefix in labelled(value, place, found, bare)]


def labelled(value: Any, place: str, found: Problems, bare: bool = True) -> list[tuple[str, str, Prefix]]:
    """The same, each with a label: its name in a mapping, or else as it is written; and with its place."""
    entries: list[tuple[str, Any, str | None]] = []
    if isinstance(value, Mapping):
        for name, some in value.items():
            if isinstance(some, (list, tuple)):
                entries += [(f"{place}.{name}[{index}]", one, str(name)) for index, one in enumerate(some)]
            else:
                entries.append((f"{place}.{name}", some, str(name)))
    elif isinstance(value, (list, tuple)):
        entries = [(f"{place}[{index}]", one, None) for index, one in enumerate(value)]
    elif isinstance(value, str):
        entries = [(place, value, None)]
    else:
        found.add(place, "must be a CIDR block, a list of them, or a mapping of names to them")
    read = [(at, str(one) if name is None else name, block(one, at, found, bare)) for at, one, name in entries]
    return [(at, label, prefix) for at, label, prefix in read if prefix is not None]


def _is_short_number(text: str) -> bool:
    """Python refuses to read thousands of digits."""
    return text.isdecimal() and len(text) <= 40


def number(value: Any, place: str, found: Problems, least: int = 0, most: int | None = None) -> int | None:
    """A whole number. None when it is none, which is noted."""
    # Text as well: what a template made of a number is text in older ansible-core.
    if isinstance(value, bool) or not (isinstance(value, int) or (isinstance(value, str) and _is_short_number(value))):
        found.add(place, f"must be a whole number, and is {value!r}")
    elif int(value) < least or (most is not None and int(value) > most):
        limits = f"at least {least}" if most is None else f"from {least} to {most}"
        found.add(place, f"must be {limits}, and is {value}")
    else:
        return int(value)
    return None
