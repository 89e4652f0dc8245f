#!/usr/bin/python
# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask a machine what it is, before anything is planned for it."""

from __future__ import annotations

DOCUMENTATION = r"""
module: node_survey
short_description: Ask a machine what it is before a plan is made
version_added: 1.0.0
author: The intercloud.vpn developers (@intercloud)
description:
  - Returns what a machine says of itself. This is its inventory name and generation by its own records, its devices
    with their addresses, and its routes. Changes nothing.
  - M(intercloud.vpn.vpn_plan) reads what was registered as C(vcc_survey). It refuses a plan that the machines
    contradict, and names the machines that are behind, ahead or silent.
  - A host that does not answer does not fail. RV(silent) says why.
  - External edges and the members behind them are skipped, as Ansible does not log in to them.
options:
  organizations:
    description: The organizations that the run is about. Hosts of others are skipped. All when it is empty.
    type: list
    elements: str
    default: []
extends_documentation_fragment:
  - intercloud.vpn.attributes
  - intercloud.vpn.attributes.action
attributes:
  action:
    support: full
    details: It runs one command on the machine, and copies no file there.
  check_mode:
    support: full
  diff_mode:
    support: none
seealso:
  - module: intercloud.vpn.vpn_plan
"""

EXAMPLES = r"""
- name: Ask the machines what they are
  intercloud.vpn.node_survey:
  register: vcc_survey
"""

RETURN = r"""
node:
  description: The inventory name that the machine was given; empty on a new machine.
  returned: the machine answered
  type: str
organization:
  description: The organization that the machine was given; empty on a new machine.
  returned: the machine answered
  type: str
generation:
  description: The number of the generation that the machine was last told; 0 for none.
  returned: the machine answered
  type: int
ledger:
  description: The identity of the ledger that the generation came from, as far as the machine knows it.
  returned: the machine answered
  type: str
chain:
  description: The generation's place in the ledger's chain, as far as the machine knows it.
  returned: the machine answered
  type: str
runs:
  description: The VPN blocks of that generation, and the address that each of its tunnels leaves by.
  returned: the machine answered
  type: dict
  sample: {blocks: [100.64.0.0/24], tunnels: {edge-east--edge-west: 203.0.113.2}}
slices:
  description: On a VCC node, the number of the generation of each organization's slice.
  returned: the machine answered
  type: dict
python:
  description: The version of the Python that answered.
  returned: the machine answered
  type: str
  sample: 3.11.2
devices:
  description: Every device that is not of ours, with its link-layer address and the addresses that others gave it.
  returned: the machine answered
  type: dict
  sample: {eth0: {mac: "02:00:00:00:00:01", addresses: [192.168.1.11/24]}}
own:
  description: The addresses that the collection gave to devices.
  returned: the machine answered
  type: list
  elements: str
routes:
  description:
    - The routes of all tables that are not of ours. The first word is the prefix.
    - Empty when there are more than 10000. Then only M(intercloud.vpn.edge_commit) compares them.
  returned: the machine answered
  type: list
  elements: str
  sample: [0.0.0.0/0 via 192.168.1.1 dev eth0, 10.1.0.0/16 via 192.168.1.9 dev eth0 table 52]
boot:
  description: Tells the machine, since it was switched on, from others.
  returned: the machine answered
  type: str
time:
  description: The machine's clock, in seconds since 1970.
  returned: the machine answered
  type: int
silent:
  description: Why the machine did not answer.
  returned: the machine did not answer
  type: str
"""
