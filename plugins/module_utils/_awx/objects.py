# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AWX: all objects, in the variables that infra.aap_configuration reads. Their entries are arguments of awx.awx's
modules.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from .access import roles, teams
from .questions import PROBES
from .settings import Settings
from .templates import (
    ENVIRONMENT,
    PROJECT,
    RENEW,
    VERIFY,
    Kind,
    credential_name,
    inventory_name,
    job_templates,
    template_name,
)
from .tenants import Intent, Tenant
from .workflows import workflows

LEDGER_TYPE = "intercloud.vpn ledger"
_TYPES = {"machine": "Machine", "vault": "Vault", "ledger": LEDGER_TYPE}
INVENTORY_PROJECT, SOURCE = "VPN inventory", "VPN inventory"
NIGHTLY, DAILY = "VPN verify every night", "VPN renew certificates every day"


def objects(tenants: Sequence[Tenant], intent: Intent, settings: Settings) -> dict[str, list[dict[str, Any]]]:
    """Everything, in the order in which AWX has to be told. A second call with the same input gives the same."""
    found: dict[str, list[dict[str, Any]]] = {
        "aap_organizations": [],
        "aap_teams": [],
        "controller_credential_types": [_ledger_type()] if "ledger" in settings.credentials else [],
        "controller_credentials": [],
        "controller_execution_environments": [_environment(settings)],
        "controller_projects": [],
        "controller_inventories": [],
        "controller_inventory_sources": [],
        "controller_templates": [],
        "controller_workflows": [],
        "controller_schedules": [],
        "controller_roles": [],
    }
    for tenant in tenants:
        name = settings.named(tenant.name)
        found["aap_organizations"].append({"name": name, "description": f"VPNs of {tenant.name}"})
        found["aap_teams"] += teams(tenant, settings)
        found["controller_credentials"] += _credentials(name, settings)
        found["controller_projects"] += _projects(name, settings)
        found["controller_inventories"].append({"name": inventory_name(name), "description": "", "organization": name})
        found["controller_inventory_sources"].append(_source(name, settings))
        found["controller_templates"] += job_templates(tenant, intent, settings)
        found["controller_workflows"] += workflows(tenant, intent, settings)
        found["controller_schedules"] += _schedules(name, settings)
        found["controller_roles"] += roles(tenant, settings)
    return found


def _ledger_type() -> dict[str, Any]:
    """The URL of a ledger holds a password: AWX encrypts it, and shows it to nobody."""
    field = {
        "id": "ledger",
        "type": "string",
        "label": "URL of the ledger",
        "help_text": "postgresql://user:password@host/database",
        "secret": True,
    }
    return {
        "name": LEDGER_TYPE,
        "description": "Where the ledger of the VPNs is",
        "kind": "cloud",
        "inputs": {"fields": [field]},
        "injectors": {"extra_vars": {"vcc_ledger": "{{ ledger }}"}},
    }


def _environment(settings: Settings) -> dict[str, Any]:
    return {"name": ENVIRONMENT, "description": "", "image": settings.image, "pull": "missing"}


def _credentials(organization: str, settings: Settings) -> Iterator[dict[str, Any]]:
    """Made once and without secrets: these are typed in AWX, and stay when this is done again."""
    for kind in settings.credentials:
        yield {
            "name": credential_name(organization, kind),
            "description": "",
            "organization": organization,
            "credential_type": _TYPES[kind],
            "state": "exists",
        }


def _projects(organization: str, settings: Settings) -> Iterator[dict[str, Any]]:
    fleet = (INVENTORY_PROJECT, settings.inventory_project, settings.inventory_branch)
    for name, url, branch in ((PROJECT, settings.project, settings.branch), fleet):
        yield {
            "name": name,
            "description": "",
            "organization": organization,
            "scm_type": "git",
            "scm_url": url,
            "scm_branch": branch,
            "scm_update_on_launch": name == INVENTORY_PROJECT,
        }


def _source(organization: str, settings: Settings) -> dict[str, Any]:
    return {
        "name": SOURCE,
        "description": "",
        "organization": organization,
        "inventory": inventory_name(organization),
        "source": "scm",
        "source_project": INVENTORY_PROJECT,
        "source_path": settings.inventory,
        "execution_environment": ENVIRONMENT,
        "overwrite": True,
        "overwrite_vars": True,
        "update_on_launch": True,
    }


def _schedules(organization: str, settings: Settings) -> Iterator[dict[str, Any]]:
    """The renewal first: verify then says what it could not renew."""
    yield _schedule(DAILY, RENEW, organization, settings.renew_at, {})
    # Nobody answers at night.
    yield _schedule(NIGHTLY, VERIFY, organization, settings.verify_at, {PROBES.variable: PROBES.default})


def _schedule(name: str, kind: Kind, organization: str, at: str, answers: dict[str, Any]) -> dict[str, Any]:
    """Every day. AWX needs a beginning: the year does not matter."""
    hour, minute = at.split(":")
    return {
        "name": name,
        "description": "",
        "organization": organization,
        "unified_job_template": template_name(kind, organization),
        "extra_data": answers,
        "rrule": f"DTSTART:20260101T{hour}{minute}00Z RRULE:FREQ=DAILY;INTERVAL=1",
        "enabled": True,
    }
