# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The partner's administrator: configures an edge and a VM by hand, from what external_settings shows and no more."""

from __future__ import annotations

import json

import pytest

from ansible_collections.intercloud.vpn.tests.testinfra import lab, playbooks

EDGE, VM, VM_ADDRESS, GATEWAY = "edge-south", "vm3-south", "10.10.0.13", "10.10.0.1"
NAME, DNS, SERVER_AT, SERVER = "vpn.partner.example", "partner-dns", "edge-west", "203.0.113.18"
GATE = "203.0.113.33"
CONFIG = "/etc/swanctl/conf.d/partner.conf"
# ESP in userspace, as everywhere in this lab.
CHARON = "charon { install_routes = no\n plugins { kernel-libipsec { load = yes }\n bypass-lan { load = no }\n } }\n"


def settings(*arguments):
    """What external_settings says, keys included."""
    file = playbooks.SCRATCH / "settings.json"
    options = {"vcc_external_edge": EDGE, "vcc_settings": str(file), "vcc_show_secrets": True}
    playbooks.run("external_settings", arguments, **options)
    return json.loads(file.read_text(encoding="utf-8"))


def key(tunnel):
    """A tunnel's pre-shared key, as it stands in libreswan's file."""
    return tunnel["libreswan"]["ipsec.secrets"].split('"')[1]


def configure(found, keys=None):
    """The edge's whole configuration, loaded; `keys`: others than the settings have, by tunnel."""
    sections = [_connection(tunnel) for tunnel in found["tunnels"]]
    secrets = [_secret(tunnel, (keys or {}).get(tunnel["name"], key(tunnel))) for tunnel in found["tunnels"]
               if tunnel["authentication"] == "psk"]  # fmt: skip
    text = f"connections {{\n{''.join(sections)}}}\nsecrets {{\n{''.join(secrets)}}}\n"
    _write(CONFIG, text)
    lab.sh(EDGE, "swanctl --load-all --noprompt")


def start():
    """strongSwan, with nothing configured yet."""
    _write("/etc/strongswan.d/partner.conf", CHARON)
    lab.sh(EDGE, "systemctl restart strongswan")


def route(found):
    """Addresses and routes on the edge and on the VM."""
    (member,) = found["members"]
    links = [vpn for tunnel in found["tunnels"] for vpn in tunnel["vpns"]]
    gateway = links[0]["gateway"]
    remote = [prefix for vpn in links for prefix in vpn["remote_ts"]]
    edge = [f"ip address replace {gateway}/32 dev lo", f"ip route replace {member['address']}/32 via {VM_ADDRESS}"]
    edge += [f"ip route replace {prefix} dev ipsec0 src {gateway}" for prefix in remote]
    vm = [f"ip address replace {member['address']}/32 dev eth0"]
    vm += [f"ip route replace {prefix} via {GATEWAY} src {member['address']}" for prefix in remote]
    lab.sh(EDGE, " && ".join(edge))
    lab.sh(VM, " && ".join(vm))


def open_network(address, gateway):
    """Another network behind the edge: an address of the VM's in it, and the edge's own. The rest leads nowhere."""
    lab.sh(VM, f"ip address replace {address}/32 dev eth0")
    lab.sh(EDGE, f"ip address replace {gateway}/32 dev lo && ip route replace {address}/32 via {VM_ADDRESS}")
    lab.sh(EDGE, f"ip route replace blackhole {gateway.rpartition('.')[0]}.0/24")


def close_network(address, gateway):
    """Undo it."""
    lab.sh(VM, f"ip address delete {address}/32 dev eth0")
    lab.sh(EDGE, f"ip route delete {address}/32; ip address delete {gateway}/32 dev lo")
    lab.sh(EDGE, f"ip route delete blackhole {gateway.rpartition('.')[0]}.0/24")


def answer(address):
    """A name server on another machine, which knows where the partner is now."""
    stop_answering()
    words = f"dnsmasq -k --bind-interfaces --listen-address={SERVER} --no-resolv --no-hosts --user=root --group=root"
    lab.sh(SERVER_AT, f"systemd-run --quiet --unit={DNS} {words} --host-record={NAME},{address},5")


def stop_answering():
    """No server knows."""
    lab.sh(SERVER_AT, f"systemctl stop {DNS}", check=False)


def ask_server(edge):
    """Have an edge ask that server."""
    lab.sh(edge, "cp -P /etc/resolv.conf /root/resolv.conf && rm /etc/resolv.conf")
    lab.sh(edge, f"echo nameserver {SERVER} > /etc/resolv.conf")


def ask_as_before(edge):
    """Undo it."""
    lab.sh(edge, "mv -f /root/resolv.conf /etc/resolv.conf")


def move(found, old, new, keys):
    """Another public address, and a charon that has it. The old one is gone, and says no farewell."""
    device = lab.sh(EDGE, f"ip -o address show to {old}").split()[1]
    words = [f"ip address delete {old}/28 dev {device}", f"ip address add {new}/28 dev {device}"]
    lab.sh(EDGE, " && ".join([*words, f"ip route replace default via {GATE}"]))
    tunnels = [{**tunnel, "local": {**tunnel["local"], "address": new}} for tunnel in found["tunnels"]]
    configure({**found, "tunnels": tunnels}, keys)


def hang_up(tunnel):
    """End an IKE_SA."""
    lab.sh(EDGE, f"swanctl --terminate --ike {tunnel} --timeout 5", check=False)


def _connection(tunnel):
    local, remote = tunnel["local"], tunnel["remote"]
    auth = {"psk": "psk", "certificate": "pubkey"}[tunnel["authentication"]]
    ours = "certs = partner.pem" if auth == "pubkey" else ""
    children = "".join(
        f"  {vpn['name']} {{\n"
        f"   local_ts = {','.join(vpn['local_ts'])}\n   remote_ts = {','.join(vpn['remote_ts'])}\n"
        f"   esp_proposals = {','.join(vpn['esp']['proposals'])}\n  }}\n"
        for vpn in tunnel["vpns"]
    )
    return (
        f" {tunnel['name']} {{\n  version = 2\n  encap = yes\n  send_cert = always\n"
        f"  local_addrs = {local['address']}\n  remote_addrs = {remote['address']}\n"
        f"  proposals = {','.join(tunnel['ike']['proposals'])}\n"
        f"  local {{\n   auth = {auth}\n   id = {local['identity']}\n   {ours}\n  }}\n"
        f"  remote {{\n   auth = {auth}\n   id = {remote['identity']}\n  }}\n"
        f"  children {{\n{children}  }}\n }}\n"
    )


def _secret(tunnel, text):
    local, remote = tunnel["local"]["identity"], tunnel["remote"]["identity"]
    return f' ike-{tunnel["name"]} {{\n  id-1 = {local}\n  id-2 = {remote}\n  secret = "{text}"\n }}\n'


def _write(path, text):
    lab.sh(EDGE, f"umask 077; cat > {path} <<'END'\n{text}END\n")


def configure_as_aws(found):
    """The edge's whole configuration as AWS would make it of the printed Terraform, and its own address. No more."""
    hcl2 = pytest.importorskip("hcl2")
    files = [
        (tunnel["local"]["address"], text) for tunnel in found["tunnels"] for text in tunnel["configuration"].values()
    ]
    made = [_made_by_aws(own, hcl2.loads(text)) for own, text in files]
    connections, secrets = ("".join(part) for part in zip(*made))
    _write(CONFIG, f"connections {{\n{connections}}}\nsecrets {{\n{secrets}}}\n")
    lab.sh(EDGE, "swanctl --load-all --noprompt")


def _made_by_aws(own, read):
    """A connection and its secret. AWS knows both ends by their addresses."""
    resources = {kind.strip('"'): named for block in read["resource"] for kind, named in block.items()}
    customer, connection = (
        {key: _plain(value) for key, value in next(iter(resources[kind].values())).items()}
        for kind in ("aws_customer_gateway", "aws_vpn_connection")
    )
    peer = customer["ip_address"]
    name = f"aws-{peer.replace('.', '-')}"
    options = {key.removeprefix("tunnel1_"): value for key, value in connection.items() if key.startswith("tunnel1_")}
    assert options["ike_versions"] == ["ikev2"] and options["startup_action"] == "add"
    text = (
        f" {name} {{\n  version = 2\n  encap = yes\n  local_addrs = {own}\n  remote_addrs = {peer}\n"
        f"  proposals = {_proposals(options, 'phase1', ike=True)}\n  rekey_time = 0\n"
        f"  over_time = {options['phase1_lifetime_seconds']}s\n"
        f"  local {{\n   auth = psk\n   id = {own}\n  }}\n  remote {{\n   auth = psk\n   id = {peer}\n  }}\n"
        f"  children {{\n   one {{\n    local_ts = {connection['remote_ipv4_network_cidr']}\n"
        f"    remote_ts = {connection['local_ipv4_network_cidr']}\n"
        f"    esp_proposals = {_proposals(options, 'phase2', ike=False)}\n    rekey_time = 0\n"
        f"    life_time = {options['phase2_lifetime_seconds']}s\n   }}\n  }}\n }}\n"
    )
    secret = f' ike-{name} {{\n  id-1 = {own}\n  id-2 = {peer}\n  secret = "{options["preshared_key"]}"\n }}\n'
    return text, secret


def _proposals(options, phase, *, ike):
    ciphers = {"AES256-GCM-16": "aes256gcm16", "AES128-GCM-16": "aes128gcm16"}
    hashes = [name.replace("SHA2-", "sha") for name in options[f"{phase}_integrity_algorithms"]]
    groups = {14: "modp2048", 19: "ecp256", 20: "ecp384", 21: "ecp521"}
    return ", ".join(
        "-".join([ciphers[cipher], *([f"prf{name}"] if ike else []), groups[group]])
        for cipher in options[f"{phase}_encryption_algorithms"]
        for name in (hashes if ike else [""])
        for group in options[f"{phase}_dh_group_numbers"]
    )


def _plain(value):
    """A value that python-hcl2 read, without the quotes of literals."""
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return value.strip('"') if isinstance(value, str) else value
