# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask a TCP port. Runs on a VM: the standard library, nothing else.

An open port answers, and so does a closed one whose host refuses: packets pass. Silence is what a firewall makes of it.
"""

from __future__ import annotations

import errno
import socket
import time
import typing as t
from collections.abc import Callable, Mapping

NO_ROUTE = {errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EACCES, errno.EPERM, errno.EINVAL, errno.ENETDOWN}
"""What the kernel or a gateway says of a packet that does not get there."""

Connect = Callable[[str, int, t.Optional[str], float], "tuple[bool, str | None, str | None]"]
"""Address, port, own address, seconds; whether an answer came, the network's reason, and why it could not be tried."""


def connect(address: str, port: int, source: str | None, timeout: float) -> tuple[bool, str | None, str | None]:
    """Try to open a connection."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as stream:
        stream.settimeout(timeout)
        try:
            if source:
                stream.bind((source, 0))
        except OSError as error:
            return False, None, f"cannot send from {source}: {error.strerror}"
        try:
            stream.connect((address, port))
        except ConnectionRefusedError:
            return True, "refused by the host", None
        except socket.timeout:
            return False, None, None
        except OSError as error:
            if error.errno in NO_ROUTE or error.errno == errno.ETIMEDOUT:
                return False, error.strerror, None
            return False, None, error.strerror or str(error)
    return True, None, None


def probe_port(
    target: Mapping[str, t.Any], timeout: float, settle: float, connect: Connect = connect
) -> dict[str, t.Any]:
    """Ask one target; one that shall answer gets `settle` seconds to come up. The record is like that of a ping."""
    address, port, source = str(target["address"]), int(target["port"]), target.get("source")
    begun = time.monotonic()
    settled_after: int | None = None
    while True:
        sent = time.monotonic()
        answered, reason, error = connect(address, port, source, timeout)
        done = time.monotonic()
        if answered or error or target["expect"] != "reachable" or done - begun >= settle:
            break
        settled_after = round((done - begun) * 1000)
        time.sleep(0.1)  # "no route" comes at once
    return {
        **target,
        "sent": 0 if error else 1,
        "received": int(answered),
        "loss": 0.0 if answered else 100.0,
        "rtt_ms": round((done - sent) * 1000, 2) if answered else None,
        "settled_after_ms": settled_after if answered else None,
        "mtu_ok": None,
        "mtu_reason": None,
        "mtu_fits": None,
        "application_ok": None,
        "application_reason": None,
        "reason": reason,
        "error": error,
    }
