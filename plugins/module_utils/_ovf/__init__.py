# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""OVF: packages of virtual machines (DMTF DSP0243) become hosts and groups, a vApp becomes a package.

A package is written by strangers: what is read of it is bounded, and what cannot be relied on is refused.
"""
