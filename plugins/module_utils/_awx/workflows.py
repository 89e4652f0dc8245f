# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AWX: workflows of an organization: plan, approval, apply, verify, report."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from .settings import Settings
from .survey import survey
from .templates import APPLY, GATEWAYS, MEMBERS, PLAN, PREPARE, RELEASE, REPORT_STEP, VERIFY, Kind, template_name
from .tenants import Intent, Tenant

APPROVAL = "VPN approval"
_SAYS = (
    "Read the output of the job plan in this workflow: it ends with what would change. "
    "Approve to change it, or deny to change nothing."
)

FORMS = {
    "create": ("VPN create with approval", "Plans a VPN, waits for an approval, applies, verifies and reports."),
    "add": (
        "VPN add members with approval",
        "Plans new members, waits for an approval, applies, verifies and reports.",
    ),
    "remove": (
        "VPN remove members with approval",
        "Plans without them, waits for an approval, applies, verifies, reports.",
    ),
}
"""The name and the description of each workflow, by its survey's form."""

SUCCESS, ALWAYS = "success_nodes", "always_nodes"


def workflows(tenant: Tenant, intent: Intent, settings: Settings) -> Iterator[dict[str, Any]]:
    """The arguments of awx.awx.workflow_job_template for each."""
    for form, (name, says) in FORMS.items():
        yield {
            "name": name,
            "description": says,
            "organization": settings.named(tenant.name),
            "allow_simultaneous": False,
            "ask_variables_on_launch": False,
            "extra_vars": {"vcc_organization": tenant.name},
            "survey_enabled": True,
            "survey_spec": survey(form, name, tenant, intent),
            "workflow_nodes": list(_nodes(settings, settings.named(tenant.name))),
            "destroy_current_nodes": True,
        }


def _nodes(settings: Settings, organization: str) -> Iterator[dict[str, Any]]:
    """One after the other. A slice fails when one of its hosts is dead, so that what follows it runs anyway.

    The report is written whatever verify says. A workflow fails where a job fails that nothing follows: the report,
    which fails where verify did not say that all is as planned.
    """
    apply: Sequence[Kind] = (APPLY,) if settings.slices == 1 else (RELEASE, GATEWAYS, MEMBERS)
    steps: list[tuple[str, Kind | None, str]] = [
        ("plan", PLAN, SUCCESS),
        ("approval", None, SUCCESS),
        ("prepare", PREPARE, SUCCESS),
        *((kind.name.partition("VPN step ")[2].replace(" ", "-"), kind, ALWAYS) for kind in apply),
        ("verify", VERIFY, ALWAYS),
        ("report", REPORT_STEP, SUCCESS),
    ]
    for index, (identifier, kind, how) in enumerate(steps):
        following = [{"identifier": steps[index + 1][0]}] if index + 1 < len(steps) else []
        yield {
            "identifier": identifier,
            "unified_job_template": _approval(settings) if kind is None else _job(kind, organization),
            "all_parents_must_converge": False,
            "related": {how: following} if following else {},
        }


def _approval(settings: Settings) -> dict[str, Any]:
    return {
        "name": APPROVAL,
        "description": _SAYS,
        "type": "workflow_approval",
        "timeout": settings.approval_timeout,
    }


def _job(kind: Kind, organization: str) -> dict[str, Any]:
    return {"name": template_name(kind, organization), "type": "job_template", "organization": {"name": organization}}
