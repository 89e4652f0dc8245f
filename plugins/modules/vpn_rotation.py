#!/usr/bin/python
# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Begin the rotation of certificates, keys, authorities or keys of tunnels, or take it further."""

from __future__ import annotations

DOCUMENTATION = r"""
module: vpn_rotation
short_description: Begin a rotation on the VCC server, or take it further
version_added: 1.0.0
author: The intercloud.vpn developers (@intercloud)
description:
  - Keeps the state of the rotation of an organization's certificates, keys or authority, or of its tunnels' PPKs,
    pre-shared keys and tls-crypt keys, and tells what each org edge is to have.
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
    description:
      - What is replaced. The keys of tunnels, V(ppk), V(psk) and V(tls_crypt), are rotated in runs of their own.
      - When it is empty, an unfinished rotation goes on; one of certificates, keys or an authority first.
    type: list
    elements: str
    choices: [certificates, keys, authority, ppk, psk, tls_crypt]
    default: []
  edges:
    description:
      - The org edges whose certificates or keys are replaced. All, when it is empty. Of the keys of tunnels, the
        edges, partners among them, whose tunnels get new ones.
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
    description: The external edges that trust the new authority, or have the new pre-shared key, by now.
    type: list
    elements: str
    default: []
  abandon:
    description: Whether unfinished rotations of keys of tunnels are undone. The keys from before stay in use.
    type: bool
    default: false
  with_psk:
    description:
      - The external edges whose pre-shared key the inventory has (C(vcc_psk)). The action plugin fills it in.
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
    - Of the keys of tunnels, the numbers (C(secrets), by tunnel) and what M(intercloud.vpn.edge_psk) hands them out for
      (C(tunnels)). The keys are not in it.
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
from typing import Any

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ansible_collections.intercloud.vpn.plugins.module_utils._base.errors import VccError
from ansible_collections.intercloud.vpn.plugins.module_utils._ledger.ledger import Transaction
from ansible_collections.intercloud.vpn.plugins.module_utils._pki import authority, rotation, secret_rotation
from ansible_collections.intercloud.vpn.plugins.module_utils._pki.keys import PSK, key_name, kind_of
from ansible_collections.intercloud.vpn.plugins.module_utils._pki.rotating import Edges, Rotating
from ansible_collections.intercloud.vpn.plugins.module_utils._pki.rotating_secrets import Ends, Keys, RotatingSecrets
from ansible_collections.intercloud.vpn.plugins.module_utils._plan.compile.certified import certified, identity_of
from ansible_collections.intercloud.vpn.plugins.module_utils._server import (
    LEDGER_ARGUMENTS,
    STATE_DIR_ARGUMENT,
    read_ledger,
)

SECRETS = [secret_rotation.word(kind) for kind in secret_rotation.KINDS]
ARGUMENTS = {
    **LEDGER_ARGUMENTS,
    **STATE_DIR_ARGUMENT,
    "step": {"type": "str", "choices": ["begin", "advance"], "default": "begin"},
    "kinds": {"type": "list", "elements": "str", "choices": [*rotation.KINDS, *SECRETS], "default": []},
    "edges": {"type": "list", "elements": "str", "default": []},
    "organizations": {"type": "list", "elements": "str", "default": []},
    "at_once": {"type": "bool", "default": False},
    "partners": {"type": "list", "elements": "str", "default": []},
    "finish": {"type": "bool", "default": False},
    "abandon": {"type": "bool", "default": False},
    "with_psk": {"type": "list", "elements": "str", "default": [], "no_log": False},
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


def keys_of(transaction: Transaction, organizations: Iterable[str]) -> Keys:
    """The keys of our edges' tunnels, and who has each."""
    found: Keys = {}
    for organization in organizations:
        kinds = found.setdefault(organization, {})
        for node, record in transaction.documents(organization).items():
            for tunnel in record.document.get("tunnels", []) if record.role == "org_edge" else ():
                kind = kind_of(tunnel)
                if kind in secret_rotation.KINDS:
                    partner = str(tunnel["peer"]) if kind == PSK else ""
                    ends = kinds.setdefault(str(kind), {}).setdefault(key_name(tunnel), Ends({}, partner))
                    told = {"ike": ("auth", "ppk"), "ssl": ("tls_crypt",)}
                    mine = {"name": tunnel["name"], "peer": tunnel["peer"]}
                    for what, names in told.items():
                        if what in tunnel:
                            mine[what] = {key: tunnel[what][key] for key in names if key in tunnel[what]}
                    ends.edges.setdefault(node, []).append(mine)
    return found


def _of_secrets(given: dict[str, Any], keys: Keys, check: bool) -> RotatingSecrets | None:
    """The run's part in rotations of tunnels' keys, if it is about these. VccError for a run that is about both."""
    kinds = {*given["kinds"]}
    secrets, others = kinds & {*SECRETS}, kinds - {*SECRETS}
    if secrets and others:
        raise VccError(
            f"vcc_rotate: rotate {', '.join(sorted(others))} and {', '.join(sorted(secrets))} one after the other"
        )
    if given["abandon"] and others:
        raise VccError(f"vcc_rotate_abandon: is for {', '.join(SECRETS)}")
    if (given["at_once"] or given["finish"]) and secrets:
        raise VccError("vcc_rotate_at_once, vcc_rotate_finish: are for -e vcc_rotate=authority")
    rotating = RotatingSecrets(given, check, keys)
    if secrets or given["abandon"]:
        return rotating
    unfinished = any(rotation.read(given["state_dir"], name) for name in keys)
    return rotating if not others and not unfinished and rotating.unfinished() else None


def _get(transaction: Transaction, organizations: list[str]) -> Any:
    return edges_of(transaction, organizations), keys_of(transaction, organizations)


def run(module: AnsibleModule) -> None:
    """The module's work."""
    if not authority.HAS_CRYPTOGRAPHY:
        module.fail_json(msg=missing_required_lib("cryptography >= 38"))
    given = module.params
    (ours, partners, named), keys = read_ledger(module, lambda transaction: _get(transaction, given["organizations"]))
    try:
        done: Rotating | RotatingSecrets = _of_secrets(given, keys, module.check_mode) or Rotating(
            given, module.check_mode, ours, partners
        )
        going = done.begin() if given["step"] == "begin" else done.advance()
    except (VccError, OSError) as error:
        module.fail_json(msg=str(error))
    orders = {node: {"addresses": named.get(node, []), **order} for node, order in done.orders.items()}
    module.exit_json(changed=done.changed, orders=orders, going=going, waiting=done.waiting, summary=done.summary)


def main() -> None:
    """Run the module."""
    run(AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True))


if __name__ == "__main__":
    main()
