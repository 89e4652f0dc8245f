# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PARTNER: the forms there are, by the gateways' words in the inventory (``vcc_gateway``)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from . import aws, azure, cisco, fortigate, gcp, libreswan, mikrotik, pfsense, strongswan
from .common import Section

FORMS: Mapping[str, Callable[[Section, str | None], dict[str, str]]] = {
    "aws": aws.files,
    "azure": azure.files,
    "gcp": gcp.files,
    "libreswan": libreswan.files,
    "fortigate": fortigate.files,
    "pfsense": pfsense.files,
    "mikrotik": mikrotik.files,
    "cisco": cisco.files,
}


TOGETHER: Mapping[str, Callable[[Section, str | None, Section, str | None], dict[str, str]]] = {
    "aws": aws.both,
    "gcp": gcp.both,
}


def files_of(
    tunnel: Section, psk: str | None, twin: Section | None = None, twins_psk: str | None = None
) -> dict[str, str]:
    """A tunnel's settings in its gateway's form: texts by file name.

    ``twin``: the tunnel to the gateway's other endpoint. Where both are made at once, the first one's file has both.

    Of an unknown gateway, libreswan's; with BGP those of strongSwan and FRR.
    """
    if tunnel.get("bgp") and not tunnel["gateway"]:
        return strongswan.files(tunnel, psk)
    if twin and tunnel["gateway"] in TOGETHER:
        return {} if twin["name"] < tunnel["name"] else TOGETHER[tunnel["gateway"]](tunnel, psk, twin, twins_psk)
    return FORMS[tunnel["gateway"] or "libreswan"](tunnel, psk)
