# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keyed carving: VPN block, site block, vApp block, member address, each leased under a key that never changes.

    vpn/<v>                                  block        vpn/<v>/site/<s>/vapp/<a>           block
    vpn/<v>/site/<s>                         block        vpn/<v>/site/<s>/vapp/<a>/vm/<m>    address
    vpn/<v>/site/<s>/edge                    address      vpn/<v>/site/<s>/vm/<m>             address

A full block gets further ones, `<key>#2`, `<key>#3`; what lies in them stays keyed under the plain name. Position
never matters: what is held stays, and new keys are taken in sorted order.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ._errors import PoolExhausted, VccError
from ._prefix import BITS, Prefix
from ._space import Space, spans

# Usual least sizes, as host bits: room to grow without a second block. IPv6 keeps to nibbles for readable addresses.
_LEAST_BITS = {4: {"vpn": 8, "site": 6, "vapp": 4}, 6: {"vpn": 32, "site": 24, "vapp": 16}}
# By how many bits to shrink all of them, try after try, when the pool is too small for the usual sizes.
_SHRINK = {4: range(9), 6: range(0, 33, 4)}
# In a pool that is shared, no VPN takes more than a quarter just to have room to grow.
_SHARE_BITS = 2


@dataclass(frozen=True)
class Lease:
    """One block or one address (a /32 or /128), held under `key`; kind is "block" or "address"."""

    key: str
    prefix: Prefix
    kind: str
    pool: str


@dataclass(frozen=True)
class SiteDemand:
    """What one site wants in one VPN: its VMs on the org network, and per vApp the VMs behind that."""

    site: str
    vms: tuple[str, ...] = ()
    vapps: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def vpn_key(vpn: str) -> str:
    """Key of a VPN's block."""
    return f"vpn/{vpn}"


def site_key(vpn: str, site: str) -> str:
    """Key of a site's block."""
    return f"vpn/{vpn}/site/{site}"


def edge_key(vpn: str, site: str) -> str:
    """Key of the address of the site's org edge."""
    return f"vpn/{vpn}/site/{site}/edge"


def vapp_key(vpn: str, site: str, vapp: str) -> str:
    """Key of a vApp's block."""
    return f"vpn/{vpn}/site/{site}/vapp/{vapp}"


def vm_key(vpn: str, site: str, vm: str, vapp: str | None = None) -> str:
    """Key of a member's address; a VM behind a vApp edge is keyed below the vApp."""
    return f"{site_key(vpn, site) if vapp is None else vapp_key(vpn, site, vapp)}/vm/{vm}"


def blocks_of(leases: Mapping[str, Lease], key: str) -> list[Prefix]:
    """The block of a key and its further ones, in the order they were taken; empty when it has none."""
    blocks: list[Prefix] = []
    lease = leases.get(key)
    while lease is not None:
        blocks.append(lease.prefix)
        lease = leases.get(f"{key}#{len(blocks) + 1}")
    return blocks


def address_of(leases: Mapping[str, Lease], key: str) -> str:
    """The address leased to a key, as text without prefix length; KeyError when there is none."""
    return leases[key].prefix.address()


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
    avoid = spans([p for p in [*others, *reserved] if p.family == pool.family])
    shape = _shape(vpn, sites, mine)
    children = _by_parent(mine.values())
    own = pool_name == str(pool)
    best: tuple[tuple[bool, bool], list[Lease]] | None = None
    for shrink in _SHRINK[pool.family]:
        carving = _Carving(pool_name, pool, own, mine, children, avoid, shrink)
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
    return _Carving(pool_name, pool, own, mine, children, avoid, None).carve(shape)


@dataclass
class _Shape:
    """A block of the wanted tree and what is to be in it, in sorted order; `missing` are new address keys."""

    key: str
    level: str
    missing: list[str]
    children: list[_Shape]


@dataclass
class _Node:
    """A shape during one try: its free space, and the child blocks that wait for this one to grow."""

    shape: _Shape
    blocks: list[Prefix]
    space: Space
    children: list[_Node]
    waiting: list[tuple[_Node, int]] = field(default_factory=list)


class _Carving:
    """One try at one generosity. `shrink` None: the smallest blocks that do, first addresses given out too."""

    def __init__(
        self,
        pool_name: str,
        pool: Prefix,
        own: bool,
        held: Mapping[str, Lease],
        children: Mapping[str, list[Prefix]],
        avoid: list[tuple[int, int]],
        shrink: int | None,
    ) -> None:
        self.pool_name, self.pool, self.own = pool_name, pool, own
        self.held, self.children, self.avoid, self.shrink = held, children, avoid, shrink
        self.new: list[Lease] = []
        self.root: _Node | None = None

    def carve(self, shape: _Shape) -> list[Lease]:
        root = self.root = self._node(shape)
        size = self._wanted(root)
        if size:
            available = Space([self.pool], spans(root.blocks), self.avoid, keep_first=False)
            if self.own and available.free == self.pool.size:
                size = max(size, self.pool.size)
            first = available.take_block(size)
            if first is None:
                label = self.pool_name if self.own else f"{self.pool_name} ({self.pool})"
                raise PoolExhausted(label, _next_key(root), self._length(size))
            self._grant(root, first, size)
        self._settle(root)
        return sorted(self.new, key=lambda lease: lease.key)

    def leaves_room_for_vpns(self) -> bool:
        """Whether no new VPN block takes more than its share of a pool for all."""
        return self.own or all(size <= self.pool.size >> _SHARE_BITS for size in self._new_sizes(0))

    def leaves_room_for_a_site(self) -> bool:
        """Whether one more site block, as large as the largest new one, fits the VPN's blocks."""
        assert self.root is not None
        sizes = self._new_sizes(2)
        return not sizes or self.root.space.take_block(max(sizes)) is not None

    def _new_sizes(self, depth: int) -> list[int]:
        """Sizes of the new blocks so many path elements below the VPN's key."""
        assert self.root is not None
        slashes = self.root.shape.key.count("/") + depth
        return [le.prefix.size for le in self.new if le.kind == "block" and le.key.count("/") == slashes]

    def _node(self, shape: _Shape) -> _Node:
        blocks = blocks_of(self.held, shape.key)
        # The first address of a block is a network address to many, and IPv6's subnet-router anycast address
        # (RFC 4291, 2.6.1): nobody gets it while there is another way. A VPN block has no addresses of its own.
        keep_first = self.shrink is not None and shape.level != "vpn"
        space = Space(blocks, spans(self.children.get(shape.key, [])), self.avoid, keep_first)
        return _Node(shape, blocks, space, [self._node(child) for child in shape.children])

    def _wanted(self, node: _Node) -> int:
        """Place what fits the node's blocks; the size of the further block that the rest needs, 0 for none."""
        for child in node.children:
            size = self._wanted(child)
            if size:
                first = node.space.take_block(size)
                if first is None:
                    node.waiting.append((child, size))
                else:
                    self._grant(child, first, size)
        short = max(0, len(node.shape.missing) - node.space.free)
        if node.blocks and not node.waiting and not short:
            return 0
        return self._size(node, sum(size for _child, size in node.waiting), short)

    def _size(self, node: _Node, blocks: int, addresses: int) -> int:
        if self.shrink is None:
            return _power_of_two(blocks + addresses)
        least = _power_of_two(blocks + addresses + (1 if node.space.keep_first else 0))
        usual = max(
            1 << _LEAST_BITS[self.pool.family][node.shape.level],
            _power_of_two(blocks + 2 * addresses + 1),
            # As much again as it has: a VPN that grows one by one ends with few blocks, not with thousands.
            _power_of_two(sum(block.size for block in node.blocks)),
        )
        usual >>= self.shrink
        if node.shape.level == "vpn" and not self.own:
            usual = min(usual, self.pool.size >> _SHARE_BITS)
        return max(least, usual)

    def _grant(self, node: _Node, first: int, size: int) -> None:
        prefix = Prefix(self.pool.family, first, self._length(size))
        self.new.append(Lease(_next_key(node), prefix, "block", self.pool_name))
        node.blocks.append(prefix)
        node.space.add(prefix)
        for child, child_size in node.waiting:
            start = node.space.take_block(child_size)
            # Powers of two, first fit, into an untouched block of at least their sum: that always fits.
            assert start is not None
            self._grant(child, start, child_size)

    def _settle(self, node: _Node) -> None:
        for key in node.shape.missing:
            prefix = Prefix(self.pool.family, node.space.take_address(), BITS[self.pool.family])
            self.new.append(Lease(key, prefix, "address", self.pool_name))
        for child in node.children:
            self._settle(child)

    def _length(self, size: int) -> int:
        return BITS[self.pool.family] - size.bit_length() + 1


def _next_key(node: _Node) -> str:
    return f"{node.shape.key}#{len(node.blocks) + 1}" if node.blocks else node.shape.key


def _power_of_two(count: int) -> int:
    return 1 << max(0, count - 1).bit_length()


def _shape(vpn: str, sites: Sequence[SiteDemand], held: Mapping[str, Lease]) -> _Shape:
    children = []
    for site in sorted(sites, key=lambda site: site.site):
        vapps = []
        for vapp in sorted(site.vapps):
            missing = _missing((vm_key(vpn, site.site, vm, vapp) for vm in _names(site.vapps[vapp])), held)
            vapps.append(_Shape(vapp_key(vpn, site.site, vapp), "vapp", missing, []))
        _names(site.vapps)
        wanted = [edge_key(vpn, site.site), *(vm_key(vpn, site.site, vm) for vm in _names(site.vms))]
        children.append(_Shape(site_key(vpn, site.site), "site", _missing(wanted, held), vapps))
    _names([vpn])
    _names([site.site for site in sites])
    return _Shape(vpn_key(vpn), "vpn", [], children)


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
