# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A policy is a name in the catalog or a mapping that extends one, and what it allows is nowhere weak."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._base.problems import Problems
from ansible_collections.intercloud.vpn.plugins.module_utils._intent.policy.encryption import check_proposal
from ansible_collections.intercloud.vpn.plugins.module_utils._intent.policy.policy import (
    CATALOG,
    Policy,
    policy_from_record,
    resolve_policy,
)

STANDARD = {
    "dpd_delay": 5,
    "retransmit_timeout": 1.0,
    "retransmit_base": 1.4,
    "retransmit_tries": 4,
    "keyingtries": 0,
    "setup_delay": 20,
    "ike": ("aes256gcm16-prfsha384-ecp384",),
    "esp": ("aes256gcm16-ecp384",),
    "ike_rekey": 14400,
    "esp_rekey": 3600,
    "replay_window": 1024,
    "ppk": "none",
}


def resolved(wanted: object, policies: dict[str, Any] | None = None) -> dict[str, Any]:
    problems = Problems()
    policy = resolve_policy(wanted, policies or {}, "vcc_vpns[0].policy", problems)
    assert policy is not None, [str(problem) for problem in problems]
    return {**vars(policy.encryption), **vars(policy.retries)}


# The catalog


def test_standard_is_what_the_documentation_says() -> None:
    assert resolved("standard") == STANDARD


def test_numbers_may_be_texts() -> None:
    said = {
        "encryption": {"ike_rekey": "14400", "esp_rekey": " 3600", "replay_window": "1024"},
        "retries": {"dpd_delay": "5", "retransmit_timeout": "1", "retransmit_base": "1.4"},
    }
    assert resolved(said) == STANDARD


@pytest.mark.parametrize("name", CATALOG)
def test_the_catalog_obeys_its_own_rules(name: str) -> None:
    assert resolved(name)
    # NIST SP 800-77r1, section 4: an IKE_SA of 24 h, a CHILD_SA of 8 h at most.
    assert resolved(name)["ike_rekey"] <= 24 * 3600 and resolved(name)["esp_rekey"] <= 8 * 3600


def test_an_edge_case_of_time_is_within() -> None:
    longest = {"ike_rekey": 86400, "esp_rekey": 28800, "replay_window": 4096}, {"dpd_delay": 3600}
    shortest = {"ike_rekey": 60, "esp_rekey": 60, "replay_window": 32}, {"dpd_delay": 1}
    for encryption, retries in (longest, shortest):
        wanted = {"encryption": encryption, "retries": retries}
        assert resolved(wanted) == {**STANDARD, **encryption, **retries}


# Extending


@pytest.mark.parametrize(
    ("wanted", "differs"),
    [
        ({}, {}),
        ({"extends": "standard"}, {}),
        ({"encryption": {}}, {}),
        ({"retries": {"dpd_delay": 60}}, {"dpd_delay": 60}),
        ("quick", {"esp_rekey": 900}),
        ("quicker", {"esp_rekey": 600, "ike": ("aes128gcm16-prfsha256-ecp256",)}),
        (
            {"extends": "quicker", "encryption": {"esp_rekey": 300}},
            {"esp_rekey": 300, "ike": ("aes128gcm16-prfsha256-ecp256",)},
        ),
    ],
)
def test_a_policy_says_only_what_differs(wanted: object, differs: dict[str, Any]) -> None:
    policies = {
        "quicker": {
            "extends": "quick",
            "encryption": {"esp_rekey": 600, "ike": ["aes128gcm16-prfsha256-ecp256"]},
        },
        "quick": {"encryption": {"esp_rekey": 900}},
    }
    before = copy.deepcopy(policies)
    assert resolved(wanted, policies) == {**STANDARD, **differs}
    assert policies == before and resolved("standard") == STANDARD


def test_a_policy_survives_the_ledger() -> None:
    policy = resolve_policy(
        {"encryption": {"esp": ["aes256-sha512-modp4096", "aes128gcm16-ecp256"]}}, {}, "", Problems()
    )
    assert isinstance(policy, Policy)
    assert policy_from_record(policy.record()) == policy


def test_some_settings_belong_to_the_tunnel() -> None:
    def of_tunnel(section: str = "encryption", **settings: Any) -> object:
        policy = resolve_policy({section: settings}, {}, "", Problems())
        assert policy is not None
        return policy.of_tunnel()

    assert of_tunnel(esp_rekey=900, replay_window=64, esp=["aes128gcm16-ecp256"]) == of_tunnel()
    for other in ({"ike_rekey": 900}, {"ike": ["aes128gcm16-prfsha256-ecp256"]}):
        assert of_tunnel(**other) != of_tunnel()
    assert of_tunnel("retries", dpd_delay=60) != of_tunnel()


# Proposals


@pytest.mark.parametrize(
    "proposal",
    [
        "aes256gcm16-prfsha384-ecp384",
        "aes128gcm16-prfsha256-ecp256",
        "chacha20poly1305-prfsha256-x25519",
        "aes256-sha512-modp4096",
        "aes256-sha384-prfsha384-ecp521",
    ],
)
def test_an_ike_proposal_that_can_be_negotiated(proposal: str) -> None:
    assert check_proposal(proposal, ike=True) is None


@pytest.mark.parametrize(
    "proposal", ["aes256gcm16-ecp384", "aes128gcm16-curve25519", "chacha20poly1305-modp2048", "aes192-sha256-ecp256"]
)
def test_an_esp_proposal_that_can_be_negotiated(proposal: str) -> None:
    assert check_proposal(proposal, ike=False) is None


@pytest.mark.parametrize("weak", ["3des", "des", "blowfish128", "cast128", "null", "aes256gcm8", "aes128ctr"])
@pytest.mark.parametrize("ike", [True, False])
def test_no_weak_or_unknown_cipher_is_allowed(weak: str, ike: bool) -> None:
    assert "is not an allowed algorithm" in str(check_proposal(f"{weak}-sha256-prfsha256-ecp256", ike=ike))


@pytest.mark.parametrize("weak", ["md5", "sha1", "sha", "aesxcbc", "prfmd5", "prfsha1", "sha256_96"])
@pytest.mark.parametrize("ike", [True, False])
def test_no_weak_or_unknown_hash_is_allowed(weak: str, ike: bool) -> None:
    assert "is not an allowed algorithm" in str(check_proposal(f"aes256-{weak}-ecp256", ike=ike))


@pytest.mark.parametrize("weak", ["modp768", "modp1024", "modp1536", "modp1024s160", "ecp192", "ecp224"])
@pytest.mark.parametrize("ike", [True, False])
def test_no_weak_or_unknown_group_is_allowed(weak: str, ike: bool) -> None:
    assert "is not an allowed algorithm" in str(check_proposal(f"aes256-sha256-{weak}", ike=ike))


@pytest.mark.parametrize(
    ("proposal", "ike", "wrong"),
    [
        ("aes256gcm16", False, "perfect forward secrecy"),
        ("aes256gcm16-prfsha256", True, "exactly one key exchange group"),
        ("aes256gcm16-ecp256-ecp384", False, "exactly one key exchange group"),
        ("aes256gcm16-ecp256", True, "needs exactly one of prfsha256, prfsha384, prfsha512"),
        ("aes256gcm16-prfsha256-prfsha384-ecp256", True, "needs exactly one of prfsha256"),
        ("aes256-ecp256", False, "aes256 needs exactly one of sha256, sha384, sha512"),
        ("aes256-sha256-sha384-ecp256", False, "aes256 needs exactly one of"),
        ("aes256gcm16-sha256-ecp256", False, "authenticates by itself"),
        ("aes128-aes256-sha256-ecp256", False, "not exactly one encryption algorithm"),
        ("sha256-ecp256", False, "not exactly one encryption algorithm"),
        ("aes256gcm16-prfsha256-ecp256", False, "prfsha256 is not used in an ESP proposal"),
        ("AES256GCM16-ECP256", False, "is not an allowed algorithm"),
        ("aes256gcm16-ecp256!", False, "is not an allowed algorithm"),
        ("aes256gcm16-ecp256,aes128-sha1-modp1024", False, "is not an allowed algorithm"),
        ("default", False, "is not an allowed algorithm"),
        ("", True, "is not an allowed algorithm"),
        ("-", True, "is not an allowed algorithm"),
    ],
)
def test_a_proposal_that_cannot_be_or_must_not_be(proposal: str, ike: bool, wrong: str) -> None:
    assert wrong in str(check_proposal(proposal, ike=ike))
