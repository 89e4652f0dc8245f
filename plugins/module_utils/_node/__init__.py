# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What runs on a node: compares what is loaded with what a document says, and makes it so.

Standard library only. It runs inside the modules ``edge_*`` and, installed on the node, as the agent that restores
the node's generation at boot and rolls it back when nobody confirms it.
"""
