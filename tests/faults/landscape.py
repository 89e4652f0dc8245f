# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two generations of an edge, and what is done with them."""

from __future__ import annotations

from typing import Any

from ansible_collections.intercloud.vpn.plugins.module_utils._node import (
    agent,
    module,
)
from ansible_collections.intercloud.vpn.plugins.module_utils._node import (
    commit as _commit,
)
from ansible_collections.intercloud.vpn.plugins.module_utils._node import (
    confirm as _confirm,
)
from ansible_collections.intercloud.vpn.plugins.module_utils._node import (
    observe as _observe,
)
from ansible_collections.intercloud.vpn.plugins.module_utils._node import (
    part as _part,
)
from ansible_collections.intercloud.vpn.plugins.module_utils._node.document import Generation
from ansible_collections.intercloud.vpn.plugins.module_utils._node.resident import departure, resident
from ansible_collections.intercloud.vpn.plugins.module_utils._node.resident.convergence import Convergence
from ansible_collections.intercloud.vpn.plugins.module_utils._node.resident.journal import Journal
from ansible_collections.intercloud.vpn.plugins.module_utils._node.resident.refusal import Refusal
from ansible_collections.intercloud.vpn.plugins.module_utils._node.state import Store
from ansible_collections.intercloud.vpn.plugins.module_utils._node.system import install
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils._node.test_templates import render

PAYROLL: dict[str, Any] = {
    "name": "payroll",
    "number": 1,
    "family": 4,
    "blocks": ["100.64.0.0/24"],
    "local": ["100.64.0.17"],
    "nat": [{"outside": "100.64.0.18", "inside": "192.168.1.12"}],
    "remote": ["100.64.0.64/26"],
    "edge_address": "100.64.0.1",
    "mtu": 1338,
    "mss": 1298,
}
AUDIT: dict[str, Any] = {
    "name": "audit",
    "number": 2,
    "family": 4,
    "blocks": ["100.64.1.0/24"],
    "local": ["100.64.1.17"],
    "nat": [],
    "remote": ["100.64.1.64/26"],
    "edge_address": "100.64.1.1",
    "mtu": 1338,
    "mss": 1298,
    "quota": {"vpn": {"octets": 500000, "period": "month"}, "when_used_up": "drop"},
}


def _generation(number: int, more: dict[str, Any]) -> Generation:
    document = {
        "format": 1,
        "node": "edge-east",
        "role": "org_edge",
        "organization": "acme",
        "cloud": "east",
        "generation": number,
        "tunnels": [],
        **more,
    }
    files = {"nftables.nft": render("org_edge", "nftables.nft.j2", document, "none")} if document["vpns"] else {}
    return Generation(document, files, "none")


def _routes(vpn: dict[str, Any], member: str) -> list[dict[str, Any]]:
    (block,), (remote,) = vpn["blocks"], vpn["remote"]
    return [
        {"prefix": block, "type": "blackhole", "metric": 9999},
        {"prefix": f"{vpn['local'][0]}/32", "via": member},
        {"prefix": remote, "tunnel": vpn["name"], "source": vpn["edge_address"]},
    ]


FIRST = _generation(
    1,
    {
        "sysctls": {"net.ipv4.ip_forward": "1"},
        "addresses": [{"address": "100.64.0.1/32", "device": "lo"}],
        "routes": _routes(PAYROLL, "192.168.1.11"),
        "vpns": [PAYROLL],
    },
)
# Another VPN, another setting, and a member less of the first one.
SECOND = _generation(
    2,
    {
        "sysctls": {"net.ipv4.ip_forward": "1", "net/ipv4/conf/org/send_redirects": "0"},
        "addresses": [{"address": "100.64.0.1/32", "device": "lo"}, {"address": "100.64.1.1/32", "device": "lo"}],
        "routes": [*_routes(PAYROLL, "192.168.1.11"), *_routes(AUDIT, "192.168.1.13")],
        "vpns": [{**PAYROLL, "nat": []}, AUDIT],
    },
)
NONE = _generation(3, {"sysctls": {}, "addresses": [], "routes": [], "vpns": []})


def commit(want: Generation, timeout: int = 60) -> Any:
    """A step: bring the node there. Returns what was changed."""

    def step(store: Store) -> list[str]:
        outcome = _commit.commit(want, store, timeout, allow_older=True)
        return [f"{change.subsystem}: {change.action}" for change in outcome.changes]

    return step


def told(want: Generation, timeout: int = 60) -> Any:
    """A step: the same, as the module edge_commit does it. Returns the module's result; it never raises."""
    given = {
        "document": want.document,
        "files": want.files,
        "backend": want.backend,
        "certificates": None,
        "secrets": None,
        "confirm_timeout": timeout,
        "allow_older": True,
        "require": [],
    }
    return lambda store: module.commit(given, store, False)


def confirm(store: Store) -> Any:
    """A step: keep it."""
    return _confirm.confirm(store, 0)["disarmed"]


def roll_back(store: Store) -> Any:
    """A step: what the node does when its deadline has passed."""
    with store.lock():
        return _commit.rollback(store)


def depart(store: Store) -> None:
    """A step: what the agent does after that when the node goes back to nothing. systemd starts it again: while it is
    there."""
    _part.RESIDENT = True
    if store.at(install.AGENT).exists():
        if store.pending is not None:
            roll_back(store)
        assert departure.depart(store)


def boot(store: Store) -> None:
    """A step: what the node does before it has networks."""
    agent.guard(store)


def restore(store: Store) -> None:
    """A step: what it does when it has them."""
    resident.restore(store, Journal())


def keep(store: Store) -> None:
    """A step: what it does all the time, once."""
    for worker in (Refusal(store, Journal()), Convergence(store, Journal())):
        worker.turn()


def observe(store: Store) -> Any:
    """A step: what the module node_info returns."""
    return _observe.observe(store)


def put_back(store: Store) -> None:
    """A step: what it does when nftables.service has flushed all tables."""
    agent.firewall(store)
