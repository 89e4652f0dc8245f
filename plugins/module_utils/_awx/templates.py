# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AWX: job templates of an organization: which playbooks, with which survey, limit and slices."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .settings import Settings
from .survey import survey
from .tenants import Intent, Tenant

PROJECT, ENVIRONMENT = "VPN playbooks", "VPN execution environment"


def inventory_name(organization: str) -> str:
    """awx.awx.job_template finds inventories and credentials by their names alone, of whichever organization."""
    return f"{organization} VPN fleet"


def credential_name(organization: str, kind: str) -> str:
    """Of one of the kinds that the settings choose."""
    return f"{organization} VPN {'machines' if kind == 'machine' else kind}"


@dataclass(frozen=True)
class Kind:
    """A job template. ``everybody``: whether it is for all users of the organization, as it changes nothing.

    ``limit`` and ``sliced`` are of those that workflows run and a person does not.
    """

    name: str
    playbook: str
    says: str
    form: str = ""
    everybody: bool = False
    step: bool = False
    limit: str = ""
    sliced: bool = False


def template_name(kind: Kind, organization: str) -> str:
    """awx.awx.schedule, too, finds a template by its name alone: those that have a schedule."""
    return f"{organization} {kind.name}" if kind in (VERIFY, RENEW) else kind.name


PLAN = Kind("VPN step plan", "plan_vpn", "Shows what a workflow would change.", step=True)
PREPARE = Kind(
    "VPN step prepare",
    "prepare_vpn",
    "Takes the addresses, if the plan is the approved one. Touches no node.",
    step=True,
)
APPLY = Kind("VPN step apply", "apply_vpn", "Brings all nodes to what the ledger holds.", step=True)
_LOSING, _EDGES = "members:vapp_edges", "vcc_nodes:org_edges"
RELEASE = Kind(
    "VPN step apply 1 release", "apply_vpn", "First the hosts that lose something.", "", False, True, _LOSING, True
)
GATEWAYS = Kind("VPN step apply 2 gateways", "apply_vpn", "VCC nodes and org edges.", "", False, True, _EDGES, True)
MEMBERS = Kind("VPN step apply 3 members", "apply_vpn", "Members and vApp edges.", "", False, True, _LOSING, True)
VERIFY = Kind("VPN verify", "verify_vpn", "Proves that the VPNs work, and that nothing else does.", "verify", True)
RENEW = Kind("VPN renew certificates", "renew_certificates", "Renews the certificates of org edges that are due.")
REPORT = Kind("VPN report", "report_vpn", "Writes the page with the map.", "", True)
REPORT_STEP = Kind("VPN step report", "report_vpn", "Writes the page. Fails if verify has failed.", step=True)

KINDS = (
    Kind("VPN plan", "plan_vpn", "Shows what VPN create would change. Changes nothing.", "create", True),
    Kind("VPN create", "create_vpn", "Creates a VPN, or changes it.", "create"),
    Kind("VPN add members", "create_vpn", "Adds members to a VPN.", "add"),
    Kind("VPN remove members", "create_vpn", "Removes members from a VPN.", "remove"),
    Kind("VPN delete", "delete_vpn", "Deletes VPNs.", "delete"),
    Kind("VPN move members", "move_member", "VMs that moved keep their addresses.", "move"),
    Kind("VPN revoke certificate", "revoke_certificate", "Revokes the certificates of an org edge.", "revoke"),
    RENEW,
    Kind("VPN rollback", "rollback_vpn", "Goes back to an earlier generation.", "rollback"),
    Kind("VPN status", "status_vpn", "How the VPNs are, in seconds. Sends no probes.", "", True),
    Kind("VPN history", "history_vpn", "Who changed what and when.", "history", True),
    VERIFY,
    REPORT,
)
"""What people start."""


def kinds(settings: Settings) -> tuple[Kind, ...]:
    """All of them. Without slices, one job applies."""
    return (*KINDS, PLAN, PREPARE, *((APPLY,) if settings.slices == 1 else (RELEASE, GATEWAYS, MEMBERS)), REPORT_STEP)


def path_of(playbook: str) -> str:
    """Where the playbook is in the project, whose root has one of them."""
    return "create_vpn.yml" if playbook == "create_vpn" else f"playbooks/{playbook}.yml"


def job_templates(tenant: Tenant, intent: Intent, settings: Settings) -> Iterator[dict[str, Any]]:
    """The arguments of awx.awx.job_template for each."""
    organization = settings.named(tenant.name)
    for kind in kinds(settings):
        yield {
            "name": template_name(kind, organization),
            "description": kind.says,
            "organization": organization,
            "job_type": "run",
            "project": PROJECT,
            "playbook": path_of(kind.playbook),
            "inventory": inventory_name(organization),
            "execution_environment": ENVIRONMENT,
            "credentials": [credential_name(organization, one) for one in settings.credentials],
            "limit": kind.limit,
            "job_slice_count": settings.slices if kind.sliced else 1,
            "extra_vars": _variables(kind, tenant, settings),
            "ask_variables_on_launch": False,
            "allow_simultaneous": False,
            "survey_enabled": bool(kind.form),
            "survey_spec": survey(kind.form, kind.name, tenant, intent) if kind.form else {},
        }


def _variables(kind: Kind, tenant: Tenant, settings: Settings) -> dict[str, Any]:
    """Who launches the job cannot change these."""
    reporting = kind.playbook == REPORT.playbook and bool(settings.report)
    report = {"vcc_report_file": settings.report_of(tenant.name)} if reporting else {}
    steps = {PREPARE: {"vcc_as_approved": True}, REPORT_STEP: {"vcc_as_verified": True}}
    own = {**report, **steps.get(kind, {})}
    days = {"vcc_certificate_days": settings.certificate_days}  # whatever signs: the schedule renews all
    return {**days, **settings.variables, **own, "vcc_organization": tenant.name}
