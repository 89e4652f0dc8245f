"""Namespaces, bridges and wires.

    host ──vcclab── node ──mgmt── everything in the cloud        (bridges mgmt, org, vapp: in namespace cloud-C)
    internet ──pub── edge ──org── vapp1, vm3 ; vapp1 ──vapp── vm1, vm2
    internet ──pub── edge-umbra ──org-umbra── vm1-umbra, vm2-umbra    (each tenant)

A machine's namespace and wires are made anew at each of its boots, as a real machine's kernel would be.
"""

from __future__ import annotations

import hashlib
import ipaddress
import json
import os
import socket

from .landscape import landscape
from .shell import LabError, batch, run

NAMESPACES = "/run/netns"
BRIDGES = ("mgmt", "org", "vapp")  # and one per tenant

# A router that knows the public networks and nothing else: what should not have left an edge ends here, visibly.
ROUTER = {"net.ipv4.ip_forward": "1", "net.ipv6.conf.all.forwarding": "1"}
EVERYWHERE = {
    "net.ipv6.conf.all.accept_ra": "0",
    "net.ipv6.conf.default.accept_ra": "0",
    # Addresses are given once and by us; waiting for duplicate detection would only slow boots.
    "net.ipv6.conf.default.accept_dad": "0",
}
# The NAT that an organization has before any VPN. Only its own network is translated: a VPN's address that
# leaks is seen as such on the outside.
MASQUERADE = """
table ip lab_base {{
    chain postrouting {{
        type nat hook postrouting priority srcnat;
        ip saddr {source} oifname "{device}" masquerade
    }}
}}
"""

# A NAT on the way, and a strict one: it changes ports, as a NAT with many behind it has to, lets nothing in that nobody
# behind it asked for, and leads nobody to its inside.
NAT = """
table ip {table}
delete table ip {table}
table ip {table} {{
    chain postrouting {{
        type nat hook postrouting priority srcnat;
        ip saddr {inside} meta l4proto {{ tcp, udp }} snat to {outside}:20000-29999
        ip saddr {inside} snat to {outside}
    }}
    chain forward {{
        type filter hook forward priority filter;
        oifname "{device}" ct state established,related accept
        oifname "{device}" drop
    }}
    chain input {{
        type filter hook input priority filter;
        ip daddr {outside} icmp type echo-request accept
        ip daddr {outside} drop
    }}
}}
"""


def exists(namespace):
    return os.path.exists(f"{NAMESPACES}/{namespace}")


def namespaces():
    """Those of the lab that exist, whatever its clouds and tenants."""
    there = sorted(os.listdir(NAMESPACES)) if os.path.isdir(NAMESPACES) else []
    places = {landscape.INTERNET, *map(landscape.namespace_of, landscape.CLOUDS)}
    return [name for name in there if name in places or landscape.machine_named(name)]


def make_base(clouds, tenants=()):
    """The controller's bridge, the internet and the clouds' bridges, where missing; tenants' that are gone go.

    Returns the names of what was made: a cloud, `internet` or `vcclab`.
    """
    made = []
    if landscape.CONTROLLER_BRIDGE not in _host_devices():
        bridge = landscape.CONTROLLER_BRIDGE
        batch(
            None,
            [
                f"link add {bridge} type bridge forward_delay 0",
                f"address add {landscape.CONTROLLER_ADDRESS} dev {bridge}",
                f"link set {bridge} up",
            ],
        )
        made.append(bridge)
    if not exists(landscape.INTERNET):
        _make_namespace(landscape.INTERNET, ROUTER)
        made.append(landscape.INTERNET)
    for cloud in clouds:
        namespace = landscape.namespace_of(cloud)
        if not exists(namespace):
            _make_namespace(namespace, {})
            made.append(cloud)
        _make_bridges(namespace, {*BRIDGES, *map(landscape.org_bridge, tenants)})
    return made


def _make_bridges(namespace, wanted):
    """The bridges of a cloud; those of tenants that are gone have no machine on them any more."""
    devices = json.loads(run("ip", "-n", namespace, "-j", "link", "show", "type", "bridge") or "[]")
    there = {device["ifname"] for device in devices}
    batch(namespace, [f"link delete {bridge}" for bridge in sorted(there - wanted)])
    for bridge in sorted(wanted - there):
        batch(namespace, [f"link add {bridge} type bridge forward_delay 0", f"link set {bridge} up"])


def attach(machine):
    """Make a machine's namespace and wires afresh."""
    detach(machine)
    _make_namespace(machine.name, {})  # whether it forwards is its own to say, and not before it is up
    for interface in machine.interfaces:
        where, peer = _other_end(machine, interface)
        target = f"netns {where}" if where else f"netns {os.getpid()}"
        batch(
            machine.name,
            [f"link add {interface.name} address {_mac(machine, interface)} type veth peer name {peer} {target}"],
        )
        if interface.network == "public":
            addresses = [f"address add {a} dev {peer} nodad" for a in interface.gateway]
            batch(where, [*addresses, f"link set {peer} up"])
            _translate(machine, where, peer)
        else:
            bridge = landscape.CONTROLLER_BRIDGE if interface.network == "controller" else interface.network
            batch(where, [f"link set {peer} master {bridge} up"])
            if interface.network == "mgmt" and machine.kind != "vcc_node":  # the node reaches all, they nobody else
                batch(where, [f"link set {peer} type bridge_slave isolated on"])
        batch(
            machine.name,
            [f"address add {a} dev {interface.name} nodad" for a in interface.addresses]
            + [f"link set {interface.name} up"],
        )
    if machine.gateways:
        defaults = ("::/0" if ":" in gateway else "0.0.0.0/0" for gateway in machine.gateways)
        batch(machine.name, [f"route add {d} via {gateway}" for d, gateway in zip(defaults, machine.gateways)])
    if machine.masquerade:
        source, device = machine.masquerade
        run(
            "ip", "netns", "exec", machine.name, "nft", "-f", "-", stdin=MASQUERADE.format(source=source, device=device)
        )


def mend(machine):
    """Put back what a running machine has lost of its addresses and ways to the world; whether there was any."""
    devices = json.loads(run("ip", "-n", machine.name, "-j", "address"))
    there = {
        ipaddress.ip_interface(f"{one['local']}/{one['prefixlen']}")
        for device in devices
        for one in device["addr_info"]
        if "local" in one
    }
    lost = [
        f"address add {address} dev {interface.name} nodad"
        for interface in machine.interfaces
        for address in interface.addresses
        if ipaddress.ip_interface(address) not in there
    ]
    for gateway in machine.gateways:
        family, everything = ("-6", "::/0") if ":" in gateway else ("-4", "0.0.0.0/0")
        if not json.loads(run("ip", "-n", machine.name, "-j", family, "route", "show", "default") or "[]"):
            lost.append(f"route add {everything} via {gateway}")
    if lost:
        batch(machine.name, lost)
    return bool(lost)


def cut(machine, network):
    """Take a machine's wire to a network out at the far end: its device has no carrier. Whether it was in."""
    where, peer = _far_end(machine, network)
    if not _is_up(where, peer):
        return False
    batch(where, [f"link set {peer} down"])
    return True


def join(machine, network):
    """Put a wire that was cut in again. Whether it was out."""
    interface = _interface_to(machine, network)
    where, peer = _far_end(machine, network)
    if _is_up(where, peer):
        return False
    # What a device that goes down loses: its IPv6 addresses.
    addresses = [f"address replace {address} dev {peer} nodad" for address in interface.gateway]
    batch(where, [f"link set {peer} up", *addresses])
    return True


def _far_end(machine, network):
    where, peer = _other_end(machine, _interface_to(machine, network))
    if network == "controller" or not exists(where):
        raise LabError(f"{machine.name} has no wire to {network} that could be cut")
    return where, peer


def _interface_to(machine, network):
    for interface in machine.interfaces:
        if network in (interface.name, interface.network):
            return interface
    wires = ", ".join(interface.name for interface in machine.interfaces)
    raise LabError(f"{machine.name} has no wire {network}; it has {wires}")


def _is_up(namespace, device):
    (found,) = json.loads(run("ip", "-n", namespace, "-j", "link", "show", device))
    return "UP" in found["flags"]


def detach(machine):
    """Remove a machine's namespace and wires. The kernel takes its time over a namespace: the wires go first."""
    for interface in machine.interfaces:
        where, peer = _other_end(machine, interface)
        if where is None or exists(where):
            run("ip", *(("-n", where) if where else ()), "link", "delete", peer, check=False)
        if interface.network == "public" and exists(where):  # whatever it is now, it may have been behind a NAT
            run("ip", "netns", "exec", where, "nft", "delete", "table", "ip", _nat_table(machine), check=False)
    delete_namespace(machine.name)


def _translate(machine, router, device):
    """The NAT that the machine is behind, if it is."""
    if machine.nat:
        batch(router, [f"address add {machine.nat.outside}/32 dev {device}"])
        rules = NAT.format(
            table=_nat_table(machine), device=device, inside=machine.nat.inside, outside=machine.nat.outside
        )
        run("ip", "netns", "exec", router, "nft", "-f", "-", stdin=rules)


def _nat_table(machine):
    return f"lab_nat_{machine.name.replace('-', '_')}"


def delete_namespace(namespace):
    if exists(namespace):
        run("ip", "netns", "delete", namespace)


def delete_host_side():
    """The controller's bridge and what may still hang on it."""
    ours = {landscape.CONTROLLER_BRIDGE, *(f"ctl-{cloud}" for cloud in landscape.CLOUDS)}
    for device in ours & _host_devices():
        run("ip", "link", "delete", device, check=False)


def processes_in(namespace):
    return [int(pid) for pid in run("ip", "netns", "pids", namespace, check=False).split()]


def _host_devices():
    return {name for _index, name in socket.if_nameindex()}


def _other_end(machine, interface):
    """(namespace, device) of a wire's far end; namespace None: the host's own."""
    if interface.network == "controller":
        return None, f"ctl-{machine.cloud}"
    if interface.network == "public":
        own = machine.organization == landscape.ORGANIZATION
        return landscape.INTERNET, machine.name if own else f"{machine.organization}-{machine.cloud}"
    role = machine.name.replace(f"-{machine.cloud}", "")  # a device name has 15 characters
    return landscape.namespace_of(machine.cloud), f"{role}-{interface.name}"


def _mac(machine, interface):
    """The same at each boot, as a real device's: neighbours remember it."""
    digest = hashlib.sha256(f"{machine.name} {interface.name}".encode()).digest()
    return ":".join(f"{octet:02x}" for octet in (0x02, *digest[:5]))  # 02: locally administered


def _make_namespace(name, sysctls):
    try:
        run("ip", "netns", "add", name)
    except LabError as error:
        raise LabError(f"{error}; the lab needs root with CAP_SYS_ADMIN and CAP_NET_ADMIN") from error
    batch(name, ["link set lo up"])
    script = "".join(
        f"echo {value} > /proc/sys/{key.replace('.', '/')}\n" for key, value in {**EVERYWHERE, **sysctls}.items()
    )
    run("ip", "netns", "exec", name, "sh", "-e", stdin=script)
