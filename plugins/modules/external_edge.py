#!/usr/bin/python
# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: external_edge
short_description: Know who an external edge is
version_added: 1.0.0
author: The intercloud.vpn developers (@intercloud)
description:
  - Finds an edge in the inventory that is declared external, and checks all that is said of it. Fails if it is not
    there, or one of ours.
  - Runs on the controller, once.
options:
  edge:
    description: The external edge.
    type: str
    required: true
  authentication:
    description: Fail if it authenticates in another way, V(psk) or V(certificate).
    type: str
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
  - module: intercloud.vpn.edge_certificate
"""

EXAMPLES = r"""
- name: Know who the partner is
  intercloud.vpn.external_edge:
    edge: partner
    authentication: certificate
  run_once: true
  register: vcc_partner
"""

RETURN = r"""
edge:
  description: Its name.
  returned: success
  type: str
organization:
  description: The organization that it has tunnels with.
  returned: success
  type: str
identity:
  description: Its IKE identity.
  returned: success
  type: str
authentication:
  description: How it authenticates, V(psk) or V(certificate).
  returned: success
  type: str
"""
