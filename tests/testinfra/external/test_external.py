# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A VPN with a member behind an edge that is not ours: only our ends are configured, and they say when it is up."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from ansible_collections.intercloud.vpn.plugins.plugin_utils import _lab
from ansible_collections.intercloud.vpn.tests.testinfra import capture, lab, playbooks, ports, strongswan
from ansible_collections.intercloud.vpn.tests.testinfra.external import partner

HERE = Path(__file__).parent
LAYERED = ("-i", str(HERE / "partner.yml"))
AWS = (*LAYERED, "-i", str(HERE / "aws.yml"))
NAMED = (*LAYERED, "-i", str(HERE / "name.yml"))
CERTIFICATE = (*LAYERED, "-i", str(HERE / "certificate.yml"))
PAYROLL = {"name": "payroll", "pool": "internal", "members": ["vm1-east", "vm3-west", partner.VM]}
OURS = ["vm1-east", "vm3-west"]
EAST, WEST = "edge-east--edge-south", "edge-south--edge-west"
TUNNELS = {EAST: "edge-east", WEST: "edge-west"}
KEYS = Path(_lab.STATE_DIR, "psk/acme")
SECRETS = "/etc/swanctl/conf.d/intercloud-vpn-secrets.conf"


def state():
    """tunnel → the SPIs of its IKE_SAs on our end."""
    return {name: [sa.spis for sa in strongswan.ike_sas(edge) if sa.name == name] for name, edge in TUNNELS.items()}


def up(edge):
    """An edge's tunnels whose link carries packets."""
    return [sa.name for sa in strongswan.ike_sas(edge) if [child.state for child in sa.children] == ["INSTALLED"]]


def remote_hosts():
    """Where our ends of the tunnels find the partner."""
    shown = "".join(lab.sh(edge, f"swanctl --list-sas --raw --ike {name}") for name, edge in TUNNELS.items())
    return set(re.findall(r"remote-host=(\S+)", shown))


@pytest.fixture(scope="module", autouse=True)
def found():
    """What the partner is told once the addresses are leased; they configure it, and then the VPN is created."""
    playbooks.run("lab_up", lab_clouds=3)
    partner.start()
    for file in KEYS.glob("*"):
        file.unlink()
    playbooks.run(lab.ROOT / "playbooks/stages/plan.yml", LAYERED, vpns=[PAYROLL])
    settings = partner.settings(*LAYERED)
    partner.configure(settings)
    partner.route(settings)
    playbooks.create(PAYROLL, arguments=LAYERED)
    return settings


def keys(found):
    return {tunnel["name"]: partner.key(tunnel) for tunnel in found["tunnels"]}


def test_members_reach_the_external_one_and_it_reaches_them(found):
    addresses = playbooks.addresses()
    assert [member["address"] for member in found["members"]] == [addresses[partner.VM]]
    pairs = [(name, partner.VM) for name in OURS] + [(partner.VM, name) for name in OURS]
    pings = lab.reach((source, addresses[to]) for source, to in pairs)
    assert [pair for pair, some in pings.items() if some.lost] == []


def test_the_result_says_what_was_not_probed():
    pairs = {(pair["src"], pair["dst"]): (pair["reachable"], pair["reason"]) for pair in playbooks.result()["pairs"]}
    assert {pairs[partner.VM, name] for name in OURS} == {(None, "external, not probed")}
    assert {pairs[name, partner.VM] for name in OURS} == {(True, None)}


def test_each_tunnel_has_a_key_of_its_own_that_nobody_else_can_read(found):
    both = keys(found)
    assert len(set(both.values())) == 2
    for tunnel, key in both.items():
        assert (KEYS / tunnel).read_text(encoding="utf-8").strip() == key
        assert (KEYS / tunnel).stat().st_mode & 0o777 == 0o600
        assert lab.host(TUNNELS[tunnel]).file(SECRETS).mode == 0o600


def test_no_key_is_in_what_a_run_prints_or_the_ledger_keeps(found):
    said = playbooks.create(PAYROLL, arguments=(*LAYERED, "-vvv", "--diff"), verify=False)
    assert said.hosts("changed") == set()
    kept = Path(_lab.STATE_DIR, "ledger.sqlite").read_bytes()
    for tunnel, key in keys(found).items():
        assert key not in said.output
        assert key.encode() not in kept
        assert lab.sh(TUNNELS[tunnel], f"journalctl --no-pager | grep -c {key[:16]}", check=False).strip() == "0"


@pytest.mark.thorough("tests/integration: a check makes no key")
def test_check_predicts_a_key_that_it_does_not_make(found):
    (KEYS / EAST).unlink()
    run = playbooks.create(PAYROLL, arguments=(*LAYERED, "--check", "-v"), verify=False)
    assert run.actions["edge-east"]["secrets"] == [f"change the pre-shared key of {EAST}"]
    assert "secrets" not in run.actions.get("edge-west", {})
    assert not (KEYS / EAST).exists()
    (KEYS / EAST).write_text(keys(found)[EAST], encoding="utf-8")


def test_keys_are_there_again_when_charon_is():
    """Also for the next run, which finds nothing to mend."""
    lab.sh("edge-west", "systemctl restart strongswan")
    lab.wait_for("both tunnels of edge-west", lambda: len(up("edge-west")) == 2, 40)
    assert '"drift": []' in lab.sh("edge-west", "/usr/local/lib/intercloud-vpn/agent status")


def test_verify_names_the_tunnel_whose_key_is_wrong(found):
    partner.configure(found, {EAST: "not what was agreed upon"})
    partner.hang_up(EAST)
    run = playbooks.run("verify_vpn", LAYERED, succeeds=False, vpns=[PAYROLL])
    assert f"tunnel {EAST}" in run.output
    assert f"tunnel {WEST}" not in run.output
    assert "vcc_external_edge=edge-south" in run.output


def test_a_new_key_takes_the_place_of_the_old_one_at_once(found, say):
    """The partner loads it first; the tunnel that is up is then up with the new one.

    It authenticates again, which may cost what is under way in that millisecond (docs/kernel.md).
    """
    before, address, old = state(), playbooks.addresses()[partner.VM], keys(found)
    fresh = f"agreed upon {time.time_ns()} by phone"
    (KEYS / WEST).write_text(f"{fresh}\n", encoding="utf-8")
    partner.configure(found, {WEST: fresh})
    with lab.pinging("vm3-west", address, interval=0.01) as pings:
        run = playbooks.create(PAYROLL, arguments=(*LAYERED, "-v", "--diff"), verify=False)
    assert f"change the pre-shared key of {WEST}" in run.actions["edge-west"]["secrets"]
    assert not [key for key in (fresh, *old.values()) if key in run.output]
    after = state()
    assert [len(sas) for sas in after.values()] == [1, 1]
    assert after[WEST] != before[WEST]
    say(f"a new pre-shared key under 100 pings a second: {pings.lost} of {pings.sent} lost")
    assert pings.lost <= 3, pings.text


ROTATED_BY = "unit tests rotate the key of a partner who is late, early, or never comes"


def rotate(*arguments, succeeds=True, **variables):
    """The playbook rotate of the key of edge-west's tunnel; whatever comes of it, no key is in what it prints."""
    before = rotating()
    run = playbooks.run("rotate", (*LAYERED, "-vvv", "--diff", *arguments), succeeds=succeeds, **variables)
    assert not [key for key in (*before, *rotating()) if key in run.output]
    return run


def rotating():
    """The keys of edge-west's tunnel, the one in use first."""
    lines = (KEYS / WEST).read_text(encoding="utf-8").splitlines()
    return [lines[0], *(line.split(" ", 2)[2] for line in lines[1:] if line.startswith("also "))]


def ours():
    """The keys that edge-west's charon has of its tunnel."""
    return sorted(name for name in strongswan.shared_keys("edge-west") if name.startswith(f"ike-{WEST}"))


@pytest.mark.thorough(ROTATED_BY)
def test_a_partners_key_is_rotated_and_the_partner_is_late(found, say):
    """The old key stays in use until the partner has the new one; a refusal costs nothing."""
    agreed, address = (
        keys(partner.settings(*LAYERED)),
        playbooks.addresses()[partner.VM],
    )
    others = {EAST: agreed[EAST]}
    before = state()
    with lab.pinging("vm3-west", address, interval=0.01) as pings:
        check = rotate("--check", vcc_rotate="psk", vcc_rotate_edges="edge-west")
        assert "edge-west" in check.hosts("changed") and len(rotating()) == 1
        stopped = rotate(vcc_rotate="psk", vcc_rotate_edges="edge-west", succeeds=False)
        assert "vcc_rotate_partners=edge-south" in stopped.output
        assert len(ours()) == 2 and len(rotating()) == 2
        old, new = rotating()
        assert old == agreed[WEST] and keys(partner.settings(*LAYERED)) == {**others, WEST: new}
        refused = rotate(vcc_rotate_partners="edge-south", succeeds=False)
        assert "did not accept key 2" in refused.output
        assert rotating() == [new, old] and state() == before  # no other IKE_SA than before
        assert "is not finished" in playbooks.create(PAYROLL, arguments=LAYERED).output
        assert state() == before
    say(f"a partner who is late: {pings.lost} of {pings.sent} lost")
    assert pings.lost == 0, pings.text
    partner.configure(found, {**others, WEST: new})
    with lab.pinging("vm3-west", address, interval=0.01) as pings:
        rotate()
    say(f"the key of a partner rotated: {pings.lost} of {pings.sent} lost")
    assert pings.lost <= 4, pings.text
    lab.wait_for("one IKE_SA", lambda: len(state()[WEST]) == 1, 20)
    assert rotating() == [new] and ours() == [f"ike-{WEST}+2"] and state()[WEST] != before[WEST]
    assert playbooks.create(PAYROLL, arguments=LAYERED).hosts("changed") == set()


@pytest.mark.thorough(ROTATED_BY)
def test_a_partner_is_early_and_then_it_is_abandoned(found, say):
    """A tunnel that is down comes up by whichever of the two keys the partner has."""
    others, address = {EAST: keys(partner.settings(*LAYERED))[EAST]}, playbooks.addresses()[partner.VM]
    rotate(vcc_rotate="psk", vcc_rotate_edges="edge-west", succeeds=False)
    old, new = rotating()
    partner.configure(found, {**others, WEST: new})
    for which in (new, old):
        partner.configure(found, {**others, WEST: which})
        partner.hang_up(WEST)
        _answer, took = lab.wait_for("the tunnel", lambda: lab.answers("vm3-west", address, count=1), 40)
        say(f"a partner with the {'new' if which == new else 'old'} key, after its tunnel was down: {took:.1f} s")
    assert playbooks.create(PAYROLL, arguments=LAYERED).hosts("changed") == set()
    with lab.pinging("vm3-west", address, interval=0.01) as pings:
        rotate(vcc_rotate_abandon=True)
    assert pings.lost <= 4, pings.text
    assert rotating() == [old] and ours() == [f"ike-{WEST}+2"]
    assert "is not finished" not in playbooks.create(PAYROLL, arguments=LAYERED).output
    partner.configure(found, {**others, WEST: old})


def test_members_reach_what_is_behind_the_partner_and_nothing_else_passes(found, tmp_path, say):
    """On the wire is nothing but ESP, and a second run changes nothing. Taken back, it leaves no trace."""
    begun = time.monotonic()
    behind, closed, beside = "172.20.0.7", "172.20.0.9", "172.20.8.7"
    network = {"network": "172.20.0.0/22", "behind": partner.EDGE, "ports": ["tcp/8443"], "probe": behind}
    payroll = {**PAYROLL, "destinations": {"networks": [network]}}
    playbooks.run(lab.ROOT / "playbooks/stages/plan.yml", LAYERED, vpns=[payroll])
    settings = partner.settings(*LAYERED)
    assert {(one["network"], *one["ports"]) for one in settings["networks"]} == {("172.20.0.0/22", "tcp/8443")}
    for number, address in enumerate((behind, beside)):
        partner.open_network(address, f"172.20.{8 * number}.1")
    partner.configure(settings)
    playbooks.create(payroll, arguments=LAYERED)
    assert [(one["dst"], one["port"], one["reachable"]) for one in playbooks.result()["ports"]] == [
        ("172.20.0.0/22", 8443, True)
    ] * 2
    addresses = playbooks.addresses()
    with ports.listening({partner.VM: ["tcp/8443", "tcp/8444"]}), capture.capturing(tmp_path / "wire.pcap") as wire:
        asked = [(behind, "tcp/8443"), (behind, "tcp/8444"), (beside, "tcp/8443")]
        own = {"vm3-west": addresses["vm3-west"], "vm1-east": addresses["vm1-east"]}
        for member, address in own.items():
            assert [*ports.ask(member, asked).values()] == [address, None, None]
        assert [*ports.ask("vm2-east", asked).values()] == [None, None, None]  # no member
        assert lab.answers("vm1-east", behind)
        assert not lab.answers("vm1-east", closed)
        assert not lab.answers(partner.VM, addresses["vm1-east"], own=behind)  # a network opens no connection
        assert lab.answers(partner.VM, addresses["vm1-east"], own=addresses[partner.VM])
    assert wire.packets("udp port 4500")
    # What is beside the network is none of the VPN's business, and goes where it always went.
    assert wire.packets("net 172.20.0.0/22 or net 100.64.0.0/10") == []
    assert playbooks.create(payroll, arguments=LAYERED, verify=False).hosts("changed") == set()

    playbooks.create(PAYROLL, arguments=LAYERED, verify=False)
    for edge in TUNNELS.values():
        left = lab.sh(edge, "ip route; nft list table inet intercloud_vpn; swanctl --list-conns; swanctl --list-sas")
        assert "172.20." not in left
    for number, address in enumerate((behind, beside)):
        partner.close_network(address, f"172.20.{8 * number}.1")
    partner.configure(found, {WEST: keys(settings)[WEST]})
    say(f"a network behind the partner: {time.monotonic() - begun:.0f} s for this test")


def test_a_partner_is_found_by_its_name_wherever_it_goes(found, say):
    """Its address changes without a farewell: traffic goes on when its edges have seen that, and asked."""
    first, second = "203.0.113.34", "203.0.113.35"
    agreed = {tunnel: (KEYS / tunnel).read_text(encoding="utf-8").strip() for tunnel in TUNNELS}
    partner.answer(first)
    for edge in TUNNELS.values():
        partner.ask_server(edge)
    try:
        playbooks.create(PAYROLL, arguments=NAMED)
        links = {link["tunnel"]: link for link in playbooks.result()["links"]}
        assert {(links[name]["partner"]["address"], links[name]["up"]) for name in TUNNELS} == {(first, True)}
        if lab.thorough("a second run changes nothing: the test before"):
            assert playbooks.create(PAYROLL, arguments=NAMED, verify=False).hosts("changed") == set()
        address = playbooks.addresses()[partner.VM]
        partner.answer(second)
        with lab.pinging("vm1-east", address, interval=0.05) as pings:
            partner.move(found, first, second, agreed)
            begun = time.monotonic()
            lab.wait_for("the tunnels where the partner is now", lambda: remote_hosts() == {second}, 60)
            lab.wait_for("traffic", lambda: all(lab.answers(member, address) for member in OURS), 60)
            waited = time.monotonic() - begun
        say(
            f"a partner by name moves: traffic in both tunnels after {waited:.1f} s ({pings.lost} of {pings.sent} lost)"
        )
        assert [len(sas) for sas in state().values()] == [1, 1]
        if lab.thorough("tests/unit: what status_vpn shows of what edges say"):
            assert f"{partner.NAME}  {second}" in playbooks.run("status_vpn", NAMED).output
    finally:
        partner.move(found, second, first, agreed)
        playbooks.create(PAYROLL, arguments=LAYERED, verify=False)
        partner.stop_answering()
        for edge in TUNNELS.values():
            partner.ask_as_before(edge)
    assert remote_hosts() == {first}  # and no IKE_SA with where it was
    for edge in TUNNELS.values():
        assert not lab.host(edge).file("/run/intercloud-vpn/partners.json").exists
        assert partner.NAME not in lab.sh(edge, "cat /etc/swanctl/conf.d/*")


def test_with_a_certificate_instead(found, tmp_path):
    """Signed by our authority; nothing is left of the keys."""
    lab.sh(partner.EDGE, "openssl ecparam -name secp384r1 -genkey -noout -out /etc/swanctl/private/partner.key")
    request = "openssl req -new -key /etc/swanctl/private/partner.key -subj /CN=gw.partner.example"
    csr, signed = tmp_path / "partner.csr", tmp_path / "partner.pem"
    csr.write_text(lab.sh(partner.EDGE, request), encoding="utf-8")
    names = {"vcc_external_edge": partner.EDGE, "vcc_csr": str(csr), "vcc_certificate": str(signed)}
    playbooks.run("sign_certificate", CERTIFICATE, **names)

    authority = Path(_lab.STATE_DIR, "ca/acme/ca.pem").read_text(encoding="utf-8")
    for file, text in (("x509/partner.pem", signed.read_text(encoding="utf-8")), ("x509ca/acme.pem", authority)):
        lab.sh(partner.EDGE, f"cat > /etc/swanctl/{file} <<'END'\n{text}END\n")
    tunnels = [{**tunnel, "authentication": "certificate"} for tunnel in found["tunnels"]]
    partner.configure({**found, "tunnels": tunnels})
    playbooks.create(PAYROLL, arguments=CERTIFICATE, verify=False)
    assert lab.answers("vm1-east", playbooks.addresses()[partner.VM])
    for edge in TUNNELS.values():
        assert not lab.host(edge).file(SECRETS).exists
        assert strongswan.shared_keys(edge) == []


@pytest.mark.thorough("tests/unit: the same settings, without packets")
def test_with_the_terraform_that_is_printed_for_aws(found):
    """Whoever makes of it what AWS makes of it comes up: each end known by its address, and with a new key."""
    for file in KEYS.glob("*"):  # one was agreed upon by phone, and has blanks, which AWS refuses
        file.unlink()
    # AWS has another address for each edge of ours, so there is one.
    payroll = {**PAYROLL, "members": ["vm1-east", partner.VM]}
    playbooks.run(lab.ROOT / "playbooks/stages/plan.yml", AWS, vpns=[payroll])
    settings = partner.settings(*AWS)
    assert [(tunnel["name"], tunnel["gateway"]) for tunnel in settings["tunnels"]] == [(EAST, "aws")]
    partner.configure_as_aws(settings)
    playbooks.create(payroll, arguments=AWS)
    (sa,) = (sa for sa in strongswan.ike_sas("edge-east") if sa.name == EAST)
    assert [child.state for child in sa.children] == ["INSTALLED"]
    addresses = playbooks.addresses()
    pairs = [("vm1-east", partner.VM), (partner.VM, "vm1-east")]
    pings = lab.reach((source, addresses[to]) for source, to in pairs)
    assert [pair for pair, some in pings.items() if some.lost] == []
