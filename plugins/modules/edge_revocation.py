#!/usr/bin/python
# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Revoke an org edge's certificates with its organization's authority."""

from __future__ import annotations

DOCUMENTATION = r"""
module: edge_revocation
short_description: Revoke an org edge's certificates on the VCC server
version_added: "1.0.0"
author: The intercloud.vpn developers (@intercloud)
description:
  - Revokes every certificate of an org edge that is still valid, in the revocation list of its organization's
    authority. Runs on the VCC server. An edge that got another name has some by its old name, for the same key.
  - Revoking what is revoked already changes nothing. The keys of revoked certificates are never certified again.
  - The edges learn of it from M(intercloud.vpn.edge_crl) or M(intercloud.vpn.edge_commit).
requirements:
  - cryptography >= 38
options:
  state_dir:
    description: The VCC server's state directory. The authorities are in C(ca/<organization>) below.
    type: path
    required: true
  name:
    description:
      - The edge, by its name (V(edge-west)) or its IKE identity (V(edge-west.acme)). It need not be in the inventory
        any more.
    type: str
    required: true
  organizations:
    description: The organizations whose edge it may be. When it is not given, those of the inventory's hosts.
    type: list
    elements: str
extends_documentation_fragment:
  - intercloud.vpn.attributes
  - intercloud.vpn.attributes.action
attributes:
  action:
    support: full
    details: It knows the organizations and edges of the inventory, and calls the module on the VCC server.
  check_mode:
    support: full
    details: Writes nothing. RV(crl) is the list as it would be.
  diff_mode:
    support: none
seealso:
  - module: intercloud.vpn.edge_crl
  - module: intercloud.vpn.edge_certificate
"""

EXAMPLES = r"""
- name: Revoke what edge-west has
  intercloud.vpn.edge_revocation:
    state_dir: /var/lib/intercloud-vpn
    name: edge-west
  delegate_to: "{{ groups['vcc_server'] | first }}"
  register: vcc_server_revocation
"""

RETURN = r"""
identity:
  description: Whose certificates were revoked.
  returned: success
  type: str
identities:
  description: The same, and the other names that a certificate was revoked of, as it was for the same key.
  returned: success
  type: list
  elements: str
edges:
  description: The org edges of that organization in the inventory that are to be told, all but external ones.
  returned: success
  type: list
  elements: str
organization:
  description: The organization whose authority revoked them.
  returned: success
  type: str
revoked:
  description: The serial numbers (hexadecimal) of the certificates that this call revoked.
  returned: success
  type: list
  elements: str
crl:
  description: All that this authority revoked, PEM. Empty if that is nothing.
  returned: success
  type: str
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ansible_collections.intercloud.vpn.plugins.module_utils._base.errors import VccError
from ansible_collections.intercloud.vpn.plugins.module_utils._base.problems import did_you_mean
from ansible_collections.intercloud.vpn.plugins.module_utils._pki import authority, crl


def revoke(state_dir: str, name: str, check: bool, organizations: list[str] | None = None) -> dict[str, t.Any]:
    """Revoke; return the module's result."""
    found = crl.holders(state_dir, name, organizations)
    if not found:
        hint = did_you_mean(name, crl.edges_with_certificates(state_dir, organizations))
        raise VccError(f"vcc_revoke: {name}: no certificate was ever signed for it in {state_dir}/ca{hint}")
    if len(found) > 1:
        which = ", ".join(identity for _owner, identity in found)
        raise VccError(f"vcc_revoke: {name}: is an edge of several organizations; say which: {which}")
    owner, identity = found[0]
    text, new = crl.revoke_everywhere(state_dir, owner.organization, identity, check)
    return {
        "changed": bool(new),
        "identity": identity,
        "identities": sorted({identity, *(entry.identity for entry in new)}),
        "organization": owner.organization,
        "revoked": [entry.serial for entry in new],
        "crl": text,
    }


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "state_dir": {"type": "path", "required": True},
            "name": {"type": "str", "required": True},
            "organizations": {"type": "list", "elements": "str"},
        },
        supports_check_mode=True,
    )
    if not authority.HAS_CRYPTOGRAPHY:
        module.fail_json(msg=missing_required_lib("cryptography >= 38"))
    try:
        wanted = module.params
        module.exit_json(**revoke(wanted["state_dir"], wanted["name"], module.check_mode, wanted["organizations"]))
    except VccError as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
