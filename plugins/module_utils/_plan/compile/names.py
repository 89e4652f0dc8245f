# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PLAN: the names of a VPN's members and servers, as org edges serve them and members are told of them.

Nothing here adds anything to the document of a VPN that asks for none of it.
"""

from __future__ import annotations

from typing import Any

from ..._intent.landscape.hosts import HOSTS, Vm
from .documents import Document
from .leased_vpn import LeasedVpn

KEY = "names"


def of_org_edge(leased: LeasedVpn) -> dict[str, Any]:
    """What a site's edge serves: the names of the whole VPN."""
    if not leased.vpn.domain:
        return {}
    return {KEY: {"domain": leased.vpn.domain, "hosts": leased.names}}


def tell_member(document: Document, leased: LeasedVpn, vm: Vm) -> None:
    """Add to a member's document who knows the names of the VPN, the edge of its site; or those names."""
    if leased.vpn.domain:
        asking = {"servers": [leased.edge_address(vm.site)], "blocks": leased.blocks}
        entry = {"domain": leased.vpn.domain, **({"hosts": leased.names} if vm.names == HOSTS else asking)}
        document[KEY] = sorted([*document.get(KEY, []), entry], key=lambda one: str(one["domain"]))
