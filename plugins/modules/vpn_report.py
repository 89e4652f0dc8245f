#!/usr/bin/python
# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: vpn_report
short_description: Judge whether the VPNs are as planned
version_added: 1.0.0
author: The intercloud.vpn developers (@intercloud)
description:
  - Compares the plan with what the nodes have and with what came of the probes (M(intercloud.vpn.node_info)), shows
    a table, writes the result as JSON, and fails if something is not as planned.
  - Runs on the controller, once, for all hosts. A host that registered nothing counts as unreachable.
options:
  plan:
    description: Path of the plan's summary C(plan.json) on the controller.
    type: path
    required: true
  seen:
    description: A directory with what hosts reported, of M(intercloud.vpn.cloud_run). It takes the place of variables.
    type: path
  variables:
    description:
      - Names of the variables in which hosts registered M(intercloud.vpn.node_info). Of each host, the first counts
        that it was not skipped for.
    type: list
    elements: str
    default: [vcc_probed, vcc_observed]
  choice:
    description: Which probes there were, as M(intercloud.vpn.vpn_probes) returned it.
    type: dict
    required: true
  hosts:
    description:
      - The hosts this run is about. What is missing from other hosts is a warning, not an error.
      - All hosts by default. Useful with C(--limit).
    type: list
    elements: str
  authorities:
    description:
      - The SHA-256 of each organization's authority, as M(intercloud.vpn.vpn_plan) returns them. Without them, the
        edges' certificates are not judged.
    type: dict
  revocations:
    description: What each organization's authority revoked, as M(intercloud.vpn.vpn_plan) returns it.
    type: dict
  rotations:
    description:
      - What the edges of each organization are to have, as M(intercloud.vpn.vpn_plan) returns it. An edge that trusts
        another authority is a finding of severity V(warning).
    type: dict
  certificate_days:
    description:
      - A certificate that ends within so many days is a finding of severity V(warning). Without it, one that has less
        than a quarter of its lifetime left.
    type: int
  dest:
    description:
      - File on the controller that gets the result as JSON, mode V(0600). Missing directories are made, mode V(0700).
    type: path
  fail:
    description: Whether to fail if there is a finding of severity V(error).
    type: bool
    default: true
extends_documentation_fragment:
  - intercloud.vpn.attributes
  - intercloud.vpn.attributes.action
attributes:
  action:
    support: full
    details: All of it runs there.
  check_mode:
    support: full
    details: Judges and shows, but does not write O(dest).
  diff_mode:
    support: none
seealso:
  - module: intercloud.vpn.vpn_probes
  - module: intercloud.vpn.node_info
"""

EXAMPLES = r"""
- name: Prove that the VPNs work
  intercloud.vpn.vpn_report:
    plan: "{{ vcc_server_plan.path }}"
    choice: "{{ vcc_probing.choice }}"
    dest: result/verify.json
  run_once: true
"""

RETURN = r"""
ok:
  description: Whether everything is as planned.
  returned: success and failure
  type: bool
error_count:
  description: How many findings of severity V(error) there are; the table and O(dest) name them.
  returned: success and failure
  type: int
blamed:
  description: What is not as planned, by the host of this run that it is about. Empty if all is as planned.
  returned: success and failure
  type: dict
findings:
  description: The first 20 findings, errors first, each with C(severity), C(subject), C(expected) and C(seen).
  returned: success and failure
  type: list
  elements: dict
warning_count:
  description: How many findings of severity V(warning) there are.
  returned: success and failure
  type: int
dest:
  description: Where the result was written, if anywhere.
  returned: success and failure
  type: str
"""
