"""What is asked for, held against what the lab is: None stands for as it is. ValueError for what cannot be."""

from __future__ import annotations

from . import root as roots
from .landscape import landscape
from .shell import LabError


def nat(before, clouds, names, pairs=()):
    """The edges behind the router's NAT; of those that are, the ones that stay."""
    if names is None:
        names = [name for name in before.get("nat", ()) if name in landscape.machines(clouds, pairs=pairs)]
    return landscape.edges_behind_nat(names, clouds, pairs)


def pairs(before, clouds, names):
    """The clouds with two org edges; of those that have, the ones that stay."""
    if names is None:
        names = [name for name in before.get("pairs", ()) if name in clouds]
    return landscape.clouds_with_pairs(names, clouds)


def tenants(before, names):
    """The organizations beside acme."""
    return landscape.tenants_named(before.get("tenants", ()) if names is None else names)


def known(names, machines):
    """Nothing; LabError for names of machines that the lab does not have."""
    if strange := sorted(set(names) - set(machines)):
        raise LabError(f"the lab has no machine {', '.join(strange)}")


def releases(before, clouds, asked, tenants=(), pairs=()):
    """machine → release, of those that are not of the host's; of those that are, the ones that stay."""
    if asked is None:
        there = landscape.machines(clouds, tenants=tenants, pairs=pairs)
        asked = {name: release for name, release in before.get("releases", {}).items() if name in there}
    asked = landscape.machines_of_release(asked, clouds, tenants, pairs)
    return {name: release for name, release in asked.items() if release != roots.suite()}


def release_roots(releases):
    """release → the root to use for it, of those in the cache."""
    found = {release: roots.newest(release) for release in sorted(set(releases.values()))}
    for release, path in found.items():
        if path is None:
            raise LabError(f"no root of {release} has been built yet: run the playbook lab_up, or `labctl root`")
    return {release: str(path) for release, path in found.items()}
