# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AWX: who of an organization may do what. People are put into the teams in AWX."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .settings import Settings
from .templates import kinds, template_name
from .tenants import Tenant
from .workflows import FORMS

USERS, APPROVERS = "VPN users", "VPN approvers"


def teams(tenant: Tenant, settings: Settings) -> Iterator[dict[str, Any]]:
    """The arguments of awx.awx.team for each."""
    says = {
        USERS: "See the VPNs, plan, and ask for changes by the workflows.",
        APPROVERS: "Approve changes, and start every job template.",
    }
    for name, description in says.items():
        yield {"name": name, "description": description, "organization": settings.named(tenant.name)}


def roles(tenant: Tenant, settings: Settings) -> Iterator[dict[str, Any]]:
    """The arguments of awx.awx.role for each. Nothing here is of another organization.

    So there is no role for inventories: each of them has the hosts of all organizations, with their variables. Who may
    start a job need not read them.
    """
    organization = settings.named(tenant.name)
    every = kinds(settings)
    seeing = [template_name(kind, organization) for kind in every if kind.everybody]
    people = [template_name(kind, organization) for kind in every if not kind.step]
    names = [name for name, _says in FORMS.values()]
    for team, templates in ((USERS, seeing), (APPROVERS, people)):
        yield _role(team, "execute", organization, job_templates=templates)
        yield _role(team, "execute", organization, workflows=names)
    yield _role(APPROVERS, "approval", organization, workflows=names)


def _role(team: str, role: str, organization: str, **what: list[str]) -> dict[str, Any]:
    return {"teams": [team], "role": role, "lookup_organization": organization, **what}
