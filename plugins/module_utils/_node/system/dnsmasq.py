# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every service of ours asks of dnsmasq: that it is there, and takes what it is to read."""

from __future__ import annotations

from . import systemd, trial
from .run import have


def confined(families: str) -> str:
    """What systemd keeps every dnsmasq of ours from (systemd.exec(5)); ``families``: of addresses that it may use."""
    return f"""\
LimitNOFILE=1024
MemoryDenyWriteExecute=yes
NoNewPrivileges=yes
PrivateDevices=yes
ProtectControlGroups=yes
ProtectHome=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectSystem=strict
RestrictAddressFamilies={families}
RestrictNamespaces=yes
RestrictRealtime=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
TasksMax=32
"""


def lacking(what: str, instead: str, check: bool) -> list[str]:
    """What keeps this node from serving: dnsmasq is missing, or systemd. ``instead``: what the administrator may do.

    In check mode, the real run would have installed dnsmasq.
    """
    if not have("dnsmasq"):
        return [] if check else [f"dnsmasq is not installed, which serves {what}: install dnsmasq-base, or {instead}"]
    return [] if systemd.here() else [f"{what} need systemd, which does not run this node"]


def refused(text: str) -> str:
    """Why dnsmasq does not take a configuration; empty if it does, or is not there."""
    return trial.refused(text, "dnsmasq", "--test", "--conf-file={}")
