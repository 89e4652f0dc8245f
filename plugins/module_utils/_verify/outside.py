# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""VERIFY: a published port does not answer those that it is not published for.

Of these, only the VPN's other sites are known: a member there asks by the internet, and is seen with a public address
of its site. Where that address may open connections, or everybody may, nothing is asked: whether the service runs is no
matter of the VPN's.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .._intent.outside_publish import ANY
from .access import Probe

Section = Mapping[str, Any]


def from_members(vpn: Section, at: Mapping[str, Sequence[Section]]) -> Iterator[tuple[Section, Probe]]:
    """One member of every other site, and what it asks in vain. ``at``: the members that we log in to, by site."""
    outside = vpn.get("outside", {})
    public: dict[str, set[str]] = {site: set(found) for site, found in outside.get("public", {}).items()}
    for one in outside.get("members", ()):
        public.setdefault(one["site"], set()).add(one["as"])
    for one in outside.get("published", ()):
        protocol, _slash, port = one["port"].partition("/")
        for site, members in sorted(at.items()):
            if protocol == "tcp" and site != one["site"] and not _may(one["from"], public.get(site, ())):
                yield members[0], Probe("outside", one["member"], one["address"], int(port))


def _may(sources: Sequence[str], addresses: Any) -> bool:
    """Whether a site that is seen with one of these addresses may open connections, or might."""
    if ANY in sources or not addresses:
        return True
    networks = [ipaddress.ip_network(text) for text in sources]
    return any(ipaddress.ip_address(address) in network for address in addresses for network in networks)
