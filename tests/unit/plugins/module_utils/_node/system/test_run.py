# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Running programs, with and without their AppArmor profile."""

from __future__ import annotations

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._node.system.run import CommandError, run


@pytest.mark.parametrize("unconfined", [False, True])
def test_what_a_program_says_comes_back(unconfined: bool) -> None:
    assert run("sh", "-c", 'echo "$1"', "sh", "a  b", unconfined=unconfined) == "a  b\n"


@pytest.mark.parametrize("unconfined", [False, True])
def test_a_failure_names_the_program_and_what_it_said(unconfined: bool) -> None:
    with pytest.raises(CommandError, match=r"^sh -c echo no >&2; exit 3: exit 3: no$"):
        run("sh", "-c", "echo no >&2; exit 3", unconfined=unconfined)


def test_a_long_error_keeps_its_cause_and_its_end():
    """nft tells the cause first, and then what it could not read for it; it was cut off."""
    lines = "\n".join(
        ["1: Error: unexpected drop", "drop everything", "^^^^", *(f"{n}: Error: {n}" for n in range(2, 20))]
    )
    with pytest.raises(CommandError) as error:
        run("sh", "-c", "cat >&2; exit 1", stdin=lines)
    assert ": exit 1: 1: Error: unexpected drop; drop everything; " in str(error.value)
    assert "; …; " in str(error.value)
    assert str(error.value).endswith("; 19: Error: 19")
    assert "^" not in str(error.value)
