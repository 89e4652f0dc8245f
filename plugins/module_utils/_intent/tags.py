# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""INTENT: the tags of a cloud's instance, where an inventory is made of them (inventories/examples).

The inventory leaves the tags with the host as ``vcc_tags``, and what it made of them as groups and ``vcc_*`` variables.
A tag that it made nothing of is refused: a misspelt one would otherwise be a setting silently left out.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from .._base import names
from .._base.problems import Problems, did_you_mean
from .paths import of_host
from .variables import INSTANCES, OF_HOSTS, TAGS

NAME, ROLE, CLOUD = "vcc-name", "vcc-role", "vcc-cloud"
ROLES = {"vcc_node": "vcc_nodes", "org_edge": "org_edges", "vapp_edge": "vapp_edges", "member": "members"}
"""What the tag vcc-role can say, and the inventory group that it puts a host into."""
NEEDED = {
    "org_edges": ("vcc_org_network", "the org network, such as 10.10.0.0/24"),
    "vapp_edges": ("vcc_vapp_network", "the vApp's network, such as 192.168.1.0/24"),
}
"""What no cloud knows of a gateway, by group."""
SECRET = "vcc_psk"


def tag_of(variable: str) -> str:
    """The tag that gives a variable: ``vcc-org-network`` gives ``vcc_org_network``."""
    return variable.replace("_", "-")


def check_tags(
    host: str, said: Mapping[str, object], groups: Sequence[str], found: Collection[str], problems: Problems
) -> None:
    """Note what is wrong with a host's tags, and that several instances have its name.

    ``said`` has the host's ``vcc_tags`` and ``vcc_instances``, ``groups`` are those that mean something here, and
    ``found`` the ``vcc_*`` variables that the host has.
    """
    path, tags = of_host(host, TAGS), said.get(TAGS)
    if tags is not None and not isinstance(tags, Mapping):
        problems.add(path, "is not a mapping of tags to their values")
    elif tags:
        _check_names(path, tags, found, problems)
        _check_host(host, {str(tag): str(value).strip() for tag, value in tags.items()}, groups, found, problems)
    instances = said.get(INSTANCES)
    if isinstance(instances, (list, tuple)) and len(instances) > 1:
        problems.add(
            of_host(host, INSTANCES),
            f"{len(instances)} instances have this name: {', '.join(sorted(map(str, instances)))}; "
            f"take the tag {NAME} from all but one, or delete them",
        )


def _check_names(path: str, tags: Mapping[object, object], found: Collection[str], problems: Problems) -> None:
    known = {tag_of(variable): variable for variable in OF_HOSTS if variable != SECRET}
    for tag, value in sorted((str(tag), value) for tag, value in tags.items()):
        if tag == tag_of(SECRET):
            problems.add(path, f"tag {tag} is not a place for a secret: many can read tags; put {SECRET} into a vault")
        elif tag not in (NAME, ROLE, CLOUD, *known):
            problems.add(path, f"tag {tag} is not known{did_you_mean(tag, (NAME, ROLE, CLOUD, *known))}")
        elif not str(value).strip():
            problems.add(path, f"tag {tag} has no value")
        elif tag in known and known[tag] not in found:
            problems.add(path, f"tag {tag} is not read: the inventory makes no {known[tag]} of it on this host")


def _check_host(
    host: str, tags: Mapping[str, str], groups: Sequence[str], found: Collection[str], problems: Problems
) -> None:
    path, roles = of_host(host, TAGS), ", ".join(ROLES)
    name, role = tags.get(NAME), tags.get(ROLE)
    if name is None:
        problems.add(path, f"tag {NAME} is missing: the permanent name, which addresses in VPNs are leased to")
    elif name != host:
        problems.add(path, f"tag {NAME} is {name}, but the inventory calls the host {host}; another may have the name")
    if not names.NAME.fullmatch(host):
        # It is a word of the SSH command line, and whoever writes tags chose it.
        problems.add(path, f"the name {host!r} must be {names.NAME_RULE}")
    if role is None:
        problems.add(path, f"tag {ROLE} is missing: what the host is, one of {roles}")
    elif role not in ROLES:
        problems.add(path, f"tag {ROLE} is {role!r}, which is none of {roles}{did_you_mean(role, ROLES)}")
    elif ROLES[role] not in groups:
        group = ROLES[role]
        problems.add(path, f"tag {ROLE} is {role}, but the host is not in group {group}: remove spaces from the tag")
    if CLOUD not in tags and not any(group.startswith("cloud_") for group in groups):
        problems.add(path, f"tag {CLOUD} is missing: the name of the cloud that the host is in")
    for variable, meaning in (NEEDED[group] for group in groups if group in NEEDED):
        if variable not in found and tag_of(variable) not in tags:
            problems.add(path, f"tag {tag_of(variable)} is missing: {meaning}")
