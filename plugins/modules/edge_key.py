#!/usr/bin/python
# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make an org edge's private key where it is used, and ask for a certificate."""

from __future__ import annotations

DOCUMENTATION = r"""
module: edge_key
short_description: Make an org edge's private key and a certificate request
version_added: 1.0.0
author: The intercloud.vpn developers (@intercloud)
description:
  - Makes the private key of an org edge (ECDSA P-384) on the edge itself if it has none, and returns a certificate
    signing request for the IKE identity O(identity).
  - The private key never leaves the edge. It is in no result, no diff and no command line.
  - The request may be one that the edge's agent has made already, because the certificate is due for renewal.
  - An existing key is kept, whatever its type, unless it is one of O(refused); remove the file to have a new one made.
  - A key that replaces one is made beside it, C(intercloud-vpn-new.key). The request is for that key.
    M(intercloud.vpn.edge_commit) puts it into its place together with the certificate for it. Until then, the old key
    stays in use.
requirements:
  - C(openssl) 1.1.1 or later, the command
options:
  identity:
    description: The edge's IKE identity, a DNS name of at most 64 characters. The request's only name.
    type: str
    required: true
  organization:
    description: The organization that the edge belongs to, the request's C(O).
    type: str
    required: true
  path:
    description: Where the key is kept, mode V(0600). The default is where C(swanctl --load-creds) looks for it.
    type: path
    default: /etc/swanctl/private/intercloud-vpn.key
  refused:
    description:
      - SHA-256 (hexadecimal, of SubjectPublicKeyInfo in DER) of public keys whose certificates were revoked. A key that
        is one of them is to be replaced by a new one.
    type: list
    elements: str
    default: []
extends_documentation_fragment:
  - intercloud.vpn.attributes
  - intercloud.vpn.attributes.action
attributes:
  action:
    support: full
    details: It has the module run, and leaves facts and statistics out of what the edge returns.
  check_mode:
    support: full
    details: Predicts whether a key would be made. As long as there is none that can stay, RV(csr) is null.
  diff_mode:
    support: none
    details: A private key has no diff.
seealso:
  - module: intercloud.vpn.edge_certificate
"""

EXAMPLES = r"""
- name: Make the edge's key and a request for its certificate
  intercloud.vpn.edge_key:
    identity: edge-east.acme
    organization: acme
  register: vcc_edge_key
"""

RETURN = r"""
csr:
  description: The certificate signing request, PEM. Null in check mode as long as there is no key.
  returned: success
  type: str
public_key_sha256:
  description: SHA-256 of the public key (SubjectPublicKeyInfo, DER), hexadecimal. Null like RV(csr).
  returned: success
  type: str
path:
  description: Where the private key is that the request is for.
  returned: success
  type: str
"""

import hashlib
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

# It refuses an old Python.
# pylint: disable-next=unused-import
from ansible_collections.intercloud.vpn.plugins.module_utils import _node  # noqa: F401
from ansible_collections.intercloud.vpn.plugins.module_utils._base.names import IDENTITY, ORGANIZATION_KEPT
from ansible_collections.intercloud.vpn.plugins.module_utils._node.ipsec import certificates, request
from ansible_collections.intercloud.vpn.plugins.module_utils._node.state import Store
from ansible_collections.intercloud.vpn.plugins.module_utils._node.system import files
from ansible_collections.intercloud.vpn.plugins.module_utils._node.system.run import CommandError


class KeyFailure(Exception):
    """The key or the request could not be made; the message says why."""


def openssl(*arguments: str) -> bytes:
    """Run openssl with these arguments and return what it printed."""
    try:
        # pylint: disable-next=ansible-bad-function  # the tests make keys without an AnsibleModule, too
        done = subprocess.run(
            ["openssl", *arguments], stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=60
        )
    except FileNotFoundError:
        raise KeyFailure("openssl is not installed: install the package openssl") from None
    except subprocess.TimeoutExpired:
        raise KeyFailure(f"openssl {arguments[0]} did not end within 60 s") from None
    if done.returncode:
        raise KeyFailure(f"openssl {arguments[0]}: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout


def beside(path: str) -> str:
    """Where a key is made that is to take the place of the one at path."""
    place = Path(path)
    return str(place.with_name(f"{place.stem}-new{place.suffix}"))


def make_key(path: str, replace: bool = False) -> bool:
    """Make a key at path, whole or not at all. False: somebody else made one meanwhile, and theirs is kept.

    `replace`: the key that is there is not to be kept.
    """
    place = Path(path)
    before = os.umask(0o077)
    try:
        with files.named(place):
            place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            files.sweep(place.parent)  # copies of a key, of runs that were killed
        key = openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384")
        scratch = files.temporary(place)
        with files.named(place):
            try:
                with open(scratch, "wb") as file:  # mode 0600
                    file.write(key)
                    file.flush()
                    os.fsync(file.fileno())
                if replace:
                    os.replace(scratch, path)
                else:
                    os.link(scratch, path)  # unlike a rename, never replaces a key
            except FileExistsError:
                return False
            finally:
                scratch.unlink(missing_ok=True)
    finally:
        os.umask(before)
    return True


def is_loose(path: str) -> bool:
    """Whether others than the owner may do anything with the key."""
    return bool(os.stat(path).st_mode & 0o077)


def public_sha256(path: str) -> str:
    """SHA-256 of the public key (SubjectPublicKeyInfo, DER), hexadecimal."""
    # Whoever stands on a terminal is not to be asked for a passphrase: an encrypted key fails here.
    public = openssl("pkey", "-in", path, "-passin", "pass:", "-pubout", "-outform", "DER")
    return hashlib.sha256(public).hexdigest()


def converge(
    path: str, identity: str, organization: str, check: bool, refused: Sequence[str] = ()
) -> dict[str, object]:
    """Have a key at path, or beside it, that is none of those refused; return the module's result."""
    if not IDENTITY.fullmatch(identity):
        raise KeyFailure(f"identity: {identity!r} is not a DNS name of at most 64 characters")
    if not ORGANIZATION_KEPT.fullmatch(organization):
        raise KeyFailure(f"organization: {organization!r} must be letters, digits, '_', '.', '-', at most 63")
    if os.path.exists(path) and refused and public_sha256(path) in refused:
        path = beside(path)  # the old one is in use until there is a certificate for the new one
    present = os.path.exists(path)
    replace = bool(present and refused) and public_sha256(path) in refused
    if check and (replace or not present):
        return {"changed": True, "csr": None, "public_key_sha256": None, "path": path}
    changed = False if present and not replace else make_key(path, replace)
    if is_loose(path):
        changed = True
        if not check:
            os.chmod(path, 0o600)
    digest = public_sha256(path)
    csr = request.kept(Store(), identity, organization) if path == certificates.KEY else ""
    try:
        csr = csr or request.made(path, identity, organization)
    except CommandError as error:
        raise KeyFailure(str(error)) from error
    return {
        "changed": changed,
        "csr": csr,
        "public_key_sha256": digest,
        "path": path,
    }


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "identity": {"type": "str", "required": True},
            "organization": {"type": "str", "required": True},
            "path": {"type": "path", "default": certificates.KEY, "no_log": False},
            "refused": {"type": "list", "elements": "str", "default": []},
        },
        supports_check_mode=True,
    )
    given = module.params
    try:
        result = converge(given["path"], given["identity"], given["organization"], module.check_mode, given["refused"])
    except (KeyFailure, OSError) as failure:
        module.fail_json(msg=str(failure))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
