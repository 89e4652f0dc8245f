# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where an edge's certificate, authorities and revocations are: in a generation, and on the node."""

from __future__ import annotations

NAME = "intercloud-vpn"
CERTIFICATE = f"/etc/swanctl/x509/{NAME}.pem"
AUTHORITY = f"/etc/swanctl/x509ca/{NAME}.pem"
REVOCATIONS = f"/etc/swanctl/x509crl/{NAME}.pem"
FILES = {"certificate.pem": CERTIFICATE, "authority.pem": AUTHORITY}
# There is none before the first revocation.
OPTIONAL = {"crl.pem": REVOCATIONS}
