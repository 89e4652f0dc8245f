# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""VERIFY: OpenVPN's words for why a session is not up, from the most telling to the least, and ours."""

from __future__ import annotations

RANKED: tuple[tuple[str, str], ...] = (
    (r"VERIFY CRL: .*revoked.*", "refuses {peer}: its certificate was revoked"),
    (r"VERIFY ERROR: .*error=certificate revoked.*", "refuses {peer}: its certificate was revoked"),
    (
        r"VERIFY ERROR: .*error=certificate (?:has expired|is not yet valid).*",
        "refuses {peer}: its certificate is not valid now (expired, or a clock is wrong)",
    ),
    (
        r"VERIFY ERROR: .*error=(?:unable to get local issuer|self.signed|unable to verify|certificate signature).*",
        "refuses {peer}: its certificate is signed by an authority that is not trusted here",
    ),
    (r"VERIFY X509NAME ERROR: .*", "refuses who answers in {peer}'s place: it showed another's certificate"),
    (r"VERIFY (?:KU|EKU) ERROR.*", "refuses {peer}: its certificate is not for this"),
    (r"TLS Auth Error: --client-config-dir authentication failed.*", "refuses a peer that has no tunnel here"),
    (
        r".* is not let in: (?:no Python|OpenVPN shows no).*",
        "refuses {peer}: it cannot check which addresses the certificate names",
    ),
    (r".* is not let in: .*", "refuses {peer}: its certificate does not name the addresses behind it"),
    (r"VERIFY ERROR: .*", ""),
    (r"Options error: .*|Socket bind failed.*|TCP/UDP: Socket bind failed.*", "cannot start OpenVPN"),
    (r"OpenSSL: error:.*no shared cipher.*|.*no suitable (?:key share|signature).*", "has no TLS algorithm in common"),
    (r"OpenSSL: error:.*alert.*", "was refused by {peer}"),
    (r"TCP: connect to .*failed.*", "gets no answer from {peer}"),
    (r"Server poll timeout.*|TLS Error: TLS key negotiation failed to occur.*", "gets no answer from {peer}"),
    (r".*Inactivity timeout.*", "gets no answer from {peer} any more"),
    (r"OpenSSL: error:.*|TLS Error: .*|TLS Auth Error: .*|Exiting due to.*|.*Connection reset.*", ""),
)
