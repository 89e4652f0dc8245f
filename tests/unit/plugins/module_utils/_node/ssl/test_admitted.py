# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A peer that comes over OpenVPN has behind it what its certificate names, or is not let in."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._node.ssl import admitted, processes
from ansible_collections.intercloud.vpn.plugins.module_utils._node.ssl.admitted import NAMED, OF_AUTHORITY, refused
from ansible_collections.intercloud.vpn.plugins.module_utils._node.system import install

FILE = "# Made by intercloud.vpn\niroute 10.99.0.0 255.255.255.192\niroute-ipv6 fd64:0:0:5::/64\n"
ALL = {OF_AUTHORITY: "IPv4:?  0.0.0.0/0?IPv6:?  ::/0?"}  # as OpenVPN 2.6.14 says it


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        ("IPv4:?  10.99.0.0/26?IPv6:?  fd64:0:0:5::/64?", ""),
        ("IPv4:?  10.98.0.0-10.99.0.127?  100.64.0.0/26?IPv6:?  fd64::/48?", ""),
        ("IPv4:?  10.99.0.0/27?  10.99.0.32/27?IPv6:?  fd64::/48?", ""),
        ("IPv4:?  10.99.0.0/27?IPv6:?  fd64::/48?", "its certificate does not name 10.99.0.0/26"),
        ("IPv4:?  10.99.0.0/26?", "its certificate does not name fd64:0:0:5::/64"),
        ("IPv6:?  ::/0?", "its certificate does not name 10.99.0.0/26"),
        ("", "its certificate does not name 10.99.0.0/26, fd64:0:0:5::/64"),
        ("IPv4: inherit?", "its certificate does not name 10.99.0.0/26, fd64:0:0:5::/64"),
        ("IPv4:?  10.99.0.7/26?", "cannot be read: 10.99.0.7/26 has host bits set"),
    ],
)
def test_it_has_what_its_certificate_names(named: str, expected: str) -> None:
    assert refused({NAMED: named, **ALL}, FILE) == expected


def test_without_addresses_it_is_let_in_by_an_authority_from_before_only() -> None:
    assert refused({}, FILE) == ""
    assert refused(ALL, FILE) == "its certificate names no addresses"


def test_where_openvpn_shows_no_addresses_it_is_let_in_by_authorities_without_any_only() -> None:
    assert refused({}, FILE, certified=True) == "OpenVPN shows no addresses in its certificate"
    assert refused({NAMED: "IPv4:?  10.99.0.0/26?IPv6:?  fd64::/48?"}, FILE, certified=True) == ""


def test_it_looks_where_the_servers_do() -> None:
    assert (admitted.PEERS, admitted.CERTIFIED) == (processes.PEERS, processes.ADDRESSED)


PEER = "edge-west.acme"
NAMES_IT = {NAMED: "IPv4:?  10.99.0.0/26?IPv6:?  fd64::/48?", **ALL}


class Hook:
    """What a server runs for a peer, as this user and in a directory of its own."""

    def __init__(self, root: Path) -> None:
        self.root, self.checks = root, root / "admitted.py"
        for name in ("peers", "arrivals", "news", "revoked"):
            (root / name).mkdir()
        (root / "peers" / PEER).write_text(FILE, encoding="utf-8")
        text = Path(str(admitted.__file__)).read_text(encoding="utf-8")
        text = text.replace(admitted.PEERS, f"{root}/peers").replace(admitted.CERTIFIED, f"{root}/certified")
        self.checks.write_text(text, encoding="utf-8")

    def certifying(self) -> None:
        """All authorities certify addresses."""
        (self.root / "certified").touch()

    def run(
        self, named: dict[str, str], python: str = sys.executable, path: str = os.defpath
    ) -> tuple[bool, str, list[str]]:
        """Whether it lets the peer in, what it says, and the peers that have arrived."""
        text = install.sources()[install.HOOK].replace(install._interpreter(), python)
        text = text.replace(f"{install.HOME}/{install.PACKAGE}/ssl/admitted.py", str(self.checks))
        for place, name in (
            (processes.ARRIVALS, "arrivals"),
            (processes.NEWS, "news"),
            (processes.REVOKED, "revoked"),
            (processes.ADDRESSED, "certified"),
        ):
            text = text.replace(place, f"{self.root}/{name}")
        environment = {"PATH": path, "common_name": PEER, **named}
        words = ["/bin/sh", "-c", text, "ssl-peer", "vcc-ssl0"]
        done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=30, check=False)
        return done.returncode == 0, done.stderr, sorted(os.listdir(self.root / "arrivals"))


@pytest.fixture
def hook(tmp_path: Path) -> Hook:
    return Hook(tmp_path)


def test_a_server_lets_in_who_names_what_it_has(hook: Hook) -> None:
    assert hook.run(NAMES_IT) == (True, "", [PEER])
    beyond, said, arrived = hook.run({**NAMES_IT, NAMED: "IPv4:?  10.99.0.0/27?"})
    assert (beyond, arrived) == (False, [PEER])
    assert said.startswith(f"{PEER} is not let in: its certificate does not name 10.99.0.0/26")


@pytest.mark.parametrize("missing", ["what checks it", "what the server knows of it", "what is revoked"])
def test_a_server_that_lacks_a_file_lets_nobody_in(hook: Hook, missing: str) -> None:
    files = {"what checks it": hook.checks, "what the server knows of it": hook.root / "peers" / PEER}
    if missing in files:
        files[missing].unlink()
    else:
        (hook.root / "revoked").rmdir()
    admitted_, said, arrived = hook.run(NAMES_IT)
    assert (admitted_, arrived) == (False, [])
    assert said


def test_a_check_that_was_killed_lets_nobody_in(hook: Hook) -> None:
    hook.checks.write_text("import os; os.kill(os.getpid(), 9)", encoding="utf-8")
    assert hook.run(NAMES_IT)[0] is False


@pytest.mark.parametrize("executable", [True, False])
def test_where_its_user_cannot_run_that_python_it_says_that_nothing_is_checked(hook: Hook, executable: bool) -> None:
    python = hook.root / "python3"
    if executable:
        python.write_text("no program", encoding="utf-8")  # 126, and 127 without it
    unchecked = f"not checked what the certificate of {PEER} names"
    let_in, said, arrived = hook.run({}, str(python))
    assert (let_in, arrived) == (True, [PEER])
    assert unchecked in said


@pytest.mark.parametrize("known_by", ["the certificate", "its authority", "the authorities of the edge"])
def test_where_addresses_are_certified_the_system_python_checks_them_then(hook: Hook, known_by: str) -> None:
    named = {"the certificate": {NAMED: ""}, "its authority": ALL}.get(known_by, {})
    if not named:
        hook.certifying()
    python = str(hook.root / "python3")  # there is none
    let_in, said, arrived = hook.run(named, python)
    assert (let_in, arrived) == (False, [])
    assert f"{PEER} is not let in: " in said
    assert hook.run(NAMES_IT, python)[0] is True


def test_where_addresses_are_certified_and_no_python_runs_no_peer_is_let_in(hook: Hook, tmp_path: Path) -> None:
    hook.certifying()
    let_in, said, arrived = hook.run(NAMES_IT, str(hook.root / "python3"), str(tmp_path / "empty"))
    assert (let_in, arrived) == (False, [])
    assert f"{PEER} is not let in: no Python to check the addresses in its certificate with" in said


def test_where_openvpn_shows_no_addresses_no_peer_is_let_in(hook: Hook) -> None:
    assert hook.run({})[0] is True
    hook.certifying()
    let_in, said, _arrived = hook.run({})
    assert not let_in
    assert f"{PEER} is not let in: OpenVPN shows no addresses in its certificate" in said
