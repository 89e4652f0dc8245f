# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A partner with two endpoints and BGP: strongSwan and FRR, configured with what external_settings shows and no more.

`test-kernel.sh bgp`: the second cloud of the lab is the partner's. What a tunnel that fails costs is measured in
tests/unit/plugins/module_utils/_node/bgp/test_session.py, for there is no time under emulation.
"""

from __future__ import annotations

import json
import os

import pytest

from ansible_collections.intercloud.vpn.tests.kernel import vm
from ansible_collections.intercloud.vpn.tests.testinfra import lab, playbooks, strongswan

pytestmark = pytest.mark.skipif(os.environ.get("KERNEL") != "bgp", reason="test-kernel.sh bgp")
OURS, MEMBER, EDGE, VM = "edge-east", "vm3-east", "edge-west", "vm3-west"
VM_ADDRESS, GATEWAY, SECOND, SERVER = "10.10.0.13", "10.10.0.1", "203.0.113.19", "172.20.0.7"
TUNNELS = {"edge-east--edge-west", "edge-east--edge-west--2"}
ORDERS = {
    "name": "orders",
    "pool": "100.100.0.0/24",
    "members": [MEMBER, VM],
    "destinations": {"networks": [{"network": "172.20.0.0/22", "behind": EDGE}]},
}
BGP = {
    "asn": 64512,
    "inside": {"ours": "169.254.21.2/30", "theirs": "169.254.21.1"},
    "second": {"public_address": SECOND, "inside": {"ours": "169.254.22.2/30", "theirs": "169.254.22.1"}},
}
CONCERNED = ("--limit", f"{OURS},{MEMBER}")
UP_SECONDS = 300


def inventory():
    edge = {
        "vcc_external": True,
        "vcc_identity": "gw.partner.example",
        "ansible_host": "nobody.invalid",
        "vcc_bgp": BGP,
    }
    groups = {
        "org_edges": {"hosts": {EDGE: edge}},
        "members": {"hosts": {VM: {"ansible_host": "nobody.invalid"}}},
    }
    vm.SCRATCH.mkdir(parents=True, exist_ok=True)
    file = vm.SCRATCH / "bgp.yml"
    file.write_text(json.dumps(groups), encoding="utf-8")
    return ("-i", str(file))


def write(machine, path, text):
    lab.sh(machine, f"umask 077; cat > {path} <<'END'\n{text}END")


def configure(found):
    """What the partner's administrator does."""
    device = lab.sh(EDGE, "ip -o -4 address | awk '/203.0.113.18/ {print $2}'").strip()
    lab.sh(EDGE, f"ip address replace {SECOND}/28 dev {device}")
    write(EDGE, "/etc/strongswan.d/partner.conf", "charon { install_routes = no }\n")
    for tunnel in found["tunnels"]:
        files = tunnel["configuration"]
        write(EDGE, f"/etc/swanctl/conf.d/{tunnel['name']}.conf", files["swanctl.conf"])
        lab.sh(EDGE, files["device.sh"])
    write(EDGE, "/etc/frr/frr.conf", "".join(tunnel["configuration"]["frr.conf"] for tunnel in found["tunnels"]))
    lab.sh(EDGE, "chown frr:frr /etc/frr/frr.conf; sed -i 's/^\\(bgpd\\|bfdd\\)=no/\\1=yes/' /etc/frr/daemons")
    lab.sh(EDGE, "systemctl restart strongswan frr; swanctl --load-all --noprompt")
    (member,) = found["members"]
    lab.sh(
        EDGE, f"ip route replace {member['address']}/32 via {VM_ADDRESS}; ip route replace {SERVER} via {VM_ADDRESS}"
    )
    lab.sh(VM, f"ip address replace {member['address']}/32 dev eth0; ip address replace {SERVER}/32 dev eth0")
    lab.sh(VM, f"ip route replace 100.100.0.0/24 via {GATEWAY} src {member['address']}")


def sessions():
    """The states of both sessions and of BFD, as BIRD says."""
    control = "birdc -s /run/intercloud-vpn-bgp/bird.ctl"
    said = lab.sh(OURS, f"{control} show protocols; {control} show bfd sessions", check=False)
    return said.count("Established"), said.count(" Up ")


def up():
    found = {(sa.name, child.state) for sa in strongswan.ike_sas(OURS) for child in sa.children}
    return found == {(name, "INSTALLED") for name in TUNNELS} and sessions() == (2, 2)


@pytest.fixture(scope="module")
def orders():
    layered = inventory()
    playbooks.create(ORDERS, verify=False, arguments=(*layered, *CONCERNED), vcc_link_timeout=1)
    file = vm.SCRATCH / "settings.json"
    options = {"vcc_external_edge": EDGE, "vcc_settings": str(file), "vcc_show_secrets": True}
    playbooks.run("external_settings", layered, **options)
    configure(json.loads(file.read_text(encoding="utf-8")))
    return playbooks.addresses("orders")


def test_both_tunnels_come_up_and_packets_pass_encrypted(orders, say):
    _yes, seconds = lab.wait_for("two tunnels with BGP", up, UP_SECONDS)
    say(f"up after {seconds:.1f} s")
    with vm.capturing("bgp") as seen:
        there = lab.ping(MEMBER, orders[VM], count=5, own=orders[MEMBER])
        back = lab.ping(VM, orders[MEMBER], count=5, own=orders[VM])
        server = lab.ping(MEMBER, SERVER, count=5, own=orders[MEMBER])
    assert (there.lost, back.lost, server.lost) == (0, 0, 0)
    assert len(seen.packets("ip proto 50")) >= 30
    assert seen.packets(f"{vm.INNER} or net 100.100.0.0/24 or net 172.20.0.0/22 or net 169.254.0.0/16") == []


def test_the_partner_reaches_no_other_host(orders):
    assert not lab.answers(VM, "10.10.0.13", count=2, own=orders[VM])
    assert not lab.answers(VM, orders[MEMBER], count=2, own=SERVER)


def test_a_tunnel_that_fails_is_left(orders, say):
    cut = "nft 'add table inet cut; add chain inet cut in { type filter hook prerouting priority -450; }; "
    with vm.pinging(MEMBER, orders[VM], interval=0.1) as pings:
        lab.sh(EDGE, f"{cut} add rule inet cut in iifname vpn5377 drop'")
        lab.wait_for("one session", lambda: sessions()[1] == 1, 60)
        lab.sh(MEMBER, "sleep 3")
    first, last = pings.longest_gap()
    say(f"without an answer for {last - first:.1f} s")
    assert lab.ping(MEMBER, orders[VM], count=5, own=orders[MEMBER]).lost == 0
    lab.sh(EDGE, "nft delete table inet cut")
    lab.wait_for("two tunnels with BGP", up, UP_SECONDS)


def test_a_second_run_changes_nothing_and_verify_is_content(orders):
    run = playbooks.create(ORDERS, arguments=(*inventory(), *CONCERNED))
    assert run.changed == frozenset()


def test_nothing_is_left(orders):
    playbooks.delete("orders", verify=False, arguments=(*inventory(), *CONCERNED))
    said = lab.sh(OURS, "ip -o link; ip rule; ip route show table 14790 2>/dev/null; ls /etc /run; ip -o xfrm policy")
    for word in ("vcc", "14790", "intercloud-vpn-bgp", "if_id"):
        assert word not in said
