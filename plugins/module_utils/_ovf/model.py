# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""OVF: what a descriptor says, as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

ORG, VAPP, NONE = "org", "vapp", "none"
KINDS = (ORG, VAPP, NONE)
"""What a network is to us: the org network, the vApp's own, or none that VPNs have to do with."""


@dataclass
class Network:
    """A network that the descriptor names. ``kind``, ``gateway``, ``prefix`` and ``outside`` (the gateway's addresses
    on the org network) where it says them."""

    name: str
    place: str
    kind: str | None = None
    gateway: tuple[str, ...] = ()
    prefix: tuple[str, ...] = ()
    outside: tuple[str, ...] = ()


@dataclass
class Nic:
    """A network adapter. ``network``: what it is connected to; empty where it is not."""

    network: str
    place: str
    mac: str = ""
    addresses: tuple[str, ...] = ()
    primary: bool = False
    label: str = ""


@dataclass
class Vm:
    """A VirtualSystem. ``collections``: the VirtualSystemCollections around it, outermost first.

    ``ours``: what a package that ovf_export wrote says of it, by our names.
    """

    name: str
    id: str
    place: str
    collections: tuple[str, ...] = ()
    nics: list[Nic] = field(default_factory=list)
    properties: dict[str, str] = field(default_factory=dict)
    product: dict[str, str] = field(default_factory=dict)
    ours: dict[str, str] = field(default_factory=dict)


@dataclass
class Content:
    """A descriptor. ``collections``: the paths of all VirtualSystemCollections, outer before inner, each with its
    properties."""

    file: str
    collections: dict[tuple[str, ...], dict[str, str]] = field(default_factory=dict)
    networks: dict[str, Network] = field(default_factory=dict)
    vms: list[Vm] = field(default_factory=list)
    references: list[str] = field(default_factory=list)
    vpns: dict[str, Mapping[str, Any]] = field(default_factory=dict)
