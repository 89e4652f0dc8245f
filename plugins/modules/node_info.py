#!/usr/bin/python
# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: node_info
short_description: Tell what a node does right now, and what of its probes is answered
version_added: "1.0.0"
author:
  - The intercloud.vpn developers (@intercloud)
description:
  - Returns the node's generation, all that differs between it and what is loaded, every SA and session of its
    tunnels, what is known of its certificate, and why links are down.
  - Before it looks, it pings all O(targets), side by side, or asks their ports, and says what came back. It judges
    nothing; M(intercloud.vpn.vpn_report) does the judging.
  - Never changes anything.
options:
  look:
    description:
      - Whether to look. If not, an action plugin has M(intercloud.vpn.member_probe) send the probes, which is smaller.
        A host that has none is skipped without being contacted.
    type: bool
    default: true
  probes:
    description:
      - A directory on the controller with each VM's targets, as M(intercloud.vpn.vpn_probes) returns it. An action
        plugin reads those of this host, if there are any.
      - Not together with O(targets).
    type: path
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
  - module: intercloud.vpn.edge_commit
  - module: intercloud.vpn.member_probe
  - module: intercloud.vpn.vpn_probes
  - module: intercloud.vpn.vpn_report
"""

EXAMPLES = r"""
- name: Look at an edge
  intercloud.vpn.node_info:
  register: observed

- name: Look at each node, and have VMs send their probes
  intercloud.vpn.node_info:
    probes: "{{ vcc_probing.probes_dir }}"
    look: "{{ inventory_hostname in vcc_server_plan.nodes }}"
  register: vcc_observed
"""

RETURN = r"""
probes:
  description: What M(intercloud.vpn.member_probe) returns.
  type: list
  elements: dict
  returned: success
clock:
  description: What the node's clock says, UTC.
  type: str
  returned: success
  sample: "2026-01-31T12:00:00Z"
asked:
  description: The controller's time before and after, in seconds since 1970. Added by the action plugin.
  type: list
  elements: float
  returned: success
node:
  description: The node's name in its document.
  type: str
  returned: success
role:
  description: The node's role.
  type: str
  returned: success
generation:
  description: The number of its generation; 0 for none.
  type: int
  returned: success
generation_name:
  description: The name of its generation, which has a digest of all its content in it.
  type: str
  returned: success
backend:
  description: The IPsec backend.
  type: str
  returned: success
state:
  description: Whether the node can read what is stored on it.
  type: dict
  returned: success
  sample: {damaged: [], refusing: false}
  contains:
    damaged:
      description:
        - What cannot be read, and why. Without RV(state.refusing), the node runs the generation that RV(generation)
          tells, and refuses what only the damaged one guarded.
      type: list
      elements: str
    refusing:
      description: Whether no generation can be read. The node then refuses every block that it ever guarded.
      type: bool
unconfirmed:
  description: Whether the generation is not confirmed yet.
  type: bool
  returned: success
rollback_armed:
  description: Whether the node is about to roll back.
  type: bool
  returned: success
drift:
  description: What the next commit of this generation would do.
  type: list
  elements: dict
  returned: success
  sample: [{subsystem: routes, action: "add 100.64.0.0/24 via 192.168.1.1"}]
certificate:
  description:
    - The edge's certificate, with C(present), C(key), C(fits), C(signed), C(identity), C(serial), C(not_before),
      C(not_after), C(due), C(requested), C(key_sha256), C(authority_sha256), C(authorities), C(addresses) and
      C(certifies) as M(intercloud.vpn.edge_info) returns them. Null where no tunnel needs one.
    - C(checked) tells whether the running charon holds peers to the addresses in their certificates. Null if it does
      not run.
  type: dict
  returned: success
reasons:
  description:
    - Of each tunnel with a link that is not up, what charon's or OpenVPN's log says about the last attempt that failed
      within the last five minutes, at most six lines, each with C(text) and C(time). Not read while all are up.
  type: dict
  returned: success
  sample: {edge-east--edge-west: [{text: "giving up after 4 retransmits", time: "2026-01-31T12:00:00Z"}]}
diverted:
  description:
    - The routes of its document that the kernel does not take, because rules or tables of other software come first.
      Each has C(prefix), C(expected) and C(seen).
  type: list
  elements: dict
  returned: success
  sample:
    - {prefix: 100.64.0.0/24, expected: 100.64.0.0/24 via 192.168.1.1, seen: via 192.168.1.254 dev eth0 table 52}
astray:
  description:
    - Who was seen on a stretched network in the last ten minutes although the ledger has it at another site, each with
      C(vpn), C(mac), C(address) (IPv4 or IPv6) and C(member). Of each member at most one machine by IPv4, and one by
      IPv6 if that is another one.
  type: list
  elements: dict
  returned: success
  sample: [{vpn: web-tier, mac: "02:00:5e:10:00:01", address: 10.10.0.13, member: vm3-east}]
droppers:
  description:
    - The base chains of nftables that are not ours and may drop packets, each with C(hook), C(chain), C(how), and
      C(sure) (whether it drops all that no rule accepts, on every device).
  type: list
  elements: dict
  returned: success
  sample: [{hook: forward, chain: inet filter forward, how: drops what no rule accepts, sure: true}]
neighbours:
  description:
    - The machines beside the node, each with C(address), C(host), C(device), C(mac) (the link-layer addresses that it
      is bound to), C(loaded) (the permanent entry of the neighbour table, or empty) and C(unbound) (why it is not
      bound; empty if it is).
  type: list
  elements: dict
  returned: success
  sample:
    - {address: 192.168.1.11, host: vm1-east, device: vapp, mac: ["02:00:5e:10:00:01"], loaded: "02:00:5e:10:00:01",
       unbound: ""}
bgp:
  description:
    - BGP sessions with partners. Each has C(tunnel), C(vpn), C(peer), C(peer_asn), C(state) (V(Established) is right),
      C(error) (the last one), C(bfd), C(carries) (whether packets take it), C(accepted), C(missing), C(refused) (at
      most 20 prefixes each) and C(refused_count).
  type: list
  elements: dict
  returned: where a tunnel has BGP
usage:
  description:
    - What is used of each quota of the edge, with C(vpn), C(member) (its address; null for all members of the site
      together), C(octets) and C(used), C(period), C(begun), C(until), C(when_used_up) and C(used_up).
  type: list
  elements: dict
  returned: success
  sample:
    - {vpn: payroll, member: 100.64.0.17, octets: 10000000000, used: 83832, period: day, begun: "2026-01-31",
       until: "2026-02-01T00:00:00Z", when_used_up: drop, used_up: false}
lanes:
  description:
    - Of an edge that has tunnels to or from a pair of edges, C(master) (whether it holds the gateway address; null on
      an edge that is alone), and C(sites) by name, each with the C(lane) in use, the lanes that are C(alive), and
      C(since) (when the lane in use was chosen, Unix time). Empty while the service that finds out has not started.
  type: dict
  returned: success, on such an edge
  sample: {master: null, sites: {edge-east: {lane: 0, alive: [0, 1], since: 1796058476.988}}}
connections:
  description: The names of our tunnels that charon has loaded.
  type: list
  elements: str
  returned: success
sessions:
  description: The OpenVPN sessions of our tunnels of kind ssl.
  type: list
  elements: dict
  returned: success
  contains:
    process:
      description: The OpenVPN process that has it, C(server-udp), C(server-tcp) or, of a client, the tunnel's name.
      type: str
    tunnel:
      description: The tunnel's name; empty if no tunnel of the document is with this peer.
      type: str
    peer:
      description: The other end's identity, out of its certificate.
      type: str
    state:
      description: V(ESTABLISHED) if it is up, else OpenVPN's word.
      type: str
    transport:
      description: V(udp) or V(tcp).
      type: str
    remote_host:
      description: The other end's address.
      type: str
    remote_port:
      description: The other end's port.
      type: int
    since:
      description: When it began, in seconds since 1970.
      type: int
    cipher:
      description: Of the data channel.
      type: str
    suite:
      description: TLS cipher suite; empty at a server that does not know it any more.
      type: str
    group:
      description: TLS key exchange group, likewise.
      type: str
    bytes_in:
      description: Received.
      type: int
    bytes_out:
      description: Sent.
      type: int
    networks:
      description: What is behind the peer for it.
      type: list
      elements: str
    number:
      description: The server's number of it; V(-1) at a client.
      type: int
partners:
  description: Where partners are that are found by a DNS name, by tunnel. Absent without such tunnels.
  type: dict
  returned: success
  contains:
    name:
      description: The name.
      type: str
    address:
      description: The address in use; null if none is known.
      type: str
    since:
      description: Since when, in seconds of the epoch.
      type: float
    error:
      description: Why the last question got no address; empty if it did.
      type: str
sas:
  description: The IKE_SAs of our tunnels of kind ipsec, each with its CHILD_SAs.
  type: list
  elements: dict
  returned: success
  contains:
    tunnel:
      description: The connection's name.
      type: str
    unique_id:
      description: charon's number of the IKE_SA.
      type: str
    initiator:
      description: Whether this end initiated it.
      type: bool
    state:
      description: V(ESTABLISHED) if it is up.
      type: str
    local_host:
      description: This end's address.
      type: str
    remote_host:
      description: The other end's address.
      type: str
    local_id:
      description: This end's identity.
      type: str
    remote_id:
      description: The other end's identity.
      type: str
    spi_initiator:
      description: SPI of the initiator, hexadecimal.
      type: str
    spi_responder:
      description: SPI of the responder, hexadecimal.
      type: str
    encryption:
      description: Encryption algorithm.
      type: str
    encryption_keysize:
      description: Its key size in bits.
      type: str
    integrity:
      description: Integrity algorithm; empty with AEAD.
      type: str
    prf:
      description: Pseudo-random function.
      type: str
    dh_group:
      description: Key exchange.
      type: str
    additional_ke:
      description: The key exchange beside it (RFC 9370), such as V(ML_KEM_1024); empty without one.
      type: str
    ppk:
      description: Whether a PPK (RFC 8784) is part of its keys.
      type: bool
    established_seconds:
      description: Age.
      type: int
    rekey_seconds:
      description: Time to the next rekeying.
      type: int
    children:
      description:
        - CHILD_SAs. Each has C(name), C(state), C(mode), C(protocol), C(encapsulated), C(spi_in), C(spi_out), C(if_id),
          C(encryption), C(encryption_keysize), C(integrity), C(dh_group), C(additional_ke), C(bytes_in), C(bytes_out),
          C(packets_in), C(packets_out), C(installed_seconds), C(rekey_seconds), C(life_seconds), C(local_ts) and
          C(remote_ts).
      type: list
      elements: dict
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.intercloud.vpn.plugins.module_utils._node import agent
from ansible_collections.intercloud.vpn.plugins.module_utils._node.arguments import OBSERVE, OBSERVE_RULES
from ansible_collections.intercloud.vpn.plugins.module_utils._node.observe import observed
from ansible_collections.intercloud.vpn.plugins.module_utils._node.state import Store

SHIPPED = agent.COMMANDS  # the agent on the node is compared with what this module carries along: import all of it


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=OBSERVE, **OBSERVE_RULES, supports_check_mode=True)
    result = observed(module.params, Store())
    (module.fail_json if result.get("msg") else module.exit_json)(**result)


if __name__ == "__main__":
    main()
