# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Our tunnel with ESP in userspace against one made by hand, of the same charon, without a firewall and with one.

For a lab apart with the VPN payroll, which tests/bench/throughput.sh makes. With the kernel's ESP, that is
tests/kernel/test_throughput.py.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
from collections.abc import Callable

from ansible_collections.intercloud.vpn.plugins.plugin_utils import _lab
from ansible_collections.intercloud.vpn.tests.testinfra import lab, playbooks
from ansible_collections.intercloud.vpn.tests.testinfra.iperf import flow
from ansible_collections.intercloud.vpn.tests.testinfra.playbooks import EDGES

SOURCE, DESTINATION = "vm3-west", "vm1-east"
SECONDS = 5
EAST, WEST = "10.99.1.1", "10.99.2.1"
CONFIG = "/etc/swanctl/conf.d/by-hand.conf"
MSS = 1298  # of the device's 1,400 octets; ours is told the same by its firewall
AGENT = "/usr/local/lib/intercloud-vpn/agent"
# To the other end: machine, the way there, and the address to send from.
WAYS = (
    ("vm1-east", f"{WEST} via 192.168.1.1 src {EAST} advmss {MSS}"),
    ("vapp1-east", f"{WEST} via 10.10.0.1"),
    ("edge-east", f"{WEST} dev ipsec0"),
    ("edge-west", f"{WEST} via 10.10.0.13"),
    ("vm3-west", f"{EAST} via 10.10.0.1 src {WEST} advmss {MSS}"),
    ("edge-west", f"{EAST} dev ipsec0"),
    ("edge-east", f"{EAST} via 10.10.0.11"),
    ("vapp1-east", f"{EAST} via 192.168.1.11"),
)
# What somebody would write by hand who wants to know at all what comes out of his tunnel.
FIREWALLS = {
    "no firewall": "",
    "a firewall of four rules": f"""
table inet by_hand {{
  chain forward {{
    type filter hook forward priority 0; policy drop;
    ct state established,related accept
    iifname "ipsec0" ip saddr {WEST} ip daddr {EAST} accept
    oifname "ipsec0" ip saddr {EAST} ip daddr {WEST} accept
    oifname "ipsec0" ip saddr {WEST} ip daddr {EAST} accept
    iifname "ipsec0" ip saddr {EAST} ip daddr {WEST} accept
  }}
}}
""",
}
LOADS: dict[str, Callable[[str], float]] = {
    "one flow, Mbit/s": lambda address: flow(SOURCE, DESTINATION, address, seconds=SECONDS).mbit,
    "16 flows, Mbit/s": lambda address: flow(SOURCE, DESTINATION, address, "-P 16", seconds=SECONDS).mbit,
    "packets of 64 octets, thousands per second": lambda address: (
        flow(SOURCE, DESTINATION, address, "-u -b 0 -l 64", seconds=SECONDS).mbit * 1e3 / 512
    ),
}


def config(edge: str) -> str:
    """A second connection between the edges."""
    outside = {"edge-east": "203.0.113.2", "edge-west": "203.0.113.18"}
    inside = {"edge-east": f"{EAST}/30", "edge-west": f"{WEST}/30"}
    (other,) = {*EDGES} - {edge}
    return f"""
connections {{
  by-hand {{
    local_addrs = {outside[edge]}
    remote_addrs = {outside[other]}
    proposals = aes256gcm16-prfsha384-ecp384
    local {{
      auth = psk
      id = by-hand-{edge}
    }}
    remote {{
      auth = psk
      id = by-hand-{other}
    }}
    children {{
      by-hand {{
        local_ts = {inside[edge]}
        remote_ts = {inside[other]}
        esp_proposals = aes256gcm16-ecp384
      }}
    }}
  }}
}}
secrets {{
  ike-by-hand {{
    id-1 = by-hand-{edge}
    id-2 = by-hand-{other}
    secret = "for this measurement, on a lab of its own"
  }}
}}
"""


def make_by_hand() -> None:
    """The second tunnel, for other addresses of the same two machines."""
    lab.netns("vm1-east", "ip", "address", "add", f"{EAST}/32", "dev", "lo")
    lab.netns("vm3-west", "ip", "address", "add", f"{WEST}/32", "dev", "lo")
    # ESP in userspace needs an address inside its selectors.
    lab.netns("edge-east", "ip", "address", "add", "10.99.1.2/32", "dev", "lo")
    lab.netns("edge-west", "ip", "address", "add", "10.99.2.2/32", "dev", "lo")
    for edge in EDGES:
        lab.sh(edge, "systemctl stop intercloud-vpn.service")
        write = ["ssh", "-F", _lab.SSH_CONFIG, edge, f"umask 077; cat > {CONFIG}"]
        subprocess.run(write, input=config(edge), text=True, check=True)
        lab.sh(edge, "swanctl --load-all --noprompt")
    lab.sh("edge-east", "swanctl --initiate --child by-hand --timeout 20")
    for machine, way in WAYS:
        lab.netns(machine, "ip", "route", "add", *way.split())


def firewall(load: str, unload: str) -> None:
    """On both edges."""
    for edge in EDGES:
        lab.sh(edge, f"nft -f - <<'END'\n{unload}\n{load}\nEND")


def measure(rate: Callable[[str], float], ours: str, by_hand: str, rounds: int) -> tuple[list[float], list[float]]:
    """Ours and the other, in turns, of which each side begins as many."""
    mine, other = list[float](), list[float]()
    rate(ours)
    for turn in range(rounds):
        for which in (mine, other) if turn % 2 else (other, mine):
            if which is mine:
                which.append(rate(ours))
                continue
            firewall(by_hand, "delete table inet intercloud_vpn")
            which.append(rate(EAST))
            if by_hand:
                firewall("", "delete table inet by_hand")
            for edge in EDGES:
                lab.sh(edge, f"{AGENT} firewall")
    return mine, other


def main() -> None:
    """Print what passes: medians, and the median and the ends of the ratios."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 6
    ours = playbooks.addresses()[DESTINATION]
    make_by_hand()
    for name, rate in LOADS.items():
        for what, rules in FIREWALLS.items():
            mine, other = measure(rate, ours, rules, rounds)
            ratios = [one / two for one, two in zip(mine, other)]
            median = [statistics.median(some) for some in (mine, other, ratios)]
            print(
                f"{name}: {median[0]:.1f}, by hand with {what} {median[1]:.1f}, ratio {median[2]:.3f}"
                f" ({min(ratios):.2f} to {max(ratios):.2f})",
                flush=True,
            )


if __name__ == "__main__":
    main()
