# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What systemd is told of metrics. Without node_exporter's directory, the timer starts no process."""

from __future__ import annotations

from .places import DIRECTORY as TEXTFILES

DIRECTORY = "/etc/systemd/system"
NAME = "intercloud-vpn-metrics"
TIMER = f"{NAME}.timer"
EVERY = 30  # seconds

_TIMER = f"""\
# Made by intercloud.vpn; changes are lost.
[Unit]
Description=Metrics of private networks (intercloud.vpn)

[Timer]
OnActiveSec={EVERY}s
OnUnitInactiveSec={EVERY}s
AccuracySec=5s

[Install]
WantedBy=timers.target
"""
LINKS = {f"{DIRECTORY}/timers.target.wants/{TIMER}": f"{DIRECTORY}/{TIMER}"}


def own(agent: str) -> dict[str, str]:
    """The unit files, for an agent at a path."""
    service = f"""\
# Made by intercloud.vpn; changes are lost.
[Unit]
Description=Metrics of private networks, for node_exporter (intercloud.vpn)
ConditionPathExists={agent}
ConditionPathIsDirectory={TEXTFILES}

[Service]
Type=oneshot
ExecStart={agent} export
TimeoutStartSec=20s
# Else systemd writes each start, also one that the conditions skip, to the journal. The agent writes failures only.
LogLevelMax=notice
SyslogLevel=warning
"""
    return {f"{DIRECTORY}/{NAME}.service": service, f"{DIRECTORY}/{TIMER}": _TIMER}
