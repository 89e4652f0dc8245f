# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The roles' templates make files that the kernel takes, for both families and both backends."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import jinja2
import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._node.ipsec import differing

ROLES = Path(__file__).parents[5] / "roles"
GATEWAYS = "org_edge/templates/gateway"
NAMESPACE = subprocess.run(["unshare", "-n", "nft", "--version"], capture_output=True, check=False).returncode == 0


def flatten(nested: Iterable[Any]) -> list[Any]:
    return [x for entry in nested for x in (flatten(entry) if isinstance(entry, list) else [entry])]


def render(role: str, name: str, document: dict[str, Any], backend: str, trap: bool = False, **more: Any) -> str:
    loader = jinja2.FileSystemLoader([ROLES / role / "templates", ROLES / GATEWAYS])
    environment = jinja2.Environment(
        loader=loader,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=False,  # as where Ansible includes a template
        undefined=jinja2.StrictUndefined,
        autoescape=False,
    )
    environment.filters["flatten"] = flatten
    return environment.get_template(name).render(document=document, backend=backend, trap=trap, **more)


@pytest.mark.skipif(not NAMESPACE, reason="needs root and nft")
@pytest.mark.parametrize("role", ["org_edge", "vapp_edge"])
@pytest.mark.parametrize("backend", ["xfrm", "libipsec"])
@pytest.mark.parametrize("tunnels", [1, 2])
def test_the_kernel_takes_the_firewall(document: dict[str, Any], role: str, backend: str, tunnels: int) -> None:
    document["tunnels"] *= tunnels
    text = render(role, "nftables.nft.j2", document, backend)
    done = subprocess.run(["unshare", "-n", "nft", "-f", "-"], input=text, capture_output=True, text=True, check=False)
    assert done.stderr == ""


@pytest.mark.skipif(not NAMESPACE, reason="needs root and nft")
@pytest.mark.parametrize("backend", ["xfrm", "libipsec"])
def test_the_edge_takes_questions_for_names_from_its_own_members_only(document: dict[str, Any], backend: str) -> None:
    assert "dport 53" not in render("org_edge", "nftables.nft.j2", document, backend)
    for vpn in document["vpns"]:
        vpn["names"] = {"domain": f"{vpn['name']}.vpn.internal", "hosts": {}}
    text = render("org_edge", "nftables.nft.j2", document, backend)
    done = subprocess.run(["unshare", "-n", "nft", "-f", "-"], input=text, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    rules = [line.split() for line in text.splitlines() if "dport 53" in line]
    ends = {(words[2], words[5]) for words in rules}
    names = [f"@vpn{vpn['number']}" for vpn in document["vpns"]]
    assert ends == {(f"{name}_edge", f"{name}_{who}") for name in names for who in ("local", "nat_inside")}
    assert {" ".join(words[6:8]) for words in rules} == {"iifname !="}


@pytest.mark.skipif(not NAMESPACE, reason="needs root and nft")
@pytest.mark.parametrize("role", ["org_edge", "vapp_edge"])
def test_a_vapp_edge_takes_frames_and_its_org_edge_passes_nothing_else_on(document: dict[str, Any], role: str) -> None:
    for number, vpn in enumerate(document["vpns"]):
        own, peer = ("100.64.0.17", "100.64.0.81") if vpn["family"] == 4 else ("fd64::17", "fd64::81")
        carries = {"edge_address": own, "stretch": {"port": 14789, "peers": [peer]}}
        vpn.update({} if number else {"frames": {"port": 14789}} if role == "org_edge" else carries)
    text = render(role, "nftables.nft.j2", document, "libipsec")
    done = subprocess.run(["unshare", "-n", "nft", "-f", "-"], input=text, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    said = [line.strip() for line in text.splitlines() if "14789" in line]
    if role == "org_edge":
        own = int(document["vpns"][0]["number"])
        ways = [(f"vpn{own}_local", f"vpn{own}_out"), (f"vpn{own}_remote", f"vpn{own}_in")]
        assert [(line.split()[2][1:], line.split()[-1]) for line in said] == ways
        assert all(f"udp dport 14789 @th,96,24 {own} goto" in line for line in said)
    else:
        assert said[0] == "udp dport 14789 goto frames"
        assert len(said) == 2 and said[1].endswith("udp dport 14789 accept")


ACCESS: dict[int, dict[str, Any]] = {
    4: {
        "networks": ["198.51.100.0/24"],
        "networks_beyond": ["192.0.2.0/24"],
        "servers": [{"outside": "100.64.0.20", "inside": "10.10.0.13"}],
        "ports": [
            {"to": "10.10.0.13", "ports": ["tcp/8443"]},
            {"to": "100.64.0.17", "ports": []},
            {"to": "192.0.2.0/24", "ports": ["tcp/443", "tcp/8000-8010", "udp/53"]},
        ],
        "allow": {
            "rules": [
                {
                    "from": ["100.64.0.0/24", "192.168.1.12"],
                    "to": ["100.64.0.17"],
                    "ports": ["icmp", "tcp/5432", "udp/53-54"],
                },
                {"from": ["100.64.0.65", "100.64.0.66"], "to": ["100.64.0.17", "100.64.0.18"], "ports": ["icmp"]},
                {"from": ["192.168.1.12"], "to": ["100.64.0.65"]},
            ],
            "targets": [
                {"to": ["100.64.0.17"], "rules": [1, 2]},
                {"to": ["100.64.0.18"], "rules": [2]},
                {"to": ["100.64.0.65"], "rules": [3]},
            ],
            "beside": ["100.64.0.70"],
            "outside": ["100.64.0.128/26", "100.64.0.192/26"],
        },
        "log": {"rate": "10/minute", "group": 5},
        "rules": ["tcp dport 25 counter drop", 'ip daddr 10.0.0.0/8 log prefix "ours " drop comment "no"'],
    },
    6: {
        "networks": ["2001:db8:1::/48"],
        "networks_beyond": ["2001:db8:2::/48"],
        "servers": [{"outside": "fd00:1::20", "inside": "fd10:10::13"}],
        "ports": [{"to": "fd00:1::11", "ports": ["tcp/22"]}, {"to": "2001:db8:2::/48", "ports": ["udp/53"]}],
        "allow": {"rules": [{"from": ["fd00:1::/64"], "to": ["fd00:1::11"], "ports": ["icmp", "tcp/22"]}]},
        "log": {"rate": "1/second"},
        "rules": ["meta l4proto sctp drop"],
    },
}


@pytest.mark.parametrize("role", ["org_edge", "vapp_edge"])
def test_a_packet_meets_the_rules_about_its_target_only(document: dict[str, Any], role: str) -> None:
    """Else each of 300 rules would cost every packet half a microsecond."""

    def rules(number: int) -> list[str]:
        told = {
            "rules": [{"from": ["100.64.0.7"], "to": ["100.64.0.17"], "ports": ["tcp/1"]}] * number,
            "targets": [{"to": ["100.64.0.17"], "rules": list(range(1, number + 1))}],
            "beside": [],
        }
        text = render(role, "nftables.nft.j2", {**document, "vpns": [{**document["vpns"][0], "allow": told}]}, "xfrm")
        chain = re.search(r"chain vpn\d+_allow \{\n(.*?)\n  \}", text, re.DOTALL)
        assert chain is not None
        return chain[1].splitlines()

    assert rules(300) == rules(1)


@pytest.mark.skipif(not NAMESPACE, reason="needs root and nft")
@pytest.mark.parametrize("role", ["org_edge", "vapp_edge"])
@pytest.mark.parametrize("backend", ["xfrm", "libipsec"])
@pytest.mark.parametrize("keys", [[key] for key in ACCESS[4]] + [list(ACCESS[4])], ids="-".join)
def test_the_kernel_takes_who_may_reach_what(
    document: dict[str, Any], role: str, backend: str, keys: list[str]
) -> None:
    for vpn in document["vpns"]:
        vpn.update({key: ACCESS[vpn["family"]][key] for key in keys})
        vpn["through"] = True
    text = render(role, "nftables.nft.j2", {**document, "role": role}, backend)
    done = subprocess.run(["unshare", "-n", "nft", "-f", "-"], input=text, capture_output=True, text=True, check=False)
    assert done.stderr == ""


@pytest.mark.parametrize("role", ["org_edge", "vapp_edge"])
def test_what_no_rule_between_members_names_is_refused_before_anything_accepts_it(
    document: dict[str, Any], role: str
) -> None:
    assert "allow" not in render(role, "nftables.nft.j2", document, "libipsec")
    document["vpns"][0]["allow"] = {"rules": [{"from": ["100.64.0.65"], "to": ["100.64.0.17"], "ports": ["icmp"]}]}
    text = render(role, "nftables.nft.j2", document, "libipsec")
    chains = dict(re.findall(r"^  chain (\S+) \{\n(.*?)^  \}", text, re.DOTALL | re.MULTILINE))
    judging = [line.strip() for line in chains["vpn1"].splitlines()]
    assert judging[:2] == [
        "ip daddr @vpn1_here jump vpn1_allow",
        "ip daddr != @vpn1_here ip saddr @vpn1_here jump vpn1_allow",
    ]
    assert chains["vpn1_allow"].splitlines()[-1].strip() == "goto refuse"
    assert "accept" not in chains["vpn1_allow"]
    # Both as packets have them here: translated members by their own addresses.
    assert "elements = { 100.64.0.17, 192.168.1.12 }" in re.search(r"set vpn1_here .*", text)[0]  # type: ignore[index]
    assert "vpn2_allow" not in text


def test_what_passes_between_external_edges_is_judged_before_it_is_passed_on(document: dict[str, Any]) -> None:
    vpn = document["vpns"][0]
    vpn.update(through=True, allow={"rules": [], "beside": [], "outside": ["100.64.0.128/26", "100.64.0.192/26"]})
    text = render("org_edge", "nftables.nft.j2", document, "libipsec")
    judging = text.partition("  chain vpn1 {\n")[2].partition("\n  }")[0]
    judged = judging.index("ip saddr @vpn1_outside ip daddr @vpn1_outside jump vpn1_allow")
    assert judged < judging.index("goto vpn1_through")


def test_what_both_kinds_of_gateway_say_alike_is_there_once() -> None:
    """A vApp edge's file of the same name would be taken instead, by the vApp edge only."""
    own, alike = ({path.name for path in (ROLES / place).iterdir()} for place in ("vapp_edge/templates", GATEWAYS))
    assert alike and not own & alike


def test_a_vapp_edge_needs_nothing_of_an_org_edge(document: dict[str, Any]) -> None:
    for vpn in document["vpns"]:
        for key in ("edge_address", "mtu", "mss"):
            del vpn[key]
    assert "table inet intercloud_vpn" in render("vapp_edge", "nftables.nft.j2", document, "none")


@pytest.mark.parametrize(("backend", "device"), [("xfrm", "vcc1"), ("libipsec", "ipsec0")])
def test_the_tunnel_device(document: dict[str, Any], backend: str, device: str) -> None:
    assert f'oifname "{device}" goto vpn1_out' in render("org_edge", "nftables.nft.j2", document, backend)


@pytest.mark.parametrize("backend", ["xfrm", "libipsec"])
def test_a_vpn_over_openvpn_has_openvpns_devices(document: dict[str, Any], backend: str) -> None:
    document["vpns"][0]["kind"] = "ssl"
    text = render("org_edge", "nftables.nft.j2", document, backend)
    assert 'oifname "vcs*" goto vpn1_out' in text
    assert "maxseg size set 1398\n" in text
    assert f'oifname "{"vcc2" if backend == "xfrm" else "ipsec0"}" goto vpn2_out' in text


@pytest.mark.parametrize(("backend", "mss"), [("xfrm", 1398), ("libipsec", 1360)])
def test_segments_fit_the_device(document: dict[str, Any], backend: str, mss: int) -> None:
    assert f"maxseg size set {mss}\n" in render("org_edge", "nftables.nft.j2", document, backend)


def test_redirects_are_matched_by_block(document: dict[str, Any]) -> None:
    document["vpns"][0]["blocks"] = ["10.20.128.0/17"]
    assert "& 0xffff8000 == 0x0a148000 drop" in render("vapp_edge", "nftables.nft.j2", document, "none")


@pytest.mark.parametrize(
    ("initiator", "backend", "trap", "action"),
    [
        (True, "libipsec", False, "start"),
        (False, "libipsec", False, "none"),
        (True, "xfrm", True, "trap|start"),
        (False, "xfrm", True, "trap"),
    ],
)
def test_one_end_initiates(document: dict[str, Any], initiator: bool, backend: str, trap: bool, action: str) -> None:
    document["tunnels"][0]["initiator"] = initiator
    text = render("org_edge", "swanctl.conf.j2", document, backend, trap)
    found = differing.layout(text)  # so that of many connections only those that differ are tried
    assert found is not None and list(found.connections) == [tunnel["name"] for tunnel in document["tunnels"]]
    assert "".join((found.head, *found.connections.values(), found.tail)) == text
    assert f"start_action = {action}\n" in text
    assert ("if_id_in = 1\n" in text) == (backend == "xfrm")


@pytest.mark.parametrize(("initiator", "action"), [(True, "trap|start"), (False, "none")])
def test_who_cannot_reach_the_other_end_waits_for_it(document: dict[str, Any], initiator: bool, action: str) -> None:
    """No trap: its attempts would end at the peer's NAT, and be in the way of the peer's own."""
    document["tunnels"][0].update(initiator=initiator, peer_behind_nat=not initiator)
    text = render("org_edge", "swanctl.conf.j2", document, "xfrm", trap=True)
    assert f"start_action = {action}\n" in text
    assert ("dpd_action = clear\n" in text) == (not initiator)


def test_nothing_is_left_to_defaults(document: dict[str, Any]) -> None:
    text = render("org_edge", "swanctl.conf.j2", document, "libipsec")
    for line in (
        "version = 2",
        "mobike = no",
        "proposals = aes256gcm16-prfsha384-ecp384",
        "esp_proposals = aes256gcm16-ecp384",
    ):
        assert f"{line}\n" in text


@pytest.mark.parametrize("role", ["org_edge", "vapp_edge"])
def test_more_vpns_are_no_more_rules_for_a_packet(document: dict[str, Any], role: str) -> None:
    """tests/bench/bench_packets.py measures it. What the gateway itself says to members is rare, and left out."""

    def met(vpns: int) -> dict[str, int]:
        (first, *_others) = document["vpns"]
        every = [
            {**first, "name": f"vpn{number}", "number": number, "nat": [], "blocks": [f"100.64.{number}.0/24"]}
            for number in range(1, vpns + 1)
        ]
        text = render(role, "nftables.nft.j2", {**document, "vpns": every}, "libipsec")
        chains = re.findall(r"^  chain (\S+) \{\n(.*?)^  \}", text, re.DOTALL | re.MULTILINE)
        own = {
            name: body.count("\n") for name, body in chains if not re.match(r"vpn\d|to_edge|from_edge|redirects", name)
        }
        assert {"forward", "members", "leaving", "refuse", "input", "output"} <= set(own)
        return own

    assert met(2) == met(40)
