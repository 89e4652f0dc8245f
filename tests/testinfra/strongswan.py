# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Security associations, as the edges' charons list them."""

from __future__ import annotations

import json
import re
from contextlib import contextmanager
from dataclasses import dataclass

from ansible_collections.intercloud.vpn.tests.testinfra import lab

# `(unnamed) {`: an IKE_SA of which charon does not know yet whose it will be.
TOKEN = re.compile(r"[\w()-]+ \{|\}|[\w-]+=\[[^]]*\]|[\w-]+=.*?(?= [\w-]+=| [\w()-]+ \{|\})")


@dataclass(frozen=True)
class Child:
    """A CHILD_SA; its SPIs change when it is made again, or rekeyed (not within an hour)."""

    name: str
    state: str
    spis: frozenset
    algorithms: str
    group: str
    packets_in: int
    packets_out: int


@dataclass(frozen=True)
class Ike:
    """An IKE_SA and its children; `rekey`: seconds until it is rekeyed; `additional`: what is beside the group."""

    name: str
    state: str
    rekey: int
    spis: frozenset
    algorithms: str
    children: tuple
    ppk: bool = False
    additional: str = ""


def journal(edge):
    """What charon and the agent said of late."""
    return lab.sh(edge, "journalctl --no-pager -o short-precise -n 120 -u strongswan -u intercloud-vpn", check=False)


@contextmanager
def keeping_certificates(*edges):
    """While the block runs, the edges' charons keep the certificates that peers show, for `shown`. Ours keep none."""
    path = "/etc/strongswan.d/zz-test.conf"
    try:
        for edge in edges:
            lab.sh(edge, f"echo 'charon {{ cert_cache = yes }}' >{path}; systemctl restart strongswan")
        yield
    finally:
        for edge in edges:
            lab.sh(edge, f"rm -f {path}; systemctl restart strongswan")


def forget_certificates(*edges):
    for edge in edges:
        lab.sh(edge, "swanctl --flush-certs >/dev/null 2>&1")


def shown(by, of):
    """The serials of an edge's certificates that another one has been shown since it forgot them."""
    text = lab.sh(by, "swanctl --list-certs --type x509 2>/dev/null")
    entries = re.findall(rf'CN={of}\.acme"\n(?:(?!subject).*\n)*? +serial: +(\S+)', text)
    return {entry.replace(":", "").lstrip("0") for entry in entries}


def shared_keys(edge):
    """The names of the pre-shared keys and PPKs that charon has. Asked by the agent's own client: swanctl cannot."""
    program = (
        "import json, sys; sys.path.insert(0, '/usr/local/lib/intercloud-vpn'); "
        "from intercloud_vpn_node.ipsec.vici import Vici; print(json.dumps(Vici().request('get-shared')['keys']))"
    )
    return json.loads(lab.sh(edge, f'python3 -c "{program}"'))


def ike_sas(edge):
    """All IKE_SAs of an edge."""
    found = []
    for line in lab.sh(edge, "swanctl --list-sas --raw 2>/dev/null").splitlines():
        if line.startswith("list-sa event "):
            found += [_ike(name, keys) for name, keys in _parse(line[len("list-sa event ") :]).items()]
    return found


def link(edge, vpn):
    """The one link of a VPN on an edge that has but one other edge to talk to."""
    (child,) = [child for sa in ike_sas(edge) for child in sa.children if child.name == vpn]
    return child


def spis(*edges):
    """{edge: {name of an IKE_SA or CHILD_SA: SPIs}}: what stays the same as long as nothing is made again."""
    return {
        edge: {**{sa.name: sa.spis for sa in sas}, **{child.name: child.spis for sa in sas for child in sa.children}}
        for edge, sas in zip(edges, lab.at_once(ike_sas, edges))
    }


def _ike(name, keys):
    return Ike(
        name=name,
        state=keys["state"],
        rekey=int(keys.get("rekey-time", 0)),
        spis=frozenset((keys["initiator-spi"], keys["responder-spi"])),
        algorithms=" ".join(
            (f"{keys.get('encr-alg')}-{keys.get('encr-keysize')}", str(keys.get("prf-alg")), str(keys.get("dh-group")))
        ),
        children=tuple(_child(child) for child in keys.get("child-sas", {}).values()),
        ppk=keys.get("ppk") == "yes",
        additional=keys.get("ake1", ""),
    )


def _child(keys):
    return Child(
        name=keys["name"],
        state=keys["state"],
        spis=frozenset((keys.get("spi-in"), keys.get("spi-out"))),
        algorithms=f"{keys.get('encr-alg')}-{keys.get('encr-keysize')}",
        group=keys.get("dh-group", ""),
        packets_in=int(keys.get("packets-in", 0)),
        packets_out=int(keys.get("packets-out", 0)),
    )


def _parse(text):
    """`{a {b=c d {}}}` as a dictionary of dictionaries."""
    stack = [{}]
    for token in TOKEN.findall(text):
        if token == "}":
            if len(stack) > 1:
                stack.pop()
        elif token.endswith(" {"):
            stack.append(stack[-1].setdefault(token[:-2], {}))
        else:
            key, _equals, value = token.partition("=")
            stack[-1][key] = value
    return stack[0]


def plugins(edge):
    """What charon has loaded."""
    (line,) = [one for one in lab.sh(edge, "swanctl --stats 2>/dev/null").splitlines() if one.startswith("loaded plug")]
    return line.partition(":")[2].split()


def listens(edge):
    """The UDP and TCP ports at which charon listens; raw and packet sockets by their kind."""
    found = set()
    for line in lab.sh(edge, "ss -HlnpA inet,packet,raw | grep charon || :").splitlines():
        words = line.split()
        found.add(f"{words[0]} {words[4].rpartition(':')[2]}")
    return found
