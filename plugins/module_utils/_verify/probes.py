# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""VERIFY: who pings whom. A VPN is proved by answers that come and by answers that must not come.

======== =========== ============ ======================================================================
kind     from        answer       why
======== =========== ============ ======================================================================
member   member      must come    the pairs that are chosen (which_pairs.py), a packet of full size between sites
edge     member      must come    the other sites' edges, at their own address in the VPN
port     member      must come    a TCP port that is allowed, of who is reached on some ports only: one member per site
network  member      must come    the host to probe in a network that is reached on all ports: one member per site
stranger non-member  must not     a VM beside the members, in each network of an involved site, tries to get in
unleased member      must not     an address of the VPN, at another site, that nobody holds
reply    member      must not     a non-member beside it: its reply to a VPN address would cross the gateway
closed   member      must not     a TCP port that is not allowed
forbidden member     must not     what no rule of `allow` lets one member ask another one: a ping, a TCP port
backward destination must not     a VM of ours that is a destination, and no member, tries members
name     member      must come    the edge of its site, asked for another member's name, where the VPN has names
nosy     non-member  must not     the same edge, asked by a VM beside the members
outside  member      must not     a port that is published for others, asked by the internet
======== =========== ============ ======================================================================

Where a VPN has `allow` (allowed.py), a pair of members that may not ping is asked for a TCP port, as kind `port`, or
not at all.

Of a VPN whose pairs are all probed, every member does all of this, and strangers try every member. Of others one
member of a site does it for all of them, over every link. Nothing starts at an external member, which nobody of us
logs in to; to one, it is probed like to any other.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import permutations
from typing import Any

from . import access, names, outside
from .allowed import Allowed
from .ways import Documents, Ways, bare, edge_address, links_of
from .which_pairs import Choice, Pair, by_site, pick, sample

Section = Mapping[str, Any]
Plan = Section
Target = dict[str, Any]
FRAME = 1500  # octets: what members of a stretched network send without asking how large a packet may be
MUST_ANSWER = ("member", "edge", "port", "network", "name")


def probe_targets(plan: Plan, documents: Documents, choice: Choice | None = None) -> dict[str, list[Target]]:
    """The targets of every VM that has any.

    A target has address, source (None: as the VM pleases), expect, vpn, dst (None: nobody), kind and mtu (or None).
    """
    ways, found = Ways(documents), dict[str, list[Target]]()
    for vpn in plan["vpns"]:
        for vm, target in _Vpn(plan, vpn, documents, ways, choice or Choice()).targets():
            found.setdefault(vm["name"], []).append(target)
    return found


class _Vpn:
    """One VPN's probes, each with the VM that it starts at."""

    def __init__(self, plan: Plan, vpn: Section, documents: Documents, ways: Ways, choice: Choice) -> None:
        self._plan, self._vpn, self._documents, self._ways = plan, vpn, documents, ways
        self._choice, self._whole = choice, choice.whole(vpn)
        self._members: list[Section] = vpn["members"]
        self._allowed = Allowed(vpn)
        self._own = [member for member in self._members if not member.get("external")]
        self._at = by_site(self._own)
        self._sites = sorted({*vpn.get("sites", {}), *(member["site"] for member in self._members)})
        self._links = [
            (site, str(tunnel["peer"]))
            for site in self._sites
            for tunnel, _link in links_of(documents.get(site, {}), vpn["name"])
        ]

    def targets(self) -> Iterator[tuple[Section, Target]]:
        others = strangers(self._plan, self._vpn, self._choice.nonmembers)
        yield from self._pairs()
        if "stretched" in self._vpn:
            yield from self._far_strangers(others)
            return
        yield from self._edges()
        yield from self._unleased()
        yield from self._replies(others)
        yield from self._strangers(others)
        yield from self._access(others)
        yield from self._forbidden()
        yield from self._names(others)
        for member, probe in outside.from_members(self._vpn, self._at):
            yield member, self._asked(None, probe)

    def _pairs(self) -> Iterator[tuple[Section, Target]]:
        if self._whole:
            pairs = [(src, dst) for src in self._own for dst in self._members if src["name"] != dst["name"]]
        else:
            pairs = sample(self._members, self._links, self._choice.turn)
            if self._allowed.limited:
                pairs = self._allowed.sample(self._members, pairs, self._choice.turn)
            pairs += self._over_the_rest(pairs)
        for src, dst in pairs:
            asked = self._allowed.question(src, dst)
            if asked is None:
                continue
            if asked.port is not None:
                yield src, self._asked(src, access.Probe("port", dst["name"], dst["address"], asked.port))
                continue
            mtu = self._ways.between(self._vpn["name"], src, dst).mtu
            if "stretched" in self._vpn and mtu is not None:
                mtu = FRAME  # the edges take care of what the links do not take
            yield src, self._target(src, "member", dst["address"], dst["name"], mtu)

    def _over_the_rest(self, pairs: Iterable[Pair]) -> list[Pair]:
        """Pairs over links that no other crosses, as those between sites without members."""
        left = {*self._links}
        for src, dst in pairs:
            left -= self._crossed(src, dst)
        found = []
        for here, there in permutations(self._at, 2) if left else ():
            pair = self._allowed.across(self._at[here], self._at[there], self._choice.turn)
            crossed = self._crossed(*pair) & left if pair else set()
            if pair and crossed:
                found.append(pair)
                left -= crossed
        return found

    def _crossed(self, src: Section, dst: Section) -> set[tuple[str, str]]:
        nodes = self._ways.between(self._vpn["name"], src, dst).nodes
        return set(zip(nodes, nodes[1:]))

    def _edges(self) -> Iterator[tuple[Section, Target]]:
        """Some sites are only on the way."""
        addresses = {site: edge_address(self._documents, self._vpn["name"], site) for site in self._sites}
        if self._whole:
            asked = [(member, site) for member in self._own for site in self._sites if site != member["site"]]
        else:
            asked = [
                (pick(self._at[here], self._choice.turn), there) for here, there in self._links if here in self._at
            ]
        for member, site in asked:
            address = addresses.get(site)
            if address:
                yield member, self._target(member, "edge", address, site)

    def _unleased(self) -> Iterator[tuple[Section, Target]]:
        taken = {bare(other["address"]) for other in self._members}
        taken |= {edge_address(self._documents, self._vpn["name"], site) or "" for site in self._sites}
        taken |= {bare(site["address"]) for site in self._vpn.get("sites", {}).values()}  # of external edges, too
        taken |= {own for site in self._vpn.get("sites", {}).values() for own in site.get("edges", {}).values()}
        taken |= {there.address for there in access.destinations(self._vpn)}
        for site, members in self._at.items():
            links = links_of(self._documents.get(site, {}), self._vpn["name"])
            far = (text for _tunnel, link in links for text in link["remote_ts"] if _in_blocks(text, self._vpn))
            address = _free_address(far, taken)
            if address:
                for member in members if self._whole else [pick(members, self._choice.turn)]:
                    yield member, self._target(member, "unleased", address, None)

    def _replies(self, others: Iterable[Section]) -> Iterator[tuple[Section, Target]]:
        """A translated member has no VPN address to send from."""
        for vm in others:
            able = [member for member in self._at.get(vm["site"], []) if member.get("mode") == "address"]
            for member in able if self._whole or not able else [pick(able, self._choice.turn)]:
                for address in map(bare, vm.get("addresses", [])):
                    if (":" in address) == (":" in member["address"]):
                        yield member, self._target(member, "reply", address, vm["name"])

    def _strangers(self, others: Iterable[Section]) -> Iterator[tuple[Section, Target]]:
        """Of a large VPN, one member of the stranger's site and of each that has a link to it."""
        at = by_site(self._members)
        near: dict[str, list[str]] = {}
        for here, there in self._links:
            near.setdefault(here, [here]).append(there)
        for vm in others:
            sites = [site for site in near.get(vm["site"], [vm["site"]]) if site in at]
            asked = self._members if self._whole else [pick(at[site], self._choice.turn) for site in sites]
            for member in asked:
                yield vm, self._target(None, "stranger", member["address"], member["name"])

    def _far_strangers(self, others: Iterable[Section]) -> Iterator[tuple[Section, Target]]:
        """Of a stretched network: at a member's own site, everybody beside it reaches it, as on any network. On other
        networks, somebody else may have its address."""
        near = {*self._vpn["stretched"]}
        theirs: dict[tuple[str, str | None], set[str]] = {}
        for vm in self._plan["members"]:
            theirs.setdefault((vm["site"], vm.get("vapp")), set()).update(map(bare, vm.get("addresses", [])))
        for vm in (one for one in others if near & {one["site"], one.get("vapp")}):
            beside = theirs[vm["site"], vm.get("vapp")]
            far = [one for one in self._members if one["site"] != vm["site"] and bare(one["address"]) not in beside]
            for member in far if self._whole or not far else [pick(far, self._choice.turn)]:
                yield vm, self._target(None, "stranger", member["address"], member["name"])

    def _access(self, others: Iterable[Section]) -> Iterator[tuple[Section, Target]]:
        asked: dict[access.Probe, list[Section]] = {}
        for member, probe in access.from_members(self._vpn, self._allowed):
            asked.setdefault(probe, []).append(member)
        for probe, members in asked.items():
            for member in members if self._whole else [pick(members, self._choice.turn)]:
                yield member, self._asked(member, probe)
        for vm in others:
            for probe in access.from_stranger(self._vpn, vm):
                yield vm, self._asked(None, probe)
        some = [pick(members, self._choice.turn) for members in by_site(self._members).values()]
        for vm, probe in access.from_destinations(self._plan, self._vpn, self._members if self._whole else some):
            yield vm, self._asked(None, probe)

    def _forbidden(self) -> Iterator[tuple[Section, Target]]:
        for src, dst, asked in self._allowed.forbidden(self._members, self._choice.turn):
            yield src, self._asked(src, access.Probe("forbidden", dst["name"], dst["address"], asked.port))

    def _names(self, others: Iterable[Section]) -> Iterator[tuple[Section, Target]]:
        askers = self._own if self._whole else [pick(here, self._choice.turn) for here in self._at.values()]
        for member, asked in names.from_members(self._vpn, askers, self._documents):
            yield member, {**self._target(member, "name", asked["address"], asked["dst"]), **asked}
        for vm in others:
            for asked in names.from_stranger(self._vpn, vm, self._documents):
                yield vm, {**self._target(None, "nosy", asked["address"], asked["dst"]), **asked}

    def _asked(self, member: Section | None, probe: access.Probe) -> Target:
        target = self._target(member, probe.kind, probe.address, probe.name)
        return target if probe.port is None else {**target, "port": probe.port}

    def _target(
        self, member: Section | None, kind: str, address: str, dst: str | None, mtu: int | None = None
    ) -> Target:
        own = member is not None and member.get("mode") in ("address", "stretched")
        return {
            "address": bare(address),
            "source": bare(member["address"]) if member and own else None,
            "expect": "reachable" if kind in MUST_ANSWER else "unreachable",
            "vpn": self._vpn["name"],
            "dst": dst,
            "kind": kind,
            "mtu": mtu,
        }


def strangers(plan: Plan, vpn: Section, per_network: int) -> Sequence[Section]:
    """The non-members that try to get in: so many of each network of an involved site, the first by name."""
    members = {member["name"] for member in vpn["members"]}
    sites = {member["site"] for member in vpn["members"]}
    taken: dict[tuple[str, str | None], int] = {}
    chosen = []
    for vm in sorted(plan["members"], key=lambda vm: str(vm["name"])):
        network = (vm["site"], vm.get("vapp"))
        if vm["site"] in sites and vm["name"] not in members and taken.get(network, 0) < per_network:
            taken[network] = taken.get(network, 0) + 1
            chosen.append(vm)
    return chosen


def _in_blocks(text: str, vpn: Section) -> bool:
    """Whether a prefix is the VPN's own, and no network that is a destination."""
    return text not in {network["network"] for network in vpn.get("destinations", {}).get("networks", [])}


def _free_address(prefixes: Iterable[str], taken: set[str]) -> str | None:
    """The highest address nobody holds: leases are carved from below."""
    for text in prefixes:
        network = ipaddress.ip_network(text, strict=False)
        for back in range(min(network.num_addresses, len(taken) + 1)):
            address = str(network[-1 - back])
            if address not in taken:
                return address
    return None
