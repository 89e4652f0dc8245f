# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A partner's gateway: libreswan in a network of its own on the internet, configured with what external_settings shows.

Its VM is the gateway itself, which has the VM's address on `lo`.
"""

from __future__ import annotations

import json

from ansible_collections.intercloud.vpn.tests.kernel import vm
from ansible_collections.intercloud.vpn.tests.testinfra import lab, playbooks

EDGE, VM = "partner", "orders-partner"
ADDRESS, GATEWAY = "203.0.113.242", "203.0.113.241"
HOME = "/tmp/partner"
LIBEXEC = "/usr/libexec/ipsec"
IDENTITY = "partner.acme"
# What a test has the partner's gateway send to an address that is in no tunnel. That leaves in clear, and is not ours.
STRAY = "(src net 100.100.0.0/24 and dst host 10.10.0.13)"


def inventory(authentication="psk"):
    """What the administrator adds to the inventory for it: arguments of ansible-playbook."""
    edge = {
        "vcc_external": True,
        "vcc_public_address": [ADDRESS],
        "vcc_org": "acme",
        "vcc_authentication": authentication,
    }
    groups = {
        "org_edges": {"hosts": {EDGE: edge}},
        "members": {"hosts": {VM: {"vcc_org": "acme"}}},
        "cloud_partner": {"hosts": {EDGE: None, VM: None}},
    }
    file = vm.SCRATCH / f"partner-{authentication}.yml"
    file.write_text(json.dumps(groups), encoding="utf-8")
    return ["-i", str(file)]


def connect():
    """The wire to the internet's router."""
    inside, router = f"ip -n {EDGE}", f"ip -n {lab.INTERNET}"
    vm.sh(f"rm -rf {HOME}; ip netns add {EDGE}")
    for words in (
        f"{inside} link add wan type veth peer name {EDGE} netns {lab.INTERNET}",
        f"{router} address add {GATEWAY}/28 dev {EDGE}",
        f"{router} link set {EDGE} up",
        f"{inside} address add {ADDRESS}/28 dev wan",
        f"{inside} link set wan up",
        f"{inside} link set lo up",
        f"{inside} route add default via {GATEWAY}",
    ):
        vm.sh(words)


def disconnect():
    stop()
    vm.sh(f"ip netns delete {EDGE}; rm -rf {HOME}", check=False)


def settings(arguments):
    """What external_settings says, keys included."""
    file = vm.SCRATCH / "settings.json"
    options = {"vcc_external_edge": EDGE, "vcc_settings": str(file), "vcc_show_secrets": True}
    playbooks.run("external_settings", arguments, **options)
    return json.loads(file.read_text(encoding="utf-8"))


def configure(found, secret=None):
    """Start it with these settings, or with another pre-shared key."""
    stop()
    (tunnel,) = found["tunnels"]
    files = dict(tunnel["libreswan"])
    if secret:
        (before, _key, after) = files["ipsec.secrets"].split('"')
        files["ipsec.secrets"] = f'{before}"{secret}"{after}'
    vm.sh(
        f"mkdir -p {HOME}/run {HOME}/d && test -e {HOME}/nss || (mkdir {HOME}/nss && ipsec initnss --nssdir {HOME}/nss)"
    )
    for name, text in files.items():
        vm.sh(f"umask 077; cat > {HOME}/{name} <<'END'\n{text}END")
    for member in found["members"]:
        vm.sh(f"ip -n {EDGE} address replace {member['address']}/32 dev lo")
    vm.sh(
        f"ip netns exec {EDGE} {LIBEXEC}/pluto --config {HOME}/ipsec.conf --nssdir {HOME}/nss --rundir {HOME}/run "
        f"--secretsfile {HOME}/ipsec.secrets --ipsecdir {HOME}/d --logfile {HOME}/log"
    )
    lab.wait_for("pluto", lambda: vm.sh(f"test -S {HOME}/run/pluto.ctl && echo yes", check=False), 30)
    vm.sh(
        f"ip netns exec {EDGE} {LIBEXEC}/addconn --ctlsocket {HOME}/run/pluto.ctl --config {HOME}/ipsec.conf --autoall"
    )


def stop():
    vm.sh(
        f"pkill -f -- '--rundir {HOME}/run'; while pgrep -f -- '--rundir {HOME}/run'; do sleep 0.1; done", check=False
    )


def request():
    """A new private key, which stays here, and the request for its certificate."""
    key = f"openssl ecparam -name secp384r1 -genkey -noout -out {HOME}/partner.key"
    return vm.sh(f"umask 077; {key} && openssl req -new -key {HOME}/partner.key -subj /CN={IDENTITY}")


def install(certificate, authority):
    """Put a certificate and the authority's into the database, as docs/external.md says."""
    for name, text in (("partner.pem", certificate), ("ca.pem", authority)):
        vm.sh(f"cat > {HOME}/{name} <<'END'\n{text}END")
    vm.sh(f"certutil -A -n authority -t CT,, -a -i {HOME}/ca.pem -d sql:{HOME}/nss")
    words = f"-inkey {HOME}/partner.key -in {HOME}/partner.pem -name {IDENTITY}"
    vm.sh(f"openssl pkcs12 -export {words} -passout pass: -out {HOME}/partner.p12")
    vm.sh(f"pk12util -i {HOME}/partner.p12 -d sql:{HOME}/nss -W '' -K ''")


def log():
    return vm.sh(f"tail -n 40 {HOME}/log", check=False)
