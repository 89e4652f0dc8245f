# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What systemd-networkd is about to give a device, and what of it nobody sees.

While `resolvectl` has set DNS servers of a device that networkd manages, those of a DHCP lease are not in use.
"""

from __future__ import annotations

import contextlib
import socket
from pathlib import Path

RUN = Path("/run/systemd/netif")
_BUSY = ("pending", "initialized", "configuring")


def is_busy(device: str) -> bool:
    """Whether networkd has not configured a device yet: DNS servers may come with what it waits for."""
    return _read("links", device).get("ADMIN_STATE") in _BUSY


def servers(device: str) -> tuple[str, ...]:
    """The DNS servers of a device's DHCP lease."""
    return tuple(_read("leases", device).get("DNS", "").split())


def _read(folder: str, device: str) -> dict[str, str]:
    """A file of networkd's about a device; empty if there is none."""
    with contextlib.suppress(OSError):
        text = (RUN / folder / str(socket.if_nametoindex(device))).read_text(encoding="utf-8", errors="replace")
        lines = [line.partition("=") for line in text.splitlines()]
        return {key: value for key, equals, value in lines if equals}
    return {}
