# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""STATUS: members and their addresses, as other programs read them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from .._intent.names import ROOT
from .._verify.ways import bare

Section = Mapping[str, Any]
NETBOX = ("address", "status", "dns_name", "description")  # columns of NetBox's bulk import of IP addresses


def hosts(vpns: Iterable[Section]) -> str:
    """Lines for /etc/hosts (hosts(5)): the address, and the name below the VPN's domain."""
    return "".join(f"{address}\t{_name(vpn, member)}\n" for vpn, member, address in _members(vpns))


def inventory(vpns: Sequence[Section]) -> str:
    """An inventory for Ansible, as JSON, which is YAML: a group for each VPN, with each member's address in it.

    A machine that is a member of several VPNs has the same name in all of them; so the address is a variable of its
    own for each: `payroll_address`. Names of groups and variables have `_` where the VPN's has something else.
    """
    several = len({vpn["organization"] for vpn in vpns}) > 1
    groups: dict[str, Any] = {}
    for vpn, member, address in _members(vpns):
        group = _word(f"{vpn['organization']}_{vpn['name']}" if several else str(vpn["name"]))
        groups.setdefault(group, {"hosts": {}})["hosts"][member["name"]] = {f"{group}_address": address}
    return f"{json.dumps({'vpns': {'children': groups}}, indent=2)}\n"


def netbox(vpns: Iterable[Section]) -> str:
    """CSV for NetBox's bulk import of IP addresses."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(NETBOX)
    for vpn, member, address in _members(vpns):
        bits = 128 if ":" in address else 32
        where = f"VPN {vpn['name']} of {vpn['organization']}, at {member['site']}"
        table.writerow([f"{address}/{bits}", "active", _name(vpn, member), where])
    return text.getvalue()


FORMATS: Mapping[str, Callable[[Sequence[Section]], str]] = {"hosts": hosts, "inventory": inventory, "netbox": netbox}
"""VPNs, as plan.json has them, to text."""


def _members(vpns: Iterable[Section]) -> Iterator[tuple[Section, Section, str]]:
    for vpn in sorted(vpns, key=lambda one: (str(one["organization"]), str(one["name"]))):
        for member in sorted(vpn["members"], key=lambda one: str(one["name"])):
            if member.get("address"):
                yield vpn, member, bare(member["address"])


def _name(vpn: Section, member: Section) -> str:
    """As the edges serve it, where the VPN has names (docs/names.md)."""
    domain = vpn.get("domain") or f"{vpn['name']}.{ROOT}"
    return f"{member['name']}.{domain}".lower()


def _word(name: str) -> str:
    return "".join(letter if letter.isalnum() else "_" for letter in name)
