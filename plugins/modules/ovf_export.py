#!/usr/bin/python
# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write vApps as OVF packages."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ovf_export
short_description: Write vApps as OVF packages
version_added: 1.0.0
author: The intercloud.vpn developers (@intercloud)
description:
  - Writes the descriptor and the manifest of a vApp. The descriptor has the vApp edge, the VMs, their networks and
    addresses, and the VPNs that they are in. The vApp can be made again in another cloud with it.
  - The inventory plugin P(intercloud.vpn.ovf#inventory) reads the same hosts from it.
  - C(vcc_mac) of the hosts is in it, too. The inventory plugin reads it with C(macs) only.
  - A package has no disks. The hardware is the same for all VMs.
  - Runs on the controller, once.
options:
  plan:
    description: Path of the plan's summary C(plan.json) on the controller.
    type: path
    required: true
  vapps:
    description: The vApps, by the names of their vApp edges.
    type: list
    elements: str
    required: true
  dest:
    description: The directory for the files, each with the vApp's name.
    type: path
    default: .
  version:
    description: The version of OVF. Most programs read V(1.1).
    type: str
    choices: ["1.1", "2.0"]
    default: "1.1"
  cpus:
    description: The virtual CPUs of each VM.
    type: int
    default: 1
  memory:
    description: The memory of each VM, in MiB.
    type: int
    default: 1024
  key:
    description: A file with a private key (RSA or ECDSA, PEM, without a passphrase) that signs the manifest.
    type: path
  certificate:
    description: A file with the certificate of O(key), and those of its issuers, as PEM.
    type: path
extends_documentation_fragment:
  - intercloud.vpn.attributes
  - intercloud.vpn.attributes.action
attributes:
  action:
    support: full
    details: All of it runs there.
  check_mode:
    support: full
  diff_mode:
    support: none
seealso:
  - plugin: intercloud.vpn.ovf
    plugin_type: inventory
"""

EXAMPLES = r"""
- name: Write a vApp as a package
  intercloud.vpn.ovf_export:
    plan: "{{ vcc_server_plan.path }}"
    vapps: [shop-berlin]
    dest: packages
  run_once: true

- name: Write a signed one
  intercloud.vpn.ovf_export:
    plan: "{{ vcc_server_plan.path }}"
    vapps: [shop-berlin]
    dest: packages
    key: signing.key
    certificate: signing.pem
  run_once: true
"""

RETURN = r"""
files:
  description: The files of all packages.
  returned: success
  type: list
  elements: str
  sample: [packages/shop-berlin.ovf, packages/shop-berlin.mf]
"""
