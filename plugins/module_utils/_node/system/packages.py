# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which packages a node has, asked of its distribution's own package manager.

Packages have other names in other families of distributions. So what is wanted may be a list of names, and in place of
a name a mapping of families to lists: ``[python3, {Debian: [iproute2], RedHat: [iproute]}]``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Union

from . import files
from .run import CommandError, have, run

Wanted = Iterable[Union[str, Mapping[str, Any]]]

FAMILIES = {"debian": "Debian", "rhel": "RedHat", "fedora": "RedHat"}
"""Ansible's name of the family, by ID and ID_LIKE of os-release(5). Fedora's relatives name both of the latter."""

OS_RELEASE = Path("/etc/os-release")
_DPKG = ("dpkg-query", "-W", "-f", "${Package}\t${Version}\t${db:Status-Status}\n")
_RPM = ("rpm", "-qa", "--queryformat", "%{NAME}\t%{VERSION}\tinstalled\n")
_LINE = re.compile(r"^([A-Z_]+)=[\"']?(.*?)[\"']?$", re.MULTILINE)


class UnknownFamily(ValueError):
    """The node's distribution is of no family that packages are known for."""


def family(release: Path = OS_RELEASE) -> str:
    """The node's family of distributions, as Ansible names it, or an empty string."""
    return FAMILIES.get(next((one for one in _words(release) if one in FAMILIES), ""), "")


def named(wanted: Wanted, release: Path = OS_RELEASE) -> list[str]:
    """The names that the packages have on this node. UnknownFamily if they have none."""
    names: list[str] = []
    for one in wanted:
        if not isinstance(one, Mapping):
            names.append(str(one))
        elif family(release) in one:
            names += map(str, one[family(release)])
        else:
            raise UnknownFamily(
                f"{_distribution(release)} is of no family that packages are known for ({', '.join(one)}): "
                "set the role's packages to a list of this distribution's names, or to [] if all of them are installed"
            )
    return names


def missing(wanted: Wanted, release: Path = OS_RELEASE) -> list[str]:
    """Of the wanted packages those that are not installed, sorted. UnknownFamily if the roles cannot install them."""
    names = named(wanted, release)
    return lacking(names, installed(names), release)


def lacking(names: Iterable[str], there: Iterable[str], release: Path = OS_RELEASE) -> list[str]:
    """The same of names, where it is known which of them are there."""
    found = sorted({*names} - {*there})
    if found and not family(release):
        raise UnknownFamily(
            f"{_distribution(release)} is of no family that packages can be installed for: "
            f"install {', '.join(found)} by hand"
        )
    return found


def installed(names: list[str]) -> dict[str, str]:
    """The versions of those packages that are installed. Without dpkg and rpm, it cannot be told: none is missing."""
    if not names:
        return {}
    if have("dpkg-query") and not (family() == "RedHat" and have("rpm")):  # Fedora and EPEL have dpkg as a tool
        text = _of_dpkg(names)
    elif have("rpm"):
        text = run(*_RPM)
    else:
        return dict.fromkeys(names, "")
    found = re.findall(rf"^({'|'.join(map(re.escape, names))})\t(\S+)\tinstalled$", text, re.MULTILINE)
    return dict(found)


def _of_dpkg(names: list[str]) -> str:
    try:
        return run(*_DPKG, *names)
    except CommandError as error:  # some are unknown; it lists the others, but on a stream that is gone
        return run(*_DPKG) if "no packages found" in str(error) else ""


def _distribution(release: Path) -> str:
    return f"the node's distribution ({' '.join(dict.fromkeys(_words(release))) or 'unknown'})"


def _words(release: Path) -> list[str]:
    """ID and ID_LIKE of the distribution, the nearest relative first."""
    said = dict(_LINE.findall(files.read(release)))
    return f"{said.get('ID', '')} {said.get('ID_LIKE', '')}".split()
