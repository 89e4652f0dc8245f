# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of all modules that give a node a generation; documented in plugins/doc_fragments/generation.py."""

from __future__ import annotations

from typing import Any

GENERATION: dict[str, dict[str, Any]] = {
    "allow_older": {"type": "bool", "default": False},
    "adopt": {"type": "list", "elements": "str", "default": []},
    "require": {"type": "list", "elements": "str", "default": []},
}
