# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What systemd is told of BIRD. A distribution's own unit, and an administrator's BIRD or FRR, are left alone."""

from __future__ import annotations

from ..system import dnsmasq
from . import sessions

DIRECTORY = "/etc/systemd/system"
WANTS = f"{DIRECTORY}/multi-user.target.wants"
_RIGHTS = "CAP_NET_ADMIN CAP_NET_BIND_SERVICE CAP_NET_RAW"

_DAEMON = f"""\
# Made by intercloud.vpn; changes are lost.
[Unit]
Description=BGP with partners' gateways (intercloud.vpn)
After=network.target intercloud-vpn.service
ConditionPathExists={sessions.CONFIG}
StartLimitIntervalSec=0

[Service]
# What it reads is what the copy says: so the copy shows what is loaded. Both have keys in them.
ExecStartPre=/bin/cp --preserve=mode {sessions.CONFIG} {sessions.LOADED}
ExecStart=/usr/sbin/bird -f -c {sessions.LOADED} -s {sessions.SOCKET}
ExecReload=/bin/cp --preserve=mode {sessions.CONFIG} {sessions.LOADED}
ExecReload=/usr/sbin/birdc -s {sessions.SOCKET} configure
Restart=always
RestartSec=300ms
UMask=0077
RuntimeDirectory={sessions.RUNTIME.rpartition("/")[2]}
RuntimeDirectoryMode=0700
CapabilityBoundingSet={_RIGHTS}
{dnsmasq.confined("AF_INET AF_INET6 AF_NETLINK AF_UNIX")}
[Install]
WantedBy=multi-user.target
"""
OWN = {f"{DIRECTORY}/{sessions.UNIT}": _DAEMON}
