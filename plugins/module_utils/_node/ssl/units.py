# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What systemd is told of tunnels of kind ssl."""

from __future__ import annotations

from ..ipsec import certificates
from ..system.install import AGENT
from . import processes

DIRECTORY = "/etc/systemd/system"
WANTS = f"{DIRECTORY}/multi-user.target.wants"
PROCESS = "intercloud-vpn-ssl@.service"
ARRIVED = "intercloud-vpn-ssl-peers"

_RUN = "/run/intercloud-vpn"
_PROCESS = f"""\
# Made by intercloud.vpn; changes are lost.
[Unit]
Description=OpenVPN %i (intercloud.vpn)
After=network.target intercloud-vpn.service
ConditionPathExists={processes.HOME}/%i.conf
StartLimitIntervalSec=0

[Service]
Type=notify
UMask=0022
# All of them are in root's directory, so that none can be a link that the user put there.
ExecStartPre=+/usr/bin/install -d -m 0755 {_RUN} {processes.SOCKETS}
ExecStartPre=+/usr/bin/install -d -m 0755 -o {processes.USER} -g {processes.USER} {processes.ARRIVALS} {processes.NEWS}
# What it has loaded is what was there when it started.
ExecStartPre=/bin/sh -c '[ ! -e {processes.HOME}/%i.key ] || set -- "$@" {processes.HOME}/%i.key; \\
  exec sha256sum "$@" >{processes.SOCKETS}/%i.loaded' sh \\
  {processes.HOME}/%i.conf {certificates.CERTIFICATE} {certificates.AUTHORITY}
ExecStart=/usr/sbin/openvpn --suppress-timestamps --config {processes.HOME}/%i.conf
# A client that loses its peer ends, to begin with its first way to it again.
Restart=always
RestartSec=300ms
# Its device is made by us and belongs to root: it needs no right to change networks.
CapabilityBoundingSet=CAP_NET_BIND_SERVICE CAP_SETGID CAP_SETUID CAP_SETPCAP
# A connection takes a file; when there are none left, OpenVPN asks for more without pause.
LimitNOFILE=16384
NoNewPrivileges=yes
PrivateTmp=yes
ProtectHome=yes
ProtectSystem=strict
ReadWritePaths=-/run/intercloud-vpn

[Install]
WantedBy=multi-user.target
"""
_PATH = f"""\
# Made by intercloud.vpn; changes are lost. A peer may come over UDP now and over TCP then: routes follow it.
# Not PathChanged: systemd does not watch while the service runs. Whether there is news it asks afterwards, too.
[Unit]
Description=Peers that connect (intercloud.vpn)

[Path]
DirectoryNotEmpty={processes.NEWS}
MakeDirectory=yes
DirectoryMode=0755
"""
_SERVICE = f"""\
# Made by intercloud.vpn; changes are lost.
[Unit]
Description=Lead routes to where peers are connected (intercloud.vpn)
StartLimitIntervalSec=0

[Service]
Type=oneshot
# First, so that what comes from here on is news again. Whatever it is: what stayed would start this service for ever.
ExecStartPre=-/usr/bin/find -P {processes.NEWS} -mindepth 1 -delete
ExecStart={AGENT} peers
LogLevelMax=notice
"""
OWN = {
    f"{DIRECTORY}/{PROCESS}": _PROCESS,
    f"{DIRECTORY}/{ARRIVED}.path": _PATH,
    f"{DIRECTORY}/{ARRIVED}.service": _SERVICE,
}
LINKS = {f"{WANTS}/{ARRIVED}.path": f"{DIRECTORY}/{ARRIVED}.path"}
