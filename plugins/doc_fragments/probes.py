# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a machine is told of the probes that it sends."""

from __future__ import annotations


class ModuleDocFragment:
    """Named by `extends_documentation_fragment: intercloud.vpn.probes`."""

    DOCUMENTATION = r"""
requirements:
  - C(ping) of iputils, for targets that are pinged
options:
  targets:
    description: What to ping, or to ask on a port.
    type: list
    elements: dict
    suboptions:
      address:
        description: The IPv4 or IPv6 address to ping.
        type: str
        required: true
      source:
        description: The VM's own address to send from. The system chooses by default.
        type: str
      expect:
        description: What is hoped for. Only a target expected to be V(reachable) is waited for.
        type: str
        choices: [reachable, unreachable]
        required: true
      vpn:
        description: Name of the VPN. Comes back in the result.
        type: str
      dst:
        description: Name of the host at O(targets[].address). Comes back in the result.
        type: str
      kind:
        description: What the probe is for. Comes back in the result.
        type: str
      port:
        description:
          - Ask this TCP port instead of pinging. It answers if it is open, and if the host itself refuses; silence,
            or what a gateway says, is not an answer.
        type: int
      query:
        description:
          - Ask the name server at O(targets[].address) for this name instead of pinging. One that is expected to be
            V(reachable) has answered if it says O(targets[].found); any other one, whatever it says.
        type: str
      found:
        description: The address that O(targets[].query) has.
        type: str
      mtu:
        description: If answers come, also send a packet of exactly this many octets that must not be fragmented.
        type: int
  count:
    description: Packets per target.
    type: int
    default: 3
  interval:
    description: Seconds between two packets.
    type: float
    default: 0.2
  timeout:
    description: Seconds to wait for an answer after the last packet.
    type: float
    default: 1.0
  settle:
    description: Seconds within which a target expected to be reachable may come up.
    type: float
    default: 5.0
"""
