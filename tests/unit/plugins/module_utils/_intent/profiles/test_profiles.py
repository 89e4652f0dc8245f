# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What gateways take of policies: whatever is asked for, they get what they take and what was asked for, or nothing."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.intercloud.vpn.plugins.module_utils._base.problems import Problems
from ansible_collections.intercloud.vpn.plugins.module_utils._intent.policy.catalog import CATALOG
from ansible_collections.intercloud.vpn.plugins.module_utils._intent.policy.encryption import (
    AEAD,
    CIPHER,
    GROUP,
    INTEGRITY,
    PRF,
    check_proposal,
    usable,
)
from ansible_collections.intercloud.vpn.plugins.module_utils._intent.policy.policy import resolve_policy
from ansible_collections.intercloud.vpn.plugins.module_utils._intent.profiles.known import GATEWAYS, wrong_key
from ansible_collections.intercloud.vpn.plugins.module_utils._intent.profiles.profile import Limits, Profile
from ansible_collections.intercloud.vpn.plugins.module_utils._intent.profiles.proposal import (
    GROUP_BITS,
    GROUPS,
    KEY_BITS,
    parsed,
)
from ansible_collections.intercloud.vpn.plugins.module_utils._pki.keys import wrong_psk

EVERY = pytest.mark.parametrize("profile", GATEWAYS.values(), ids=GATEWAYS)


def policy(wanted: Any) -> Any:
    problems = Problems()
    found = resolve_policy(wanted, {}, "policy", problems)
    problems.raise_if_any()
    assert found
    return found.encryption


@st.composite
def proposals(draw: st.DrawFn, *, ike: bool) -> str:
    cipher, group = draw(st.sampled_from(sorted(AEAD | CIPHER))), draw(st.sampled_from(sorted(GROUP)))
    hashes = [] if cipher in AEAD else [draw(st.sampled_from(sorted(INTEGRITY)))]
    if ike and (cipher in AEAD or draw(st.booleans())):
        hashes.append(draw(st.sampled_from(sorted(PRF))))
    words = draw(st.permutations([cipher, *hashes, group]))
    return "-".join(words)


def judge(profile: Profile, asked: list[str], *, ike: bool) -> None:
    chosen = profile.chosen(asked, ike=ike)
    suite = profile.ike if ike else profile.esp
    assert [one for one in asked if one in chosen] == chosen, "only what the policy has, in its order"
    for one in chosen:
        words = {*one.split("-")}
        assert words <= suite.ciphers | suite.groups | suite.hashes | {f"prf{one}" for one in suite.hashes}
    if profile.one_proposal:
        assert len(chosen) <= 1
    if profile.one_pfs_group and not ike:
        assert len({GROUPS[parsed(one).group] for one in chosen}) <= 1
    if not chosen:
        reason = profile.why_not(asked, ike=ike)
        nearest = reason.rpartition(" ")[2]
        assert check_proposal(nearest, ike=ike) is None, "what is named instead is strong, and well-formed"
        assert profile.chosen([nearest], ike=ike) == [nearest], "and the gateway takes it"
        assert all(one in reason for one in asked)


@EVERY
@pytest.mark.parametrize("name", CATALOG)
def test_each_policy_of_the_catalog_is_refused_or_within_the_profile(profile: Profile, name: str) -> None:
    encryption = policy(name)
    for key in ("ike", "esp"):
        judge(profile, usable(getattr(encryption, key), False), ike=key == "ike")


@EVERY
@given(data=st.data(), ike=st.booleans())
def test_any_policy_is_refused_or_within_the_profile(profile: Profile, data: st.DataObject, ike: bool) -> None:
    asked = data.draw(st.lists(proposals(ike=ike), min_size=1, max_size=4, unique=True))
    assert [check_proposal(one, ike=ike) for one in asked] == [None] * len(asked)
    judge(profile, asked, ike=ike)


@EVERY
@given(asked=st.integers(60, 86400))
def test_a_lifetime_is_never_longer_than_asked_for_nor_than_the_gateways(profile: Profile, asked: int) -> None:
    for lifetime in (profile.ike_lifetime, profile.esp_lifetime):
        rekey = lifetime.rekey(asked)
        shown = lifetime.shown(rekey)
        assert 0 < rekey <= asked
        assert rekey < shown, "our edge rekeys first"
        assert (lifetime.lowest or 0) <= shown <= (lifetime.highest or shown)


@pytest.mark.parametrize(
    ("name", "ike", "asked", "nearest"),
    [
        ("mikrotik", True, "aes256gcm16-prfsha384-ecp384", "aes256-sha512-ecp384"),
        ("azure", True, "aes256gcm16-prfsha384-ecp384", "aes256-sha384-ecp384"),
        ("azure", False, "aes256gcm16-modp4096", "aes256gcm16-ecp256"),
        ("gcp", False, "aes256-sha384-ecp384", "aes256-sha512-ecp384"),
        ("aws", True, "aes192-sha256-ecp256", "aes256-sha256-ecp256"),
        ("cisco", True, "chacha20poly1305-prfsha256-x25519", "aes256gcm16-prfsha256-ecp256"),
        # There is none as strong.
        ("azure", True, "aes256-sha512-ecp521", "aes256-sha384-ecp384"),
    ],
)
def test_the_nearest_is_as_strong_where_there_is_such_a_one(name: str, ike: bool, asked: str, nearest: str) -> None:
    assert GATEWAYS[name].nearest(asked, ike=ike) == nearest


def test_there_is_a_strength_for_every_algorithm() -> None:
    assert set(KEY_BITS) == AEAD | CIPHER
    assert set(GROUP_BITS) == set(GROUPS) == GROUP


@EVERY
def test_each_fact_has_a_source_that_was_read(profile: Profile) -> None:
    assert profile.sources
    assert all(source.document and date.fromisoformat(source.read) for source in profile.sources)


@EVERY
def test_a_gateway_takes_the_keys_that_are_made_here(profile: Profile) -> None:
    for key in ("1" + 63 * "0", 64 * "f"):
        assert wrong_psk(key) is None
        assert profile.psk.wrong(key, profile.title) is None


@pytest.mark.parametrize(
    ("gateway", "key", "wrong"),
    [
        ("aws", "0123456789abcdef0123", "takes no key that begins with 0"),
        ("aws", "a key with blanks in it", "takes letters, digits, '.' and '_' in keys only"),
        ("aws", 65 * "a", "takes keys of 8 to 64 characters, and this has 65"),
        ("azure", "correct-horse-battery-staple", "takes letters and digits in keys only"),
        ("cisco", "what?what?what?what?what?", "takes printable ASCII without space and '?' in keys only"),
        ("cisco", "!this would be a comment".replace(" ", ""), "takes no key that begins with !"),
        ("fortigate", "what? what? what? what?", "takes printable ASCII without '?' and '$' in keys only"),
        ("fortigate", "it is $USERNAME that is here", "takes printable ASCII without '?' and '$' in keys only"),
        ("mikrotik", "what? what? what? what?", "takes printable ASCII without '?' in keys only"),
        ("gcp", "anything goes, it seems", None),
        (None, "anything goes, it seems", None),
    ],
)
def test_the_form_of_a_key(gateway: str | None, key: str, wrong: str | None) -> None:
    assert wrong_psk(key) is None
    found = wrong_key(gateway, key)
    assert (wrong in found) if wrong and found else found is wrong is None
    assert key not in (found or "")


def test_a_fixed_lifetime_is_shown_as_it_is() -> None:
    assert Limits(36000, 36000).shown(60) == Limits(36000, 36000).shown(90000) == 36000
