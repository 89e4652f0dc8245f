# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the documentation of all modules that use the ledger has in common; their arguments are in _server.py."""

from __future__ import annotations


class ModuleDocFragment:
    """Named by `extends_documentation_fragment: intercloud.vpn.ledger`."""

    DOCUMENTATION = r"""
requirements:
  - netaddr >= 0.8
  - SQLAlchemy >= 1.4
options:
  ledger:
    description: The ledger, as a URL that SQLAlchemy understands.
    type: str
    default: sqlite:////var/lib/intercloud-vpn/ledger.sqlite
  who:
    description: Who the ledger's events name. Filled in by the action plugin.
    type: str
    default: ""
"""

    STATE_DIR = r"""
options:
  state_dir:
    description: Where the VCC server keeps authorities and keys.
    type: path
    default: /var/lib/intercloud-vpn
"""
