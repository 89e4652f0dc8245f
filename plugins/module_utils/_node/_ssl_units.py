# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What systemd is told of tunnels of kind ssl."""

from __future__ import annotations

from . import _certificates, _ssl
from ._install import AGENT

DIRECTORY = "/etc/systemd/system"
WANTS = f"{DIRECTORY}/multi-user.target.wants"
PROCESS = "intercloud-vpn-ssl@.service"
ARRIVED = "intercloud-vpn-ssl-peers"

_PROCESS = f"""\
# Made by intercloud.vpn; changes are lost.
[Unit]
Description=OpenVPN %i (intercloud.vpn)
After=network.target intercloud-vpn.service
ConditionPathExists={_ssl.HOME}/%i.conf
StartLimitIntervalSec=0

[Service]
Type=notify
ExecStartPre=+/usr/bin/install -d -m 0755 {_ssl.SOCKETS}
ExecStartPre=+/usr/bin/install -d -m 0755 -o nobody -g nogroup {_ssl.ARRIVALS} {_ssl.NEWS}
# What it has loaded is what was there when it started.
ExecStartPre=/bin/sh -c 'exec sha256sum "$@" >{_ssl.SOCKETS}/%i.loaded' sh \\
  {_ssl.HOME}/%i.conf {_certificates.CERTIFICATE} {_certificates.AUTHORITY}
ExecStart=/usr/sbin/openvpn --suppress-timestamps --config {_ssl.HOME}/%i.conf
# A client that loses its peer ends, to begin with its first way to it again.
Restart=always
RestartSec=300ms
# Its device is made by us and belongs to root: it needs no right to change networks.
CapabilityBoundingSet=CAP_NET_BIND_SERVICE CAP_SETGID CAP_SETUID CAP_SETPCAP
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
DirectoryNotEmpty={_ssl.NEWS}
MakeDirectory=yes
"""
_SERVICE = f"""\
# Made by intercloud.vpn; changes are lost.
[Unit]
Description=Lead routes to where peers are connected (intercloud.vpn)
StartLimitIntervalSec=0

[Service]
Type=oneshot
# First, so that what comes from here on is news again.
ExecStartPre=/usr/bin/find {_ssl.NEWS} -type f -delete
ExecStart={AGENT} peers
LogLevelMax=notice
"""
OWN = {
    f"{DIRECTORY}/{PROCESS}": _PROCESS,
    f"{DIRECTORY}/{ARRIVED}.path": _PATH,
    f"{DIRECTORY}/{ARRIVED}.service": _SERVICE,
}
LINKS = {f"{WANTS}/{ARRIVED}.path": f"{DIRECTORY}/{ARRIVED}.path"}
