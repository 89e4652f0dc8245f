# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pre-shared keys on the VCC server: one per tunnel, once, for nobody else to read."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._base.errors import VccError
from ansible_collections.intercloud.vpn.plugins.module_utils._pki.keys import (
    PPK,
    TLS_CRYPT,
    ensure_psks,
    key_name,
    kind_of,
    psk_path,
    read_psks,
    wrong_psk,
)

TUNNELS = ["edge-east--partner", "edge-west--partner"]


def ask(state_dir: Path) -> dict[str, str]:
    return ensure_psks(state_dir, "acme", TUNNELS)


def test_however_many_ask_at_the_same_time_get_the_same_keys(tmp_path: Path) -> None:
    with ProcessPoolExecutor(8) as pool:
        answers = list(pool.map(ask, [tmp_path / "state"] * 32))
    assert answers == [answers[0]] * 32
    assert len(set(answers[0].values())) == 2
    assert all(len(bytes.fromhex(key)) == 32 for key in answers[0].values())
    assert sorted(path.name for path in (tmp_path / "state/psk/acme").iterdir()) == [".lock", *TUNNELS]


def test_nobody_else_can_read_them(tmp_path: Path) -> None:
    ask(tmp_path)
    modes = {path: path.stat().st_mode & 0o777 for path in (tmp_path / "psk").rglob("*")}
    assert modes == {path: 0o700 if path.is_dir() else 0o600 for path in modes}
    assert (tmp_path / "psk").stat().st_mode & 0o777 == 0o700


def test_to_look_makes_nothing(tmp_path: Path) -> None:
    assert read_psks(tmp_path, "acme", TUNNELS) == dict.fromkeys(TUNNELS)
    assert list(tmp_path.iterdir()) == []


def test_a_key_that_was_removed_is_replaced_by_another(tmp_path: Path) -> None:
    before = ask(tmp_path)
    psk_path(tmp_path, "acme", TUNNELS[0]).unlink()
    after = ask(tmp_path)
    assert [before[name] == after[name] for name in TUNNELS] == [False, True]


def test_a_key_that_the_administrator_put_there_is_used(tmp_path: Path) -> None:
    ask(tmp_path)
    psk_path(tmp_path, "acme", TUNNELS[0]).write_text("agreed upon with the partner\r\n", encoding="utf-8")
    assert ask(tmp_path)[TUNNELS[0]] == "agreed upon with the partner"


@pytest.mark.parametrize(
    ("key", "complaint"),
    [
        ("correct horse", "at least 20 characters, and has 13"),
        ("", "at least 20 characters, and has 0"),
        ('a "quoted" correct horse battery', 'without "'),
        ("a correct horse\nbattery staple", "printable ASCII"),
        ("ein richtiges Pferd aus Köln", "printable ASCII"),
        ("correct horse battery staple ", "nor end with a space"),
        ("0x3f3f3f3f3f3f3f3f3f3f3f3f", "must not begin with 0x"),
        (12345678901234567890, "must be text"),
    ],
)
def test_what_will_not_do_for_a_key(key: object, complaint: str) -> None:
    said = wrong_psk(key)
    assert said is not None
    assert complaint in said
    assert not key or str(key) not in said


def test_a_bad_key_in_the_store_is_refused_without_being_shown(tmp_path: Path) -> None:
    ask(tmp_path)
    for content in (b"correct horse", b"\xff\xfe correct horse battery"):
        psk_path(tmp_path, "acme", TUNNELS[0]).write_bytes(content)
        with pytest.raises(VccError, match="edge-east--partner: the pre-shared key") as error:
            ask(tmp_path)
        assert "horse" not in repr(error.value.__cause__) + str(error.value)


@pytest.mark.parametrize(("organization", "tunnel"), [("..", "a--b"), ("acme", "../../etc"), ("acme", ".lock")])
def test_no_name_leads_out_of_the_directory(tmp_path: Path, organization: str, tunnel: str) -> None:
    with pytest.raises(VccError):
        ensure_psks(tmp_path, organization, [tunnel])
    assert list(tmp_path.iterdir()) == []


def test_a_ppk_has_a_place_of_its_own_and_256_bits(tmp_path: Path) -> None:
    keys = ensure_psks(tmp_path, "acme", ["one"], PPK)
    path = psk_path(tmp_path, "acme", "one", PPK)
    assert path == tmp_path / "ppk/acme/one"
    assert (path.stat().st_mode & 0o777, len(bytes.fromhex(keys["one"]))) == (0o600, 32)
    assert read_psks(tmp_path, "acme", ["one"]) == {"one": None}
    path.write_text("long enough for a pre-shared key\n", encoding="utf-8")
    with pytest.raises(VccError, match="the PPK must have at least 43 characters, and has 32"):
        ensure_psks(tmp_path, "acme", ["one"], PPK)


@pytest.mark.parametrize(
    ("ike", "kind"), [({"auth": "psk"}, "psk"), ({"auth": "pubkey", "ppk": True}, "ppk"), ({"auth": "pubkey"}, None)]
)
def test_a_tunnel_has_one_kind_of_key_or_none(ike: dict[str, object], kind: str | None) -> None:
    assert kind_of({"name": "one", "ike": ike}) == kind


def test_no_key_begins_with_a_zero(tmp_path: Path) -> None:
    """AWS takes letters and digits, 8 to 64 of them, and no zero in front."""
    found = ensure_psks(tmp_path, "acme", [f"t{number}" for number in range(200)]).values()
    assert {key[0] for key in found} <= set("123456789abcdef")
    assert {len(key) for key in found} == {64}


def test_a_tls_crypt_key_is_the_edges_and_as_long_as_openvpn_wants_it(tmp_path: Path) -> None:
    tunnel = {"name": "edge-east--edge-west--ssl", "ssl": {"tls_crypt": "edge-west"}}
    assert (kind_of(tunnel), key_name(tunnel)) == (TLS_CRYPT, "edge-west")
    assert kind_of({"name": "x", "ssl": {}}) is None
    key = ensure_psks(tmp_path, "acme", ["edge-west"], TLS_CRYPT)["edge-west"]
    path = psk_path(tmp_path, "acme", "edge-west", TLS_CRYPT)
    assert path == tmp_path / "tls-crypt/acme/edge-west"
    assert (len(bytes.fromhex(key)), path.stat().st_mode & 0o777) == (256, 0o600)
    for wrong in (key[:-1], key + "0", "x" * 512, key[:256] + "\n" + key[256:]):
        path.write_text(wrong, encoding="utf-8")
        with pytest.raises(VccError, match=r"tls-crypt key must be 512 hexadecimal digits on one line") as caught:
            read_psks(tmp_path, "acme", ["edge-west"], TLS_CRYPT)
        assert wrong[:20] not in str(caught.value)
