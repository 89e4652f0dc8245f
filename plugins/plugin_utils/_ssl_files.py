# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Templates that make several files of a node: one per OpenVPN process, or per peer of one.

A process has what its tunnels say; where they differ, a server has what suits all of them, and the client decides.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.intercloud.vpn.plugins.module_utils._node.document import Generation
from ansible_collections.intercloud.vpn.plugins.module_utils._node.ssl import processes as _processes

CLIENT, SERVER, PEER = "openvpn.client.conf", "openvpn.server.conf", "openvpn.peer"
ANY_ADDRESS = "%any"


def expanded(name: str, document: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The files that the template for ``name`` makes, each with the variables that it sees beside ``document``."""
    processes = _processes.processes(Generation(dict(document))).values()
    if name == CLIENT:
        for process in (one for one in processes if not one.transport):
            (tunnel,) = process.tunnels
            yield f"{_processes.PREFIX}{process.name}.conf", {**_common(process), "tunnel": tunnel}
    elif name == SERVER:
        for process in (one for one in processes if one.transport):
            yield f"{_processes.PREFIX}{process.name}.conf", {**_common(process), **_server(process)}
    elif name == PEER:
        peers = {tunnel["remote_id"]: tunnel for one in processes if one.transport for tunnel in one.tunnels}
        for identity, tunnel in sorted(peers.items()):
            yield (
                f"{_processes.PEER}{identity}",
                {"tunnel": tunnel, "iroutes": [r.split("/") for r in _processes.iroutes(tunnel)]},
            )
    else:
        yield name, {}


def _common(process: _processes.Process) -> dict[str, Any]:
    every = [tunnel["ssl"] for tunnel in process.tunnels]
    return {
        "process": {
            "name": process.name,
            "device": process.device,
            "socket": process.socket,
            "peers": _processes.PEERS,
            "revoked": _processes.REVOKED,
            "user": _processes.USER,
            "key": process.key if process.tls_crypt else "",
        },
        "settings": {
            **{key: _union([ssl[key] for ssl in every]) for key in ("ciphers", "suites", "groups")},
            **{key: min(ssl[key] for ssl in every) for key in ("rekey_time", "dpd_delay")},
            **{key: max(ssl[key] for ssl in every) for key in ("replay_window", "silence")},
        },
    }


def _server(process: _processes.Process) -> dict[str, Any]:
    """Where a server listens: at the one address that its tunnels have, else at all."""
    addresses = {tunnel["local_address"] for tunnel in process.tunnels}
    one = addresses.pop() if len(addresses) == 1 else ANY_ADDRESS
    six = any(":" in text for tunnel in process.tunnels for text in (tunnel["local_address"], tunnel["remote_address"]))
    return {
        "transport": process.transport,
        "port": process.tunnels[0]["ssl"]["ports"][process.transport],
        "local": "" if one == ANY_ADDRESS else one,
        "family": 6 if six else 4,
    }


def _union(lists: Sequence[Sequence[str]]) -> list[str]:
    return list(dict.fromkeys(entry for one in lists for entry in one))
