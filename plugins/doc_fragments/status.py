# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a status is made of: which VPNs, what their nodes registered, and what certificates are held against."""

from __future__ import annotations


class ModuleDocFragment:
    """Named by `extends_documentation_fragment: intercloud.vpn.status`."""

    DOCUMENTATION = r"""
options:
  organizations:
    description: The organizations to show, all that the ledger knows when it is not given.
    type: list
    elements: str
    default: []
  pools:
    description: The pools that VPNs take addresses from, by name, each a CIDR.
    type: dict
    default: {}
  plan:
    description: Path of the plan's summary C(plan.json) on the controller.
    type: path
  variable:
    description: The variable in which hosts registered M(intercloud.vpn.node_info).
    type: str
    default: vcc_observed
  hosts:
    description: The hosts that this run is about, all when it is not given. What is missing from others is a warning.
    type: list
    elements: str
  authorities:
    description: The SHA-256 of each organization's authority, as M(intercloud.vpn.vpn_plan) returns them.
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
"""
