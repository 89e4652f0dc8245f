# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What systemd is told of the process that says hello."""

from __future__ import annotations

from .noted import UNIT

DIRECTORY = "/etc/systemd/system"
LINKS = {f"{DIRECTORY}/multi-user.target.wants/{UNIT}": f"{DIRECTORY}/{UNIT}"}


def own(agent: str) -> dict[str, str]:
    """The unit file, for an agent at a path."""
    service = f"""\
# Made by intercloud.vpn; changes are lost.
[Unit]
Description=Which edge of a pair is alive (intercloud.vpn)
After=network.target
ConditionPathExists={agent}
StartLimitIntervalSec=0

[Service]
# Ready when it has said what it found: keepalived reads that.
Type=notify
ExecStart={agent} lanes
Restart=always
RestartSec=50ms
WatchdogSec=20s
TimeoutStopSec=5s
# Peers count a lane as dead after a third of a second.
Nice=-15
OOMScoreAdjust=-900

[Install]
WantedBy=multi-user.target
"""
    return {f"{DIRECTORY}/{UNIT}": service}
