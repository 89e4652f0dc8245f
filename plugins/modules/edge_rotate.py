#!/usr/bin/python
# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Give an org edge other credentials, and tell what it has."""

from __future__ import annotations

DOCUMENTATION = r"""
module: edge_rotate
short_description: Give an org edge another certificate, other authorities, or other keys of its tunnels
version_added: 1.0.0
author: The intercloud.vpn developers (@intercloud)
description:
  - Gives the generation that an org edge has another certificate, other authorities to trust or another revocation
    list, and tells what the edge has and uses then. The rest of the generation stays what it is.
  - IPsec tunnels that this edge initiates are made again behind a second IKE_SA, which carries their links meanwhile.
    M(intercloud.vpn.edge_confirm) asks the peers of the others to do the same. OpenVPN processes restart.
  - Does nothing on an edge that has no tunnels with certificates or pre-shared keys, or is another organization's.
  - Without O(certificate), O(authority), O(crl) and O(secrets), it only tells.
options:
  organization:
    description: The organization whose edge it is.
    type: str
    required: true
  order:
    description:
      - What the edge is to have, its entry of RV(intercloud.vpn.vpn_rotation#module:orders). RV(owed) tells what of it
        the edge lacks.
    type: dict
  certificate:
    description:
      - The certificate, PEM. It must be for the edge's private key, or for the one that M(intercloud.vpn.edge_key) made
        beside it.
    type: str
  authority:
    description: The certificates of the authorities to trust, PEM.
    type: str
  crl:
    description:
      - The revocation list, as M(intercloud.vpn.edge_revocation) returns it. An older one never replaces a newer one.
    type: str
  secrets:
    description: Keys of tunnels, as M(intercloud.vpn.edge_psk) returns them. The other tunnels keep theirs.
    type: dict
  settle:
    description: How many seconds there are for RV(drift) to go, while peers make tunnels again.
    type: int
    default: 0
extends_documentation_fragment:
  - intercloud.vpn.attributes
  - intercloud.vpn.attributes.action
attributes:
  action:
    support: full
    details: It asks the agent on the node, if that is of this version, and holds the answer against O(order).
  check_mode:
    support: full
  diff_mode:
    support: full
seealso:
  - module: intercloud.vpn.vpn_rotation
  - module: intercloud.vpn.edge_key
  - module: intercloud.vpn.edge_certificate
"""

EXAMPLES = r"""
- name: Give the edge its new certificate
  intercloud.vpn.edge_rotate:
    organization: acme
    certificate: "{{ vcc_edge_certificate.certificate }}"
    authority: "{{ vcc_edge_certificate.authority }}"
"""

RETURN = r"""
concerned:
  description: Whether the edge is this organization's and has tunnels with certificates or pre-shared keys.
  type: bool
  returned: success
certificate:
  description: The edge's certificate, as M(intercloud.vpn.edge_info) returns it.
  type: dict
  returned: success
drift:
  description: What its daemons have not loaded of that, or still use, in words.
  type: list
  elements: str
  returned: success
  sample: [edge-east--edge-west still uses certificate 4f1c]
owed:
  description: With O(order), whether the edge needs another C(key), C(certificate) or C(authority), or C(secrets).
  type: dict
  returned: success
  sample: {key: false, certificate: true, authority: false, secrets: false}
secrets:
  description:
    - The tunnels that have keys of their own, with the number of the key in C(use), of the one that the edge is to use
      (C(to_use)), and of all that it has (C(held)). The keys are not in it.
  type: dict
  returned: success
  sample: {edge-east--edge-west: {use: 1, to_use: 1, held: [1, 2]}}
subsystems:
  description: What is changed, by subsystem; subsystems where nothing is are left out.
  type: dict
  returned: success
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.intercloud.vpn.plugins.module_utils._node import agent, rotate
from ansible_collections.intercloud.vpn.plugins.module_utils._node.arguments import ROTATE
from ansible_collections.intercloud.vpn.plugins.module_utils._node.state import Store

SHIPPED = agent.COMMANDS  # the agent on the node is compared with what this module carries along: import all of it


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec=ROTATE,
        supports_check_mode=True,
    )
    result = rotate.rotate(module.params, Store(), module.check_mode)
    (module.fail_json if result.get("msg") else module.exit_json)(**result)


if __name__ == "__main__":
    main()
