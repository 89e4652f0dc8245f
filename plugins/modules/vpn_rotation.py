#!/usr/bin/python
# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Begin the rotation of certificates, keys or authorities, or take it further."""

from __future__ import annotations

DOCUMENTATION = r"""
module: vpn_rotation
short_description: Begin a rotation on the VCC server, or take it further
version_added: 1.0.0
author: The intercloud.vpn developers (@intercloud)
description:
  - Keeps the state of the rotation of an organization's certificates, keys or authority, and tells what each org edge
    is to have.
  - With O(step=begin), a rotation that is not finished goes on. Only where there is none, one of O(kinds) begins.
  - With O(step=advance), a rotation goes to its next phase if all its edges have told (O(reports)) that they have and
    use what they are to have.
requirements:
  - cryptography >= 38
options:
  step:
    description: What is done.
    type: str
    choices: [begin, advance]
    default: begin
  kinds:
    description: What is replaced.
    type: list
    elements: str
    choices: [certificates, keys, authority]
    default: []
  edges:
    description: The org edges whose certificates or keys are replaced. All, when it is empty.
    type: list
    elements: str
    default: []
  organizations:
    description: The organizations. When it is empty, those of the inventory's hosts.
    type: list
    elements: str
    default: []
  at_once:
    description:
      - Whether edges trust the new authority alone from the first moment, as when the old one's key is no longer
        secret. Until both ends of a tunnel have their new certificates, the tunnel cannot authenticate.
    type: bool
    default: false
  partners:
    description: The external edges that trust the new authority by now.
    type: list
    elements: str
    default: []
  finish:
    description: Whether external edges whose certificate the old authority signed are no longer waited for.
    type: bool
    default: false
  forget:
    description: Org edges that will never come back. The rotation does not wait for them.
    type: list
    elements: str
    default: []
  certified_addresses:
    description: Whether certificates of a new authority name the addresses that an edge may have behind it (RFC 3779).
    type: bool
    default: false
  reports:
    description:
      - What edges told, by host. The action plugin fills it in from what they registered as C(org_edge_rotated).
    type: dict
    default: {}
extends_documentation_fragment:
  - intercloud.vpn.attributes
  - intercloud.vpn.attributes.action
  - intercloud.vpn.ledger
  - intercloud.vpn.ledger.state_dir
attributes:
  action:
    support: full
    details: It knows the organizations of the inventory, and what edges told.
  check_mode:
    support: full
    details: Writes nothing. RV(orders) is what the first phase would ask for.
  diff_mode:
    support: none
seealso:
  - module: intercloud.vpn.edge_rotate
"""

EXAMPLES = r"""
- name: Begin, or go on with what was begun
  intercloud.vpn.vpn_rotation:
    kinds: [authority]
  delegate_to: "{{ groups['vcc_server'] | first }}"
  run_once: true
  register: vcc_server_rotation
"""

RETURN = r"""
orders:
  description:
    - What each org edge of an unfinished rotation is to have, with its C(organization) and C(identity). C(authority)
      are the certificates of the authorities to trust, and C(crl) their revocation list. C(refused) are the keys that
      are to be replaced, and C(addresses) what the certificate names. From C(signer), C(authorities), C(serials) and
      C(keys), M(intercloud.vpn.edge_rotate) tells what an edge lacks.
  type: dict
  returned: success
going:
  description: Whether there is another round for the edges.
  type: bool
  returned: success
waiting:
  description: What keeps rotations from their next phase, by edge.
  type: dict
  returned: success
  sample: {edge-west: did not answer}
summary:
  description: What is rotated, and how far that is, a line each.
  type: list
  elements: str
  returned: success
"""

from collections.abc import Iterable

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ansible_collections.intercloud.vpn.plugins.module_utils._base.errors import VccError
from ansible_collections.intercloud.vpn.plugins.module_utils._ledger.ledger import Transaction
from ansible_collections.intercloud.vpn.plugins.module_utils._pki import authority, rotation
from ansible_collections.intercloud.vpn.plugins.module_utils._pki.keys import PSK, kind_of
from ansible_collections.intercloud.vpn.plugins.module_utils._pki.rotating import Edges, Rotating
from ansible_collections.intercloud.vpn.plugins.module_utils._plan.compile.certified import certified, identity_of
from ansible_collections.intercloud.vpn.plugins.module_utils._server import (
    LEDGER_ARGUMENTS,
    STATE_DIR_ARGUMENT,
    read_ledger,
)

ARGUMENTS = {
    **LEDGER_ARGUMENTS,
    **STATE_DIR_ARGUMENT,
    "step": {"type": "str", "choices": ["begin", "advance"], "default": "begin"},
    "kinds": {"type": "list", "elements": "str", "choices": [*rotation.KINDS], "default": []},
    "edges": {"type": "list", "elements": "str", "default": []},
    "organizations": {"type": "list", "elements": "str", "default": []},
    "at_once": {"type": "bool", "default": False},
    "partners": {"type": "list", "elements": "str", "default": []},
    "finish": {"type": "bool", "default": False},
    "forget": {"type": "list", "elements": "str", "default": []},
    "certified_addresses": {"type": "bool", "default": False},
    "reports": {"type": "dict", "default": {}},
}


def edges_of(transaction: Transaction, organizations: Iterable[str]) -> tuple[Edges, Edges, dict[str, list[str]]]:
    """Our edges with certificates, the external edges that our edges know by theirs, and what our edges' certificates
    name (RFC 3779)."""
    ours, partners, named = Edges(), Edges(), dict[str, list[str]]()
    for organization in organizations:
        found = ours.setdefault(organization, {})
        others = partners.setdefault(organization, {})
        for node, record in transaction.documents(organization).items():
            tunnels = record.document.get("tunnels", []) if record.role == "org_edge" else []
            proving = [tunnel for tunnel in tunnels if kind_of(tunnel) != PSK]
            if proving:
                found[node] = identity_of(record.document)
                named[node] = certified(record.document)
            others.update({str(t["peer"]): str(t["remote_id"]) for t in proving if t.get("external")})
    return ours, partners, named


def run(module: AnsibleModule) -> None:
    """The module's work."""
    if not authority.HAS_CRYPTOGRAPHY:
        module.fail_json(msg=missing_required_lib("cryptography >= 38"))
    given = module.params
    ours, partners, named = read_ledger(module, lambda transaction: edges_of(transaction, given["organizations"]))
    try:
        done = Rotating(given, module.check_mode, ours, partners)
        going = done.begin() if given["step"] == "begin" else done.advance()
    except (VccError, OSError) as error:
        module.fail_json(msg=str(error))
    orders = {node: {**order, "addresses": named.get(node, [])} for node, order in done.orders.items()}
    module.exit_json(changed=done.changed, orders=orders, going=going, waiting=done.waiting, summary=done.summary)


def main() -> None:
    """Run the module."""
    run(AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True))


if __name__ == "__main__":
    main()
