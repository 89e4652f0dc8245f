#!/usr/bin/python
# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: vpn_probes
short_description: Choose the probes that prove the VPNs of a plan
version_added: 1.0.0
author: The intercloud.vpn developers (@intercloud)
description:
  - Writes down for every VM which probes start there, those that must be answered and those that must not.
    M(intercloud.vpn.node_info) sends them, and M(intercloud.vpn.vpn_report) judges what came of them.
  - Runs on the controller, once, for all hosts.
options:
  plan:
    description: Path of the plan's summary C(plan.json) on the controller.
    type: path
    required: true
  verify:
    description:
      - With V(all), every member of a VPN asks every other one.
      - With V(sample), every link is crossed in both directions, and every member asks once and is asked once. Which
        members meet changes by the day. What must not pass is tried by one member of each site, not by all.
      - V(auto) is V(all) for VPNs of up to 50 members, and V(sample) for larger ones.
    type: str
    choices: [auto, all, sample]
    default: auto
  nonmembers_per_network:
    description: How many VMs of each network of an involved site try, as non-members, to get in.
    type: int
    default: 1
extends_documentation_fragment:
  - intercloud.vpn.attributes
  - intercloud.vpn.attributes.action
attributes:
  action:
    support: full
    details: All of it runs there.
  check_mode:
    support: full
    details: The files are of this run only.
  diff_mode:
    support: none
seealso:
  - module: intercloud.vpn.node_info
  - module: intercloud.vpn.vpn_report
"""

EXAMPLES = r"""
- name: Choose the probes
  intercloud.vpn.vpn_probes:
    plan: "{{ vcc_server_plan.path }}"
  run_once: true
  register: vcc_probing
"""

RETURN = r"""
probes_dir:
  description: A directory on the controller with each VM's probes as C(<inventory_hostname>.json).
  returned: success
  type: str
hosts:
  description: The VMs that probes start at.
  returned: success
  type: list
  elements: str
count:
  description: How many probes there are.
  returned: success
  type: int
choice:
  description: What M(intercloud.vpn.vpn_report) needs to know of the choice.
  returned: success
  type: dict
  sample: {verify: auto, turn: 20785, nonmembers: 1}
"""
