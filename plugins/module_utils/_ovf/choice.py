# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""OVF: what an inventory says of a package, because a package cannot: the cloud it runs in, and whose it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from .._base.coerce import boolean
from .._base.names import NAME, NAME_RULE
from .._base.problems import Problems, unknown_keys
from .model import KINDS

SIGNED, REQUIRED, IF_PRESENT = "signed", "required", "if_present"
ALL, DESCRIPTOR = "all", "descriptor"
REFUSE, LEAVE = "refuse", "leave"
ADDRESSES = ("ip{nic}", "vami.ip{nic}.{vm}", "guestinfo.ip{nic}")
_WORDS = {"verify": (SIGNED, REQUIRED, IF_PRESENT), "digests": (ALL, DESCRIPTOR), "missing": (REFUSE, LEAVE)}
_TRUTHS = ("macs", "sha1")
_TEXTS = ("cloud", "configuration", "edge", "org", "suffix", "trusted", "vapp")
_LISTS = ("address_properties", "exclude", "joins")
_MAPPINGS = ("addresses", "names", "networks")


@dataclass(frozen=True)
class Choice:
    """The options of the inventory plugin ``ovf``, of one package. The plugin's documentation says what they mean."""

    path: str
    cloud: str | None = None
    org: str | None = None
    edge: str | None = None
    vapp: str | None = None
    suffix: str = ""
    names: Mapping[str, str] = field(default_factory=dict)
    exclude: tuple[str, ...] = ()
    networks: Mapping[str, str] = field(default_factory=dict)
    addresses: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    address_properties: tuple[str, ...] = ADDRESSES
    configuration: str | None = None
    missing: str = REFUSE
    macs: bool = False
    verify: str = REQUIRED
    digests: str = ALL
    sha1: bool = False
    trusted: str | None = None
    joins: tuple[str, ...] = ()
    places: Mapping[str, str] = field(default_factory=dict)
    """Where each of these is said: ``networks`` for all packages, ``packages[1].networks`` for one."""


OF_PACKAGES = tuple(one.name for one in fields(Choice) if one.name != "places")
"""What can be said of one package; all but ``path`` can be said for all of them, too."""


def read_choices(
    packages: Any, common: Mapping[str, Any], problems: Problems, place_of: Callable[[int], str] = "packages[{}]".format
) -> list[tuple[str, Choice]]:
    """The packages that an inventory lists, each with its place there. ``common``: what is said for all."""
    found = []
    for number, one in enumerate(packages if isinstance(packages, (list, tuple)) else [packages]):
        place = place_of(number)
        own = one if isinstance(one, Mapping) else {"path": one}
        unknown_keys(own, OF_PACKAGES, place, problems)
        said = {key: value for key, value in {**common, **own}.items() if value is not None and key in OF_PACKAGES}
        before = len(problems)
        places = {key: f"{place}.{key}" if key in own else key for key in OF_PACKAGES}
        read = {key: _read(key, value, places[key], problems) for key, value in said.items()}
        if not read.get("path"):
            problems.add(place, "needs a path: a file (*.ovf, *.ova), a folder, or a pattern")
        if not read.get("cloud"):
            problems.add(place, "needs a cloud: a package does not say which cloud it runs in")
        for key in ("cloud", "vapp"):
            if read.get(key) and not NAME.fullmatch(read[key]):
                problems.add(places[key], f"{read[key]!r} must be {NAME_RULE}")
        if read.get("verify") == SIGNED and not read.get("trusted"):
            problems.add(places["verify"], "signed needs trusted: a file with the authorities that you trust")
        if len(problems) == before:
            found.append((place, Choice(**read, places=places)))
    return found


def _read(key: str, value: Any, place: str, problems: Problems) -> Any:
    if key in _WORDS:
        if value not in _WORDS[key]:
            problems.add(place, f"must be one of {', '.join(_WORDS[key])}, not {value!r}")
        return value
    if key in _TRUTHS:
        if not isinstance(boolean(value), bool):
            problems.add(place, f"must be true or false, not {value!r}")
        return boolean(value) is True
    if key in _LISTS:
        texts = value if isinstance(value, (list, tuple)) else [value]
        return tuple(_text(text, place, problems) for text in texts)
    if key not in _MAPPINGS:
        return _text(value, place, problems)
    if not isinstance(value, Mapping):
        problems.add(place, f"must be a mapping, not {value!r}")
        return {}
    if key == "addresses":
        lists = {vm: texts if isinstance(texts, (list, tuple)) else [texts] for vm, texts in value.items()}
        return {str(vm): tuple(_text(text, f"{place}.{vm}", problems) for text in texts) for vm, texts in lists.items()}
    if key == "networks":
        for name, kind in value.items():
            if kind not in KINDS:
                problems.add(f"{place}.{name}", f"must be one of {', '.join(KINDS)}, not {kind!r}")
    return {str(name): _text(said, f"{place}.{name}", problems) for name, said in value.items()}


def _text(value: Any, place: str, problems: Problems) -> str:
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        problems.add(place, f"must be a text, not {value!r}")
    return str(value)
