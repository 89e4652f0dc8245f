# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PAGE: clouds, sites, vApps and VMs, as the inventory and the plan have them.

Only what is named here goes into the page. Hosts have other variables, and some of them are secret.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from .._base.problems import Problems
from .._intent.landscape.check import contradicted
from .._intent.landscape.external import is_external
from .._intent.landscape.facts import is_shared, organization_of
from .._intent.landscape.landscape import Landscape

Section = Mapping[str, Any]
Hosts = Mapping[str, Section]


def places(hosts: Hosts, plan: Section, organizations: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    """``{"clouds", "sites", "vapps", "vms"}``, each sorted by name.

    ``hosts``: as `read_inventory` has them. ``organizations``: only theirs; none stands for all. What the plan knows
    and this inventory does not hold is there, too.
    """
    ours = {
        name: facts
        for name, facts in hosts.items()
        if not organizations or is_shared(facts) or organization_of(facts) in organizations
    }
    land = Landscape(ours, Problems(), leased=lambda organization: _sites(plan, organization))
    sites = {site["name"]: site for site in (_site(name, ours[name], land) for name in land.of_kind("org_edges"))}
    vapps = {name: _vapp(name, ours[name], land) for name in land.of_kind("vapp_edges")}
    vms = {name: _vm(name, ours[name], land, sites.values()) for name in land.of_kind("members")}
    for vm, site, vapp in _planned(plan):
        sites.setdefault(site["name"], site)
        if vapp:
            vapps.setdefault(vapp["name"], vapp)
        vms.setdefault(vm["name"], vm)
    for site in _named(plan):
        sites.setdefault(site["name"], site)
    for vapp in vapps.values():  # a vApp without a site is where its VMs are
        if not vapp["site"]:
            there = sorted({vm["site"] for vm in vms.values() if vm["vapp"] == vapp["name"] and vm["site"]})
            vapp["site"] = there[0] if there else _only(sites.values(), vapp)
    nodes: dict[str, list[str]] = {}
    for name in land.of_kind("vcc_nodes"):
        for cloud in land.clouds_of(name):
            nodes.setdefault(str(cloud), []).append(name)
    clouds = {one["cloud"] for group in (sites, vapps, vms) for one in group.values()} | set(nodes)
    return {
        "clouds": [{"name": cloud, "nodes": nodes.get(cloud, [])} for cloud in sorted(clouds)],
        "sites": [sites[name] for name in sorted(sites)],
        "vapps": [vapps[name] for name in sorted(vapps)],
        "vms": [vms[name] for name in sorted(vms)],
    }


def _cloud(facts: Section) -> str:
    return str(facts["clouds"][0]) if facts["clouds"] else ""


def _texts(value: Any) -> list[str]:
    entries = value if isinstance(value, (list, tuple)) else [] if value is None else [value]
    return [str(entry).strip() for entry in entries]


def _site(name: str, facts: Section, land: Landscape) -> dict[str, Any]:
    edge, said = land.edge(name), facts["vars"]
    networks = map(str, edge.networks) if edge else _texts(said.get("vcc_org_network"))
    return {
        "name": name,
        "organization": organization_of(facts),
        "cloud": _cloud(facts),
        "external": is_external(said),
        "networks": list(networks),
        "public": list(edge.public.values()) if edge else _texts(said.get("vcc_public_address")),
        "reachable": edge.reachable if edge else True,
        **_home(name, land.home(name)),
    }


def _home(edge: str, site: str) -> dict[str, str]:
    """What the second edge of a pair is the second of: people choose sites, by their home edges."""
    return {} if edge == site else {"home": site}


def _vapp(name: str, facts: Section, land: Landscape) -> dict[str, Any]:
    vapp = land.vapp(name, "")
    return {
        "name": name,
        "organization": organization_of(facts),
        "cloud": _cloud(facts),
        "site": land.site_of(name, "") or "",
        "networks": [str(network) for network in vapp.networks] if vapp else [],
    }


def _vm(name: str, facts: Section, land: Landscape, sites: Iterable[Section]) -> dict[str, Any]:
    vm = land.vm(name, "")
    found: dict[str, Any] = {"name": name, "organization": organization_of(facts), "cloud": _cloud(facts)}
    if vm is None or contradicted(vm, land):  # it cannot be a member as it is described, and is shown all the same
        vapp = facts["vars"].get("vcc_vapp")
        described = {"addresses": _texts(facts["vars"].get("vcc_address")), "unusable": True}
        return {**found, "site": _only(sites, found), "vapp": str(vapp) if vapp else None, **described}
    return {**found, "site": vm.site, "vapp": vm.vapp, "addresses": list(vm.addresses.values())}


def _only(sites: Iterable[Section], beside: Section) -> str:
    """The site of the same cloud and organization, if there is one only."""
    place = (beside["cloud"], beside["organization"])
    there = [str(site["name"]) for site in sites if (site["cloud"], site["organization"]) == place]
    return there[0] if len(there) == 1 else ""


def _planned(plan: Section) -> Iterator[tuple[dict[str, Any], dict[str, Any], dict[str, Any] | None]]:
    """What the plan's members say of themselves, their sites and vApps."""
    for vpn in plan["vpns"]:
        for member in vpn["members"]:
            place = {"organization": str(vpn["organization"]), "cloud": str(member.get("cloud") or "")}
            name = member.get("vapp")
            vm = {"name": member["name"], **place, "site": member["site"], "vapp": name, "addresses": []}
            vapp = {"name": name, **place, "site": member["site"], "networks": []} if name else None
            yield vm, _bare_site(str(member["site"]), place), vapp


def _sites(plan: Section, organization: str) -> set[str]:
    """The sites of an organization, as the plan calls them."""
    return {str(site) for vpn in plan["vpns"] if vpn["organization"] == organization for site in vpn.get("sites", {})}


def _named(plan: Section) -> Iterator[dict[str, Any]]:
    for vpn in plan["vpns"]:
        sites, place = vpn.get("sites", {}), {"organization": str(vpn["organization"]), "cloud": ""}
        homes = {str(edge): str(site) for site, one in sites.items() for edge in one.get("edges", ())}
        for edge in dict.fromkeys([*map(str, sites), *homes]):
            yield {**_bare_site(edge, place), **_home(edge, homes.get(edge, edge))}


def _bare_site(name: str, place: Section) -> dict[str, Any]:
    return {"name": name, **place, "external": False, "networks": [], "public": [], "reachable": True}
