# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AWX: every question that a survey of ours asks. Answers are read, and mistakes are told, by the same words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from .._intent.run import CREATE_TUNNELS
from .tenants import Intent, Tenant

PREFIX = "vcc_survey_"
TOPOLOGIES = ("mesh", "star", "chain", "tree")
TUNNELS = ("ipsec", "ssl")
VERIFY = ("auto", "all", "sample")
YES_NO = ("no", "yes")
MOST_CHOICES = 300
"""With more choices, a question asks for a text. A browser's list of thousands of VMs helps nobody."""

Choices = Callable[[Tenant, Intent], Sequence[str]]


@dataclass(frozen=True)
class Question:
    """``kind`` is a type of AWX's. ``choices``: of a choice, what there is to choose, by organization."""

    variable: str
    label: str
    help: str
    kind: str
    required: bool = True
    choices: Choices | None = None
    default: str | int | None = None
    least: int | None = None
    most: int | None = None
    paths: tuple[str, ...] = field(default=())
    """The paths of the intent that its answer is at: a mistake there is a mistake in this answer."""


def _fixed(*words: str) -> Choices:
    return lambda _tenant, _intent: words


def _vms(tenant: Tenant, _intent: Intent) -> Sequence[str]:
    return [*tenant.vms, *tenant.vapps]


def _vpns(tenant: Tenant, _intent: Intent) -> Sequence[str]:
    return tenant.vpns


_MEMBERS = "VMs, and vApps for all VMs in them."
FIRST = r"vcc_vpns\[\d+\]"

NAME = Question(
    "vcc_survey_name",
    "Name of the VPN",
    "A letter, then letters, digits, hyphens and underscores; at most 32. A VPN that exists becomes what you answer.",
    "text",
    least=1,
    most=32,
    paths=(rf"{FIRST}\.name",),
)
POOL = Question(
    "vcc_survey_pool",
    "Pool",
    "Where the VPN takes its addresses from. A VPN keeps its pool.",
    "multiplechoice",
    choices=lambda _tenant, intent: intent.pools,
    paths=(rf"{FIRST}\.pool",),
)
MEMBERS = Question(
    "vcc_survey_members",
    "Members",
    f"All members of the VPN, at least two. {_MEMBERS}",
    "multiselect",
    choices=_vms,
    paths=(rf"{FIRST}\.members(\[\d+\])?",),
)
TOPOLOGY = Question(
    "vcc_survey_topology",
    "Topology",
    "Which sites have tunnels with each other.",
    "multiplechoice",
    choices=_fixed(*TOPOLOGIES),
    default="mesh",
    paths=(rf"{FIRST}\.topology(\.kind)?",),
)
HUBS = Question(
    "vcc_survey_hubs",
    "Hubs of a star",
    "Org edges. Without an answer, the first plan chooses one. Other topologies have no hubs.",
    "multiselect",
    required=False,
    choices=lambda tenant, _intent: tenant.edges,
    paths=(rf"{FIRST}\.topology\.hubs(\[\d+\])?",),
)
TUNNEL = Question(
    "vcc_survey_tunnel",
    "Kind of tunnel",
    "ipsec, or ssl (OpenVPN).",
    "multiplechoice",
    choices=_fixed(*TUNNELS),
    default="ipsec",
    paths=(rf"{FIRST}\.tunnel",),
)
POLICY = Question(
    "vcc_survey_policy",
    "Policy",
    "Encryption, retries, rates and quotas.",
    "multiplechoice",
    choices=lambda _tenant, intent: intent.policies,
    default="standard",
    paths=(rf"{FIRST}\.policy",),
)
NAMES = Question(
    "vcc_survey_names",
    "Members have names",
    "Whether members find each other by name, such as web.payroll.vpn.internal.",
    "multiplechoice",
    choices=_fixed(*YES_NO),
    default="no",
    paths=(rf"{FIRST}\.names",),
)
NEW_TUNNELS = Question(
    "vcc_survey_create_tunnels",
    "Create missing tunnels",
    "always, or never: then the job fails if the VPN needs a tunnel that does not exist yet.",
    "multiplechoice",
    choices=_fixed(*(word for word in CREATE_TUNNELS if word != "ask")),
    default="always",
    paths=("vcc_create_tunnels",),
)
VPN = Question(
    "vcc_survey_vpn",
    "VPN",
    "The VPN whose members change. All else of the VPN stays.",
    "multiplechoice",
    choices=_vpns,
    paths=(rf"{FIRST}\.name",),
)
ADD = Question(
    "vcc_survey_add",
    "Members to add",
    _MEMBERS,
    "multiselect",
    choices=_vms,
    paths=(rf"{FIRST}\.add(\[\d+\])?",),
)
REMOVE = Question(
    "vcc_survey_remove",
    "Members to remove",
    _MEMBERS,
    "multiselect",
    choices=_vms,
    paths=(rf"{FIRST}\.(remove(\[\d+\])?|members)",),
)
DELETE = Question(
    "vcc_survey_delete",
    "VPNs to delete",
    "Their addresses are released, and tunnels that no other VPN uses are removed.",
    "multiselect",
    choices=_vpns,
    paths=(r"vcc_delete(\[\d+\])?",),
)
PROBES = Question(
    "vcc_survey_verify",
    "Probes",
    "Which pairs of members are probed. auto: all pairs in VPNs of up to 50 members, a sample in larger ones.",
    "multiplechoice",
    choices=_fixed(*VERIFY),
    default="auto",
    paths=("vcc_verify",),
)
MOVE = Question(
    "vcc_survey_move",
    "VMs that moved",
    "The inventory says where they are now. They keep their addresses.",
    "multiselect",
    choices=lambda tenant, _intent: tenant.vms,
    paths=(r"vcc_move(\[\d+\])?",),
)
TO = Question(
    "vcc_survey_to",
    "Cloud that they are in now",
    "To be sure: the job fails if the inventory has them in another cloud.",
    "multiplechoice",
    required=False,
    choices=lambda tenant, _intent: tenant.clouds,
    paths=("vcc_to",),
)
EDGE = Question(
    "vcc_survey_edge",
    "Org edge",
    "All its certificates are revoked, and its tunnels end. The next job that creates a VPN gives it new ones.",
    "multiplechoice",
    choices=lambda tenant, _intent: tenant.edges,
    paths=("vcc_revoke",),
)
GENERATION = Question(
    "vcc_survey_generation",
    "Generation",
    "The generation to go back to. The template VPN history shows which there are.",
    "integer",
    least=1,
    most=2**31 - 1,
    paths=("vcc_generation",),
)
ONLY = Question(
    "vcc_survey_only",
    "Only this VPN",
    "Without an answer, all VPNs.",
    "multiplechoice",
    required=False,
    choices=_vpns,
    paths=("vcc_only",),
)
AGREED = Question(
    "vcc_survey_agreed",
    "VPNs that may be deleted",
    "VPNs that the generation did not have. The job fails if it would delete another one.",
    "multiselect",
    required=False,
    choices=_vpns,
    paths=(r"vcc_delete(\[\d+\])?",),
)
SINCE = Question(
    "vcc_survey_since",
    "Since",
    "UTC, such as 2026-01-31 or 2026-01-31T12:00. Without an answer, the newest events.",
    "text",
    required=False,
    least=0,
    most=20,
    paths=("vcc_since",),
)
EVENTS = Question(
    "vcc_survey_events",
    "Number of events",
    "The newest ones; 0 for all.",
    "integer",
    required=False,
    default=200,
    least=0,
    most=1_000_000,
    paths=("vcc_events",),
)

FORMS = {
    "create": (NAME, POOL, MEMBERS, TOPOLOGY, HUBS, TUNNEL, POLICY, NAMES, NEW_TUNNELS),
    "add": (VPN, ADD, NEW_TUNNELS),
    "remove": (VPN, REMOVE),
    "delete": (DELETE,),
    "verify": (PROBES,),
    "move": (MOVE, TO, NEW_TUNNELS),
    "revoke": (EDGE,),
    "rollback": (GENERATION, ONLY, AGREED),
    "history": (ONLY, SINCE, EVENTS),
}
"""What each template asks, in this order."""

QUESTIONS = {question.variable: question for form in FORMS.values() for question in form}
"""Every question by its variable."""
