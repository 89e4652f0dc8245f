#!/usr/bin/python
# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hand out the keys of tunnels: pre-shared keys, PPKs and tls-crypt keys."""

from __future__ import annotations

DOCUMENTATION = r"""
module: edge_psk
short_description: Hand out the keys of tunnels on the VCC server
version_added: 1.0.0
author: The intercloud.vpn developers (@intercloud)
description:
  - Returns the pre-shared keys of an organization's tunnels to external edges, and the PPKs (RFC 8784) of those between
    its own edges whose policy requires one; of tunnels of kind ssl, the key of the edge that the other one comes to
    (OpenVPN's C(tls-crypt)). A key that is not there yet is made, once, however many ask for it at the
    same time. Runs on the VCC server, which keeps them in O(state_dir).
  - The result holds keys. Use it with C(no_log).
options:
  state_dir:
    description: The VCC server's state directory. Below, the keys are in C(psk/<organization>/<tunnel>),
      C(ppk/<organization>/<tunnel>) and C(tls-crypt/<organization>/<edge>).
    type: path
    required: true
  organization:
    description: The organization that the tunnels belong to. Needed with O(tunnels).
    type: str
  plan:
    description:
      - Path of the plan's summary C(plan.json) on the controller; the tunnels are those to O(edge).
      - One of O(plan), O(documents) and O(tunnels) is required.
    type: path
  documents:
    description: The directory on the controller with a document per node; the tunnels are those of this edge.
    type: path
  edge:
    description: An external edge. Needed with O(plan).
    type: str
  partner:
    description:
      - Whether the keys are for the partner's administrator. While a pre-shared key is rotated
        (M(intercloud.vpn.vpn_rotation)), that is the one that the partner is to have in the end; edges get both.
    type: bool
    default: false
  tunnels:
    description:
      - The tunnels, as they are in an org edge's document. Those that have no key are left out.
      - A tunnel whose external edge has the variable C(vcc_psk) has that key, and the VCC server is not asked for it.
        One whose external edge is not in the inventory is left out, as its C(vcc_psk) is not known.
    type: list
    elements: dict
extends_documentation_fragment:
  - intercloud.vpn.attributes
  - intercloud.vpn.attributes.action
attributes:
  action:
    support: full
    details: It knows C(vcc_psk), and calls the module on the VCC server for the other keys only.
  check_mode:
    support: full
    details: Makes no key. One that would be made is null in RV(secrets).
  diff_mode:
    support: none
seealso:
  - module: intercloud.vpn.edge_commit
"""

EXAMPLES = r"""
- name: Fetch the pre-shared keys
  intercloud.vpn.edge_psk:
    state_dir: /var/lib/intercloud-vpn
    documents: "{{ vcc_server_plan.documents_dir }}"
  delegate_to: "{{ groups['vcc_server'] | first }}"
  register: vcc_psk_found
  no_log: true
"""

RETURN = r"""
secrets:
  description:
    - The keys by the tunnel's name. A key that was rotated has its number (C(generation)) on a line of its own; while
      it is rotated, the other one follows (C(also)). With O(partner), the key alone.
  returned: success
  type: dict
files:
  description: Where each key is. For one that is in the inventory, that it is there.
  returned: success
  type: dict
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.intercloud.vpn.plugins.module_utils._base.errors import VccError
from ansible_collections.intercloud.vpn.plugins.module_utils._pki.keys import (
    PPK,
    PSK,
    TLS_CRYPT,
    ensure_psks,
    key_name,
    kind_of,
    psk_path,
    read_psks,
)
from ansible_collections.intercloud.vpn.plugins.module_utils._pki.secret_rotation import for_partner


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "state_dir": {"type": "path", "required": True},
            "organization": {"type": "str"},
            "plan": {"type": "path"},
            "documents": {"type": "path"},  # the action plugin reads it
            "edge": {"type": "str"},
            "partner": {"type": "bool", "default": False},
            "tunnels": {"type": "list", "elements": "dict"},
        },
        required_one_of=[("plan", "documents", "tunnels")],
        required_together=[("plan", "edge"), ("organization", "tunnels")],
        supports_check_mode=True,
    )
    given = module.params
    place = (given["state_dir"], given["organization"])
    secrets, files, changed = {}, {}, False
    try:
        for kind in (PSK, PPK, TLS_CRYPT):
            tunnels = {tunnel["name"]: key_name(tunnel) for tunnel in given["tunnels"] if kind_of(tunnel) == kind}
            names = sorted(set(tunnels.values()))
            found: dict[str, str | None] = read_psks(*place, names, kind)
            if None in found.values():
                # Both ends of a tunnel ask for its PPK or tls-crypt key, and either may be the one that makes it: it
                # counts as the change of both that edge_commit reports.
                changed = changed or kind == PSK
                found = found if module.check_mode else dict(ensure_psks(*place, names, kind))
            lines = dict.fromkeys(names, "")
            if given["partner"] and kind == PSK:
                found, lines = for_partner(*place, found)
            secrets.update({tunnel: found[name] for tunnel, name in tunnels.items()})
            files.update({tunnel: f"{psk_path(*place, name, kind)}{lines[name]}" for tunnel, name in tunnels.items()})
        module.exit_json(changed=changed, secrets=secrets, files=files)
    except VccError as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
