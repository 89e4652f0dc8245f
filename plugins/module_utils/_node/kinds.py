# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kinds of tunnels that a node knows."""

from __future__ import annotations

from .ipsec.kind import Ipsec
from .ssl.kind import Ssl
from .tunnel_kind import NodeKind

KINDS: tuple[NodeKind, ...] = (Ipsec(), Ssl())


def kind_of(name: str) -> NodeKind:
    """A kind by its name in documents."""
    return next(kind for kind in KINDS if name == kind.NAME)
