# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the documentation of all modules has in common: what attributes mean. Whether one has them it says itself."""

from __future__ import annotations


class ModuleDocFragment:
    """Named by `extends_documentation_fragment: intercloud.vpn.attributes`."""

    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Can run in check mode, changes nothing then, and predicts what a run does.
  diff_mode:
    description: Shows differences in diff mode.
"""

    ACTION = r"""
options: {}
attributes:
  action:
    description: Has an action plugin, which runs on the controller.
"""
