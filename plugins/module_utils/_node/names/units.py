# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What systemd is told of name servers."""

from __future__ import annotations

from ..system import dnsmasq
from . import servers

DIRECTORY = "/etc/systemd/system"
WANTS = f"{DIRECTORY}/multi-user.target.wants"

_SERVER = f"""\
# Made by intercloud.vpn; changes are lost.
[Unit]
Description=Names of VPN %i (intercloud.vpn)
After=network.target intercloud-vpn.service
ConditionPathExists={servers.HOME}/%i.conf
StartLimitIntervalSec=0

[Service]
ExecStart=/usr/sbin/dnsmasq --keep-in-foreground --conf-file={servers.HOME}/%i.conf
Restart=always
RestartSec=300ms
DynamicUser=yes
AmbientCapabilities=CAP_NET_BIND_SERVICE
CapabilityBoundingSet=CAP_NET_BIND_SERVICE
{dnsmasq.confined("AF_INET AF_INET6 AF_NETLINK AF_UNIX")}
[Install]
WantedBy=multi-user.target
"""
OWN = {f"{DIRECTORY}/{servers.UNIT}.service": _SERVER}
