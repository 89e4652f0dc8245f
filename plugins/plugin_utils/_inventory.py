# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""INTENT, on the controller: the inventory as plain facts, read in one pass over the hosts."""

from __future__ import annotations

import getpass
import os
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible.errors import AnsibleError
from ansible.inventory.manager import InventoryManager, split_host_pattern

from ansible_collections.intercloud.vpn.plugins.module_utils._base.coerce import host_variables
from ansible_collections.intercloud.vpn.plugins.module_utils._base.names import refuse_booleans
from ansible_collections.intercloud.vpn.plugins.module_utils._base.problems import Problems
from ansible_collections.intercloud.vpn.plugins.module_utils._intent.landscape.external import GIVEN, is_external
from ansible_collections.intercloud.vpn.plugins.module_utils._intent.landscape.facts import is_shared, organization_of
from ansible_collections.intercloud.vpn.plugins.module_utils._intent.organizations import is_concerned
from ansible_collections.intercloud.vpn.plugins.module_utils._intent.paths import CHANGES, of_host
from ansible_collections.intercloud.vpn.plugins.module_utils._intent.profiles.known import wrong_key
from ansible_collections.intercloud.vpn.plugins.module_utils._intent.run import CHECKS, check_run
from ansible_collections.intercloud.vpn.plugins.module_utils._intent.tags import check_tags
from ansible_collections.intercloud.vpn.plugins.module_utils._intent.variables import (
    KNOWN,
    OF_HOSTS,
    OF_TAGS,
    PREFIX,
    check_known,
)
from ansible_collections.intercloud.vpn.plugins.module_utils._pki.keys import wrong_psk
from ansible_collections.intercloud.vpn.plugins.plugin_utils._host_reader import HostReader

KINDS = ("vcc_nodes", "org_edges", "vapp_edges", "members")
CLOUD = "cloud_"
PSK = "vcc_psk"
UNREADABLE = "cannot be found out"
# There is one for all hosts, and it is read where a run begins.
OF_SERVER = ("vcc_ledger", "vcc_state_dir")
OF_HOST = frozenset(OF_HOSTS)


@dataclass
class Inventory:
    """What the inventory says: ``hosts`` for the planner, and what is wrong with variables that no planner reads."""

    hosts: dict[str, dict[str, Any]] = field(default_factory=dict)
    problems: Problems = field(default_factory=Problems)


def read_hosts(task_vars: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The facts of every host the planner may need: ``{host: {"kinds", "clouds", "vars"}}``.

    All hosts of the inventory count, not only those that the run is limited to. AnsibleError where one cannot be read.
    """
    inventory = read_inventory(task_vars)
    for error in inventory.problems:
        if error.message.startswith(UNREADABLE):
            raise AnsibleError(str(error))
    return inventory.hosts


def read_organizations(task_vars: Mapping[str, Any]) -> dict[str, list[str]]:
    """The organizations of the inventory's hosts, each with its org edges that are ours.

    Reads nothing else of the hosts: whatever is wrong with that. IntentErrors where this cannot be found out.
    """
    problems = Problems()
    edges: dict[str, list[str]] = {}
    for name, facts in _grouped(task_vars["groups"]).items():
        host = HostReader(task_vars["hostvars"], name)
        found = _read(host, {"vcc_external", "vcc_org"} & set(host), of_host(name), problems)
        facts["vars"] = host_variables(found)
        refuse_booleans({of_host(name, "vcc_org"): facts["vars"].get("vcc_org")}, problems)
        if not is_shared(facts):
            ours = edges.setdefault(organization_of(facts), [])
            if "org_edges" in facts["kinds"] and not is_external(facts["vars"]):
                ours.append(name)
    problems.raise_if_any()
    return edges


def read_inventory(
    task_vars: Mapping[str, Any], organizations: Collection[str] = (), run: Mapping[str, Any] | None = None
) -> Inventory:
    """The hosts' facts, and every mistake in the variables of the organizations' hosts (none: of all).

    ``run`` are the variables of the run as the task sees them, and checked before. A host may have others.
    """
    inventory = Inventory(_grouped(task_vars["groups"]))
    unknown: dict[str, list[str]] = {}
    concerned = 0
    for name, facts in inventory.hosts.items():
        host = HostReader(task_vars["hostvars"], name)
        found = {variable for variable in host if variable.startswith(PREFIX)}
        unreadable = Problems()
        facts["vars"] = host_variables(_read(host, found & OF_HOST, of_host(name), unreadable))
        if PSK in facts["vars"]:  # the planner is told whether it is in order, and no more
            key, gateway = facts["vars"][PSK], facts["vars"].get("vcc_gateway")
            facts["vars"][PSK] = wrong_psk(key) or wrong_key(gateway, str(key)) or GIVEN
        if not is_concerned(facts, organizations):
            continue
        concerned += 1
        inventory.problems.extend(unreadable)
        for variable in found - KNOWN:
            unknown.setdefault(variable, []).append(name)
        _check_run(host, found, run or {}, of_host(name), inventory.problems)
    _check_tags(task_vars, inventory, organizations)
    check_known(unknown, concerned, inventory.problems)
    return inventory


def _check_tags(task_vars: Mapping[str, Any], inventory: Inventory, organizations: Collection[str]) -> None:
    """Note what is wrong with the tags of hosts: of all, for one that is of no kind may only lack the right tag."""
    clouds: dict[str, list[str]] = {}
    for group, names in task_vars["groups"].items():
        for name in names if group.startswith(CLOUD) else ():
            clouds.setdefault(str(name), []).append(str(group))
    for name in map(str, task_vars["groups"].get("all", ())):
        host = HostReader(task_vars["hostvars"], name)
        tags = {variable for variable in OF_TAGS if variable in host}
        if not tags:
            continue
        facts = inventory.hosts.get(name) or {"kinds": [], "vars": _read(host, {"vcc_org"} & set(host), "", Problems())}
        if is_concerned(facts, organizations):
            said = _read(host, tags, of_host(name), inventory.problems)
            check_tags(name, said, [*facts["kinds"], *clouds.get(name, ())], set(host), inventory.problems)


def check_server(task_vars: Mapping[str, Any], run: Mapping[str, Any], problems: Problems) -> None:
    """Note what is wrong with the variables of the VCC server's host: what all hosts have, and its own."""
    hostvars, of_run = task_vars["hostvars"], HostReader(task_vars["hostvars"], task_vars["inventory_hostname"])
    for name in task_vars["groups"].get("vcc_server") or ["localhost"]:
        host = HostReader(hostvars, name)
        found = {variable for variable in host if variable.startswith(PREFIX)}
        for variable in found:
            check_known({variable: [name]}, 1 if variable in task_vars else 2, problems)
        own = {variable for variable in found if variable not in of_run or not host.says_the_same(of_run, variable)}
        _check_run(host, own, run, of_host(name), problems)
        for variable in sorted(own & set(OF_SERVER)):
            problems.add(of_host(name, variable), "is not read from the VCC server's host; say it for all hosts")


def _grouped(groups: Mapping[str, Iterable[str]]) -> dict[str, dict[str, Any]]:
    """The hosts that are of a kind, with the groups that say so."""
    hosts: dict[str, dict[str, Any]] = {}
    for group, names in groups.items():
        kind, cloud = group in KINDS, group.startswith(CLOUD)
        if not kind and not cloud:
            continue
        for name in names:
            facts = hosts.setdefault(str(name), {"kinds": [], "clouds": [], "vars": {}})
            if kind:
                facts["kinds"].append(str(group))
            else:
                facts["clouds"].append(str(group)[len(CLOUD) :])
    for facts in hosts.values():
        facts["kinds"].sort()
        facts["clouds"].sort()
    return {name: facts for name, facts in hosts.items() if facts["kinds"]}


def _read(host: HostReader, variables: Collection[str], place: str, problems: Problems) -> dict[str, Any]:
    """Some of a host's variables. Of those that cannot be found out, most often for another that is not there, why."""
    found = {}
    for variable in sorted(variables):
        try:
            found[variable] = host.get(variable)
        except AnsibleError as error:
            problems.add(f"{place}.{variable}", f"{UNREADABLE}: {first_line(error)}")
    return found


def _check_run(
    host: HostReader, found: Collection[str], run: Mapping[str, Any], place: str, problems: Problems
) -> None:
    """Check what a host has for a variable of a run, where that is not what the run itself has, and was checked."""
    for variable, value in _read(host, CHECKS.keys() & found, place, problems).items():
        if variable not in run or run[variable] != value:
            check_run({variable: value}, problems, f"{place}.")


def first_line(error: Exception) -> str:
    """What an error of Ansible's says, without its place and its causes."""
    return str(error).strip().partition("\n")[0]


def match_members(vpns: object, task_vars: Mapping[str, Any], loader: Any, networks: object = ()) -> dict[str, Any]:
    """The hosts that each text among members, or in an `allow`, stands for: host, group or pattern.

    A text that is neither, and has nothing of a pattern, is left out. Misshapen intents are the planner's to refuse,
    and so are texts with a name that is a host and a group: which of them counts must not depend on who made it.
    Such a text has a mapping of ``names`` and ``hosts``.
    """
    texts = {*_member_texts(vpns), *_member_texts(networks)}
    groups = task_vars["groups"]
    everyone = set(groups["all"])
    inventory = InventoryManager(loader=loader, parse=False)
    for group, names in groups.items():
        inventory.add_group(group)
        for name in names:
            inventory.add_host(name, group=group)
    twice = {name for name in everyone & groups.keys() if [*groups[name]] != [name]}
    matches: dict[str, Any] = {}
    for text in texts:
        both = sorted(twice & {part.lstrip("!&") for part in split_host_pattern(text)}) if twice else []
        if both:
            matches[text] = {"names": both, "hosts": sorted({*both, *_match(inventory, text)})}
        elif text in everyone:
            matches[text] = [text]
        elif text in groups or any(sign in text for sign in "*?[:,&!~"):
            matches[text] = _match(inventory, text)
    return matches


def _match(inventory: InventoryManager, text: str) -> list[str]:
    """The hosts of a group or pattern, sorted; none where a part of it matches nothing, or cannot be read.

    The manager itself only warns of a part that matches nothing, and takes what it cannot split for everybody. The
    planner refuses both, with their place in the intent.
    """
    parts = split_host_pattern(text)
    try:
        for part in parts:
            if not part.strip("!&~") or (part[0] != "!" and not inventory.get_hosts(part.lstrip("&"))):
                return []
        return sorted(str(host) for host in inventory.get_hosts(text)) if parts else []
    except AnsibleError:
        return []


def who_runs(task_vars: Mapping[str, Any]) -> str:
    """Who the ledger's events name: AWX's user where there is one, else who runs Ansible on the controller."""
    name = task_vars.get("awx_user_name") or task_vars.get("tower_user_name") or os.environ.get("SUDO_USER")
    return str(name or getpass.getuser())


def _member_texts(vpns: object) -> Iterable[str]:
    for vpn in vpns if isinstance(vpns, (list, tuple)) else []:
        for key in ("members", *CHANGES):
            members = vpn.get(key) if isinstance(vpn, Mapping) else None
            for member in members if isinstance(members, (list, tuple)) else []:
                text = member.get("name") if isinstance(member, Mapping) else member
                if isinstance(text, str) and text:
                    yield str(text)
        yield from _allow_texts(vpn)
        yield from _outside_texts(vpn)


def _allow_texts(vpn: object) -> Iterable[str]:
    """What the rules of a VPN's `allow` name; `all` is not a name of the inventory there."""
    rules = vpn.get("allow") if isinstance(vpn, Mapping) else None
    for rule in rules if isinstance(rules, (list, tuple)) else []:
        for key in ("from", "to"):
            names = rule.get(key) if isinstance(rule, Mapping) else None
            for text in names if isinstance(names, (list, tuple)) else [names]:
                if isinstance(text, str) and text and text != "all":
                    yield str(text)


def _outside_texts(vpn: object) -> Iterable[str]:
    """What a VPN's `outside` names."""
    outside = vpn.get("outside") if isinstance(vpn, Mapping) else None
    given = outside if isinstance(outside, Mapping) else {}
    members, publish = given.get("members"), given.get("publish")
    texts = list(members) if isinstance(members, (list, tuple)) else []
    for one in publish if isinstance(publish, (list, tuple)) else []:
        texts.append(one.get("member") if isinstance(one, Mapping) else None)
    yield from (str(text) for text in texts if isinstance(text, str) and text)
