# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PLAN: the kinds of tunnels there are, by the words that the intent has for them (``_intent/tunnel.py``)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .ipsec import Ipsec
from .kind import Kind
from .ssl import Ssl

KINDS: Mapping[str, Kind] = {kind.NAME: kind for kind in (Ipsec(), Ssl())}


def kind_of(tunnel: Mapping[str, Any]) -> Kind:
    """The kind of a tunnel, of its entry in a document."""
    return KINDS[tunnel.get("kind", Ipsec.NAME)]
