#!/usr/bin/python
# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sign what org edges ask for whose certificates are due for renewal."""

from __future__ import annotations

DOCUMENTATION = r"""
module: vpn_renewals
short_description: Sign the certificates of org edges that are due for renewal
version_added: 1.0.0
author: The intercloud.vpn developers (@intercloud)
description:
  - Signs the requests of org edges, with the authorities of their organizations. Runs on the VCC server. It never makes
    an authority.
  - Of an edge that could not be asked, tells whether its newest certificate is due, and whether the ledger has the edge
    in a VPN.
  - Signs nothing for keys whose certificates were revoked, and nothing for an organization of which an edge knows of
    revocations that the VCC server does not know.
extends_documentation_fragment:
  - intercloud.vpn.ledger
  - intercloud.vpn.ledger.state_dir
  - intercloud.vpn.attributes
  - intercloud.vpn.attributes.action
requirements:
  - cryptography >= 38
options:
  organizations:
    description: The organizations that the run is about, all of the inventory when it is empty.
    type: list
    elements: str
    default: []
  variable:
    description:
      - The variable in which the hosts of the play registered what M(intercloud.vpn.edge_renewal) returned. Without it,
        nothing is signed, and RV(edges) tells which edges are to be asked.
    type: str
  days:
    description: How long certificates are valid. None outlives its authority.
    type: int
    default: 397
  installed:
    description:
      - The variable in which the hosts of the play registered what M(intercloud.vpn.edge_renewal) returned with a
        certificate. With it, nothing is signed. The authorities note which edges have their new certificates.
    type: str
  edges:
    description: What the hosts registered. Filled in by the action plugin.
    type: dict
    default: {}
  lists:
    description: The lists of revocations that edges have, by organization and edge. Filled in by the action plugin.
    type: dict
    default: {}
  answered:
    description:
      - The edges that answered, each with the serial number of its certificate. The authorities note that it has
        arrived, as a run that was killed may not have done. Filled in by the action plugin.
    type: dict
    default: {}
attributes:
  action:
    support: full
    details: It knows the inventory and what hosts registered, and calls the module if there is something to do.
  check_mode:
    support: full
    details: Signs nothing. In RV(certificates), a word stands for each certificate.
  diff_mode:
    support: none
seealso:
  - module: intercloud.vpn.edge_renewal
  - module: intercloud.vpn.edge_certificate
"""

EXAMPLES = r"""
- name: Sign what is due
  intercloud.vpn.vpn_renewals:
    state_dir: /var/lib/intercloud-vpn
    variable: org_edge_renewal
    days: 30
  delegate_to: "{{ groups['vcc_server'] | first }}"
  run_once: true
  register: vcc_server_renewals
"""

RETURN = r"""
edges:
  description: The org edges of ours in the inventory, each with C(identity) and C(organization).
  returned: success
  type: dict
certificates:
  description: The certificates that were signed, PEM, by edge.
  returned: with O(variable)
  type: dict
wrong:
  description: The edges whose certificates are due and were not renewed, each with the reason.
  returned: with O(variable)
  type: dict
notes:
  description: What there is to say of other edges.
  returned: with O(variable)
  type: dict
"""

import contextlib

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ansible_collections.intercloud.vpn.plugins.module_utils._base.errors import VccError
from ansible_collections.intercloud.vpn.plugins.module_utils._ledger.ledger import Ledger
from ansible_collections.intercloud.vpn.plugins.module_utils._pki.authority import HAS_CRYPTOGRAPHY
from ansible_collections.intercloud.vpn.plugins.module_utils._pki.ca import CERTIFICATE_DAYS
from ansible_collections.intercloud.vpn.plugins.module_utils._pki.renewals import Edge, installed, renew
from ansible_collections.intercloud.vpn.plugins.module_utils._plan.compile.certified import of_applied
from ansible_collections.intercloud.vpn.plugins.module_utils._server import (
    LEDGER_ARGUMENTS,
    STATE_DIR_ARGUMENT,
    ledger_exists,
)
from ansible_collections.intercloud.vpn.plugins.module_utils._status.in_vpns import in_vpns

ARGUMENTS = {
    **LEDGER_ARGUMENTS,
    **STATE_DIR_ARGUMENT,
    "organizations": {"type": "list", "elements": "str", "default": []},
    "variable": {"type": "str"},
    "days": {"type": "int", "default": CERTIFICATE_DAYS},
    "installed": {"type": "str"},
    "edges": {"type": "dict", "default": {}},
    "lists": {"type": "dict", "default": {}},
    "answered": {"type": "dict", "default": {}},
}
PREDICTED = "a certificate that is not signed yet"


def _known(module: AnsibleModule) -> tuple[list[str] | None, dict[str, dict[str, list[str]]]]:
    """The nodes that are in VPNs, and the addresses that edges' certificates name.

    None and nothing where no ledger says that: it keeps no certificate from being renewed.
    """
    if not ledger_exists(module):
        return None, {}
    try:
        return Ledger(module.params["ledger"]).run(
            lambda transaction: ([*in_vpns(transaction)], of_applied(transaction)), dry_run=True
        )
    except VccError:
        return None, {}


def run(module: AnsibleModule) -> None:
    """The module's work."""
    if not HAS_CRYPTOGRAPHY:
        module.fail_json(msg=missing_required_lib("cryptography >= 38"))
    given = module.params
    edges = {name: Edge(**one) for name, one in given["edges"].items()}
    if given["installed"]:
        try:
            if not module.check_mode:
                installed(given["state_dir"], edges)
        except VccError as error:
            module.fail_json(msg=str(error))
        module.exit_json(changed=False)
    for name, one in given["answered"].items() if not module.check_mode else ():
        with contextlib.suppress(VccError):  # of an authority that cannot be read, `renew` says so to whom it concerns
            installed(given["state_dir"], {name: Edge(**one)})
    needed, addresses = _known(module)
    found = renew(
        given["state_dir"], edges, given["days"], needed, module.check_mode, given["lists"], addresses=addresses
    )
    module.exit_json(
        changed=bool(found.signed),
        certificates={name: issued.certificate or PREDICTED for name, issued in found.signed.items()},
        wrong=found.wrong,
        notes=found.notes,
    )


def main() -> None:
    """Run the module."""
    run(AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True))


if __name__ == "__main__":
    main()
