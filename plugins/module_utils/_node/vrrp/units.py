# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What systemd is told of VRRP.

A unit of our own: an administrator's keepalived has another, and is left alone.
"""

from __future__ import annotations

from ..system import dnsmasq
from . import config

DIRECTORY = "/etc/systemd/system"
WANTS = f"{DIRECTORY}/strongswan.service.wants"
_NAME = config.RUNTIME.rpartition("/")[2]
_RIGHTS = "CAP_NET_ADMIN CAP_NET_BROADCAST CAP_NET_RAW"

_KEEPALIVED = f"""\
# Made by intercloud.vpn; changes are lost.
[Unit]
Description=The gateway address of a pair of edges (intercloud.vpn)
After=network.target intercloud-vpn.service strongswan.service
# An edge whose charon ends gives the address up at once, and offers itself again when charon is back.
BindsTo=strongswan.service
ConditionPathExists={config.CONFIG}
StartLimitIntervalSec=0

[Service]
# At its start, keepalived takes off gateway addresses that are there. Where the edge has no address of its own, it
# could not put one on again: so it waits for a network that comes late, and leaves an edge alone that left a pair.
ExecStartPre=/bin/sh -c 'ip -o address show | grep -qF " $$(sed -n "s/^ unicast_src_ip //p" {config.CONFIG})/"'
# What it reads is what the copy says: so the copy shows what is loaded.
ExecStartPre=/bin/cp {config.CONFIG} {config.LOADED}
ExecStart=/usr/sbin/keepalived --dont-fork --vrrp --use-file={config.LOADED} \\
  --pid={config.RUNTIME}/parent.pid --vrrp_pid={config.RUNTIME}/vrrp.pid
ExecReload=/bin/cp {config.CONFIG} {config.LOADED}
ExecReload=/bin/kill -HUP $MAINPID
Restart=always
RestartSec=300ms
# It says goodbye to its twin, and takes the address off.
KillMode=mixed
TimeoutStopSec=5s
RuntimeDirectory={_NAME}
AmbientCapabilities={_RIGHTS}
CapabilityBoundingSet={_RIGHTS}
{dnsmasq.confined("AF_INET AF_INET6 AF_NETLINK AF_PACKET AF_UNIX")}
[Install]
WantedBy=strongswan.service
"""
OWN = {f"{DIRECTORY}/{config.UNIT}": _KEEPALIVED}
LINKS = {f"{WANTS}/{config.UNIT}": f"{DIRECTORY}/{config.UNIT}"}
