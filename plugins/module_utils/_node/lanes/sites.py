# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a document says of pairs: the sites at the other end of this edge's tunnels, and the lanes to each."""

from __future__ import annotations

from typing import NamedTuple

from ..document import LIBIPSEC_DEVICE, Generation, lane_of, site_of


class Greeting(NamedTuple):
    """A tunnel over which both ends say hello. `source`, `peer`: their own addresses; `device` leads there."""

    tunnel: str
    edge: str
    site: str
    lane: int
    source: str
    peer: str
    device: str


def greetings(generation: Generation) -> list[Greeting]:
    """One for each tunnel with a `hello`."""
    found = []
    for tunnel in generation.hellos:
        hello, lane = tunnel["hello"], lane_of(tunnel)
        peer = str(tunnel["peer"])
        device = generation.tunnel_device(hello["vpn"], lane) if generation.backend == "xfrm" else LIBIPSEC_DEVICE
        site = site_of(tunnel)
        found.append(Greeting(str(tunnel["name"]), peer, site, lane, str(hello["from"]), str(hello["to"]), device))
    return found
