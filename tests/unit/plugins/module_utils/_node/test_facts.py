# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a node has, told from what its programs print."""

from __future__ import annotations

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._node import facts


@pytest.mark.parametrize(
    ("versions", "version"),
    [({"charon-systemd": "5.9.8-5+deb12u6"}, "5.9.8"), ({"charon-systemd": "6.0.1-6"}, "6.0.1")],
)
def test_strongswans_version_is_the_packages(versions: dict[str, str], version: str) -> None:
    assert facts.strongswan(versions) == version


@pytest.mark.parametrize(
    ("backend", "version", "trap"),
    [("xfrm", "5.9.8", True), ("libipsec", "5.9.8", False), ("libipsec", "5.9.11", True), ("libipsec", "", False)],
)
def test_traps(backend: str, version: str, trap: bool) -> None:
    assert facts.traps(backend, version) is trap
