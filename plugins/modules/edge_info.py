#!/usr/bin/python
# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: edge_info
short_description: Tell what a node of the VPNs is made of
version_added: "1.0.0"
author:
  - The intercloud.vpn developers (@intercloud)
description:
  - Tells which packages are missing, which IPsec backend the kernel can serve, strongSwan's version, the running
    generation, and what there is to know about the edge's certificate.
  - Works on a node where nothing is installed yet. Never changes anything.
options:
  packages:
    description:
      - Names of packages to look for. In place of a name, a mapping of families of distributions (V(Debian), V(RedHat))
        to lists of names. The node takes those of its family, and fails if it is of another one.
    type: list
    elements: raw
    default: []
  links:
    description:
      - By family of distributions, links that the roles need, each with its target. Those that are not there are
        returned as RV(missing_links).
    type: dict
    default: {}
  backend:
    description:
      - The IPsec backend. V(auto) tries in a network namespace of its own whether the kernel has XFRM interfaces and
        ESP, and answers V(xfrm) or V(libipsec).
    type: str
    choices: [auto, xfrm, libipsec]
    default: auto
  days:
    description:
      - A certificate that ends within so many days does not count as valid. Without it, one that has less than a third
        of its lifetime left.
    type: int
  documents:
    description:
      - The directory on the controller that M(intercloud.vpn.vpn_plan) made. With it, RV(edge) is what the edge's
        document asks of it, and an edge where no tunnel ends is skipped without being contacted.
    type: path
  ssl_packages:
    description: Packages to look for besides, if the document has a tunnel of kind ssl.
    type: list
    elements: raw
    default: []
  names_packages:
    description: Packages to look for besides, if the document has a VPN with names, or serves DHCP.
    type: list
    elements: raw
    default: []
  bgp_packages:
    description: Packages to look for besides, if the document has a tunnel with BGP.
    type: list
    elements: raw
    default: []
  pair_packages:
    description: Packages to look for besides, if the edge is one of a pair.
    type: list
    elements: raw
    default: []
extends_documentation_fragment:
  - intercloud.vpn.attributes
  - intercloud.vpn.attributes.action
attributes:
  action:
    support: full
    details: It asks the agent on the node, if that is of this version.
  check_mode:
    support: full
  diff_mode:
    support: none
seealso:
  - module: intercloud.vpn.edge_commit
"""

EXAMPLES = r"""
- name: Ask an edge what it has
  intercloud.vpn.edge_info:
    packages: [nftables, {Debian: [charon-systemd], RedHat: [strongswan]}]
  register: edge
"""

RETURN = r"""
edge:
  description: What the edge's document asks of it.
  type: dict
  returned: with O(documents)
  contains:
    organization:
      description: Whose edge it is.
      type: str
    identity:
      description: Its IKE identity; empty where no tunnel ends.
      type: str
    needs_certificate:
      description: Whether it needs a certificate. An edge whose tunnels all have pre-shared keys needs none.
      type: bool
    needs_keys:
      description: Whether a tunnel has a pre-shared key, a PPK or a tls-crypt key.
      type: bool
    addresses:
      description:
        - What its certificate has to name (RFC 3779), the local traffic selectors of its tunnels. Prefixes, and ranges
          that are none.
      type: list
      elements: str
    peers:
      description: The edges at the other ends of its tunnels.
      type: list
      elements: str
missing_packages:
  description: The packages of O(packages) that are not installed.
  type: list
  elements: str
  returned: success
family:
  description: The node's family of distributions, V(Debian), V(RedHat), or empty for any other.
  type: str
  returned: success
missing_links:
  description: Of O(links), those of the node's family that are not there, with their targets.
  type: dict
  returned: success
backend:
  description: The IPsec backend, V(xfrm) or V(libipsec).
  type: str
  returned: success
strongswan:
  description: strongSwan's version; empty if it is not installed.
  type: str
  returned: success
trap:
  description: Whether the backend can have policies that bring a link up when its first packet comes.
  type: bool
  returned: success
generation:
  description: The number of the generation the node runs; 0 for none.
  type: int
  returned: success
unconfirmed:
  description: Whether that generation is not confirmed yet.
  type: bool
  returned: success
certificate:
  description: The edge's certificate.
  type: dict
  returned: success
  contains:
    present:
      description: Whether there is one that can be read.
      type: bool
    key:
      description: Whether there is a private key.
      type: bool
    fits:
      description: Whether the certificate is for that key.
      type: bool
    signed:
      description: Whether the installed authority signed it.
      type: bool
    valid:
      description: Whether all of this is so, and the certificate is valid now and not due for renewal (O(days)).
      type: bool
    serial:
      description: Its serial number, hexadecimal.
      type: str
    not_before:
      description: Its begin, ISO 8601 in UTC.
      type: str
    not_after:
      description: Its end, ISO 8601 in UTC.
      type: str
    due:
      description: From when it is due for renewal, a third of its lifetime before its end, ISO 8601 in UTC.
      type: str
    requested:
      description: Whether the edge keeps a request for the next one.
      type: bool
    identity:
      description: The first dNSName in it.
      type: str
    key_sha256:
      description: SHA-256 of its public key (SubjectPublicKeyInfo, DER).
      type: str
    authority_sha256:
      description:
        - SHA-256 of the certificate (DER) of the authority that signed it. Where no installed authority did, of the
          first of them.
      type: str
    authorities:
      description: The same of all installed authorities. There are two while one takes the place of another.
      type: list
      elements: str
    addresses:
      description: The prefixes and ranges that it names (RFC 3779). Null if it names none.
      type: list
      elements: str
    certifies:
      description: Whether the installed authority names addresses, so that edges refuse a certificate without any.
      type: bool
    covers:
      description: Whether it names all of RV(edge.addresses), or need not. With O(documents) only.
      type: bool
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.intercloud.vpn.plugins.module_utils._node.arguments import INFO
from ansible_collections.intercloud.vpn.plugins.module_utils._node.facts import info
from ansible_collections.intercloud.vpn.plugins.module_utils._node.state import Store


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec=INFO,
        supports_check_mode=True,
    )
    result = info(module.params, Store(), module.check_mode)
    (module.fail_json if result.get("msg") else module.exit_json)(**result)


if __name__ == "__main__":
    main()
