# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An edge that cannot prove who it is gets no tunnel, verify says why, and create_vpn mends it."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ansible_collections.intercloud.vpn.plugins.module_utils._pki import ca
from ansible_collections.intercloud.vpn.plugins.plugin_utils import _lab
from ansible_collections.intercloud.vpn.tests.testinfra import capture, lab, playbooks, strongswan
from ansible_collections.intercloud.vpn.tests.testinfra.playbooks import EDGES, PAYROLL

CERTIFICATE = "/etc/swanctl/x509/intercloud-vpn.pem"
REVOCATIONS = "/etc/swanctl/x509crl/intercloud-vpn.pem"
TUNNEL = "edge-east--edge-west"
INNER = "net 100.64.0.0/10 or net 10.10.0.0/24 or net 192.168.1.0/24"
DAY = datetime.timedelta(days=1)
NOW = datetime.datetime.now(datetime.timezone.utc)


@pytest.fixture(scope="module")
def addresses():
    return playbooks.addresses()


@pytest.fixture(scope="module")
def authority():
    """The directory of the organization's authority."""
    return Path(_lab.STATE_DIR, "ca", "acme")


def loaded(edge):
    """The certificate on an edge."""
    return x509.load_pem_x509_certificate(lab.host(edge).file(CERTIFICATE).content)


def signed(authority, key=None, name=None, begin=NOW - DAY, end=NOW + 100 * DAY):
    """A certificate like edge-west's, and for its key, that differs in one thing. `key`: another authority's."""
    model = loaded("edge-west")
    parent = x509.load_pem_x509_certificate((authority / "ca.pem").read_bytes())
    key = key or serialization.load_pem_private_key((authority / "ca.key").read_bytes(), None)
    (organization,) = parent.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    name = name or f"edge-west.{organization.value}"
    subject = x509.Name([organization, x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(parent.subject)
    builder = builder.public_key(model.public_key()).serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(begin).not_valid_after(end)
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    return builder.sign(key, hashes.SHA384()).public_bytes(serialization.Encoding.PEM).decode()


def end_tunnel():
    lab.sh("edge-west", f"swanctl --terminate --ike {TUNNEL} --force --timeout 3", check=False)
    lab.sh("edge-east", f"swanctl --terminate --ike {TUNNEL} --force --timeout 3", check=False)


def put_on_edge_west(certificate):
    """By hand, as somebody would who has got hold of the edge.

    Both charons forget the good certificate: edge-east remembers it, and its key is still that of edge-west.
    """
    lab.sh("edge-west", f"cat > {CERTIFICATE} <<'end'\n{certificate}end\nswanctl --load-all --clear")
    lab.sh("edge-east", "swanctl --flush-certs")
    end_tunnel()


def established(edge):
    """The IKE_SAs that are more than an attempt."""
    return [sa for sa in strongswan.ike_sas(edge) if sa.state not in ("CREATED", "CONNECTING", "DELETING")]


def try_to_get_in():
    """Both ends try; what charon on edge-east says of it."""
    initiate = "swanctl --initiate --child payroll --timeout 5"
    lab.sh("edge-west", initiate, check=False)
    return lab.sh("edge-east", initiate, check=False)


def assert_refused(addresses, pcap):
    """No SA at either end, no ping, nothing in clear."""
    with capture.capturing(pcap) as wire:
        said = try_to_get_in()
        answered = lab.answers("vm1-east", addresses["vm1-west"])
        back = lab.answers("vm1-west", addresses["vm1-east"], own=addresses["vm1-west"])
        children = [child for edge in EDGES for sa in strongswan.ike_sas(edge) for child in sa.children]
        # The agents try, too, again and again: whatever is on its way then gets nowhere.
        lab.wait_for("no IKE_SA at either end", lambda: not any(map(established, EDGES)), 5)
    assert "no trusted ECDSA public key found for 'edge-west." in said
    assert (answered, back, children) == (False, False, [])
    assert wire.packets(INNER) == []
    assert wire.packets("udp port 500 or udp port 4500") != []


def findings():
    """What verify says: {subject: what was seen}. Of the edges only, for the others have nothing to say on this."""
    run = playbooks.run("verify_vpn", ("--limit", "org_edges"), succeeds=False)
    found = {one["subject"]: one["seen"] for one in playbooks.result()["findings"] if one["severity"] == "error"}
    # The message, not just the table.
    assert "certificate of edge-west" in run.output.partition("fatal: [edge-west]")[2]
    return found


def test_to_revoke_an_edge_that_is_gone_disturbs_nobody(authority, addresses):
    """And from now on there is a list, that says that edge-west is all right."""
    key = ec.generate_private_key(ec.SECP384R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"edge-gone.{authority.name}")])
    request = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA384())
    owner = ca.ensure_authority(_lab.STATE_DIR, authority.name)
    csr = request.public_bytes(serialization.Encoding.PEM).decode()
    ca.sign(owner, csr, f"edge-gone.{authority.name}")
    before = strongswan.spis(*EDGES)
    with lab.pinging("vm1-east", addresses["vm1-west"]) as pings:
        run = playbooks.run("revoke_certificate", vcc_revoke="edge-gone")
    assert run.hosts("changed") == set(EDGES)
    assert strongswan.spis(*EDGES) == before
    assert pings.lost == 0, pings.text


@pytest.mark.parametrize(
    "case",
    [
        "expired",
        pytest.param("another authority's", marks=pytest.mark.thorough("tenants has one of another organization's")),
        "another's name",
    ],
)
def test_a_wrong_certificate_is_refused(authority, addresses, tmp_path, case):
    options, finding, reason = {
        "expired": ({"begin": NOW - 30 * DAY, "end": NOW - DAY}, "expired at", "its certificate is not valid now"),
        "another authority's": (
            {"key": ec.generate_private_key(ec.SECP384R1())},
            "signed by another authority",
            "signed by an authority that is not trusted here",
        ),
        "another's name": ({"name": "edge-south.example"}, "it is for edge-south.example", "but that of"),
    }[case]
    put_on_edge_west(signed(authority, **options))
    assert_refused(addresses, tmp_path / "wire.pcap")
    found = findings()
    assert finding in found["certificate of edge-west"]
    assert f"edge-east refuses edge-west.{authority.name}: " in found[f"tunnel {TUNNEL}"]
    assert reason in found[f"tunnel {TUNNEL}"]


def test_the_next_run_replaces_it(authority, addresses):
    playbooks.create(PAYROLL, verify=False)
    names = loaded("edge-west").extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == [f"edge-west.{authority.name}"]
    assert lab.answers("vm1-east", addresses["vm1-west"])


@pytest.fixture(scope="module")
def stolen():
    """The certificate and key that edge-west has before they are revoked."""
    return loaded("edge-west")


def test_check_predicts_the_revocation(stolen, addresses):
    revocations = lab.host("edge-east").file(REVOCATIONS)
    before = (strongswan.spis(*EDGES), revocations.content)
    run = playbooks.run("revoke_certificate", ("--check", "-v"), vcc_revoke="edge-west")
    assert run.actions["edge-east"] == {
        "certificates": [f"install {REVOCATIONS}"],
        "swanctl": ["load connections", f"terminate {TUNNEL}: its certificate was revoked"],
        "generation": run.actions["edge-east"]["generation"],
    }
    assert run.hosts("changed") == set(EDGES)
    assert (strongswan.spis(*EDGES), revocations.content) == before


def test_a_revoked_certificate_loses_its_tunnel_at_once(stolen, addresses, tmp_path):
    run = playbooks.run("revoke_certificate", vcc_revoke="edge-west")
    assert run.hosts("changed") == set(EDGES)
    assert not lab.answers("vm1-east", addresses["vm1-west"])
    assert_refused(addresses, tmp_path / "wire.pcap")


def test_verify_says_revoked(stolen, authority):
    found = findings()
    assert "is revoked" in found["certificate of edge-west"]
    assert format(stolen.serial_number, "x") in found["certificate of edge-west"]
    assert f"edge-east refuses edge-west.{authority.name}: its certificate was revoked on" in found[f"tunnel {TUNNEL}"]
    assert set(found) == {"certificate of edge-west", f"tunnel {TUNNEL}"}


def test_to_revoke_it_again_changes_nothing():
    assert playbooks.run("revoke_certificate", vcc_revoke="edge-west").changed == frozenset()


def test_it_is_the_list_that_refuses(addresses):
    """Without it, the same certificate gets in: this is what the tests above would look like."""
    lab.sh("edge-east", f"mv {REVOCATIONS} /root/crl.pem && swanctl --load-creds --clear")
    try_to_get_in()
    assert lab.answers("vm1-east", addresses["vm1-west"])


def test_the_next_run_makes_a_new_key(stolen, addresses):
    playbooks.create(PAYROLL)
    key = serialization.PublicFormat.SubjectPublicKeyInfo
    old, new = (one.public_key().public_bytes(serialization.Encoding.DER, key) for one in (stolen, loaded("edge-west")))
    assert old != new
    assert lab.host("edge-east").file(REVOCATIONS).exists
    assert lab.answers("vm1-east", addresses["vm1-west"])
    if lab.thorough("a second run in other scenarios has nothing to do"):
        assert playbooks.create(PAYROLL, verify=False).changed == frozenset()
