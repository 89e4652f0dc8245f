# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""VERIFY: plan x observed -> findings. "Up" means that packets came back.

Pure: what was planned, what every node says it has, and what came of the probes, go in; what is not as planned comes
out. Inputs:

``plan``       ``{"vpns": [...], "members": [...]}``, the summary in plan.json
``documents``  node -> document (docs/documents.md)
``observed``   node -> what node_info returned; missing, or ``{"unreachable": True, "msg": ...}``
``probes``     VM -> what node_info returned; missing, or ``{"unreachable": True, "msg": ...}``
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from .answers import judge_probes
from .certificates import Trust, judge_certificates
from .certified import judge_certified
from .clocks import judge_clocks
from .finding import ERROR, WARNING, Finding, Result, few
from .lanes import judge_lanes
from .links import judge_links
from .probes import Plan, probe_targets
from .recorder import Recorder
from .usage import judge_usage, usage_records
from .ways import Documents
from .which_pairs import Choice

Section = Mapping[str, Any]
RENEWAL = "renewal"  # as nodes call what they wait for after a certificate was renewed (_node/observe.py)
APPLIED = ("org_edge", "vapp_edge", "member")  # roles that something is applied to; a VCC node only holds documents


def judge(
    plan: Plan,
    documents: Documents,
    observed: Mapping[str, Section],
    probes: Mapping[str, Section],
    choice: Choice | None = None,
    asked: Collection[str] | None = None,
    trust: Trust | None = None,
    in_turn: bool = True,
) -> Result:
    """Compare what was planned with what was seen.

    `choice`: which probes there were. `asked`: the hosts that this run is about (None: all). What is silent beside them
    is a warning. `trust`: what certificates are held against (None: they are not judged). `in_turn`: whether all nodes
    were looked at after all probes; if not, those of a site were after the probes of its own members.
    """
    result = judge_states(plan, documents, observed, asked, trust)
    result.choice = choice or Choice()
    recorder = Recorder(plan, documents, result)
    silent = {finding.subject for finding in result.findings}
    for vm, targets in sorted(probe_targets(plan, documents, result.choice).items()):
        state = probes.get(vm)
        if absent(state) and vm not in silent:
            result.findings.append(_silent(vm, "probes from it", state, asked, vm not in recorder.members))
        answers = {_key(probe): probe for probe in (state or {}).get("probes", [])}
        for target in targets:
            recorder.add(vm, target, answers.get(_key(target)), absent(state))
    recorder.add_external()
    result.findings += judge_usage(result)
    answering = {node: state for node, state in observed.items() if not absent(state)}
    droppers = {node: state.get("droppers") or [] for node, state in answering.items()}
    own = (
        (vpn["name"], str(member["site"]))
        for vpn in plan["vpns"]
        for member in vpn["members"]
        if member["name"] in probes
    )
    limited = {vpn["name"] for vpn in plan["vpns"] if "allow" in vpn}
    result.findings += judge_probes(result, droppers, None if in_turn else {*own}, limited)
    return _in_order(result)


def judge_states(
    plan: Plan,
    documents: Documents,
    observed: Mapping[str, Section],
    asked: Collection[str] | None = None,
    trust: Trust | None = None,
) -> Result:
    """The part of it that needs no probe: what nodes say of themselves. Links and quotas are noted, and not judged."""
    result = Result()
    answering = {node: state for node, state in observed.items() if not absent(state)}
    if trust:  # first: it is what most often explains the rest
        result.findings += judge_certificates(documents, answering, trust)
    result.findings += judge_certified(documents, answering)
    result.findings += judge_clocks(answering)
    result.findings += _judge_nodes(documents, observed, asked)
    links, findings = judge_links(documents, answering)
    planned = {(vpn["name"], tunnel) for vpn in plan["vpns"] for tunnel in vpn["tunnels"]}
    result.links = [link for link in links if (link["vpn"], link["tunnel"]) in planned]
    result.findings += findings
    result.findings += judge_lanes(documents, answering)
    result.usage = usage_records(plan, answering)
    return result


def judge_without_probes(
    plan: Plan,
    documents: Documents,
    observed: Mapping[str, Section],
    asked: Collection[str] | None = None,
    trust: Trust | None = None,
) -> Result:
    """What nodes say of themselves, for whoever sends no packet: whether packets pass is not known then."""
    result = judge_states(plan, documents, observed, asked, trust)
    result.findings += judge_usage(result)
    return _in_order(result)


def _in_order(result: Result) -> Result:
    """Errors first, each once."""
    result.findings = sorted(dict.fromkeys(result.findings), key=lambda finding: finding.severity != ERROR)
    return result


def _judge_nodes(
    documents: Documents, observed: Mapping[str, Section], asked: Collection[str] | None
) -> Iterator[Finding]:
    for node, document in sorted(documents.items()):
        state = observed.get(node)
        concerned = any(document.get(key) for key in ("addresses", "routes", "vpns", "tunnels"))
        if state is None or absent(state):
            if document.get("role") in APPLIED and concerned:
                yield _silent(node, f"generation {document['generation']}", state, asked)
            continue
        yield from _judge_state(node, state.get("state") or {})
        found = state.get("generation") or 0  # 0: none, which suits a node that nothing concerns
        if found != document["generation"] and (concerned or found):
            seen = str(found or "none")
            look = "ansible-playbook intercloud.vpn.create_vpn applies it; "
            look += f"if it was rolled back: journalctl -u 'intercloud-vpn*' on {node}"
            yield Finding(ERROR, node, f"generation {document['generation']}", f"generation {seen}", look)
        drift = state.get("drift") or []
        late = [str(change["action"]) for change in drift if change["subsystem"] == RENEWAL]
        if late:  # a hub makes one IKE_SA after the other again; until then, the certificate before does
            look = "the peer's agent does so within minutes; if it does not: journalctl -u intercloud-vpn on the peer"
            yield Finding(WARNING, node, "its tunnels use the certificate that it has", few(late), look)
        if len(drift) > len(late):
            seen = few(f"{one['subsystem']}: {one['action']}" for one in drift if one["subsystem"] != RENEWAL)
            yield Finding(
                ERROR,
                node,
                "the loaded state is the same as in its document",
                seen,
                "ansible-playbook intercloud.vpn.create_vpn repairs it",
            )
        for route in state.get("diverted") or []:
            seen = f"{route['prefix']}: {route['seen']}"
            look = f"ip rule; ip route get on {node}: rules and tables of other software come first"
            yield Finding(ERROR, node, f"packets take its route {route['expected']}", seen, look)
        for seen in state.get("astray") or []:
            yield Finding(
                ERROR,
                f"{seen['vpn']}: {seen['member']}",
                "the member is only at the site that the inventory names",
                f"{seen['address']} ({seen['mac']}) at {node}",
                "if the VM moved, change the inventory and run intercloud.vpn.create_vpn; if not, give one of the two "
                "another address",
            )
        if state.get("unconfirmed"):
            seen = "the node will roll back soon" if state.get("rollback_armed") else "unconfirmed"
            yield Finding(
                ERROR, node, "the node's generation is confirmed", seen, f"journalctl -u 'intercloud-vpn*' on {node}"
            )


def _judge_state(node: str, state: Section) -> Iterator[Finding]:
    """Whether a node can read what it stored (generation/running.py there)."""
    if state.get("damaged"):
        does = (
            "the node refuses all traffic of its VPNs" if state.get("refusing") else "the node runs an older generation"
        )
        seen = f"{few(state['damaged'])}: {does}"
        yield Finding(
            ERROR,
            node,
            "the node can read its stored state",
            seen,
            "ansible-playbook intercloud.vpn.create_vpn repairs it",
        )


def _silent(
    host: str, expected: str, state: Section | None, asked: Collection[str] | None, stranger: bool = False
) -> Finding:
    if asked is not None and host not in asked:
        return Finding(
            WARNING, host, expected, "not in this run", "all hosts: ansible-playbook intercloud.vpn.verify_vpn"
        )
    state = state or {"msg": "no answer"}
    said = str(state.get("msg") or "no reason given").strip().splitlines()[0]
    seen = f"{'failed' if state.get('failed') and not state.get('unreachable') else 'unreachable'}: {said}"
    look = f"ansible {host} -m ping; the VCC node before it"
    if state.get("senseless"):
        look = (
            f"run this again; if it stays, look at what {host} runs: an agent of another version, or somebody else's "
            f"program; journalctl -u 'intercloud-vpn*' on {host}"
        )
    elif seen.startswith("failed"):
        look = (
            f"the error of {host} earlier in this run; when it is repaired: ansible-playbook intercloud.vpn.create_vpn"
        )
    return Finding(WARNING if stranger else ERROR, host, expected, seen, look)


def absent(state: Section | None) -> bool:
    """Whether a node said nothing of itself."""
    return state is None or any(state.get(key) for key in ("unreachable", "failed", "skipped"))


def _key(probe: Section) -> tuple[Any, ...]:
    return tuple(probe.get(key) for key in ("vpn", "kind", "dst", "address", "port"))
