# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PLAN: public addresses for members that no neighbour of their edge would look for there.

Whether a provider routes them to the edge, no machine can say. So it is a note, and only until the edge has them.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from typing import Any

from .._base.problems import some

Facts = Mapping[str, Any]


def to_be_routed(document: Facts, facts: Facts) -> Iterator[str]:
    """A note for each VPN with such addresses. ``facts``: what the edge said of itself."""
    held = [ipaddress.ip_interface(text) for device in facts["devices"].values() for text in device["addresses"]]
    own = {str(ipaddress.ip_interface(text).ip) for text in facts.get("own") or ()}
    for vpn in document.get("vpns") or ():
        outside = vpn.get("outside") or {}
        beside = [one.network for one in held if str(one.ip) == outside.get("at")]
        new = [text for text in outside.get("addresses", ()) if text not in own]
        far = [text for text in new if not any(ipaddress.ip_address(text) in network for network in beside)]
        if beside and far:
            yield (
                f"outside of {vpn['name']}: {some(far)} {'is' if len(far) == 1 else 'are'} not in {beside[0]}, the "
                "network of its public device; the provider has to route them to the edge"
            )
