# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks the node; see :class:`NodeAction`."""

from __future__ import annotations

from typing import ClassVar

from ansible_collections.intercloud.vpn.plugins.module_utils._node.arguments import DRAIN
from ansible_collections.intercloud.vpn.plugins.plugin_utils._action import NodeAction


class ActionModule(NodeAction):
    """Action plugin of M(intercloud.vpn.edge_drain)."""

    ARGUMENTS: ClassVar = DRAIN
    _supports_async = True
