# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PLAN: what the machines say (node_survey), held against what the ledger and the inventory say of them.

Facts of machines change no document: a plan is the same byte for byte whichever machines answer. They refuse a plan, or
add notes to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .._base.problems import Problems
from .._intent.landscape.facts import organization_of
from .._intent.landscape.pairs import OWN
from .._ledger.records import DocumentRecord
from .._node import NEEDED
from .._node.collisions import collisions, lacking, missing_addresses, moved_here
from .check.stretch import check_seen
from .origins import strangers
from .outcome import Plan
from .outside_addresses import to_be_routed
from .renames import former_names

if TYPE_CHECKING:
    from .organization import OrganizationPlan
    from .plan import Request

Facts = Mapping[str, Any]


def compare(request: Request, tenants: Sequence[OrganizationPlan], plan: Plan, problems: Problems) -> None:
    """Refuse what the machines contradict; note which of them are behind, ahead or silent.

    What they said was read before (survey_facts.py).
    """
    answers = {node: facts for node, facts in request.observed.items() if "silent" not in facts}
    _check_apart(request, answers, problems)
    for tenant in tenants:
        check_seen(tenant.wanted.values(), answers, tenant.landscape, problems)
        own = {node: facts for node, facts in answers.items() if facts.get("organization") == tenant.name}
        unknown = strangers(own, {tenant.name: tenant.transaction.lineages(tenant.name)}) if own else {}
        plan.notes += unknown.values()
        for node, record in sorted(tenant.records.items()):
            if node in request.observed and node not in unknown:
                plan.notes += _standing(tenant.name, record, request.observed[node])
        for node, facts in sorted(request.observed.items()):
            document = plan.documents.get(node) or plan.documents.get(f"{tenant.name}/{node}") or {}
            if document.get("organization") != tenant.name or not told(document):
                continue
            if "silent" in facts and node not in tenant.records:
                plan.notes.append(_silent(node, facts))
            elif "silent" not in facts:
                shared = document["role"] == "vcc_node"  # it may serve several organizations
                _check_identity(node, tenant.name, () if shared else tenants, request, problems)
                _check_python(node, facts, problems)
                _check_networks(node, tenant, document, facts, plan, problems)
                if unable := moved_here(document, str(facts.get("userspace") or "")):
                    problems.add(f"hosts.{node}", unable)


def _check_apart(request: Request, answers: Mapping[str, Facts], problems: Problems) -> None:
    """Two hosts that are one machine: what is meant for both would be written to it, one over the other."""
    machines: dict[tuple[str, str], list[str]] = {}
    for node, facts in sorted(answers.items()):
        devices = facts.get("devices") or {}
        macs = sorted(device["mac"] for device in devices.values() if device["mac"])
        if facts.get("boot") and macs and node in request.hosts and "vcc_nodes" not in request.hosts[node]["kinds"]:
            machines.setdefault((str(facts["boot"]), " ".join(macs)), []).append(node)
    for same in machines.values():
        for node in same[1:]:
            problems.add(
                f"hosts.{node}",
                f"the machine that answers for {node} is the one that answers for {same[0]}; {_ONE_CONNECTION}",
            )


def _check_identity(
    node: str, owner: str, tenants: Sequence[OrganizationPlan], request: Request, problems: Problems
) -> None:
    """A machine that an earlier run told that it is another host. No ``tenants``: its organization does not matter."""
    facts = request.observed[node]
    name, organization = str(facts.get("node") or ""), str(facts.get("organization") or "")
    former = {f"{organization_of(request.hosts[node])}/{old}" for old in former_names(request.hosts[node])}
    if {name, f"{organization}/{name}"} & {*request.adopt, *former}:
        return
    if name and name != node:
        problems.add(
            f"hosts.{node}",
            f"the machine that answers is {name} of organization {organization}, as an earlier run told it; "
            f"{_ONE_CONNECTION}. If the machine was renamed on purpose: vcc_formerly: {name} of a VM or an edge, "
            f"-e vcc_adopt={name} of a VCC node",
        )
    elif name and tenants and organization != owner and not _moved(node, organization, tenants):
        problems.add(
            f"hosts.{node}.vcc_org",
            f"the inventory says {owner}, and an earlier run told the machine that it is {name} of organization "
            f"{organization}; {_ONE_CONNECTION}. If it changes hands on purpose, run with -e vcc_adopt="
            f"{organization}/{name}",
        )


_ONE_CONNECTION = (
    "hosts that have the same ansible_host behind different jump hosts share one connection unless each has an "
    "ansible_control_path of its own (docs/own_fleet.md)"
)


def _moved(node: str, organization: str, tenants: Sequence[OrganizationPlan]) -> bool:
    """Whether the ledger knows the host in the organization that the machine names: then it changed hands."""
    return any(tenant.name == organization and node in tenant.records for tenant in tenants)


def _check_python(node: str, facts: Facts, problems: Problems) -> None:
    version = str(facts.get("python") or "")
    if version and tuple(int(part) for part in version.split(".")[:2]) < NEEDED:
        needed = ".".join(map(str, NEEDED))
        problems.add(
            f"hosts.{node}",
            f"has Python {version}, and {needed} or later is needed; install one and name it in "
            "ansible_python_interpreter",
        )


def _check_networks(
    node: str, tenant: OrganizationPlan, document: Facts, facts: Facts, plan: Plan, problems: Problems
) -> None:
    """VPN blocks over what the machine has already, and public addresses that it has not.

    A run that asks for no VPN, as to delete one, is not refused for what the others have.
    """
    if not facts.get("devices"):
        return
    had = _had(facts)
    found = collisions(document, had, facts["devices"], facts.get("routes") or ())
    held = [text for device in facts["devices"].values() for text in device["addresses"]]
    missing = missing_addresses(document, had, [*held, *(facts.get("own") or ())])
    refused = [(f"hosts.{node}", text) for text in found.refused]
    refused += [(f"hosts.{node}.vcc_public_address", lacking(address, held)) for address in missing]
    refused += [(f"hosts.{node}.{OWN}", text) for text in _own_missing(document, held)]
    for path, text in refused:
        if tenant.asked:
            problems.add(path, text)
        else:
            plan.notes.append(f"{path}: {text}")
    plan.notes += [f"{node}: {text}" for text in (*found.notes, *to_be_routed(document, facts))]


def _own_missing(document: Facts, held: Iterable[str]) -> Iterable[str]:
    """What an edge of a pair has to have on its org network before VRRP can find the device, and has not."""
    there = {text.partition("/")[0] for text in held}
    missing = [own for own in (document.get("pair") or {}).get("own", ()) if own not in there]
    if missing:
        yield (
            f"no device has {' and '.join(missing)}; first give the edge's device on the org network its own address, "
            "in the machine's network configuration (docs/pairs.md)"
        )


def _had(facts: Facts) -> dict[str, Any]:
    """What a machine runs, as far as it matters here, in the shape of a document."""
    runs = facts.get("runs") or {}
    return {
        "vpns": [{"name": "", "blocks": runs.get("blocks") or []}],
        "tunnels": [{"name": key, "local_address": value} for key, value in (runs.get("tunnels") or {}).items()],
    }


def _standing(organization: str, record: DocumentRecord, facts: Facts) -> Iterable[str]:
    """Where a machine is on the way to what the ledger says, if not there."""
    node, due = record.node, record.generation
    if "silent" in facts:
        return [_silent(node, facts)]
    runs = generation(facts, record.role, organization)
    if runs > due:
        return [
            f"{node} runs generation {runs}, and the ledger knows {due} for it: the ledger is older than the machine, "
            "as after a restore from a backup; see recover_ledger"
        ]
    if runs == due or not told(record.packed):
        return []
    if runs == 0 and not facts.get("node"):
        return [f"{node} has no record of a VPN, the plan is {due}: it is a new machine, or no run has reached it yet"]
    return [f"{node} runs generation {runs}, the plan is {due}: create_vpn applies it"]


def _silent(node: str, facts: Facts) -> str:
    return f"{node} did not answer: {facts['silent']}"


def generation(facts: Facts, role: str, organization: str) -> int:
    """The generation that a machine runs, as an organization counts them."""
    if role == "vcc_node":
        return int((facts.get("slices") or {}).get(organization) or 0)
    return int(facts.get("generation") or 0) if facts.get("organization") in ("", organization) else 0


def told(document: Mapping[str, Any]) -> bool:
    """Whether a node is told anything but to remove everything."""
    return any(document.get(key) for key in ("sysctls", "addresses", "routes", "vpns", "tunnels", "slice"))
