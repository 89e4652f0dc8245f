# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the metrics of a node are written."""

from __future__ import annotations

# Where Debian's prometheus-node-exporter looks.
DIRECTORY = "/var/lib/prometheus/node-exporter"
FILE = f"{DIRECTORY}/intercloud_vpn.prom"
SLICES = f"{DIRECTORY}/intercloud_vpn_slices.prom"  # of a VCC node, which may be an edge, too
