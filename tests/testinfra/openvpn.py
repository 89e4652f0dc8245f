# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""OpenVPN sessions, as the edges' own agents see them."""

from __future__ import annotations

import json
from contextlib import contextmanager

from ansible_collections.intercloud.vpn.tests.testinfra import lab

AGENT = "/usr/local/lib/intercloud-vpn/agent"
CLOSED = "add table inet closed; add chain inet closed forward {{ type filter hook forward priority 0; }}; " + (
    "add rule inet closed forward {what} drop"
)


def sessions(edge):
    """The sessions that are up on an edge."""
    return [one for one in json.loads(lab.sh(edge, f"{AGENT} status"))["sessions"] if one["state"] == "ESTABLISHED"]


def processes(edge):
    """The OpenVPN processes of an edge, by the names of their services."""
    listed = lab.sh(edge, "systemctl list-units --no-legend --plain 'intercloud-vpn-ssl@*' | awk '{print $1}'")
    return sorted(line.partition("@")[2].removesuffix(".service") for line in listed.split())


@contextmanager
def closed(what):
    """The internet between the edges drops this while the block runs: an expression of nftables."""
    lab.netns(lab.INTERNET, "nft", CLOSED.format(what=what))
    try:
        yield
    finally:
        lab.netns(lab.INTERNET, "nft", "delete", "table", "inet", "closed")
