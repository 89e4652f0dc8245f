#!/usr/bin/python
# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Take out what a VCC node needs to bring its cloud to the plan."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cloud_part
short_description: Take out what a VCC node needs to bring its cloud to the plan
version_added: 1.0.0
author: The intercloud.vpn developers (@intercloud)
description:
  - Writes to the controller what C(apply_vpn) needs on a VCC node for the hosts of its cloud. That is a ledger with
    their documents, what authorities publish, and the keys of the tunnels that end there. The keys of authorities stay.
  - Signs the certificates that edges of the cloud asked for. The name in a certificate is what the ledger says,
    whatever the VCC node says.
  - Runs on the VCC server, usually by C(delegate_to).
extends_documentation_fragment:
  - intercloud.vpn.ledger
  - intercloud.vpn.ledger.state_dir
  - intercloud.vpn.attributes
options:
  requests:
    description: Certificate signing requests by edge, as M(intercloud.vpn.cloud_run) returned them.
    type: dict
    default: {}
  days:
    description: How long the certificates are valid that are signed. None outlives its authority.
    type: int
    default: 397
  certified_addresses:
    description: Whether the certificates of an authority that this call makes name addresses (RFC 3779).
    type: bool
    default: false
  organizations:
    description: The organizations that the run is about, all of the inventory when it is not given.
    type: list
    elements: str
    default: []
  hosts:
    description: The hosts of the cloud by organization. Filled in by the action plugin.
    type: dict
    default: {}
  given:
    description: The external edges whose pre-shared key the inventory has. Filled in by the action plugin.
    type: list
    elements: str
    default: []
attributes:
  check_mode:
    support: full
    details: No key is made and no certificate signed. Those that there are go into the part.
  diff_mode:
    support: none
    details: There is nothing to show.
notes:
  - The inventory is read by the action plugin of the same name, for the VCC node that the task is for.
seealso:
  - module: intercloud.vpn.cloud_run
"""

EXAMPLES = r"""
- name: Take out the cloud's part
  intercloud.vpn.cloud_part:
    ledger: "{{ vcc_ledger }}"
  delegate_to: "{{ groups.vcc_server | first }}"
  register: vcc_server_cloud_part
"""

RETURN = r"""
path:
  description: The directory on the controller. It is removed when the run ends.
  returned: success
  type: str
left_out:
  description: The hosts that no VCC node has. They are left to C(apply_vpn).
  returned: success
  type: list
  elements: str
generations:
  description: The generations by organization that the part holds.
  returned: success
  type: dict
"""

import re
from base64 import b64encode
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.intercloud.vpn.plugins.module_utils._base.errors import VccError
from ansible_collections.intercloud.vpn.plugins.module_utils._ledger.ledger import Transaction
from ansible_collections.intercloud.vpn.plugins.module_utils._ledger.part import ledger_file
from ansible_collections.intercloud.vpn.plugins.module_utils._pki import authority, ca, keys
from ansible_collections.intercloud.vpn.plugins.module_utils._plan.compile.certified import certified, identity_of
from ansible_collections.intercloud.vpn.plugins.module_utils._plan.part import nodes_of_part
from ansible_collections.intercloud.vpn.plugins.module_utils._server import (
    LEDGER_ARGUMENTS,
    STATE_DIR_ARGUMENT,
    ledger_exists,
    run_on_ledger,
)

ARGUMENTS = {
    **LEDGER_ARGUMENTS,
    **STATE_DIR_ARGUMENT,
    "requests": {"type": "dict", "default": {}},
    "days": {"type": "int", "default": ca.CERTIFICATE_DAYS},
    "certified_addresses": {"type": "bool", "default": False},
    "organizations": {"type": "list", "elements": "str", "default": []},
    "hosts": {"type": "dict", "default": {}},
    "given": {"type": "list", "elements": "str", "default": []},
}
# Of an authority's files, those that everybody may see.
PUBLISHED = re.compile(r"(?:next/)?(?:ca\.pem|crl\.pem|refused_keys|issued/[0-9a-f]+\.pem)|rotation\.json")
KINDS = (keys.PSK, keys.PPK, keys.TLS_CRYPT)


def _take(transaction: Transaction, hosts: dict[str, list[str]]) -> dict[str, Any]:
    """The ledger's part, and what its documents say of tunnels with keys, and of edges' names."""
    found: dict[str, Any] = {"generations": {}, "tunnels": {}, "identities": {}}
    needed = {}
    for organization, mine in hosts.items():
        documents = transaction.documents(organization, mine)
        if not documents:
            continue
        needed[organization] = nodes_of_part(transaction, organization, mine)
        found["generations"][organization] = transaction.generation(organization)
        found["tunnels"][organization] = []
        for node, record in documents.items():
            tunnels = record.document.get("tunnels", []) if record.role == "org_edge" else []
            found["tunnels"][organization] += filter(keys.kind_of, tunnels)
            if tunnels:
                identity = identity_of(record.document)
                found["identities"][node] = (organization, identity, certified(record.document))
    found["ledger"] = ledger_file(transaction.dump_part(needed))
    return found


def _published(state_dir: Path, organization: str) -> dict[str, bytes]:
    """The files of an organization's authority that everybody may see."""
    directory = authority.authority_directory(state_dir, organization)
    files = {path.relative_to(directory).as_posix(): path for path in sorted(directory.rglob("*"))}
    chosen = [path for name, path in files.items() if PUBLISHED.fullmatch(name) and path.is_file()]
    return {str(path.relative_to(state_dir)): path.read_bytes() for path in chosen}


def _keys(state_dir: Path, organization: str, tunnels: list[dict[str, Any]], check: bool) -> dict[str, bytes]:
    """The keys of tunnels. They are made here where they are missing: both ends of a tunnel have the same one."""
    files = {}
    for kind in KINDS:
        names = sorted({keys.key_name(tunnel) for tunnel in tunnels if keys.kind_of(tunnel) == kind})
        found = (keys.read_psks if check else keys.ensure_psks)(state_dir, organization, names, kind)
        for name, key in found.items():
            path = keys.psk_path(state_dir, organization, name, kind).relative_to(state_dir)
            files.update({str(path): f"{key}\n".encode()} if key else {})
    return files


def _signed(
    state_dir: Path,
    identities: dict[str, tuple[str, str, list[str]]],
    requests: dict[str, str],
    days: int,
    certifying: bool = False,
) -> dict[str, Any]:
    """The certificates that edges of this part asked for, valid for so many days. `certifying`: an authority that is
    made for them, see `ca.make_authority`."""
    signed = {}
    for edge in sorted({*requests} & {*identities}):
        organization, identity, addresses = identities[edge]
        _owner, issued = ca.issue(state_dir, organization, identity, requests[edge], days, addresses, certifying)
        signed[edge] = {
            "certificate": issued.certificate,
            "authority": authority.bundle(authority.trusted(state_dir, organization)),
        }
    return signed


def run(module: AnsibleModule) -> None:
    """The module's work."""
    given, check = module.params, module.check_mode
    if not ledger_exists(module):
        module.fail_json(msg=f"vcc_ledger: {given['ledger']}: there is no ledger, so there is nothing to apply")
    state_dir = Path(given["state_dir"])
    part = run_on_ledger(module, lambda transaction: _take(transaction, given["hosts"]))
    psk = {  # in the inventory, by tunnel: the action knows the keys
        keys.psk_path("", organization, tunnel["name"]).as_posix(): tunnel["peer"]
        for organization, tunnels in part["tunnels"].items()
        for tunnel in tunnels
        if keys.kind_of(tunnel) == keys.PSK and tunnel["peer"] in given["given"]
    }
    files = {"ledger.sqlite": part["ledger"]}
    try:
        asked, certifying = given["requests"], given["certified_addresses"]
        signed = {} if check else _signed(state_dir, part["identities"], asked, given["days"], certifying)
        for organization in part["generations"]:
            files.update(_published(state_dir, organization))
            tunnels = part["tunnels"][organization]
            made = [one for one in tunnels if keys.psk_path("", organization, one["name"]).as_posix() not in psk]
            files.update(_keys(state_dir, organization, made, check))
    except (VccError, OSError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(
        changed=bool(signed),
        generations=part["generations"],
        signed=signed,
        psk=psk,
        files={name: b64encode(content).decode() for name, content in files.items()},
    )


def main() -> None:
    """Run the module."""
    run(AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True))


if __name__ == "__main__":
    main()
