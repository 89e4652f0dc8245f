# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an application on a VM would find. Runs on a VM: the standard library, nothing else.

A probe from a bound address proves that the path works. An application binds none: the kernel chooses its source and
route, by rules that other software may have added (`ip rule`).
"""

from __future__ import annotations

import socket

_DISCARD = 9  # connecting a UDP socket sends nothing; any port does


def chosen_source(address: str) -> tuple[str | None, str | None]:
    """The source address that the kernel chooses towards an address; or None, and why it finds no route."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as line:
        try:
            line.connect((address, _DISCARD))
            return str(line.getsockname()[0]), None
        except OSError as error:
            return None, error.strerror or str(error)
