#!/usr/bin/python
# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make AWX's objects from inventory, ledger and settings."""

from __future__ import annotations

DOCUMENTATION = r"""
module: awx_objects
short_description: Make AWX's objects from inventory, ledger and settings
version_added: 1.0.0
author: The intercloud.vpn developers (@intercloud)
description:
  - Makes all objects that AWX or Automation Controller needs for VPNs, as plain data. They are organizations, teams,
    credential types, credentials without secrets, an execution environment, projects, inventories with sources, job
    templates with surveys, workflows, schedules and roles.
  - Their names are variables of the collection C(infra.aap_configuration). Their entries are arguments of the modules
    of the collection C(awx.awx).
  - Contacts nothing. Runs on the controller, once.
options:
  settings:
    description: What is in the variable C(vcc_awx). It is a mapping.
    type: raw
    required: true
  vpns:
    description: The VPNs of the ledger by organization. They are choices of surveys.
    type: dict
    default: {}
  pools:
    description: The variable C(vcc_pools), whose names are choices.
    type: raw
  policies:
    description: The variable C(vcc_policies), whose names are choices.
    type: raw
  organizations:
    description: The organizations that it is for, all of the inventory when it is not given.
    type: list
    elements: str
    default: []
  dest:
    description: A file that gets the objects as YAML. Without it, C(awx.awx) must be installed.
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
  - module: intercloud.vpn.survey_answers
"""

EXAMPLES = r"""
- name: Make AWX's objects
  intercloud.vpn.awx_objects:
    settings:
      image: registry.example/intercloud-vpn:1.0
      inventory_project: https://git.example/fleet.git
      inventory: inventories/fleet/hosts.yml
    pools: "{{ vcc_pools }}"
    dest: awx.yml
  run_once: true
"""

RETURN = r"""
objects:
  description: The objects, by the variables of C(infra.aap_configuration).
  returned: success
  type: dict
dest:
  description: The file, if there is one.
  returned: success
  type: str
"""
