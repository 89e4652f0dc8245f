#!/usr/bin/python
# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cloud_run
short_description: Run a playbook on a VCC node for the hosts of its cloud
version_added: 1.0.0
author: The intercloud.vpn developers (@intercloud)
description:
  - Sends this collection, an inventory of the hosts of the VCC node's cloud, and what the playbook reads to the VCC
    node, and runs the playbook there with C(ansible-runner worker). It takes one connection, the one to the VCC node.
  - What the run there reads of these hosts' variables goes along, as it is on the controller. Passwords are among it.
    The VCC node keeps nothing when the run has ended.
  - What comes back counts for the hosts of this cloud only.
  - Without a host in its cloud, or where another VCC node has them, the task is skipped.
requirements:
  - ansible-runner >= 2.3 on the controller and on the VCC node
  - what the collection needs of a controller (C(requirements.txt)), on the VCC node
options:
  playbook:
    description: The playbook, by its fully qualified name.
    type: str
    required: true
  part:
    description: What M(intercloud.vpn.cloud_part) took out for this cloud. It is used up.
    type: path
  probes:
    description: The directory of probes, as M(intercloud.vpn.vpn_probes) returned it.
    type: path
  nodes:
    description: The nodes that verify looks at.
    type: list
    elements: str
    default: []
  organizations:
    description: The organizations that the run is about, all of the inventory when it is not given.
    type: list
    elements: str
    default: []
  variables:
    description: Extra variables of the run there.
    type: dict
    default: {}
  runner:
    description: The program C(ansible-runner) on the VCC node, V(/opt/intercloud-vpn/bin/ansible-runner).
    type: str
    default: ansible-runner
extends_documentation_fragment:
  - intercloud.vpn.attributes
  - intercloud.vpn.attributes.action
attributes:
  action:
    support: full
    details: All of it runs there, but for the playbook.
  check_mode:
    support: full
    details: The playbook is run in check mode.
  diff_mode:
    support: none
seealso:
  - module: intercloud.vpn.cloud_part
"""

EXAMPLES = r"""
- name: Apply the cloud's part there
  intercloud.vpn.cloud_run:
    playbook: intercloud.vpn.part_apply
    part: "{{ vcc_server_cloud_part.path }}"
  register: vcc_server_cloud
"""

RETURN = r"""
applied:
  description: The nodes that run their document.
  returned: success
  type: list
  elements: str
given_up:
  description: The nodes that were told what they lose, and not yet what they get.
  returned: success
  type: list
  elements: str
held_back:
  description: The nodes that wait for an org edge, or for a VPN to come up.
  returned: success
  type: list
  elements: str
requests:
  description: Certificate signing requests by edge.
  returned: success
  type: dict
failures:
  description: The hosts that something failed on, each with the task and what it said.
  returned: success
  type: dict
touched:
  description: The hosts that something changed on.
  returned: success
  type: list
  elements: str
seen_dir:
  description: A directory on the controller with what hosts reported to verify.
  returned: success
  type: str
"""
