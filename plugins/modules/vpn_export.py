#!/usr/bin/python
# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write members and their addresses as other programs read them."""

from __future__ import annotations

DOCUMENTATION = r"""
module: vpn_export
short_description: Write members and their addresses as other programs read them
version_added: 1.0.0
author: The intercloud.vpn developers (@intercloud)
description:
  - Writes the members of the VPNs of a plan, with their addresses, as lines for C(/etc/hosts), as an inventory for
    Ansible, or as CSV that NetBox imports.
  - Runs on the controller, once.
options:
  plan:
    description: Path of the plan's summary C(plan.json) on the controller.
    type: path
    required: true
  format:
    description:
      - V(hosts) are lines of hosts(5), V(inventory) is an inventory with a group for each VPN, V(netbox) is CSV for
        NetBox's bulk import of IP addresses.
    type: str
    choices: [hosts, inventory, netbox]
    default: hosts
  vpn:
    description: Only members of this VPN, V(payroll) or, with its organization, V(acme/payroll).
    type: str
    default: ""
  dest:
    description: The file on the controller. Without it, the text is shown.
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
  - module: intercloud.vpn.vpn_status
"""

EXAMPLES = r"""
- name: Write the members' names
  intercloud.vpn.vpn_export:
    plan: "{{ vcc_server_plan.path }}"
    format: hosts
    dest: payroll.hosts
  run_once: true
"""

RETURN = r"""
text:
  description: What was written.
  returned: success
  type: str
dest:
  description: The file, if there is one.
  returned: success
  type: str
"""
