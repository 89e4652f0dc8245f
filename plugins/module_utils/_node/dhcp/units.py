# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What systemd is told of the DHCP server."""

from __future__ import annotations

from ..system import dnsmasq
from . import server

DIRECTORY = "/etc/systemd/system"
WANTS = f"{DIRECTORY}/multi-user.target.wants"
_RIGHTS = "CAP_NET_ADMIN CAP_NET_BIND_SERVICE CAP_NET_RAW"  # it answers machines that have no address yet

_SERVER = f"""\
# Made by intercloud.vpn; changes are lost.
[Unit]
Description=Addresses on the private network (intercloud.vpn)
After=network.target intercloud-vpn.service
ConditionPathExists={server.CONFIG}
StartLimitIntervalSec=0

[Service]
# What it reads is what the copy says: so whoever looks knows what it has loaded.
ExecStartPre=/bin/cp {server.CONFIG} {server.LOADED}
ExecStart=/usr/sbin/dnsmasq --keep-in-foreground --conf-file={server.LOADED}
Restart=always
RestartSec=300ms
DynamicUser=yes
RuntimeDirectory={server.RUNTIME.rpartition("/")[2]}
StateDirectory={server.STATE.rpartition("/")[2]}
AmbientCapabilities={_RIGHTS}
CapabilityBoundingSet={_RIGHTS}
{dnsmasq.confined("AF_INET AF_INET6 AF_NETLINK AF_PACKET AF_UNIX")}
[Install]
WantedBy=multi-user.target
"""
OWN = {f"{DIRECTORY}/{server.UNIT}": _SERVER}
