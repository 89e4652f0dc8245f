# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keyed carving: VPN block, site block, vApp block, member address, each leased under a key that never changes.

    vpn/<v>                                  block        vpn/<v>/site/<s>/vapp/<a>           block
    vpn/<v>/site/<s>                         block        vpn/<v>/site/<s>/vapp/<a>/vm/<m>    address
    vpn/<v>/site/<s>/edge                    address      vpn/<v>/site/<s>/vm/<m>             address
    vpn/<v>/site/<s>/server/<n>              address      vpn/<v>/site/<s>/vapp/<a>/edge      address
    vpn/<v>/site/<s>/edge/<e>                address

A full block gets further ones, `<key>#2`, `<key>#3`; what lies in them stays keyed under the plain name. Position
never matters: what is held stays, and new keys are taken in sorted order.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ..._base.errors import PoolExhausted, VccError
from ..._base.lease import Lease
from ..._base.prefix import Prefix
from .carving import Carving, Shape
from .lease_keys import (
    SiteDemand,
    address_of,
    blocks_of,
    edge_key,
    own_edge_key,
    server_key,
    site_key,
    vapp_edge_key,
    vapp_key,
    vm_key,
    vpn_key,
)
from .space import spans

__all__ = [
    "Lease",
    "SiteDemand",
    "address_of",
    "blocks_of",
    "carve_vpn",
    "edge_key",
    "server_key",
    "site_key",
    "vapp_key",
    "vm_key",
    "vpn_key",
]

# By how many bits to shrink all of them, try after try, when the pool is too small for the usual sizes.
_SHRINK = {4: range(9), 6: range(0, 33, 4)}


def carve_vpn(
    vpn: str,
    pool_name: str,
    pool: Prefix,
    sites: Sequence[SiteDemand],
    held: Mapping[str, Lease],
    reserved: Iterable[Prefix] = (),
) -> list[Lease]:
    """The leases that `sites` need beyond those already `held`, sorted by key; empty when nothing is missing.

    `held` are all leases of the organization. Leases of other VPNs and `reserved` prefixes are kept clear of.
    A pool whose name is its own CIDR belongs to the VPN alone, which takes all of it as its block.

    Raises PoolExhausted when even the smallest blocks do not fit, VccError when the VPN holds addresses of the
    other family, ValueError for a name that cannot be part of a key or comes twice.
    """
    root = vpn_key(vpn)
    mine, others = _split(root, held)
    if any(lease.prefix.family != pool.family for lease in mine.values()):
        raise VccError(f"VPN {vpn} holds addresses of the other IP family: delete it before it moves to pool {pool}")
    shape = _shape(vpn, sites, mine)
    if _is_complete(shape, mine):
        return []
    avoid = spans([p for p in [*others, *reserved, *_astray(mine.values())] if p.family == pool.family])
    children = _by_parent(mine.values())
    own = pool_name == str(pool)
    best: tuple[tuple[bool, bool], list[Lease]] | None = None
    for shrink in _SHRINK[pool.family]:
        carving = Carving(pool_name, pool, own, mine, children, avoid, shrink)
        try:
            leases = carving.carve(shape)
        except PoolExhausted:
            continue
        room = (carving.leaves_room_for_vpns(), shrink == 0 or carving.leaves_room_for_a_site())
        if all(room):
            return leases
        if best is None or room > best[0]:
            best = (room, leases)
    if best is not None:
        return best[1]
    return Carving(pool_name, pool, own, mine, children, avoid, None).carve(shape)


def _shape(vpn: str, sites: Sequence[SiteDemand], held: Mapping[str, Lease]) -> Shape:
    children = []
    for site in sorted(sites, key=lambda site: site.site):
        vapps = []
        for vapp in sorted(site.vapps):
            own = [vapp_edge_key(vpn, site.site, vapp)] if vapp in site.gateways else []
            own += [vm_key(vpn, site.site, vm, vapp) for vm in _names(site.vapps[vapp])]
            vapps.append(Shape(vapp_key(vpn, site.site, vapp), "vapp", _missing(own, held), []))
        _names(site.vapps)
        wanted = [edge_key(vpn, site.site), *(vm_key(vpn, site.site, vm) for vm in _names(site.vms))]
        wanted += [own_edge_key(vpn, site.site, edge) for edge in _names(site.pair)]
        wanted += [server_key(vpn, site.site, server) for server in _names(site.servers)]
        children.append(Shape(site_key(vpn, site.site), "site", _missing(wanted, held), vapps, site.kept))
    _names([vpn])
    _names([site.site for site in sites])
    return Shape(vpn_key(vpn), "vpn", [], children)


def _missing(keys: Iterable[str], held: Mapping[str, Lease]) -> list[str]:
    return [key for key in keys if key not in held]


def _names(names: Iterable[str]) -> list[str]:
    ordered = sorted(names)
    for name in ordered:
        if not name or "/" in name or "#" in name:
            raise ValueError(f"{name!r} cannot be part of a lease's key: it is empty, or has a / or a #")
    if len(set(ordered)) != len(ordered):
        raise ValueError(f"a name comes twice in {', '.join(ordered)}")
    return ordered


def _split(root: str, held: Mapping[str, Lease]) -> tuple[dict[str, Lease], list[Prefix]]:
    """The VPN's own leases, and the prefixes of all others."""
    mine: dict[str, Lease] = {}
    others: list[Prefix] = []
    below = (root + "/", root + "#")
    for key, lease in held.items():
        if key == root or key.startswith(below):
            mine[key] = lease
        else:
            others.append(lease.prefix)
    return mine, others


def _is_complete(shape: Shape, held: Mapping[str, Lease]) -> bool:
    """Whether nothing is to be leased."""
    return shape.key in held and not shape.missing and all(_is_complete(child, held) for child in shape.children)


def _astray(mine: Iterable[Lease]) -> list[Prefix]:
    """Addresses of members that moved: they lie in a block that is not that of their key."""
    found: list[Prefix] = []
    above: list[Lease] = []  # the blocks that an address lies in, the smallest last: sorted so, they are a stack
    for lease in sorted(mine, key=lambda one: (one.prefix.first, one.prefix.length, one.kind != "block")):
        while above and above[-1].prefix.last < lease.prefix.first:
            above.pop()
        if lease.kind == "block":
            above.append(lease)
        elif not above or above[-1].key.partition("#")[0] != _parent(lease.key):
            found.append(lease.prefix)
    return found


def _by_parent(leases: Iterable[Lease]) -> dict[str, list[Prefix]]:
    """Per plain key of a block, the prefixes that are taken from it: those of sites and VMs long gone as well."""
    children: dict[str, list[Prefix]] = {}
    for lease in leases:
        parent = _parent(lease.key)
        if parent:
            children.setdefault(parent, []).append(lease.prefix)
    return children


def _parent(key: str) -> str:
    """vpn/v/site/s -> vpn/v, vpn/v/site/s/edge -> vpn/v/site/s, vpn/v -> "" (nothing above)."""
    parts = key.partition("#")[0].split("/")
    return "/".join(parts[: len(parts) - (1 if parts[-1] == "edge" and len(parts) % 2 else 2)])
