# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The machines' link-layer addresses, on their way from the machines to their neighbours (docs/senders.md).

A machine is asked about its own addresses only: what it says of others' binds nobody.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.intercloud.vpn.plugins.module_utils._intent.landscape.neighbours import parse_mac
from ansible_collections.intercloud.vpn.plugins.module_utils._node.kernel.neighbours import FILE
from ansible_collections.intercloud.vpn.plugins.module_utils._node.stretch import told

OBSERVED = "observed.json"  # beside the plan: {host: {address: link-layer address}}


def macs_of(facts: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """{host: {address: link-layer address}}, of what M(intercloud.vpn.node_survey) returned of hosts."""
    found: dict[str, dict[str, str]] = {}
    for host, said in sorted(facts.items()):
        for _name, device in sorted((said.get("devices") or {}).items()):
            try:
                mac = parse_mac(str(device.get("mac") or ""))
            except ValueError:
                continue  # a device without one
            for text in device.get("addresses") or ():
                found.setdefault(host, {}).setdefault(str(text).partition("/")[0], mac)
    return found


def beside(document: Mapping[str, Any], documents: Any) -> dict[str, str]:
    """The files of the link-layer addresses of a node's neighbours and of those that it serves DHCP, and of the members
    of networks that it stretches; nothing where none is known.

    Where either edge of a pair may be at an address, those of both are known, or none.
    """
    entries = [
        *((entry["address"], entry["host"], entry) for entry in document.get("neighbours") or ()),
        *((entry["address"], entry["name"], entry) for entry in (document.get("dhcp") or {}).get("hosts", ())),
    ]
    stretches = [vpn["stretch"] for vpn in document.get("vpns") or () if vpn.get("stretch")]
    if not documents or not (entries or stretches):
        return {}
    path = Path(str(documents)).expanduser().parent / OBSERVED
    known = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    found = {address: macs for address, host, entry in entries if (macs := _macs(known, address, host, entry))}
    members = {member["host"] for stretch in stretches for member in told.hosts_in(stretch)}
    said = {host: known[host] for host in sorted(members & set(known))}
    return {
        **({FILE: json.dumps(found, indent=1)} if found else {}),
        **({told.FILE: json.dumps(said, indent=1)} if said else {}),
    }


def _macs(
    known: Mapping[str, Mapping[str, str]], address: str, host: str, entry: Mapping[str, Any]
) -> str | list[str] | None:
    """What the machines said of an address that the document itself does not bind: one, or one of each machine that
    may have it."""
    if "mac" in entry:
        return None
    if "machines" not in entry:
        return known.get(host, {}).get(address)
    said = [known.get(machine, {}).get(own) for machine, own in sorted(entry["machines"].items())]
    return None if None in said else [mac for mac in said if mac]
