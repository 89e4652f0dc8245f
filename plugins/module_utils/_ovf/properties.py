# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""OVF: product sections: what a package says of its software, and properties that are set when it is deployed."""

from __future__ import annotations

from collections.abc import Iterator

from .._base.problems import Problems
from .active import Active
from .descriptor import Element

OURS_CLASS = "intercloud.vpn"
ABOUT = {"Product": "product", "Vendor": "vendor", "Version": "version"}


def read_properties(
    system: Element, active: Active, file: str, problems: Problems
) -> tuple[dict[str, str], dict[str, str]]:
    """The properties of a VirtualSystem or a collection by their whole keys (``class.key.instance``), and by ours.

    A password, and a property without a value, is left out.
    """
    found: dict[str, str] = {}
    ours: dict[str, str] = {}
    seen: dict[str, Element] = {}
    for section in _sections(system, active):
        space = section.ovf("class") or ""
        for one in section.all("Property"):
            key = one.ovf("key") or ""
            whole = ".".join(part for part in (space, key, section.ovf("instance") or "") if part)
            if not key:
                problems.add(one.place(file), "has no key")
            elif whole in seen:
                problems.add(one.place(file), f"{whole} is a property already in line {seen[whole].line}")
            seen.setdefault(whole, one)
            value = _value(one, active)
            if value is not None and one.ovf("password") not in ("true", "1"):
                found.setdefault(whole, value)
                if space == OURS_CLASS:
                    ours.setdefault(key, value)
    return found, ours


def read_product(system: Element, active: Active) -> dict[str, str]:
    """What the first product section that is not ours says of the software: ``product``, ``vendor``, ``version``."""
    for section in _sections(system, active):
        said = {ABOUT[one.name]: one.text for one in section.all(*ABOUT) if one.text}
        if said and section.ovf("class") != OURS_CLASS:
            return said
    return {}


def _sections(system: Element, active: Active) -> Iterator[Element]:
    return (section for section in system.all("ProductSection") if active(section))


def _value(one: Element, active: Active) -> str | None:
    """Its value: that of the configuration, where there is one, else its default."""
    for value in one.all("Value"):
        if value.ovf("configuration") and active(value):
            return value.ovf("value")
    default = one.ovf("value")
    if default is None:
        default = next((value.ovf("value") for value in one.all("Value") if not value.ovf("configuration")), None)
    return default
