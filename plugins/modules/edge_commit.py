#!/usr/bin/python
# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: edge_commit
short_description: Bring a node to a generation of its plan
version_added: "1.0.0"
author:
  - The intercloud.vpn developers (@intercloud)
description:
  - Compares what is loaded on a node (nftables, addresses, routes, devices, kernel settings, strongSwan's
    connections, OpenVPN's processes) with the node's document, validates all of what is wanted, and makes the node
    so in one call.
  - When activation fails, the node is back on its previous generation at once. Unless
    M(intercloud.vpn.edge_confirm) confirms it in time, the node goes back by itself, also after a reboot.
  - A document without any entry removes everything again.
options:
  documents:
    description:
      - A directory on the controller that holds each node's document as C(<inventory_hostname>.json). A host without
        one is skipped, and not contacted.
      - One of O(documents) and O(document) is required.
    type: path
  document:
    description: The node's document itself.
    type: dict
  templates:
    description:
      - Files to render on the controller and send along, as C({name of the file on the node. name of the template}).
        Templates are looked for as M(ansible.builtin.template) does it, and see C(document), C(backend) and C(trap).
      - The node's code knows C(swanctl.conf), C(nftables.nft), and for tunnels of kind ssl C(openvpn.client.conf),
        C(openvpn.server.conf) and C(openvpn.peer), which are rendered once for each process or peer.
    type: dict
    default: {}
  files:
    description:
      - Files that are rendered already, by name. Filled from O(templates).
      - C(neighbours.json) has the link-layer addresses of the node's neighbours, as the machines told them. The node
        keeps those that are not given.
    type: dict
    default: {}
  backend:
    description: The IPsec backend of the node; see M(intercloud.vpn.edge_info).
    type: str
    choices: [xfrm, libipsec, none]
    default: none
  trap:
    description: Whether the backend can have trap policies. Only handed to the templates.
    type: bool
    default: false
  certificates:
    description: Certificates to install, in PEM. The node keeps those that are not given.
    type: dict
    suboptions:
      certificate:
        description: The edge's certificate.
        type: str
      authority:
        description: The certificate of the authority that signed it, and the other edges'.
        type: str
      crl:
        description:
          - What that authority revoked, as M(intercloud.vpn.edge_revocation) made it. The newest list counts, also
            after the node went back to an earlier generation. Tunnels that are up by a certificate in it are ended.
        type: str
  secrets:
    description:
      - The pre-shared keys of tunnels to external edges, and the PPKs and tls-crypt keys of others, by the tunnel's
        name. The node keeps those that are not given.
      - V(null), in check mode, stands for a key that the real run would make.
    type: dict
  confirm_timeout:
    description:
      - The node rolls back after so many seconds unless M(intercloud.vpn.edge_confirm) came first.
      - V(0) confirms at once.
    type: int
    default: 60
  lineage:
    description:
      - The ledger that the generation is of, its hash, and the generations of this node that it descends from. Filled
        from O(documents). A document without one is only held against the number of the node's generation.
    type: dict
  dhcp_require:
    description: Packages that have to be there besides O(require), if the document has the node serve DHCP.
    type: list
    elements: raw
    default: []
extends_documentation_fragment:
  - intercloud.vpn.attributes
  - intercloud.vpn.generation
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details: Key material is never shown.
seealso:
  - module: intercloud.vpn.edge_confirm
  - module: intercloud.vpn.node_info
"""

EXAMPLES = r"""
- name: Bring every node to the generation just planned
  intercloud.vpn.edge_commit:
    documents: "{{ vcc_plan_documents }}"
    templates:
      nftables.nft: nftables.nft.j2
"""

RETURN = r"""
subsystems:
  description: What is changed, by subsystem; subsystems where nothing is are left out.
  type: dict
  returned: when the node was compared
  sample: {routes: {changed: true, actions: ["add 100.64.0.0/24 via 192.168.1.1"]}}
generation:
  description: The name of the node's generation; empty for none.
  type: str
  returned: when the node was compared
new:
  description: Whether the machine held nothing of ours before, and takes the document's name from now on.
  type: bool
  returned: when the node was compared
unconfirmed:
  description: Whether the node waits for M(intercloud.vpn.edge_confirm).
  type: bool
  returned: when the node was compared
links:
  description: Every link of an org edge, with the state of its CHILD_SA.
  type: list
  elements: dict
  returned: when the node was compared
  sample: [{vpn: payroll, tunnel: edge-east--edge-west, initiator: true, state: INSTALLED}]
unmet:
  description:
    - The tunnels that a peer initiates and of which this node has no IKE_SA, or no session. A peer of the same run is
      told of it by M(intercloud.vpn.edge_confirm), and does not wait for DPD.
  type: list
  elements: str
  returned: when the node was compared
  sample: [edge-east--edge-west]
confirm:
  description:
    - Whether M(intercloud.vpn.edge_confirm) has something to do, because the node was changed, is not confirmed, or
      has links to initiate.
  type: bool
  returned: success
missing_packages:
  description: Packages of O(require) that are not there; then nothing else was done.
  type: list
  elements: str
  returned: success
family:
  description: The node's family of distributions, V(Debian), V(RedHat), or empty for any other.
  type: str
  returned: when packages are missing
rolled_back:
  description: Whether activation failed and the node is back on the generation it had.
  type: bool
  returned: failure
problems:
  description: What is wrong with the wanted state, by subsystem; the node was not touched.
  type: list
  elements: dict
  returned: when validation failed
  sample: [{subsystem: addresses, problem: "100.64.0.17/32: the device that holds 192.168.1.11 is not there"}]
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.intercloud.vpn.plugins.module_utils._node import agent
from ansible_collections.intercloud.vpn.plugins.module_utils._node import module as _module
from ansible_collections.intercloud.vpn.plugins.module_utils._node.arguments import COMMIT, COMMIT_RULES
from ansible_collections.intercloud.vpn.plugins.module_utils._node.state import Store

SHIPPED = agent.COMMANDS  # the agent is installed from what this module carries along: all of it has to be imported


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec=COMMIT,
        **COMMIT_RULES,
        supports_check_mode=True,
    )
    result = _module.commit(module.params, Store(), module.check_mode)
    for note in result.pop("notes", []):
        module.warn(note)
    (module.fail_json if result.get("msg") else module.exit_json)(**result)


if __name__ == "__main__":
    main()
