#!/usr/bin/python
# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Take out what a VCC node needs to bring its cloud to the plan."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cloud_part
short_description: Take out what a VCC node needs to bring its cloud to the plan
version_added: 0.1.0
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
  hosts:
    description: The hosts of the cloud. Filled in by the action plugin.
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
hosts:
  description: The hosts of the cloud.
  returned: success
  type: list
  elements: str
generations:
  description: The generations by organization that the part holds.
  returned: success
  type: dict
"""

from base64 import b64encode
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.intercloud.vpn.plugins.module_utils._base.errors import VccError
from ansible_collections.intercloud.vpn.plugins.module_utils._ledger.ledger import Transaction
from ansible_collections.intercloud.vpn.plugins.module_utils._ledger.part import ledger_file
from ansible_collections.intercloud.vpn.plugins.module_utils._pki import authority, ca, csr, keys
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
    "hosts": {"type": "list", "elements": "str", "default": []},
}
PRIVATE = ("ca.key", "lock")  # of an authority, what stays


def _take(transaction: Transaction, hosts: list[str]) -> dict[str, Any]:
    """The ledger's part, and what its documents say of organizations, tunnels with keys, and edges' names."""
    found: dict[str, Any] = {"generations": {}, "tunnels": {}, "identities": {}}
    for organization in transaction.organizations():
        documents = transaction.documents(organization, hosts)
        if not documents:
            continue
        found["generations"][organization] = transaction.generation(organization)
        for node, record in documents.items():
            tunnels = record.document.get("tunnels", []) if record.role == "org_edge" else []
            found["tunnels"].setdefault(organization, []).extend(filter(keys.kind_of, tunnels))
            if tunnels:
                found["identities"][node] = (organization, str(tunnels[0]["local_id"]))
    found["ledger"] = ledger_file(transaction.dump_part(hosts))
    return found


def _published(state_dir: Path, organization: str) -> dict[str, bytes]:
    """The files of an organization's authority, but for what is private."""
    directory = authority.authority_directory(state_dir, organization)
    files = [path for path in sorted(directory.rglob("*")) if path.is_file() and path.name not in PRIVATE]
    return {str(path.relative_to(state_dir)): path.read_bytes() for path in files}


def _keys(state_dir: Path, organization: str, tunnels: list[dict[str, Any]], check: bool) -> dict[str, bytes]:
    """The keys of tunnels. They are made here where they are missing: both ends of a tunnel have the same one."""
    files = {}
    for kind in (keys.PSK, keys.PPK, keys.TLS_CRYPT):
        names = sorted({keys.key_name(tunnel) for tunnel in tunnels if keys.kind_of(tunnel) == kind})
        found = (keys.read_psks if check else keys.ensure_psks)(state_dir, organization, names, kind)
        for name, key in found.items():
            path = keys.psk_path(state_dir, organization, name, kind).relative_to(state_dir)
            files.update({str(path): f"{key}\n".encode()} if key else {})
    return files


def _signed(state_dir: Path, identities: dict[str, tuple[str, str]], requests: dict[str, str]) -> dict[str, Any]:
    """The certificates that edges of this part asked for."""
    signed = {}
    for edge in sorted({*requests} & {*identities}):
        organization, identity = identities[edge]
        csr.check_request(requests[edge], identity, organization)
        owner = ca.ensure_authority(state_dir, organization)
        signed[edge] = {
            "certificate": ca.sign(owner, requests[edge], identity).certificate,
            "authority": owner.pem,
        }
    return signed


def run(module: AnsibleModule) -> None:
    """The module's work."""
    given, check = module.params, module.check_mode
    if not ledger_exists(module):
        module.fail_json(msg=f"vcc_ledger: {given['ledger']}: there is no ledger, so there is nothing to apply")
    hosts, state_dir = sorted(given["hosts"]), Path(given["state_dir"])
    part = run_on_ledger(module, lambda transaction: _take(transaction, hosts))
    files = {"ledger.sqlite": part["ledger"]}
    try:
        signed = {} if check else _signed(state_dir, part["identities"], given["requests"])
        for organization in part["generations"]:
            files.update(_published(state_dir, organization))
            files.update(_keys(state_dir, organization, part["tunnels"].get(organization, []), check))
    except (VccError, OSError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(
        changed=bool(signed),
        generations=part["generations"],
        signed=signed,
        files={name: b64encode(content).decode() for name, content in files.items()},
    )


def main() -> None:
    """Run the module."""
    run(AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True))


if __name__ == "__main__":
    main()
