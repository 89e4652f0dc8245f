# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""DHCP clients on machines of the lab: three that people use. Each finds a device without an IPv4 address."""

from __future__ import annotations

import json
import re

from ansible_collections.intercloud.vpn.tests.testinfra import lab

NETWORKD = "/etc/systemd/network/eth0.network"
MASKED = "systemd-networkd.service systemd-networkd.socket systemd-networkd-wait-online.service"
# BusyBox leaves all to a script. What it was told last stays in a file.
SCRIPT = """#!/bin/sh
env >/run/udhcpc.told
case $1 in
bound | renew)
  [ -z "$mtu" ] || ip link set "$interface" mtu "$mtu"
  ip address replace "$ip/$mask" dev "$interface"
  if [ -n "$staticroutes" ]; then
    set -- $staticroutes
    while [ $# -gt 1 ]; do
      ip route replace "$1" via "$2" dev "$interface"
      shift 2
    done
  else
    for one in $router; do ip route replace default via "$one" dev "$interface"; done
  fi
  ;;
esac
"""
UDHCPC = "busybox udhcpc -i eth0 -n -s /run/udhcpc.sh -O mtu -O staticroutes -O 58"


def bare(name):
    """Take a machine's IPv4 address, routes and MTU from it, and end its clients."""
    lab.sh(
        name,
        "pkill -x dhclient; pkill -f '^busybox udhcpc'; systemctl stop systemd-networkd.socket systemd-networkd",
        False,
    )
    lab.sh(name, "rm -rf /run/dhclient.* /run/udhcpc.*; ip -4 address flush dev eth0; ip link set eth0 mtu 1500")


def udhcpc(name, tries=5):
    """Whether BusyBox got an address; it stays and renews it."""
    lab.sh(name, f"cat >/run/udhcpc.sh <<'EOF'\n{SCRIPT}\nEOF\nchmod +x /run/udhcpc.sh")
    done = f"{UDHCPC} -t {tries} -T 1 -p /run/udhcpc.pid >/run/udhcpc.log 2>&1 </dev/null && echo yes"
    return "yes" in lab.sh(name, done, check=False)


def renew(name):
    """Have the client that `udhcpc` left ask again, as it does when half of its time is over."""
    lab.sh(name, "rm /run/udhcpc.told; kill -USR1 $(cat /run/udhcpc.pid)")
    lab.wait_for(f"{name} has asked again", lambda: lab.sh(name, "cat /run/udhcpc.told", check=False), 10)


def dhclient(name):
    """Whether ISC's client got an address."""
    words = "dhclient -1 -pf /run/dhclient.pid -lf /run/dhclient.leases eth0"
    return "yes" in lab.sh(name, f"timeout 20 {words} >/dev/null 2>&1 </dev/null && echo yes", check=False)


def networkd(name):
    """Whether systemd-networkd got an address. It was masked: on the lab's machines there is no other use for it."""
    links = " ".join(f"/etc/systemd/system/{unit}" for unit in MASKED.split())
    config = "[Match]\\nName=eth0\\n[Network]\\nDHCP=ipv4\\n[DHCPv4]\\nUseMTU=yes\\n"
    lab.sh(
        name, f"rm -f {links}; printf '{config}' >{NETWORKD}; systemctl daemon-reload; systemctl start systemd-networkd"
    )
    lab.wait_for(f"{name} has a lease", lambda: lab.sh(name, "ls /run/systemd/netif/leases", check=False), 20)
    return True


def told(name):
    """What BusyBox was told last: {name: value}."""
    lines = lab.sh(name, "cat /run/udhcpc.told").splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)


def state(name):
    """{address, mtu, routes} of a machine, with IPv4; routes: {prefix: next hop}."""
    (link,) = json.loads(lab.sh(name, "ip -j -4 address show dev eth0") or "[{}]")
    routes = re.findall(r"^(\S+) via (\S+)", lab.sh(name, "ip -4 route show dev eth0"), re.MULTILINE)
    addresses = [f"{one['local']}/{one['prefixlen']}" for one in link.get("addr_info", [])]
    return {"address": addresses, "mtu": link.get("mtu"), "routes": dict(routes)}
