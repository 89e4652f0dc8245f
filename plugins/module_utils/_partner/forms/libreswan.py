# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PARTNER: libreswan, whose files every gateway without a profile is shown as well."""

from __future__ import annotations

from ..libreswan import ipsec_conf, ipsec_secrets
from .common import Section


def files(tunnel: Section, psk: str | None) -> dict[str, str]:
    """Files for /etc/ipsec.d."""
    return {"ipsec.conf": ipsec_conf(tunnel), "ipsec.secrets": ipsec_secrets(tunnel, psk)}
