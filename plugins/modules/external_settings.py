#!/usr/bin/python
# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: external_settings
short_description: Show what the other side of an external edge has to configure
version_added: 1.0.0
author: The intercloud.vpn developers (@intercloud)
description:
  - Of every tunnel to an external edge, shows addresses, identities, proposals, lifetimes and selectors from the other
    side's point of view, and the same in the form of its gateway (C(vcc_gateway)); without one, as configuration
    of libreswan.
  - Runs on the controller, once.
options:
  plan:
    description: Path of the plan's summary C(plan.json) on the controller.
    type: path
    required: true
  edge:
    description: The external edge.
    type: str
    required: true
  files:
    description: Where the pre-shared key of each tunnel is; see M(intercloud.vpn.edge_psk).
    type: dict
    default: {}
  state_dir:
    description: The VCC server's state directory, where the authorities are.
    type: path
    required: true
  server:
    description: The name of the VCC server.
    type: str
    required: true
  secrets:
    description: Pre-shared keys by tunnel, which are then shown.
    type: dict
    default: {}
  dest:
    description: File on the controller that gets RV(settings) as JSON, mode V(0600).
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
    details: Changes nothing anyway.
  diff_mode:
    support: none
seealso:
  - module: intercloud.vpn.edge_psk
"""

EXAMPLES = r"""
- name: Show what the partner has to configure
  intercloud.vpn.external_settings:
    plan: "{{ vcc_server_plan.path }}"
    edge: partner
    state_dir: /var/lib/intercloud-vpn
    server: localhost
  run_once: true
"""

RETURN = r"""
settings:
  description:
    - The settings as data. C(local) is the external edge, C(remote) is ours.
    - C(configuration) of a tunnel has texts by file name, in the form of its gateway.
  returned: success
  type: dict
"""
