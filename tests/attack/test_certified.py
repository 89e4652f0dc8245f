# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An edge in the wrong hands, with its own valid key, claims what is behind others (RFC 3779).

The peer's configuration would allow it: only certificates stand in the way. Warm: the peer has verified the edge's good
certificate just before. Cold: it has forgotten it.
"""

from __future__ import annotations

import datetime
import re
import shlex
import time
from contextlib import contextmanager

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from ansible_collections.intercloud.vpn.plugins.module_utils._pki import authority, blocks, ca
from ansible_collections.intercloud.vpn.plugins.plugin_utils import _lab
from ansible_collections.intercloud.vpn.tests.testinfra import lab

PEER, EDGE, TUNNEL, LINK = "edge-east", "edge-west", "edge-east--edge-west", "payroll"
CONFIG, CERTIFICATE = "/etc/swanctl/conf.d/intercloud-vpn.conf", "/etc/swanctl/x509/intercloud-vpn.pem"
KEY, LIST = "/etc/swanctl/private/intercloud-vpn.key", "/etc/swanctl/x509crl/attack.pem"
OWN, THIRD, REST = "100.64.0.64/26", "100.64.0.200/32", "100.64.0.128/25"
EVERYTHING = f"{OWN}, {REST}"
REFUSED, NOT_LET_IN = "TS_UNACCEPTABLE", "AUTHENTICATION_FAILED"


def write(edge, path, text):
    lab.sh(edge, f"printf %s {shlex.quote(text)} >{path}")


def link(key, value):
    """A sed command that sets a value of the link."""
    return f"/^ *{LINK} {{/,/}}/s#{key} = .*#{key} = {value}#"


@pytest.fixture(scope="module")
def peer(addresses):
    """Its configuration takes everything from the edge. It starts nothing by itself, so that each attempt counts."""
    quiet = [link(key, "none") for key in ("start_action", "close_action")] + [link("dpd_action", "clear")]
    lab.sh(PEER, f"cp {CONFIG} /root/kept.conf; systemctl stop intercloud-vpn.service")
    lab.sh(EDGE, f"cp {CONFIG} /root/kept.conf; cp {CERTIFICATE} /root/kept.pem; systemctl stop intercloud-vpn.service")
    try:
        edits = " ".join(f"-e {shlex.quote(one)}" for one in [link("remote_ts", EVERYTHING), *quiet])
        lab.sh(PEER, f"sed -i {edits} {CONFIG}; systemctl restart strongswan")
        lab.netns(EDGE, "ip", "addr", "add", THIRD, "dev", "lo")
        yield
    finally:
        lab.netns(EDGE, "ip", "addr", "del", THIRD, "dev", "lo", check=False)
        lab.sh(EDGE, f"cp /root/kept.pem {CERTIFICATE}")
        for edge in (PEER, EDGE):
            lab.sh(edge, f"mv /root/kept.conf {CONFIG}; rm -f /root/kept.pem {LIST}; systemctl restart strongswan")
            lab.sh(edge, "systemctl start intercloud-vpn.service")
    lab.wait_for("the way back", lambda: lab.answers("vm1-east", addresses[4]["vm1-west"]), 60)


@pytest.fixture(scope="module")
def certificates(peer):
    """Certificates of the edge's own key: as it is to be, from before there were addresses, with too many of them."""
    owner = authority.authority(_lab.STATE_DIR, "acme")
    request = "openssl req -new -subj /CN=edge-west.acme -key "
    csr = lab.sh(EDGE, f"{request}{KEY}")
    found = {"good": lab.sh(EDGE, f"cat {CERTIFICATE}")}
    found["large"] = ca.sign(owner, csr, "edge-west.acme", addresses=[OWN, REST]).certificate
    found["bare"] = bare(owner, found["large"])
    return found


def bare(owner, certificate):
    """The same certificate without addresses."""
    parsed = x509.load_pem_x509_certificate(certificate.encode())
    builder = (
        x509.CertificateBuilder(parsed.issuer, parsed.subject, parsed.public_key(), x509.random_serial_number())
        .not_valid_before(parsed.not_valid_before_utc)
        .not_valid_after(parsed.not_valid_after_utc)
    )
    for extension in parsed.extensions:
        if extension.oid.dotted_string != blocks.OID:
            builder = builder.add_extension(extension.value, extension.critical)
    signed = builder.sign(authority.authority_key(owner.directory), hashes.SHA384())
    return signed.public_bytes(serialization.Encoding.PEM).decode()


def granted():
    """What the peer would send through the tunnel."""
    text = lab.sh(PEER, f"swanctl --list-sas --ike {TUNNEL} 2>/dev/null", check=False)
    return set(re.findall(r"^ +remote (100[^\n]+)$", text, re.MULTILINE))


def claim(certificate, selectors, by=EDGE):
    """What the peer grants when the edge claims selectors with a certificate; and what the end that began was told."""
    write(EDGE, CERTIFICATE, certificate)
    edit = shlex.quote(link("local_ts", selectors))
    lab.sh(EDGE, f"cp /root/kept.conf {CONFIG}; sed -i -e {edit} {CONFIG}; swanctl --load-all >/dev/null 2>&1")
    for edge in (EDGE, PEER):
        lab.sh(edge, f"swanctl --terminate --ike {TUNNEL} --force --timeout 2 >/dev/null 2>&1", check=False)
    said = lab.sh(by, f"timeout 10 swanctl --initiate --ike {TUNNEL} --child {LINK} 2>&1", check=False)
    return granted(), said


@contextmanager
def revoked(owner, certificate):
    """The peer has a list with this certificate, and not with the good one of the same key."""
    serial = x509.load_pem_x509_certificate(certificate.encode()).serial_number
    now = datetime.datetime.now(datetime.timezone.utc)
    entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(now).build()
    parent = x509.load_pem_x509_certificate(owner.pem.encode())
    issuer = parent.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    whose = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(issuer)
    listed = (
        x509.CertificateRevocationListBuilder(parent.subject, now, now + datetime.timedelta(days=9), [], [entry])
        .add_extension(whose, critical=False)
        .add_extension(x509.CRLNumber(int(time.time()) + 9), critical=False)
        .sign(authority.authority_key(owner.directory), hashes.SHA384())
    )
    write(PEER, LIST, listed.public_bytes(serialization.Encoding.PEM).decode())
    lab.sh(PEER, "swanctl --load-creds >/dev/null 2>&1; swanctl --flush-certs >/dev/null 2>&1")
    try:
        yield
    finally:
        lab.sh(PEER, f"rm {LIST}; swanctl --load-creds --clear >/dev/null 2>&1; swanctl --flush-certs >/dev/null 2>&1")


def remembers(certificates, warm):
    """Have the peer know the edge's good certificate, or none of its certificates."""
    if warm:
        assert claim(certificates["good"], OWN)[0] == {OWN}
    else:
        lab.sh(PEER, "swanctl --flush-certs >/dev/null 2>&1")


@pytest.mark.parametrize("by", [EDGE, PEER], ids=["it begins", "the peer begins"])
@pytest.mark.parametrize(
    ("selectors", "expected"),
    [(OWN, {OWN}), (THIRD, set()), (f"{OWN}, {THIRD}", {OWN}), (EVERYTHING, {OWN}), ("100.64.0.0/16", {OWN})],
    ids=["its own", "another's", "both", "all that the peer takes", "far more"],
)
def test_it_gets_what_its_certificate_names(certificates, selectors, expected, by):
    found, said = claim(certificates["good"], selectors, by)
    assert found == expected, said
    if not expected and by == EDGE:
        assert REFUSED in said


def test_with_a_certificate_that_names_them_it_would_get_them(certificates):
    """So the other tests fail for no other reason."""
    assert claim(certificates["large"], THIRD)[0] == {THIRD}


@pytest.mark.parametrize("warm", [True, False], ids=["warm", "cold"])
def test_a_certificate_from_before_lets_it_in_no_more(certificates, warm):
    remembers(certificates, warm)
    found, said = claim(certificates["bare"], THIRD)
    assert (found, NOT_LET_IN in said) == (set(), True), said


@pytest.mark.parametrize("warm", [True, False], ids=["warm", "cold"])
def test_a_revoked_certificate_with_more_addresses_lets_it_in_no_more(certificates, warm):
    with revoked(authority.authority(_lab.STATE_DIR, "acme"), certificates["large"]):
        remembers(certificates, warm)
        found, said = claim(certificates["large"], THIRD)
    assert (found, NOT_LET_IN in said) == (set(), True), said
