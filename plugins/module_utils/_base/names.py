# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which names may become part of a path, a template or a certificate. Every such name is checked with one of these.

Names from the inventory are the administrator's, and yet they end up in file names on three machines, in shell words of
OpenVPN, in nftables and in X.509: letters, digits and a few signs are all that means the same in all of them.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from .errors import VccError

if TYPE_CHECKING:
    from .problems import Problems

# A host, a cloud. Neither "..", nor a dot or a hyphen in front: no path leads up, and no name is an option.
NAME = re.compile(r"(?!.*\.\.)[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,126}[A-Za-z0-9_-])?", re.ASCII)
NAME_RULE = "letters, digits, '.', '_' and '-', starting with a letter or digit, without '..', at most 128"
# An organization is the last label of its edges' identities, and a directory on VCC server and VCC nodes.
ORGANIZATION = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,31}", re.ASCII)
ORGANIZATION_RULE = "at most 32 letters, digits and hyphens, starting with a letter or digit"
# What has an authority or keys already may be older than the rule above (X.509: O has at most 64).
ORGANIZATION_KEPT = re.compile(r"(?!.*\.\.)[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9_-])?", re.ASCII)
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
# An IKE identity and a certificate's name (X.509: CN has at most 64).
IDENTITY = re.compile(rf"(?=.{{1,64}}\Z){_LABEL}(?:\.{_LABEL})*", re.ASCII)
TUNNEL = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,199}", re.ASCII)
BOOLEAN = "is a boolean: YAML reads a bare no, yes, on or off as one; put the name in quotes"
# What a host's variables name.
NAMING = ("vcc_edge", "vcc_identity", "vcc_org", "vcc_vapp")


def folded(name: str) -> str:
    """What is equal of names that mean the same: DNS names, and so identities, are compared without case (RFC 4343)."""
    return name.casefold()


def same(one: str, other: str) -> bool:
    """Whether two identities are one to an IKE daemon."""
    return folded(one) == folded(other)


def required(what: str, name: str, pattern: re.Pattern[str], rule: str) -> str:
    """The name, if it fits. VccError otherwise: the last check before a path is made with it."""
    if not pattern.fullmatch(name):
        raise VccError(f"{what} {name!r}: must be {rule}")
    return name


def shown(name: str) -> str:
    """A name as a message shows it: what cannot be printed is escaped."""
    return name if name.isprintable() and name == name.strip() and name else repr(name)


def refuse_booleans(names: Mapping[str, object], problems: Problems) -> None:
    """Note each of the names, by their places, that YAML made a boolean of: as a text it would be another name."""
    for path, name in names.items():
        if isinstance(name, bool):
            problems.add(path, BOOLEAN)


def check_host(name: str, clouds: Iterable[str], problems: Problems) -> None:
    """Note a host's name, or its clouds', that do not do for a path."""
    if not NAME.fullmatch(name):
        problems.add(f"hosts.{shown(name)}", f"{name!r} is part of file names and templates: it must be {NAME_RULE}")
    for cloud in clouds:
        if not NAME.fullmatch(cloud):
            problems.add(f"hosts.{shown(name)}", f"the cloud {cloud!r} (group cloud_…) must be {NAME_RULE}")


def wrong_clouds(clouds: Collection[str], what: str) -> str | None:
    """What is wrong with the clouds of a host, where ``what`` it is is in exactly one; None if nothing is."""
    if not clouds:
        return "is in no cloud; put it in a group cloud_<name>"
    groups = ", ".join(f"cloud_{cloud}" for cloud in clouds)
    return None if len(clouds) == 1 else f"is in {len(clouds)} clouds ({groups}); {what} is in exactly one"


def check_nodes(hosts: Mapping[str, Mapping[str, Any]], problems: Problems) -> None:
    """Note what is wrong with VCC nodes, whichever VPN is theirs, and with what all hosts name.

    The names of other hosts are checked with the VPN that needs them (`_intent/landscape/facts.py`).
    """
    organizations: dict[str, list[str]] = {}
    for name, facts in sorted(hosts.items()):
        if "vcc_nodes" in facts["kinds"]:
            check_host(name, facts["clouds"], problems)
            wrong = wrong_clouds(facts["clouds"], "a VCC node")
            if wrong:  # else it would be in no document
                problems.add(f"hosts.{shown(name)}", wrong)
        refuse_booleans({f"hosts.{shown(name)}.{key}": facts["vars"].get(key) for key in NAMING}, problems)
        if facts["vars"].get("vcc_org") is not None:
            organizations.setdefault(str(facts["vars"]["vcc_org"]), []).append(name)
    first: dict[str, str] = {}
    for organization, named in organizations.items():
        path, others = f"hosts.{shown(named[0])}.vcc_org", len(named) - 1
        more = f" ({others} more {'host has' if others == 1 else 'hosts have'} it)" if others else ""
        if not ORGANIZATION.fullmatch(organization):
            wrong = f"{organization!r} must be {ORGANIZATION_RULE}: it is part of certificates and file names{more}"
            problems.add(path, wrong)
        same_name = first.setdefault(folded(organization), organization)
        if same_name != organization:
            problems.add(
                path,
                f"{organization} and {same_name} differ only in case, and identities are compared without case: "
                f"rename one{more}",
            )
