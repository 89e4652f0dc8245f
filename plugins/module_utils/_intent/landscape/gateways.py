# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""INTENT: what the facts of an org edge or a vApp edge say of it."""

from __future__ import annotations

from collections.abc import Mapping

from ..._base.coerce import integer
from ..._base.names import IDENTITY, ORGANIZATION, folded
from .dhcp import VARIABLE as DHCP
from .dhcp import read_dhcp
from .external import External, identity_of, name_of, read_external, read_mlkem
from .facts import Facts
from .hosts import FORWARDED, Addresses, OrgEdge, VappEdge

UNDERLAY_MTU = 1500


def default_mtu(external: External | None) -> int:
    """The largest outer packet in octets where the inventory does not say it."""
    profile = external.profile if external else None
    return UNDERLAY_MTU if profile is None or profile.underlay_mtu is None else profile.underlay_mtu


def read_edge(host: Facts, others: Mapping[str, str]) -> OrgEdge | None:
    """The org edge, or None and what is wrong. ``others``: the organization's other edges, by identity (folded)."""
    problems, variables, organization = host.problems, host.variables, host.organization
    before = len(problems)
    cloud = host.cloud()
    host.check()
    identity = identity_of(host.name, organization, variables)
    external = read_external(host.place, identity, variables, others, problems)
    if ORGANIZATION.fullmatch(organization) and not external and not IDENTITY.fullmatch(identity):
        problems.add(
            host.place,
            f"{identity!r} would be the name in its certificate, and is not a DNS name of at most 64 characters: "
            "rename the host (letters, digits, hyphens, dots), or give it a shorter name and ansible_host",
        )
    elif not external and folded(identity) in others:
        problems.add(
            host.place,
            f"{identity} is the identity of {others[folded(identity)]} too: identities are compared without case; "
            "rename one of them",
        )
    named = name_of(variables) if external else None
    # IPv4: what a name has beside it is not asked for.
    public: Addresses = (
        {4: named}
        if named
        else host.addresses("vcc_public_address", "the address other clouds' edges reach this one at")
    )
    inside = host.addresses("vcc_org_address", None if external else "the edge's address on the org network")
    networks = host.networks("vcc_org_network")
    mtu = variables.get("vcc_underlay_mtu", default_mtu(external))
    if isinstance(mtu, bool) or not isinstance(mtu, int) or not 1280 <= mtu <= 9216:
        host.wrong("vcc_underlay_mtu", f"must be octets from 1280 to 9216, not {mtu!r}")
    nat = variables.get("vcc_behind_nat", False)
    if not isinstance(nat, bool) and nat != FORWARDED:
        host.wrong("vcc_behind_nat", f"must be true, false or {FORWARDED}, not {nat!r}")
    site, own, vrrp = _read_pair(host)
    macs = host.macs(inside, own, {} if named else public)
    if external and variables.get(DHCP):
        host.wrong(DHCP, "is not for external edges: nothing is configured on them; leave it out")
    dhcp = None if external else read_dhcp(host, "vcc_org_address", inside, "vcc_org_network", networks)
    mlkem = read_mlkem(host.place, variables, bool(external), problems)
    if cloud is None or len(problems) > before:
        return None
    return OrgEdge(
        name=host.name,
        cloud=cloud,
        organization=organization,
        public=public,
        inside=inside,
        networks=networks,
        underlay_mtu=int(mtu),
        identity=identity,
        behind_nat=bool(nat),
        reachable=nat is not True,
        external=external,
        host=named,
        mlkem=mlkem,
        macs=macs,
        dhcp=dhcp,
        site=site,
        own=own,
        vrrp=vrrp,
    )


def _read_pair(host: Facts) -> tuple[str | None, Addresses, int | None]:
    """What an edge says of the site that it may share with another one: name, own addresses, virtual router."""
    name, variables = host.variables.get("vcc_site"), host.variables
    vrrp = integer(variables.get("vcc_vrrp_id"))
    if vrrp is not None and (isinstance(vrrp, bool) or not isinstance(vrrp, int) or not 1 <= vrrp <= 255):
        host.wrong("vcc_vrrp_id", f"must be a whole number from 1 to 255, not {vrrp!r}")
        vrrp = None
    own = host.addresses("vcc_own_org_address", None)
    return None if name is None else str(name), own, vrrp


def read_vapp(host: Facts) -> VappEdge | None:
    """The vApp edge, or None and what is wrong."""
    before = len(host.problems)
    cloud = host.cloud()
    host.check()
    outside = host.addresses("vcc_org_address", "the vApp edge's address on the org network")
    inside = host.addresses("vcc_vapp_address", "the vApp edge's address on the vApp network")
    networks = host.networks("vcc_vapp_network")
    macs = host.macs(outside, inside)
    dhcp = read_dhcp(host, "vcc_vapp_address", inside, "vcc_vapp_network", networks)
    if cloud is None or len(host.problems) > before:
        return None
    return VappEdge(host.name, cloud, host.organization, outside, inside, networks, macs, dhcp)
