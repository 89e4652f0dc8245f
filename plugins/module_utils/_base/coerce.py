# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""INTENT: texts as what they were meant to be.

INI files, ``constructed`` without native types, AWX surveys and cloud tags can only say texts: ``'true'``, ``'1450'``,
``'[10.10.0.1]'``. What cannot be read stays as it is, for the checks to refuse it with its path.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

# As Ansible's own filter `bool` has them.
TRUTHS = {
    **dict.fromkeys(("true", "yes", "on", "y", "t", "1"), True),
    **dict.fromkeys(("false", "no", "off", "n", "f", "0"), False),
}
BOOLEANS = ("vcc_behind_nat", "vcc_external", "vcc_mlkem")
INTEGERS = ("vcc_underlay_mtu",)
LISTS = (
    "vcc_address",
    "vcc_formerly",
    "vcc_mac",
    "vcc_org_address",
    "vcc_org_network",
    "vcc_public_address",
    "vcc_vapp_address",
    "vcc_vapp_network",
)
SECRETS = ("vcc_psk",)  # a blank may be meant, and is refused elsewhere
WORDS = ("vcc_behind_nat",)  # a word beside true and false, in any case as they are
_BLANKS = " \t"
_NUMBER = re.compile(r"-?\d{1,18}(\.\d{1,18})?", re.ASCII)


def host_variables(variables: Mapping[str, Any]) -> dict[str, Any]:
    """A host's variables, with every text in its type."""
    return {key: value if key in SECRETS else _host_variable(key, value) for key, value in variables.items()}


def tidy(value: Any) -> Any:
    """A part of an intent as plain data, without blanks at the ends of names and other texts."""
    if isinstance(value, str):
        return value.strip(_BLANKS)
    if isinstance(value, Mapping):
        return {tidy(key): tidy(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [tidy(entry) for entry in value]
    return value


def boolean(value: Any) -> Any:
    """What a text means where true or false is wanted."""
    if isinstance(value, int) and not isinstance(value, bool) and value in (0, 1):
        return bool(value)
    return TRUTHS.get(value.strip(_BLANKS).lower(), value) if isinstance(value, str) else value


def integer(value: Any) -> Any:
    """What a text means where a whole number is wanted."""
    if isinstance(value, str) and re.fullmatch(r"-?\d{1,18}", value.strip(_BLANKS), re.ASCII):
        return int(value)
    return value


def like(example: Any, value: Any) -> Any:
    """What a text means where a number like the example is wanted, whole or not."""
    if isinstance(example, float) and isinstance(value, str) and _NUMBER.fullmatch(value.strip(_BLANKS)):
        return float(value)
    return integer(value) if isinstance(example, int) else value


def texts(value: Any) -> Any:
    """What a text means where a list of texts is wanted: ``a, b``, ``a b``, ``[a, b]`` and ``['a', "b"]`` are lists."""
    if not isinstance(value, str):
        return tidy(value)
    inner = value.strip()
    if inner[:1] == "[" and inner[-1:] == "]":
        inner = inner[1:-1]
    return [part.strip("'\"") for part in re.split(r"[,\s]+", inner) if part.strip("'\"")]


def _host_variable(key: str, value: Any) -> Any:
    if key in WORDS and isinstance(value, str):
        value = value.lower()
    if key in BOOLEANS:
        return boolean(tidy(value))
    if key in INTEGERS:
        return integer(value)
    return texts(value) if key in LISTS else tidy(value)
