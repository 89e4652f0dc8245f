# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kernel settings: set, and given back as they were before the first VPN came, whatever happened meanwhile."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._node.document import NOTHING, Generation
from ansible_collections.intercloud.vpn.plugins.module_utils._node.kernel.sysctl import Sysctls
from ansible_collections.intercloud.vpn.plugins.module_utils._node.part import Context
from ansible_collections.intercloud.vpn.plugins.module_utils._node.state import Store


@pytest.fixture
def forwarding(store: Store) -> Path:
    """The kernel's file."""
    path = store.at("/proc/sys/net/ipv4/ip_forward")
    path.parent.mkdir(parents=True)
    return path


def settle(want: Generation, store: Store, boot: bool = False) -> list[str]:
    """What a commit does; what it said that it would do."""
    part = Sysctls(Context(want, want, store, boot=boot))
    said = [change.action for change in part.changes()]
    part.build()
    part.clear()
    part.forget()
    assert part.changes() == []
    return said


@pytest.mark.parametrize("before", ["0", "1"])
def test_what_was_there_before_comes_back(store: Store, edge: Generation, forwarding: Path, before: str) -> None:
    forwarding.write_text(f"{before}\n", encoding="ascii")
    assert settle(edge, store) == ([] if before == "1" else ["set net.ipv4.ip_forward = 1"])
    assert forwarding.read_text(encoding="ascii").strip() == "1"
    assert settle(edge, store) == []
    assert settle(NOTHING, store) == ([] if before == "1" else ["restore net.ipv4.ip_forward = 0"])
    assert forwarding.read_text(encoding="ascii").strip() == before
    assert store.owned("sysctls") is None


def test_a_gateway_of_its_own_stays_one_after_a_boot_at_which_we_came_first(
    store: Store, edge: Generation, forwarding: Path
) -> None:
    forwarding.write_text("1\n", encoding="ascii")
    settle(edge, store)
    forwarding.write_text("0\n", encoding="ascii")  # the kernel's default; what the machine's own files say comes later
    assert settle(edge, store, boot=True) == ["set net.ipv4.ip_forward = 1"]
    assert settle(NOTHING, store) == []
    assert forwarding.read_text(encoding="ascii").strip() == "1"


def test_what_is_found_at_boot_is_never_noted(store: Store, edge: Generation, forwarding: Path) -> None:
    forwarding.write_text("0\n", encoding="ascii")
    settle(edge, store, boot=True)
    assert store.owned("sysctls") is None


def test_a_setting_that_was_changed_meanwhile_is_set_again_and_the_first_value_comes_back(
    store: Store, edge: Generation, forwarding: Path
) -> None:
    forwarding.write_text("0\n", encoding="ascii")
    settle(edge, store)
    forwarding.write_text("2\n", encoding="ascii")
    assert settle(edge, store) == ["set net.ipv4.ip_forward = 1"]
    assert settle(NOTHING, store) == ["restore net.ipv4.ip_forward = 0"]


def test_a_setting_this_kernel_lacks_is_a_problem(store: Store, edge: Generation) -> None:
    assert Sysctls(Context(edge, NOTHING, store)).problems() == ["net.ipv4.ip_forward: this kernel has no such setting"]
