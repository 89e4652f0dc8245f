#!/usr/bin/python
# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ping a VPN's members, ask their ports, and ask those that must not answer, from one VM."""

from __future__ import annotations

DOCUMENTATION = r"""
module: member_probe
short_description: Send a VM's probes, those that must be answered and those that must not
version_added: 1.0.0
author: The intercloud.vpn developers (@intercloud)
description:
  - Pings all O(targets) from one VM, side by side, and says what came back. It judges nothing and changes nothing;
    M(intercloud.vpn.vpn_report) does the judging.
extends_documentation_fragment:
  - intercloud.vpn.attributes
  - intercloud.vpn.probes
attributes:
  check_mode:
    support: full
    details: Probes change nothing and are sent in check mode, too.
  diff_mode:
    support: none
seealso:
  - module: intercloud.vpn.node_info
"""

EXAMPLES = r"""
- name: Ping one address
  intercloud.vpn.member_probe:
    targets:
      - {address: 100.64.0.66, source: 100.64.0.17, expect: reachable, mtu: 1400}

- name: Ask two ports, one of which must be closed to us
  intercloud.vpn.member_probe:
    targets:
      - {address: 100.64.0.66, port: 5432, expect: reachable}
      - {address: 100.64.0.66, port: 5433, expect: unreachable}
"""

RETURN = r"""
probes:
  description: One record per target, in the order of O(targets), with all that the target says and what was seen.
  returned: success
  type: list
  elements: dict
  contains:
    sent:
      description: Packets sent. 0 if the system has no route, or if RV(probes[].error) is set.
      type: int
    received:
      description: Answers.
      type: int
    loss:
      description: Lost packets, percent.
      type: float
    rtt_ms:
      description: Mean round-trip time, milliseconds. Null without an answer.
      type: float
    settled_after_ms:
      description: After how many milliseconds the first answer came, if packets were lost at first. Else null.
      type: int
    mtu_ok:
      description: Whether the packet of full size was answered. Null if none was sent.
      type: bool
    mtu_reason:
      description: What was said against the packet of full size. Null if nothing.
      type: str
    mtu_fits:
      description: The largest packet that passed, octets, where the one of full size did not. Else null.
      type: int
    application_ok:
      description:
        - Whether an application that binds no address reaches the target, too. Null without an answer, and for a target
          without a source.
      type: bool
    application_reason:
      description: Why it does not, or null.
      type: str
    reason:
      description: The last error the network or the kernel sent, such as V(Destination Host Unreachable), or null.
      type: str
    error:
      description: Why the probe could not be made, or null. Such a probe proves nothing.
      type: str
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.intercloud.vpn.plugins.module_utils._node.arguments import PROBE
from ansible_collections.intercloud.vpn.plugins.module_utils._node.probe.ping import probed


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=PROBE, supports_check_mode=True)
    if module.params["targets"] is None:
        module.fail_json(msg="targets: is missing: what to ping, or to ask on a port")
    result = probed(module.params)
    (module.fail_json if result.get("msg") else module.exit_json)(**result)


if __name__ == "__main__":
    main()
