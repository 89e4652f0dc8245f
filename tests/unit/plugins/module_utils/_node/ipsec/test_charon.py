# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The IKE daemon's settings: what it loads, and from which flood on it defends itself."""

from __future__ import annotations

import re

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._node.document import Generation
from ansible_collections.intercloud.vpn.plugins.module_utils._node.ipsec import charon, scratch, swanctl
from ansible_collections.intercloud.vpn.plugins.module_utils._node.part import Context
from ansible_collections.intercloud.vpn.plugins.module_utils._node.state import Store

LISTENS = {"dhcp", "farp", "unity", "tnc-tnccs", "tnc-pdp", "updown", "attr", "resolve", "bypass-lan", "forecast"}


@pytest.mark.parametrize(("backend", "expected"), [("libipsec", True), ("xfrm", False)])
def test_plugins_are_named_and_no_others_are_loaded(edge: Generation, backend: str, expected: bool) -> None:
    text = charon.settings(Generation(edge.document, {}, backend))
    (named,) = re.findall(r"^  load = (.+)$", text, re.MULTILINE)
    assert "\n  load_modular = no\n" in text
    assert ("kernel-libipsec" in named.split()) is expected
    assert ("kernel-libipsec {\n      load = yes" in text) is expected  # Debian's own file says no
    assert {"kdf", "vici", "openssl", "x509", "revocation", "socket-default", "kernel-netlink"} <= set(named.split())
    assert not set(named.split()) & LISTENS
    assert [name for name in named.split() if name.startswith(("eap-", "xauth-", "tnc-"))] == []
    assert len(named.split()) == len(set(named.split()))


def test_the_scratch_daemon_loads_the_same_but_for_esp() -> None:
    named = " ".join(charon.plugins("xfrm"))
    assert f"load = {named}\n" in scratch._SETTINGS.format(socket="x", plugins=named)


def test_an_address_is_asked_for_cookies_before_it_is_blocked(edge: Generation) -> None:
    """charon raises `block_threshold` above `cookie_threshold_ip` by itself: 200 was 1001 beside 1000."""
    text = charon.settings(edge)
    found = {name: int(value) for name, value in re.findall(r"^  (\w+_threshold\w*) = (\d+)$", text, re.MULTILINE)}
    assert 0 < found["cookie_threshold_ip"] < found["block_threshold"]


def test_peers_are_held_to_the_addresses_in_their_certificates(edge: Generation) -> None:
    """With the cache, an earlier certificate of the same key would do for one that is revoked (tests/attack)."""
    text = charon.settings(edge)
    assert "\n  cert_cache = no\n" in text
    assert " addrblock " in text


def test_a_charon_from_before_is_not_restarted_for_that(
    edge: Generation, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = charon.settings(edge)
    before = text.replace(" addrblock ", " ").replace("  cert_cache = no\n", "")
    before = "".join(line for line in before.splitlines(True) if "RFC 3779" not in line)
    monkeypatch.setattr(charon, "identity", lambda: (7, "then"))
    monkeypatch.setattr(swanctl.Swanctl, "_deaf", lambda _self: [])
    part = swanctl.Swanctl(Context(edge, edge, store))
    for started_with, expected in ((before, swanctl.RELOAD), (text, ""), (f"{before}#", "restart strongSwan")):
        charon.mark(store, daemon=started_with)
        assert part._restart() == expected
