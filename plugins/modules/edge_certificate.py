#!/usr/bin/python
# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sign an org edge's certificate with its organization's authority."""

from __future__ import annotations

DOCUMENTATION = r"""
module: edge_certificate
short_description: Sign an org edge's certificate on the VCC server
version_added: 1.0.0
author: The intercloud.vpn developers (@intercloud)
description:
  - Signs the certificate request of an org edge with the certification authority of its organization. Runs on the
    VCC server, which holds one authority per organization in O(state_dir); it is made when it is first needed.
  - The request must carry a valid signature, an accepted key (ECDSA on P-256, P-384 or P-521, RSA of 3072 bits or
    more, Ed25519) and no other name than O(identity).
  - Every call signs a new certificate. Call it when the edge has none, or one that soon expires.
requirements:
  - cryptography >= 38
options:
  state_dir:
    description: The VCC server's state directory. The authority is in C(ca/<organization>) below.
    type: path
    required: true
  organization:
    description:
      - The organization whose authority signs. It starts with a letter or digit and has letters, digits, V(_), V(.)
        and V(-) only, at most 63.
    type: str
    required: true
  identity:
    description: The edge's IKE identity, a DNS name of at most 64 characters. The certificate's only name.
    type: str
    required: true
  csr:
    description: The certificate signing request, PEM. May be missing in check mode, when the edge has no key yet.
    type: str
  days:
    description: How long the certificate is valid. It never outlives the authority.
    type: int
    default: 397
  addresses:
    description:
      - Prefixes that the edge may have behind it (RFC 3779), as RV(intercloud.vpn.edge_info#module:edge.addresses) has
        them. Peers accept no traffic selectors beyond these.
      - If this is not given, the certificate has the addresses of the newest one that was signed for O(identity). If
        there is none, nothing is signed.
      - An authority that was made without O(certified_addresses) signs without them.
    type: list
    elements: str
  certified_addresses:
    description:
      - Whether the certificates of an authority that this call makes name addresses. An authority that is there
        stays as it is.
    type: bool
    default: false
extends_documentation_fragment:
  - intercloud.vpn.attributes
attributes:
  check_mode:
    support: full
    details: Checks the request and writes nothing. RV(certificate) is null, RV(authority) if there is none yet.
  diff_mode:
    support: none
seealso:
  - module: intercloud.vpn.edge_key
"""

EXAMPLES = r"""
- name: Sign the edge's certificate
  intercloud.vpn.edge_certificate:
    state_dir: /var/lib/intercloud-vpn
    organization: acme
    identity: edge-east.acme
    csr: "{{ vcc_edge_key.csr }}"
    addresses: [100.64.0.0/26]
  delegate_to: "{{ groups['vcc_server'] | first }}"
  register: vcc_edge_certificate
"""

RETURN = r"""
certificate:
  description:
    - The signed certificate, PEM. In check mode a word in its place, from which M(intercloud.vpn.edge_commit) predicts
      that a certificate is going to be installed.
  returned: success
  type: str
authority:
  description:
    - The certificate of the organization's authority, PEM. While one takes the place of another, both.
    - Null in check mode when there is none yet.
  returned: success
  type: str
authority_sha256:
  description: SHA-256 of the certificate of the authority that signs (DER), hexadecimal. Null like RV(authority).
  returned: success
  type: str
serial:
  description: The certificate's serial number, hexadecimal. Null in check mode.
  returned: success
  type: str
not_after:
  description: When the certificate expires, ISO 8601, UTC. Null in check mode.
  returned: success
  type: str
"""

import typing as t
from collections.abc import Sequence

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ansible_collections.intercloud.vpn.plugins.module_utils._base.address_blocks import canonical
from ansible_collections.intercloud.vpn.plugins.module_utils._base.errors import VccError
from ansible_collections.intercloud.vpn.plugins.module_utils._pki import authority as _authority
from ansible_collections.intercloud.vpn.plugins.module_utils._pki import ca
from ansible_collections.intercloud.vpn.plugins.module_utils._pki import csr as _csr


def issue(
    state_dir: str,
    organization: str,
    identity: str,
    csr: str | None,
    days: int,
    addresses: Sequence[str] | None = None,
    certified_addresses: bool = False,
) -> dict[str, t.Any]:
    """Sign, making the authority if need be; return the module's result."""
    if not csr:
        raise VccError("csr: a certificate signing request is needed")
    authority, issued = ca.issue(state_dir, organization, identity, csr, days, addresses, certified_addresses)
    return _result(authority, issued, _authority.trusted(state_dir, organization))


PREDICTED = "a certificate that is not signed yet"


def predict(state_dir: str, organization: str, identity: str, csr: str | None) -> dict[str, t.Any]:
    """What issue would return, as far as it can be known without writing anything."""
    if csr:
        _csr.check_request(csr, identity, organization)
    known = _authority.trusted(state_dir, organization)
    return _result(_authority.signer(state_dir, organization), None, known)


def _result(
    authority: _authority.Authority | None, issued: ca.Issued | None, trusted: list[_authority.Authority]
) -> dict[str, t.Any]:
    return {
        "changed": True,
        "certificate": issued.certificate if issued else PREDICTED,
        "authority": _authority.bundle(trusted) or None,
        "authority_sha256": authority.sha256 if authority else None,
        "serial": issued.serial if issued else None,
        "not_after": issued.not_after if issued else None,
    }


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "state_dir": {"type": "path", "required": True},
            "organization": {"type": "str", "required": True},
            "identity": {"type": "str", "required": True},
            "csr": {"type": "str"},
            "days": {"type": "int", "default": ca.CERTIFICATE_DAYS},
            "addresses": {"type": "list", "elements": "str"},
            "certified_addresses": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    if not _authority.HAS_CRYPTOGRAPHY:
        module.fail_json(msg=missing_required_lib("cryptography >= 38"))
    given = dict(module.params)
    try:
        canonical(given["addresses"] or [])
        if module.check_mode:
            del given["days"], given["addresses"], given["certified_addresses"]
            module.exit_json(**predict(**given))
        module.exit_json(**issue(**given))
    except (VccError, ValueError) as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
