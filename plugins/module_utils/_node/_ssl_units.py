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

_RUN = "/run/intercloud-vpn"
_PROCESS = f"""\
# Made by intercloud.vpn; changes are lost.
[Unit]
Description=OpenVPN %i (intercloud.vpn)
After=network.target intercloud-vpn.service
ConditionPathExists={_ssl.HOME}/%i.conf
StartLimitIntervalSec=0

[Service]
Type=notify
UMask=0022
# All of them are in root's directory, so that none can be a link that the user put there.
ExecStartPre=+/usr/bin/install -d -m 0755 {_RUN} {_ssl.SOCKETS}
ExecStartPre=+/usr/bin/install -d -m 0755 -o {_ssl.USER} -g {_ssl.USER} {_ssl.ARRIVALS} {_ssl.NEWS}
# What it has loaded is what was there when it started.
ExecStartPre=/bin/sh -c '[ ! -e {_ssl.HOME}/%i.key ] || set -- "$@" {_ssl.HOME}/%i.key; \\
  exec sha256sum "$@" >{_ssl.SOCKETS}/%i.loaded' sh \\
  {_ssl.HOME}/%i.conf {_certificates.CERTIFICATE} {_certificates.AUTHORITY}
ExecStart=/usr/sbin/openvpn --suppress-timestamps --config {_ssl.HOME}/%i.conf
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
DirectoryNotEmpty={_ssl.NEWS}
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
ExecStartPre=-/usr/bin/find -P {_ssl.NEWS} -mindepth 1 -delete
ExecStart={AGENT} peers
LogLevelMax=notice
"""
OWN = {
    f"{DIRECTORY}/{PROCESS}": _PROCESS,
    f"{DIRECTORY}/{ARRIVED}.path": _PATH,
    f"{DIRECTORY}/{ARRIVED}.service": _SERVICE,
}
LINKS = {f"{WANTS}/{ARRIVED}.path": f"{DIRECTORY}/{ARRIVED}.path"}
