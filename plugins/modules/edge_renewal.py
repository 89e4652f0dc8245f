#!/usr/bin/python
# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: edge_renewal
short_description: Tell whether an org edge's certificate is due for renewal, and renew it
version_added: "1.0.0"
author:
  - The intercloud.vpn developers (@intercloud)
description:
  - Tells whether the certificate of an org edge is due for renewal, and returns the request for the next one if so.
  - A renewal that was interrupted is finished.
  - With O(certificate), gives the generation that the edge runs this certificate. The rest of the generation stays what
    it is, whatever was planned meanwhile. Tunnels stay up; see M(intercloud.vpn.edge_commit).
  - Does nothing on an edge that has no tunnels with certificates, or is another organization's.
options:
  identity:
    description: The edge's IKE identity by the inventory. An edge that has another one is not renewed.
    type: str
    required: true
  organization:
    description: The organization that the edge belongs to.
    type: str
    required: true
  days:
    description:
      - The certificate is due when it has fewer days left. Without it, when less than a third of its lifetime is left.
    type: int
  certificate:
    description:
      - The new certificate, PEM. An authority that the edge trusts must have signed it. In check mode, any word stands
        for one that is not signed yet.
    type: str
  replaces:
    description:
      - The serial number (hexadecimal) of the certificate that O(certificate) replaces. If the edge has another one by
        now, nothing is done.
    type: str
    default: ""
extends_documentation_fragment:
  - intercloud.vpn.attributes
  - intercloud.vpn.attributes.action
attributes:
  action:
    support: full
    details: It asks the agent on the node, if that is of this version.
  check_mode:
    support: full
    details: Keeps no request on the edge.
  diff_mode:
    support: full
seealso:
  - module: intercloud.vpn.vpn_renewals
"""

EXAMPLES = r"""
- name: Look whether the certificate is due
  intercloud.vpn.edge_renewal:
    identity: edge-east.acme
    organization: acme
  register: org_edge_renewal
"""

RETURN = r"""
needed:
  description: Whether the edge has a tunnel with certificates.
  type: bool
  returned: success
due:
  description: Whether its certificate is due for renewal by the edge's clock, or missing.
  type: bool
  returned: success
csr:
  description: The request for the next one, PEM. Null if none is due, or with O(certificate).
  type: str
  returned: success
serial:
  description: The serial number of the certificate that it has, hexadecimal.
  type: str
  returned: success
not_after:
  description: When that ends, ISO 8601 in UTC.
  type: str
  returned: success
due_from:
  description: From when it is due, ISO 8601 in UTC.
  type: str
  returned: without O(certificate), if the edge has a tunnel with certificates
clock:
  description: The edge's clock, ISO 8601 in UTC.
  type: str
  returned: like RV(due_from)
crl:
  description: The edge's list of revocations, PEM. Empty if it has none.
  type: str
  returned: like RV(due_from)
problem:
  description: Why it cannot be renewed; empty if it can.
  type: str
  returned: success
subsystems:
  description: What is changed, by subsystem; subsystems where nothing is are left out.
  type: dict
  returned: with O(certificate), or if a renewal was interrupted
  sample: {certificates: {changed: true, actions: ["install /etc/swanctl/x509/intercloud-vpn.pem"]}}
generation:
  description: The name of the node's generation.
  type: str
  returned: like RV(subsystems)
confirm:
  description: Whether M(intercloud.vpn.edge_confirm) has something to do, because peers have to authenticate anew.
  type: bool
  returned: like RV(subsystems)
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.intercloud.vpn.plugins.module_utils._node import agent
from ansible_collections.intercloud.vpn.plugins.module_utils._node.arguments import RENEWAL
from ansible_collections.intercloud.vpn.plugins.module_utils._node.renewal import renewal
from ansible_collections.intercloud.vpn.plugins.module_utils._node.state import Store

SHIPPED = agent.COMMANDS  # the agent on the node is compared with what this module carries along: import all of it


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec=RENEWAL,
        supports_check_mode=True,
    )
    result = renewal(module.params, Store(), module.check_mode)
    (module.fail_json if result.get("msg") else module.exit_json)(**result)


if __name__ == "__main__":
    main()
