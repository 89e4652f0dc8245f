# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PARTNER: an external edge's end of a tunnel in its gateway's own form, a file per gateway.

Each has ``files(tunnel, psk)``: texts by file name. ``psk`` is None unless the administrator asked to see keys. Every
name, address and key goes through the form's quoting, whatever was checked before.
"""
