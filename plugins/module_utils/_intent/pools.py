# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""INTENT: what the intent says about pools."""

from __future__ import annotations

import functools
from collections.abc import Mapping

from .._base.names import BOOLEAN
from .._base.prefix import Prefix
from .._base.problems import Problems, did_you_mean
from .paths import POOLS, of_pool

UNUSABLE = {
    "0.0.0.0/8": "this network (RFC 1122)",
    "127.0.0.0/8": "loopback",
    "169.254.0.0/16": "link-local",
    "224.0.0.0/3": "multicast and reserved",
    "::/64": "loopback and IPv4-mapped",
    "fe80::/10": "link-local",
    "ff00::/8": "multicast",
}
"""What no pool, network or public address may overlap, and what it is."""


PRIVATE = {
    "10.0.0.0/8": "RFC 1918",
    "172.16.0.0/12": "RFC 1918",
    "192.168.0.0/16": "RFC 1918",
    "100.64.0.0/10": "RFC 6598",
    "fc00::/7": "RFC 4193",
}
"""What pools are made for, and who says so."""
# Documentation and benchmarks: private to whoever uses them, and what examples and laboratories are made of.
_TOLERATED = ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "198.18.0.0/15", "2001:db8::/32", "3fff::/20")


def parse_pools(raw: object, problems: Problems) -> dict[str, Prefix]:
    """The pools by name, without those that are wrong."""
    if raw is None:
        return {}
    if not isinstance(raw, Mapping):
        problems.add(POOLS, "must be a mapping of names to CIDRs, such as {internal: 100.64.0.0/10}")
        return {}
    pools: dict[str, Prefix] = {}
    for name, text in raw.items():
        prefix = parse_pool(text, of_pool(name), problems)
        for other, taken in pools.items():
            if prefix is not None and prefix.overlaps(taken):
                problems.add(of_pool(name), f"{prefix} overlaps {of_pool(other)} {taken}")
        if prefix is not None:
            pools[str(name)] = prefix
    return pools


def parse_pool_name(
    pool: object, path: str, pools: Mapping[str, Prefix], problems: Problems
) -> tuple[str, Prefix | None]:
    """What a VPN says of its pool: the name, or the CIDR of its own; and the prefix."""
    if pool is None:
        problems.add(path, "is missing: the name of a pool in vcc_pools, or a CIDR")
    elif isinstance(pool, bool):
        problems.add(path, BOOLEAN)
    elif not isinstance(pool, str):
        problems.add(path, f"must be the name of a pool in vcc_pools, or one CIDR, not {pool!r}")
    elif "/" in pool:
        own = parse_pool(pool, path, problems)
        return str(own), own
    elif pool in pools:
        return str(pool), pools[pool]
    else:
        problems.add(path, f"there is no pool {pool!r} in vcc_pools{did_you_mean(pool, pools)}")
    return "", None


def parse_pool(text: object, path: str, problems: Problems) -> Prefix | None:
    """A prefix to take addresses from; None and a problem where it is none, or one that nobody can use."""
    try:
        prefix = Prefix.parse(str(text))
    except ValueError as error:
        problems.add(path, str(error))
        return None
    where = unusable(prefix)
    if where:
        problems.add(path, f"{prefix} lies in {where}; take it from private space, such as 100.64.0.0/10")
        return None
    return prefix


def unusable(prefix: Prefix) -> str | None:
    """Which range that no host can be in a prefix overlaps, and what it is; None if there is none."""
    return next((text for there, text in _unusable() if there.overlaps(prefix)), None)


def point_out_public(pool: Prefix, path: str, problems: Problems) -> None:
    """Have the administrator told of a pool that is not private."""
    if not any(Prefix.parse(cidr).contains(pool) for cidr in (*PRIVATE, *_TOLERATED)):
        private = ", ".join(f"{cidr} ({source})" for cidr, source in PRIVATE.items())
        problems.note(
            f"{path}: {pool} is not private. While a VPN uses it, its sites do not reach the hosts on the internet "
            f"that have these addresses. Private ranges are {private}"
        )


@functools.cache
def _unusable() -> list[tuple[Prefix, str]]:
    return [(Prefix.parse(cidr), f"{cidr}, {meaning}") for cidr, meaning in UNUSABLE.items()]
