# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What steps that were killed left behind: temporary files, perhaps with a copy of a key in them."""

from __future__ import annotations

from pathlib import Path

from . import files

# All that we write to. A `*` is for directories that are named after something.
DIRECTORIES = (
    "/etc",  # hosts
    "/var/lib/intercloud-vpn",
    "/var/lib/intercloud-vpn/generations",
    "/var/lib/intercloud-vpn/organizations/*",
    "/etc/intercloud-vpn",
    "/etc/intercloud-vpn-bgp",
    "/etc/intercloud-vpn-dhcp",
    "/etc/intercloud-vpn-vrrp",
    "/etc/intercloud-vpn-names",
    "/etc/intercloud-vpn-names/*",
    "/etc/openvpn/intercloud-vpn",
    "/etc/openvpn/intercloud-vpn/*",
    "/etc/strongswan.d",
    "/etc/swanctl/*",
    "/etc/systemd/networkd.conf.d",
    "/etc/systemd/system",
    "/etc/systemd/system/*.d",
    "/etc/systemd/system/*.wants",
    "/run",
    "/run/intercloud-vpn",
    "/run/intercloud-vpn/*",
    "/usr/local/lib/intercloud-vpn",
    "/usr/local/lib/intercloud-vpn/*",
    "/usr/local/lib/intercloud-vpn/*/*",
    "/usr/local/lib/intercloud-vpn/*/*/*",  # what Python compiled
)


def _places(root: Path) -> list[Path]:
    return [place for pattern in DIRECTORIES for place in sorted(root.glob(pattern.lstrip("/"))) if place.is_dir()]


def found(root: Path) -> list[Path]:
    """All of it."""
    return [path for place in _places(root) for path in files.leftovers(place)]


def sweep(root: Path) -> None:
    """Remove all of it. Raises Unwritable."""
    for place in _places(root):
        files.sweep(place)
