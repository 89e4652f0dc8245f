#!/usr/bin/python
# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plan VPNs in the ledger."""

from __future__ import annotations

DOCUMENTATION = r"""
module: vpn_plan
short_description: Turn an intent into one document per node
version_added: 1.0.0
author: The intercloud.vpn developers (@intercloud)
description:
  - Reads the landscape from the inventory and the VPNs asked for from its options, takes the addresses that are missing
    from the pools, and compiles all VPNs of the organizations concerned into one document per node.
  - All is done in one transaction of the ledger on the VCC server, where the module runs (usually by C(delegate_to)).
    With any mistake in the intent nothing is written, and all mistakes are reported at once.
  - VPNs that are not mentioned stay as they are. Removing one takes its name in O(absent).
  - A VPN that never came up is left out of the plan unless it is mentioned. Its addresses stay leased.
  - The documents are left in a directory of the controller that lives as long as the run, for the roles of apply.
extends_documentation_fragment:
  - intercloud.vpn.ledger
  - intercloud.vpn.ledger.state_dir
  - intercloud.vpn.attributes
options:
  pools:
    description: The pools that VPNs take addresses from, by name, each a CIDR.
    type: raw
    default: {}
  vpns:
    description: The VPNs to create or to change. See the documentation of intents for what an entry may have.
    type: raw
    default: []
  networks:
    description: The networks to stretch, or to change. Each has at least a name, the edges, and members.
    type: raw
    default: []
  policies:
    description: Policies of your own, by name. Each extends one of the catalog.
    type: raw
    default: {}
  absent:
    description: The names of the VPNs to delete, V(payroll) or, with its organization, V(acme/payroll).
    type: list
    elements: str
    default: []
  absent_of:
    description:
      - VPNs and networks of an intent, as C(vpns) and C(networks). The only one of them is deleted; several are a
        mistake, and so is none.
    type: dict
    default: {}
  organizations:
    description:
      - The organizations that the run is about, all of the inventory when it is not given. Hosts and VPNs of others are
        left out of everything.
    type: list
    elements: str
    default: []
  expected:
    description:
      - The names of VPNs that must be in the ledger, as in O(absent). They are planned as they are stored, even if they
        have not come up yet.
    type: list
    elements: str
    default: []
  expected_of:
    description: VPNs and networks of an intent, as C(vpns) and C(networks), whose names count as in O(expected).
    type: dict
    default: {}
  as_stored:
    description: Whether all VPNs that have not come up are planned as they are stored, for runs that only show them.
    type: bool
    default: false
  forget:
    description: Hosts that will never come back. Names that neither the ledger nor the inventory knows are mistakes.
    type: list
    elements: str
    default: []
  move:
    description:
      - The VMs that a run is about because they moved. It concerns their VPNs, which are planned as they are stored.
        Without, the run is about what O(vpns) says.
    type: list
    elements: str
  to:
    description: The cloud that these VMs are in now. If the inventory has one in another cloud, that is a mistake.
    type: str
  generation:
    description:
      - A generation of the organization whose VPNs are asked for again, as they were then. VPNs that it did not have
        are deleted. With V(0), the run fails and says which generations there are. Without, the run is not a rollback.
    type: int
  only:
    description: The only VPN of that generation that is asked for again; the others stay as they are. Empty for all.
    type: str
    default: ""
  agreed:
    description:
      - The VPNs that a rollback may delete. To delete another one is a mistake. Without, it deletes all that
        O(generation) did not have.
    type: list
    elements: str
  approved:
    description:
      - The RV(digest) of the plan that a person has approved. Another plan is refused, and changes nothing. Empty for
        any plan.
    type: str
    default: ""
  allow_renumber:
    description:
      - Whether members may get other addresses, because their vApp edge or org edge was renamed, or they were. If not,
        such a plan is a mistake, which lists the old and the new addresses. VMs that moved get an address of their new
        place then, and keep theirs otherwise.
    type: bool
    default: false
  answered:
    description:
      - Whether O(vpns) are the answers of a survey. One whose members are all of another organization is a mistake
        then.
        Filled in by the action plugin.
    type: bool
    default: false
  create_tunnels:
    description: Whether tunnels may be created. If not, an intent that needs a new one is a mistake.
    type: bool
    default: true
  new_ledger:
    description:
      - Whether a ledger may be made where O(state_dir) has an authority already. Without it that is refused, as there
        was a ledger then, and an empty one knows no address that is in use.
    type: bool
    default: false
  hosts:
    description: The landscape by host. Filled in by the action plugin.
    type: dict
    default: {}
  matches:
    description: The hosts that each text among the members stands for. Filled in by the action plugin.
    type: dict
    default: {}
  problems:
    description: The mistakes that were found on the controller, each with its path. Filled in by the action plugin.
    type: list
    elements: dict
    default: []
  adopt:
    description:
      - Names that machines were given by earlier runs and give up now, V(edge-west) or, with the organization,
        V(acme/edge-west). Without it a machine that says that it is another host is refused.
    type: list
    elements: str
    default: []
  observed:
    description:
      - What M(intercloud.vpn.node_survey) learned of each host. Filled in by the action plugin from what was registered
        as C(vcc_survey). It changes no document.
    type: dict
    default: {}
  collisions:
    description: The hosts that would be reached over the connection of another one. Filled in by the action plugin.
    type: list
    elements: dict
    default: []
  stored:
    description:
      - Whether nothing is planned, for runs that may know a part of the fleet only. The documents are what the ledger
        holds; what the other options ask for is left out.
    type: bool
    default: false
  scope_only:
    description: Only find out whom the run concerns, so that these are asked before the plan. Plans nothing.
    type: bool
    default: false
  certificate_days:
    description: How many days a new certificate is valid. Filled in by the action plugin.
    type: int
    default: 397
  renewed_with:
    description:
      - With how many days left certificates are renewed, if not by their lifetime. RV(notes) says where no certificate
        can have more. Filled in by the action plugin.
    type: int
  certified_addresses:
    description:
      - Whether certificates are to name addresses. RV(notes) says of which organizations they do not. The action
        plugin fills it in.
    type: bool
    default: false
  show:
    description:
      - What the action plugin shows of the plan. V(all) is every line, V(brief) the first lines of each VPN, V(notes)
        only what the administrator may want to know, and V(none) nothing.
    type: str
    choices: [all, brief, notes, none]
    default: none
attributes:
  check_mode:
    support: full
    details: Plans in a transaction that is rolled back, so that the documents are those of the real run.
  diff_mode:
    support: full
    details: Shows what comes and goes, in words.
notes:
  - The inventory is read by the action plugin of the same name, in one pass, whatever O(ignore:--limit) says.
seealso:
  - module: intercloud.vpn.edge_commit
  - module: intercloud.vpn.vpn_settle
"""

EXAMPLES = r"""
- name: Plan the VPNs
  intercloud.vpn.vpn_plan:
    ledger: "{{ vcc_ledger }}"
    pools: {internal: 100.64.0.0/10}
    vpns:
      - name: payroll
        pool: internal
        members: [vm1-east, vm1-west]
  delegate_to: "{{ groups.vcc_server | first }}"
  run_once: true
  register: vcc_server_plan
"""

RETURN = r"""
path:
  description: The plan on the controller; the documents are beside it. It is removed when the run ends.
  returned: success
  type: str
documents_dir:
  description:
    - The directory of the documents on the controller, one C(<host>.json) per node, and C(<organization>/<host>.json)
      for a VCC node that organizations share.
  returned: success
  type: str
hosts:
  description: With O(scope_only), the hosts that the run concerns; V(null) for all.
  returned: with O(scope_only)
  type: list
  elements: str
vpns:
  description: The names of the VPNs that verify is to prove, those that the run names, or all if it names none.
  returned: success
  type: list
  elements: str
generations:
  description: The newest generation by organization.
  returned: success
  type: dict
authorities:
  description: The SHA-256 of each organization's authority certificate, null where there is none yet.
  returned: success
  type: dict
revocations:
  description:
    - What each organization's authority revoked, as C(crl) (PEM), C(serials) of the certificates and C(refused_keys),
      the SHA-256 of their public keys. Organizations that revoked nothing are left out.
  returned: success
  type: dict
rotations:
  description:
    - What edges are to have of each organization that has an authority. C(authority) is the certificate of the
      authority (PEM), of both while one takes the place of another. C(authorities) are their SHA-256. C(serials) and
      C(keys) (SHA-256) are the certificates and keys that a rotation replaces.
  returned: success
  type: dict
summary:
  description: What comes and goes, a line each.
  returned: success
  type: list
  elements: str
digest:
  description: The same for plans that change the same, documents included (SHA-256, hexadecimal).
  returned: success
  type: str
nodes:
  description:
    - The nodes that the run concerns, those of the VPNs that it names and those whose document changes. All nodes that
      have a document, if it names none.
  returned: success
  type: list
  elements: str
node_count:
  description: How many nodes have a document, in all VPNs of the organizations concerned.
  returned: success
  type: int
changed_nodes:
  description: The nodes that get a new document.
  returned: success
  type: list
  elements: str
new_tunnels:
  description: The tunnels that are created for this plan.
  returned: success
  type: list
  elements: str
notes:
  description: What the administrator may want to know though it is not a mistake.
  returned: success
  type: list
  elements: str
losing:
  description:
    - The members that lose an address, and the vApp edges that lose a VPN. They are to stop sending before the org
      edges stop guarding.
  returned: success
  type: list
  elements: str
gaining:
  description: Those of RV(losing) that get something later, once the org edges have it.
  returned: success
  type: list
  elements: str
releasing:
  description: The org edges that stop guarding a VPN, each with who of those in RV(losing) may still send there.
  returned: success
  type: dict
awaiting:
  description:
    - The org edges that do not guard yet what others get to send, each with who these are. They are told after it, and
      not at all if it does not get its document.
  returned: success
  type: dict
yielding:
  description:
    - The org edges that give members away, each with the edges and members that are to have their documents before.
  returned: success
  type: dict
second:
  description:
    - The org edges that are told after the other edge of their pair, each with that edge. They have the gateway address
      when the run begins.
  returned: success
  type: dict
losing_dir:
  description: A directory on the controller with what those in RV(losing) and RV(yielding) are told first.
  returned: success
  type: str
coming:
  description: The VPNs mentioned that have not come up yet.
  returned: success
  type: list
  elements: str
also_touched:
  description: The VPNs that are not mentioned and whose nodes are touched, a line each.
  returned: success
  type: list
  elements: str
external:
  description: Where to find what external edges need to know, a line per tunnel to one.
  returned: success
  type: list
  elements: str
deleting:
  description: The VPNs that this run deletes.
  returned: success
  type: list
  elements: str
leaving:
  description: The nodes that the VPNs that this run deletes were brought to.
  returned: success
  type: list
  elements: str
unsettled:
  description: Whether something is left to release once the nodes run their documents.
  returned: success
  type: bool
to_note:
  description: Whether the ledger is to note which nodes run their documents.
  returned: success
  type: bool
"""

from collections.abc import Iterable, Mapping
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.intercloud.vpn.plugins.module_utils._base.errors import IntentError, VccError
from ansible_collections.intercloud.vpn.plugins.module_utils._intent.members import read_matches
from ansible_collections.intercloud.vpn.plugins.module_utils._ledger.ledger import Transaction
from ansible_collections.intercloud.vpn.plugins.module_utils._partner.settings import pointers
from ansible_collections.intercloud.vpn.plugins.module_utils._pki import (
    authority,
    crl,
    lifetimes,
    rotation,
    secret_rotation,
)
from ansible_collections.intercloud.vpn.plugins.module_utils._pki.ca import CERTIFICATE_DAYS
from ansible_collections.intercloud.vpn.plugins.module_utils._plan import plan as _plan
from ansible_collections.intercloud.vpn.plugins.module_utils._plan.stored import stored_plan
from ansible_collections.intercloud.vpn.plugins.module_utils._server import (
    LEDGER_ARGUMENTS,
    STATE_DIR_ARGUMENT,
    ledger_exists,
    ledger_is_missing,
    run_on_ledger,
)

RETURNED = (
    *(
        "generations",
        "changed_nodes",
        "new_tunnels",
        "notes",
        "losing",
        "gaining",
        "releasing",
        "awaiting",
        "yielding",
        "deleting",
        "leaving",
        "unsettled",
        "to_note",
    ),
    *("coming", "also_touched"),
)


ARGUMENTS = {
    **LEDGER_ARGUMENTS,
    **STATE_DIR_ARGUMENT,
    "show": {"type": "str", "choices": ["all", "brief", "notes", "none"], "default": "none"},
    "pools": {"type": "raw", "default": {}},
    "vpns": {"type": "raw", "default": []},
    "networks": {"type": "raw", "default": []},
    "policies": {"type": "raw", "default": {}},
    "absent": {"type": "list", "elements": "str", "default": []},
    "absent_of": {"type": "dict", "default": {}},
    "organizations": {"type": "list", "elements": "str", "default": []},
    "expected": {"type": "list", "elements": "str", "default": []},
    "expected_of": {"type": "dict", "default": {}},
    "as_stored": {"type": "bool", "default": False},
    "forget": {"type": "list", "elements": "str", "default": []},
    "move": {"type": "list", "elements": "str"},
    "to": {"type": "str"},
    "generation": {"type": "int"},
    "only": {"type": "str", "default": ""},
    "agreed": {"type": "list", "elements": "str"},
    "approved": {"type": "str", "default": ""},
    "allow_renumber": {"type": "bool", "default": False},
    "create_tunnels": {"type": "bool", "default": True},
    "answered": {"type": "bool", "default": False},
    "new_ledger": {"type": "bool", "default": False},
    "hosts": {"type": "dict", "default": {}},
    "matches": {"type": "dict", "default": {}},
    "problems": {"type": "list", "elements": "dict", "default": []},
    "adopt": {"type": "list", "elements": "str", "default": []},
    "observed": {"type": "dict", "default": {}},
    "collisions": {"type": "list", "elements": "dict", "default": []},
    "stored": {"type": "bool", "default": False},
    "scope_only": {"type": "bool", "default": False},
    "certified_addresses": {"type": "bool", "default": False},
    "certificate_days": {"type": "int", "default": CERTIFICATE_DAYS},
    "renewed_with": {"type": "int"},
}


def _trust(state_dir: str, organizations: Iterable[str]) -> dict[str, Any]:
    """Of each organization: the digest of its authority, what that one revoked, and what is being replaced."""
    found = {name: authority.signer(state_dir, name) for name in organizations}
    lists = {name: crl.published(state_dir, name) for name in found}
    return {
        "authorities": {name: owner.sha256 if owner else None for name, owner in found.items()},
        "revocations": {name: revoked for name, revoked in lists.items() if revoked},
        "rotations": {name: rotation.told(state_dir, name) for name, owner in found.items() if owner},
    }


def check_approved(plan: _plan.Plan, approved: str) -> None:
    """VccError unless the plan is the approved one. In its transaction: what others do comes before or after."""
    if approved not in ("", plan.digest):
        raise VccError(
            "The plan is not the one that was shown: another run has changed it just now. Nothing was changed. "
            "Run this again; in a workflow, start the workflow again."
        )


def _planned(
    transaction: Transaction, request: _plan.Request, stored: bool, approved: str = ""
) -> tuple[_plan.Plan, dict[str, Any], dict[str, Any]]:
    """The plan; the documents that the run tells, packed, and what each of them descends from, by their names."""
    plan = (stored_plan if stored else _plan.make_plan)(transaction, request)
    check_approved(plan, approved)
    known = {organization: transaction.lineage(organization) for organization in plan.generations}
    told = {name: plan.documents.record(name).packed for name in plan.concerned}
    return plan, told, {name: known[one["organization"]][one["node"]] for name, one in told.items()}


def run(module: AnsibleModule) -> None:
    """The module's work."""
    wanted = module.params
    if wanted["scope_only"]:
        module.exit_json(changed=False, hosts=_scope(module))
    request = _request(wanted)
    if wanted["stored"] and not ledger_exists(module):
        module.fail_json(msg=f"vcc_ledger: {wanted['ledger']}: there is no ledger, so there is nothing to apply")
    how = wanted["stored"], wanted["approved"]
    plan, told, lineage = run_on_ledger(module, lambda transaction: _planned(transaction, request, *how))
    try:
        trust = _trust(wanted["state_dir"], plan.generations)
    except VccError as error:
        module.fail_json(msg=str(error))
    plan.notes += rotation.unfinished(wanted["state_dir"], plan.generations)
    plan.notes += secret_rotation.unfinished(wanted["state_dir"], plan.generations)
    if wanted["certified_addresses"]:
        plan.notes += rotation.without_addresses(wanted["state_dir"], plan.generations)
    if wanted["renewed_with"] is not None:
        days = wanted["certificate_days"]
        plan.notes += lifetimes.always_due(wanted["state_dir"], plan.generations, wanted["renewed_with"], days)
    proved = [vpn for vpn in plan.vpns if not request.asking or f"{vpn['organization']}/{vpn['name']}" in plan.named]
    module.exit_json(
        changed=plan.changed,
        diff={"prepared": "".join(f"{line}\n" for line in plan.diff)},
        summary=plan.diff,
        digest=plan.digest,
        node_count=len({name.rpartition("/")[2] for name in plan.documents}),
        external=pointers({name: plan.documents[name] for name in told if plan.documents.record(name).has_external}),
        **trust,
        plan={
            "vpns": proved,
            "members": plan.members,
            "documents": told,
            "lineage": lineage,
            "losing": plan.losing_documents,
        },
        **{key: getattr(plan, key) for key in RETURNED},
    )


def _scope(module: AnsibleModule) -> list[str] | None:
    """Where there is no ledger, everybody is asked whether there was one, if a VPN is to be made."""
    wanted = module.params
    if wanted["stored"] or not ledger_exists(module):
        if _is_about_what_is_there(wanted) and ledger_is_missing(module):
            module.fail_json(
                msg=f"vcc_ledger: {wanted['ledger']}: there is no ledger, so there is no VPN to change, and no host "
                "was touched. Correct vcc_ledger; or, if the ledger is lost, restore it from a backup (restore_ledger) "
                "or make one from what the nodes hold (recover_ledger)"
            )
        return None
    request = _request(module.params)
    found = run_on_ledger(module, lambda transaction: _plan.find_concerned(transaction, request))
    return None if found is None else sorted(found)


def _is_about_what_is_there(wanted: Mapping[str, Any]) -> bool:
    """Whether the run deletes, moves or goes back, and makes nothing."""
    returns = wanted["generation"] is not None or wanted["move"] is not None
    return not (wanted["vpns"] or wanted["networks"]) and bool(wanted["absent"] or wanted["absent_of"] or returns)


def _request(wanted: dict[str, Any]) -> _plan.Request:
    return _plan.Request(
        hosts=wanted["hosts"],
        matches=read_matches(wanted["matches"]),
        intent={key: wanted[key] for key in ("pools", "vpns", "networks", "policies")},
        absent=tuple(wanted["absent"]),
        create_tunnels=wanted["create_tunnels"],
        answered=wanted["answered"],
        organizations=tuple(wanted["organizations"]),
        problems=tuple(IntentError(one["path"], one["message"]) for one in wanted["problems"]),
        absent_of=wanted["absent_of"],
        expected=tuple(wanted["expected"]),
        expected_of=wanted["expected_of"],
        as_stored=wanted["as_stored"],
        forget=tuple(wanted["forget"]),
        move=None if wanted["move"] is None else tuple(wanted["move"]),
        to=wanted["to"],
        generation=wanted["generation"],
        only=wanted["only"],
        agreed=None if wanted["agreed"] is None else tuple(wanted["agreed"]),
        allow_renumber=wanted["allow_renumber"],
        observed=wanted["observed"],
        adopt=tuple(wanted["adopt"]),
        collisions=tuple(wanted["collisions"]),
    )


def main() -> None:
    """Run the module."""
    run(AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True))


if __name__ == "__main__":
    main()
