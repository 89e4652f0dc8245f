# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""OVF: what `compose` may set from what a package says. The templates are the administrator's, the texts are not.

A package may say of its hosts, by a template, what it may say of them itself, and where they are logged in to. How they
are logged in to, with which programs and options, and whose they are, is not a package's to choose.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .._base.coerce import integer
from .._base.names import NAME
from .._base.prefix import parse_address
from .facts import MEMBERS, OF_MEMBERS, OF_VAPP_EDGES, own_addresses
from .loopback import is_loopback

GUARDED = ("ansible_", "vcc_")
VETTED = ("vcc_org", "vcc_edge", "vcc_address", "vcc_org_address", "vcc_vapp_address", "vcc_vapp_network")
"""Of a package's host, what is the administrator's word, or an address."""


def _is_host(value: object) -> bool:
    try:
        return NAME.fullmatch(str(value)) is not None or bool(parse_address(str(value)))
    except ValueError:
        return False


def _is_user(value: object) -> bool:
    return isinstance(value, str) and NAME.fullmatch(value.removeprefix("_")) is not None


def _is_port(value: object) -> bool:
    number = integer(value)
    return isinstance(number, int) and not isinstance(number, bool) and 0 < number < 1 << 16


LOGINS: Mapping[str, tuple[Callable[[object], bool], str]] = {
    "ansible_host": (_is_host, "an address or the name of a host"),
    "ansible_port": (_is_port, "a port"),
    "ansible_user": (_is_user, "the name of a user"),
}


def wrong_variable(variable: str, value: Any, kind: str) -> str | None:
    """Why a variable of a host of a kind must not have a value that a package chose; None where it may."""
    if not variable.startswith(GUARDED):
        return None
    if variable == "ansible_host" and is_loopback(value):
        return f"{str(value)[:80]!r} is the controller itself, and a package cannot choose that"
    if variable in LOGINS:
        check, what = LOGINS[variable]
        return None if check(value) else f"{str(value)[:80]!r} is not {what}"
    its = OF_MEMBERS if kind == MEMBERS else OF_VAPP_EDGES
    if variable in its:
        return own_addresses({variable: value})
    return (
        f"the template reads what a package says, and a package cannot choose {variable}; give it in group_vars. From "
        f"packages can be {', '.join((*LOGINS, *its))}, and what does not begin with {' or '.join(GUARDED)}"
    )
