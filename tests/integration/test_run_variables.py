# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every playbook checks the variables that it reads, and every host's organization is found out in one way."""

from __future__ import annotations

import datetime
import re
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ansible_collections.intercloud.vpn.plugins.module_utils._pki import ca
from ansible_collections.intercloud.vpn.tests.integration.test_slips import HOSTS, LEDGER, VARS, edit, example, run

# Nobody answers, and each host that is asked is told as unreachable at once.
UNREACHABLE = ("-e", "ansible_host=127.0.0.1", "-e", "ansible_port=1", "-e", "ansible_ssh_common_args=")
NOWHERE = "cannot be found out: 'nowhere' is undefined"
RELATIVE = "state2 is relative, and depends on the directory that a run is started in; write the whole path"
OTHER = pytest.mark.thorough("another value or playbook, by the same code")


def certify(folder: Path, organization: str, edge: str = "edge-berlin", days: int = 397) -> None:
    """A certificate for an edge."""
    identity = f"{edge}.{organization}"
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, identity)])
    request = x509.CertificateSigningRequestBuilder().subject_name(name)
    signed = request.sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
    authority = ca.ensure_authority(str(folder / "state"), organization)
    ca.sign(authority, signed.public_bytes(serialization.Encoding.PEM).decode(), identity, days)


def mistakes(lines: list[str]) -> set[str]:
    """The lines that have the path of a mistake."""
    return {line.strip() for line in lines if re.match(r"\s*(vcc_[a-z_]+|hosts)[.:\[]", line)}


@pytest.mark.parametrize(
    ("said", "organization"),
    [
        pytest.param("42", "42", id="number", marks=OTHER),
        pytest.param('"acme "', "acme", id="blank"),
        pytest.param("", "default", id="null", marks=OTHER),
    ],
)
def test_a_revocation_reaches_every_edge_of_its_organization(tmp_path: Path, said: str, organization: str) -> None:
    copy = example(tmp_path)
    edit(copy / VARS, "vcc_org: acme", f"vcc_org: {said}")
    certify(tmp_path, organization)
    options = ("-e", "vcc_revoke=edge-berlin", *UNREACHABLE, "--check")
    _code, lines = run(tmp_path, *options, playbook="revoke_certificate")
    output = "\n".join(lines)
    assert f"edge-berlin.{organization}: 1 certificates revoked now" in output
    asked = {line.split()[0] for line in lines if re.search(r"\bunreachable=1", line)}
    assert asked == {"edge-berlin", "edge-oslo"}, output


def test_a_run_for_one_organization_revokes_nothing_of_another(tmp_path: Path) -> None:
    """An AWX inventory has all organizations, and a job of one of them may name any edge."""
    copy = example(tmp_path)
    theirs = "vcc_public_address: [198.51.100.20]\n"
    edit(copy / HOSTS, theirs, f"{theirs}      vcc_org: umbra\n")
    certify(tmp_path, "umbra")
    options = ("-e", "vcc_revoke=edge-berlin.umbra", *UNREACHABLE, "--check")
    code, lines = run(tmp_path, *options, "-e", "vcc_organization=acme", playbook="revoke_certificate")
    output = " ".join("\n".join(lines).split())
    assert code == 2 and "no certificate was ever signed for it" in output, output
    _code, lines = run(tmp_path, *options, "-e", "vcc_organization=umbra", playbook="revoke_certificate")
    assert "edge-berlin.umbra: 1 certificates revoked now" in "\n".join(lines)


def test_a_renewal_names_whom_it_cannot_reach_and_fails_for_who_is_due(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By what the authority has signed: one of them has had a third of a year, and has two weeks left."""
    example(tmp_path)
    certify(tmp_path, "acme", "edge-oslo", days=30)
    monkeypatch.setattr(ca, "CLOCK_SKEW", datetime.timedelta(days=120))
    certify(tmp_path, "acme", days=14)
    code, lines = run(tmp_path, *UNREACHABLE, playbook="renew_certificates")
    output = " ".join("\n".join(lines).split())
    assert code == 2, output
    assert "edge-berlin: could not be reached, and its certificate is due since" in output
    assert "edge-oslo: could not be reached; its certificate is not due before" in output
    assert {line.split()[0] for line in lines if re.search(r"\bfailed=1", line)} == {"edge-berlin"}


@pytest.mark.parametrize("playbook", ["plan_vpn", pytest.param("revoke_certificate", marks=OTHER)])
def test_an_organization_that_yaml_made_a_boolean_of_is_refused(tmp_path: Path, playbook: str) -> None:
    copy = example(tmp_path)
    edit(copy / VARS, "vcc_org: acme", "vcc_org: no")
    code, lines = run(tmp_path, "-e", "vcc_revoke=edge-berlin", playbook=playbook)
    assert code == 2, "\n".join(lines)
    (said,) = {re.sub(r"^hosts\.[^.]*", "", line) for line in mistakes(lines)}
    assert said.startswith(
        ".vcc_org: is a boolean: YAML reads a bare no, yes, on or off as one; put the name in quotes"
    )
    assert "(and 10 more like this" in said


@pytest.mark.parametrize(
    ("before", "definition", "use", "paths"),
    [
        ("vcc_pools:\n", "  off: 10.77.0.0/16\n", "    pool: ", {"vcc_pools.False", "vcc_vpns[0].pool"}),
        pytest.param(
            *("vcc_policies:\n", "  off: {}\n", "    policy: ", {"vcc_policies.False", "vcc_vpns[0].policy"}),
            marks=OTHER,
        ),
    ],
    ids=["pool", "policy"],
)
def test_names_that_yaml_made_booleans_of_are_refused(
    tmp_path: Path, before: str, definition: str, use: str, paths: set[str]
) -> None:
    copy = example(tmp_path)
    edit(copy / VARS, before, before + definition)
    edit(copy / VARS, use, f"{use}off  #")
    code, lines = run(tmp_path)
    assert code == 2
    quoted = {line.partition(": ")[0] for line in mistakes(lines) if "put the name in quotes" in line}
    assert quoted == paths, "\n".join(lines)


@pytest.mark.parametrize(
    ("playbook", "options"),
    [
        ("backup_ledger", ()),
        pytest.param("restore_ledger", ("-e", "vcc_backup=/tmp/none.backup"), marks=OTHER),
        ("revoke_certificate", ("-e", "vcc_revoke=edge-berlin")),
        pytest.param("renew_certificates", (), marks=OTHER),
        pytest.param(
            "sign_certificate",
            ("-e", "vcc_external_edge=edge-partner", "-e", "vcc_csr=a", "-e", "vcc_certificate=b"),
            marks=OTHER,
        ),
        pytest.param("rotate", ("-e", "vcc_rotate=keys"), marks=OTHER),
    ],
    ids=["backup", "restore", "revoke", "renew", "sign", "rotate"],
)
def test_playbooks_without_an_intent_check_their_variables_too(
    tmp_path: Path, playbook: str, options: tuple[str, ...]
) -> None:
    copy = example(tmp_path)
    edit(copy / VARS, LEDGER.replace("/var/lib/intercloud-vpn", str(tmp_path / "state")), 'vcc_ledger: "{{ nowhere }}"')
    edit(copy / HOSTS, "      ansible_connection: local\n", "      ansible_connection: local\n      vcc_ledgr: x\n")
    (tmp_path / "password").write_text("secret\n")
    options = ("-e", "vcc_bakup=x", "-e", "vcc_state_dir=state2", "--vault-password-file", "password", *options)
    code, lines = run(tmp_path, *options, playbook=playbook)
    assert code == 2
    said = mistakes(lines)
    assert {
        "vcc_bakup: is not known; did you mean vcc_backup?",
        f"vcc_ledger: {NOWHERE}",
        f"vcc_state_dir: {RELATIVE}",
    } < said, "\n".join(lines)
    (own,) = [line for line in said if "vcc_ledgr" in line]
    assert own.endswith("vcc_ledgr: is not known; did you mean vcc_ledger?")
    assert sum("fatal:" in line for line in lines) == 1
    assert not list(tmp_path.rglob("state2"))


def test_recovery_checks_its_variables_too(tmp_path: Path) -> None:
    copy = example(tmp_path)
    edit(copy / VARS, "vcc_org: acme", 'vcc_org: acme\nvcc_organization: "{{ nowhere }}"')
    options = (*UNREACHABLE, "-e", "vcc_bakup=x", "--limit", "node-berlin")
    code, lines = run(tmp_path, *options, playbook="recover_ledger")
    assert code != 0
    assert mistakes(lines) == {"vcc_bakup: is not known; did you mean vcc_backup?", f"vcc_organization: {NOWHERE}"}


def test_the_servers_host_has_no_ledger_of_its_own(tmp_path: Path) -> None:
    copy = example(tmp_path)
    own = "\n      vcc_ledgr: x\n      vcc_state_dir: relative/dir\n      vcc_ledger: sqlite:////own/ledger.sqlite\n"
    edit(copy / HOSTS, "      ansible_connection: local\n", f"      ansible_connection: local{own}")
    code, lines = run(tmp_path)
    assert code == 2
    said = {line.partition(": ")[::2] for line in mistakes(lines)}
    elsewhere = "is not read from the VCC server's host; say it for all hosts"
    assert ("hosts.localhost.vcc_ledgr", "is not known; did you mean vcc_ledger?") in said
    assert ("hosts.localhost.vcc_state_dir", elsewhere) in said
    assert ("hosts.localhost.vcc_ledger", elsewhere) in said


@pytest.mark.parametrize("playbook", ["external_settings", pytest.param("sign_certificate", marks=OTHER)])
def test_an_external_edge_that_nobody_named_is_asked_for_once(tmp_path: Path, playbook: str) -> None:
    example(tmp_path)
    code, lines = run(tmp_path, playbook=playbook)
    output = "\n".join(lines)
    assert code == 2 and output.count("fatal:") == 1 and "for example -e vcc_external_edge=partner" in output, output


def test_blanks_at_the_ends_of_names_to_delete_are_ignored(tmp_path: Path) -> None:
    example(tmp_path)
    code, lines = run(tmp_path, "-e", '{"vcc_delete": ["payrol ", "payrol"]}', playbook="delete_vpn")
    output = "\n".join(lines)
    assert code == 2 and "1 mistake in" in output and "vcc_delete: there is no VPN payrol" in output, output
