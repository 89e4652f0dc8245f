# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PARTNER: libreswan, whose files every gateway without a profile is shown as well."""

from __future__ import annotations

from typing import Any

from ..libreswan import ipsec_conf, ipsec_secrets
from .common import Section, one_line


def files(tunnel: Section, psk: str | None) -> dict[str, str]:
    """Files for /etc/ipsec.d."""
    safe = _safe(tunnel)
    return {"ipsec.conf": ipsec_conf(safe), "ipsec.secrets": ipsec_secrets(safe, None if psk is None else _safe(psk))}


def _safe(value: Any) -> Any:
    """Texts that end neither a line nor a string: libreswan has no escapes."""
    if isinstance(value, dict):
        return {key: _safe(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_safe(one) for one in value]
    return one_line(value).replace('"', "?") if isinstance(value, str) else value
