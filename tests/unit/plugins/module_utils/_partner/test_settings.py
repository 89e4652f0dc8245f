# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an external edge's administrator is shown: golden texts of the story `external`, in tests/unit/settings/.

UPDATE_GOLDEN=1 renews them. Their libreswan configurations were read by libreswan 4.10 (`addconn --checkconfig`).
"""

from __future__ import annotations

import copy
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._base.errors import VccError
from ansible_collections.intercloud.vpn.plugins.module_utils._intent.policy.encryption import (
    AEAD,
    CIPHER,
    GROUP,
    INTEGRITY,
    PRF,
)
from ansible_collections.intercloud.vpn.plugins.module_utils._partner.libreswan import (
    algorithms,
    ipsec_conf,
    ipsec_secrets,
)
from ansible_collections.intercloud.vpn.plugins.module_utils._partner.settings import pointers, settings, with_files
from ansible_collections.intercloud.vpn.plugins.module_utils._partner.settings_text import settings_text

UNIT = Path(__file__).parents[3]
PLAN: dict[str, Any] = json.loads((UNIT / "golden/external/plan.json").read_text(encoding="utf-8"))
ADDCONN = Path("/usr/libexec/ipsec/addconn")
FILES = {"edge-east--partner": "/state/psk/acme/edge-east--partner on vcc", "edge-west--partner": "the inventory"}


def found(edge: str) -> dict[str, Any]:
    return settings(edge, PLAN, PLAN["documents"], FILES, "/state/ca/{organization}/ca.pem on vcc")


@pytest.mark.parametrize("edge", ["partner", "bank"])
def test_the_administrator_is_shown_this(edge: str) -> None:
    text = settings_text(with_files(found(edge), {}))
    path = UNIT / "settings" / f"{edge}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def test_whoever_is_behind_a_nat_is_found_at_the_nats_address() -> None:
    """The document has %any for our own address then; that is no use to the other side."""
    documents = copy.deepcopy(PLAN["documents"])
    (end,) = [tunnel for tunnel in documents["edge-east"]["tunnels"] if tunnel["peer"] == "partner"]
    end.update(local_address="%any", peer_forwarded=True)
    (tunnel, _other) = settings("partner", PLAN, documents, FILES, "")["tunnels"]
    conf = ipsec_conf(tunnel)
    assert "    right=203.0.113.2\n" in conf
    assert "    left=%defaultroute\n" in conf


def test_an_edge_without_a_tunnel_is_named() -> None:
    with pytest.raises(VccError, match="did you mean partner"):
        found("patner")


def test_every_tunnel_has_a_line_that_says_where_to_look() -> None:
    assert [line.partition(":")[0] for line in pointers(PLAN["documents"])] == [
        "bank--edge-east",
        "edge-east--partner",
        "edge-west--partner",
    ]


def test_the_key_is_only_shown_to_who_asks() -> None:
    (tunnel, _other) = found("partner")["tunnels"]
    assert "THE KEY: /state/psk/acme/edge-east--partner on vcc" in ipsec_secrets(tunnel, None)
    assert ipsec_secrets(tunnel, "x" * 20) == f'@gw.partner.example @edge-east.acme : PSK "{"x" * 20}"\n'


@pytest.mark.parametrize(
    ("proposal", "ike", "text"),
    [
        ("aes256gcm16-prfsha384-ecp384", True, "aes_gcm256-sha2_384;dh20"),
        ("aes256-sha256-modp2048", True, "aes256-sha2_256;dh14"),
        ("aes128-sha512-prfsha512-x25519", True, "aes128-sha2_512;dh31"),
        ("aes128-sha512-prfsha256-x25519", True, None),
        ("chacha20poly1305-ecp521", False, "chacha20_poly1305;dh21"),
        ("modp3072-sha384-aes192", False, "aes192-sha2_384;dh15"),
    ],
)
def test_proposals_in_libreswans_words(proposal: str, ike: bool, text: str | None) -> None:
    assert algorithms(proposal, ike=ike) == text


def test_there_is_a_word_for_every_algorithm() -> None:
    for group in GROUP:
        for cipher in AEAD | CIPHER:
            for esp in [f"{cipher}-{group}"] if cipher in AEAD else [f"{cipher}-{name}-{group}" for name in INTEGRITY]:
                assert algorithms(esp, ike=False)
        assert all(algorithms(f"aes128gcm16-{prf}-{group}", ike=True) for prf in PRF)


def test_what_libreswan_cannot_take_is_said() -> None:
    (tunnel, _other) = found("partner")["tunnels"]
    tunnel["ike"]["proposals"] = ["aes256-sha256-prfsha384-ecp384", "aes256gcm16-prfsha384-ecp384"]
    tunnel["vpns"][0]["esp"]["proposals"] = ["aes256gcm16-ecp384", "aes128gcm16-ecp384", "aes256gcm16-x25519"]
    tunnel["vpns"][0]["remote_ts"] = ["100.64.0.0/26", "100.64.0.128/26"]
    text = ipsec_conf(tunnel)
    for line in (
        "# libreswan has no word for aes256-sha256-prfsha384-ecp384: its PRF is always the integrity's hash.",
        "ike=aes_gcm256-sha2_384;dh20",
        "# libreswan takes one group in esp=, so not aes256gcm16-x25519.",
        "esp=aes_gcm256;dh20,aes_gcm128;dh20",
        'rightsubnets="{100.64.0.0/26 100.64.0.128/26}"',
    ):
        assert f"    {line}\n" in text


@pytest.mark.skipif(not ADDCONN.exists(), reason="needs libreswan")
@pytest.mark.parametrize("edge", ["partner", "bank"])
def test_libreswan_reads_it(tmp_path: Path, edge: str) -> None:
    conf = tmp_path / "ipsec.conf"
    conf.write_text("config setup\n\n" + "\n".join(map(ipsec_conf, found(edge)["tunnels"])), encoding="utf-8")
    done = subprocess.run([ADDCONN, "--config", conf, "--checkconfig"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
