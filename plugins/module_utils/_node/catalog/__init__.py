# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The catalog of a VCC node: the packages that organizations published, each organization's in a directory of its own.

Whoever sends them may be killed at any time: what was received stays, and nothing is seen before all of it is right.
"""
